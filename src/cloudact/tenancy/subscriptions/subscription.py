"""One organization's subscription: what its row says, and what that means today."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from cloudact.errors import InvalidRequest, Problem
from cloudact.tenancy.plans import LIMITS, SubscriptionPlan


class SubscriptionStatus(StrEnum):
    """Where a subscription stands, as its column holds it."""

    TRIAL = "TRIAL"
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"


VALID = frozenset({SubscriptionStatus.TRIAL, SubscriptionStatus.ACTIVE})
COLUMNS = (
    "subscription_id", "plan_name", "status", *LIMITS, "trial_end_date", "subscription_end_date", "created_at",
    "updated_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Limits:
    """What an organization may use; None is unlimited. The subscription's row holds them."""

    daily_limit: int | None = None
    monthly_limit: int | None = None
    concurrent_limit: int | None = None
    seat_limit: int | None = None
    providers_limit: int | None = None


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription on a day; `status` is EXPIRED from the day after its last one, whatever the row says."""

    org_slug: str
    subscription_id: str
    plan_name: str
    status: SubscriptionStatus
    limits: Limits
    trial_end_date: date | None
    subscription_end_date: date | None
    created_at: datetime
    updated_at: datetime | None
    message: str

    @property
    def is_valid(self) -> bool:
        """Whether pipelines may start."""
        return self.status in VALID


@dataclass(frozen=True, slots=True)
class NewSubscription:
    """What a subscription is to be; without an end of the trial it is that of the plan."""

    plan_name: str
    status: SubscriptionStatus = SubscriptionStatus.ACTIVE
    trial_end_date: date | None = None
    subscription_end_date: date | None = None

    def values(self, plans: Mapping[str, SubscriptionPlan], today: date, trial_before: date | None) -> dict[str, Any]:
        """Return the columns; raises InvalidRequest naming every field that cannot be meant."""
        problems: list[Problem] = []
        plan = plans.get(self.plan_name)
        if plan is None:
            problems.append(_problem("plan_name", f"{self.plan_name!r} is not a plan; plans are {', '.join(plans)}"))
        trial_end = self.trial_end_date or trial_before
        if self.status is SubscriptionStatus.TRIAL:
            trial_end = self.trial_end_date or (plan.trial_end(today) if plan else None)
            if plan and trial_end is None:
                problems.append(_problem("trial_end_date", f"is needed: plan {self.plan_name} has no trial_days"))
            elif trial_end and trial_end < today:
                problems.append(_problem("trial_end_date", f"is {trial_end}, before today, {today} (UTC)"))
        end = self.subscription_end_date
        if end and end < today and self.status in VALID:
            problems.append(_problem("subscription_end_date", f"is {end}, before today, {today} (UTC)"))
        if problems or plan is None:
            raise InvalidRequest("; ".join(f"{item.field}: {item.what}" for item in problems), problems=problems)
        return {
            "plan_name": self.plan_name,
            "status": self.status.value,
            "trial_end_date": trial_end,
            "subscription_end_date": end,
            **plan.limits(),
        }


def subscription_of(slug: str, row: Mapping[str, Any], today: date) -> Subscription:
    """Return what a row of `org_subscriptions` means on a day."""
    status, message = _standing(row, today)
    given = {name: row[name] for name in COLUMNS if name not in (*LIMITS, "status")}
    limits = Limits(**{name: row[name] for name in LIMITS})
    return Subscription(org_slug=slug, status=status, limits=limits, message=message, **given)


def _standing(row: Mapping[str, Any], today: date) -> tuple[SubscriptionStatus, str]:
    if row["status"] not in SubscriptionStatus.__members__:
        return SubscriptionStatus.SUSPENDED, f"has the status {row['status']}, which nobody knows"
    status = SubscriptionStatus(row["status"])
    trial_end, end = row["trial_end_date"], row["subscription_end_date"]
    if status in VALID and end is not None and end < today:
        return SubscriptionStatus.EXPIRED, f"ended on {end} (UTC)"
    if status is SubscriptionStatus.TRIAL and trial_end is not None and trial_end < today:
        return SubscriptionStatus.EXPIRED, f"was a trial that ended on {trial_end} (UTC)"
    if status is SubscriptionStatus.TRIAL:
        return status, f"is a trial until {trial_end} (UTC)" if trial_end else "is a trial without an end"
    return status, f"is {status}" + (f" until {end} (UTC)" if end and status in VALID else "")


def _problem(field: str, what: str) -> Problem:
    return Problem("request", field, what, "")
