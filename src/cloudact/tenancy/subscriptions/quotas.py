"""What an organization has used of its plan, and counting each pipeline run against it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from cloudact.errors import OrganizationNotActive, QuotaExceeded, SubscriptionEnded
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.names import OrgSlug, slug_problem
from cloudact.tenancy.secrets.credential_rows import CredentialRows
from cloudact.tenancy.store import ACTIVE, PROVISIONING, NewId, named_when_missing
from cloudact.tenancy.subscriptions.lifecycle import existing_status
from cloudact.tenancy.subscriptions.rows import AccountRows, Usage
from cloudact.tenancy.subscriptions.subscription import Limits, Subscription
from cloudact.warehouse.driver import Condition, Equals, OneOf, Session, Warehouse

RUNS = "org_meta_pipeline_runs"
_OPEN = ("PENDING", "RUNNING")
_FAILED = ("FAILED", "TIMED_OUT")
# Nobody knows when a run ends; most take less than a minute.
_CONCURRENT_RETRY = 30


@dataclass(frozen=True, slots=True)
class Used:
    """One limit: how much of it is used, how much is allowed (None: any number), and when counting starts again.

    `used` is None for what is not counted here, because nothing of it is kept.
    """

    used: int | None
    limit: int | None
    starts_again_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Quota:
    """What an organization has used of its plan: pipeline runs of this UTC day and month, and those under way."""

    org_slug: str
    plan_name: str
    usage_date: date
    daily: Used
    monthly: Used
    concurrent: Used
    succeeded_today: int
    failed_today: int
    providers: Used
    seats: Used


@dataclass(frozen=True, slots=True)
class Quotas:
    """Use cases on quotas; `on_refusal` is called with the name of a limit that refused a run."""

    catalogs: Declarations
    warehouse: Warehouse
    clock: Callable[[], datetime]
    new_id: NewId
    on_refusal: Callable[[str], None] = lambda _limit: None

    def show(self, slug: OrgSlug) -> Quota:
        """Return what the organization has used; raises OrganizationNotFound and SubscriptionNotFound."""
        dataset, now = self.catalogs.load().central_name, self.clock()

        def work(session: Session) -> Quota:
            rows = AccountRows(session, dataset, slug)
            existing_status(rows)
            today = now.date()
            providers = len(CredentialRows.of(session, dataset, slug).providers())
            return _quota(slug, rows.existing_subscription(today), rows.usage(today), _under_way(rows), providers)

        return self.warehouse.run(work)

    def began(self, session: Session, organization: str, run_id: str, at: datetime) -> bool:
        """Count a run that begins, in the unit that records it; raises RunRefused for one that may not begin.

        Runs of the platform, and of an organization that is not onboarded yet, are not counted: False. Of runs that
        begin at once no more pass a limit than it allows: all but one of them are counted anew.
        """
        rows = self._rows(session, organization)
        status = _status(rows) if rows else None
        if rows is None or status in (None, PROVISIONING):
            return False
        if status != ACTIVE:
            raise OrganizationNotActive(organization, str(status))
        today = at.date()
        subscription = rows.existing_subscription(today)
        if not subscription.is_valid:
            raise SubscriptionEnded(organization, subscription.message)
        limits = subscription.limits
        under_way = _under_way(rows, besides=run_id)
        if under_way.recorded:
            return True  # an earlier attempt of this unit was written after all
        usage = rows.usage(today)
        self._require(organization, limits, usage, under_way.others, at)
        running = under_way.others + 1
        values = {
            "pipelines_run_today": usage.counted("pipelines_run_today") + 1,
            "pipelines_run_month": usage.month + 1,
            "concurrent_pipelines_running": running,
            "max_concurrent_reached": max(running, _number(usage, "max_concurrent_reached")),
        }
        rows.change_usage(usage, values, limits, at, self.new_id)
        return True

    def ended(self, session: Session, organization: str, run_id: str, state: str, at: datetime) -> None:
        """Count the end of a run, in the unit that records it; one whose end is on record counts no more."""
        rows = self._rows(session, organization)
        if rows is None or _status(rows) is None:
            return
        under_way = _under_way(rows, besides=run_id)
        if not under_way.recorded:
            return
        today = at.date()
        subscription, usage = rows.subscription(today), rows.usage(today)
        values: dict[str, Any] = {
            "pipelines_run_month": usage.month,
            "concurrent_pipelines_running": under_way.others,
            "pipelines_succeeded_today": usage.counted("pipelines_succeeded_today") + (state == "COMPLETED"),
            "pipelines_failed_today": usage.counted("pipelines_failed_today") + (state in _FAILED),
        }
        if state == "COMPLETED":
            values["last_pipeline_completed_at"] = at
        rows.change_usage(usage, values, subscription.limits if subscription else Limits(), at, self.new_id)

    def _rows(self, session: Session, organization: str) -> AccountRows | None:
        if slug_problem(organization):
            return None
        return AccountRows(session, self.catalogs.load().central_name, OrgSlug(organization))

    def _require(self, organization: str, limits: Limits, usage: Usage, running: int, now: datetime) -> None:
        tomorrow, next_month = _next_day(now), _next_month(now)
        soon, today = now + timedelta(seconds=_CONCURRENT_RETRY), usage.counted("pipelines_run_today")
        from_month, from_day = (f"from {day:%Y-%m-%d} 00:00 UTC on" for day in (next_month, tomorrow))
        for name, used, allowed, moment, until in (
            ("monthly_limit", usage.month, limits.monthly_limit, next_month, from_month),
            ("daily_limit", today, limits.daily_limit, tomorrow, from_day),
            ("concurrent_limit", running, limits.concurrent_limit, soon, "when a run that is under way has ended"),
        ):
            if allowed is not None and used >= allowed:
                self.on_refusal(name)
                seconds = -((now - moment) // timedelta(seconds=1))
                raise QuotaExceeded(organization, name, used, allowed, seconds, until)


@dataclass(frozen=True, slots=True)
class _UnderWay:
    others: int
    recorded: bool


def _under_way(rows: AccountRows, besides: str = "") -> _UnderWay:
    """Runs are counted as they are on record, so that one that was killed counts no more once its end is recorded."""
    where: list[Condition] = [Equals("org_slug", rows.slug), OneOf("status", _OPEN)]
    with named_when_missing(rows.session, rows.dataset, RUNS, ["pipeline_logging_id", "org_slug", "status"]):
        found = rows.session.select(rows.dataset, RUNS, ["pipeline_logging_id"], where)
    ids = [row["pipeline_logging_id"] for row in found]
    return _UnderWay(sum(name != besides for name in ids), besides in ids)


def _status(rows: AccountRows) -> object:
    profile = rows.profile(["status"])
    return profile["status"] if profile else None


def _number(usage: Usage, name: str) -> int:
    return int((usage.row or {}).get(name) or 0)


def _quota(slug: OrgSlug, subscription: Subscription, usage: Usage, under_way: _UnderWay, providers: int) -> Quota:
    limits = subscription.limits
    midnight = datetime.combine(usage.day, time(), UTC)
    return Quota(
        org_slug=str(slug),
        plan_name=subscription.plan_name,
        usage_date=usage.day,
        daily=Used(usage.counted("pipelines_run_today"), limits.daily_limit, _next_day(midnight)),
        monthly=Used(usage.month, limits.monthly_limit, _next_month(midnight)),
        concurrent=Used(under_way.others, limits.concurrent_limit),
        succeeded_today=usage.counted("pipelines_succeeded_today"),
        failed_today=usage.counted("pipelines_failed_today"),
        providers=Used(providers, limits.providers_limit),
        seats=Used(None, limits.seat_limit),
    )


def _next_day(now: datetime) -> datetime:
    return datetime.combine(now.date() + timedelta(days=1), time(), UTC)


def _next_month(now: datetime) -> datetime:
    first = now.date().replace(day=1)
    return datetime.combine((first + timedelta(days=32)).replace(day=1), time(), UTC)
