"""Quotas, subscriptions, suspension and locales over a BigQuery, as the strict server plays it."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cloudact.errors import OrganizationNotActive, QuotaExceeded
from cloudact.pipeline.definition import TriggerType
from cloudact.processors.pipelines import RunRequest
from cloudact.tenancy.actor import Actor
from cloudact.tenancy.checks import OnboardingRequest
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.subscriptions.locale import Locale
from cloudact.tenancy.subscriptions.quotas import Quotas
from cloudact.tenancy.subscriptions.subscription import NewSubscription
from cloudact.wiring import Services
from tests.acme import ACME
from tests.bigquery_fake.server import Fake
from tests.tenancy.subscriptions.conftest import Account

pytestmark = pytest.mark.slow
SLUG = OrgSlug("acme_corp")
ACTOR = Actor.system("a test")


@pytest.fixture
def services(on_bigquery: tuple[Services, Fake]) -> Services:
    """The services, with acme_corp onboarded."""
    made, _ = on_bigquery
    made.bootstrap.run(actor=ACTOR)
    made.onboarding.onboard(OnboardingRequest(**ACME, given=frozenset(ACME)), actor=ACTOR)
    return made


@pytest.fixture
def account(services: Services) -> Account:
    """acme_corp, with ids that do not differ from run to run."""
    ids = map(str, itertools.count())
    return Account(Quotas(services.catalogs, services.quotas.warehouse, lambda: datetime.now(UTC), ids.__next__))


def test_of_runs_that_begin_at_once_as_many_pass_as_are_allowed(account: Account) -> None:
    account.allow(daily_limit=2, concurrent_limit=None)
    day = datetime.now(UTC) + timedelta(days=1)

    def begin(number: int) -> str:
        try:
            return account.begin(day, run_id=f"at-once-{number}")
        except QuotaExceeded:
            return ""

    with ThreadPoolExecutor(4) as threads:
        passed = [run for run in threads.map(begin, range(4)) if run]
    assert len(passed) == 2
    assert account.usage(day)["pipelines_run_today"] == account.used(day).concurrent.used == 2
    for run in passed:
        account.end(run, at=day)
    assert (account.used(day).succeeded_today, account.used(day).concurrent.used) == (2, 0)


def test_a_pipeline_is_counted_when_it_begins_and_when_it_ends(services: Services) -> None:
    path = services.pipelines.offered("organization_sync")
    request = RunRequest(path, SLUG, trigger=TriggerType.API, org_api_key_id="some-key", confined=True, actor=ACTOR)
    report = services.pipelines.run(request)
    assert (report.state, report.recorded) == ("COMPLETED", True)
    quota = services.quotas.show(SLUG)
    assert (quota.daily.used, quota.monthly.used, quota.concurrent.used, quota.succeeded_today) == (1, 1, 0, 1)


def test_an_account_is_changed_and_read_again(services: Services) -> None:
    changed = services.subscriptions.change(SLUG, NewSubscription("SCALE"), actor=ACTOR)
    assert (changed.plan_name, changed.limits.daily_limit) == ("SCALE", 100)
    assert services.quotas.show(SLUG).daily.limit == 100
    locale = Locale("EUR", "Europe/Berlin", fiscal_year_start_month=4)
    services.locales.change(SLUG, locale, actor=ACTOR)
    assert services.locales.show(SLUG) == locale
    assert services.lifecycle.suspend(SLUG, actor=ACTOR).changed
    with pytest.raises(OrganizationNotActive):
        services.pipelines.run(RunRequest(services.pipelines.offered("organization_sync"), SLUG, actor=ACTOR))
    assert services.lifecycle.reactivate(SLUG, actor=ACTOR).changed
    assert replace(services.subscriptions.show(SLUG), updated_at=None) == replace(changed, updated_at=None)
