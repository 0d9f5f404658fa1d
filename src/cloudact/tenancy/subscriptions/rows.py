"""Rows of subscriptions and usage within one unit of work, all of one organization."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from cloudact.errors import SubscriptionNotFound, WarehouseBusy
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.plans import LIMITS
from cloudact.tenancy.store import PROFILES, QUOTAS, SUBSCRIPTIONS, NewId, named_when_missing
from cloudact.tenancy.subscriptions.subscription import COLUMNS, Limits, Subscription, subscription_of
from cloudact.warehouse.driver import Condition, Equals, Session, Within

COUNTERS = (
    "pipelines_run_today", "pipelines_succeeded_today", "pipelines_failed_today", "pipelines_run_month",
    "concurrent_pipelines_running",
)  # fmt: skip
_USAGE = ("usage_id", "usage_date", *COUNTERS, "max_concurrent_reached", "last_pipeline_completed_at", "last_updated")
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Usage:
    """The pipeline runs of one UTC day, and of its month up to that day; `row` is None before the first of the day."""

    day: date
    row: Mapping[str, Any] | None
    month: int

    def counted(self, name: str) -> int:
        """Return a counter of the day."""
        return int(self.row[name]) if self.row else 0


@dataclass(frozen=True, slots=True)
class AccountRows:
    """The central rows on what an organization may use; raises NotBootstrapped where a table or column is missing."""

    session: Session
    dataset: str
    slug: OrgSlug

    def profile(self, columns: Sequence[str]) -> dict[str, Any] | None:
        """Return columns of the organization's profile, or None without one."""
        found = self._select(PROFILES, columns, [])
        return found[0] if found else None

    def change_profile(self, values: Mapping[str, Any], read: Mapping[str, Any]) -> None:
        """Set columns of the profile if they still are what was read; otherwise the unit is run again."""
        where = [Equals(name, value) for name, value in read.items()]
        with self._table(PROFILES, values):
            self.session.expect(self.dataset, PROFILES, values, [self._own, *where])

    def subscription(self, today: date) -> Subscription | None:
        """Return the organization's subscription: the one that is valid, or else the latest."""
        found = [subscription_of(self.slug, row, today) for row in self._select(SUBSCRIPTIONS, COLUMNS, [])]
        return max(found, key=lambda item: (item.is_valid, item.created_at), default=None)

    def existing_subscription(self, today: date) -> Subscription:
        """Return the organization's subscription; raises SubscriptionNotFound when it has none."""
        found = self.subscription(today)
        if found is None:
            raise SubscriptionNotFound(self.slug)
        return found

    def change_subscription(self, before: Subscription, values: Mapping[str, Any], now: datetime) -> None:
        """Set columns of the subscription, if nobody else has since it was read; otherwise the unit is run again."""
        moment = later(now, before.updated_at)
        where = [
            self._own,
            Equals("subscription_id", before.subscription_id),
            Equals("updated_at", before.updated_at),
        ]
        with self._table(SUBSCRIPTIONS, values):
            self.session.expect(self.dataset, SUBSCRIPTIONS, {**values, "updated_at": moment}, where)

    def add_subscription(self, values: Mapping[str, Any], now: datetime, new_id: NewId) -> None:
        """Insert a subscription, for an organization that has none."""
        row = {"subscription_id": new_id(), "org_slug": str(self.slug), **values, "created_at": now, "updated_at": now}
        with self._table(SUBSCRIPTIONS, values):
            self.session.insert(self.dataset, SUBSCRIPTIONS, [row])

    def copy_plan(self, plan_name: str, limits: Mapping[str, Any], now: datetime) -> None:
        """Write a new plan wherever it is copied to: the profile, and today's usage if there is any yet."""
        with self._table(PROFILES, ["subscription_plan"]):
            values = {"subscription_plan": plan_name, "updated_at": now}
            self.session.update(self.dataset, PROFILES, values, [self._own])
        today = [self._own, Equals("usage_date", now.date())]
        with self._table(QUOTAS, limits):
            self.session.update(self.dataset, QUOTAS, {**limits, "last_updated": now}, today)

    def usage(self, day: date) -> Usage:
        """Return what has been used up to a day; the month is added up, because a day may begin at any of its runs."""
        month = Within("usage_date", at_least=day.replace(day=1), below=day + timedelta(days=1))
        found = self._select(QUOTAS, _USAGE, [month])
        today = next((row for row in found if row["usage_date"] == day), None)
        return Usage(day, today, sum(int(row["pipelines_run_today"]) for row in found))

    def change_usage(
        self, usage: Usage, values: Mapping[str, Any], limits: Limits, now: datetime, new_id: NewId
    ) -> None:
        """Set counters of a day, if nobody else has since it was read; otherwise the unit is run again."""
        row = usage.row
        if row is None:
            row = self._new_day(usage.day, limits, now, new_id())
            with self._table(QUOTAS, row):
                if not self.session.insert_if_absent(self.dataset, QUOTAS, row, ["org_slug", "usage_date"]):
                    raise WarehouseBusy(f"{self.dataset}.{QUOTAS}: another unit has begun the day of {self.slug}")
        where = [
            self._own,
            Equals("usage_date", usage.day),
            Equals("usage_id", row["usage_id"]),
            Equals("last_updated", row["last_updated"]),
        ]
        new = {**values, **_columns(limits), "last_updated": later(now, row["last_updated"])}
        with self._table(QUOTAS, new):
            self.session.expect(self.dataset, QUOTAS, new, where)

    def _new_day(self, day: date, limits: Limits, now: datetime, usage_id: str) -> dict[str, Any]:
        return {
            "usage_id": usage_id,
            "org_slug": str(self.slug),
            "usage_date": day,
            **dict.fromkeys(COUNTERS, 0),
            **_columns(limits),
            "last_updated": now,
            "created_at": now,
        }

    @property
    def _own(self) -> Condition:
        return Equals("org_slug", self.slug)

    def _select(self, table: str, columns: Sequence[str], where: Sequence[Condition]) -> list[dict[str, Any]]:
        with self._table(table, columns):
            return self.session.select(self.dataset, table, columns, [self._own, *where])

    def _table(self, table: str, columns: Iterable[str]) -> AbstractContextManager[None]:
        return named_when_missing(self.session, self.dataset, table, columns)


def _columns(limits: Limits) -> dict[str, int | None]:
    return {name: getattr(limits, name) for name in LIMITS}


def later(now: datetime, before: datetime | None) -> datetime:
    """Return a moment that differs from the one before, whatever the clocks of two processes say."""
    return now if before is None else max(now, before + _MICROSECOND)
