"""Killed at any commit, a run of the fleet is told to have ended, and resuming it finishes what it left."""

from __future__ import annotations

import shutil
from itertools import count
from pathlib import Path

import pytest

from cloudact.fleet.progress import FleetRun
from cloudact.pipeline.states import State
from cloudact.settings import Settings
from cloudact.tenancy.audit.verification import ChainStatus
from tests.fleet.doomed import REQUEST, sync_fleet
from tests.fleet.fleets import opened
from tests.reliability.doomed import Death, Instant, dies

THREE = {"org_01", "org_02", "org_03"}


def prepare(twelve: Path, folder: Path) -> Settings:
    """Make a fleet in which everybody lacks a column, and has rows."""
    shutil.copytree(twelve, folder)
    fleet = opened(folder)
    fleet.declare()
    for slug in THREE:
        fleet.live.fill(f"{slug}_prod")
    fleet.services.close()
    return fleet.settings


def assert_told_as_it_is(run: FleetRun, in_step: set[str]) -> None:
    """Check what is said of a run whose process is gone; who is synced alone is recorded right after it."""
    if run.state is State.RUNNING:
        assert run.status == "INTERRUPTED"
        assert f"`cloudact fleet resume {run.run_id}` goes on." in run.message
        assert " is gone; " in run.message
    assert run.synced == len(in_step) or (run.synced, in_step) == (0, {"org_02"})


def finish(folder: Path) -> None:
    """Do again what was killed, and check what has to hold."""
    fleet = opened(folder)
    try:
        rows = {slug: fleet.live.values(f"{slug}_prod") for slug in THREE}
        found = fleet.services.fleet_runs.page(limit=10, offset=0).runs
        done = [run.run_id for run in found if run.state is State.COMPLETED]
        before = fleet.in_step()
        if found:
            told = fleet.services.fleet_runs.show(found[0].run_id)
            assert_told_as_it_is(told, before)
        again = fleet.again(found[0].run_id) if found else fleet.sync(**REQUEST.as_json())
        assert again.status == "SUCCESS"
        assert not found or again.synced_before == told.synced
        assert again.needed == 0 or not done
        assert fleet.in_step() == THREE
        runs = fleet.services.fleet_runs.page(limit=10, offset=0).runs
        assert [run.state for run in runs if run.run_id not in done] == [State.COMPLETED, *[State.FAILED] * (
            len(runs) - 1 - len(done)
        )]  # fmt: skip
        for slug, tables in rows.items():
            for table, kept in fleet.live.values(f"{slug}_prod").items():
                assert [{**row, "x_added": None} for row in tables[table]] == [{**row, "x_added": None} for row in kept]
        assert fleet.services.verifier.verify().status is ChainStatus.INTACT
    finally:
        fleet.services.close()


@pytest.mark.slow
def test_killed_after_any_commit_it_is_finished_by_resuming(twelve: Path, tmp_path: Path) -> None:
    settings = prepare(twelve, tmp_path / "fleet")
    for number in count(1):
        shutil.copyfile(tmp_path / "fleet" / "warehouse.duckdb", tmp_path / "before.duckdb")
        died = dies(settings, sync_fleet, Death(Instant.COMMITTED, number))
        finish(tmp_path / "fleet")
        shutil.copyfile(tmp_path / "before.duckdb", tmp_path / "fleet" / "warehouse.duckdb")
        if not died:
            break
    assert number > 10
