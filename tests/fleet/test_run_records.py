"""What is on record of a run when recording it fails, or something that nobody foresaw ends it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from cloudact.errors import NotBootstrapped, PipelineInvalid, WarehouseUnavailable
from cloudact.fleet.progress import Progress
from cloudact.fleet.request import SyncRequest
from cloudact.fleet.sync import FleetSync
from cloudact.pipeline.states import State
from cloudact.processors.pipelines import RunRequest
from cloudact.tenancy.actor import UNATTENDED
from tests.fleet.fleets import TWELVE, Fleet
from tests.reliability.stepping import SteppedWarehouse

pytestmark = pytest.mark.slow


@dataclass
class Outage:
    """A warehouse that does not answer while it is `on`, or for the next `times` calls."""

    on: bool = False
    times: int = 0

    def step(self) -> None:
        """Fail, if it is time to."""
        if self.on or self.times:
            self.times = max(self.times - 1, 0)
            raise WarehouseUnavailable("it does not answer")


def notes_fail(fleet: Fleet, outage: Outage) -> FleetSync:
    """Return a sync that cannot note its progress in an outage, though the organizations can be reached."""
    given = replace(fleet.services.fleet_sync, beat_seconds=0.0, unit=1)
    return replace(given, warehouse=SteppedWarehouse(given.warehouse, outage.step))


def test_what_could_not_be_noted_is_noted_later_and_once(small: Fleet) -> None:
    small.declare()
    outage = Outage()
    sync = notes_fail(small, outage)
    began = sync.begin(SyncRequest(workers=1))
    outage.times = 3
    run = sync.carry_out(began)
    assert (run.status, run.recorded) == ("SUCCESS", True)
    assert small.steps(run.run_id).keys() == set(TWELVE)
    assert len(small.transitions(run.run_id)) == 2 + 2 * 12


def test_a_lease_that_cannot_be_renewed_ends_the_run(small: Fleet) -> None:
    small.declare()
    outage, passed = Outage(), timedelta()
    real = small.services.fleet_sync.clock

    def clock() -> datetime:
        nonlocal passed
        passed += timedelta(minutes=4) if outage.on else timedelta()
        return real() + passed

    sync = replace(notes_fail(small, outage), clock=clock)
    began = sync.begin(SyncRequest(workers=1))
    outage.on = True
    run = sync.carry_out(began)
    assert run.state is State.FAILED
    assert "the lease could not be renewed: it does not answer" in run.message
    assert run.not_reached
    assert small.services.fleet_runs.show(run.run_id).synced == run.synced


def test_an_end_that_cannot_be_recorded_is_told_and_the_run_can_be_aborted(small: Fleet) -> None:
    small.declare()
    outage = Outage()
    sync = notes_fail(small, outage)
    sync = replace(sync, trail=sync.trail.over(sync.warehouse))
    began = sync.begin(SyncRequest())
    outage.on = True
    run = sync.carry_out(began)
    assert (run.state, run.synced, run.recorded) == (State.COMPLETED, 12, False)
    outage.on = False
    assert small.services.fleet_runs.abort(run.run_id).state is State.CANCELLED
    assert small.again(run.run_id).needed == 0


def test_what_nobody_foresaw_ends_the_run(small: Fleet) -> None:
    small.declare()
    sync = small.services.fleet_sync
    began = sync.begin(SyncRequest(waves=("1",), workers=1))

    def crash(progress: Progress) -> None:
        if progress.synced:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        sync.carry_out(began, notice=crash)
    run = small.services.fleet_runs.show(began.begun.run_id)
    assert (run.state, run.synced) == (State.FAILED, 1)
    assert "ZeroDivisionError ended the run" in run.message


@pytest.mark.parametrize("table", ["org_meta_pipeline_runs", "org_meta_step_logs", "org_meta_state_transitions"])
def test_without_a_table_of_runs_nothing_is_begun(small: Fleet, table: str) -> None:
    small.declare()
    small.live.execute(f"DROP TABLE organizations.{table} CASCADE")
    with pytest.raises(NotBootstrapped, match=table):
        small.services.fleet_sync.begin(SyncRequest())
    if table == "org_meta_pipeline_runs":
        with pytest.raises(NotBootstrapped, match=table):
            small.services.fleet_sync.plan(SyncRequest())
        with pytest.raises(NotBootstrapped, match=table):
            small.services.fleet_runs.page(limit=1, offset=0)


def test_no_pipeline_of_a_file_is_called_like_these_runs(small: Fleet) -> None:
    path = small.files.root / "mine.yml"
    path.write_text("pipeline: {id: fleet_sync, name: Mine}\nsteps: []\n")
    with pytest.raises(PipelineInvalid, match="what the service calls runs of its own"):
        small.services.pipelines.run(RunRequest(path, "system", actor=UNATTENDED))
