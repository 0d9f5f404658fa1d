"""What each operation costs in requests, and how many of them wait for each other; docs/benchmarks.md has the table."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cloudact.planning.policy import EVERYTHING
from cloudact.planning.status import SyncStatus
from cloudact.tenancy.names import OrgSlug
from cloudact.warehouse.fingerprints import Naming
from tests.acme import ROOT
from tests.api.catalog_files import CatalogFiles
from tests.bigquery.world import CENTRAL, DATASET, LOCATION, SLUG, World
from tests.bigquery_fake.request_log import Measured
from tests.bigquery_fake.server import Fake
from tests.reliability.world import acme_request

# Long enough that requests sent together are answered together, however slow the machine is.
LATENCY = 0.25
WRITES = {"datasets.insert", "datasets.patch", "tables.insert", "tables.patch", "jobs.insert"}


@pytest.fixture
def quiet(onboarded: World) -> World:
    """A project with everything in it, for a process that has read the secret and seen the central dataset."""
    onboarded.services.platform.derive("key-lookup")
    onboarded.live(CENTRAL)
    return onboarded


def row(name: str, measured: Measured) -> str:
    kinds = ", ".join(f"{number} {kind}" for kind, number in measured.by_kind().items())
    line = f"| {name} | {measured.count()} | {measured.depth()} | {kinds} |"
    print(line)  # noqa: T201 - the figures are part of what the suite is for
    return line


def documented() -> set[str]:
    return set((ROOT / "docs" / "benchmarks.md").read_text().splitlines())


def test_onboarding_takes_at_most_ten_requests_more_than_tables_six_deep(world: World, fake: Fake) -> None:
    world.services.bootstrap.run()
    _, own = world.declared()
    fake.faults.latency = LATENCY
    with fake.log.measured() as measured:
        world.services.onboarding.onboard(acme_request())
    line = row("onboard an organization", measured)
    assert measured.count() <= len(own.tables) + 10
    assert measured.depth() <= 6
    assert line in documented()


@pytest.mark.slow
def test_a_new_process_onboards_with_one_request_more(make_world: Callable[[], World], fake: Fake) -> None:
    make_world().services.bootstrap.run()
    world = make_world()
    _, own = world.declared()
    fake.faults.latency = LATENCY
    with fake.log.measured() as measured:
        world.services.onboarding.onboard(acme_request())
    line = row("onboard an organization, in a new process", measured)
    assert measured.count() <= len(own.tables) + 10
    assert measured.depth() <= 7
    assert line in documented()


def test_status_of_a_dataset_takes_at_most_two_requests(quiet: World, fake: Fake) -> None:
    with fake.log.measured() as central:
        quiet.services.bootstrap.status()
    with fake.log.measured() as own:
        quiet.services.organizations.status(SLUG)
    lines = [row("status of the central dataset", central), row("status of an organization", own)]
    assert central.count() == 1
    assert own.count() == 2
    assert set(lines) <= documented()


def test_fingerprints_of_a_region_take_one_request(quiet: World, fake: Fake) -> None:
    quiet.services.onboarding.onboard(acme_request(OrgSlug("zeta")))
    naming = Naming("", "_prod")
    with fake.log.measured() as measured:
        found = quiet.warehouse.run(lambda session: session.fingerprints([LOCATION], naming)).of
    with fake.log.measured() as of_two:
        quiet.warehouse.run(lambda session: session.fingerprints([LOCATION, "US", LOCATION.lower()], naming))
    assert found.keys() == {DATASET, "zeta_prod"}
    assert len(set(found.values())) == 1
    assert of_two.by_kind() == {"jobs.query": 2}
    assert row("fingerprints of all datasets of a region", measured) in documented()


def test_status_of_the_fleet_takes_two_requests_at_every_look(quiet: World, fake: Fake) -> None:
    quiet.services.onboarding.onboard(acme_request(OrgSlug("zeta")))
    fleet, looks = quiet.services.fleet_status, []
    fake.faults.latency = LATENCY
    for _ in range(2):
        with fake.log.measured() as measured:
            state = fleet.look()
        assert state.sync_status == {SyncStatus.SYNCED: 2}
        looks.append(measured)
    assert [(look.count(), look.depth()) for look in looks] == [(2, 2), (2, 2)]
    assert row("status of the fleet", looks[0]) in documented()


def test_status_of_the_fleet_in_two_regions_takes_less_than_two_requests_each(
    quiet: World, fake: Fake, files: CatalogFiles
) -> None:
    with files.config("organizations") as config:
        config["location"] = "US"
    for slug in ("afar", "zeta"):
        quiet.services.onboarding.onboard(acme_request(OrgSlug(slug)))
    fake.faults.latency = LATENCY
    with fake.log.measured() as measured:
        state = quiet.services.fleet_status.look()
    assert sorted(group.org_slugs for group in state.groups) == [[SLUG], ["afar", "zeta"]]
    assert state.sync_status == {SyncStatus.SYNCED: 3}
    assert measured.depth() == 2
    assert row("status of the fleet in two regions", measured) in documented()


def test_kinds_of_datasets_take_no_request_more_until_they_differ(quiet: World, fake: Fake) -> None:
    """What seems to differ is asked for by name, because the catalog of a region may lag behind."""
    for slug in ("other", "zeta"):
        quiet.services.onboarding.onboard(acme_request(OrgSlug(slug)))
    quiet.hand.create_table("other_prod", "of_a_hand", "text")
    with fake.log.measured() as kinds:
        assert len(quiet.services.fleet_status.look().groups) == 2
    quiet.hand.drop_table("zeta_prod", "subscription_plans")
    with fake.log.measured() as differing:
        state = quiet.services.fleet_status.look()
    assert state.missing == {"subscription_plans": 1}
    assert kinds.by_kind() == {"jobs.query": 2}
    assert differing.by_kind() == {"jobs.query": 2, "tables.get": 1}


def test_a_sync_with_nothing_to_do_changes_no_dataset(quiet: World, fake: Fake) -> None:
    with fake.log.measured() as measured:
        quiet.services.organizations.sync(SLUG, EVERYTHING)
        quiet.services.bootstrap.sync(EVERYTHING)
    line = row("sync of both with nothing to do", measured)
    assert not WRITES & measured.by_kind().keys()
    assert line in documented()


def test_all_additions_to_a_table_are_one_patch(quiet: World, fake: Fake, files: CatalogFiles) -> None:
    for number in range(5):
        files.add_column("organizations", "subscription_plans", f"added_{number}", type="STRING", description="New.")
    with fake.log.measured() as measured:
        quiet.services.organizations.sync(SLUG, EVERYTHING)
    line = row("sync of five new columns of a table", measured)
    assert measured.count("tables.patch") == 1
    assert line in documented()


@pytest.mark.slow
def test_bootstrap_is_not_deeper_than_its_steps(world: World, fake: Fake) -> None:
    fake.faults.latency = LATENCY
    with fake.log.measured() as measured:
        world.services.bootstrap.run()
    assert row("bootstrap", measured) in documented()
