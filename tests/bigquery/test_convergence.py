"""What is met on the way is never taken for one's own, never lost from the account, and never in the way for ever."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from google.cloud import bigquery

from cloudact.errors import (
    CloudactError,
    DatasetExists,
    OnboardingUnfinished,
    OrganizationExists,
    WarehouseDenied,
    WarehouseError,
)
from cloudact.planning.policy import EVERYTHING
from cloudact.planning.status import SyncStatus
from cloudact.tenancy.audit.verification import ChainStatus
from cloudact.tenancy.onboarding import OnboardResult
from cloudact.tenancy.sync import SyncOutcome
from cloudact.warehouse.bigquery.transport.client import Patience
from tests.api.catalog_files import CatalogFiles
from tests.bigquery.world import DATASET, SLUG, World
from tests.bigquery_fake.faults import Fault
from tests.bigquery_fake.server import Fake
from tests.reliability.world import acme_request

pytestmark = pytest.mark.slow

_SHORT = Patience(attempt=5, total=0.2, first_wait=0.01, longest_wait=0.05)


@pytest.fixture
def bootstrapped(world: World) -> World:
    """A project with the central dataset."""
    world.services.bootstrap.run()
    return world


def make_strangers_dataset(world: World) -> None:
    dataset = bigquery.Dataset(f"{world.client.project}.{DATASET}")
    dataset.location = "EU"
    world.client.create_dataset(dataset)
    world.hand.create_table(DATASET, "secret_rows", "text")


def test_a_dataset_made_between_claim_and_creation_is_not_adopted(bootstrapped: World, fake: Fake) -> None:
    fake.faults.on_request = _once("datasets.insert", lambda: make_strangers_dataset(bootstrapped))
    with pytest.raises(DatasetExists):
        bootstrapped.services.onboarding.onboard(acme_request())
    live = bootstrapped.live(DATASET)
    assert live is not None
    assert [table.name for table in live.tables] == ["secret_rows"]


def test_a_dataset_made_after_a_failed_onboarding_is_not_adopted(bootstrapped: World, fake: Fake) -> None:
    fake.faults.add("datasets.insert", Fault.ACCESS_DENIED, at=[1])
    with pytest.raises(WarehouseDenied):
        bootstrapped.services.onboarding.onboard(acme_request())
    make_strangers_dataset(bootstrapped)
    with pytest.raises(DatasetExists):
        bootstrapped.services.onboarding.onboard(acme_request())


def test_a_claim_whose_answer_is_lost_can_be_taken_up_at_once(
    bootstrapped: World, fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrapped.warehouse.client, "_patience", _SHORT)
    fake.faults.add("jobs.getQueryResults", Fault.BACKEND_ERROR, rate=1)
    with pytest.raises(WarehouseError):
        bootstrapped.services.onboarding.onboard(acme_request())
    fake.faults.clear()
    result = bootstrapped.services.onboarding.onboard(acme_request())
    bootstrapped.assert_complete()
    bootstrapped.assert_opens(result)


def test_a_row_of_another_caller_in_the_new_chain_is_before_that_of_the_onboarding(
    bootstrapped: World, make_world: Callable[[], World], fake: Fake
) -> None:
    """The onboarding has made the profile, so it reads no end of a chain; then another caller is refused."""
    other, refused = make_world(), []

    def onboard() -> None:
        with pytest.raises(OnboardingUnfinished) as raised:
            other.services.onboarding.onboard(acme_request())
        refused.append(raised.value)

    fake.faults.on_request = _once("datasets.insert", onboard)
    result = bootstrapped.services.onboarding.onboard(acme_request())
    assert len(refused) == 1
    bootstrapped.assert_complete()
    bootstrapped.assert_opens(result)
    (chain,) = bootstrapped.services.verifier.verify(SLUG).chains
    assert (chain.status, chain.rows) == (ChainStatus.INTACT, 2)


def test_one_of_many_finishes_an_onboarding_that_stopped(bootstrapped: World, fake: Fake) -> None:
    fake.faults.add("tables.insert", Fault.ACCESS_DENIED, at=[5])
    with pytest.raises(WarehouseDenied):
        bootstrapped.services.onboarding.onboard(acme_request())

    def onboard(_number: int) -> OnboardResult | CloudactError:
        try:
            return bootstrapped.services.onboarding.onboard(acme_request())
        except (OrganizationExists, OnboardingUnfinished) as error:
            return error

    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(onboard, range(6)))
    [winner] = [result for result in results if isinstance(result, OnboardResult)]
    bootstrapped.assert_complete()
    bootstrapped.assert_opens(winner)


def test_a_dataset_whose_tables_delete_themselves_gets_none(bootstrapped: World) -> None:
    bootstrapped.services.onboarding.onboard(acme_request())
    dataset = bootstrapped.client.get_dataset(DATASET)
    dataset.default_table_expiration_ms = 60 * 24 * 3600 * 1000
    bootstrapped.client.update_dataset(dataset, ["default_table_expiration_ms"])
    bootstrapped.hand.drop_table(DATASET, "subscription_plans")
    synced = bootstrapped.services.organizations.sync(SLUG, EVERYTHING)
    assert synced.status is SyncOutcome.PARTIAL
    assert ["would lose their rows" in error.message for error in synced.errors] == [True]
    assert bootstrapped.services.organizations.status(SLUG).tables_missing == ["subscription_plans"]


def test_a_table_in_another_case_is_kept_in_step(bootstrapped: World, files: CatalogFiles) -> None:
    bootstrapped.services.onboarding.onboard(acme_request())
    live = bootstrapped.client.get_table(f"{DATASET}.subscription_plans").to_api_repr()
    bootstrapped.hand.drop_table(DATASET, "subscription_plans")
    kept = ("schema", "description", "timePartitioning", "clustering")
    shouted = {"tableReference": {**live["tableReference"], "tableId": "SUBSCRIPTION_PLANS"}}
    bootstrapped.client.create_table(bigquery.Table.from_api_repr(shouted | {key: live[key] for key in kept}))
    files.add_column("organizations", "subscription_plans", "late", type="STRING")
    assert bootstrapped.services.organizations.sync(SLUG, EVERYTHING).columns_added == {"subscription_plans": ["late"]}
    assert bootstrapped.services.organizations.status(SLUG).status is SyncStatus.SYNCED


def test_a_process_that_thinks_the_central_dataset_elsewhere_finds_it(
    world: World, make_world: Callable[[], World], files: CatalogFiles
) -> None:
    with files.config("bootstrap") as config:
        config["location"] = "US"
    with files.config("organizations") as config:
        config["location"] = "US"
    world.services.bootstrap.run()
    fresh = make_world()
    result = fresh.services.onboarding.onboard(acme_request())
    caller = world.services.access.examine(result.api_key).caller
    assert caller is not None
    assert caller.organization == SLUG
    with pytest.raises(OrganizationExists):
        world.services.onboarding.onboard(acme_request())


def test_what_was_made_before_a_pause_is_in_the_account(bootstrapped: World, fake: Fake) -> None:
    bootstrapped.services.onboarding.onboard(acme_request())
    bootstrapped.hand.drop_dataset(DATASET)
    made: list[None] = []

    def drop() -> None:
        made.append(bootstrapped.hand.drop_dataset(DATASET))

    fake.faults.on_request = _once("tables.insert", drop)
    synced = bootstrapped.services.organizations.sync(SLUG, EVERYTHING)
    fake.faults.on_request = None
    assert len(made) == 1
    assert (synced.status, synced.dataset_created) == (SyncOutcome.SUCCESS, True)
    bootstrapped.assert_complete()


def test_refused_changes_are_found_in_one_round(bootstrapped: World, fake: Fake, files: CatalogFiles) -> None:
    bootstrapped.services.onboarding.onboard(acme_request())
    for name in ("first", "second", "third"):
        files.add_table("organizations", name, [{"name": "id", "type": "STRING"}])
    dataset = bootstrapped.client.get_dataset(DATASET)
    dataset.default_table_expiration_ms = 60 * 24 * 3600 * 1000
    bootstrapped.client.update_dataset(dataset, ["default_table_expiration_ms"])
    with fake.log.measured() as measured:
        synced = bootstrapped.services.organizations.sync(SLUG, EVERYTHING)
    assert len(synced.errors) == 3
    # The profile, the dataset before and after, whether there is a trail, where it ends, and its row.
    assert measured.count("jobs.query") == 6


def _once(kind: str, do: Callable[[], None]) -> Callable[[int, str], None]:
    done: list[str] = []

    def hook(_number: int, found: str) -> None:
        if found == kind and not done:
            done.append(found)
            do()

    return hook
