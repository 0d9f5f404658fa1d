"""An organization's FOCUS tables: in memory, in a DuckDB file, and on the strict BigQuery server."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudact.warehouse.driver import Warehouse
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from tests.bigquery_fake.server import running
from tests.contract.bigquery import bigquery_at
from tests.focus.organization import Organization, focus_tables


@pytest.fixture
def organization() -> Iterator[Organization]:
    """The two tables in memory, without rows."""
    with_tables = Organization(DuckDBWarehouse(None), focus_tables())
    with_tables.sync()
    yield with_tables
    with_tables.warehouse.close()


@pytest.fixture(params=["duckdb-file", "bigquery-fake"])
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Organization]:
    """An organization without a dataset yet, on either engine."""
    if request.param == "duckdb-file":
        yield from _closing(DuckDBWarehouse(tmp_path / "warehouse.duckdb"))
        return
    with running() as fake:
        fake.limits.enabled = False
        warehouse, _ = bigquery_at(fake.url, f"project-{uuid.uuid4().hex[:12]}")
        yield from _closing(warehouse)


def _closing(warehouse: Warehouse) -> Iterator[Organization]:
    yield Organization(warehouse, focus_tables())
    warehouse.close()
