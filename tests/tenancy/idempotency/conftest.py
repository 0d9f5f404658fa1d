"""A central dataset for requests under idempotency keys, on each engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from cloudact.tenancy.declarations import Declarations
from cloudact.warehouse.bigquery.driver import BigQueryWarehouse
from cloudact.warehouse.bigquery.transport.client import BigQueryClient
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from tests.acme import ROOT
from tests.bigquery_fake.server import running
from tests.tenancy.idempotency.desk import Desk, desk_on
from tests.unlimited_bigquery import lift_limits

ENGINES = ["duckdb", pytest.param("bigquery", marks=pytest.mark.slow)]


@pytest.fixture(scope="package", params=ENGINES)
def place(request: pytest.FixtureRequest) -> Iterator[Desk]:
    """One desk for many tests, each of which has keys of its own."""
    if request.param == "duckdb":
        with closing(DuckDBWarehouse(None)) as warehouse:
            yield desk_on(Declarations(ROOT / "configs", warehouse.engine), warehouse)
        return
    with running() as fake:
        with pytest.MonkeyPatch.context() as patch:
            lift_limits(patch, fake)
            patch.setenv("BIGQUERY_EMULATOR_HOST", fake.url)
            cloud = BigQueryWarehouse(BigQueryClient("some-project", "EU"))
            cloud.ping()
        # Other tests run between those that use this, so the process is as it was by now.
        with closing(cloud):
            yield desk_on(Declarations(ROOT / "configs", cloud.engine), cloud)


@pytest.fixture
def desk(place: Desk, request: pytest.FixtureRequest) -> Desk:
    """Where requests are begun, answered and repeated."""
    place.begin_again(request.node.name)
    return place
