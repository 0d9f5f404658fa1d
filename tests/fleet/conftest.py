"""A fleet of four organizations, made once, and copied for each test."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cloudact.settings import Settings
from cloudact.fleet.status import FleetStatus
from cloudact.tenancy.names import OrgSlug
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from cloudact.wiring import Services, build_services
from tests.acme import ROOT
from tests.prepared import Beginning, Prepared
from tests.reliability.world import acme_request

SLUGS = ("one", "two", "three", "four")
Run = Callable[[str], None]


@pytest.fixture(scope="session")
def four(tmp_path_factory: pytest.TempPathFactory, prepared: Prepared) -> Path:
    """A warehouse file with four organizations."""
    file = tmp_path_factory.mktemp("four") / "warehouse.duckdb"
    shutil.copyfile(prepared.bootstrapped, file)
    services = build_services(Settings(warehouse_url=f"duckdb:///{file}", config_dir=ROOT / "configs"))
    for slug in SLUGS:
        services.onboarding.onboard(acme_request(OrgSlug(slug)))
    services.close()
    return file


@pytest.fixture
def fleet(services: Services, beginning: Beginning, four: Path) -> FleetStatus:
    """The status of the four."""
    assert beginning.with_copy(four)
    return FleetStatus(services.catalogs, services.bootstrap.warehouse)


@pytest.fixture
def run(warehouse: DuckDBWarehouse) -> Run:
    """Run a statement by hand."""

    def by_hand(statement: str) -> None:
        with warehouse.connect() as connection:
            connection.execute(statement)

    return by_hand
