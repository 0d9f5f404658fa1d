"""The shop on each engine."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudact.warehouse.driver import Warehouse
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from tests.bigquery_fake.server import Fake, running
from tests.contract.bigquery import bigquery_at
from tests.tenancy.recreation.setting import Setting

HERE = Path(__file__).parent
ON_BIGQUERY_TOO = {
    "test_new_partitioning_and_an_exact_type_keep_every_row",
}


@pytest.fixture(scope="module")
def fake() -> Iterator[Fake]:
    """One strict server, with a project for each test."""
    with running() as started:
        started.limits.enabled = False
        yield started


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """On BigQuery only what is different there is for the inner loop."""
    for item in items:
        if item.path.parent == HERE and "[bigquery" in item.name and item.name.split("[")[0] not in ON_BIGQUERY_TOO:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(params=["duckdb", "bigquery"])
def engine(request: pytest.FixtureRequest) -> Iterator[Warehouse]:
    """An empty warehouse."""
    if request.param == "duckdb":
        made: Warehouse = DuckDBWarehouse(None)
    else:
        made = bigquery_at(request.getfixturevalue("fake").url, f"project-{uuid.uuid4().hex[:12]}")[0]
    yield made
    made.close()


@pytest.fixture
def setting(engine: Warehouse) -> Setting:
    """A shop on each engine."""
    made = Setting(engine)
    made.open_shop()
    return made


@pytest.fixture
def embedded() -> Iterator[Setting]:
    """A shop on DuckDB, for what no engine does differently."""
    warehouse = DuckDBWarehouse(None)
    made = Setting(warehouse)
    made.open_shop()
    yield made
    warehouse.close()
