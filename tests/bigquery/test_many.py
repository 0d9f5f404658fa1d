"""Where many organizations stand, in one look at their region."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from google.cloud import bigquery

from cloudact.errors import WarehouseDenied
from cloudact.fleet import roster
from cloudact.fleet.status import FleetStatus
from cloudact.planning.policy import EVERYTHING
from cloudact.planning.status import SyncStatus
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.store import ProfileFilter
from cloudact.warehouse.bigquery import fingerprints
from cloudact.warehouse.fingerprints import Naming
from cloudact.warehouse.usage import measured
from tests.api.catalog_files import CatalogFiles
from tests.bigquery.world import DATASET, LOCATION, SLUG, World
from tests.bigquery_fake import job_resources
from tests.bigquery_fake.faults import Fault
from tests.bigquery_fake.server import Fake
from tests.reliability.world import acme_request

PROD = Naming("", "_prod")


@pytest.fixture
def three(begun: Callable[..., World]) -> World:
    """A project with three organizations, two of which are the same."""
    world = begun(SLUG, "other", "zeta")
    world.hand.create_table("other_prod", "of_a_hand", "text")
    return world


def anew(world: World) -> FleetStatus:
    """The status of the fleet for a process that has not looked at it yet."""
    return FleetStatus(world.services.catalogs, world.warehouse)


def test_a_page_tells_where_each_organization_stands(begun: Callable[..., World], fake: Fake) -> None:
    world = begun("deleted", "drifted", "fine_one", "fine_two")
    with fake.log.measured() as quiet:
        page = world.services.organizations.page(ProfileFilter(), limit=50, offset=0, with_sync_status=True)
    assert set(page.sync_status.values()) == {SyncStatus.SYNCED}
    assert quiet.by_kind() == {"jobs.query": 3}  # profiles, their number, and all datasets
    world.hand.drop_dataset("deleted_prod")
    world.hand.drop_table("drifted_prod", "subscription_plans")
    page = world.services.organizations.page(ProfileFilter(), limit=50, offset=0, with_sync_status=True)
    assert page.sync_status == {
        "deleted": SyncStatus.PROFILE_ONLY,
        "drifted": SyncStatus.OUT_OF_SYNC,
        "fine_one": SyncStatus.SYNCED,
        "fine_two": SyncStatus.SYNCED,
    }


def test_with_fingerprints_come_datasets_as_looking_at_each_tells_them(three: World) -> None:
    look = three.warehouse.run(lambda session: session.fingerprints([LOCATION], PROD))
    assert look.in_full == {name: three.live(name) for name in (DATASET, "other_prod", "zeta_prod")}
    known = [look.of["zeta_prod"]]
    again = three.warehouse.run(lambda session: session.fingerprints([LOCATION], PROD, known))
    assert again.of == look.of
    assert again.in_full.keys() == {"other_prod"}


def test_of_too_many_kinds_the_rest_is_looked_at_one_by_one(
    three: World, fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = anew(three).look()
    limited = fingerprints._QUERY.replace(f"LIMIT {fingerprints.IN_FULL}", "LIMIT 1")
    monkeypatch.setattr(fingerprints, "_QUERY", limited)
    with fake.log.measured() as asked:
        assert anew(three).look() == whole
    assert asked.by_kind() == {"jobs.query": 3}


def test_what_came_with_its_fingerprint_is_asked_for_where_it_seems_to_differ(three: World, fake: Fake) -> None:
    """The catalog of the region still shows what was before."""
    three.hand.drop_table("zeta_prod", "subscription_plans")
    fake.freeze_information_schema()
    three.services.organizations.sync(OrgSlug("zeta"), EVERYTHING)
    assert anew(three).look().sync_status == {SyncStatus.SYNCED: 3}


def test_an_answer_of_many_pages_is_read_to_its_end(three: World, fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = anew(three).look()
    monkeypatch.setattr(job_resources, "MAX_PAGE_BYTES", 1)
    with fake.log.measured() as asked, measured() as usage:
        assert anew(three).look() == whole
    assert asked.count("jobs.getQueryResults") > 0
    assert usage.requests == asked.count()


def test_profiles_of_many_organizations_are_one_query(
    three: World, monkeypatch: pytest.MonkeyPatch, fake: Fake
) -> None:
    whole = anew(three).look()
    monkeypatch.setattr(roster, "PAGE", 1)
    with fake.log.measured() as asked:
        assert anew(three).look() == whole
    assert asked.by_kind() == {"jobs.query": 2}
    monkeypatch.setattr(roster, "PAGE_OF_QUERY", 1)
    assert anew(three).look() == whole


def test_a_region_that_refuses_is_named_and_nothing_is_told_without_it(
    three: World, fake: Fake, files: CatalogFiles
) -> None:
    with files.config("organizations") as config:
        config["location"] = "US"
    three.services.onboarding.onboard(acme_request(OrgSlug("afar")))
    refusal = re.compile(r"the datasets in (EU|US) cannot be told: .*Access Denied")
    for number in (2, 3):  # the first is for the profiles
        fake.faults.add("jobs.query", Fault.ACCESS_DENIED, at=[number])
        with pytest.raises(WarehouseDenied, match=refusal) as raised:
            anew(three).look()
        assert "cloudact doctor" in raised.value.hint
        fake.faults.clear()
    assert anew(three).look().organizations == 4
    fake.faults.add("jobs.query", Fault.ACCESS_DENIED, at=[4])
    with pytest.raises(WarehouseDenied, match=refusal):
        three.services.organizations.page(ProfileFilter(), limit=50, offset=0, with_sync_status=True)


def test_what_is_known_of_one_region_is_not_known_of_another_one(world: World) -> None:
    """A kind is remembered with its location, so one that has a twin elsewhere would else be looked at every time."""
    for name, location in (("here_prod", LOCATION), ("afar_prod", "US")):
        made = bigquery.Dataset(f"{world.client.project}.{name}")
        made.location = location
        world.client.create_dataset(made)
    look = world.warehouse.run(lambda session: session.fingerprints([LOCATION, "US"], PROD))
    here, afar = look.of["here_prod"], look.of["afar_prod"]
    assert (here.digest, here.location, afar.location) == (afar.digest, LOCATION, "US")
    again = world.warehouse.run(lambda session: session.fingerprints([LOCATION, "US"], PROD, [here]))
    assert again.in_full == {"afar_prod": world.live("afar_prod")}
