"""One unit of work for many new organizations: what onboarding does for each, in statements for all of them.

Only where a unit is a transaction: who is in it is onboarded as a whole, or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cloudact.catalog.template import Catalog
from cloudact.errors import WarehouseBusy
from cloudact.planning.plan import make_plan
from cloudact.planning.policy import Policy
from cloudact.tenancy.access.issuing import IssuedKey
from cloudact.tenancy.actor import Actor
from cloudact.tenancy.audit.trail import AuditTrail
from cloudact.tenancy.checks import OnboardingRequest
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.onboarding import done_event, wished_event
from cloudact.tenancy.plans import SubscriptionPlan
from cloudact.tenancy.store import (
    ACTIVE,
    KEYS,
    PROFILES,
    QUOTAS,
    SUBSCRIPTIONS,
    NewId,
    profile_row,
    quota_row,
    subscription_row,
)
from cloudact.warehouse.driver import Condition, Equals, OneOf, Session

_SLUG = "org_slug"


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Who is to be onboarded, and the key that was made for that."""

    request: OnboardingRequest
    key: IssuedKey

    @property
    def slug(self) -> str:
        """The organization."""
        return self.request.org_slug


@dataclass(frozen=True, slots=True)
class Unit:
    """What every unit of one run has in common."""

    catalog: Catalog
    plans: Mapping[str, SubscriptionPlan]
    trail: AuditTrail
    actor: Actor
    clock: Callable[[], datetime]
    new_id: NewId

    def onboard(self, session: Session, newcomers: Sequence[Newcomer]) -> frozenset[str]:
        """Onboard those that are new in every respect, and return their slugs; the others are left as they are."""
        taken = _present(session, self.catalog.central_name, PROFILES, [one.slug for one in newcomers])
        free = [one for one in newcomers if one.slug not in taken]
        if not free:
            return frozenset()
        declared = [self.catalog.organization_dataset(one.slug) for one in free]
        left = session.apply_alike(make_plan(None, declared[0], Policy()), declared)
        new = [one for one, dataset in zip(free, declared, strict=True) if dataset.name not in left]
        if self.catalog.organization.authorize_views and not self.catalog.unreadable_views():
            for one in new:
                session.authorize(self.catalog.organization_dataset_name(one.slug), self.catalog.central_name)
        if new:
            self._write(session, new)
        return frozenset(one.slug for one in new)

    def _write(self, session: Session, new: Sequence[Newcomer]) -> None:
        """Write the rows of organizations whose datasets this unit has made."""
        now, central = self.clock(), self.catalog.central_name
        profiles = [{**self._profile(one.request, now), "status": ACTIVE} for one in new]
        if not all(session.insert_each_if_absent(central, PROFILES, profiles, [_SLUG])):
            raise WarehouseBusy("another caller onboards the same organization")
        events = [done_event(wished_event(one.request), one.key.key_id, created=True) for one in new]
        self.trail.record(session, self.actor, *events)
        slugs = [one.slug for one in new]
        rows = [self._subscription(one.request, now) for one in new]
        there = _present(session, central, SUBSCRIPTIONS, slugs)
        session.insert(central, SUBSCRIPTIONS, [row for row in rows if row[_SLUG] not in there])
        rows = [quota_row(OrgSlug(one.slug), self._plan(one.request), now, self.new_id()) for one in new]
        there = _present(session, central, QUOTAS, slugs, Equals("usage_date", now.date()))
        session.insert(central, QUOTAS, [row for row in rows if row[_SLUG] not in there])
        active: list[Condition] = [OneOf(_SLUG, tuple(slugs)), Equals("is_active", value=True)]
        session.update(central, KEYS, {"is_active": False}, active)
        session.insert(central, KEYS, [one.key.row for one in new])

    def _profile(self, request: OnboardingRequest, now: datetime) -> dict[str, Any]:
        slug = OrgSlug(request.org_slug)
        dataset = self.catalog.organization_dataset_name(slug)
        return profile_row(slug, request, dataset, self.catalog.organization.location, now)

    def _subscription(self, request: OnboardingRequest, now: datetime) -> dict[str, Any]:
        slug, plan = OrgSlug(request.org_slug), self._plan(request)
        return subscription_row(slug, request.subscription_plan, plan, now, self.new_id())

    def _plan(self, request: OnboardingRequest) -> SubscriptionPlan:
        return self.plans[request.subscription_plan]


def _present(session: Session, dataset: str, table: str, slugs: Collection[str], *more: Equals) -> frozenset[object]:
    """Return the organizations among these that have such a row, which an earlier life of theirs may have left."""
    rows = session.select(dataset, table, [_SLUG], [OneOf(_SLUG, tuple(slugs)), *more])
    return frozenset(row[_SLUG] for row in rows)
