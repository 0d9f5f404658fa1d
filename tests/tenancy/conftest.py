"""The use cases over a BigQuery, as the strict server plays it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudact.settings import Settings
from cloudact.wiring import Services, build_services
from tests.api.catalog_files import CatalogFiles
from tests.bigquery_fake.server import Fake
from tests.prepared_bigquery import URL
from tests.unlimited_bigquery import unlimited


@pytest.fixture
def files(config_dir: Path) -> CatalogFiles:
    """The catalog's files, for editing."""
    return CatalogFiles(config_dir)


@pytest.fixture
def on_bigquery(config_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Services, Fake]]:
    """The services over a BigQuery that grants everything and limits no rate, which nothing here is about."""
    with unlimited(monkeypatch) as fake:
        services = build_services(Settings(warehouse_url=URL, config_dir=config_dir))
        yield services, fake
        services.close()
