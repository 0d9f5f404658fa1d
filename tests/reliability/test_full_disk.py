"""A full disk is an answer (unavailable), costs nobody a row, and is over as soon as there is room."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from cloudact.api.app import create_app
from cloudact.errors import WarehouseUnavailable
from cloudact.log import configure_logging
from cloudact.planning.changes import CreateDataset
from cloudact.planning.status import SyncStatus
from cloudact.settings import Settings
from cloudact.tenancy.sync import SyncOutcome
from cloudact.warehouse.driver import Observer, Progress, ignore
from cloudact.wiring import build_services
from tests.acme import ACME, ROOT_HEADERS, ROOT_KEY
from tests.api.catalog_files import CatalogFiles
from tests.reliability.doomed import CHILDREN
from tests.reliability.full_disk import SMALL_DISK, Disk, SizeLimit, SmallDisk
from tests.reliability.world import (
    ACME_DATASET,
    CENTRAL,
    NEIGHBOUR,
    NEIGHBOUR_DATASET,
    Rows,
    World,
    declare_more,
)

pytestmark = pytest.mark.slow

FULL = Path("/dev/full")

Play = Callable[[Settings, Disk], Any]


@pytest.fixture(params=[SizeLimit, SmallDisk])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    """A directory that can be full; the real disk only where the machine lets us mount one."""
    directory = tmp_path / "disk"
    directory.mkdir()
    if request.param is SizeLimit:
        yield SizeLimit(directory)
        return
    size = f"size={SMALL_DISK}"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", directory], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("this machine does not let us mount a small disk")
    yield SmallDisk(directory)
    subprocess.run(["umount", directory], check=True)


@pytest.fixture
def play(disk: Disk, config_dir: Path) -> Callable[[Play], Any]:
    """Play in a process of its own, where a limit hurts nobody else, and return what the play returns."""

    def in_a_child(act: Play) -> Any:
        with ProcessPoolExecutor(1, mp_context=CHILDREN) as pool:
            return pool.submit(act, _settings(disk), disk).result()

    return in_a_child


@pytest.fixture
def world_afterwards(disk: Disk, config_dir: Path) -> Iterator[World]:
    """What a process finds that comes later."""
    found = _world(_settings(disk))
    yield found
    found.services.close()


def _settings(disk: Disk) -> Settings:
    root = disk.directory.parent / "configs"
    return Settings(warehouse_url=f"duckdb:///{disk.directory}/warehouse.duckdb", config_dir=root)


def _world(settings: Settings, observer: Observer = ignore) -> World:
    return World(build_services(settings, observer=observer), CatalogFiles(settings.config_dir))


def _neighbour(settings: Settings, observer: Observer = ignore) -> tuple[World, Rows]:
    """An organization is at work; the file is as it is when nobody has written for a while."""
    world = _world(settings, observer)
    world.services.bootstrap.run()
    world.onboard(NEIGHBOUR)
    world.live.fill(NEIGHBOUR_DATASET, rows=100)
    rows = world.rows(NEIGHBOUR_DATASET)
    world.services.close()
    return world, rows


def _onboard(settings: Settings, disk: Disk) -> str:
    changes: list[Progress] = []
    world, rows = _neighbour(settings, changes.append)
    changes.clear()
    with disk.full(but_for=20_000):
        with pytest.raises(WarehouseUnavailable):
            world.onboard()
        # Trying again makes no room; it would only keep the caller waiting.
        assert sum(isinstance(progress.change, CreateDataset) for progress in changes) == 1
        world.assert_absent()
        world.assert_kept(rows)
    key = world.onboard().api_key
    world.assert_whole(key)
    assert world.sync().status is SyncOutcome.SUCCESS
    world.assert_kept(rows)
    world.services.close()
    return key


def test_an_onboarding_fails_cleanly_and_succeeds_when_there_is_room(
    play: Callable[[Play], Any], world_afterwards: World
) -> None:
    world_afterwards.assert_whole(play(_onboard))


def _sync(settings: Settings, disk: Disk) -> None:
    world, _ = _neighbour(settings)
    declare_more(world.files)
    before, rows = world.status(NEIGHBOUR), world.rows(NEIGHBOUR_DATASET)
    world.services.close()
    with disk.full():
        with pytest.raises(WarehouseUnavailable):
            world.sync(NEIGHBOUR)
        assert world.status(NEIGHBOUR) == before
        world.assert_kept(rows)
    assert world.sync(NEIGHBOUR).status is SyncOutcome.SUCCESS
    assert world.status(NEIGHBOUR).status is SyncStatus.SYNCED
    world.assert_kept(rows)
    world.services.close()


def test_a_sync_fails_cleanly_and_succeeds_when_there_is_room(
    play: Callable[[Play], Any], world_afterwards: World
) -> None:
    play(_sync)
    assert world_afterwards.live.dataset(NEIGHBOUR_DATASET) == world_afterwards.declared(NEIGHBOUR)


def _answers(settings: Settings, disk: Disk) -> list[tuple[int, str]]:
    world, _ = _neighbour(settings)
    app = create_app(world.services, SecretStr(ROOT_KEY))
    # The log is elsewhere: what a log that cannot be written does is another test's question.
    with redirect_stderr(io.StringIO()), TestClient(app, headers=ROOT_HEADERS) as client:
        configure_logging("ERROR")

        def onboard() -> tuple[int, str]:
            answer = client.post("/api/v1/organizations/onboard", json=ACME)
            return answer.status_code, answer.json().get("code", "")

        with disk.full():
            refused = onboard()
        return [refused, onboard()]


def test_the_service_answers_unavailable_and_goes_on_when_there_is_room(play: Callable[[Play], Any]) -> None:
    assert play(_answers) == [(503, "warehouse_unavailable"), (201, "")]


def _stop(settings: Settings, disk: Disk) -> tuple[str, Rows]:
    world = _world(settings)
    world.services.bootstrap.run()
    key = world.onboard().api_key
    world.live.fill(ACME_DATASET, rows=100)
    rows = world.rows(ACME_DATASET)
    with disk.full():
        world.services.close()
        world.assert_whole(key)
        world.assert_kept(rows)
        world.services.close()
    return key, rows


def test_stopping_and_starting_on_a_full_disk_loses_nothing(
    play: Callable[[Play], Any], world_afterwards: World
) -> None:
    key, rows = play(_stop)
    world_afterwards.assert_whole(key)
    world_afterwards.assert_kept(rows)


def _first_start(settings: Settings, disk: Disk) -> None:
    world = _world(settings)
    with disk.full(but_for=8_192), pytest.raises(WarehouseUnavailable):
        world.services.bootstrap.run()
    world.services.bootstrap.run()
    world.services.close()


def test_a_first_start_on_a_full_disk_does_not_spoil_the_next(
    play: Callable[[Play], Any], world_afterwards: World
) -> None:
    play(_first_start)
    assert world_afterwards.live.dataset(CENTRAL) == world_afterwards.declared_central()


@pytest.mark.skipif(not FULL.exists(), reason="this machine has no device that is always full")
def test_a_log_that_cannot_be_written_changes_no_answer(
    bootstrapped: TestClient, config_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with io.TextIOWrapper(FULL.open("wb", buffering=0), write_through=True) as log:
        monkeypatch.setattr(sys, "stderr", log)
        configure_logging("INFO")
        onboarded = bootstrapped.post("/api/v1/organizations/onboard", json=ACME)
        (config_dir / "setup" / "bootstrap" / "config.yml").unlink()
        refused = bootstrapped.get("/api/v1/admin/bootstrap/status")
    assert (onboarded.status_code, refused.json()["code"]) == (201, "catalog_invalid")
