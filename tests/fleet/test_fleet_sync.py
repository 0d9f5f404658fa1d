"""A sync of the fleet brings in step whoever needs it, wave after wave, and gives an account of everybody else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cloudact.errors import FleetPlanNotFound, FleetPlanStale, FleetRunNotFound, FleetRunNotOpen, InvalidRequest
from cloudact.fleet.progress import FleetRun, Progress
from cloudact.fleet.request import SyncRequest
from cloudact.fleet.sync import FleetSync
from cloudact.pipeline.cancellation import Cancellation
from cloudact.pipeline.states import State
from cloudact.planning.policy import EVERYTHING
from cloudact.tenancy.audit.verification import ChainStatus
from cloudact.tenancy.names import OrgSlug
from tests.fleet.fleets import ADDED, TWELVE, Fleet, refusing, with_faults


def run_with(sync: FleetSync, cancellation: Cancellation | None = None, **wanted: object) -> FleetRun:
    return sync.carry_out(sync.begin(SyncRequest.from_json(wanted)), cancellation)


def test_nothing_to_do_is_a_run_of_nobody(small: Fleet) -> None:
    before = small.live.snapshot()[0]
    run = small.sync()
    assert (run.state, run.status, run.needed, run.waves) == (State.COMPLETED, "SUCCESS", 0, [])
    assert run.message == "Nothing to do: all are in step."
    assert small.live.snapshot()[0] == before
    assert small.transitions(run.run_id) == [
        ("fleet_sync", "PENDING", "RUNNING"), ("fleet_sync", "RUNNING", "COMPLETED"),
    ]  # fmt: skip


def test_everybody_gets_what_was_declared_and_is_on_record(small: Fleet) -> None:
    small.declare()
    run = small.sync(waves=["slug:org_07", "25%"])
    assert small.in_step() == set(TWELVE)
    assert (run.state, run.status, run.synced, run.failures) == (State.COMPLETED, "SUCCESS", 12, [])
    assert [(wave.selector, wave.organizations, wave.synced) for wave in run.waves] == [
        ("slug:org_07", 1, 1), ("25%", 3, 3), ("rest", 8, 8),
    ]  # fmt: skip
    steps = small.steps(run.run_id)
    assert steps.keys() == set(TWELVE)
    assert steps["org_07"] == (1, "COMPLETED")
    assert sorted(wave for wave, _ in steps.values()) == [1] + [2] * 3 + [3] * 8
    assert len(small.transitions(run.run_id)) == 2 + 2 * 12
    shown = small.services.fleet_runs.show(run.run_id)
    assert shown == replace(run, ended_at=shown.ended_at, started_at=shown.started_at)


def test_only_those_that_need_it_are_touched(small: Fleet) -> None:
    small.live.execute("DROP TABLE org_03_prod.subscription_plans CASCADE")
    small.live.execute("DROP SCHEMA org_05_prod CASCADE")
    run = small.sync()
    assert small.steps(run.run_id).keys() == {"org_03", "org_05"}
    assert small.in_step() == set(TWELVE)
    rows = small.live.rows("SELECT org_slug FROM organizations.org_audit_logs WHERE action = 'SYNC' ORDER BY 1")
    assert [row["org_slug"] for row in rows] == ["org_03", "org_05"]


def test_a_selection_leaves_the_others_alone(small: Fleet) -> None:
    small.declare()
    run = small.sync(only=["plan:SCALE", "slug:org_02"], waves=["slug:org_01"])
    scale = {"org_01", "org_04", "org_07", "org_10"}
    assert small.in_step() == scale | {"org_02"}
    assert run.needed == 5
    # One that needs nothing may be named, one that nobody has may not.
    assert small.sync(only=["slug:org_01"]).needed == 0
    with pytest.raises(InvalidRequest, match="org_99"):
        small.sync(only=["slug:org_99"])
    with pytest.raises(InvalidRequest, match="org_99"):
        small.sync(waves=["slug:org_99"])


def test_one_failure_is_its_own_and_stops_what_comes_next(small: Fleet) -> None:
    small.declare()
    sync = with_faults(small, refusing("org_02"))
    run = run_with(sync, waves=["slug:org_01,org_03,org_02"], workers=1)
    assert (run.state, run.status, run.synced, run.failed, run.not_reached) == (State.FAILED, "PARTIAL", 2, 1, 9)
    assert [(item.org_slug, item.wave, item.error_type) for item in run.failures] == [("org_02", 1, "PERMANENT")]
    assert run.causes[0].cause == "{org_slug}_prod.subscription_plans: the engine says no"
    assert run.message == (
        "2 of 12 brought in step, 1 failed, 9 not reached. "
        "Stopped in wave 1: 1 of 3 failed, more than max_failures allows (0)"
    )
    assert small.in_step() == {"org_01", "org_03"}
    again = small.again(run.run_id, only_failed=True)
    assert (again.synced, again.continues, small.in_step()) == (1, run.run_id, {"org_01", "org_02", "org_03"})
    assert small.again(again.run_id).status == "SUCCESS"
    assert small.in_step() == set(TWELVE)


@pytest.mark.parametrize(("limit", "reached"), [("1", 4), ("50%", 6), ("49%", 6)])
def test_failures_up_to_the_limit_are_gone_on_from(small: Fleet, limit: str, reached: int) -> None:
    small.declare()
    sync = with_faults(small, refusing(*TWELVE))
    run = run_with(sync, waves=["4"], max_failures=limit, workers=1)
    assert run.state is State.FAILED
    assert run.failed + run.not_reached == 12
    assert run.failed <= reached
    assert len(run.causes) == 1
    assert run.causes[0].organizations == run.failed


def test_a_conflict_alone_is_left_to_a_person(small: Fleet) -> None:
    small.conflict("org_03")
    small.conflict("org_04")
    small.live.execute("DROP TABLE org_04_prod.genai_payg_pricing")
    run = small.sync(max_failures="1")
    assert run.message == "0 of 1 brought in step, 1 failed, 1 left to a person."
    assert (run.state, run.status, run.needed, run.failed, run.blocked) == (State.FAILED, "PARTIAL", 1, 1, 1)
    assert {item.org_slug: item.wave for item in run.failures} == {"org_03": 0, "org_04": 1}
    assert all("plan_name" in item.cause for item in run.failures)
    assert small.steps(run.run_id) == {"org_03": (0, "SKIPPED"), "org_04": (1, "FAILED")}
    assert "genai_payg_pricing" in small.live.tables("org_04_prod")
    assert small.services.fleet_runs.show(run.run_id).failures == run.failures
    # What is left to a person is told again, and keeps nobody from being done.
    again = small.sync()
    assert (again.state, again.status, again.blocked) == (State.COMPLETED, "PARTIAL", 2)
    assert again.message == "2 left to a person."


def test_a_stopped_onboarding_is_finished(small: Fleet) -> None:
    small.live.execute("UPDATE organizations.org_profiles SET status = 'PROVISIONING' WHERE org_slug = 'org_09'")
    assert small.sync().synced == 1
    assert small.in_step() == set(TWELVE)


def test_what_was_not_asked_for_is_left_out(small: Fleet) -> None:
    small.declare()
    plan = small.services.fleet_sync.plan(SyncRequest(sync_missing_columns=False))
    assert plan.needed == 0
    assert plan.groups[0].not_requested == [f"add column {ADDED} (STRING)"]
    assert small.sync(sync_missing_columns=False).needed == 0
    assert small.in_step() == set()


def test_waves_wait_for_each_other(small: Fleet) -> None:
    small.declare()
    order: list[str] = []
    slept: list[float] = []
    sync = replace(with_faults(small, order.append), sleep=lambda _cancellation, seconds: slept.append(seconds))
    run = run_with(sync, waves=["slug:org_11", "slug:org_12,org_10"], pause_seconds=40, workers=3)
    assert run.status == "SUCCESS"
    assert order[0] == "org_11"
    assert set(order[1:3]) == {"org_10", "org_12"}
    assert slept == [15.0, 15.0, 10.0] * 2


def test_cancelled_between_waves_nothing_more_is_begun(small: Fleet) -> None:
    small.declare()
    cancellation = Cancellation()
    sync = replace(small.services.fleet_sync, sleep=lambda given, _seconds: given.cancel("cancelled by a test"))
    run = run_with(sync, cancellation, waves=["slug:org_11"], pause_seconds=60)
    assert (run.state, run.synced, run.not_reached) == (State.CANCELLED, 1, 11)
    assert run.message.endswith("cancelled by a test")
    again = small.again(run.run_id)
    assert (again.state, again.needed, [wave.selector for wave in again.waves]) == (State.COMPLETED, 11, ["rest"])


def test_cancelled_in_a_wave_what_is_under_way_is_finished(small: Fleet) -> None:
    small.declare()
    cancellation = Cancellation()
    run = run_with(with_faults(small, lambda _slug: cancellation.cancel("enough")), cancellation, workers=1)
    assert (run.state, run.synced, run.not_reached) == (State.CANCELLED, 1, 11)
    assert len(small.in_step()) == 1


def test_a_resumed_run_has_the_waves_that_the_first_had(small: Fleet) -> None:
    small.declare()
    first = small.services.fleet_sync.plan(SyncRequest(waves=("4", "50%")))
    cancellation = Cancellation()
    seen: list[str] = []

    def stop(slug: str) -> None:
        seen.append(slug)
        if len(seen) == 5:
            cancellation.cancel("enough")

    run = run_with(with_faults(small, stop), cancellation, waves=["4", "50%"], workers=1)
    assert [wave.synced for wave in run.waves] == [4, 1, 0]
    again = small.again(run.run_id)
    assert [(wave.selector, wave.organizations) for wave in again.waves] == [("50%", 5), ("rest", 2)]
    assert [wave.organizations for wave in first.waves] == [4, 6, 2]


def test_aborted_by_another_nothing_more_is_begun(small: Fleet) -> None:
    small.declare()
    sync = replace(small.services.fleet_sync, beat_seconds=0.0)
    began = sync.begin(SyncRequest(waves=("slug:org_02",), workers=1))

    def abort(progress: Progress) -> None:
        if progress.synced == 1:
            assert small.services.fleet_runs.abort(progress.run_id).state is State.CANCELLED

    run = sync.carry_out(began, notice=abort)
    assert (run.state, run.synced, run.not_reached) == (State.CANCELLED, 1, 11)
    assert run.recorded
    assert small.in_step() == {"org_02"}
    shown = small.services.fleet_runs.show(run.run_id)
    assert shown.synced == 1
    assert "aborted by" in shown.message
    with pytest.raises(FleetRunNotOpen, match="CANCELLED"):
        small.services.fleet_runs.abort(run.run_id)
    with pytest.raises(FleetRunNotFound):
        small.services.fleet_runs.abort("no such run")
    assert small.again(run.run_id).status == "SUCCESS"


def test_a_plan_is_applied_as_it_was_printed(small: Fleet) -> None:
    small.declare()
    small.live.execute("DROP TABLE org_03_prod.genai_payg_pricing")
    sync = small.services.fleet_sync
    plan = sync.plan(SyncRequest(waves=("slug:org_03",)))
    assert plan == sync.plan(SyncRequest(waves=("slug:org_03",)))
    assert (plan.organizations, plan.needed, plan.blocked) == (12, 12, 0)
    assert [(group.organizations, group.changes) for group in plan.groups] == [
        (11, [f"add column {ADDED} (STRING)"]),
        (1, ["create table genai_payg_pricing", f"add column {ADDED} (STRING)"]),
    ]
    assert plan.waves[0].org_slugs == ["org_03"]
    assert small.in_step() == set()
    run = sync.carry_out(sync.begin_planned(plan.plan_hash))
    assert (run.plan_hash, run.status) == (plan.plan_hash, "SUCCESS")
    with pytest.raises(FleetPlanStale, match="org_01"):
        sync.begin_planned(plan.plan_hash)
    with pytest.raises(FleetPlanNotFound):
        sync.begin_planned("0" * 64)


def test_a_plan_of_what_has_moved_is_refused(small: Fleet) -> None:
    small.declare()
    sync = small.services.fleet_sync
    plan = sync.plan(SyncRequest())
    small.services.organizations.sync(OrgSlug("org_06"), EVERYTHING)
    with pytest.raises(FleetPlanStale) as stale:
        sync.begin_planned(plan.plan_hash)
    five = "org_01, org_02, org_03, org_04, org_05"
    rest = f"{five} and 6 more are a group now"
    assert stale.value.moved[:2] == (f"{five} and 7 more are not as they were", rest)
    plan = sync.plan(SyncRequest())
    small.files.add_column("organizations", "genai_payg_pricing", "x_other")
    with pytest.raises(FleetPlanStale) as stale:
        sync.begin_planned(plan.plan_hash)
    assert stale.value.moved == ("the catalog was changed",)
    assert small.in_step() == set()


def test_the_catalog_of_a_run_is_that_of_its_plan(small: Fleet) -> None:
    small.declare()
    sync = small.services.fleet_sync
    began = sync.begin(SyncRequest())
    small.files.add_column("organizations", "genai_payg_pricing", "x_other")
    assert sync.carry_out(began).status == "SUCCESS"
    assert "x_other" not in small.live.columns("org_01_prod", "genai_payg_pricing")


def test_runs_are_listed_latest_first(small: Fleet) -> None:
    runs = [small.sync().run_id for _ in range(3)]
    page = small.services.fleet_runs.page(limit=2, offset=0)
    assert ([run.run_id for run in page.runs], page.total) == (runs[:0:-1], 3)
    with pytest.raises(InvalidRequest):
        small.services.fleet_runs.page(limit=0, offset=0)


def test_a_run_is_in_the_audit_trail_and_the_chain_holds(small: Fleet) -> None:
    small.declare()
    run = small.sync()
    query = "SELECT details->>'phase' AS phase FROM organizations.org_audit_logs WHERE resource_id = 'fleet_sync' AND "
    rows = small.live.rows(f"{query}details->>'run_id' = ? ORDER BY sequence", run.run_id)
    assert [row["phase"] for row in rows] == ["attempt", "outcome"]
    assert small.services.verifier.verify().status is ChainStatus.INTACT


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"waves": ["everybody"]}, "waves"),
        ({"only": ["label:Colour=red"]}, "only"),
        ({"waves": ["label:colour=Red"]}, "waves"),
        ({"pause_seconds": -1.0}, "pause_seconds"),
        ({"workers": 0}, "workers"),
        ({"workers": 33}, "workers"),
        ({"max_failures": "101%"}, "max_failures"),
        ({"max_failures": "many"}, "max_failures"),
        ({"waves": ["1"] * 101}, "waves"),
    ],
)
def test_a_request_that_cannot_be_meant_is_refused(wanted: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        SyncRequest.from_json(wanted)
    assert [problem.field for problem in refused.value.problems] == [field]
