"""Services over a project of the strict server; each test has a project of its own."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from cloudact.settings import Settings
from cloudact.wiring import build_services
from tests.api.catalog_files import CatalogFiles
from tests.bigquery.world import LOCATION, World, settings_for
from tests.bigquery_fake.server import Fake, running
from tests.unlimited_bigquery import lift_limits


@pytest.fixture
def strict_rates() -> bool:
    """Whether the server counts requests and the client keeps to its budgets; only tests of that should wait."""
    return False


@pytest.fixture
def fake(strict_rates: bool, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    """A strict server for this test alone, so that its log and its faults are too."""
    with running() as started:
        if not strict_rates:
            lift_limits(monkeypatch, started)
        yield started


@pytest.fixture
def project_settings(fake: Fake, config_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings over a new project of that server."""
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", fake.url)
    return settings_for(f"project-{uuid.uuid4().hex[:12]}", config_dir)


@pytest.fixture
def make_world(fake: Fake, project_settings: Settings) -> Iterator[Callable[[], World]]:
    """Make the services, as a process that has just started has them."""
    made: list[World] = []
    project = project_settings.warehouse_url.removeprefix("bigquery://").split("?")[0]

    def make() -> World:
        client = bigquery.Client(
            project,
            AnonymousCredentials(),  # type: ignore[no-untyped-call]
            location=LOCATION,
            client_options={"api_endpoint": fake.url},
        )
        made.append(World(build_services(project_settings), client))
        return made[-1]

    yield make
    for world in made:
        world.services.close()
        world.client.close()  # type: ignore[no-untyped-call]


@pytest.fixture
def world(make_world: Callable[[], World]) -> World:
    """The services over an empty project."""
    return make_world()


@pytest.fixture
def files(config_dir: Path) -> CatalogFiles:
    """The files of the declared catalog."""
    return CatalogFiles(config_dir)
