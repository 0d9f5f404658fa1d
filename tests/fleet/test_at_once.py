"""Of two runs of the fleet at once one goes on, and one whose process is gone is taken over."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from cloudact.errors import FleetBusy
from cloudact.fleet.request import SyncRequest
from cloudact.fleet.sync import OpenRun
from cloudact.pipeline.records import LEASE
from cloudact.pipeline.states import State
from tests.fleet.fleets import TWELVE, Fleet
from tests.reliability.threads import competing

pytestmark = pytest.mark.slow


def test_the_second_is_told_who_is_at_it(small: Fleet) -> None:
    small.declare()
    sync = small.services.fleet_sync
    began = sync.begin(SyncRequest())
    with pytest.raises(FleetBusy, match=began.begun.run_id):
        sync.begin(SyncRequest())
    with pytest.raises(FleetBusy):
        sync.begin_again(began.begun.run_id)
    assert sync.carry_out(began).status == "SUCCESS"
    assert small.sync().needed == 0


def test_of_many_that_begin_at_once_one_does(small: Fleet) -> None:
    small.declare()
    sync = small.services.fleet_sync
    found = competing(*[lambda: sync.begin(SyncRequest())] * 4)
    (began,) = [item for item in found if isinstance(item, OpenRun)]
    assert sum(isinstance(item, FleetBusy) for item in found) == 3
    assert sync.carry_out(began).status == "SUCCESS"
    assert small.in_step() == set(TWELVE)


@pytest.mark.parametrize(("unit", "beat_seconds", "most"), [(1, 0.0, 3), (4, 3600.0, 0)])
def test_one_whose_process_is_gone_is_taken_over_and_stops(
    small: Fleet, unit: int, beat_seconds: float, most: int
) -> None:
    small.declare()
    sync = replace(small.services.fleet_sync, beat_seconds=beat_seconds, unit=unit)
    lost = sync.begin(SyncRequest(workers=1))
    taker = replace(sync, alive=lambda _process: False)
    taken = taker.begin(SyncRequest(only=("slug:org_05",)))
    query = "SELECT details->>'taken_over' AS ids FROM organizations.org_audit_logs WHERE details->>'run_id' = ?"
    assert lost.begun.run_id in small.live.rows(query, taken.begun.run_id)[0]["ids"]
    # It was only slow: it sees that it is not its turn any more.
    run = sync.carry_out(lost)
    assert (run.state, run.recorded) == (State.FAILED, True)
    assert run.synced <= most
    assert taker.carry_out(taken).status == "SUCCESS"


def test_a_lease_that_is_over_is_taken_over(small: Fleet) -> None:
    small.declare()
    sync = replace(small.services.fleet_sync, alive=lambda _process: None)
    lost = sync.begin(SyncRequest())
    now = sync.clock
    with pytest.raises(FleetBusy):
        replace(sync, clock=lambda: now() + LEASE / 2).begin(SyncRequest())
    later = replace(sync, clock=lambda: now() + LEASE + timedelta(seconds=1))
    assert later.carry_out(later.begin(SyncRequest())).status == "SUCCESS"
    assert small.services.fleet_runs.show(lost.begun.run_id).state is State.FAILED
