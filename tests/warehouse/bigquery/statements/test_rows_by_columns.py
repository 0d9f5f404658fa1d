"""Writes whose values do not say how they are to be sent: records, and more values than there may be parameters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlglot import parse_one

from cloudact.catalog.model import Column, Kind, Mode, Type
from cloudact.errors import WarehouseNotFound, WarehouseRefused
from cloudact.warehouse.bigquery.statements.parameters import Parameters
from cloudact.warehouse.bigquery.statements.rows import (
    MAX_PARAMETERS,
    Columns,
    Ensure,
    Insert,
    Update,
    Write,
    in_pieces,
    need_columns,
    script,
)
from cloudact.warehouse.driver import Contains, Equals, Row
from tests.contract.datasets import column

LINE = column("Lines", Kind.RECORD, Mode.REPEATED, fields=(column("sku"), column("Count", Kind.INT64)))
TABLE = (
    column("Id", Kind.INT64),
    column("order", Kind.JSON),
    column("price", Kind.NUMERIC),
    column("tags", mode=Mode.REPEATED),
    column("it's"),
    Column("valid", Type(Kind.RANGE, element=Kind.DATE)),
    LINE,
)


def unknown(_dataset: str, _table: str) -> Columns:
    return {}


def known(_dataset: str, _table: str) -> Columns:
    return {item.key: item for item in TABLE}


def numbered(rows: int, **more: object) -> tuple[Row, ...]:
    return tuple({"id": number, **more} for number in range(rows))


def only_parameter(write: Write) -> dict[str, Any]:
    """The one parameter of a write, without its name."""
    (found,) = script("p", [write], known).parameters
    return {"type": found.type, "value": found.value}


VALUES: dict[str, tuple[object, bool]] = {
    "nothing": (None, False),
    "text": ("text {}", False),
    "a text that may be JSON": ('{"a": 1}', True),
    "a text that may be a list in JSON": ("[1]", True),
    "a list": ([1, 2], False),
    "an empty list": ([], False),
    "a record": ({"sku": "a"}, True),
    "an empty record": ({}, True),
    "a range": ({"start": date(2024, 1, 2)}, True),
    "a list of records": ([{"sku": "a"}], True),
    "a tuple of records": (({"sku": "a"},), True),
    "a list that begins with nothing": ([None, {"sku": "a"}], True),
}


@pytest.mark.parametrize(("value", "expected"), VALUES.values(), ids=VALUES)
def test_what_does_not_say_its_type_waits_for_the_columns(value: object, expected: bool) -> None:
    row: Row = {"id": 1, "value": value}
    writes: list[Write] = [
        Insert("s", "t", ({"id": 0, "value": None}, row)),
        Ensure("s", "t", row, ("id",)),
        Update("s", "t", row, (Equals("id", 1),)),
    ]
    assert [write.needs_columns for write in writes] == [expected] * 3
    assert [need_columns([write]) for write in writes] == [expected] * 3
    assert need_columns([Insert("s", "u", ({"id": 1},)), *writes]) == expected


@pytest.mark.parametrize(
    ("rows", "columns", "expected"),
    [(1, 1, False), (1_000, 1, False), (1_001, 1, True), (100, 10, False), (143, 7, True), (1, 1_001, True)],
)
def test_many_values_wait_for_the_columns(rows: int, columns: int, expected: bool) -> None:
    row: Row = {f"c{number}": None for number in range(columns)}
    assert need_columns([Insert("s", "t", (row,) * rows)]) == expected


CONDITIONS = (Equals("id", 1), Contains(("a", "b"), "x"))


@pytest.mark.parametrize(
    ("write", "values"),
    [
        (Insert("s", "t", ({"a": 1, "b": [1, 2]},) * 3), 6),
        (Ensure("s", "t", {"a": 1, "b": 2, "c": 3}, ("a", "b")), 5),
        (Update("s", "t", {"a": 1, "b": 2, "c": 3}, CONDITIONS), 5),
    ],
    ids=["insert", "ensure", "update"],
)
def test_the_values_of_a_write_are_the_parameters_that_it_has_at_most(write: Write, values: int) -> None:
    assert write.values == values
    assert len(script("p", [write], unknown).parameters) == values


def test_the_values_of_all_writes_together_are_many() -> None:
    update = Update("s", "t", {"a": 1}, (Equals("id", 1),))
    ensure = Ensure("s", "t", {"a": 1}, ("a",))
    assert not need_columns([Insert("s", "t", numbered(996)), update, ensure])
    assert need_columns([Insert("s", "t", numbered(997)), update, ensure])
    assert need_columns([Insert("s", table, numbered(101)) for table in "abcdefghij"])


def test_many_values_are_one_parameter() -> None:
    rows = numbered(501, price=Decimal("1.50"))
    statement = script("p", [Insert("s", "t", rows)], known)
    assert statement.text == (
        "INSERT INTO `p`.`s`.`t` (`id`, `price`) SELECT item.`id`, item.`price` FROM UNNEST(@p0) AS item"
    )
    fields = [{"name": "Id", "type": {"type": "INT64"}}, {"name": "price", "type": {"type": "NUMERIC"}}]
    sent = [{"structValues": {"Id": {"value": str(n)}, "price": {"value": "1.50"}}} for n in range(501)]
    assert [item.to_api_repr() for item in statement.parameters] == [
        {
            "name": "p0",
            "parameterType": {"type": "ARRAY", "arrayType": {"type": "STRUCT", "structTypes": fields}},
            "parameterValue": {"arrayValues": sent},
        }
    ]


def test_up_to_a_thousand_values_are_a_parameter_each() -> None:
    statement = script("p", [Insert("s", "t", numbered(1_000))], known)
    assert len(statement.parameters) == 1_000
    assert " VALUES (@p0), (@p1), " in statement.text


def test_a_few_rows_among_many_values_are_one_parameter_as_well() -> None:
    few, ensure = Insert("s", "t", numbered(2)), Ensure("s", "t", {"id": 3}, ("id",))
    alone, together = script("p", [few, ensure], known), script("p", [few, ensure, LARGE], known)
    assert [item.type["type"] for item in alone.parameters] == ["INT64"] * 4
    assert [item.type["type"] for item in together.parameters] == ["ARRAY", "INT64", "INT64", "ARRAY"]
    assert [len(item.value["arrayValues"]) for item in together.parameters if "arrayValues" in item.value] == [
        2, MAX_PARAMETERS + 1,
    ]  # fmt: skip


def test_values_in_a_large_parameter_are_as_the_columns_are() -> None:
    row: Row = {
        "lines": [{"count": 2, "SKU": "a"}, {}],
        "it's": None,
        "ORDER": '{"a": 1.50}',
        "tags": [],
        "valid": {"start": date(2024, 1, 2), "end": None},
        "id": 7,
    }
    write = Insert("s", "t", (row,) * 200)
    found = only_parameter(write)
    fields = {item["name"]: item["type"]["type"] for item in found["type"]["arrayType"]["structTypes"]}
    assert fields == {
        "Lines": "ARRAY", "it's": "STRING", "order": "JSON", "tags": "ARRAY", "valid": "RANGE", "Id": "INT64",
    }  # fmt: skip
    nothing = {"value": None}
    lines = [{"sku": {"value": "a"}, "Count": {"value": "2"}}, {"sku": nothing, "Count": nothing}]
    expected = {
        "Lines": {"arrayValues": [{"structValues": line} for line in lines]},
        "it's": nothing,
        "order": {"value": '{"a": 1.50}'},
        "tags": {"arrayValues": []},
        "valid": {"rangeValue": {"start": {"value": "2024-01-02"}}},
        "Id": {"value": "7"},
    }
    assert found["value"]["arrayValues"] == [{"structValues": expected}] * 200
    text = script("p", [write], known).text
    assert "(`lines`, `it's`, `ORDER`, `tags`, `valid`, `id`) SELECT item.`lines`, item.`it's`, item.`ORDER`," in text
    parse_one(text, dialect="bigquery")


def test_a_part_of_a_record_among_many_that_has_no_field_is_refused() -> None:
    rows = (*numbered(1_000, lines=[]), {"id": 1, "lines": [{"sku": "a", "why": "x"}]})
    with pytest.raises(WarehouseRefused, match="why"):
        script("p", [Insert("s", "t", rows)], known)


def test_many_values_for_a_table_that_is_not_there_are_sent_so_that_bigquery_says_so() -> None:
    statement = script("p", [Insert("s", "gone", numbered(1_001))], unknown)
    assert statement.text.startswith("INSERT INTO `p`.`s`.`gone` (`id`) VALUES (@p0), ")


def test_many_values_for_a_column_that_is_not_there_are_not_found_as_few_are() -> None:
    with pytest.raises(WarehouseNotFound, match=r"^s\.t has no column Nothing_here$") as caught:
        script("p", [Insert("s", "t", numbered(501, Nothing_here=1))], known)
    assert "Sync" in caught.value.hint
    assert "`Nothing_here`" in script("p", [Insert("s", "t", numbered(500, Nothing_here=1))], known).text


LARGE = Insert("s", "t", numbered(MAX_PARAMETERS + 1))
SMALL = Insert("s", "t", ({"lines": [{"count": 1}], "price": Decimal(1)},))
ENSURE = Ensure("s", "t", {"id": 1, "valid": {"end": date(2024, 1, 2)}}, ("id",))
UPDATE = Update("s", "t", {"order": "1", "lines": []}, (Equals("ID", 4),))


@pytest.mark.parametrize("write", [LARGE, SMALL, ENSURE, UPDATE], ids=["large", "small", "ensure", "update"])
def test_one_write_by_columns_is_one_statement(write: Write) -> None:
    statement = script("p", [write], known)
    assert statement.text == write.text("p", known, Parameters(), many=write is LARGE)
    assert len(statement.parameters) < MAX_PARAMETERS


def test_several_writes_by_columns_are_one_transaction_with_parameters_of_their_own() -> None:
    statement = script("p", [LARGE, UPDATE, SMALL, ENSURE, LARGE], known)
    lines = statement.text.split(";\n")
    assert (lines[0], lines[-1]) == ("BEGIN TRANSACTION", "COMMIT TRANSACTION;")
    assert [line.split(" ")[0] for line in lines[1:-1]] == ["INSERT", "UPDATE", "INSERT", "MERGE", "INSERT"]
    used = re.findall(r"@(p\d+)", statement.text)
    assert used == [item.name for item in statement.parameters]
    assert [item.type["type"] for item in statement.parameters] == [
        "ARRAY", "JSON", "INT64", "ARRAY", "INT64", "INT64", "RANGE", "ARRAY",
    ]  # fmt: skip
    assert [len(item.value["arrayValues"]) for item in statement.parameters if "arrayValues" in item.value] == [
        MAX_PARAMETERS + 1, 1, MAX_PARAMETERS + 1,
    ]  # fmt: skip


def alternating(rows: int) -> list[Row]:
    return [{"id": number} if number % 2 else {"price": number} for number in range(rows)]


@pytest.mark.parametrize(
    ("writes", "sizes"),
    [
        ([Insert("s", table, numbered(1_000)) for table in "abcdefghijk"], [1_000] * 11),
        ([Insert("s", "t", piece) for piece in in_pieces(alternating(20_001))], [10_001, 10_000]),
    ],
    ids=["many tables", "many pieces"],
)
def test_every_insert_of_many_is_one_parameter(writes: Sequence[Write], sizes: list[int]) -> None:
    parameters = script("p", writes, known).parameters
    assert [len(item.value["arrayValues"]) for item in parameters] == sizes


def update(number: int) -> Write:
    """A write of so many values, of which one is a condition."""
    return Update("s", "t", dict.fromkeys(map("c{}".format, range(number - 1)), 1), (Equals("id", 1),))


def test_a_script_has_no_more_parameters_than_a_query_may_have() -> None:
    most = [update(MAX_PARAMETERS // 2)] * 2
    assert len(script("p", most, known).parameters) == MAX_PARAMETERS == 10_000
    with pytest.raises(WarehouseRefused, match=r"^3 writes have 10002 values, and BigQuery takes 10000 ") as caught:
        script("p", [*most, update(2)], known)
    assert "smaller" in caught.value.hint


def test_literals_are_no_parameters() -> None:
    names = map("c{}".format, range(MAX_PARAMETERS))
    nothing = Update("s", "t", dict.fromkeys(names), (Equals("id", None), Equals("tags", None)))
    assert script("p", [nothing], known).parameters == ()


def test_very_many_values_for_a_table_that_is_not_there_are_not_found_as_few_are() -> None:
    with pytest.raises(WarehouseNotFound, match="gone"):
        script("p", [Insert("s", "gone", numbered(MAX_PARAMETERS + 1))], unknown)
