"""The column `ddl`: the text of each form, and that the fake reads what it writes."""

from __future__ import annotations

import pytest
from google.cloud import bigquery

from tests.bigquery_fake.clients import ONCE, Queries, make_dataset

Field = bigquery.SchemaField
DDL = "SELECT ddl FROM shop.INFORMATION_SCHEMA.TABLES WHERE table_name = '{}'"

EVERYTHING = r"""CREATE TABLE `acme-test.shop.everything`
(
  id STRING NOT NULL OPTIONS(description="the \"id\"\nand \\ more, é"),
  amount NUMERIC(20, 4) DEFAULT 0,
  whole NUMERIC(5),
  s STRUCT<a STRING NOT NULL OPTIONS(description="x"), b ARRAY<STRUCT<c INT64>>> OPTIONS(description="nested"),
  many ARRAY<STRUCT<k STRING(10), v BYTES(5)>>,
  name STRING COLLATE 'und:ci',
  m BIGNUMERIC OPTIONS(rounding_mode="ROUND_HALF_EVEN"),
  span RANGE<DATE>,
  `order` BOOL,
  `two words` FLOAT64,
  ts TIMESTAMP
)
PARTITION BY DATE(ts)
CLUSTER BY id, name
OPTIONS(
  description="All of \"it\"",
  expiration_timestamp=TIMESTAMP "2050-01-02T03:04:05.000Z",
  friendly_name="Every\tthing",
  labels=[("team", "shop"), ("tier", "gold")],
  partition_expiration_days=90.0,
  require_partition_filter=true
);"""


def everything() -> bigquery.Table:
    nested = [
        Field("a", "STRING", "REQUIRED", description="x"),
        Field("b", "RECORD", "REPEATED", fields=[Field("c", "INT64")]),
    ]
    pairs = [Field("k", "STRING", max_length=10), Field("v", "BYTES", max_length=5)]
    schema = [
        Field("id", "STRING", "REQUIRED", description='the "id"\nand \\ more, é'),
        Field("amount", "NUMERIC", precision=20, scale=4, default_value_expression="0"),
        Field("whole", "NUMERIC", precision=5),
        Field("s", "RECORD", fields=nested, description="nested"),
        Field("many", "RECORD", "REPEATED", fields=pairs),
        Field.from_api_repr({"name": "name", "type": "STRING", "collation": "und:ci"}),
        Field.from_api_repr({"name": "m", "type": "BIGNUMERIC", "roundingMode": "ROUND_HALF_EVEN"}),
        Field("span", "RANGE", range_element_type="DATE"),
        Field("order", "BOOL"),
        Field("two words", "FLOAT64"),
        Field("ts", "TIMESTAMP"),
    ]
    table = bigquery.Table("acme-test.shop.everything", schema=schema)
    table.description, table.friendly_name = 'All of "it"', "Every\tthing"
    table.labels = {"tier": "gold", "team": "shop"}
    table.time_partitioning = bigquery.TimePartitioning(field="ts", expiration_ms=90 * 86_400_000)
    table.require_partition_filter, table.clustering_fields = True, ["id", "name"]
    table._properties["expirationTime"] = "2524705445000"
    return table


def test_a_table_with_everything(client: bigquery.Client, dataset: bigquery.Dataset, sql: Queries) -> None:
    client.create_table(everything(), retry=ONCE)
    assert sql.one(DDL.format("everything")) == EVERYTHING


def test_the_text_makes_an_equal_table(client: bigquery.Client, dataset: bigquery.Dataset, sql: Queries) -> None:
    client.create_table(everything(), retry=ONCE)
    make_dataset(client, "copy")
    sql.job(sql.one(DDL.format("everything")).replace("acme-test.shop.", "acme-test.copy."))
    original, copy = (client.get_table(f"{name}.everything", retry=ONCE).to_api_repr() for name in ("shop", "copy"))
    for key in ("schema", "timePartitioning", "clustering", "labels", "description", "expirationTime", "friendlyName"):
        assert copy[key] == original[key]


TIME = bigquery.TimePartitioning
LAYOUTS = [
    (TIME(field="ts"), "DATE(ts)"),
    (TIME(field="dt"), "DATE(dt)"),
    (TIME(field="d"), "d"),
    (TIME("HOUR", field="ts"), "TIMESTAMP_TRUNC(ts, HOUR)"),
    (TIME("MONTH", field="ts"), "TIMESTAMP_TRUNC(ts, MONTH)"),
    (TIME("YEAR", field="dt"), "DATETIME_TRUNC(dt, YEAR)"),
    (TIME("MONTH", field="d"), "DATE_TRUNC(d, MONTH)"),
    (TIME(), "_PARTITIONDATE"),
    (TIME("HOUR"), "TIMESTAMP_TRUNC(_PARTITIONTIME, HOUR)"),
    (
        bigquery.RangePartitioning(bigquery.PartitionRange(start=0, end=100, interval=10), field="id"),
        "RANGE_BUCKET(id, GENERATE_ARRAY(0, 100, 10))",
    ),
]


@pytest.mark.parametrize(("partitioning", "text"), LAYOUTS, ids=[text for _, text in LAYOUTS])
def test_partitioning(
    client: bigquery.Client,
    dataset: bigquery.Dataset,
    sql: Queries,
    partitioning: bigquery.TimePartitioning | bigquery.RangePartitioning,
    text: str,
) -> None:
    schema = [Field("id", "INT64"), Field("ts", "TIMESTAMP"), Field("dt", "DATETIME"), Field("d", "DATE")]
    table = bigquery.Table("acme-test.shop.parts", schema=schema)
    if isinstance(partitioning, bigquery.RangePartitioning):
        table.range_partitioning = partitioning
    else:
        table.time_partitioning = partitioning
    client.create_table(table, retry=ONCE)
    ddl = sql.one(DDL.format("parts"))
    assert f"\n)\nPARTITION BY {text};" in ddl
    client.delete_table("shop.parts", retry=ONCE)
    sql.job(ddl)
    assert sql.one(DDL.format("parts")) == ddl


def test_views(client: bigquery.Client, dataset: bigquery.Dataset, sql: Queries) -> None:
    client.create_table(bigquery.Table("acme-test.shop.t", schema=[Field("org_slug", "STRING")]), retry=ONCE)
    sql.job('CREATE VIEW shop.v OPTIONS(description="of all") AS\nSELECT org_slug -- the slug\nFROM shop.t')
    sql.job(
        "CREATE MATERIALIZED VIEW shop.mv CLUSTER BY org_slug OPTIONS(refresh_interval_minutes=15) "
        "AS SELECT org_slug FROM shop.t"
    )
    query = "SELECT org_slug -- the slug\nFROM shop.t"
    assert sql.one(DDL.format("v")) == (
        f'CREATE VIEW `acme-test.shop.v`\nOPTIONS(\n  description="of all"\n)\nAS {query};'
    )
    assert sql.one(DDL.format("mv")) == (
        "CREATE MATERIALIZED VIEW `acme-test.shop.mv`\nCLUSTER BY org_slug\nOPTIONS(\n  enable_refresh=true,\n"
        "  refresh_interval_minutes=15.0\n)\nAS SELECT org_slug FROM shop.t;"
    )
