"""Copy jobs, and tables made from a query, follow BigQuery's documented rules."""

from __future__ import annotations

import pytest
from google.api_core import exceptions
from google.cloud import bigquery

from tests.bigquery_fake.clients import ONCE
from tests.bigquery_fake.server import Fake


@pytest.fixture
def orders(client: bigquery.Client) -> bigquery.TableReference:
    """A table with rows, labels and a layout."""
    client.create_dataset(bigquery.Dataset(f"{client.project}.shop"))
    reference = bigquery.DatasetReference(client.project, "shop").table("orders")
    client.query_and_wait(
        "CREATE TABLE shop.orders (id STRING NOT NULL OPTIONS (description = 'Its name.'), n INT64)"
        " CLUSTER BY id OPTIONS (description = 'Orders.', labels = [('a', 'b')])"
    )
    client.query_and_wait("INSERT INTO shop.orders (id, n) VALUES ('1', 1), ('2', NULL)")
    return reference


def copy(
    client: bigquery.Client, source: bigquery.TableReference, target: str, job_id: str | None = None, **config: str
) -> None:
    settings = bigquery.CopyJobConfig(**config)
    to = f"{client.project}.{target}"
    client.copy_table(source, to, job_id=job_id, job_config=settings, retry=ONCE).result(retry=ONCE)


def rows(client: bigquery.Client, table: str) -> list[tuple[object, ...]]:
    return sorted(row.values() for row in client.query_and_wait(f"SELECT * FROM {table}"))


def test_a_copy_has_schema_layout_and_rows_but_no_description(
    client: bigquery.Client, orders: bigquery.TableReference
) -> None:
    copy(client, orders, "shop.kept")
    made, original = client.get_table("shop.kept"), client.get_table("shop.orders")
    assert (made.schema, made.clustering_fields) == (original.schema, original.clustering_fields)
    assert (made.description, made.labels) == (None, {})
    assert rows(client, "shop.kept") == rows(client, "shop.orders") == [("1", 1), ("2", None)]
    client.query_and_wait("INSERT INTO shop.kept (id) VALUES ('3')")
    assert len(rows(client, "shop.orders")) == 2


def test_a_copy_writes_over_nothing(client: bigquery.Client, orders: bigquery.TableReference) -> None:
    copy(client, orders, "shop.kept")
    with pytest.raises(exceptions.Conflict, match="Already Exists: Table"):
        copy(client, orders, "shop.kept", write_disposition="WRITE_EMPTY")


def test_a_job_id_copies_once(client: bigquery.Client, orders: bigquery.TableReference) -> None:
    copy(client, orders, "shop.kept", job_id="once")
    with pytest.raises(exceptions.Conflict, match="once"):
        copy(client, orders, "shop.another", job_id="once")


@pytest.mark.parametrize("target", ["nowhere.kept", "elsewhere.kept"])
def test_a_copy_stays_in_its_location(client: bigquery.Client, orders: bigquery.TableReference, target: str) -> None:
    elsewhere = bigquery.Dataset(f"{client.project}.elsewhere")
    elsewhere.location = "asia-east1"
    client.create_dataset(elsewhere)
    with pytest.raises(exceptions.NotFound):
        copy(client, orders, target)


def test_only_tables_are_copied(client: bigquery.Client, orders: bigquery.TableReference) -> None:
    client.query_and_wait("CREATE VIEW shop.few AS SELECT id FROM shop.orders")
    with pytest.raises(exceptions.BadRequest, match="not a table"):
        copy(client, orders.from_string(f"{client.project}.shop.few"), "shop.kept")


def test_what_is_not_modelled_is_refused(client: bigquery.Client, orders: bigquery.TableReference) -> None:
    copy(client, orders, "shop.kept")
    for disposition in ("WRITE_TRUNCATE", "WRITE_APPEND"):
        with pytest.raises(exceptions.MethodNotImplemented):
            copy(client, orders, "shop.kept", write_disposition=disposition)


def test_a_table_is_replaced_by_what_a_query_reads_of_it(
    client: bigquery.Client, orders: bigquery.TableReference
) -> None:
    client.query_and_wait(
        "CREATE OR REPLACE TABLE shop.orders (n NUMERIC, id STRING NOT NULL)"
        " AS SELECT CAST(n AS NUMERIC), id FROM shop.orders"
    )
    assert [(field.name, field.field_type, field.mode) for field in client.get_table("shop.orders").schema] == [
        ("n", "NUMERIC", "NULLABLE"),
        ("id", "STRING", "REQUIRED"),
    ]
    assert sorted(row["id"] for row in client.query_and_wait("SELECT id FROM shop.orders")) == ["1", "2"]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE OR REPLACE TABLE shop.orders (id INT64) AS SELECT id FROM shop.orders",
        "CREATE OR REPLACE TABLE shop.orders (n INT64 NOT NULL) AS SELECT n FROM shop.orders",
        "CREATE OR REPLACE TABLE shop.orders (id STRING, n INT64) AS SELECT id FROM shop.orders",
        "CREATE OR REPLACE TABLE shop.orders (n INT64) AS SELECT IF(n = 1, ERROR('no'), n) FROM shop.orders",
        "CREATE OR REPLACE TABLE shop.orders (n INT64) PARTITION BY _PARTITIONDATE AS SELECT n FROM shop.orders",
    ],
)
def test_a_query_that_does_not_fit_leaves_the_table(
    client: bigquery.Client, orders: bigquery.TableReference, statement: str
) -> None:
    with pytest.raises(exceptions.BadRequest):
        client.query_and_wait(statement, retry=ONCE, job_retry=ONCE)
    assert rows(client, "shop.orders") == [("1", 1), ("2", None)]


def test_rows_in_the_streaming_buffer_are_told(
    fake: Fake, client: bigquery.Client, orders: bigquery.TableReference
) -> None:
    assert client.get_table(orders).streaming_buffer is None
    fake.catalog.table(client.project, "shop", "orders").streaming = 7
    buffer = client.get_table(orders).streaming_buffer
    assert buffer is not None
    assert buffer.estimated_rows == 7
