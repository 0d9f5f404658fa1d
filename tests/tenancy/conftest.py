"""The use cases over a BigQuery, as the strict server plays it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudact.settings import Settings
from cloudact.warehouse.bigquery.transport import rates
from cloudact.wiring import Services, build_services
from tests.api.catalog_files import CatalogFiles
from tests.bigquery_fake.server import Fake, running


@pytest.fixture
def files(config_dir: Path) -> CatalogFiles:
    """The catalog's files, for editing."""
    return CatalogFiles(config_dir)


@pytest.fixture
def on_bigquery(config_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Services, Fake]]:
    """The services over a BigQuery that grants everything and limits no rate, which nothing here is about."""
    for name in ("TABLE_CREATIONS", "TABLE_UPDATES", "DATASET_UPDATES", "PARTITIONED_TABLE_UPDATES"):
        monkeypatch.setattr(rates, name, rates.Rate(1_000, 1))
    with running() as fake:
        fake.limits.enabled = False
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", fake.url)
        services = build_services(Settings(warehouse_url="bigquery://some-project?location=EU", config_dir=config_dir))
        yield services, fake
        services.close()
