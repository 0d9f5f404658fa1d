"""Where many organizations stand, in one look at their region."""

from __future__ import annotations

from cloudact.planning.status import SyncStatus
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.store import ProfileFilter
from tests.bigquery.world import World
from tests.bigquery_fake.server import Fake
from tests.reliability.world import acme_request


def test_a_page_tells_where_each_organization_stands(world: World, fake: Fake) -> None:
    world.services.bootstrap.run()
    for slug in ("deleted", "drifted", "fine_one", "fine_two"):
        world.services.onboarding.onboard(acme_request(OrgSlug(slug)))
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
