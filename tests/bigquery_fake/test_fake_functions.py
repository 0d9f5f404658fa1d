"""What expressions give: the values BigQuery documents, since the engine's own functions differ in places."""

from __future__ import annotations

import datetime
from decimal import Decimal

import pytest
from google.api_core import exceptions

from tests.bigquery_fake.clients import Queries, scalar

EXPRESSIONS: dict[str, object] = {
    "REPLACE('a.b.c', '.', '-')": "a-b-c",
    "REGEXP_REPLACE('abcabc', 'b', 'x')": "axcaxc",
    r"REGEXP_REPLACE('abc', r'(b)', r'[\1]')": "a[b]c",
    "REGEXP_CONTAINS('abc', 'b')": True,
    "REGEXP_EXTRACT('abc', 'b(.)')": "c",
    "SUBSTR('abcdef', -2)": "ef",
    "STRPOS('abc', 'c')": 3,
    "STARTS_WITH('abc', 'ab')": True,
    "ENDS_WITH('abc', 'bc')": True,
    "ENDS_WITH('abc', 'C')": False,
    "SUBSTR('abc', 4, 0)": "",
    "CONTAINS_SUBSTR('aBc', 'bC')": True,
    "LENGTH('äb')": 2,
    "LOWER('ÄB')": "äb",
    "TRIM('  x ')": "x",
    "SPLIT('a,b', ',')": ["a", "b"],
    "CONCAT('a', 'b') || 'c'": "abc",
    "'abc' LIKE 'a%'": True,
    "TO_HEX(SHA256('abc'))": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "TO_HEX(MD5('abc'))": "900150983cd24fb0d6963f7d28e17f72",
    "GREATEST(1, 3, 2)": 3,
    "LEAST(1, NULL)": None,
    "7 * 3 - ABS(-1)": 20,
    "ROUND(1.256, 2)": 1.26,
    "CAST(1.5 AS INT64)": 2,
    "CAST(5 AS STRING)": "5",
    "CAST('1.5' AS NUMERIC) + 1": Decimal("2.5"),
    "BIGNUMERIC '1.50'": Decimal("1.5"),
    "SAFE_CAST('x' AS INT64)": None,
    "COALESCE(NULL, 'x')": "x",
    "IF(FALSE, ERROR('never'), 1)": 1,
    "CASE WHEN 2 BETWEEN 1 AND 3 THEN 'in' ELSE 'out' END": "in",
    "NULLIF(1, 1) IS NULL": True,
    "NULL IS NOT DISTINCT FROM NULL": True,
    "'a' IN UNNEST(['a', 'b'])": True,
    "[1, 2, 3][OFFSET(1)]": 2,
    "[1, 2, 3][SAFE_OFFSET(9)]": None,
    "ARRAY_LENGTH(ARRAY_CONCAT([1], [2, 3]))": 3,
    "ARRAY(SELECT x * 2 FROM UNNEST([3, 1]) AS x ORDER BY x)": [2, 6],
    "ARRAY_TO_STRING(['a', 'b'], '-')": "a-b",
    "STRUCT(1 AS a, 'x' AS b)": {"a": 1, "b": "x"},
    "JSON_VALUE(PARSE_JSON('{\"b\": {\"c\": 5}}'), '$.b.c')": "5",
    "JSON_VALUE('{\"b\": null}', '$.b')": None,
    "TO_JSON_STRING(PARSE_JSON('{\"a\": [1, 2]}'))": '{"a":[1,2]}',
    "DATE(TIMESTAMP '2026-01-02 23:59:59')": datetime.date(2026, 1, 2),
    "TIMESTAMP_TRUNC(TIMESTAMP '2026-05-17 12:34:56', DAY)": datetime.datetime(2026, 5, 17, tzinfo=datetime.UTC),
    "TIMESTAMP_DIFF(TIMESTAMP '2026-01-02', TIMESTAMP '2026-01-01 12:00:00', HOUR)": 12,
    "TIMESTAMP_ADD(TIMESTAMP '2026-01-01', INTERVAL 36 HOUR)": datetime.datetime(2026, 1, 2, 12, tzinfo=datetime.UTC),
    "TIMESTAMP_MICROS(UNIX_MICROS(TIMESTAMP '2026-01-01'))": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
    "EXTRACT(YEAR FROM DATE '2026-05-17')": 2026,
    "DATE_DIFF(DATE '2026-02-01', DATE '2026-01-01', DAY)": 31,
    "(SELECT STRING_AGG(x, '+' ORDER BY x) FROM UNNEST(['b', 'a']) AS x)": "a+b",
    "(SELECT COUNTIF(x > 1) + COUNT(DISTINCT x) FROM UNNEST([1, 2, 2]) AS x)": 4,
    "(SELECT LOGICAL_OR(x > 1) FROM UNNEST([1, 2]) AS x)": True,
    "(SELECT x FROM UNNEST([1, 2]) AS x WHERE TRUE QUALIFY ROW_NUMBER() OVER (ORDER BY x DESC) = 1)": 2,
}


def test_functions_give_what_bigquery_documents(sql: Queries) -> None:
    items = ", ".join(f"{expression} AS c{number}" for number, expression in enumerate(EXPRESSIONS))
    (row,) = sql.rows(f"SELECT {items}")
    assert dict(zip(EXPRESSIONS, row, strict=True)) == EXPRESSIONS


def test_the_time_is_the_clocks(sql: Queries) -> None:
    first, second = (sql.one("SELECT CURRENT_TIMESTAMP()") for _ in range(2))
    assert first == second
    assert sql.one("SELECT CURRENT_DATE()") == first.date()


def test_an_array_of_structs_exposes_its_fields(sql: Queries) -> None:
    assert sql.rows("SELECT k FROM UNNEST([STRUCT(1 AS k, 'a' AS w), STRUCT(2, 'b')]) ORDER BY k DESC") == [(2,), (1,)]
    assert sql.rows("SELECT r.w FROM UNNEST([STRUCT(1 AS k, 'a' AS w)]) AS r") == [("a",)]
    assert sql.rows("WITH x AS (SELECT 1 AS a) SELECT a FROM x UNION ALL SELECT a + 1 FROM x ORDER BY a") == [
        (1,),
        (2,),
    ]


@pytest.mark.parametrize(
    "expression",
    ["FARM_FINGERPRINT('a')", "TO_JSON(STRUCT(1 AS a))", "NO_SUCH_FUNCTION(1)", "@@error.message", "RAND()",
     "(SELECT o FROM UNNEST([1]) WITH OFFSET AS o)", "FORMAT('%d', 1)", "b'ab'", "1 / 0", "TO_JSON_STRING(1.5)",
      "TIMESTAMP '2026-01-02' - TIMESTAMP '2026-01-01'"],
)  # fmt: skip
def test_expressions_the_fake_does_not_know_are_refused(sql: Queries, expression: str) -> None:
    with pytest.raises(exceptions.MethodNotImplemented, match="does not know"):
        sql.rows(f"SELECT {expression} AS x")


@pytest.mark.parametrize(
    "expression",
    [
        "1 = '1'",
        "NOT 1",
        "LOWER(1)",
        "'a' + 1",
        "PARSE_JSON('1') = PARSE_JSON('1')",
        "PARSE_JSON('{')",
        "[1] = [1]",
        "COALESCE('a', 1)",
        "IF(TRUE, 'a', 1)",
        "CASE WHEN TRUE THEN 'a' ELSE DATE '2026-01-01' END",
        "NULLIF('a', 1)",
    ],
)
def test_operands_that_do_not_fit_are_refused(sql: Queries, expression: str) -> None:
    with pytest.raises(exceptions.BadRequest):
        sql.rows(f"SELECT {expression} AS x")


def test_the_sides_of_a_union_have_a_type_in_common(sql: Queries) -> None:
    assert sql.rows("SELECT 1 AS n UNION ALL SELECT NUMERIC '2.5' ORDER BY n") == [(Decimal(1),), (Decimal("2.5"),)]
    assert sql.rows("SELECT NULL AS s UNION ALL SELECT 'a' UNION ALL SELECT NULL ORDER BY s") == [
        (None,),
        (None,),
        ("a",),
    ]
    with pytest.raises(exceptions.BadRequest, match="No matching signature for Union"):
        sql.rows("SELECT 1 AS n UNION ALL SELECT 'a'")


def test_outputs_are_named_where_bigquery_looks_for_them(sql: Queries) -> None:
    source = "(SELECT 1 AS a, 'x' AS b)"
    assert sql.rows(f"SELECT a AS k, COUNT(*) AS n FROM {source} GROUP BY k HAVING n > 0 ORDER BY k") == [(1, 1)]
    assert sql.rows(f"SELECT UPPER(b) AS b FROM {source} WHERE b = 'x'") == [("X",)]
    for query in (f"SELECT a AS k FROM {source} WHERE k = 1", f"SELECT a AS k, k + 1 AS m FROM {source}"):
        with pytest.raises(exceptions.BadRequest, match="Unrecognized name: k"):
            sql.rows(query)


def test_json_is_not_grouped_by(sql: Queries) -> None:
    with pytest.raises(exceptions.BadRequest, match="JSON"):
        sql.rows("SELECT COUNT(*) AS n FROM (SELECT PARSE_JSON(@j) AS j) GROUP BY j", scalar("j", "STRING", "1"))


def test_a_bignumeric_is_made_of_numbers_whose_digits_are_known(sql: Queries) -> None:
    numbers = [0.5, 1234567.125, -3.0, 0.0, None]
    source = f"UNNEST([{', '.join('NULL' if n is None else repr(n) for n in numbers)}]) AS n"
    query = f"SELECT CAST(n AS BIGNUMERIC) AS b, IF(n > 1e8, ERROR('large'), CAST(n AS BIGNUMERIC)) AS c FROM {source}"
    expected = [(None if n is None else Decimal(repr(n)),) * 2 for n in numbers]
    assert sorted(map(str, sql.rows(query))) == sorted(map(str, [tuple(map(_shortest, row)) for row in expected]))
    for unknown in ("0.1", "1e10"):
        with pytest.raises(exceptions.GoogleAPICallError, match="does not know the BIGNUMERIC of a FLOAT64"):
            sql.rows(f"SELECT CAST(n AS BIGNUMERIC) AS b FROM UNNEST([{unknown}]) AS n")


def _shortest(number: Decimal | None) -> Decimal | None:
    return None if number is None else Decimal(f"{number.normalize():f}")
