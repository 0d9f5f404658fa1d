"""Where a fleet stands is what each organization's own status says, told once for all that are the same."""

from __future__ import annotations

from collections import Counter

import pytest
from fastapi.testclient import TestClient

from cloudact.errors import NotBootstrapped
from cloudact.fleet import roster, status
from cloudact.fleet.status import FleetState, FleetStatus
from cloudact.planning.policy import EVERYTHING
from cloudact.planning.status import SyncStatus
from cloudact.tenancy.names import OrgSlug
from cloudact.wiring import Services
from tests.api.catalog_files import CatalogFiles
from tests.bigquery_fake.server import Fake
from tests.fleet.conftest import SLUGS, Run
from tests.prepared_bigquery import PreparedProject
from tests.reliability.world import acme_request


def agrees(state: FleetState, services: Services) -> None:
    """Each organization's own status is that of its group, and the counts are theirs."""
    own = {
        slug: services.organizations.status(OrgSlug(slug)).status for group in state.groups for slug in group.org_slugs
    }
    assert own == {slug: group.status for group in state.groups for slug in group.org_slugs}
    assert state.sync_status == Counter(own.values())
    assert state.organizations == len(own)


def told(state: FleetState) -> dict[tuple[str, ...], SyncStatus]:
    return {tuple(group.org_slugs): group.status for group in state.groups}


def test_organizations_in_step_are_one_group(fleet: FleetStatus, services: Services) -> None:
    state = fleet.look()
    assert told(state) == {("four", "one", "three", "two"): SyncStatus.SYNCED}
    (group,) = state.groups
    assert (group.organizations, group.onboarded, group.confirmed) == (4, True, True)
    assert (state.missing, state.datasets_without_profile) == ({}, 0)
    assert state.message == "4 organizations in 1 group: 4 SYNCED."
    agrees(state, services)


def test_what_differs_is_a_group_of_its_own(fleet: FleetStatus, services: Services, run: Run) -> None:
    run("DROP TABLE one_prod.subscription_plans")
    run("DROP TABLE two_prod.subscription_plans")
    run("DROP SCHEMA three_prod CASCADE")
    state = fleet.look()
    assert told(state) == {
        ("one", "two"): SyncStatus.OUT_OF_SYNC, ("four",): SyncStatus.SYNCED, ("three",): SyncStatus.PROFILE_ONLY,
    }  # fmt: skip
    assert state.missing == {"subscription_plans": 2, "dataset": 1}
    assert state.groups[0].state.tables_missing == ["subscription_plans"]
    agrees(state, services)


def test_a_new_column_is_missing_everywhere_until_it_is_synced(
    fleet: FleetStatus, services: Services, files: CatalogFiles
) -> None:
    before = fleet.look()
    files.add_column("organizations", "subscription_plans", "added", type="STRING", description="New.")
    state = fleet.look()
    assert told(before).keys() == told(state).keys()
    assert state.sync_status == {SyncStatus.OUT_OF_SYNC: 4}
    assert state.missing == {"subscription_plans.added": 4}
    services.organizations.sync(OrgSlug("two"), EVERYTHING)
    state = fleet.look()
    assert told(state) == {("four", "one", "three"): SyncStatus.OUT_OF_SYNC, ("two",): SyncStatus.SYNCED}
    agrees(state, services)


def test_a_view_replaced_by_hand_is_stale_in_its_group(fleet: FleetStatus, run: Run) -> None:
    for slug in ("one", "two"):
        run(
            f"CREATE OR REPLACE VIEW {slug}_prod.x_org_hierarchy AS SELECT 1 AS one FROM {slug}_prod.subscription_plans"
        )
    state = fleet.look()
    assert [tuple(group.org_slugs) for group in state.groups] == [("four", "three"), ("one", "two")]
    assert state.groups[1].state.views_stale == ["x_org_hierarchy"]


def test_datasets_without_a_profile_are_named_when_they_are_ours(fleet: FleetStatus, run: Run) -> None:
    run("DELETE FROM organizations.org_profiles WHERE org_slug = 'three'")
    run("CREATE SCHEMA somebody_prod")
    run("CREATE SCHEMA elsewhere")
    state = fleet.look()
    assert (state.organizations, state.datasets_without_profile, state.without_profile) == (3, 1, ["three_prod"])
    assert state.message.endswith("1 dataset without a profile.")


def test_an_onboarding_that_stopped_is_told_apart(fleet: FleetStatus, services: Services, run: Run) -> None:
    run("UPDATE organizations.org_profiles SET status = 'PROVISIONING' WHERE org_slug = 'two'")
    state = fleet.look()
    assert told(state) == {("four", "one", "three"): SyncStatus.SYNCED, ("two",): SyncStatus.OUT_OF_SYNC}
    assert state.groups[1].onboarded is False
    agrees(state, services)


def test_an_organization_keeps_the_dataset_on_record(
    fleet: FleetStatus, services: Services, files: CatalogFiles
) -> None:
    with files.config("organizations") as config:
        config["dataset"] = "{org_slug}_live"
    services.onboarding.onboard(acme_request(OrgSlug("newer")))
    state = fleet.look()
    assert told(state) == {("four", "newer", "one", "three", "two"): SyncStatus.SYNCED}
    agrees(state, services)


def test_pages_are_put_together(fleet: FleetStatus, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fleet.look()
    for size in (1, 2, 3, 4):
        monkeypatch.setattr(roster, "PAGE", size)
        assert fleet.look() == whole


def test_nothing_onboarded_and_nothing_bootstrapped(services: Services, bootstrapped: TestClient, run: Run) -> None:
    del bootstrapped
    fleet = FleetStatus(services.catalogs, services.bootstrap.warehouse)
    assert fleet.look().message == "No organization has been onboarded."
    run("DROP TABLE organizations.org_profiles CASCADE")
    with pytest.raises(NotBootstrapped, match="org_profiles"):
        fleet.look()


def test_on_bigquery_the_first_look_takes_no_more_requests_than_the_next(
    on_bigquery: tuple[Services, Fake], prepared_project: PreparedProject
) -> None:
    services, fake = on_bigquery
    prepared_project.begin(fake, *SLUGS)
    fleet = FleetStatus(services.catalogs, services.bootstrap.warehouse)
    with fake.log.measured() as first:
        state = fleet.look()
    with fake.log.measured() as second:
        assert fleet.look() == state
    assert told(state) == {("four", "one", "three", "two"): SyncStatus.SYNCED}
    assert first.by_kind() == second.by_kind() == {"jobs.query": 2}


def test_on_bigquery_what_the_catalog_does_not_show_yet_is_looked_for_until_none_is_found(
    on_bigquery: tuple[Services, Fake], prepared_project: PreparedProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "_LOOKED_FOR", 1)
    services, fake = on_bigquery
    prepared_project.begin(fake, "one")
    fake.lag = 3600
    for slug in ("two", "three"):
        services.onboarding.onboard(acme_request(OrgSlug(slug)))
    state = FleetStatus(services.catalogs, services.bootstrap.warehouse).look()
    assert state.sync_status == {SyncStatus.SYNCED: 3}
