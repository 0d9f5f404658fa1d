"""Statements through the gateway, with the real client: DDL by the rules, INFORMATION_SCHEMA by region, rows."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from google.api_core import exceptions
from google.cloud import bigquery
from google.cloud.bigquery import Client, Dataset, SchemaField, Table
from google.cloud.bigquery.table import RowIterator

from tests.local_bigquery.fixtures import ONCE, QUERY_ONCE, make_dataset
from tests.local_bigquery.process import PROJECT

Parameter = bigquery.ScalarQueryParameter | bigquery.StructQueryParameter
pytestmark = pytest.mark.slow


@pytest.fixture
def orders(client: Client, shop: Dataset) -> Table:
    """A table with one row."""
    fields = [
        SchemaField("id", "INTEGER", mode="REQUIRED", description="The number."),
        SchemaField("day", "DATE"),
        SchemaField("note", "STRING", max_length=10),
        SchemaField("price", "NUMERIC", precision=10, scale=2),
    ]
    table = Table(f"{PROJECT}.shop.orders", schema=fields)
    table.time_partitioning = bigquery.TimePartitioning(field="day")
    table.clustering_fields = ["note"]
    table.labels = {"team": "shop"}
    made = client.create_table(table)
    run(client, "INSERT INTO shop.orders (id, day, note, price) VALUES (1, DATE '2026-01-02', 'a', 1.25)")
    return made


def run(client: Client, text: str, *parameters: Parameter) -> RowIterator:
    config = bigquery.QueryJobConfig(query_parameters=list(parameters))
    return client.query_and_wait(text, job_config=config, **QUERY_ONCE)


def values(client: Client, text: str, *parameters: Parameter) -> list[tuple[object, ...]]:
    return [row.values() for row in run(client, text, *parameters)]


def refused(call: Callable[[], object]) -> tuple[int, str]:
    with pytest.raises(exceptions.GoogleAPICallError) as caught:
        call()
    return int(caught.value.code or 0), caught.value.errors[0]["reason"]


def schema(client: Client) -> dict[str, SchemaField]:
    return {field.name: field for field in client.get_table("shop.orders").schema}


def test_an_added_column_keeps_what_the_statement_says_of_it(client: Client, orders: Table) -> None:
    run(
        client,
        "ALTER TABLE shop.orders"
        " ADD COLUMN IF NOT EXISTS note STRING,"
        " ADD COLUMN buyer STRUCT<name STRING NOT NULL OPTIONS(description='Name.'), phones ARRAY<STRING>>"
        " OPTIONS(description='Who buys.'),"
        " ADD COLUMN exact BIGNUMERIC(20, 3) DEFAULT 5",
    )
    added = list(schema(client).values())[4:]
    name = SchemaField("name", "STRING", mode="REQUIRED", description="Name.")
    assert added == [
        SchemaField(
            "buyer", "RECORD", description="Who buys.", fields=[name, SchemaField("phones", "STRING", mode="REPEATED")]
        ),
        SchemaField("exact", "BIGNUMERIC", precision=20, scale=3, default_value_expression="5"),
    ]
    run(client, "INSERT INTO shop.orders (id) VALUES (2)")
    assert values(client, "SELECT exact FROM shop.orders ORDER BY id") == [(None,), (5,)]


def test_an_addition_that_fails_leaves_nothing_behind(client: Client, orders: Table) -> None:
    statement = "ALTER TABLE shop.orders ADD COLUMN fine STRING, ADD COLUMN note STRING"
    assert refused(lambda: run(client, statement)) == (400, "invalidQuery")
    statement = "ALTER TABLE shop.orders ADD COLUMN must STRING NOT NULL"
    assert refused(lambda: run(client, statement)) == (400, "invalidQuery")
    assert list(schema(client)) == ["id", "day", "note", "price"]


def test_a_statement_gives_the_table_another_etag(client: Client, orders: Table) -> None:
    run(client, "ALTER TABLE shop.orders SET OPTIONS(description='Orders.')")
    described = client.get_table("shop.orders")
    run(client, "ALTER TABLE shop.orders ADD COLUMN more STRING")
    after = client.get_table("shop.orders")
    assert (described.description, after.description) == ("Orders.", "Orders.")
    assert len({orders.etag, described.etag, after.etag}) == 3
    described.labels = {"a": "1"}
    assert refused(lambda: client.update_table(described, ["labels"], **ONCE)) == (412, "conditionNotMet")


@pytest.mark.parametrize(
    ("column", "type_", "expected", "value"),
    [
        ("id", "NUMERIC(21, 2)", SchemaField("id", "NUMERIC", "REQUIRED", precision=21, scale=2), 1),
        ("id", "BIGNUMERIC", SchemaField("id", "BIGNUMERIC", "REQUIRED"), 1),
        ("price", "NUMERIC(20, 4)", SchemaField("price", "NUMERIC", precision=20, scale=4), 1.25),
        ("price", "NUMERIC", SchemaField("price", "NUMERIC"), 1.25),
    ],
)
def test_types_widen_by_statement(
    client: Client, orders: Table, column: str, type_: str, expected: SchemaField, value: float
) -> None:
    run(client, f"ALTER TABLE `{PROJECT}`.`shop`.`orders` ALTER COLUMN `{column}` SET DATA TYPE {type_}")
    found = schema(client)[column]
    assert (found.field_type, found.precision, found.scale, found.mode) == (
        expected.field_type,
        expected.precision,
        expected.scale,
        expected.mode,
    )
    assert values(client, f"SELECT {column} FROM shop.orders") == [(value,)]
    assert client.get_table("shop.orders").labels == {"team": "shop"}


@pytest.mark.parametrize(
    "change",
    [
        "ALTER COLUMN id SET DATA TYPE STRING",
        "ALTER COLUMN price SET DATA TYPE NUMERIC(5, 2)",
        "ALTER COLUMN note SET DATA TYPE STRING",
        "ALTER COLUMN nope SET DATA TYPE STRING",
        "ALTER COLUMN day DROP NOT NULL",
        "DROP COLUMN note",
        "RENAME COLUMN day TO date",
    ],
)
def test_a_change_that_bigquery_refuses_is_refused(client: Client, orders: Table, change: str) -> None:
    assert refused(lambda: run(client, f"ALTER TABLE shop.orders {change}")) == (400, "invalidQuery")
    assert client.get_table(orders).to_api_repr()["schema"] == orders.to_api_repr()["schema"]


def test_several_columns_are_altered_by_one_statement(client: Client, orders: Table) -> None:
    statement = "ALTER COLUMN id DROP NOT NULL, ALTER COLUMN price SET DATA TYPE NUMERIC(12, 3)"
    run(client, f"ALTER TABLE shop.orders {statement}")
    found = schema(client)
    assert (found["id"].mode, found["id"].description) == ("NULLABLE", "The number.")
    assert (found["price"].precision, found["price"].scale) == (12, 3)
    run(client, "ALTER TABLE shop.orders ALTER COLUMN price SET DEFAULT 7")
    run(client, "INSERT INTO shop.orders (note) VALUES ('b')")
    assert values(client, "SELECT id, price FROM shop.orders WHERE note = 'b'") == [(None, 7)]
    assert schema(client)["price"].default_value_expression == "7"


def test_a_column_is_dropped_and_renamed_where_it_is_free(client: Client, orders: Table) -> None:
    run(client, "ALTER TABLE shop.orders RENAME COLUMN id TO number")
    run(client, "ALTER TABLE shop.orders DROP COLUMN price")
    assert list(schema(client)) == ["number", "day", "note"]


def test_a_table_made_by_statement_has_all_that_it_says(client: Client, shop: Dataset) -> None:
    statement = (
        "CREATE TABLE IF NOT EXISTS shop.orders (id INT64 NOT NULL OPTIONS(description='It\\'s it.'),"
        " price NUMERIC(10, 2), at TIMESTAMP, line ARRAY<STRUCT<sku STRING NOT NULL>>)"
        " PARTITION BY TIMESTAMP_TRUNC(at, HOUR) CLUSTER BY id"
        " OPTIONS(partition_expiration_days=2, labels=[('team', 'shop')], require_partition_filter=TRUE)"
    )
    run(client, f"{statement}; {statement}")
    table = client.get_table("shop.orders")
    assert table.schema == [
        SchemaField("id", "INTEGER", "REQUIRED", description="It's it."),
        SchemaField("price", "NUMERIC", precision=10, scale=2),
        SchemaField("at", "TIMESTAMP"),
        SchemaField("line", "RECORD", "REPEATED", fields=[SchemaField("sku", "STRING", "REQUIRED")]),
    ]
    layout = bigquery.TimePartitioning(type_="HOUR", field="at", expiration_ms=2 * 86_400_000)
    assert (table.time_partitioning, table.clustering_fields, table.labels) == (layout, ["id"], {"team": "shop"})
    assert (table.require_partition_filter, table.location) == (True, "EU")


@pytest.mark.parametrize("layout", ["CLUSTER BY nope", "PARTITION BY note", "CLUSTER BY id, a, b, c, note"])
def test_a_table_that_bigquery_refuses_is_not_made(client: Client, shop: Dataset, layout: str) -> None:
    statement = f"CREATE TABLE shop.t (id INT64, note STRING, a INT64, b INT64, c INT64) {layout}"
    assert refused(lambda: run(client, statement)) == (400, "invalidQuery")
    assert list(client.list_tables(shop)) == []


def test_views_made_by_statement_keep_their_text_and_settings(client: Client, orders: Table) -> None:
    query = "SELECT note,  COUNT(*) AS number FROM shop.orders GROUP BY note"
    run(client, f"CREATE VIEW shop.v OPTIONS(description='A view.') AS {query}")
    view = client.get_table("shop.v")
    assert (view.view_query, view.description, view.location) == (query, "A view.", "EU")
    make = "CREATE OR REPLACE MATERIALIZED VIEW shop.mv CLUSTER BY note"
    run(client, f"{make} OPTIONS (enable_refresh = TRUE, refresh_interval_minutes = 20) AS {query}")
    options = "enable_refresh = TRUE, refresh_interval_minutes = 15, labels = [('team', 'shop')]"
    run(client, f"{make}\nOPTIONS ({options})\nAS {query}")
    found = client.get_table("shop.mv").to_api_repr()
    assert found["materializedView"] == {"query": query, "enableRefresh": True, "refreshIntervalMs": "900000"}
    assert (found["clustering"], found["labels"]) == ({"fields": ["note"]}, {"team": "shop"})
    assert values(client, "SELECT number FROM shop.mv") == [(1,)]
    assert refused(lambda: run(client, "CREATE MATERIALIZED VIEW shop.x AS SELECT note FROM shop.v")) == (
        400,
        "invalidQuery",
    )


def test_ddl_in_a_transaction_is_refused(client: Client, orders: Table) -> None:
    script = "BEGIN TRANSACTION; ALTER TABLE shop.orders ADD COLUMN x STRING; COMMIT TRANSACTION;"
    assert refused(lambda: run(client, script)) == (400, "invalidQuery")


def test_ddl_that_cannot_be_checked_is_not_implemented(client: Client, orders: Table) -> None:
    script = "BEGIN ALTER TABLE shop.orders ADD COLUMN x STRING; EXCEPTION WHEN ERROR THEN SELECT 1; END;"
    assert refused(lambda: run(client, script)) == (501, "notImplemented")


def test_one_query_tells_of_a_dataset(client: Client, orders: Table) -> None:
    shop = client.get_dataset("shop")
    shop.labels, shop.description = {"team": "shop"}, 'The "shop".'
    client.update_dataset(shop, ["labels", "description"])
    region = f"`{PROJECT}`.`region-eu`.INFORMATION_SCHEMA"
    statement = (
        "SELECT 'dataset' AS part, schema_name AS name, location AS type, '' AS body"
        f" FROM {region}.SCHEMATA WHERE schema_name = @dataset\nUNION ALL\n"
        "SELECT 'option' AS part, option_name AS name, option_type AS type, option_value AS body"
        f" FROM {region}.SCHEMATA_OPTIONS WHERE schema_name = @dataset\nUNION ALL\n"
        "SELECT 'table' AS part, table_name AS name, table_type AS type, ddl AS body"
        f" FROM `{PROJECT}`.`shop`.INFORMATION_SCHEMA.TABLES"
    )
    found = values(client, statement, bigquery.ScalarQueryParameter("dataset", "STRING", "shop"))
    assert sorted((row for row in found if row[1] != "location"), key=str) == [
        ("dataset", "shop", "EU", ""),
        ("option", "description", "STRING", '"The \\"shop\\"."'),
        ("option", "labels", "ARRAY<STRUCT<STRING, STRING>>", '[STRUCT("team", "shop")]'),
        ("table", "orders", "BASE TABLE", None),
    ]


def test_a_region_shows_its_own_datasets_and_no_hidden_ones(client: Client, orders: Table, american: Dataset) -> None:
    make_dataset(client, "_hidden", "EU")
    client.create_table(Table(f"{PROJECT}.american.sales", schema=[SchemaField("a", "STRING")]))
    schemata = "SELECT schema_name FROM `region-{}`.INFORMATION_SCHEMA.SCHEMATA"
    tables = "SELECT TABLES.table_name, ddl IS NULL FROM `region-{}`.INFORMATION_SCHEMA.TABLES"
    assert values(client, schemata.format("eu")) == [("shop",)]
    assert values(client, schemata.format("us")) == [("american",)]
    assert values(client, tables.format("us")) == [("sales", True)]
    assert values(client, tables.format("asia-east1")) == []


@pytest.mark.parametrize(
    "view",
    [
        "nowhere.INFORMATION_SCHEMA.TABLES",
        "shop.information_schema.tables",
        "`region-us`.INFORMATION_SCHEMA.TABLES",
        "american.INFORMATION_SCHEMA.TABLES",
    ],
)
def test_information_schema_of_what_is_not_there_is_not_found(
    client: Client, orders: Table, american: Dataset, view: str
) -> None:
    statement = f"SELECT table_name FROM {view}"
    wrong = refused(lambda: client.query_and_wait(statement, location="EU", **QUERY_ONCE))
    assert wrong == (404, "notFound")


def test_rows_are_written_in_transactions_and_counted(client: Client, orders: Table) -> None:
    text = bigquery.ScalarQueryParameter("note", "STRING", "b")
    script = (
        "BEGIN TRANSACTION;\nINSERT INTO shop.orders (id, note) VALUES (2, @note), (3, @note);\n"
        "UPDATE shop.orders SET price = 9 WHERE note = @note;\nCOMMIT TRANSACTION;"
    )
    run(client, script, text)
    query = "SELECT id, price FROM shop.orders WHERE note = @note ORDER BY id"
    assert values(client, query, text) == [(2, 9), (3, 9)]
    merge = (
        f"MERGE INTO `{PROJECT}`.`shop`.`orders` AS target USING (SELECT 1 AS one) AS source ON `note` = @note"
        " WHEN NOT MATCHED THEN INSERT (`id`, `note`) VALUES (7, @note)"
    )
    assert run(client, merge, text).num_dml_affected_rows == 0
    other = bigquery.ScalarQueryParameter("note", "STRING", "c")
    assert run(client, merge, other).num_dml_affected_rows == 1


def test_a_transaction_that_fails_writes_nothing(client: Client, orders: Table) -> None:
    script = "BEGIN TRANSACTION; INSERT INTO shop.orders (id) VALUES (2); INSERT INTO shop.orders (id) VALUES (NULL);"
    assert refused(lambda: run(client, f"{script} COMMIT TRANSACTION;"))[0] == 400
    assert values(client, "SELECT id FROM shop.orders") == [(1,)]


def test_digits_that_would_be_lost_are_not_implemented(client: Client, orders: Table) -> None:
    few, many = "1." + "123456789" * 2, "1." + "123456789" * 2 + "1"
    query = "SELECT @number AS number"
    [(kept,)] = values(client, query, bigquery.ScalarQueryParameter("number", "BIGNUMERIC", Decimal(few)))
    assert kept == Decimal(few)
    lost = bigquery.ScalarQueryParameter("number", "BIGNUMERIC", Decimal(many))
    assert refused(lambda: run(client, query, lost)) == (501, "notImplemented")
    inside = bigquery.StructQueryParameter("record", bigquery.ArrayQueryParameter("n", "BIGNUMERIC", [Decimal(many)]))
    assert refused(lambda: run(client, "SELECT @record.n AS n", inside)) == (501, "notImplemented")


def test_errors_in_queries_are_those_of_the_emulator(client: Client, orders: Table) -> None:
    assert refused(lambda: run(client, "SELECT nope FROM shop.orders")) == (400, "invalidQuery")
    assert refused(lambda: run(client, "SELECT 1 FROM shop.nothing")) == (404, "notFound")
    assert refused(lambda: run(client, "SELECT FROM WHERE")) == (400, "invalidQuery")


def test_a_script_changes_a_table_step_by_step(client: Client, orders: Table) -> None:
    run(
        client,
        "ALTER TABLE shop.orders ADD COLUMN a STRUCT<x INT64 NOT NULL>;"
        " ALTER TABLE shop.orders ADD COLUMN b INT64 DEFAULT 3;"
        " ALTER TABLE shop.orders ADD COLUMN IF NOT EXISTS a STRUCT<x INT64 NOT NULL>;"
        " ALTER TABLE shop.orders ALTER COLUMN b SET DATA TYPE NUMERIC(30, 3);"
        " DROP TABLE IF EXISTS shop.other; CREATE TABLE shop.other (c STRING(5) DEFAULT 'd', e INT64);"
        " INSERT INTO shop.other (e) VALUES (1); INSERT INTO shop.orders (id) VALUES (2)",
    )
    added = list(schema(client).values())[4:]
    assert [(field.name, field.field_type, field.precision) for field in added] == [
        ("a", "RECORD", None),
        ("b", "NUMERIC", 30),
    ]
    assert values(client, "SELECT b FROM shop.orders ORDER BY id") == [(None,), (3,)]
    assert values(client, "SELECT c FROM shop.other") == [("d",)]
    mixed = "ALTER TABLE shop.orders ADD COLUMN f STRING; ALTER TABLE shop.orders DROP COLUMN price"
    assert refused(lambda: run(client, mixed)) == (501, "notImplemented")


def test_the_default_dataset_is_no_way_around_the_rules(client: Client, orders: Table) -> None:
    config = bigquery.QueryJobConfig(default_dataset=f"{PROJECT}.shop")
    bad = "ALTER TABLE orders ADD COLUMN must STRING NOT NULL"
    assert refused(lambda: client.query_and_wait(bad, job_config=config, **QUERY_ONCE)) == (400, "invalidQuery")
    client.query_and_wait("ALTER TABLE orders ADD COLUMN may STRING(3)", job_config=config)
    assert schema(client)["may"].max_length == 3


def test_options_are_set_and_removed(client: Client, orders: Table) -> None:
    run(
        client, "ALTER TABLE shop.orders SET OPTIONS(description='x', labels=[('a', 'b')], partition_expiration_days=2)"
    )
    table = client.get_table("shop.orders")
    assert (table.description, table.labels) == ("x", {"a": "b"})
    assert table.time_partitioning == bigquery.TimePartitioning(field="day", expiration_ms=2 * 86_400_000)
    run(client, "ALTER TABLE shop.orders SET OPTIONS(description=NULL)")
    run(client, "ALTER TABLE shop.orders ALTER COLUMN `note` SET OPTIONS (description='A \\'note\\'.')")
    assert client.get_table("shop.orders").description is None
    assert schema(client)["note"].description == "A 'note'."
    run(client, "ALTER TABLE shop.orders ALTER COLUMN note SET OPTIONS (description=NULL)")
    assert schema(client)["note"].description is None
    labels = "ALTER TABLE shop.orders SET OPTIONS(labels=[('A', 'b')])"
    assert refused(lambda: run(client, labels)) == (400, "invalidQuery")


def test_a_view_whose_table_is_gone_is_still_there(client: Client, orders: Table) -> None:
    run(client, "CREATE VIEW shop.v AS SELECT id, price FROM shop.orders")
    run(client, "ALTER TABLE shop.orders DROP COLUMN price")
    names = "SELECT table_name, table_type FROM shop.INFORMATION_SCHEMA.TABLES ORDER BY table_name"
    both = [("orders", "BASE TABLE"), ("v", "VIEW")]
    assert values(client, names) == both
    assert client.get_table("shop.v").view_query == "SELECT id, price FROM shop.orders"
    client.delete_table("shop.orders")
    assert values(client, names) == both[1:]
    view = client.get_table("shop.v")
    assert view.table_type == "VIEW"
    view.view_query = "SELECT 1 AS one"
    client.update_table(view, ["view_query"])
    assert values(client, "SELECT one FROM shop.v") == [(1,)]


def test_staleness_is_kept_and_checked(client: Client, orders: Table) -> None:
    view = "CREATE OR REPLACE MATERIALIZED VIEW shop.mv"
    make = f"{view} OPTIONS (max_staleness = INTERVAL {{}}) AS SELECT id FROM shop.orders"
    run(client, make.format("'4:0:0' HOUR TO SECOND"))
    assert client.get_table("shop.mv").to_api_repr()["maxStaleness"] == "0-0 0 4:0:0"
    assert refused(lambda: run(client, make.format("5 MINUTE"))) == (400, "invalidQuery")
