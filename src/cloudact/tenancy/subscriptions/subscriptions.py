"""Showing and changing the subscription of an organization."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic_core import to_jsonable_python

from cloudact.tenancy.actor import Actor
from cloudact.tenancy.audit.event import Action, Event, ResourceType
from cloudact.tenancy.audit.trail import AuditTrail
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.plans import LIMITS
from cloudact.tenancy.store import NewId
from cloudact.tenancy.subscriptions.lifecycle import existing_status
from cloudact.tenancy.subscriptions.rows import AccountRows
from cloudact.tenancy.subscriptions.subscription import NewSubscription, Subscription
from cloudact.warehouse.driver import Session, Warehouse


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """Use cases on subscriptions. Limits are those of `plans.yml` when a subscription was last changed."""

    catalogs: Declarations
    warehouse: Warehouse
    trail: AuditTrail
    clock: Callable[[], datetime]
    new_id: NewId

    def show(self, slug: OrgSlug) -> Subscription:
        """Return the organization's subscription as it stands today."""
        dataset, today = self.catalogs.load().central_name, self.clock().date()

        def work(session: Session) -> Subscription:
            rows = AccountRows(session, dataset, slug)
            existing_status(rows)
            return rows.existing_subscription(today)

        return self.warehouse.run(work)

    def change(self, slug: OrgSlug, new: NewSubscription, *, actor: Actor) -> Subscription:
        """Replace what the subscription says; its limits become those that the plan has now, also for today."""
        dataset, plans, now = self.catalogs.load().central_name, self.catalogs.plans(), self.clock()
        event = Event(Action.UPDATE, ResourceType.SUBSCRIPTION, slug, slug)

        def work(session: Session) -> None:
            rows = AccountRows(session, dataset, slug)
            existing_status(rows)
            before = rows.subscription(now.date())
            values = new.values(plans, now.date(), before.trial_end_date if before else None)
            changes = {"old": _shown(before), "new": values}
            resource = before.subscription_id if before else slug
            recorded = Event(event.action, event.resource_type, resource, slug, to_jsonable_python(changes))
            self.trail.record(session, actor, recorded)
            columns = {**values, "max_pipelines_per_day": values["daily_limit"]}
            if before:
                rows.change_subscription(before, columns, now)
            else:
                rows.add_subscription(columns, now, self.new_id)
            rows.copy_plan(new.plan_name, {name: values[name] for name in LIMITS}, now)

        with self.trail.attempt(actor, event):
            self.trail.run(work)
        return self.show(slug)


def _shown(found: Subscription | None) -> dict[str, Any] | None:
    if found is None:
        return None
    dates = {"trial_end_date": found.trial_end_date, "subscription_end_date": found.subscription_end_date}
    limits = {name: getattr(found.limits, name) for name in LIMITS}
    return {"plan_name": found.plan_name, "status": found.status.value, **dates, **limits}
