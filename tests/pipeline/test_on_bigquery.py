"""Records and recovery over a BigQuery, as the strict server plays it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudact.errors import WarehouseUnavailable
from cloudact.pipeline.records import RUNS, STEP_LOGS, TRANSITIONS
from cloudact.pipeline.recovery import mark_interrupted
from cloudact.pipeline.states import State
from cloudact.settings import Settings
from cloudact.wiring import build_services
from tests.pipeline.faults import AnswersLost
from tests.pipeline.steps import World, central, make_central, step, steps
from tests.pipeline.test_recovery import assert_nothing_is_open, interrupt
from tests.unlimited_bigquery import unlimited

pytestmark = pytest.mark.slow
TWO = steps(step("one"), step("two"))


@pytest.fixture
def on_bigquery(config_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """An executor over a BigQuery that limits no rate."""
    with unlimited(monkeypatch):
        services = build_services(Settings(warehouse_url="bigquery://some-project?location=US", config_dir=config_dir))
        yield World(services.bootstrap.warehouse)
        services.close()


def test_a_run_records_itself_once_it_has_made_the_tables(on_bigquery: World) -> None:
    world = on_bigquery
    report = world.run("variables: {day: 5}\n" + TWO)
    assert not report.recorded
    make_central(world.warehouse)
    report = world.run("variables: {day: 5}\n" + TWO)
    assert report.recorded, report.record_problem
    (run,) = world.rows(RUNS)
    assert run["status"] == "COMPLETED"
    parameters = run["parameters"]
    assert json.loads(parameters) == {"day": 5}
    assert world.states() == {"one": "COMPLETED", "two": "COMPLETED"}
    assert len(world.rows(TRANSITIONS)) == 6


def test_an_interrupted_run_is_ended_once(on_bigquery: World) -> None:
    world = on_bigquery
    make_central(world.warehouse)
    interrupt(world)
    assert len(mark_interrupted(world.warehouse, central().name, world.now(), lambda _process: False)) == 1
    assert mark_interrupted(world.warehouse, central().name, world.now(), lambda _process: False) == ()
    assert_nothing_is_open(world)
    assert len(world.rows(TRANSITIONS)) == 4


def test_a_lost_answer_leaves_no_row_twice(on_bigquery: World) -> None:
    world = on_bigquery
    make_central(world.warehouse)
    real = world.warehouse
    world.warehouse = AnswersLost(real, 2, WarehouseUnavailable("the answer was lost"))
    report = world.run(TWO)
    world.warehouse = real
    assert report.state is State.COMPLETED
    ids = [row["step_logging_id"] for row in world.rows(STEP_LOGS)]
    assert len(ids) == len(set(ids)) == 2
    assert len(world.rows(RUNS)) == 1
