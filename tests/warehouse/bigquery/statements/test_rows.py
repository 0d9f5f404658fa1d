"""Statements on rows: every name quoted, every value a parameter, several writes in one transaction."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal

import pytest
from dateutil.relativedelta import relativedelta  # type: ignore[import-untyped]
from google.cloud import bigquery
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import parse_one

from cloudact.catalog.model import Column, Kind, Type
from cloudact.warehouse.bigquery.statements.parameters import Parameters
from cloudact.warehouse.bigquery.statements.rows import (
    Columns,
    Ensure,
    Insert,
    Known,
    Update,
    Write,
    count,
    in_pieces,
    quote,
    script,
    select,
    values_of,
)
from cloudact.warehouse.bigquery.transport.client import Answer, Statement
from cloudact.warehouse.driver import Condition, Contains, Equals, Page, Row

NAMES = (
    "plain",
    "select",
    "a.b",
    "with space",
    "it's",
    'say "x"',
    "back`tick",
    "back\\slash",
    "`; DROP TABLE x; --",
    "größe",
)
LABEL = Equals("label", "x")


def unknown(_dataset: str, _table: str) -> Columns:
    return {}


def typed(**kinds: Kind) -> Known:
    columns = {name: Column(name, Type(kind)) for name, kind in kinds.items()}
    return lambda dataset, table: columns


def sent(statement: Statement) -> dict[str, tuple[str, object]]:
    """Type and value of each parameter, by name."""
    return {item.name: (item.type["type"], item.value.get("value")) for item in statement.parameters}


@pytest.mark.parametrize("name", NAMES)
def test_a_quoted_name_is_one_name_whatever_is_in_it(name: str) -> None:
    inner = re.fullmatch(r"`((?:[^`\\]|\\.)*)`", quote(name))
    assert inner is not None
    assert re.sub(r"\\(.)", r"\1", inner[1]) == name


def test_a_path_is_quoted_part_by_part() -> None:
    assert quote("acme-analytics", "region-eu", "a`b") == r"`acme-analytics`.`region-eu`.`a\`b`"


@pytest.mark.parametrize("name", NAMES)
def test_every_name_in_every_statement_is_quoted(name: str) -> None:
    conditions: list[Condition] = [Equals(name, 1), Equals(name, None), Contains((name, name), "x")]
    row: Row = {name: 1}
    statements = [
        select("p", name, name, [name], conditions, Page((name,), 1), unknown),
        count("p", name, name, conditions, unknown),
        script("p", [Insert(name, name, (row,))], unknown),
        script("p", [Ensure(name, name, row, (name,))], unknown),
        script("p", [Update(name, name, row, tuple(conditions))], unknown),
    ]
    for statement in statements:
        bare = re.sub(r"`(?:[^`\\]|\\.)*`", "", statement.text)
        assert name not in bare.replace("plain", "").split()
        assert f"`p`.{quote(name)}.{quote(name)}" in statement.text
        if "\\" not in name:
            parse_one(statement.text, dialect="bigquery")


def test_rows_are_selected_by_conditions_in_pages() -> None:
    where: list[Condition] = [
        Equals("slug", "acme"),
        Equals("ended_at", None),
        Contains(("name", "email"), "Ac%"),
        Equals("seats", 3),
    ]
    statement = select("p", "shop", "orders", ["id", "name"], where, Page(("name", "id"), 50, 100), unknown)
    assert statement.text == (
        "SELECT `id`, `name` FROM `p`.`shop`.`orders` WHERE `slug` = @p0 AND `ended_at` IS NULL"
        " AND (STRPOS(LOWER(`name`), LOWER(@p1)) > 0 OR STRPOS(LOWER(`email`), LOWER(@p1)) > 0) AND `seats` = @p2"
        " ORDER BY `name`, `id` LIMIT @p3 OFFSET @p4"
    )
    assert sent(statement) == {
        "p0": ("STRING", "acme"),
        "p1": ("STRING", "Ac%"),
        "p2": ("INT64", "3"),
        "p3": ("INT64", "50"),
        "p4": ("INT64", "100"),
    }


def test_without_conditions_and_pages_all_rows_are_meant() -> None:
    assert select("p", "s", "t", ["a"], (), None, unknown) == Statement("SELECT `a` FROM `p`.`s`.`t`")
    assert count("p", "s", "t", (), unknown) == Statement("SELECT COUNT(*) FROM `p`.`s`.`t`")


def test_no_column_is_asked_for_where_none_has_to_be_known() -> None:
    def never(dataset: str, table: str) -> Columns:
        raise AssertionError(f"{dataset}.{table} was asked for")

    assert select("p", "s", "t", ["a"], (), Page(("a",), 1), never).text.endswith("LIMIT @p0 OFFSET @p1")
    assert count("p", "s", "t", (), never).parameters == ()


@pytest.mark.parametrize(
    "make",
    [
        lambda known: select("p", "s", "t", ["a"], [Equals("Data", "1")], None, known),
        lambda known: count("p", "s", "t", [Equals("Data", "1")], known),
        lambda known: script("p", [Insert("s", "t", ({"Data": "1"},))], known),
        lambda known: script("p", [Update("s", "t", {"Data": "1"}, (Equals("x", None),))], known),
        lambda known: script("p", [Ensure("s", "t", {"Data": "1"}, ())], known),
    ],
    ids=["select", "count", "insert", "update", "ensure"],
)
def test_a_known_column_gives_a_value_its_type(make: Callable[[Known], Statement]) -> None:
    assert sent(make(unknown)) == {"p0": ("STRING", "1")}
    assert sent(make(typed(data=Kind.JSON))) == {"p0": ("JSON", "1")}


def test_a_text_to_look_for_is_text_whatever_the_column_is() -> None:
    found = count("p", "s", "t", [Contains(("data",), "1")], typed(data=Kind.INT64))
    assert sent(found) == {"p0": ("STRING", "1")}


def test_rows_are_inserted_together() -> None:
    rows: tuple[Row, ...] = ({"id": 1, "tags": [], "at": None}, {"id": 2, "tags": ["x"], "at": Decimal("1.5")})
    statement = script("p", [Insert("s", "t", rows)], unknown)
    assert statement.text == ("INSERT INTO `p`.`s`.`t` (`id`, `tags`, `at`) VALUES (@p0, [], NULL), (@p1, @p2, @p3)")
    assert [item.name for item in statement.parameters] == ["p0", "p1", "p2", "p3"]


def test_a_row_is_inserted_unless_its_key_is_there() -> None:
    statement = script(
        "p", [Ensure("s", "t", {"slug": "acme", "region": None, "seats": 3}, ("slug", "region"))], unknown
    )
    assert statement.text == (
        "MERGE INTO `p`.`s`.`t` AS target USING (SELECT 1 AS one) AS source ON target.`slug` = @p0"
        " AND target.`region` IS NULL"
        " WHEN NOT MATCHED THEN INSERT (`slug`, `region`, `seats`) VALUES (@p1, NULL, @p2)"
    )
    assert sent(statement) == {"p0": ("STRING", "acme"), "p1": ("STRING", "acme"), "p2": ("INT64", "3")}


def test_a_key_is_looked_for_in_the_table_whatever_its_name() -> None:
    statement = script("p", [Ensure("s", "t", {"one": 1, "source": None}, ("one", "source"))], unknown)
    assert " ON target.`one` = @p0 AND target.`source` IS NULL WHEN " in statement.text
    assert statement.text.endswith(" INSERT (`one`, `source`) VALUES (@p1, NULL)")


def test_values_are_set_where_all_conditions_hold() -> None:
    statement = script("p", [Update("s", "t", {"a": 1, "b": None}, (Equals("c", "x"), Equals("d", None)))], unknown)
    assert statement.text == "UPDATE `p`.`s`.`t` SET `a` = @p0, `b` = NULL WHERE `c` = @p1 AND `d` IS NULL"
    assert sent(statement) == {"p0": ("INT64", "1"), "p1": ("STRING", "x")}


INSERT, ENSURE = Insert("s", "t", ({"a": 1},)), Ensure("s", "t", {"a": 2}, ("a",))
UPDATE = Update("s", "u", {"b": 3}, (Equals("a", 4),))


@pytest.mark.parametrize("write", [INSERT, ENSURE, UPDATE], ids=lambda write: type(write).__name__)
def test_one_write_is_one_statement(write: Write) -> None:
    text = script("p", [write], unknown).text
    assert text == write.text("p", unknown, Parameters())
    assert ";" not in text


def test_several_writes_are_one_transaction() -> None:
    statement = script("p", [UPDATE, INSERT, ENSURE], unknown)
    lines = statement.text.split(";\n")
    assert lines[0] == "BEGIN TRANSACTION"
    assert [line.split(" ")[0] for line in lines[1:4]] == ["UPDATE", "INSERT", "MERGE"]
    assert lines[4:] == ["COMMIT TRANSACTION;"]
    used = re.findall(r"@p\d+", statement.text)
    assert used == [f"@{item.name}" for item in statement.parameters]
    assert [item.value["value"] for item in statement.parameters] == ["3", "4", "1", "2", "2"]


def test_each_table_of_a_script_has_columns_of_its_own() -> None:
    def known(dataset: str, table: str) -> Columns:
        return {"a": Column("a", Type(Kind.JSON if table == "t" else Kind.STRING))}

    writes = [Insert("s", "t", ({"a": "1"},)), Insert("s", "u", ({"a": "1"},))]
    assert [item.type for item in script("p", writes, known).parameters] == [{"type": "JSON"}, {"type": "STRING"}]


@pytest.mark.parametrize("rows", [0, 1, 2, 20_001])
def test_rows_of_the_same_columns_are_one_piece(rows: int) -> None:
    given_rows: list[Row] = [{"a": number, "b": None} for number in range(rows)]
    assert in_pieces(given_rows) == ([tuple(given_rows)] if rows else [])


@given(st.lists(st.sampled_from(("a", "b", "ab", "ba", "")), max_size=12))
def test_rows_of_different_columns_are_in_different_pieces(given_columns: Sequence[str]) -> None:
    rows: list[Row] = [dict.fromkeys(names, number) for number, names in enumerate(given_columns)]
    pieces = {tuple(piece[0]): list(piece) for piece in in_pieces(rows)}
    assert len(pieces) == len(in_pieces(rows))
    assert list(pieces) == list(dict.fromkeys(map(tuple, rows)))
    assert pieces == {names: [row for row in rows if tuple(row) == names] for names in pieces}


def field(kind: str, mode: str = "NULLABLE", *fields: bigquery.SchemaField, name: str = "c") -> bigquery.SchemaField:
    return bigquery.SchemaField(name, kind, mode, fields=fields)


def read(value: object, schema: bigquery.SchemaField) -> object:
    """The one value of the one row of an answer."""
    ((found,),) = values_of(Answer((schema,), ((value,),), 0))
    return found


@pytest.mark.parametrize(
    ("kind", "value", "found"),
    [
        ("STRING", "x", "x"),
        ("INTEGER", None, None),
        ("JSON", {"b": [1, None, "é"], "a": 1.5}, '{"b":[1,null,"é"],"a":1.5}'),
        ("JSON", "text", '"text"'),
        ("JSON", 0, "0"),
        ("JSON", False, "false"),
        ("INTERVAL", relativedelta(days=-1, hours=2, microseconds=3), timedelta(days=-1, hours=2, microseconds=3)),
        ("INTERVAL", relativedelta(hours=49), timedelta(hours=49)),
        ("RANGE", {"start": 1, "end": None}, {"start": 1, "end": None}),
    ],
)
def test_a_value_is_read_as_it_was_written(kind: str, value: object, found: object) -> None:
    assert read(value, field(kind)) == found
    assert read([value, value], field(kind, "REPEATED")) == [found, found]
    inner = field("RECORD", "NULLABLE", field(kind, name="a"), field(kind, "REPEATED", name="b"))
    assert read({"a": value, "b": [value]}, inner) == {"a": found, "b": [found]}
    assert read([{"a": value, "b": []}], field("STRUCT", "REPEATED", *inner.fields)) == [{"a": found, "b": []}]


def test_a_record_that_is_null_is_none() -> None:
    assert read(None, field("RECORD", "NULLABLE", field("STRING", name="a"))) is None
    assert read([], field("RECORD", "REPEATED", field("STRING", name="a"))) == []
