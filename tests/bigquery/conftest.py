"""Services over a project of the strict server; each test has a server of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from cloudact.settings import Settings
from cloudact.wiring import build_services
from tests.api.catalog_files import CatalogFiles
from tests.bigquery.world import SLUG, World, settings_for
from tests.bigquery_fake.server import Fake, running
from tests.prepared_bigquery import LOCATION, PROJECT, PreparedProject
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
    """Settings over an empty project of that server."""
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", fake.url)
    return settings_for(PROJECT, config_dir)


@pytest.fixture
def make_world(fake: Fake, project_settings: Settings) -> Iterator[Callable[[], World]]:
    """Make the services, as a process that has just started has them."""
    made: list[World] = []

    def make() -> World:
        client = bigquery.Client(
            PROJECT,
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
def begun(make_world: Callable[[], World], fake: Fake, prepared_project: PreparedProject) -> Callable[..., World]:
    """The services as a new process has them, over a project after bootstrap with organizations of the names given."""

    def begin(*slugs: str) -> World:
        prepared_project.begin(fake, *slugs)
        return make_world()

    return begin


@pytest.fixture
def bootstrapped(begun: Callable[..., World]) -> World:
    """The services over a project with the central dataset."""
    return begun()


@pytest.fixture
def onboarded(begun: Callable[..., World]) -> World:
    """The services over a project with acme_corp."""
    return begun(SLUG)


@pytest.fixture
def files(config_dir: Path) -> CatalogFiles:
    """The files of the declared catalog."""
    return CatalogFiles(config_dir)
