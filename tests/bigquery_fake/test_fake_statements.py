"""DDL statements over HTTP with the real client."""

from __future__ import annotations

import datetime
from decimal import Decimal

import pytest
from google.api_core import exceptions
from google.cloud import bigquery

from tests.bigquery_fake.clients import ONCE, PROJECT, MakeTable, Queries


def columns(client: bigquery.Client, name: str = "shop.t") -> list[tuple[str, str]]:
    return [(field.name, field.field_type) for field in client.get_table(name, retry=ONCE).schema]


def test_columns_are_added_in_one_statement(client: bigquery.Client, table: MakeTable, sql: Queries) -> None:
    table("t", "id INT64")
    sql.rows("INSERT INTO shop.t VALUES (1)")
    job = sql.job(
        "ALTER TABLE shop.t ADD COLUMN IF NOT EXISTS ID STRING, ADD COLUMN a ARRAY<STRING>, "
        "ADD COLUMN s STRUCT<x STRING OPTIONS(description='inner')> OPTIONS(description='outer')"
    )
    assert (job.statement_type, job.ddl_operation_performed) == ("ALTER_TABLE", "ALTER")
    assert columns(client) == [("id", "INTEGER"), ("a", "STRING"), ("s", "RECORD")]
    added = client.get_table("shop.t", retry=ONCE).schema[2]
    assert (added.description, added.fields[0].description) == ("outer", "inner")
    assert sql.rows("SELECT * FROM shop.t") == [(1, [], None)]


@pytest.mark.parametrize(
    "action",
    [
        "ADD COLUMN ok STRING, ADD COLUMN Id STRING",
        "ADD COLUMN ok STRING, ADD COLUMN must STRING NOT NULL",
        "ADD COLUMN r.x STRING",
        "ALTER COLUMN id SET DATA TYPE STRING",
        "ALTER COLUMN r SET DATA TYPE JSON",
        "ALTER COLUMN id DROP NOT NULL",
        "DROP COLUMN nope",
    ],
)
def test_what_cannot_be_altered_leaves_the_table(
    client: bigquery.Client, table: MakeTable, sql: Queries, action: str
) -> None:
    before = table("t", "id INT64", bigquery.SchemaField("r", "RECORD", fields=[bigquery.SchemaField("a", "STRING")]))
    with pytest.raises(exceptions.BadRequest):
        sql.rows(f"ALTER TABLE shop.t {action}")
    assert client.get_table("shop.t", retry=ONCE).etag == before.etag


def test_types_are_widened_and_rows_with_them(client: bigquery.Client, table: MakeTable, sql: Queries) -> None:
    table("t", "a INT64", "b INT64", "c NUMERIC")
    sql.rows("INSERT INTO shop.t VALUES (7, 8, 2.50)")
    for column, kind in (("a", "NUMERIC"), ("b", "BIGNUMERIC"), ("c", "BIGNUMERIC")):
        sql.rows(f"ALTER TABLE shop.t ALTER COLUMN {column} SET DATA TYPE {kind}")
    assert columns(client) == [("a", "NUMERIC"), ("b", "BIGNUMERIC"), ("c", "BIGNUMERIC")]
    assert sql.rows("SELECT * FROM shop.t") == [(Decimal(7), Decimal(8), Decimal("2.5"))]
    assert (
        sql.one(
            "SELECT COUNT(*) FROM shop.t WHERE c = @c", bigquery.ScalarQueryParameter("c", "BIGNUMERIC", Decimal("2.5"))
        )
        == 1
    )


def test_a_longer_text_keeps_its_collation(client: bigquery.Client, table: MakeTable, sql: Queries) -> None:
    field = {"name": "s", "type": "STRING", "maxLength": "5", "collation": "und:ci"}
    table("t", bigquery.SchemaField.from_api_repr(field))
    with pytest.raises(exceptions.BadRequest):
        sql.rows("ALTER TABLE shop.t ALTER COLUMN s SET DATA TYPE STRING(10)")
    sql.rows('ALTER TABLE shop.t ALTER COLUMN s SET DATA TYPE STRING(10) COLLATE "und:ci"')
    assert client.get_table("shop.t", retry=ONCE).schema[0].max_length == 10


def test_not_null_is_dropped(client: bigquery.Client, table: MakeTable, sql: Queries) -> None:
    table("t", "id INT64 REQUIRED")
    sql.rows("ALTER TABLE shop.t ALTER COLUMN id DROP NOT NULL")
    sql.rows("INSERT INTO shop.t VALUES (NULL)")
    assert client.get_table("shop.t", retry=ONCE).schema[0].mode == "NULLABLE"


def test_options_are_set(client: bigquery.Client, dataset: bigquery.Dataset, sql: Queries) -> None:
    sql.rows("CREATE TABLE shop.t (day DATE) PARTITION BY day OPTIONS(labels=[('a', '1'), ('b', '2')])")
    sql.rows(
        "ALTER TABLE shop.t SET OPTIONS(description='it', labels=[('c', '3')], require_partition_filter=true, "
        "partition_expiration_days=7)"
    )
    read = client.get_table("shop.t", retry=ONCE)
    assert (read.description, read.labels, read.require_partition_filter) == ("it", {"c": "3"}, True)
    assert read.time_partitioning.expiration_ms == 7 * 86_400_000
    sql.rows("ALTER TABLE shop.t SET OPTIONS(description=NULL)")
    assert client.get_table("shop.t", retry=ONCE).description is None


def test_several_tables_in_one_script(client: bigquery.Client, dataset: bigquery.Dataset, sql: Queries) -> None:
    statements = [f"CREATE TABLE IF NOT EXISTS shop.t{number} (id INT64 NOT NULL) CLUSTER BY id" for number in range(5)]
    job = sql.job(";\n".join(statements))
    assert (job.statement_type, job.num_child_jobs) == ("SCRIPT", 5)
    assert [item.table_id for item in client.list_tables("shop", retry=ONCE)] == [f"t{number}" for number in range(5)]
    children = list(client.list_jobs(parent_job=job.job_id, retry=ONCE))
    assert {child.ddl_operation_performed for child in children} == {"CREATE"}
    again = sql.job(statements[0])
    assert (again.ddl_operation_performed, again.ddl_target_table.table_id) == ("SKIP", "t0")


def test_a_script_stops_at_its_first_error(client: bigquery.Client, dataset: bigquery.Dataset, sql: Queries) -> None:
    with pytest.raises(exceptions.Conflict):
        sql.rows("CREATE TABLE shop.a (id INT64); CREATE TABLE shop.a (id INT64); CREATE TABLE shop.b (id INT64)")
    assert [item.table_id for item in client.list_tables("shop", retry=ONCE)] == ["a"]


def test_a_replaced_table_is_empty(table: MakeTable, sql: Queries) -> None:
    table("t", "id INT64")
    sql.rows("INSERT INTO shop.t VALUES (1)")
    assert sql.job("CREATE OR REPLACE TABLE shop.t (name STRING)").ddl_operation_performed == "REPLACE"
    assert sql.rows("SELECT * FROM shop.t") == []


def test_a_replaced_view_keeps_nothing_of_the_old(client: bigquery.Client, table: MakeTable, sql: Queries) -> None:
    table("t", "id INT64")
    sql.rows("CREATE VIEW shop.v OPTIONS(description='old', labels=[('a', '1')]) AS SELECT id FROM shop.t")
    sql.rows("CREATE OR REPLACE VIEW shop.v OPTIONS(labels=[('b', '2')]) AS SELECT id AS other FROM shop.t")
    read = client.get_table("shop.v", retry=ONCE)
    assert (read.description, read.labels, read.view_query) == (None, {"b": "2"}, "SELECT id AS other FROM shop.t")
    with pytest.raises(exceptions.BadRequest, match="cannot replace"):
        sql.rows("CREATE OR REPLACE VIEW shop.t AS SELECT 1 AS one")


def test_columns_are_dropped_unless_the_layout_needs_them(
    client: bigquery.Client, dataset: bigquery.Dataset, sql: Queries
) -> None:
    sql.rows("CREATE TABLE shop.t (id INT64, day DATE, k STRING, x STRING) PARTITION BY day CLUSTER BY k")
    sql.rows("INSERT INTO shop.t (id, x) VALUES (1, 'gone')")
    sql.rows("ALTER TABLE shop.t DROP COLUMN x, DROP COLUMN IF EXISTS y")
    assert sql.rows("SELECT * FROM shop.t") == [(1, None, None)]
    for column in ("day", "k"):
        with pytest.raises(exceptions.BadRequest, match="rule 17"):
            sql.rows(f"ALTER TABLE shop.t DROP COLUMN {column}")


def test_schemas_are_made_dropped_and_undropped(client: bigquery.Client, sql: Queries) -> None:
    sql.rows(f"CREATE SCHEMA `{PROJECT}.mine` OPTIONS(location='EU', description='d', labels=[('a', '1')])")
    read = client.get_dataset("mine", retry=ONCE)
    assert (read.location, read.description, read.labels) == ("EU", "d", {"a": "1"})
    assert sql.job("CREATE SCHEMA IF NOT EXISTS mine").ddl_operation_performed == "SKIP"
    sql.rows("CREATE TABLE mine.t (id INT64)")
    with pytest.raises(exceptions.BadRequest, match="in use"):
        sql.rows("DROP SCHEMA mine")
    sql.rows("DROP SCHEMA mine CASCADE")
    sql.rows("DROP SCHEMA IF EXISTS mine")
    sql.rows(f"UNDROP SCHEMA `{PROJECT}.mine`")
    assert [item.table_id for item in client.list_tables("mine", retry=ONCE)] == ["t"]


def test_tables_and_views_are_dropped(client: bigquery.Client, table: MakeTable, sql: Queries) -> None:
    table("t", "id INT64")
    sql.rows("CREATE MATERIALIZED VIEW shop.m AS SELECT id FROM shop.t")
    sql.rows("ALTER MATERIALIZED VIEW shop.m SET OPTIONS(refresh_interval_minutes=60)")
    assert client.get_table("shop.m", retry=ONCE).mview_refresh_interval == datetime.timedelta(hours=1)
    sql.rows("DROP MATERIALIZED VIEW shop.m")
    sql.rows("DROP TABLE shop.t")
    sql.rows("DROP TABLE IF EXISTS shop.t")
    with pytest.raises(exceptions.NotFound):
        sql.rows("DROP TABLE shop.t")


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE shop.copy AS SELECT 1 AS one",
        "CREATE TABLE shop.copy CLONE shop.t",
        "ALTER TABLE shop.t RENAME COLUMN id TO key",
        "ALTER TABLE shop.t ALTER COLUMN id SET OPTIONS(description='d')",
        "CREATE SNAPSHOT TABLE shop.snap CLONE shop.t",
        "DECLARE x INT64 DEFAULT 1; SELECT x",
        "TRUNCATE TABLE shop.t",
        "CREATE TABLE shop.t2 (id INT64) OPTIONS(kms_key_name='k')",
        "CREATE TABLE shop.t2 (id INT64 PRIMARY KEY NOT ENFORCED)",
        "EXPORT DATA OPTIONS(uri='x') AS SELECT 1",
    ],
)
def test_statements_the_fake_does_not_know_are_refused(table: MakeTable, sql: Queries, statement: str) -> None:
    table("t", "id INT64")
    with pytest.raises((exceptions.MethodNotImplemented, exceptions.BadRequest)) as refused:
        sql.rows(statement)
    assert "does not know" in str(refused.value) or "Syntax error" in str(refused.value)


@pytest.mark.parametrize("statement", ["SELEC 1", "SELECT FROM", ";", "SELECT 'open", "banana"])
def test_bad_syntax_is_refused(sql: Queries, statement: str) -> None:
    with pytest.raises(exceptions.BadRequest, match="Syntax error"):
        sql.rows(statement)
