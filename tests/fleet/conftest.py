"""A fleet of four organizations, made once, and copied for each test."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cloudact.fleet.status import FleetStatus
from cloudact.settings import Settings
from cloudact.tenancy.names import OrgSlug
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from cloudact.wiring import Services, build_services
from tests.acme import ROOT
from tests.fleet.fleets import TWELVE, Fleet, onboard, opened, small_catalog
from tests.prepared import Beginning, Prepared
from tests.reliability.world import acme_request
from tests.tenancy.conftest import files, on_bigquery

__all__ = ["files", "on_bigquery"]

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


@pytest.fixture(scope="session")
def twelve(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small catalog, and a warehouse of twelve organizations of it."""
    folder = tmp_path_factory.mktemp("twelve")
    small_catalog(folder / "configs")
    made = opened(folder)
    made.services.bootstrap.run()
    onboard(made.services, TWELVE)
    made.services.close()
    return folder


@pytest.fixture
def small(twelve: Path, tmp_path: Path) -> Iterator[Fleet]:
    """The twelve, for one test."""
    made = opened(Path(shutil.copytree(twelve, tmp_path / "fleet")))
    yield made
    made.services.close()
