"""Rows go in and come out exactly, and conditions mean what they say."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial

import pytest

from cloudact.catalog.model import Column, Dataset, Kind, Mode, Table, Type
from cloudact.errors import WarehouseNotFound
from cloudact.warehouse.driver import Condition, Contains, Equals, JsonText, OneOf, Page, Session, Warehouse, Within
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
        column("document", Kind.JSON),
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
    "document": '{"a":[1,null]}',
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


def ids(warehouse: Warehouse, *where: Condition, page: Page | None = None) -> list[object]:
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
    where = [Equals("id", "counter")]
    seen: list[int] = []

    def add_one(session: Session) -> None:
        value = session.select("rows", "values", ["whole"], where)[0]["whole"]
        assert isinstance(value, int)
        seen.append(value)
        if len(seen) == 1:  # before this unit writes, another one reads and writes the same
            with ThreadPoolExecutor(1) as pool:
                pool.submit(table.run, add_one).result()
        session.update("rows", "values", {"whole": value + 1}, where)

    table.run(add_one)
    rows = table.run(lambda session: session.select("rows", "values", ["whole"]))
    assert rows == [{"whole": 2}]


def test_one_of_finds_any_of_the_values(table: Warehouse) -> None:
    put(table, {"id": "1", "whole": 1}, {"id": "2", "whole": 2}, {"id": "3"})
    assert sorted(map(str, ids(table, OneOf("id", ("1", "3", "9"))))) == ["1", "3"]
    assert ids(table, OneOf("whole", (2, 3)), Equals("id", "2")) == ["2"]
    assert ids(table, OneOf("id", ())) == []
    table.run(lambda session: session.update("rows", "values", {"text": "x"}, [OneOf("id", ("1", "2"))]))
    assert sorted(map(str, ids(table, Equals("text", "x")))) == ["1", "2"]


def test_text_that_says_that_it_is_json_goes_into_its_column(table: Warehouse) -> None:
    put(table, {"id": "1", "document": JsonText('{"a": [1, null]}')}, {"id": "2", "document": None})
    rows = table.run(lambda session: session.select("rows", "values", ["id", "document"]))
    found = {row["id"]: row["document"] for row in rows}
    assert (json.loads(str(found["1"])), found["2"]) == ({"a": [1, None]}, None)


def test_within_finds_values_between_bounds_and_a_page_may_descend(table: Warehouse) -> None:
    put(table, *({"id": str(number), "whole": number} for number in range(5)), {"id": "none"})
    assert sorted(map(str, ids(table, Within("whole", at_least=1, below=3)))) == ["1", "2"]
    assert sorted(map(str, ids(table, Within("whole", at_least=3)))) == ["3", "4"]
    assert sorted(map(str, ids(table, Within("whole", below=1)))) == ["0"]
    assert sorted(map(str, ids(table, Within("whole")))) == ["0", "1", "2", "3", "4"]
    page = Page(("whole",), 2, 1, descending=True)
    rows = table.run(lambda session: session.select("rows", "values", ["whole"], [Within("whole")], page))
    assert [row["whole"] for row in rows] == [3, 2]


class Word(str):
    """Text of a type of its own, as slugs are."""

    __slots__ = ()


def test_many_rows_of_one_unit_come_back_as_each_was(table: Warehouse) -> None:
    plain: list[dict[str, object]] = [
        {"id": f"p{number}", "text": text, "whole": number, "moment": FULL["moment"], "document": JsonText("[1]")}
        for number, text in enumerate(["x", None, Word("y"), ""])
    ]
    mixed = [FULL, {**FULL, "id": "2", "nested": None, "money": Decimal("0.1"), "list": []}]
    put(table, *plain, *mixed)
    names = list(plain[0])
    rows = table.run(lambda session: session.select("rows", "values", names, page=Page(("id",), 10)))
    assert rows[2:] == [{**row, "document": "[1]"} for row in plain]
    found = table.run(lambda session: session.select("rows", "values", list(FULL), page=Page(("id",), 2)))
    assert found == mixed


def expect_whole(session: Session, before: int | None, after: int) -> None:
    where = [Equals("id", "counter"), Equals("whole", before)]
    session.expect("rows", "values", {"whole": after}, where)


def counter(warehouse: Warehouse) -> object:
    where = [Equals("id", "counter")]
    return warehouse.run(lambda session: session.select("rows", "values", ["whole"], where))[0]["whole"]


@pytest.mark.parametrize("before", [None, 1])
def test_what_was_expected_is_written_with_the_rest(table: Warehouse, before: int | None) -> None:
    put(table, {"id": "counter", "whole": before})

    def work(session: Session) -> None:
        session.insert("rows", "values", [{"id": "other"}])
        expect_whole(session, before, 2)

    table.run(work)
    assert counter(table) == 2
    assert sorted(map(str, ids(table))) == ["counter", "other"]


def test_an_expectation_alone_is_met_or_the_unit_runs_again(table: Warehouse) -> None:
    put(table, {"id": "counter", "whole": 3})
    tried: list[int] = []

    def work(session: Session) -> None:
        tried.append(len(tried) + 2)
        expect_whole(session, tried[-1], 10)

    table.run(work)
    assert (tried, counter(table)) == ([2, 3], 10)


@pytest.mark.parametrize("there", [0, 2])
def test_an_expectation_that_is_not_met_leaves_nothing_of_the_unit(table: Warehouse, there: int) -> None:
    put(table, {"id": "last"}, *[{"id": "counter", "whole": 1}] * there)
    tried: list[int] = []

    def work(session: Session) -> None:
        tried.append(1)
        if len(tried) == 3:
            return
        session.insert("rows", "values", [{"id": "other"}])
        session.update("rows", "values", {"text": "x"}, [Equals("id", "last")])
        expect_whole(session, 1, 2)

    table.run(work)
    assert len(tried) == 3
    assert ids(table, Equals("id", "other")) == ids(table, Equals("text", "x")) == ids(table, Equals("whole", 2)) == []


def test_of_units_that_expect_the_same_row_none_is_lost(table: Warehouse) -> None:
    put(table, {"id": "counter", "whole": 0})

    def add_one(session: Session, name: str) -> None:
        value = session.select("rows", "values", ["whole"], [Equals("id", "counter")])[0]["whole"]
        assert isinstance(value, int)
        session.insert("rows", "values", [{"id": name, "whole": value + 1}])
        expect_whole(session, value, value + 1)

    def add(thread: int) -> None:
        for number in range(2):
            table.run(partial(add_one, name=f"{thread}-{number}"))

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(add, range(3)))
    page = Page(("whole", "id"), 100)
    rows = table.run(lambda session: session.select("rows", "values", ["id", "whole"], page=page))
    assert [row["whole"] for row in rows if row["id"] != "counter"] == list(range(1, 7))
    assert counter(table) == 6


def test_a_missing_table_is_not_found_and_not_unavailable(table: Warehouse) -> None:
    with pytest.raises(WarehouseNotFound, match="nothing_here"):
        table.run(lambda session: session.select("rows", "nothing_here", ["id"]))
