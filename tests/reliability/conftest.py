"""A world to break: one warehouse file, its catalog, and the service over it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from pydantic import SecretStr

from cloudact.api.app import create_app
from cloudact.log import configure_logging
from cloudact.wiring import Services
from tests.acme import ROOT_KEY
from tests.api.catalog_files import CatalogFiles
from tests.api.served import served
from tests.reliability.world import World

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Kills, races and full disks take their time; the inner loop has the contract of the driver instead."""
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True)
def _log_of_this_test() -> Iterator[None]:
    """Log lines go to the standard error of the test that runs, whatever ran before it."""
    configure_logging("ERROR")
    yield
    structlog.reset_defaults()


@pytest.fixture
def world(services: Services, config_dir: Path) -> World:
    """An empty warehouse file and the use cases over it."""
    return World(services, CatalogFiles(config_dir))


@pytest.fixture
def bootstrapped_world(world: World) -> World:
    """The warehouse after bootstrap."""
    world.services.bootstrap.run()
    return world


@pytest.fixture
def acme_world(bootstrapped_world: World) -> World:
    """The warehouse after bootstrap, with acme_corp onboarded."""
    bootstrapped_world.onboard()
    return bootstrapped_world


@pytest.fixture
def service_url(world: World) -> Iterator[str]:
    """The address of the real service over that warehouse, in this process."""
    with served(create_app(world.services, SecretStr(ROOT_KEY))) as url:
        yield url
