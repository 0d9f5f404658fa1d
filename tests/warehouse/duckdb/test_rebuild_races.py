"""Rows that others write while a table is rebuilt are in it, or their writer is told to try again."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from cloudact.catalog.model import Column, Dataset, Kind, Table, Type
from cloudact.errors import WarehouseError, WarehouseRefused
from cloudact.planning.policy import EVERYTHING
from cloudact.tenancy.sync import synchronize
from cloudact.warehouse.driver import Session, TableName
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse

BEFORE = Table("orders", (Column("n", Type(Kind.INT64)),))
AFTER = Table("orders", (Column("n", Type(Kind.NUMERIC)),))


@pytest.fixture
def warehouse() -> Iterator[DuckDBWarehouse]:
    """A table with one row."""
    made = DuckDBWarehouse(None, busy_timeout=0.1)
    synchronize(made, Dataset("shop", (BEFORE,)), EVERYTHING)
    made.run(lambda session: session.insert("shop", "orders", [{"n": 1}]))
    yield made
    made.close()


def test_a_row_committed_after_the_unit_began_is_kept(warehouse: DuckDBWarehouse) -> None:
    attempts: list[int] = []

    def work(session: Session) -> None:
        attempts.append(session.count("shop", "orders"))
        if len(attempts) == 1:
            warehouse.run(lambda other: other.insert("shop", "orders", [{"n": 2}]))
        session.replace_table("shop", AFTER)

    warehouse.run(work)
    assert attempts == [1, 2]
    rows = warehouse.run(lambda session: session.select("shop", "orders", ["n"]))
    assert sorted(str(row["n"]) for row in rows) == ["1.000000000", "2.000000000"]


def test_a_row_written_while_the_unit_ends_is_kept(warehouse: DuckDBWarehouse) -> None:
    attempts: list[int] = []

    def write(session: Session) -> None:
        attempts.append(1)
        session.insert("shop", "orders", [{"n": 2}])
        if len(attempts) == 1:
            warehouse.run(lambda other: other.replace_table("shop", AFTER))

    warehouse.run(write)
    assert len(attempts) == 2
    assert warehouse.run(lambda session: session.count("shop", "orders")) == 2


def test_a_unit_that_fails_after_it_rebuilt_a_table_leaves_it(warehouse: DuckDBWarehouse) -> None:
    def work(session: Session) -> None:
        session.replace_table("shop", AFTER)
        raise RuntimeError("stopped")

    before = warehouse.run(lambda session: session.inspect("shop"))
    with pytest.raises(RuntimeError, match="stopped"):
        warehouse.run(work)
    assert warehouse.run(lambda session: session.inspect("shop")) == before
    assert warehouse.run(lambda session: session.count("shop", "orders")) == 1


ORDERS, COPY = TableName("shop", "orders"), TableName("shop", "copy")
AWAY: dict[str, Callable[[Session], object]] = {
    "emptied": lambda session: session.empty_table("shop", BEFORE, COPY),
    "removed": lambda session: session.remove_table(ORDERS, COPY),
}


@pytest.mark.parametrize("how", AWAY)
def test_a_row_committed_after_the_comparison_began_is_not_taken_away(warehouse: DuckDBWarehouse, how: str) -> None:
    warehouse.run(lambda session: session.copy_table(ORDERS, COPY))
    attempts: list[int] = []

    def work(session: Session) -> None:
        attempts.append(session.count("shop", "orders"))
        if len(attempts) == 1:
            warehouse.run(lambda other: other.insert("shop", "orders", [{"n": 2}]))
        AWAY[how](session)

    with pytest.raises(WarehouseRefused, match="not an exact copy"):
        warehouse.run(work)
    assert attempts == [1, 2]
    assert warehouse.run(lambda session: session.count("shop", "orders")) == 2


@pytest.mark.parametrize("how", AWAY)
def test_a_row_whose_writer_ends_after_it_is_written_again_or_refused(warehouse: DuckDBWarehouse, how: str) -> None:
    warehouse.run(lambda session: session.copy_table(ORDERS, COPY))
    attempts: list[int] = []

    def write(session: Session) -> None:
        attempts.append(1)
        session.insert("shop", "orders", [{"n": 2}])
        if len(attempts) == 1:
            warehouse.run(AWAY[how])

    if how == "emptied":
        warehouse.run(write)
        assert warehouse.run(lambda session: session.count("shop", "orders")) == 1
    else:
        with pytest.raises(WarehouseError, match="orders"):
            warehouse.run(write)
    assert warehouse.run(lambda session: session.count("shop", "copy")) == 1


def test_two_tables_that_are_copies_of_each_other_are_not_both_taken_away(warehouse: DuckDBWarehouse) -> None:
    warehouse.run(lambda session: session.copy_table(ORDERS, COPY))
    attempts: list[int] = []

    def work(session: Session) -> None:
        attempts.append(1)
        session.remove_table(ORDERS, COPY)
        if len(attempts) == 1:
            with pytest.raises(WarehouseError):
                warehouse.run(lambda other: other.remove_table(COPY, ORDERS))

    warehouse.run(work)
    assert warehouse.run(lambda session: session.count("shop", "copy")) == 1


def test_a_unit_knows_what_it_has_removed_and_made_again(warehouse: DuckDBWarehouse) -> None:
    warehouse.run(lambda session: session.copy_table(ORDERS, COPY))
    before = warehouse.run(lambda session: session.inspect("shop"))

    def work(session: Session) -> None:
        session.remove_table(ORDERS, COPY)
        session.copy_table(COPY, ORDERS)

    warehouse.run(work)
    assert warehouse.run(lambda session: session.inspect("shop")) == before
    assert warehouse.run(lambda session: session.digest(ORDERS)) == warehouse.run(lambda session: session.digest(COPY))
