"""Rows go in and come out exactly, and conditions mean what they say."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from cloudact.catalog.model import Column, Dataset, Kind, Mode, Table, Type
from cloudact.errors import WarehouseNotFound
from cloudact.warehouse.driver import Contains, Equals, Page, Session, Warehouse
from tests.contract.conftest import Bring
from tests.contract.datasets import column

VALUES = Table(
    "values",
    (
        column("id", mode=Mode.REQUIRED),
        column("text"),
        column("whole", Kind.INT64),
        column("truth", Kind.BOOL),
        column("day", Kind.DATE),
        column("moment", Kind.TIMESTAMP),
        column("raw", Kind.BYTES),
        column("list", mode=Mode.REPEATED),
        column("money", Kind.NUMERIC),
        Column("price", Type(Kind.BIGNUMERIC)),
        Column("labels", Type(Kind.RECORD), Mode.REPEATED, fields=(column("key"), column("value"))),
        Column("nested", Type(Kind.RECORD), fields=(column("name"), column("pair", Kind.INT64))),
    ),
)
FULL = {
    "id": "1",
    "text": "naïve 'quoted' \"text\" 日本; DROP TABLE values --",
    "whole": -(2**63),
    "truth": False,
    "day": date(2026, 2, 28),
    "moment": datetime(2026, 2, 28, 23, 59, 59, 999999, tzinfo=UTC),
    "raw": b"\x00\xff",
    "list": ["x", "", "ü"],
    "money": Decimal("-99999999999999999999999999999.123456789"),
    "price": Decimal("12345678901234567890.123456789012345678"),
    "labels": [{"key": "team", "value": "a"}, {"key": "lonely", "value": None}, {"key": None, "value": "b"}],
    "nested": {"name": "n", "pair": None},
}


@pytest.fixture
def table(bring: Bring, warehouse: Warehouse) -> Warehouse:
    """A warehouse with one empty table that has a column of every kind of value."""
    bring(Dataset("rows", (VALUES,), location="EU"))
    return warehouse


def put(warehouse: Warehouse, *rows: dict[str, object]) -> None:
    warehouse.run(lambda session: session.insert("rows", "values", rows))


def ids(warehouse: Warehouse, *where: Equals | Contains, page: Page | None = None) -> list[object]:
    rows = warehouse.run(lambda session: session.select("rows", "values", ["id"], where, page))
    return [row["id"] for row in rows]


def test_every_kind_of_value_comes_back_exactly(table: Warehouse) -> None:
    put(table, FULL)
    assert table.run(lambda session: session.select("rows", "values", list(FULL))) == [FULL]


def test_an_update_sets_every_kind_of_value_exactly(table: Warehouse) -> None:
    put(table, {"id": "1"})
    table.run(lambda session: session.update("rows", "values", FULL, [Equals("id", "1")]))
    assert table.run(lambda session: session.select("rows", "values", list(FULL))) == [FULL]


def test_columns_left_out_are_null(table: Warehouse) -> None:
    put(table, {"id": "1"})
    rows = table.run(lambda session: session.select("rows", "values", ["text", "whole"]))
    assert rows == [{"text": None, "whole": None}]


def test_equals_finds_values_and_null(table: Warehouse) -> None:
    put(table, {"id": "1", "text": "a"}, {"id": "2", "text": None}, {"id": "3", "text": "A"})
    assert ids(table, Equals("text", "a")) == ["1"]
    assert ids(table, Equals("text", None)) == ["2"]


def test_contains_ignores_case_and_has_no_wildcards(table: Warehouse) -> None:
    put(table, {"id": "a%b", "text": "Grüße"}, {"id": "axb", "text": None})
    assert ids(table, Contains(("id", "text"), "%")) == ["a%b"]
    assert ids(table, Contains(("id", "text"), "GRÜ")) == ["a%b"]
    assert sorted(ids(table, Contains(("id",), "A"))) == ["a%b", "axb"]


def test_pages_are_ordered_and_cover_everything_once(table: Warehouse) -> None:
    put(table, *({"id": f"{number:02}"} for number in reversed(range(10))))
    pages = [ids(table, page=Page(("id",), 4, offset)) for offset in (0, 4, 8, 12)]
    assert [len(page) for page in pages] == [4, 4, 2, 0]
    assert [found for page in pages for found in page] == [f"{number:02}" for number in range(10)]


def test_update_changes_only_what_meets_every_condition(table: Warehouse) -> None:
    put(table, {"id": "1", "text": "a"}, {"id": "2", "text": "a"}, {"id": "3", "text": "b"})
    where = [Equals("text", "a"), Equals("id", "2")]
    table.run(lambda session: session.update("rows", "values", {"text": "c"}, where))
    assert ids(table, Equals("text", "c")) == ["2"]
    assert table.run(lambda session: session.count("rows", "values", [Equals("text", "a")])) == 1


def test_update_of_everything_is_not_possible(table: Warehouse) -> None:
    with pytest.raises(ValueError, match="without a condition"):
        table.run(lambda session: session.update("rows", "values", {"text": "c"}, []))


def test_insert_if_absent_inserts_once(table: Warehouse) -> None:
    def add(text: str) -> bool:
        row = {"id": "1", "text": text}
        return table.run(lambda session: session.insert_if_absent("rows", "values", row, ["id"]))

    assert [add("first"), add("second")] == [True, False]
    assert ids(table, Equals("text", "first")) == ["1"]


def test_of_simultaneous_inserts_of_a_key_exactly_one_wins(table: Warehouse) -> None:
    barrier = threading.Barrier(8)

    def add(number: int) -> bool:
        barrier.wait()
        row = {"id": "same", "whole": number}
        return table.run(lambda session: session.insert_if_absent("rows", "values", row, ["id"]))

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(add, range(8)))
    assert won.count(True) == 1
    assert table.run(lambda session: session.count("rows", "values")) == 1


def test_read_modify_write_loses_no_update(table: Warehouse) -> None:
    put(table, {"id": "counter", "whole": 0})

    def add_one(session: Session) -> None:
        where = [Equals("id", "counter")]
        value = session.select("rows", "values", ["whole"], where)[0]["whole"]
        assert isinstance(value, int)
        session.update("rows", "values", {"whole": value + 1}, where)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: [table.run(add_one) for _ in range(10)], range(4)))
    rows = table.run(lambda session: session.select("rows", "values", ["whole"]))
    assert rows == [{"whole": 40}]


def test_a_missing_table_is_not_found_and_not_unavailable(table: Warehouse) -> None:
    with pytest.raises(WarehouseNotFound, match="nothing_here"):
        table.run(lambda session: session.select("rows", "nothing_here", ["id"]))
