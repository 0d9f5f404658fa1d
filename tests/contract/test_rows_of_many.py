"""Rows of many in one unit: what each by itself would do, whatever they hold."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from cloudact.warehouse.driver import Equals, Page, Session, Warehouse
from tests.contract.test_rows import FULL, ids, put, table

__all__ = ["table"]
OTHER = {name: value for name, value in FULL.items() if name not in {"money", "price", "labels", "nested"}}


def read(warehouse: Warehouse, *columns: str) -> list[dict[str, object]]:
    return warehouse.run(lambda session: session.select("rows", "values", ("id", *columns), (), Page(("id",), 100)))


def test_of_many_rows_those_are_inserted_whose_key_is_not_there(table: Warehouse) -> None:
    put(table, {"id": "2", "text": "before", "list": ["z"]})
    rows = [{**OTHER, "id": str(number), "text": f"row {number}"} for number in range(4)]
    inserted = table.run(lambda session: session.insert_each_if_absent("rows", "values", rows, ["id"]))
    assert inserted == (True, True, False, True)
    assert read(table, "text", "list", "raw", "day")[1:3] == [
        {"id": "1", "text": "row 1", "list": FULL["list"], "raw": FULL["raw"], "day": FULL["day"]},
        {"id": "2", "text": "before", "list": ["z"], "raw": None, "day": None},
    ]


def test_a_key_of_two_columns_is_both(table: Warehouse) -> None:
    put(table, {"id": "1", "text": "a"})
    rows = [{"id": "1", "text": "b"}, {"id": "1", "text": "a"}]
    insert = table.run(lambda session: session.insert_each_if_absent("rows", "values", rows, ["id", "text"]))
    assert insert == (True, False)


def test_no_rows_are_no_work(table: Warehouse) -> None:
    assert table.run(lambda session: session.insert_each_if_absent("rows", "values", [], ["id"])) == ()
    table.run(lambda session: session.expect_each("rows", "values", []))
    assert ids(table) == []


def pair(number: int, before: object, after: object) -> tuple[Mapping[str, object], list[Equals]]:
    return {"text": after}, [Equals("id", str(number)), Equals("text", before)]


def test_each_row_becomes_what_is_meant_for_it(table: Warehouse) -> None:
    put(table, *({"id": str(number), "text": None if number % 2 else f"old {number}"} for number in range(5)))
    pairs = [pair(number, None if number % 2 else f"old {number}", f"new {number}") for number in range(4)]
    table.run(lambda session: session.expect_each("rows", "values", pairs))
    assert [row["text"] for row in read(table, "text")] == ["new 0", "new 1", "new 2", "new 3", "old 4"]


@pytest.mark.parametrize("wrong", [pair(2, "other", "new 2"), pair(9, "old 9", "new 9")])
def test_one_row_that_is_not_as_expected_keeps_all_from_being_written(
    table: Warehouse, wrong: tuple[Mapping[str, object], list[Equals]]
) -> None:
    put(table, *({"id": str(number), "text": f"old {number}"} for number in range(3)))
    tried: list[int] = []

    def work(session: Session) -> None:
        tried.append(len(tried))
        pairs = [pair(0, "old 0", "new 0"), pair(1, "old 1", "new 1"), *([wrong] if len(tried) < 2 else [])]
        session.expect_each("rows", "values", pairs)

    table.run(work)
    assert len(tried) == 2
    assert [row["text"] for row in read(table, "text")] == ["new 0", "new 1", "old 2"]


@pytest.mark.parametrize("others", [[], ["1"]])
def test_two_rows_for_one_pair_are_not_one_each_for_two(table: Warehouse, others: list[str]) -> None:
    """As many rows as pairs are found, or one for each and one more."""
    put(table, *({"id": number, "text": "old"} for number in ["0", "0", *others]))
    tried: list[int] = []

    def work(session: Session) -> None:
        tried.append(len(tried))
        if len(tried) < 2:
            session.expect_each("rows", "values", [pair(0, "old", "new"), pair(1, "old", "new")])

    table.run(work)
    assert {row["text"] for row in read(table, "text")} == {"old"}
    assert len(tried) == 2
