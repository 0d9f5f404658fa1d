"""A driver is what passes this folder. To add one, add a line to `DRIVERS` and a `Hand` for it."""

from __future__ import annotations

import os
import uuid
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
from tests.bigquery_fake.server import Fake, running
from tests.contract.bigquery import LOCAL_PROJECT, bigquery_at, live_bigquery
from tests.contract.gaps import GAPS, UNSHOWN
from tests.local_bigquery.fixtures import local_bigquery, local_bigquery_process

__all__ = ["local_bigquery", "local_bigquery_process"]


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


Made = tuple[Warehouse, Hand]
Make = Callable[[pytest.FixtureRequest, Path], Made]


def _duckdb_memory(_request: pytest.FixtureRequest, _tmp_path: Path) -> Made:
    warehouse = DuckDBWarehouse(None)
    return warehouse, DuckDBHand(warehouse)


def _duckdb_file(_request: pytest.FixtureRequest, tmp_path: Path) -> Made:
    warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb")
    return warehouse, DuckDBHand(warehouse)


def _bigquery_fake(request: pytest.FixtureRequest, _tmp_path: Path) -> Made:
    """A project of its own in one server, which is how a warehouse can be empty and quick to make."""
    return bigquery_at(request.getfixturevalue("bigquery_fake").url, f"project-{uuid.uuid4().hex[:12]}")


def _local_bigquery(request: pytest.FixtureRequest, _tmp_path: Path) -> Made:
    return bigquery_at(request.getfixturevalue("local_bigquery").url, LOCAL_PROJECT)


def _bigquery_live(request: pytest.FixtureRequest, _tmp_path: Path) -> Made:
    made: Made = request.getfixturevalue("live_project")
    return made


DRIVERS: dict[str, Make] = {
    "duckdb-memory": _duckdb_memory,
    "duckdb-file": _duckdb_file,
    "bigquery-fake": _bigquery_fake,
    "local-bigquery": _local_bigquery,
    "bigquery-live": _bigquery_live,
}
# Every dataset that a contract test makes.
NAMES = frozenset(
    {"shop", "shop_two", "rows", "texts", "digits", "bare", "any_catalog", "organizations", "acme_corp_prod"}
) | {"zeta_2_prod", *(f"shop_{number}" for number in range(40))}
_MARKS = {
    # The same driver as in memory, and the file that most tests of the service are on.
    "duckdb-file": [pytest.mark.slow],
    "local-bigquery": [pytest.mark.slow],
    "bigquery-live": [pytest.mark.live_bigquery],
}
PARAMETERS = [pytest.param(name, marks=_MARKS.get(name, [])) for name in DRIVERS]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what an engine cannot do, or an emulator cannot show, with the reason."""
    for item in items:
        reason = GAPS.get(item.name)
        if reason:
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True))
        if reason := UNSHOWN.get(item.name):
            item.add_marker(pytest.mark.xfail(reason=reason, run=False))


@pytest.fixture(params=PARAMETERS)
def driver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Made]:
    made = DRIVERS[request.param](request, tmp_path)
    yield made
    made[0].close()


@pytest.fixture(scope="session")
def bigquery_fake() -> Iterator[Fake]:
    """One strict server for all tests, each of which has a project of its own."""
    with running() as fake:
        fake.limits.enabled = False
        yield fake


@pytest.fixture
def live_project() -> Iterator[Made]:
    """The real service; every dataset that a test makes there is deleted after it."""
    project = os.environ.get("CA_LIVE_BIGQUERY_PROJECT")
    if not project:
        pytest.fail("--live-bigquery needs CA_LIVE_BIGQUERY_PROJECT")
    with live_bigquery(project, NAMES) as made:
        yield made


@pytest.fixture
def warehouse(driver: Made) -> Warehouse:
    """The warehouse under contract."""
    return driver[0]


@pytest.fixture
def hand(driver: Made) -> Hand:
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
