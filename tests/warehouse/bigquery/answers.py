"""What BigQuery answers for a table or view that it was given, by the rules that the fake server keeps."""

from __future__ import annotations

from cloudact.catalog.model import Table, View
from cloudact.warehouse.bigquery.resources import table_resource, view_resource
from tests.bigquery_fake.ddl_text import ddl_head, ddl_tail
from tests.bigquery_fake.rules import Resource, new_table
from tests.bigquery_fake.specs import Spec

PROJECT, DATASET = "acme-analytics", "shop"
WHOLE_TABLE = r"""CREATE TABLE `acme-analytics.shop.orders`
(
  id STRING NOT NULL OPTIONS(description="the \"id\""),
  placed_at TIMESTAMP NOT NULL,
  amount NUMERIC(20, 4) DEFAULT ROUND(0, 1) NOT NULL OPTIONS(rounding_mode="ROUND_HALF_EVEN"),
  buyer STRUCT<email STRING NOT NULL OPTIONS(description="x"), phones ARRAY<STRUCT<number STRING(20)>>> OPTIONS(description="Who paid,\nand how (to reach them)"),
  name STRING COLLATE 'und:ci',
  `with-dash` ARRAY<INT64>
)
PARTITION BY DATE(placed_at)
CLUSTER BY id, `with-dash`
OPTIONS(
  description="One row per order.",
  expiration_timestamp=TIMESTAMP "2030-01-01T00:00:00.000Z",
  friendly_name="Orders",
  labels=[("team", "shop"), ("env", "")],
  partition_expiration_days=90.0,
  require_partition_filter=true
);"""  # noqa: E501 - BigQuery writes a column on one line, however long
PARENT: Resource = {"datasetReference": {"projectId": PROJECT, "datasetId": DATASET}, "location": "EU"}


def live(relation: Table | View) -> Resource:
    """Return the resource of a table or view that was made as declared."""
    if isinstance(relation, View):
        return new_table(view_resource(PROJECT, DATASET, relation), dataset=PARENT)
    return new_table(table_resource(PROJECT, DATASET, relation), dataset=PARENT)


def ddl_of(relation: Table | View) -> str:
    """Return what the column `ddl` says of a table or view that was made as declared."""
    made = live(relation)
    return f"{ddl_head(made['type'])} `{PROJECT}.{DATASET}.{relation.name}`{ddl_tail(Spec(made, 1, 1))}"


def ddl_with(columns: str, tail: str = "") -> str:
    """Return the `ddl` of a table with these columns, and what stands after them."""
    return f"CREATE TABLE `p.shop.t`\n(\n  {columns}\n){tail};"
