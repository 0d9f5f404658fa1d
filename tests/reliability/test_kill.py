"""Killed at any instant, an operation has happened wholly or not at all, and doing it again finishes it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from cloudact.settings import Settings
from cloudact.wiring import ChangeProgress, build_services
from tests.acme import ROOT
from tests.api.catalog_files import CatalogFiles
from tests.reliability.doomed import OPERATIONS, Death, Instant, carry_out, dies
from tests.reliability.world import (
    ACME_DATASET,
    CENTRAL,
    NEIGHBOUR,
    NEIGHBOUR_DATASET,
    ONE_OF_EACH,
    Rows,
    World,
    declare_more,
)


def _nothing(_world: World) -> list[str]:
    return []


def _neighbour(world: World) -> list[str]:
    world.services.bootstrap.run()
    world.onboard(NEIGHBOUR)
    world.live.fill(NEIGHBOUR_DATASET)
    return [NEIGHBOUR_DATASET]


def _outgrown(world: World) -> list[str]:
    _neighbour(world)
    world.onboard()
    world.live.fill(ACME_DATASET)
    world.live.execute(f"DROP VIEW {ACME_DATASET}.x_org_hierarchy")
    declare_more(world.files)
    return [NEIGHBOUR_DATASET, ACME_DATASET, CENTRAL]


def _outgrown_before_a_new_key(world: World) -> list[str]:
    _outgrown(world)
    # Its central rows are what a new key changes.
    return [NEIGHBOUR_DATASET, ACME_DATASET]


def _bootstrap_again(world: World) -> None:
    world.services.bootstrap.run()
    assert world.live.dataset(CENTRAL) == world.declared_central()


def _bootstrap_sync_again(world: World) -> None:
    OPERATIONS["bootstrap sync"](world.services)
    assert world.live.dataset(CENTRAL) == world.declared_central()


def _onboard_again(world: World) -> None:
    world.assert_whole(world.finish_onboarding())


def _new_key_again(world: World) -> None:
    assert world.own_rows() == ONE_OF_EACH
    world.assert_whole(world.onboard(regenerate=True).api_key)


def _sync_again(world: World) -> None:
    world.sync()
    assert world.live.dataset(ACME_DATASET) == world.declared()


# What is there before each operation, and how whoever asked for it finishes it after an interruption.
SETTING: dict[str, tuple[Callable[[World], list[str]], Callable[[World], None]]] = {
    "bootstrap": (_nothing, _bootstrap_again),
    "bootstrap sync": (_outgrown, _bootstrap_sync_again),
    "onboarding": (_neighbour, _onboard_again),
    "new key": (_outgrown_before_a_new_key, _new_key_again),
    "sync": (_outgrown, _sync_again),
}


@dataclass(frozen=True)
class Stage:
    """An operation that was set up once, to be killed and finished as often as one likes."""

    operation: str
    settings: Settings
    database: Path
    files: CatalogFiles
    file: bytes
    kept: Rows
    before: object
    after: object
    changes: int

    def play(self, death: Death) -> bool:
        """Kill the operation, finish it, and check both; False when it was done before that instant."""
        for path in self.database.parent.glob(f"{self.database.name}*"):
            path.unlink()
        if self.file:
            self.database.write_bytes(self.file)
        died = dies(self.settings, partial(carry_out, self.operation), death)
        world = World(build_services(self.settings), self.files)
        try:
            assert world.contents() in (self.before, self.after)
            _, finish = SETTING[self.operation]
            finish(world)
            world.assert_kept(self.kept)
        finally:
            world.services.close()
        return died


@pytest.fixture(scope="module", params=SETTING)
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """Each operation in turn."""
    return _set_up(request.param, tmp_path_factory.mktemp("stage"))


def _set_up(operation: str, directory: Path) -> Stage:
    database, files = directory / "warehouse.duckdb", CatalogFiles(directory / "configs")
    shutil.copytree(ROOT / "configs", files.root)
    settings = Settings(warehouse_url=f"duckdb:///{database}", config_dir=files.root)
    changes: list[ChangeProgress] = []
    world = World(build_services(settings, observer=changes.append), files)
    prepare, _ = SETTING[operation]
    datasets = prepare(world)
    world.services.close()
    file = database.read_bytes() if database.exists() else b""
    before, kept = world.contents(), world.rows(*datasets)
    changes.clear()
    OPERATIONS[operation](world.services)
    after = world.contents()
    world.services.close()
    return Stage(operation, settings, database, files, file, kept, before, after, len(changes))


@pytest.mark.parametrize("change", ["first", "second", "middle", "last"])
def test_killed_before_a_change_it_has_not_happened_and_can_be_done_again(stage: Stage, change: str) -> None:
    number = {"first": 1, "second": 2, "middle": stage.changes // 2, "last": stage.changes}[change]
    assert stage.play(Death(Instant.CHANGE, number))


@pytest.mark.parametrize("instant", [Instant.COMMITTING, Instant.COMMITTED])
def test_killed_around_a_commit_it_has_happened_wholly_or_not_at_all(stage: Stage, instant: Instant) -> None:
    units = 0
    while stage.play(Death(instant, units + 1)):
        units += 1
    assert units


@pytest.mark.parametrize("stage", ["onboarding", "sync"], indirect=True)
@pytest.mark.parametrize("byte", [1, 20_000, 40_000, 2_000_000])
def test_killed_in_the_middle_of_a_write_it_has_happened_wholly_or_not_at_all(stage: Stage, byte: int) -> None:
    assert stage.play(Death(Instant.BYTE, byte))


@pytest.mark.parametrize("stage", ["bootstrap"], indirect=True)
@pytest.mark.parametrize("byte", [1, 4_096, 8_192, 12_288, 100_000])
def test_killed_while_it_makes_a_new_file_it_can_be_done_again(stage: Stage, byte: int) -> None:
    assert stage.play(Death(Instant.BYTE, byte))


@pytest.mark.slow
@pytest.mark.parametrize("instant", [Instant.CHANGE, Instant.CALL])
def test_killed_at_any_step_it_has_happened_wholly_or_not_at_all(stage: Stage, instant: Instant) -> None:
    assert not all(stage.play(Death(instant, number)) for number in count(1))


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["onboarding", "new key", "sync"], indirect=True)
def test_killed_at_any_point_of_writing_it_has_happened_wholly_or_not_at_all(stage: Stage) -> None:
    for byte in range(1, 100_000, 3_001):
        stage.play(Death(Instant.BYTE, byte))
