"""Pipeline runs counted against a plan: at the limit, over midnight, at once, and when they do not end."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest

from cloudact.errors import (
    NotBootstrapped,
    OnboardingUnfinished,
    OrganizationNotActive,
    OrganizationNotFound,
    QuotaExceeded,
    SubscriptionEnded,
    SubscriptionNotFound,
)
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.subscriptions.quotas import Used
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from cloudact.wiring import Services
from tests.tenancy.subscriptions.conftest import NOON, Account

TOMORROW = NOON + timedelta(days=1)
HALF_A_DAY = 12 * 3600


def refusal(account: Account, at: datetime = NOON) -> QuotaExceeded:
    """What a run that begins now is refused with, which changes nothing."""
    before = account.used(at)
    with pytest.raises(QuotaExceeded) as caught:
        account.begin(at)
    assert account.used(at) == before
    return caught.value


def test_a_day_has_as_many_runs_as_the_plan_allows(account: Account) -> None:
    for _ in range(6):
        account.run()
    refused = refusal(account)
    assert refused.message == "Organization acme_corp has reached daily_limit: 6 of 6 pipeline runs are used"
    assert refused.hint == "Run it again from 2026-03-31 00:00 UTC on, or ask for a plan with a higher limit."
    assert (refused.retry_after, account.refused) == (HALF_A_DAY, ["daily_limit"])


def test_the_time_to_wait_is_exactly_that_until_midnight(account: Account) -> None:
    account.allow(daily_limit=1)
    account.run()
    waited = NOON + timedelta(seconds=refusal(account).retry_after)
    assert refusal(account, waited - timedelta(microseconds=1)).retry_after == 1
    account.run(waited)


def test_a_month_is_counted_through_its_days_and_ends(account: Account) -> None:
    account.allow(monthly_limit=3, daily_limit=2)
    account.run()
    account.run()
    account.run(TOMORROW)
    refused = refusal(account, TOMORROW)
    assert (refused.limit, refused.retry_after) == ("monthly_limit", HALF_A_DAY)
    assert "from 2026-04-01 00:00 UTC on" in refused.hint
    assert account.usage(TOMORROW)["pipelines_run_month"] == 3
    april = datetime(2026, 4, 1, tzinfo=UTC)
    account.run(april)
    assert (account.used(april).monthly.used, account.usage(april)["pipelines_run_month"]) == (1, 1)


def test_december_is_followed_by_january(account: Account) -> None:
    account.allow(monthly_limit=1)
    last = datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)
    account.run(last)
    assert refusal(account, last).retry_after == 1
    account.run(last + timedelta(seconds=1))


def test_a_run_under_way_counts_until_it_ends(account: Account) -> None:
    first = account.begin()
    refused = refusal(account)
    assert (refused.limit, "when a run that is under way has ended" in refused.hint) == ("concurrent_limit", True)
    account.end(first, "FAILED")
    account.end(account.begin(), "TIMED_OUT")
    account.end(account.begin(), "CANCELLED")
    account.run()
    assert account.usage() == {
        "pipelines_run_today": 4,
        "pipelines_succeeded_today": 1,
        "pipelines_failed_today": 2,
        "pipelines_run_month": 4,
        "concurrent_pipelines_running": 0,
        "max_concurrent_reached": 1,
    }


def test_a_run_that_lasts_over_midnight_counts_on_the_day_it_ends(account: Account) -> None:
    run = account.begin()
    assert refusal(account, TOMORROW).limit == "concurrent_limit"
    account.end(run, at=TOMORROW)
    assert (account.usage()["pipelines_run_today"], account.usage()["pipelines_succeeded_today"]) == (1, 0)
    assert (account.usage(TOMORROW)["pipelines_run_today"], account.usage(TOMORROW)["pipelines_succeeded_today"]) == (
        0,
        1,
    )
    account.run(TOMORROW)
    assert account.used(TOMORROW).daily.used == 1


@pytest.mark.parametrize("day", [NOON, TOMORROW], ids=["a day that has begun", "the first runs of a day"])
def test_of_runs_that_begin_at_once_as_many_pass_as_are_allowed(account: Account, day: datetime) -> None:
    account.allow(daily_limit=3, concurrent_limit=None)
    if day == NOON:
        account.run()
        account.allow(daily_limit=4)

    def begin(number: int) -> str:
        try:
            return account.begin(day, run_id=f"at-once-{number}")
        except QuotaExceeded:
            return ""

    with ThreadPoolExecutor(8) as threads:
        passed = [run for run in threads.map(begin, range(8)) if run]
    assert len(passed) == 3
    assert account.used(day).concurrent.used == account.usage(day)["concurrent_pipelines_running"] == 3
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda run: account.end(run, at=day), passed))
    assert account.usage(day)["concurrent_pipelines_running"] == 0
    assert account.used(day).succeeded_today == (4 if day == NOON else 3)


def test_without_limits_any_number_may_begin(account: Account) -> None:
    account.allow(daily_limit=None, monthly_limit=None, concurrent_limit=None)
    for _ in range(8):
        account.begin()
    assert account.used().concurrent == Used(8, None, None)


def test_a_unit_that_was_written_after_all_counts_once(account: Account) -> None:
    run = account.begin()
    account.begin(run_id=run)
    assert account.used().daily.used == 1
    account.end(run)
    account.end(run)
    assert account.used().succeeded_today == 1


def test_the_limits_of_the_day_are_those_of_the_subscription(account: Account) -> None:
    account.allow(daily_limit=9)
    account.run()
    assert account.used().daily == Used(1, 9, datetime(2026, 3, 31, tzinfo=UTC))
    assert account.used().monthly == Used(1, 180, datetime(2026, 4, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"status": "TRIAL", "trial_end_date": date(2026, 3, 29)}, "was a trial that ended on 2026-03-29 (UTC)"),
        ({"subscription_end_date": date(2026, 3, 29)}, "ended on 2026-03-29 (UTC)"),
        ({"status": "SUSPENDED"}, "is SUSPENDED"),
        ({"status": "CANCELLED"}, "is CANCELLED"),
        ({"status": "EXPIRED"}, "is EXPIRED"),
    ],
    ids=["trial is over", "subscription is over", "on hold", "cancelled", "expired"],
)
def test_without_a_valid_subscription_nothing_begins(account: Account, values: dict[str, object], what: str) -> None:
    account.change("org_subscriptions", values)
    with pytest.raises(SubscriptionEnded) as caught:
        account.begin()
    assert caught.value.message == f"The subscription of acme_corp {what}; pipelines do not start"


@pytest.mark.parametrize("column", ["trial_end_date", "subscription_end_date"])
def test_the_last_day_is_a_day_like_any_other(account: Account, column: str) -> None:
    account.change("org_subscriptions", {"status": "TRIAL", column: NOON.date()})
    account.run()
    with pytest.raises(SubscriptionEnded):
        account.begin(TOMORROW)


@pytest.mark.parametrize("status", ["SUSPENDED", "INACTIVE"])
def test_an_organization_that_is_not_active_begins_nothing(account: Account, status: str) -> None:
    run = account.begin()
    account.change("org_profiles", {"status": status})
    with pytest.raises(OrganizationNotActive, match=f"acme_corp is {status}"):
        account.begin()
    account.end(run)  # what was under way is finished, and counted
    assert account.used().succeeded_today == 1


@pytest.mark.parametrize("slug", ["system", "nobody"])
def test_what_is_no_organization_is_not_counted(account: Account, warehouse: DuckDBWarehouse, slug: str) -> None:
    Account(account.quotas, slug).run()
    with warehouse.connect() as connection:
        assert connection.execute("SELECT DISTINCT org_slug FROM organizations.org_usage_quotas").fetchall() == [
            ("acme_corp",)
        ]


def test_what_is_used_is_told_of_organizations_only(account: Account) -> None:
    with pytest.raises(OrganizationNotFound):
        account.quotas.show(OrgSlug("nobody"))
    account.change("org_profiles", {"status": "PROVISIONING"})
    with pytest.raises(OnboardingUnfinished):
        account.used()
    account.run()  # the pipeline that onboards it
    account.change("org_profiles", {"status": "ACTIVE"})
    assert account.used().daily.used == 0


def test_a_missing_column_is_named(account: Account, warehouse: DuckDBWarehouse) -> None:
    with warehouse.connect() as connection:
        connection.execute("ALTER TABLE organizations.org_usage_quotas DROP max_concurrent_reached")
    with pytest.raises(NotBootstrapped, match=r"org_usage_quotas\.max_concurrent_reached does not exist"):
        account.begin()


def test_without_a_subscription_nothing_begins(account: Account, warehouse: DuckDBWarehouse) -> None:
    with warehouse.connect() as connection:
        connection.execute("DELETE FROM organizations.org_subscriptions")
    with pytest.raises(SubscriptionNotFound):
        account.begin()


def test_a_status_that_nobody_knows_is_no_valid_one(account: Account) -> None:
    account.change("org_subscriptions", {"status": "GRACE"})
    with pytest.raises(SubscriptionEnded, match="has the status GRACE, which nobody knows"):
        account.begin()


def test_an_interrupted_run_is_ended_even_where_it_cannot_be_counted(
    account: Account, services: Services, warehouse: DuckDBWarehouse
) -> None:
    run = account.begin()
    with warehouse.connect() as connection:
        connection.execute("ALTER TABLE organizations.org_usage_quotas DROP max_concurrent_reached")
    assert services.pipelines.mark_interrupted() == (run,)
    with warehouse.connect() as connection:
        (found,) = connection.execute("SELECT status FROM organizations.org_meta_pipeline_runs").fetchall()
    assert found == ("FAILED",)
