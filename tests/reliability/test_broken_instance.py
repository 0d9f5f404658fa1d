"""When DuckDB declares its open instance unusable, the service goes on with a new one, and says nothing untrue."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pytest
from fastapi.testclient import TestClient

from cloudact.errors import CloudactError, WarehouseUnavailable
from cloudact.planning.status import SyncStatus
from cloudact.settings import Settings
from cloudact.tenancy.onboarding import OnboardResult
from cloudact.tenancy.sync import SyncOutcome
from cloudact.warehouse.driver import Progress, Session
from cloudact.wiring import build_services
from tests.api.catalog_files import CatalogFiles
from tests.reliability.threads import competing
from tests.reliability.world import ACME_DATASET, ONE_OF_EACH, World, declare_more

# What happens once, by the number of the change that it precedes.
pytestmark = pytest.mark.slow

Pending = dict[int, Callable[[], None]]
Interrupted = tuple[World, Pending]

SCRATCH = "scratch"
STAGES = ["before_header", "after_free_list_write", "before_truncate", "before_wal_finish"]
# DuckDB writes a commit to its log first when it is smaller than this, and straight to the file when it is not.
LOGGED, UNLOGGED = 1_000_000_000, 0


def _let_the_next_commit_break(world: World, *, stage: str = "before_header", logged_below: int = LOGGED) -> None:
    """DuckDB checkpoints within the next commit, and fails in it as on a disk that is full."""
    for setting, value in {
        "checkpoint_threshold": "'1KB'",
        "auto_checkpoint_skip_wal_threshold": logged_below,
        "debug_checkpoint_abort": f"'{stage}'",
    }.items():
        world.live.execute(f"SET GLOBAL {setting} = {value}")


def _break(world: World) -> None:
    """Leave the warehouse with an instance that refuses everything, which a unit of work has just noticed."""
    _let_the_next_commit_break(world)
    with suppress(WarehouseUnavailable):
        world.warehouse.run(_write)


def _write(session: Session) -> None:
    session.insert(SCRATCH, "numbers", [{"number": number} for number in range(500)])


def _count(session: Session) -> int:
    return session.count(SCRATCH, "numbers")


def _with_scratch(world: World) -> World:
    world.live.execute(f"CREATE SCHEMA {SCRATCH}")
    world.live.execute(f"CREATE TABLE {SCRATCH}.numbers (number INTEGER)")
    world.services.close()
    return world


@pytest.fixture
def scratch_world(acme_world: World) -> World:
    """The warehouse with acme_corp, and a table of no organization for breaking things with."""
    return _with_scratch(acme_world)


def _recovers(look: Callable[[], Any]) -> Any:
    """One caller may be told; the next one is served."""
    with suppress(WarehouseUnavailable):
        return look()
    return look()


def test_a_request_after_the_break_is_served(scratch_world: World) -> None:
    _break(scratch_world)
    assert _recovers(scratch_world.status).status is SyncStatus.SYNCED
    assert scratch_world.onboard("another").status == "SUCCESS"


def test_the_service_becomes_ready_again_by_itself(scratch_world: World, client: TestClient) -> None:
    _let_the_next_commit_break(scratch_world)
    with scratch_world.warehouse.connect() as connection, suppress(duckdb.FatalException):
        connection.execute(f"INSERT INTO {SCRATCH}.numbers FROM range(500)")
    client.get("/readyz")
    assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize("stage", STAGES)
def test_an_onboarding_that_was_committed_is_answered_with_its_key(bootstrapped_world: World, stage: str) -> None:
    world = bootstrapped_world
    world.services.close()
    _let_the_next_commit_break(world, stage=stage, logged_below=LOGGED)
    world.assert_whole(world.onboard().api_key)


@pytest.mark.parametrize("stage", STAGES)
def test_an_onboarding_that_may_be_lost_is_whole_or_absent(bootstrapped_world: World, stage: str) -> None:
    world = bootstrapped_world
    world.services.close()
    before = world.contents()
    _let_the_next_commit_break(world, stage=stage, logged_below=UNLOGGED)
    with suppress(WarehouseUnavailable):
        world.assert_whole(world.onboard().api_key)
    if world.contents() != before:
        assert world.own_rows() == ONE_OF_EACH
        assert world.live.dataset(ACME_DATASET) == world.declared()
    world.assert_whole(world.finish_onboarding())


def test_a_unit_that_was_under_way_does_not_break_the_new_instance(scratch_world: World) -> None:
    world = scratch_world
    under_way, broken = threading.Event(), threading.Event()

    def old(session: Session) -> int:
        _count(session)
        under_way.set()
        broken.wait()
        return _count(session)

    with ThreadPoolExecutor(1) as pool, ExitStack() as whatever_happens:
        whatever_happens.callback(broken.set)
        unit = pool.submit(world.warehouse.run, old)
        under_way.wait()
        _break(world)

        def new(session: Session) -> tuple[int, int]:
            first = _count(session)
            broken.set()
            assert isinstance(unit.exception(), CloudactError | None)
            return first, _count(session)

        assert world.warehouse.run(new) == (500, 500)


def test_a_query_that_runs_on_the_old_instance_fails_nobody_for_good(scratch_world: World, tmp_path: Path) -> None:
    world = scratch_world
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def read_slowly() -> None:
        world.live.rows(f"FROM read_csv('{pipe}', header = false, columns = {{'line': 'VARCHAR'}})")

    with ThreadPoolExecutor(1) as pool:
        query = pool.submit(read_slowly)
        # Opening a pipe waits for its reader, so from here on the query is being executed.
        with pipe.open("w"):
            _break(world)
            with suppress(WarehouseUnavailable):
                world.warehouse.run(_count)
        query.exception()
    assert _recovers(world.status).status is SyncStatus.SYNCED
    assert world.warehouse.run(_count) == 500


def test_everybody_at_once_is_served_or_told_and_then_served(scratch_world: World) -> None:
    world = scratch_world
    slugs = [f"organization_{number}" for number in range(6)]
    _let_the_next_commit_break(world)
    results = competing(*[partial(world.onboard, slug) for slug in slugs], *[world.status] * 6)
    assert {type(result) for result in results if isinstance(result, CloudactError)} <= {WarehouseUnavailable}
    _recovers(world.status)
    for slug, result in zip(slugs, results, strict=False):
        if isinstance(result, OnboardResult):
            world.assert_whole(result.api_key, slug)
        else:
            world.assert_absent(slug)
            world.assert_whole(world.onboard(slug).api_key, slug)


@pytest.fixture
def interrupted(process_settings: Settings, config_dir: Path) -> Iterator[Interrupted]:
    """A warehouse with acme_corp, and what is to happen to it."""
    pending: Pending = {}

    def happen(progress: Progress) -> None:
        pending.pop(progress.number, lambda: None)()

    services = build_services(process_settings, observer=happen)
    world = World(services, CatalogFiles(config_dir))
    services.bootstrap.run()
    world.onboard()
    yield _with_scratch(world), pending
    services.close()


def test_a_sync_does_not_blame_its_changes_for_a_broken_instance(interrupted: Interrupted) -> None:
    world, pending = interrupted
    declare_more(world.files)
    pending[1] = partial(_break, world)
    with suppress(WarehouseUnavailable):
        result = world.sync()
        assert (result.status, result.errors) == (SyncOutcome.SUCCESS, [])
        assert world.live.dataset(ACME_DATASET) == world.declared()
    world.sync()
    assert world.live.dataset(ACME_DATASET) == world.declared()


def test_an_onboarding_whose_warehouse_is_closed_is_done_or_unavailable(interrupted: Interrupted) -> None:
    world, pending = interrupted
    pending[2] = world.services.close
    with suppress(WarehouseUnavailable):
        world.assert_whole(world.onboard("another").api_key, "another")
        return
    world.assert_absent("another")
    world.assert_whole(world.onboard("another").api_key, "another")
