"""Requests fail, are refused for their rate, or lose their answer after they took effect: it ends as declared."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from cloudact.errors import (
    OnboardingUnfinished,
    OrganizationExists,
    WarehouseDenied,
    WarehouseError,
    WarehouseUnavailable,
)
from cloudact.planning.policy import EVERYTHING
from cloudact.planning.status import SyncStatus
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.onboarding import OnboardResult
from cloudact.tenancy.sync import SyncOutcome
from tests.api.catalog_files import CatalogFiles
from tests.bigquery.world import DATASET, SLUG, World
from tests.bigquery_fake.faults import Fault
from tests.bigquery_fake.server import Fake
from tests.reliability.world import acme_request

pytestmark = pytest.mark.slow

PASSING = (
    Fault.TOO_MANY_REQUESTS,
    Fault.BACKEND_ERROR,
    Fault.INTERNAL_ERROR,
    Fault.RATE_LIMIT_EXCEEDED,
    Fault.RESET,
    Fault.LOST,
    Fault.TRUNCATED,
)
WRITES = ("datasets.insert", "tables.insert", "tables.patch", "jobs.insert", "jobs.query")


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_the_whole_flow_with_faults_on_every_kind_of_request(world: World, fake: Fake, seed: int) -> None:
    """Five in a hundred, of every kind at once."""
    fake.faults.seed = seed
    for fault in PASSING:
        fake.faults.add("*", fault, rate=0.05 / len(PASSING))
    world.services.bootstrap.run()
    result = world.services.onboarding.onboard(acme_request())
    world.hand.drop_table(DATASET, "subscription_plans")
    synced = world.services.organizations.sync(SLUG, EVERYTHING)
    assert synced.tables_created == ["subscription_plans"]
    fake.faults.clear()
    world.assert_complete()
    world.assert_opens(result)


@pytest.mark.parametrize("kind", WRITES)
@pytest.mark.parametrize("fault", [Fault.LOST, Fault.BACKEND_ERROR, Fault.TRUNCATED])
def test_a_write_that_goes_wrong_once_is_done_once(world: World, fake: Fake, kind: str, fault: Fault) -> None:
    fake.faults.add(kind, fault, at=[1, 3])
    world.services.bootstrap.run()
    result = world.services.onboarding.onboard(acme_request())
    fake.faults.clear()
    world.assert_complete()
    world.assert_opens(result)


def test_a_patch_whose_answer_is_lost_is_neither_an_error_nor_sent_in_vain(
    world: World, fake: Fake, files: CatalogFiles
) -> None:
    world.services.bootstrap.run()
    files.add_column("bootstrap", "org_profiles", "first", type="STRING")
    fake.faults.add("tables.patch", Fault.LOST, at=[1])
    synced = world.services.bootstrap.sync(EVERYTHING)
    assert synced.columns_added == {"org_profiles": ["first"]}
    assert world.services.bootstrap.status().status is SyncStatus.SYNCED


def test_a_spurious_precondition_failure_is_read_again(world: World, fake: Fake, files: CatalogFiles) -> None:
    world.services.bootstrap.run()
    files.add_column("bootstrap", "org_profiles", "first", type="STRING")
    fake.faults.add("tables.patch", Fault.PRECONDITION, at=[1, 2])
    assert world.services.bootstrap.sync(EVERYTHING).status is SyncOutcome.SUCCESS
    assert world.services.bootstrap.status().status is SyncStatus.SYNCED


def test_what_cannot_be_read_is_never_called_absent(world: World, fake: Fake) -> None:
    world.services.bootstrap.run()
    fake.faults.add("jobs.query", Fault.ACCESS_DENIED, rate=1)
    with pytest.raises(WarehouseDenied, match="Access Denied"):
        world.services.bootstrap.status()
    fake.faults.clear()
    fake.faults.add("*", Fault.QUOTA_EXCEEDED, rate=1)
    with pytest.raises(WarehouseUnavailable, match="Quota exceeded"):
        world.services.organizations.status(SLUG)


def test_an_onboarding_that_failed_is_finished_by_the_next_call(world: World, fake: Fake) -> None:
    world.services.bootstrap.run()
    fake.faults.add("tables.insert", Fault.ACCESS_DENIED, at=[10])
    with pytest.raises(WarehouseDenied):
        world.services.onboarding.onboard(acme_request())
    state = world.services.organizations.status(SLUG)
    assert (state.status, state.onboarded) == (SyncStatus.OUT_OF_SYNC, False)
    assert "has not finished" in state.message
    result = world.services.onboarding.onboard(acme_request())
    assert not result.already_existed
    world.assert_complete()
    world.assert_opens(result)


def test_an_onboarding_that_failed_is_finished_by_a_sync(world: World, fake: Fake) -> None:
    world.services.bootstrap.run()
    fake.faults.add("tables.insert", Fault.ACCESS_DENIED, at=[10])
    with pytest.raises(WarehouseDenied):
        world.services.onboarding.onboard(acme_request())
    synced = world.services.organizations.sync(SLUG, EVERYTHING)
    assert any("No API key was issued" in note for note in synced.notes)
    assert world.services.organizations.status(SLUG).onboarded
    result = world.services.onboarding.onboard(acme_request(regenerate=True))
    world.assert_complete()
    world.assert_opens(result)


def test_of_sixteen_onboardings_of_one_slug_exactly_one_wins(world: World, fake: Fake) -> None:
    """The server lets simultaneous MERGE statements insert the same key, as BigQuery does."""
    world.services.bootstrap.run()
    fake.snapshot_merges = True

    def onboard(_number: int) -> OnboardResult | WarehouseError | OrganizationExists | OnboardingUnfinished:
        try:
            return world.services.onboarding.onboard(acme_request())
        except (OrganizationExists, OnboardingUnfinished) as error:
            return error

    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(onboard, range(16)))
    [winner] = [result for result in results if isinstance(result, OnboardResult)]
    world.assert_complete()
    world.assert_opens(winner)


@pytest.mark.slow
def test_sixteen_clients_onboard_sixteen_organizations(world: World) -> None:
    world.services.bootstrap.run()
    slugs = [OrgSlug(f"client_{number}") for number in range(16)]
    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(lambda slug: world.services.onboarding.onboard(acme_request(slug)), slugs))
    for slug, result in zip(slugs, results, strict=True):
        world.assert_complete(slug)
        world.assert_opens(result)


def test_a_catalog_that_lags_behind_is_not_believed(world: World, fake: Fake, files: CatalogFiles) -> None:
    fake.freeze_information_schema()
    world.services.bootstrap.run()
    world.services.onboarding.onboard(acme_request())
    assert world.services.bootstrap.status().status is SyncStatus.SYNCED
    assert world.services.organizations.status(SLUG).status is SyncStatus.SYNCED
    files.add_column("organizations", "subscription_plans", "late", type="STRING")
    assert world.services.organizations.sync(SLUG, EVERYTHING).columns_added == {"subscription_plans": ["late"]}
    assert world.services.organizations.sync(SLUG, EVERYTHING).columns_added == {}
    assert world.services.organizations.status(SLUG).status is SyncStatus.SYNCED
    fake.thaw_information_schema()
    world.assert_complete()
