"""kill -9 at any request, before it is done or after: what is there stays, and the same call finishes the work."""

from __future__ import annotations

import pytest

from cloudact.planning.policy import EVERYTHING
from cloudact.settings import Settings
from tests.api.catalog_files import CatalogFiles
from tests.bigquery.doomed import is_killed_at
from tests.bigquery.world import SLUG, World
from tests.bigquery_fake.server import Fake
from tests.reliability.world import acme_request

# Requests of one operation: the early ones, those in the middle of the crowd, and the last.
NUMBERS = [1, 2, 3, 4, 5, 6, 12, 27, 28, 29]


@pytest.mark.slow
@pytest.mark.parametrize("done", [False, True], ids=["before it is done", "after it is done"])
@pytest.mark.parametrize("number", NUMBERS)
def test_an_onboarding_killed_at_a_request_is_finished_by_a_sync(
    world: World, fake: Fake, project_settings: Settings, number: int, *, done: bool
) -> None:
    world.services.bootstrap.run()
    is_killed_at(fake, project_settings, "onboarding", number, done=done)
    if world.count("org_profiles", f"org_slug = '{SLUG}'"):
        world.services.organizations.sync(SLUG, EVERYTHING)
        result = world.services.onboarding.onboard(acme_request(regenerate=True))
    else:
        result = world.services.onboarding.onboard(acme_request())
    world.assert_complete()
    world.assert_opens(result)


@pytest.mark.slow
@pytest.mark.parametrize("done", [False, True], ids=["before it is done", "after it is done"])
@pytest.mark.parametrize("number", [1, 2, 3, 10, 24])
def test_a_bootstrap_killed_at_a_request_is_finished_by_the_next(
    world: World, fake: Fake, project_settings: Settings, number: int, *, done: bool
) -> None:
    assert is_killed_at(fake, project_settings, "bootstrap", number, done=done)
    world.services.bootstrap.run()
    central, _ = world.declared()
    assert world.live(central.name) == central


@pytest.mark.slow
@pytest.mark.parametrize("done", [False, True], ids=["before it is done", "after it is done"])
@pytest.mark.parametrize("operation", ["bootstrap sync", "sync"])
def test_a_sync_killed_at_any_request_loses_no_row_and_is_finished_by_the_next(
    world: World, fake: Fake, project_settings: Settings, files: CatalogFiles, operation: str, *, done: bool
) -> None:
    world.services.bootstrap.run()
    world.services.onboarding.onboard(acme_request())
    number = 0
    while True:
        number += 1
        column = f"added_{number}"
        files.add_column("bootstrap", "org_profiles", column, type="STRING")
        files.add_column("organizations", "subscription_plans", column, type="STRING")
        killed = is_killed_at(fake, project_settings, operation, number, done=done)
        world.services.bootstrap.sync(EVERYTHING)
        world.services.organizations.sync(SLUG, EVERYTHING)
        world.assert_complete()
        if not killed:
            break
    assert number > 1
