"""Many threads on one file: nobody fails another, nothing is done twice, nothing is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial

from cloudact.catalog.model import Dataset
from cloudact.errors import OrganizationExists
from cloudact.planning.status import SyncStatus
from cloudact.tenancy.onboarding import OnboardResult
from cloudact.tenancy.organizations import OrganizationState
from cloudact.tenancy.sync import SyncOutcome, SyncResult
from cloudact.warehouse.driver import Equals, Session
from tests.reliability.threads import competing, together
from tests.reliability.world import (
    ACME_DATASET,
    ACME_SLUG,
    CENTRAL,
    COST_TABLE,
    ONE_OF_EACH,
    World,
    declare_more,
)

THREADS = 16
WRITERS = 6
ROUNDS = 25
LOOKS = 8


def test_bootstrap_by_many_at_once_creates_each_table_once(world: World) -> None:
    results = together(*[world.services.bootstrap.run] * WRITERS)
    created = [table for result in results for table in result.tables_created]
    assert sorted(created) == [table.name for table in world.declared_central().tables]
    assert [result.dataset_created for result in results].count(True) == 1
    assert world.live.dataset(CENTRAL) == world.declared_central()


def test_as_many_organizations_as_threads_are_all_onboarded(bootstrapped_world: World) -> None:
    world = bootstrapped_world
    slugs = [f"organization_{number}" for number in range(THREADS)]
    results = together(*[partial(world.onboard, slug) for slug in slugs])
    for slug, result in zip(slugs, results, strict=True):
        world.assert_whole(result.api_key, slug)
    assert _reopened(world, slugs) == [world.declared(slug) for slug in slugs]


def test_one_organization_is_onboarded_by_exactly_one_of_many_threads(bootstrapped_world: World) -> None:
    world = bootstrapped_world
    results = competing(*[world.onboard] * THREADS)
    winners = [result for result in results if isinstance(result, OnboardResult)]
    assert Counter(map(type, results)) == {OnboardResult: 1, OrganizationExists: THREADS - 1}
    world.assert_whole(winners[0].api_key)
    assert _reopened(world, [ACME_SLUG]) == [world.declared()]


def test_of_keys_made_at_the_same_time_exactly_one_works(acme_world: World) -> None:
    world = acme_world
    results = together(*[partial(world.onboard, regenerate=True)] * WRITERS)
    callers = [world.services.access.examine(result.api_key).caller for result in results]
    assert [caller.organization for caller in callers if caller] == [ACME_SLUG]
    assert world.own_rows() == ONE_OF_EACH


def test_a_column_is_added_once_however_many_sync(acme_world: World) -> None:
    world = acme_world
    world.live.fill(ACME_DATASET)
    before = world.rows(ACME_DATASET)
    declare_more(world.files)
    results = together(*[world.sync] * WRITERS)
    assert {result.status for result in results} == {SyncOutcome.SUCCESS}
    assert [result.errors for result in results] == [[]] * WRITERS
    assert [result.columns_added for result in results if result.columns_added] == [
        {COST_TABLE: ["x_added", "x_added_tags"]}
    ]
    assert [result.tables_created for result in results if result.tables_created] == [["x_added_table"]]
    assert world.live.dataset(ACME_DATASET) == world.declared()
    world.assert_kept(before)


def test_organizations_are_onboarded_while_others_are_synced_and_listed(acme_world: World) -> None:
    world = acme_world
    declare_more(world.files)
    slugs = [f"organization_{number}" for number in range(WRITERS)]
    results = together(*[partial(world.onboard, slug) for slug in slugs], *[world.sync] * WRITERS)
    assert [type(result) for result in results] == [OnboardResult] * WRITERS + [SyncResult] * WRITERS
    everyone = [*slugs, ACME_SLUG]
    assert [world.status(slug).status for slug in everyone] == [SyncStatus.SYNCED] * len(everyone)
    assert _reopened(world, everyone) == [world.declared(slug) for slug in everyone]


def test_a_status_beside_a_sync_shows_the_dataset_before_or_after_it(acme_world: World) -> None:
    world = acme_world
    declare_more(world.files)
    before = world.status()
    *seen, synced = together(*[partial(_repeated, world.status)] * WRITERS, world.sync)
    after = world.status()
    assert (before.status, after.status) == (SyncStatus.OUT_OF_SYNC, SyncStatus.SYNCED)
    assert synced.status is SyncOutcome.SUCCESS
    assert all(state in (before, after) for states in seen for state in states)


def test_a_status_beside_an_onboarding_shows_nothing_or_everything(bootstrapped_world: World) -> None:
    world = bootstrapped_world
    *seen, _ = together(*[partial(_repeated, world.status)] * WRITERS, world.onboard)
    shown = {state.status for states in seen for state in states}
    assert shown <= {SyncStatus.NOT_FOUND, SyncStatus.SYNCED}


def test_no_inserted_row_is_lost_while_columns_are_added_to_its_table(acme_world: World) -> None:
    world = acme_world
    world.live.fill(ACME_DATASET, rows=1)
    template = world.live.rows(f"FROM {ACME_DATASET}.{COST_TABLE}")[0]

    def insert(writer: int) -> None:
        for number in range(ROUNDS):
            row = {**template, "BillingAccountId": f"{writer}/{number}"}
            world.warehouse.run(lambda session, row=row: session.insert(ACME_DATASET, COST_TABLE, [row]))

    def grow() -> None:
        for number in range(5):
            world.files.add_column("organizations", COST_TABLE, f"x_added_{number}")
            assert world.sync().columns_added == {COST_TABLE: [f"x_added_{number}"]}

    together(*[partial(insert, writer) for writer in range(WRITERS)], grow)
    found = world.live.rows(f"SELECT BillingAccountId AS id FROM {ACME_DATASET}.{COST_TABLE}")
    written = {f"{writer}/{number}" for writer in range(WRITERS) for number in range(ROUNDS)}
    assert sorted(row["id"] for row in found) == sorted(written | {template["BillingAccountId"]})
    assert world.status().status is SyncStatus.SYNCED


def test_an_update_made_from_what_was_read_is_never_lost(world: World) -> None:
    world.live.execute("CREATE SCHEMA scratch")
    world.live.execute("CREATE TABLE scratch.counter AS SELECT 'only' AS name, 0 AS value")
    only = [Equals("name", "only")]

    def increment(session: Session) -> None:
        value = session.select("scratch", "counter", ["value"], only)[0]["value"]
        assert isinstance(value, int)
        session.update("scratch", "counter", {"value": value + 1}, only)

    def work() -> None:
        for _ in range(ROUNDS):
            world.warehouse.run(increment)

    together(*[work] * WRITERS)
    assert world.live.rows("FROM scratch.counter") == [{"name": "only", "value": WRITERS * ROUNDS}]


def _repeated(look: Callable[[], OrganizationState]) -> list[OrganizationState]:
    return [look() for _ in range(LOOKS)]


def _reopened(world: World, slugs: list[str]) -> list[Dataset | None]:
    """What the file holds, read by an instance that knows nothing from before."""
    world.services.close()
    return [world.live.dataset(f"{slug}_prod") for slug in slugs]
