"""An onboarded organization on each engine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cloudact.settings import Settings
from cloudact.wiring import Services, build_services
from tests.acme import ROOT
from tests.api.catalog_files import CatalogFiles
from tests.bigquery_fake.server import Fake
from tests.tenancy.access.world import ACTOR, World


@pytest.fixture(scope="package")
def small_catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped catalog, whose organizations have one table and no view: soon made."""
    root = Path(shutil.copytree(ROOT / "configs", tmp_path_factory.mktemp("access") / "configs"))
    files = CatalogFiles(root)
    with files.config("organizations") as config:
        for name in list(config["tables"])[1:]:
            del config["tables"][name]
            files.path(f"organizations/schemas/{name}.json").unlink()
        for name in list(config["views"]):
            files.path(f"organizations/views/{name}.sql").unlink()
        del config["views"]
    return root


@pytest.fixture(scope="package")
def bootstrapped_file(small_catalog: Path, sealing_key: Path) -> Path:
    """A DuckDB file after bootstrap."""
    file = small_catalog.parent / "bootstrapped.duckdb"
    settings = Settings(
        warehouse_url=f"duckdb:///{file}", config_dir=small_catalog, sealing_key_uri=f"local:///{sealing_key}"
    )
    with closing(build_services(settings)) as services:
        services.bootstrap.run(actor=ACTOR)
        services.platform.derive("key-lookup")
    return file


@pytest.fixture
def embedded(small_catalog: Path, bootstrapped_file: Path, tmp_path: Path) -> Iterator[Services]:
    """The services over a DuckDB file of this test's own, after bootstrap."""
    file = shutil.copyfile(bootstrapped_file, tmp_path / "warehouse.duckdb")
    with closing(build_services(Settings(warehouse_url=f"duckdb:///{file}", config_dir=small_catalog))) as built:
        yield built


@pytest.fixture
def world(embedded: Services) -> Iterator[World]:
    """The services over DuckDB, after bootstrap."""
    with closing(World(embedded)) as made:
        yield made


@pytest.fixture
def cloud_world(on_bigquery: tuple[Services, Fake]) -> Iterator[World]:
    """The services over BigQuery, after bootstrap."""
    services, _ = on_bigquery
    services.bootstrap.run(actor=ACTOR)
    with closing(World(services)) as made:
        yield made
