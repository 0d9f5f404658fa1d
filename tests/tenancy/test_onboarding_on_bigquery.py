"""What dry run foretells on BigQuery, where views have locations and limits, and onboarding then does."""

from __future__ import annotations

import pytest

from cloudact.errors import NotBootstrapped, WarehouseRefused
from cloudact.planning.policy import EVERYTHING
from cloudact.planning.status import SyncStatus
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.onboarding import DryRunResult
from cloudact.wiring import Services
from tests.acme import ACME
from tests.api.catalog_files import CatalogFiles
from tests.api.published import ACME_DATASET, CENTRAL, VIEWS
from tests.bigquery_fake.server import Fake
from tests.prepared_bigquery import PROJECT, PreparedProject
from tests.reliability.world import acme_request

REQUEST = acme_request()
SLUG = OrgSlug(ACME["org_slug"])
VIEW, TABLE = "x_org_hierarchy", "org_hierarchy"


@pytest.fixture
def bigquery(on_bigquery: tuple[Services, Fake], prepared_project: PreparedProject) -> Services:
    """The services after bootstrap, in EU."""
    services, fake = on_bigquery
    prepared_project.begin(fake)
    return services


@pytest.fixture
def fake(on_bigquery: tuple[Services, Fake]) -> Fake:
    """The server behind them."""
    return on_bigquery[1]


def failed(result: DryRunResult) -> dict[str, str]:
    """Return the checks that failed, and what each says."""
    return {check.name: check.message for check in result.checks if not check.passed}


def message(result: DryRunResult, name: str) -> str:
    """Return what a check says."""
    return next(check.message for check in result.checks if check.name == name)


def in_the_way(fake: Fake, number: int) -> None:
    """Somebody has this many materialized views over a central table."""
    query = f"SELECT org_slug, id FROM `{PROJECT}.{CENTRAL}.{TABLE}`"
    views = [
        {"tableReference": {"tableId": f"mv_{count}"}, "materializedView": {"query": query}} for count in range(number)
    ]
    fake.catalog.seed(PROJECT, [{"datasetReference": {"datasetId": "theirs"}, "location": "EU"}], {"theirs": views})


def keep(files: CatalogFiles, way: str) -> None:
    """Declare how the view is kept."""
    with files.config("organizations") as config:
        config["views"][VIEW]["materialized"] = way


def test_with_everything_in_place_every_view_can_be_made(bigquery: Services) -> None:
    foretold = bigquery.onboarding.dry_run(REQUEST)
    assert (foretold.status, failed(foretold), foretold.views_to_create) == ("READY", {}, VIEWS)
    assert message(foretold, "views") == "every view can be made"


def test_a_dataset_elsewhere_goes_without_the_views_and_dry_run_says_so(
    bigquery: Services, files: CatalogFiles
) -> None:
    with files.config("organizations") as config:
        config["location"] = "US"
    foretold = bigquery.onboarding.dry_run(REQUEST)
    assert (foretold.status, foretold.views_to_create) == ("READY", [])
    views, reason = message(foretold, "views").split(": ")
    assert sorted(views.split(", ")) == VIEWS
    assert reason.startswith("left out, because the central dataset is in EU")
    assert bigquery.onboarding.onboard(REQUEST).views_created == []
    state = bigquery.organizations.status(SLUG)
    assert (state.status, sorted(state.views_unreadable), state.views) == (SyncStatus.SYNCED, VIEWS, {})


def test_a_shared_view_that_is_missing_is_foretold_met_and_mended(bigquery: Services, fake: Fake) -> None:
    missing = f"{VIEW}_all"
    fake.catalog.delete_table(fake.catalog.table(PROJECT, CENTRAL, missing))
    foretold = bigquery.onboarding.dry_run(REQUEST)
    assert [*failed(foretold)] == ["bootstrapped"]
    assert f"{CENTRAL}.{missing} does not exist" in failed(foretold)["bootstrapped"]
    with pytest.raises(NotBootstrapped, match=missing):
        bigquery.onboarding.onboard(REQUEST)
    assert not bigquery.organizations.status(SLUG).onboarded
    bigquery.bootstrap.sync(EVERYTHING)
    assert not bigquery.onboarding.onboard(REQUEST).already_existed
    state = bigquery.organizations.status(SLUG)
    assert (state.status, state.onboarded) == (SyncStatus.SYNCED, True)


def test_a_central_table_made_anew_needs_its_shared_view_made_anew_by_hand(bigquery: Services, fake: Fake) -> None:
    fake.catalog.delete_table(fake.catalog.table(PROJECT, CENTRAL, TABLE))
    bigquery.bootstrap.sync(EVERYTHING)
    fake.catalog.delete_table(fake.catalog.table(PROJECT, CENTRAL, f"{VIEW}_all"))
    assert bigquery.bootstrap.sync(EVERYTHING).views_created == [f"{VIEW}_all"]
    assert bigquery.onboarding.onboard(REQUEST).views_created == VIEWS


@pytest.mark.parametrize(("there", "ready"), [(98, True), (99, False)])
def test_the_last_materialized_view_that_a_table_may_have_is_foretold(
    bigquery: Services, fake: Fake, files: CatalogFiles, there: int, ready: bool
) -> None:
    """One more is the shared one that bootstrap made."""
    in_the_way(fake, there)
    keep(files, "own")
    foretold = bigquery.onboarding.dry_run(REQUEST)
    assert foretold.status == ("READY" if ready else "BLOCKED")
    if ready:
        assert VIEW in bigquery.onboarding.onboard(REQUEST).views_created
    else:
        assert [*failed(foretold)] == ["views"]
        assert "materialized: shared" in failed(foretold)["views"]
        with pytest.raises(WarehouseRefused, match="has 100 materialized views"):
            bigquery.onboarding.onboard(REQUEST)
        assert fake.catalog.find_dataset(PROJECT, ACME_DATASET) is None
        assert not bigquery.organizations.status(SLUG).profile_exists


@pytest.mark.parametrize("way", ["shared", "never"])
def test_without_a_materialized_view_of_its_own_no_limit_is_met(
    bigquery: Services, fake: Fake, files: CatalogFiles, way: str
) -> None:
    in_the_way(fake, 99)
    keep(files, way)
    assert bigquery.onboarding.dry_run(REQUEST).status == "READY"
    assert bigquery.onboarding.onboard(REQUEST).views_created == VIEWS
