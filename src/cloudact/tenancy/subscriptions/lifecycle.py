"""Suspending an organization and ending its suspension; its data is kept, and its slug stays its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from cloudact.errors import OnboardingUnfinished, OrganizationNotActive, OrganizationNotFound
from cloudact.tenancy.actor import Actor
from cloudact.tenancy.audit.event import Action, Event, ResourceType
from cloudact.tenancy.audit.trail import AuditTrail
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.store import ACTIVE, PROVISIONING
from cloudact.tenancy.subscriptions.rows import AccountRows
from cloudact.warehouse.driver import Session

SUSPENDED = "SUSPENDED"


@dataclass(frozen=True, slots=True)
class LifecycleResult:
    """Where an organization stands in its life, and whether this call has changed it."""

    org_slug: str
    organization_status: str
    changed: bool
    message: str


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """Use cases on the life of an organization; `forget` makes this process look at its keys anew."""

    catalogs: Declarations
    trail: AuditTrail
    clock: Callable[[], datetime]
    forget: Callable[[OrgSlug], None]

    def suspend(self, slug: OrgSlug, *, actor: Actor) -> LifecycleResult:
        """Refuse the organization's keys and the start of its pipelines; those that run are finished."""
        message = "its keys are refused and its pipelines do not start; its data is kept."
        return self._set(slug, SUSPENDED, ACTIVE, message, actor)

    def reactivate(self, slug: OrgSlug, *, actor: Actor) -> LifecycleResult:
        """End the suspension; the keys that the organization had work again."""
        return self._set(slug, ACTIVE, SUSPENDED, "its keys work again, and its pipelines start.", actor)

    def _set(self, slug: OrgSlug, status: str, before: str, message: str, actor: Actor) -> LifecycleResult:
        dataset, now = self.catalogs.load().central_name, self.clock()
        event = Event(
            Action.UPDATE, ResourceType.ORGANIZATION, slug, slug, {"old": {"status": before}, "new": {"status": status}}
        )

        def work(session: Session) -> LifecycleResult:
            rows = AccountRows(session, dataset, slug)
            found = existing_status(rows)
            if found == status:
                return LifecycleResult(slug, status, changed=False, message=f"Organization {slug} is {status} already.")
            if found != before:
                raise OrganizationNotActive(slug, found)
            self.trail.record(session, actor, event)
            rows.change_profile({"status": status, "updated_at": now}, {"status": before})
            return LifecycleResult(slug, status, changed=True, message=f"Organization {slug} is {status}: {message}")

        try:
            with self.trail.attempt(actor, event):
                return self.trail.run(work)
        finally:
            self.forget(slug)


def existing_status(rows: AccountRows) -> str:
    """Return the profile's status; raises OrganizationNotFound, or OnboardingUnfinished before it has one to keep."""
    profile = rows.profile(["status"])
    if profile is None:
        raise OrganizationNotFound(rows.slug)
    if profile["status"] == PROVISIONING:
        raise OnboardingUnfinished(rows.slug)
    return str(profile["status"])
