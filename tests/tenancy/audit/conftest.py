"""A central dataset of each kind, with organizations that have a profile and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cloudact.tenancy.declarations import Declarations
from cloudact.warehouse.bigquery.driver import BigQueryWarehouse
from cloudact.warehouse.bigquery.transport.client import BigQueryClient
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from tests.acme import ROOT
from tests.tenancy.audit.ground import Ground, ground_on
from tests.unlimited_bigquery import unlimited

ENGINES = ["duckdb", pytest.param("bigquery", marks=pytest.mark.slow)]


@pytest.fixture(scope="package")
def emptied(sealing_key: Path) -> Iterator[Ground]:
    """A trail on DuckDB for many tests, each of which begins with nothing in it."""
    with closing(DuckDBWarehouse(None)) as warehouse:
        yield ground_on(Declarations(ROOT / "configs", warehouse.engine), warehouse)


@pytest.fixture
def ground(emptied: Ground) -> Ground:
    """A trail on DuckDB without a row."""
    with emptied.parts.warehouse.connect() as connection:  # type: ignore[attr-defined]
        connection.execute("DELETE FROM organizations.org_audit_logs")
        for table in ("org_profiles", "org_integration_credentials"):
            connection.execute(f"UPDATE organizations.{table} SET audit_head = NULL")
    return emptied


@pytest.fixture
def fresh() -> Iterator[Ground]:
    """A trail on DuckDB whose tables a test may change."""
    with closing(DuckDBWarehouse(None)) as warehouse:
        yield ground_on(Declarations(ROOT / "configs", warehouse.engine), warehouse)


@pytest.fixture(params=ENGINES)
def any_ground(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
    """A trail on each engine."""
    if request.param == "duckdb":
        with closing(DuckDBWarehouse(None)) as warehouse:
            yield ground_on(Declarations(ROOT / "configs", warehouse.engine), warehouse)
        return
    with unlimited(monkeypatch), closing(BigQueryWarehouse(BigQueryClient("some-project", "EU"))) as warehouse:
        yield ground_on(Declarations(Path(ROOT / "configs"), warehouse.engine), warehouse)
