"""A driver is what passes this folder. To add one, add a line to `DRIVERS` and a `Hand` for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from cloudact.catalog.model import Dataset
from cloudact.planning.plan import Plan, make_plan
from cloudact.planning.policy import EVERYTHING, Policy
from cloudact.warehouse.driver import Session, Warehouse
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from cloudact.warehouse.duckdb.manifest import INTERNAL, MACRO
from cloudact.warehouse.duckdb.type_map import quote


class Hand(Protocol):
    """What a person does to a warehouse behind the project's back."""

    def create_table(self, dataset: str, table: str, column: str) -> None: ...
    def drop_table(self, dataset: str, table: str) -> None: ...
    def add_text_column(self, dataset: str, table: str, column: str) -> None: ...
    def drop_column(self, dataset: str, table: str, column: str) -> None: ...
    def make_text(self, dataset: str, table: str, column: str) -> None: ...
    def replace_view(self, dataset: str, view: str) -> None: ...
    def drop_dataset(self, dataset: str) -> None: ...
    def forget_records(self, dataset: str) -> None: ...


class DuckDBHand:
    def __init__(self, warehouse: DuckDBWarehouse) -> None:
        self._warehouse = warehouse

    def _run(self, statement: str) -> None:
        with self._warehouse.connect() as connection:
            connection.execute(statement)

    def create_table(self, dataset: str, table: str, column: str) -> None:
        self._run(f"CREATE TABLE {quote(dataset)}.{quote(table)} ({quote(column)} VARCHAR)")

    def drop_table(self, dataset: str, table: str) -> None:
        self._run(f"DROP TABLE {quote(dataset)}.{quote(table)}")

    def add_text_column(self, dataset: str, table: str, column: str) -> None:
        self._run(f"ALTER TABLE {quote(dataset)}.{quote(table)} ADD COLUMN {quote(column)} VARCHAR")

    def drop_column(self, dataset: str, table: str, column: str) -> None:
        self._run(f"ALTER TABLE {quote(dataset)}.{quote(table)} DROP COLUMN {quote(column)}")

    def make_text(self, dataset: str, table: str, column: str) -> None:
        self._run(f"ALTER TABLE {quote(dataset)}.{quote(table)} ALTER {quote(column)} SET DATA TYPE VARCHAR")

    def replace_view(self, dataset: str, view: str) -> None:
        self._run(f"CREATE OR REPLACE VIEW {quote(dataset)}.{quote(view)} AS SELECT 1 AS one")

    def drop_dataset(self, dataset: str) -> None:
        self._run(f"DROP SCHEMA {quote(dataset)} CASCADE")

    def forget_records(self, dataset: str) -> None:
        """Take away everything this project remembers that the engine itself has no place for."""
        self._run(f"DROP MACRO {quote(dataset)}.{quote(MACRO)}")
        self._run(f"DROP SCHEMA {quote(INTERNAL)} CASCADE")


def _duckdb_memory(_tmp_path: Path) -> tuple[Warehouse, Hand]:
    warehouse = DuckDBWarehouse(None)
    return warehouse, DuckDBHand(warehouse)


def _duckdb_file(tmp_path: Path) -> tuple[Warehouse, Hand]:
    warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb")
    return warehouse, DuckDBHand(warehouse)


DRIVERS: dict[str, Callable[[Path], tuple[Warehouse, Hand]]] = {
    "duckdb-memory": _duckdb_memory,
    "duckdb-file": _duckdb_file,
}


@pytest.fixture(params=sorted(DRIVERS))
def driver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Warehouse, Hand]]:
    made = DRIVERS[request.param](tmp_path)
    yield made
    made[0].close()


@pytest.fixture
def warehouse(driver: tuple[Warehouse, Hand]) -> Warehouse:
    """The warehouse under contract."""
    return driver[0]


@pytest.fixture
def hand(driver: tuple[Warehouse, Hand]) -> Hand:
    """A person's hand in it."""
    return driver[1]


Bring = Callable[..., Plan]


@pytest.fixture
def bring(warehouse: Warehouse) -> Bring:
    """Bring a dataset in step with its declaration and return the plan that was applied."""

    def apply(desired: Dataset, policy: Policy = EVERYTHING) -> Plan:
        def work(session: Session) -> Plan:
            plan = make_plan(session.inspect(desired.name), desired, policy)
            session.apply(plan)
            return plan

        return warehouse.run(work)

    return apply


@pytest.fixture
def live(warehouse: Warehouse) -> Callable[[str], Dataset | None]:
    """Read a live dataset."""
    return lambda name: warehouse.run(lambda session: session.inspect(name))
