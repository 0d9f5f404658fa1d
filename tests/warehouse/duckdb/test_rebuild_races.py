"""Rows that others write while a table is rebuilt are in it, or their writer is told to try again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cloudact.catalog.model import Column, Dataset, Kind, Table, Type
from cloudact.planning.policy import EVERYTHING
from cloudact.tenancy.sync import synchronize
from cloudact.warehouse.driver import Session
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse

BEFORE = Table("orders", (Column("n", Type(Kind.INT64)),))
AFTER = Table("orders", (Column("n", Type(Kind.NUMERIC)),))


@pytest.fixture
def warehouse() -> Iterator[DuckDBWarehouse]:
    """A table with one row."""
    made = DuckDBWarehouse(None)
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
        session.replace_table("shop", AFTER, keep_rows=True)

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
            warehouse.run(lambda other: other.replace_table("shop", AFTER, keep_rows=True))

    warehouse.run(write)
    assert len(attempts) == 2
    assert warehouse.run(lambda session: session.count("shop", "orders")) == 2


def test_a_unit_that_fails_after_it_rebuilt_a_table_leaves_it(warehouse: DuckDBWarehouse) -> None:
    def work(session: Session) -> None:
        session.replace_table("shop", AFTER, keep_rows=False)
        raise RuntimeError("stopped")

    before = warehouse.run(lambda session: session.inspect("shop"))
    with pytest.raises(RuntimeError, match="stopped"):
        warehouse.run(work)
    assert warehouse.run(lambda session: session.inspect("shop")) == before
    assert warehouse.run(lambda session: session.count("shop", "orders")) == 1
