"""Many organizations in one unit of work: as if each were synced alone, whatever was done to some of them meanwhile."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cloudact.errors import WarehouseRefused
from cloudact.fleet.progress import Progress
from cloudact.fleet.request import SyncRequest
from cloudact.fleet.together import Finish, Together
from cloudact.pipeline.states import State
from cloudact.tenancy.audit.verification import ChainStatus
from cloudact.tenancy.sync import SyncResult
from tests.fleet.fleets import TWELVE, VIEW, Fleet

pytestmark = pytest.mark.slow

CHANGED_MEANWHILE = {
    "lost another table": "DROP TABLE org_03_prod.genai_payg_pricing",
    "has another view": f"CREATE OR REPLACE VIEW org_03_prod.{VIEW} AS SELECT 1 AS one",
    "table gone": "DROP TABLE org_03_prod.subscription_plans CASCADE",
    "all gone": "DROP SCHEMA org_03_prod CASCADE",
    "done already": "ALTER TABLE org_03_prod.subscription_plans ADD COLUMN x_added VARCHAR",
    "unfinished": "UPDATE organizations.org_profiles SET status = 'PROVISIONING' WHERE org_slug = 'org_03'",
}


@pytest.mark.parametrize("unit", [2, 5, 50])
def test_units_of_any_size_come_to_the_same(small: Fleet, unit: int) -> None:
    small.declare()
    small.live.execute("DROP TABLE org_02_prod.genai_payg_pricing")
    small.live.execute("DROP TABLE org_04_prod.genai_payg_pricing")
    sync = replace(small.services.fleet_sync, unit=unit)
    run = sync.carry_out(sync.begin(SyncRequest(waves=("slug:org_03,org_04",))))
    assert (run.status, run.synced) == ("SUCCESS", 12)
    assert small.in_step() == set(TWELVE)
    assert small.steps(run.run_id).keys() == set(TWELVE)
    query = "SELECT org_slug, details->>'changes' AS n FROM organizations.org_audit_logs WHERE action = 'SYNC'"
    rows = {row["org_slug"]: row["n"] for row in small.live.rows(query)}
    assert rows == dict.fromkeys(TWELVE, "1") | {"org_02": "2", "org_04": "2"}
    told = small.live.rows("SELECT step_name, metadata->>'summary' AS told FROM organizations.org_meta_step_logs")
    assert all(row["told"].startswith(f"{row['step_name']}_prod: ") for row in told)
    assert small.services.verifier.verify().status is ChainStatus.INTACT


@pytest.mark.parametrize("what", CHANGED_MEANWHILE)
def test_who_is_not_as_the_others_any_more_is_done_alone(small: Fleet, what: str) -> None:
    small.declare()
    sync = small.services.fleet_sync
    began = sync.begin(SyncRequest())
    small.live.execute(CHANGED_MEANWHILE[what])
    run = sync.carry_out(began)
    assert (run.status, run.synced) == ("SUCCESS", 12)
    assert small.steps(run.run_id).keys() == set(TWELVE)
    assert small.in_step() == set(TWELVE)


def test_what_a_hand_does_to_a_table_that_is_not_in_the_plan_is_for_the_next_run(small: Fleet) -> None:
    """Its columns are not looked at, because that would take a query for each table."""
    small.declare()
    sync = small.services.fleet_sync
    began = sync.begin(SyncRequest())
    small.live.execute("ALTER TABLE org_03_prod.genai_payg_pricing DROP COLUMN is_override")
    assert sync.carry_out(began).synced == 12
    assert small.in_step() == set(TWELVE) - {"org_03"}
    again = small.sync()
    assert (again.needed, small.in_step()) == (1, set(TWELVE))


def test_of_a_run_that_others_ended_a_unit_changes_nothing(small: Fleet) -> None:
    small.declare()
    sync = replace(small.services.fleet_sync, unit=4, beat_seconds=3600.0)
    began = sync.begin(SyncRequest())

    def abort(progress: Progress) -> None:
        if progress.synced == 4:
            small.services.fleet_runs.abort(progress.run_id)

    run = sync.carry_out(began, notice=abort)
    assert (run.state, run.synced, run.not_reached) == (State.CANCELLED, 4, 8)
    assert small.in_step() == small.steps(run.run_id).keys()
    assert small.services.fleet_runs.show(run.run_id).synced == 4
    again = small.again(run.run_id)
    assert (again.synced_before, again.synced, small.in_step()) == (4, 8, set(TWELVE))


def test_how_far_a_run_has_come_is_on_record_with_each_unit(small: Fleet) -> None:
    small.declare()
    sync = replace(small.services.fleet_sync, unit=5, beat_seconds=3600.0)
    on_record: list[tuple[int, int]] = []

    def look(progress: Progress) -> None:
        shown = small.services.fleet_runs.show(progress.run_id)
        on_record.append((shown.synced, len(small.steps(progress.run_id))))

    sync.carry_out(sync.begin(SyncRequest()), notice=look)
    assert on_record == [(0, 0), (5, 5), (10, 10), (12, 12)]


def test_a_unit_that_is_refused_is_done_in_halves_and_then_one_by_one(
    small: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.declare()
    asked: list[int] = []

    def refuse(_self: Together, slugs: tuple[str, ...], _finish: Finish) -> dict[str, SyncResult]:
        asked.append(len(slugs))
        raise WarehouseRefused("not together")

    monkeypatch.setattr(Together, "sync", refuse)
    run = small.sync()
    assert (run.state, run.synced, asked) == (State.COMPLETED, 12, [12, 6, 6])
    assert small.in_step() == set(TWELVE)


def test_a_conflict_that_arose_meanwhile_is_that_organizations(small: Fleet) -> None:
    small.declare()
    sync = small.services.fleet_sync
    began = sync.begin(SyncRequest(max_failures="100%"))
    small.conflict("org_03")
    run = sync.carry_out(began)
    assert (run.state, run.synced, [item.org_slug for item in run.failures]) == (State.FAILED, 11, ["org_03"])
    assert small.in_step() == set(TWELVE) - {"org_03"}
