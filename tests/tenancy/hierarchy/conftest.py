"""One warehouse of each engine for all tests here; every test has an organization of its own in it."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudact.settings import Settings
from cloudact.tenancy.hierarchy.rows import VIEW
from cloudact.wiring import Services, build_services
from tests.acme import ROOT
from tests.api.catalog_files import CatalogFiles
from tests.bigquery_fake.server import Fake, running
from tests.tenancy.hierarchy.world import Ground
from tests.unlimited_bigquery import lift_limits

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="package")
def small_catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped catalog, whose organizations have one table and the view of the hierarchy: soon made."""
    root = Path(shutil.copytree(ROOT / "configs", tmp_path_factory.mktemp("hierarchy") / "configs"))
    files = CatalogFiles(root)
    with files.config("organizations") as config:
        for name in list(config["tables"])[1:]:
            del config["tables"][name]
            files.path(f"organizations/schemas/{name}.json").unlink()
        for name in [item for item in config["views"] if item != VIEW]:
            del config["views"][name]
            files.path(f"organizations/views/{name}.sql").unlink()
    return root


def _services(url: str, catalog: Path) -> Services:
    services = build_services(Settings(warehouse_url=url, config_dir=catalog, log_level="ERROR"))
    services.bootstrap.run()
    return services


@pytest.fixture(scope="package")
def duckdb_services(small_catalog: Path) -> Iterator[Services]:
    """The services over DuckDB in memory."""
    services = _services("duckdb:///:memory:", small_catalog)
    yield services
    services.close()


@pytest.fixture(scope="package")
def bigquery_fake() -> Iterator[Fake]:
    """The strict server, whose limits the services lift: nothing here is about them."""
    with running() as fake:
        yield fake


@pytest.fixture(scope="package")
def bigquery_services(small_catalog: Path, bigquery_fake: Fake) -> Iterator[Services]:
    """The services over the strict server."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BIGQUERY_EMULATOR_HOST", bigquery_fake.url)
        lift_limits(patch, bigquery_fake)
        services = _services("bigquery://some-project?location=EU", small_catalog)
        services.ping()
    # Other tests run between those that use this, so the process is as it was by now.
    yield services
    services.close()


@pytest.fixture(params=["duckdb", pytest.param("bigquery", marks=pytest.mark.slow)])
def ground(request: pytest.FixtureRequest) -> Ground:
    """A new organization, on each engine; test_bigquery_rules.py is for the inner loop."""
    return _onboarded(request.getfixturevalue(f"{request.param}_services"))


@pytest.fixture
def duckdb_ground(duckdb_services: Services) -> Ground:
    """A new organization on DuckDB."""
    return _onboarded(duckdb_services)


@pytest.fixture
def bigquery_ground(bigquery_services: Services) -> Ground:
    """A new organization on the strict server."""
    return _onboarded(bigquery_services)


def _onboarded(services: Services) -> Ground:
    return Ground.onboarded(services, f"org_{next(_NUMBERS)}")
