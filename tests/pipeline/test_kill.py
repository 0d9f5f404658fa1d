"""A run that is killed with -9 around any of its commits is ended by the next one, in another process."""

from __future__ import annotations

import shutil
from itertools import count
from pathlib import Path

import pytest

from cloudact.pipeline.records import RUNS, STEP_LOGS
from cloudact.pipeline.states import State
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from tests.pipeline.doomed import run_in_a_process
from tests.pipeline.steps import World, make_central, step, steps

TEXT = steps(step("one"), step("two"))


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_killed_run_is_marked_as_interrupted_by_the_next(tmp_path: Path, after: bool) -> None:
    empty = tmp_path / "empty.duckdb"
    made = DuckDBWarehouse(empty)
    make_central(made)
    made.close()
    for number in count(1):
        database = tmp_path / f"{number}.duckdb"
        shutil.copy(empty, database)
        died = run_in_a_process(database, TEXT, number, after=after)
        assert died == (number <= 7)
        world = World(DuckDBWarehouse(database), first_id=100)
        recorded = {row["pipeline_logging_id"]: row["status"] for row in world.rows(RUNS)}
        report = world.run(TEXT)
        assert report.state is State.COMPLETED
        assert report.interrupted == tuple(name for name, state in recorded.items() if state == "RUNNING")
        assert {row["status"] for row in world.rows(RUNS) + world.rows(STEP_LOGS)} <= {"COMPLETED", "FAILED"}
        world.warehouse.close()
        if not died:
            return
