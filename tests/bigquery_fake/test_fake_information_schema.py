"""INFORMATION_SCHEMA: rows, regions, lag, and what is left of deleted datasets."""

from __future__ import annotations

from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import bigquery

from tests.bigquery_fake.clients import ONCE, MakeTable, Queries, connected, make_dataset, scalar
from tests.bigquery_fake.clock import ManualClock
from tests.bigquery_fake.server import Fake

Field = bigquery.SchemaField
INTROSPECTION = """
    SELECT 'dataset' AS kind, schema_name AS name, location AS detail, CAST(NULL AS STRING) AS ddl
    FROM `acme-test`.`region-eu`.INFORMATION_SCHEMA.SCHEMATA WHERE schema_name = @dataset
    UNION ALL
    SELECT 'option', option_name, option_value, NULL
    FROM `acme-test`.`region-eu`.INFORMATION_SCHEMA.SCHEMATA_OPTIONS WHERE schema_name = @dataset
    UNION ALL
    SELECT 'table', table_name, table_type, ddl FROM `acme-test`.`shop`.INFORMATION_SCHEMA.TABLES
    ORDER BY kind, name
"""


@pytest.fixture
def orders(client: bigquery.Client, dataset: bigquery.Dataset) -> bigquery.Table:
    """A partitioned, clustered table with nested columns."""
    inner = [Field("a", "STRING", description="Inner."), Field("b", "RECORD", "REPEATED", fields=[Field("c", "INT64")])]
    fields = [
        Field("id", "INT64", "REQUIRED", description="The key."),
        Field("ts", "TIMESTAMP"),
        Field("name", "STRING"),
        Field("amount", "NUMERIC", precision=10, scale=2),
        Field("tags", "STRING", "REPEATED"),
        Field("s", "RECORD", fields=inner),
    ]
    table = bigquery.Table(dataset.reference.table("orders"), schema=fields)
    table.time_partitioning = bigquery.TimePartitioning(field="ts")
    table.require_partition_filter = True
    table.clustering_fields, table.labels, table.description = ["name"], {"org": "o1"}, 'The "orders"'
    return client.create_table(table, retry=ONCE)


def test_one_query_tells_all_about_a_dataset(client: bigquery.Client, orders: bigquery.Table, sql: Queries) -> None:
    dataset = client.get_dataset("shop", retry=ONCE)
    dataset.labels, dataset.description = {"a": "1", "b": "2"}, "All"
    client.update_dataset(dataset, ["labels", "description"], retry=ONCE)
    rows = sql.rows(INTROSPECTION, scalar("dataset", "STRING", "shop"))
    assert rows[:3] == [
        ("dataset", "shop", "EU", None),
        ("option", "description", '"All"', None),
        ("option", "labels", '[STRUCT("a", "1"), STRUCT("b", "2")]', None),
    ]
    assert rows[3][:3] == ("table", "orders", "BASE TABLE")
    assert rows[3][3].startswith("CREATE TABLE `acme-test.shop.orders`\n(\n  id INT64 NOT NULL")
    assert sql.rows(INTROSPECTION, scalar("dataset", "STRING", "another"))[0][0] == "table"


def test_columns(orders: bigquery.Table, sql: Queries) -> None:
    rows = sql.rows(
        "SELECT column_name, ordinal_position, is_nullable, data_type, is_partitioning_column, "
        "clustering_ordinal_position, column_default FROM shop.INFORMATION_SCHEMA.COLUMNS ORDER BY ordinal_position"
    )
    assert rows == [
        ("id", 1, "NO", "INT64", "NO", None, "NULL"),
        ("ts", 2, "YES", "TIMESTAMP", "YES", None, "NULL"),
        ("name", 3, "YES", "STRING", "NO", 1, "NULL"),
        ("amount", 4, "YES", "NUMERIC(10, 2)", "NO", None, "NULL"),
        ("tags", 5, "NO", "ARRAY<STRING>", "NO", None, "NULL"),
        ("s", 6, "YES", "STRUCT<a STRING, b ARRAY<STRUCT<c INT64>>>", "NO", None, "NULL"),
    ]


def test_column_field_paths(orders: bigquery.Table, sql: Queries) -> None:
    rows = sql.rows(
        "SELECT field_path, data_type, description FROM `shop`.INFORMATION_SCHEMA.COLUMN_FIELD_PATHS "
        "WHERE column_name IN ('id', 's') ORDER BY field_path"
    )
    assert rows == [
        ("id", "INT64", "The key."),
        ("s", "STRUCT<a STRING, b ARRAY<STRUCT<c INT64>>>", None),
        ("s.a", "STRING", "Inner."),
        ("s.b", "ARRAY<STRUCT<c INT64>>", None),
        ("s.b.c", "INT64", None),
    ]


def test_table_options(orders: bigquery.Table, sql: Queries) -> None:
    rows = sql.rows(
        "SELECT option_name, option_type, option_value FROM shop.INFORMATION_SCHEMA.TABLE_OPTIONS ORDER BY option_name"
    )
    assert rows == [
        ("description", "STRING", '"The \\"orders\\""'),
        ("labels", "ARRAY<STRUCT<STRING, STRING>>", '[STRUCT("org", "o1")]'),
        ("require_partition_filter", "BOOL", "true"),
    ]


def test_views(orders: bigquery.Table, sql: Queries) -> None:
    sql.rows("CREATE VIEW shop.v AS SELECT id FROM `acme-test.shop.orders` WHERE ts > TIMESTAMP '2026-01-01'")
    sql.rows("CREATE MATERIALIZED VIEW shop.m AS SELECT id FROM `acme-test.shop.orders` WHERE ts IS NOT NULL")
    assert sql.rows("SELECT table_name, view_definition, use_standard_sql FROM shop.INFORMATION_SCHEMA.VIEWS") == [
        ("v", "SELECT id FROM `acme-test.shop.orders` WHERE ts > TIMESTAMP '2026-01-01'", "YES")
    ]
    assert sql.rows("SELECT table_name FROM shop.INFORMATION_SCHEMA.MATERIALIZED_VIEWS") == [("m",)]
    kinds = sql.rows("SELECT table_type FROM shop.INFORMATION_SCHEMA.TABLES ORDER BY table_name")
    assert kinds == [("MATERIALIZED VIEW",), ("BASE TABLE",), ("VIEW",)]


def test_a_region_shows_its_own_datasets_and_none_that_is_hidden(
    fake: Fake, client: bigquery.Client, table: MakeTable, sql: Queries
) -> None:
    table("t", "id INT64")
    make_dataset(client, "american", "US")
    make_dataset(client, "_hidden")
    make_dataset(client, "belgian", "europe-west1")
    names = "SELECT schema_name FROM `region-{}`.INFORMATION_SCHEMA.SCHEMATA ORDER BY schema_name"
    assert sql.rows(names.format("eu")) == [("shop",)]
    for location, region, expected in (("US", "us", "american"), ("europe-west1", "europe-west1", "belgian")):
        with connected(fake.url, location) as elsewhere:
            assert Queries(elsewhere).rows(names.format(region)) == [(expected,)]
    assert sql.rows("SELECT table_schema, table_name FROM `region-eu`.INFORMATION_SCHEMA.TABLES") == [("shop", "t")]


def test_the_location_of_the_job_must_be_the_regions_and_the_datasets(
    fake: Fake, dataset: bigquery.Dataset, sql: Queries
) -> None:
    with pytest.raises(exceptions.NotFound, match="location EU"):
        sql.rows("SELECT schema_name FROM `region-us`.INFORMATION_SCHEMA.SCHEMATA")
    with connected(fake.url, "US") as american, pytest.raises(exceptions.NotFound, match="location US"):
        Queries(american).rows("SELECT table_name FROM shop.INFORMATION_SCHEMA.TABLES")
    with connected(fake.url, None) as anywhere:
        job = Queries(anywhere).job("SELECT table_name FROM shop.INFORMATION_SCHEMA.TABLES")
        assert job.location == "EU"
    with pytest.raises(exceptions.NotFound, match="Dataset acme-test:nope"):
        sql.rows("SELECT table_name FROM nope.INFORMATION_SCHEMA.TABLES")


TABLES = "SELECT table_name FROM shop.INFORMATION_SCHEMA.TABLES ORDER BY table_name"


def test_what_is_written_within_the_lag_is_not_seen_yet(
    fake: Fake, clock: ManualClock, client: bigquery.Client, table: MakeTable, sql: Queries
) -> None:
    table("old", "id INT64")
    clock.advance(60)
    fake.lag = 30
    table("new", "id INT64")
    sql.rows("ALTER TABLE shop.old ADD COLUMN late STRING")
    columns = "SELECT column_name FROM shop.INFORMATION_SCHEMA.COLUMNS WHERE table_name = 'old' ORDER BY 1"
    assert sql.rows(TABLES) == [("old",)]
    assert sql.rows(columns) == [("id",)]
    assert len(client.get_table("shop.old", retry=ONCE).schema) == 2
    clock.advance(30)
    assert sql.rows(TABLES) == [("new",), ("old",)]
    assert sql.rows(columns) == [("id",), ("late",)]


def test_a_dataset_younger_than_the_lag_is_found_but_not_listed(
    fake: Fake, client: bigquery.Client, sql: Queries
) -> None:
    fake.lag = 30
    dataset = make_dataset(client, "shop")
    client.create_table(bigquery.Table(dataset.reference.table("t"), schema=[Field("id", "INT64")]), retry=ONCE)
    assert sql.rows(TABLES) == []
    assert sql.rows("SELECT schema_name FROM `region-eu`.INFORMATION_SCHEMA.SCHEMATA") == []


def test_what_was_deleted_within_the_lag_is_still_seen(
    fake: Fake, clock: ManualClock, client: bigquery.Client, table: MakeTable, sql: Queries
) -> None:
    table("t", "id INT64")
    clock.advance(60)
    fake.lag = 30
    client.delete_table("shop.t", retry=ONCE)
    assert sql.rows(TABLES) == [("t",)]
    clock.advance(30)
    assert sql.rows(TABLES) == []


def test_a_frozen_information_schema_sees_nothing_new(fake: Fake, table: MakeTable, sql: Queries) -> None:
    table("old", "id INT64")
    fake.freeze_information_schema()
    table("new", "id INT64")
    assert sql.rows(TABLES) == [("old",)]
    fake.thaw_information_schema()
    assert sql.rows(TABLES) == [("new",), ("old",)]


def test_deleted_datasets_stay_in_region_views_when_asked(
    fake: Fake, clock: ManualClock, client: bigquery.Client, table: MakeTable, sql: Queries
) -> None:
    table("t", "id INT64")
    client.delete_dataset("shop", delete_contents=True, retry=ONCE)
    listed = "SELECT table_schema, table_name FROM `region-eu`.INFORMATION_SCHEMA.TABLES"
    assert sql.rows(listed) == []
    fake.information_schema.show_deleted = True
    assert sql.rows(listed) == [("shop", "t")]
    assert sql.rows(f"{listed} WHERE table_schema = 'shop'") == [("shop", "t")]
    with pytest.raises(exceptions.NotFound):
        sql.rows(TABLES)
    clock.advance(8 * 86_400)
    assert sql.rows(listed) == []


@pytest.mark.parametrize(
    ("condition", "parameters", "expected"),
    [
        ("table_schema = 'shop'", (), ["shop"]),
        ("@name = table_schema", (scalar("name", "STRING", "shop"),), ["shop"]),
        ("table_schema IN ('shop', 'store', 'nope')", (), ["shop", "store"]),
        (
            "table_schema IN UNNEST(@names)",
            (bigquery.ArrayQueryParameter("names", "STRING", ["store"]),),
            ["store"],
        ),
        ("table_schema = 'shop' OR table_schema = 'store'", (), ["shop", "store"]),
        ("table_schema LIKE 's%' AND table_name = 't'", (), ["shop", "store"]),
        ("table_schema != 'shop'", (), ["store"]),
    ],
)
def test_filters_on_the_dataset(
    client: bigquery.Client,
    table: MakeTable,
    sql: Queries,
    condition: str,
    parameters: tuple[Any, ...],
    expected: list[str],
) -> None:
    table("t", "id INT64")
    store = make_dataset(client, "store")
    client.create_table(bigquery.Table(store.reference.table("t"), schema=[Field("id", "INT64")]), retry=ONCE)
    query = f"SELECT table_schema FROM `region-eu`.INFORMATION_SCHEMA.TABLES WHERE {condition} ORDER BY table_schema"
    assert [row[0] for row in sql.rows(query, *parameters)] == expected


def test_fingerprints_of_all_datasets_in_one_query(client: bigquery.Client, table: MakeTable, sql: Queries) -> None:
    table("t", "id INT64")
    for name in ("twin", "other"):
        dataset = make_dataset(client, name)
        fields = [Field("id", "INT64" if name == "twin" else "STRING")]
        client.create_table(bigquery.Table(dataset.reference.table("t"), schema=fields), retry=ONCE)
    rows = sql.rows(
        "SELECT table_schema, TO_HEX(SHA256(STRING_AGG("
        "TO_HEX(MD5(REPLACE(ddl, CONCAT('.', table_schema, '.'), '..'))), ',' ORDER BY table_name))) AS fingerprint "
        "FROM `region-eu`.INFORMATION_SCHEMA.TABLES GROUP BY table_schema"
    )
    fingerprints = dict(rows)
    assert fingerprints["shop"] == fingerprints["twin"] != fingerprints["other"]


def test_a_view_the_fake_does_not_have_is_refused(dataset: bigquery.Dataset, sql: Queries) -> None:
    with pytest.raises(exceptions.MethodNotImplemented, match=r"INFORMATION_SCHEMA\.PARTITIONS"):
        sql.rows("SELECT partition_id FROM shop.INFORMATION_SCHEMA.PARTITIONS")
    with pytest.raises(exceptions.BadRequest, match="Unrecognized name: nope"):
        sql.rows("SELECT nope FROM shop.INFORMATION_SCHEMA.TABLES")
