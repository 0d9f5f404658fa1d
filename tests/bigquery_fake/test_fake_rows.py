"""Rows: types as BigQuery enforces them, parameters, INSERT, UPDATE, DELETE, MERGE, transactions."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import bigquery

from tests.bigquery_fake.clients import ONCE, MakeTable, Queries, connected, scalar
from tests.bigquery_fake.server import Fake

Field = bigquery.SchemaField
Array = bigquery.ArrayQueryParameter
Struct = bigquery.StructQueryParameter
MOMENT = datetime.datetime(2026, 2, 3, 4, 5, 6, 789, tzinfo=datetime.UTC)
LONG = Decimal("578960446186580977117854925043439539266.34992332820282019728792003956564819967")
VALUES: list[tuple[str, object, object]] = [
    ("STRING", "é\n\"'`", "é\n\"'`"),
    ("BYTES", b"\x00\xff", b"\x00\xff"),
    ("INT64", -(2**63), -(2**63)),
    ("FLOAT64", 1.5e300, 1.5e300),
    ("FLOAT64", float("-inf"), float("-inf")),
    ("NUMERIC", Decimal("99999999999999999999999999999.999999999"), Decimal("99999999999999999999999999999.999999999")),
    ("BIGNUMERIC", LONG, LONG),
    ("BIGNUMERIC", Decimal("1.50"), Decimal("1.5")),
    ("BOOL", False, False),
    ("TIMESTAMP", MOMENT, MOMENT),
    ("DATETIME", MOMENT.replace(tzinfo=None), MOMENT.replace(tzinfo=None)),
    ("DATE", datetime.date(1, 1, 1), datetime.date(1, 1, 1)),
    ("TIME", datetime.time(23, 59, 59, 999999), datetime.time(23, 59, 59, 999999)),
    ("JSON", {"b": [1, {"x": None}], "a": "é"}, {"a": "é", "b": [1, {"x": None}]}),
    ("GEOGRAPHY", "POINT(1 2)", "POINT(1 2)"),
]


@pytest.mark.parametrize(("kind", "value", "expected"), VALUES)
def test_a_value_of_each_type_comes_back(
    table: MakeTable, sql: Queries, kind: str, value: object, expected: object
) -> None:
    table("t", f"v {kind}", f"many {kind} REPEATED", Field("r", "RECORD", fields=[Field("inner", kind)]))
    sql.rows(
        "INSERT INTO shop.t (v, many, r) VALUES (@v, @many, @r)",
        scalar("v", kind, value),
        Array("many", kind, [value, value]),
        Struct("r", scalar("inner", kind, value)),
    )
    assert sql.rows("SELECT * FROM shop.t") == [(expected, [expected, expected], {"inner": expected})]
    sql.rows("UPDATE shop.t SET v = @v WHERE TRUE", scalar("v", kind, None))
    assert sql.rows("SELECT v FROM shop.t WHERE v IS NULL") == [(None,)]


def test_intervals_and_ranges_are_kept(table: MakeTable, sql: Queries) -> None:
    moments = Field("m", "RANGE", range_element_type="TIMESTAMP")
    table("t", "i INTERVAL", Field("r", "RANGE", range_element_type="DATE"), moments)
    begin = datetime.date(2026, 1, 1)
    days = bigquery.RangeQueryParameter("DATE", name="r", start=begin)  # type: ignore[no-untyped-call]
    hours = bigquery.RangeQueryParameter("TIMESTAMP", name="m", start=MOMENT, end=MOMENT)  # type: ignore[no-untyped-call]
    sql.rows("INSERT INTO shop.t VALUES (@i, @r, @m)", scalar("i", "INTERVAL", "1-2 3 4:5:6.500000"), days, hours)
    ((interval, span, moment),) = sql.rows(
        "SELECT * FROM shop.t WHERE i = @i", scalar("i", "INTERVAL", "1-02 3 04:05:6.5")
    )
    assert moment == {"start": MOMENT, "end": MOMENT}
    assert (interval.years, interval.months, interval.days, interval.microseconds) == (1, 2, 3, 500_000)
    assert span == {"start": begin, "end": None}


def test_several_rows_and_literals(table: MakeTable, sql: Queries) -> None:
    made = Field("made", "TIMESTAMP", default_value_expression="CURRENT_TIMESTAMP()")
    table("t", "id INT64", "Day DATE", "amount NUMERIC", "tags STRING REPEATED", made)
    job = sql.job("INSERT INTO shop.t (id, day, amount, tags) VALUES (1, '2026-01-02', 1.25, ['a']), (2, NULL, 3, [])")
    assert (job.num_dml_affected_rows, job.statement_type) == (2, "INSERT")
    assert job.dml_stats == bigquery.DmlStats(inserted_row_count=2)
    rows = sql.rows("SELECT id, Day, amount, tags, made IS NOT NULL FROM shop.t ORDER BY id")
    assert rows == [
        (1, datetime.date(2026, 1, 2), Decimal("1.25"), ["a"], True),
        (2, None, Decimal(3), [], True),
    ]


NOT_ASSIGNED = [
    ("j JSON", "@v", scalar("v", "STRING", "{}"), "Value of type STRING cannot be assigned to j, which has type JSON"),
    ("j JSON", "'{}'", None, "type STRING cannot be assigned"),
    ("s STRING", "@v", scalar("v", "INT64", 1), "type INT64 cannot be assigned to s"),
    ("i INT64", "@v", scalar("v", "STRING", "1"), "type STRING cannot be assigned to i"),
    ("i INT64", "1.5", None, "type FLOAT64 cannot be assigned to i"),
    ("n NUMERIC", "@v", scalar("v", "BIGNUMERIC", Decimal(1)), "type BIGNUMERIC cannot be assigned to n"),
    ("s STRING REPEATED", "@v", scalar("v", "STRING", "a"), "which has type ARRAY<STRING>"),
    ("t TIMESTAMP", "@v", scalar("v", "DATETIME", datetime.datetime(2026, 1, 1)), "type DATETIME"),  # noqa: DTZ001
    ("g GEOGRAPHY", "@v", scalar("v", "STRING", "POINT(1 2)"), "type STRING"),
    ("s STRING REQUIRED", "NULL", None, "Required field s cannot be null"),
    ("n NUMERIC", "1e30", None, "out of range"),
    ("d DATE", "'not a date'", None, "is no DATE"),
    ("s STRING REPEATED", "['a', NULL]", None, "null element"),
]


@pytest.mark.parametrize(("column", "expression", "parameter", "message"), NOT_ASSIGNED)
def test_what_a_column_does_not_take_is_refused(
    table: MakeTable, sql: Queries, column: str, expression: str, parameter: Any, message: str
) -> None:
    table("t", column)
    parameters = [parameter] if parameter else []
    with pytest.raises(exceptions.BadRequest, match=message):
        sql.rows(f"INSERT INTO shop.t ({column.split(maxsplit=1)[0]}) VALUES ({expression})", *parameters)
    assert sql.one("SELECT COUNT(*) FROM shop.t") == 0


def test_a_column_of_text_is_no_date(table: MakeTable, sql: Queries) -> None:
    table("t", "s STRING", "d DATE")
    with pytest.raises(exceptions.BadRequest, match="cannot be assigned to d"):
        sql.rows("UPDATE shop.t SET d = s WHERE TRUE")
    with pytest.raises(exceptions.BadRequest, match="No matching signature"):
        sql.rows("SELECT 1 AS one FROM shop.t WHERE s = d")
    with pytest.raises(exceptions.BadRequest, match="No matching signature"):
        sql.rows("SELECT 1 AS one FROM shop.t WHERE s = @i", scalar("i", "INT64", 1))
    assert sql.rows("SELECT 1 AS one FROM shop.t WHERE d >= @d", scalar("d", "STRING", "2026-01-01")) == []


def test_required_fields_of_records_are_required(table: MakeTable, sql: Queries) -> None:
    table("t", Field("r", "RECORD", fields=[Field("a", "STRING", "REQUIRED")]))
    with pytest.raises(exceptions.BadRequest, match=r"Required field r\.a cannot be null"):
        sql.rows("INSERT INTO shop.t VALUES (STRUCT(CAST(NULL AS STRING)))")
    sql.rows("INSERT INTO shop.t VALUES (NULL)")


def test_numbers_are_rounded_as_the_column_says(table: MakeTable, sql: Queries) -> None:
    half_even = Field.from_api_repr(
        {"name": "e", "type": "NUMERIC", "precision": 5, "scale": 1, "roundingMode": "ROUND_HALF_EVEN"}
    )
    table("t", Field("n", "NUMERIC", precision=5, scale=1), half_even)
    sql.rows("INSERT INTO shop.t VALUES (2.25, 2.25)")
    assert sql.rows("SELECT n, e FROM shop.t") == [(Decimal("2.3"), Decimal("2.2"))]
    with pytest.raises(exceptions.BadRequest, match="out of range"):
        sql.rows("INSERT INTO shop.t (n) VALUES (12345)")


def test_names_are_checked(table: MakeTable, sql: Queries) -> None:
    table("t", "id INT64", "Name STRING")
    for statement, message in (
        ("SELECT nope FROM shop.t", r"Unrecognized name: nope at \[1:8\]"),
        ("INSERT INTO shop.t (nope) VALUES (1)", "Column nope is not present"),
        ("UPDATE shop.t SET nope = 1 WHERE TRUE", "Column nope is not present"),
        ("INSERT INTO shop.t (id, name) VALUES (1)", "wrong column count"),
        ("INSERT INTO shop.t (id) VALUES (@absent)", "parameter 'absent' not found"),
        ("SELECT id, ID FROM shop.t", "Duplicate column names"),
        ("SELECT id FROM t", "must be qualified with a dataset"),
    ):
        with pytest.raises(exceptions.BadRequest, match=message):
            sql.rows(statement)
    with pytest.raises(exceptions.NotFound, match=r"Table acme-test:shop\.nope was not found in location EU"):
        sql.rows("SELECT 1 AS one FROM shop.nope")
    assert sql.job("SELECT NAME, id AS Key, 1, 2 FROM shop.t").result().schema[0].name == "NAME"
    assert [field.name for field in sql.job("SELECT *, 1, 2 FROM shop.t").result().schema] == [
        "id",
        "Name",
        "f0_",
        "f1_",
    ]


def test_a_job_in_another_location_does_not_find_the_table(fake: Fake, table: MakeTable) -> None:
    table("t", "id INT64")
    with connected(fake.url, "US") as american, pytest.raises(exceptions.NotFound, match="location US"):
        Queries(american).rows("SELECT id FROM `acme-test.shop.t`")


def test_update_and_delete_need_a_condition(table: MakeTable, sql: Queries) -> None:
    table("t", "id INT64", "v STRING")
    sql.rows("INSERT INTO shop.t VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    with pytest.raises(exceptions.BadRequest, match="must have a WHERE clause"):
        sql.rows("UPDATE shop.t SET v = 'x'")
    with pytest.raises(exceptions.BadRequest, match="must have a WHERE clause"):
        sql.rows("DELETE FROM shop.t")
    assert sql.job("UPDATE shop.t SET v = UPPER(v) WHERE id > @i", scalar("i", "INT64", 1)).num_dml_affected_rows == 2
    assert sql.job("DELETE shop.t WHERE id = 1").num_dml_affected_rows == 1
    assert sql.rows("SELECT id, v FROM shop.t ORDER BY id") == [(2, "B"), (3, "C")]


def test_update_from_another_table_matches_once(table: MakeTable, sql: Queries) -> None:
    table("t", "id INT64", "v STRING")
    table("s", "id INT64", "v STRING")
    sql.rows("INSERT INTO shop.t VALUES (1, 'a'), (2, 'b'); INSERT INTO shop.s VALUES (1, 'x'), (2, 'y'), (2, 'z')")
    with pytest.raises(exceptions.BadRequest, match="at most one source row"):
        sql.rows("UPDATE shop.t t SET v = s.v FROM shop.s s WHERE t.id = s.id")
    sql.rows("UPDATE shop.t t SET v = s.v FROM shop.s s WHERE t.id = s.id AND s.v = 'x'")
    assert sql.rows("SELECT v FROM shop.t ORDER BY id") == [("x",), ("b",)]


def test_merge_updates_and_inserts(table: MakeTable, sql: Queries) -> None:
    table("t", "id INT64", "v STRING", "n INT64")
    sql.rows("INSERT INTO shop.t (id, v) VALUES (1, 'a')")
    rows = [Struct(None, scalar("id", "INT64", number), scalar("v", "STRING", f"m{number}")) for number in (1, 2)]
    job = sql.job(
        "MERGE shop.t AS T USING (SELECT r.id, r.v FROM UNNEST(@rows) AS r) AS S ON T.id = S.id "
        "WHEN MATCHED AND S.v != 'never' THEN UPDATE SET v = S.v, n = T.id + 1 "
        "WHEN NOT MATCHED THEN INSERT (id, v) VALUES (S.id, S.v)",
        Array("rows", "STRUCT", rows),
    )
    assert (job.num_dml_affected_rows, job.statement_type) == (2, "MERGE")
    assert sql.rows("SELECT * FROM shop.t ORDER BY id") == [(1, "m1", 2), (2, "m2", None)]
    with pytest.raises(exceptions.BadRequest, match="at most one source row"):
        sql.rows("MERGE shop.t T USING UNNEST([1, 1]) AS i ON T.id = i WHEN MATCHED THEN UPDATE SET v = 'x'")
    sql.rows("MERGE shop.t T USING (SELECT 1 AS id) S ON T.id = S.id WHEN MATCHED THEN DELETE")
    assert sql.rows("SELECT id FROM shop.t") == [(2,)]


def test_insert_if_absent_by_merge(table: MakeTable, sql: Queries) -> None:
    table("t", "slug STRING", "v JSON")
    statement = (
        "MERGE shop.t T USING (SELECT @slug AS slug, @v AS v) S ON T.slug = S.slug "
        "WHEN NOT MATCHED THEN INSERT (slug, v) VALUES (slug, v)"
    )
    parameters = (scalar("slug", "STRING", "acme"), scalar("v", "JSON", {"a": 1}))
    assert [sql.job(statement, *parameters).num_dml_affected_rows for _ in range(2)] == [1, 0]
    assert sql.rows("SELECT slug, v FROM shop.t") == [("acme", {"a": 1})]


def test_insert_from_a_query(table: MakeTable, sql: Queries) -> None:
    table("t", "id INT64", "v STRING", "n NUMERIC")
    rows = [Struct(None, scalar("id", "INT64", 7), scalar("v", "STRING", None))]
    sql.rows("INSERT INTO shop.t (id, v) SELECT id, v FROM UNNEST(@rows)", Array("rows", "STRUCT", rows))
    sql.rows("INSERT INTO shop.t (id, v, n) SELECT id + 1, 'x', id FROM shop.t")
    assert sql.rows("SELECT * FROM shop.t ORDER BY id") == [(7, None, None), (8, "x", Decimal(7))]


def test_a_transaction_does_all_or_nothing(table: MakeTable, sql: Queries) -> None:
    table("t", "id INT64")
    table("u", "id INT64")
    job = sql.job(
        "BEGIN TRANSACTION; INSERT INTO shop.t VALUES (1); INSERT INTO shop.u SELECT id + 1 FROM shop.t; "
        "COMMIT TRANSACTION; SELECT (SELECT MAX(id) FROM shop.t) AS a, (SELECT MAX(id) FROM shop.u) AS b;"
    )
    assert [tuple(row) for row in job.result()] == [(1, 2)]
    for broken in (
        "INSERT INTO shop.t VALUES (9); ROLLBACK TRANSACTION",
        "INSERT INTO shop.t VALUES (9)",
        "INSERT INTO shop.t VALUES (9); SELECT ERROR('boom'); COMMIT TRANSACTION",
        "INSERT INTO shop.t VALUES (9); ASSERT (SELECT COUNT(*) FROM shop.t) = 1 AS 'too many'; COMMIT TRANSACTION",
        "INSERT INTO shop.t VALUES (9); CREATE TABLE shop.v (id INT64); COMMIT TRANSACTION",
        "INSERT INTO shop.t VALUES (9); INSERT INTO shop.nope VALUES (9); COMMIT TRANSACTION",
    ):
        try:
            sql.rows(f"BEGIN TRANSACTION; {broken};")
        except exceptions.GoogleAPICallError:
            assert "ROLLBACK" not in broken
        assert sql.one("SELECT COUNT(*) FROM shop.t") == 1


def test_the_message_of_a_failed_assertion_is_told(table: MakeTable, sql: Queries) -> None:
    table("t", "id INT64")
    with pytest.raises(exceptions.BadRequest, match="Assertion failed: not empty"):
        sql.rows("ASSERT EXISTS(SELECT 1 FROM shop.t) AS 'not empty'")


def test_ddl_is_refused_in_a_transaction(table: MakeTable, sql: Queries) -> None:
    with pytest.raises(exceptions.BadRequest, match="not supported in a transaction"):
        sql.rows("BEGIN TRANSACTION; CREATE TABLE shop.t (id INT64); COMMIT TRANSACTION;")


def test_a_partition_filter_is_required(client: bigquery.Client, dataset: bigquery.Dataset, sql: Queries) -> None:
    sql.rows("CREATE TABLE shop.t (id INT64, day DATE) PARTITION BY day OPTIONS(require_partition_filter=true)")
    sql.rows("INSERT INTO shop.t VALUES (1, '2026-01-01')")
    assert sql.rows("SELECT id FROM shop.t WHERE day >= '2026-01-01'") == [(1,)]
    for statement in ("SELECT id FROM shop.t", "SELECT id FROM shop.t WHERE id = 1", "DELETE FROM shop.t WHERE id = 1"):
        with pytest.raises(exceptions.BadRequest, match="without a filter over column"):
            sql.rows(statement)


def test_the_engine_does_not_compute_what_it_has_not_the_digits_for(table: MakeTable, sql: Queries) -> None:
    table("t", "b BIGNUMERIC", "n NUMERIC")
    sql.rows("INSERT INTO shop.t VALUES (@b, 1.5)", scalar("b", "BIGNUMERIC", LONG))
    assert sql.one("SELECT COUNT(b) FROM shop.t WHERE b = @b", scalar("b", "BIGNUMERIC", LONG)) == 1
    for condition in ("b > @b", "n = @b"):
        with pytest.raises(exceptions.MethodNotImplemented):
            sql.rows(f"SELECT 1 AS x FROM shop.t WHERE {condition}", scalar("b", "BIGNUMERIC", LONG))
    for expression in ("SUM(b)", "MAX(b)", "AVG(n)"):
        with pytest.raises(exceptions.MethodNotImplemented):
            sql.rows(f"SELECT {expression} AS x FROM shop.t")
    for expression in ("b + 1", "n / 3", "CAST(n AS STRING)"):
        with pytest.raises(exceptions.MethodNotImplemented):
            sql.rows(f"SELECT {expression} AS x FROM shop.t ORDER BY x")


def test_up_to_38_digits_are_computed_exactly(table: MakeTable, sql: Queries) -> None:
    table("t", Field("cost", "BIGNUMERIC", precision=38, scale=18))
    amounts = [Decimal("12345678901234567890.123456789012345678"), Decimal("0.000000000000000001")]
    sql.rows("INSERT INTO shop.t SELECT x FROM UNNEST(@amounts) AS x", Array("amounts", "BIGNUMERIC", amounts))
    job = sql.job("SELECT SUM(cost) AS total, MAX(cost) AS most FROM shop.t WHERE cost > 0")
    assert [tuple(row) for row in job.result()] == [(Decimal("12345678901234567890.123456789012345679"), amounts[0])]
    assert job.result().schema[0].field_type == "BIGNUMERIC"


def test_a_table_changed_by_patch_keeps_its_rows(client: bigquery.Client, table: MakeTable, sql: Queries) -> None:
    made = table("t", "id INT64", Field("r", "RECORD", "REPEATED", fields=[Field("a", "STRING")]))
    sql.rows("INSERT INTO shop.t VALUES (1, [STRUCT('x'), STRUCT('y')])")
    wider = Field("r", "RECORD", "REPEATED", fields=[Field("a", "STRING"), Field("b", "INT64")])
    made.schema = [made.schema[0], wider, Field("Extra", "JSON")]
    client.update_table(made, ["schema"], retry=ONCE)
    assert [tuple(row) for row in sql.job("SELECT * FROM shop.t").result()] == [
        (1, [{"a": "x", "b": None}, {"a": "y", "b": None}], None)
    ]
    sql.rows("INSERT INTO shop.t (id, r, extra) VALUES (2, [STRUCT('z', 7)], JSON '{\"k\": 1}')")
    assert sql.rows("SELECT r[OFFSET(0)].b, Extra FROM shop.t WHERE id = 2") == [(7, {"k": 1})]
