"""The same on BigQuery, where a unit of work is no transaction."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cloudact.errors import FleetBusy, FleetPlanStale, InvalidRequest, NotBootstrapped
from cloudact.fleet.request import SyncRequest
from cloudact.planning.policy import Policy
from cloudact.planning.status import SyncStatus
from cloudact.tenancy.actor import Actor
from cloudact.tenancy.checks import OnboardingRequest
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.store import ProfileFilter
from cloudact.wiring import Services
from tests.api.catalog_files import CatalogFiles
from tests.bigquery_fake.faults import Fault
from tests.bigquery_fake.server import Fake
from tests.fleet.doomed import asked, key_file_of
from tests.fleet.fleets import onboard, small_catalog

pytestmark = pytest.mark.slow

SLUGS = ("one", "two", "three")


@pytest.fixture
def config_dir(tmp_path: Path) -> Path:
    """The small catalog."""
    return small_catalog(tmp_path / "configs").root


def test_a_fleet_is_planned_synced_and_on_record(on_bigquery: tuple[Services, Fake], config_dir: Path) -> None:
    services, _ = on_bigquery
    services.bootstrap.run()
    onboard(services, SLUGS)
    CatalogFiles(config_dir).add_column("organizations", "subscription_plans", "x_added")
    sync = services.fleet_sync
    plan = sync.plan(SyncRequest(waves=("slug:two",)))
    began = sync.begin_planned(plan.plan_hash)
    with pytest.raises(FleetBusy):
        sync.begin(SyncRequest())
    run = sync.carry_out(began)
    assert (run.status, run.synced, run.recorded) == ("SUCCESS", 3, True)
    assert [services.organizations.status(OrgSlug(slug)).status for slug in SLUGS] == [SyncStatus.SYNCED] * 3
    assert services.fleet_runs.show(run.run_id).waves == run.waves
    assert services.fleet_runs.page(limit=5, offset=0).total == 1
    with pytest.raises(FleetPlanStale):
        sync.begin_planned(plan.plan_hash)
    again = sync.carry_out(sync.begin_again(run.run_id))
    assert (again.needed, again.status) == (0, "SUCCESS")


def test_what_one_of_them_meets_is_its_own_and_lost_answers_are_nobodys(
    on_bigquery: tuple[Services, Fake], config_dir: Path
) -> None:
    services, fake = on_bigquery
    services.bootstrap.run()
    onboard(services, SLUGS)
    CatalogFiles(config_dir).add_column("organizations", "subscription_plans", "x_added")
    sync = services.fleet_sync
    fake.faults.add("tables.patch", Fault.ACCESS_DENIED, at=[2])
    run = sync.carry_out(sync.begin(SyncRequest(workers=1, max_failures="100%")))
    assert (str(run.state), run.synced, run.failed, run.recorded) == ("FAILED", 2, 1, True)
    (failure,) = run.failures
    assert services.organizations.status(OrgSlug(failure.org_slug)).status is SyncStatus.OUT_OF_SYNC
    fake.faults.clear()
    fake.faults.add("jobs.query", Fault.LOST, at=[3, 6])
    again = sync.carry_out(sync.begin_again(run.run_id, only_failed=True))
    assert (again.status, again.synced) == ("SUCCESS", 1)
    assert services.fleet_runs.show(again.run_id).synced == 1
    steps = services.runs.show(again.run_id).steps
    assert [(step.step_name, step.status) for step in steps] == [(failure.org_slug, "COMPLETED")]


def test_waves_go_by_labels_once_their_column_is_there(on_bigquery: tuple[Services, Fake], config_dir: Path) -> None:
    services, _ = on_bigquery
    files, one = CatalogFiles(config_dir), OrgSlug("one")
    declared = files.contents()
    with files.columns("bootstrap", "org_profiles") as columns:
        columns.remove(next(column for column in columns if column["name"] == "labels"))
    services.bootstrap.run()
    onboard(services, SLUGS)
    files.restore(declared)
    actor, wanted = Actor.system("a test"), SyncRequest(waves=("label:tier=pilot",))
    assert services.labels.show(one) == {}
    with pytest.raises(NotBootstrapped, match=r"org_profiles\.labels"):
        services.labels.change(one, {"tier": "pilot"}, actor=actor)
    pilot = OnboardingRequest("four", "New Co", "admin@new.example", labels={"tier": "pilot"})
    with pytest.raises(NotBootstrapped, match=r"org_profiles\.labels"):
        services.onboarding.onboard(pilot)
    none = replace(pilot, org_slug=one, labels={}, regenerate_api_key_if_exists=True, given=frozenset({"labels"}))
    with pytest.raises(NotBootstrapped, match=r"org_profiles\.labels"):
        services.onboarding.onboard(none)
    with pytest.raises(InvalidRequest, match="no organization carries: tier"):
        services.fleet_sync.plan(wanted)
    services.bootstrap.sync(Policy())
    assert services.labels.change(one, {"tier": "pilot"}, actor=actor) == {"tier": "pilot"}
    services.onboarding.onboard(pilot)
    done = services.fleet_onboarding.onboard(asked("five", labels={"tier": "ga"}), key_file_of(services))
    assert done.onboarded == 1
    page = services.organizations.page(ProfileFilter(), limit=9, offset=0)
    assert {item.org_slug: item.labels.get("tier") for item in page.organizations} == {
        "one": "pilot", "two": None, "three": None, "four": "pilot", "five": "ga",
    }  # fmt: skip
    files.add_column("organizations", "subscription_plans", "x_added")
    plan = services.fleet_sync.plan(wanted)
    assert sorted(plan.waves[0].org_slugs) == ["four", "one"]
    services.labels.change(one, {}, actor=actor)
    assert services.labels.show(one) == {}
    with pytest.raises(FleetPlanStale, match="the waves are made of other organizations"):
        services.fleet_sync.begin_planned(plan.plan_hash)
