"""Showing and replacing the labels of an organization."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cloudact.tenancy.actor import Actor
from cloudact.tenancy.audit.event import Action, Event, ResourceType
from cloudact.tenancy.audit.trail import AuditTrail
from cloudact.tenancy.checks import label_checks, require
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.store import LABELS, labels_column, labels_of, with_labels
from cloudact.tenancy.subscriptions.lifecycle import existing_status
from cloudact.tenancy.subscriptions.rows import AccountRows, later
from cloudact.warehouse.driver import Session, Warehouse


@dataclass(frozen=True, slots=True)
class Labels:
    """Use cases on labels."""

    catalogs: Declarations
    warehouse: Warehouse
    trail: AuditTrail
    clock: Callable[[], datetime]

    def show(self, slug: OrgSlug) -> dict[str, str]:
        """Return an organization's labels by their keys; raises OrganizationNotFound."""
        dataset = self.catalogs.load().central_name

        def work(session: Session, also: Sequence[str]) -> dict[str, str]:
            return labels_of(_read(AccountRows(session, dataset, slug), also).get(LABELS))

        return with_labels(self.warehouse, work)

    def change(self, slug: OrgSlug, new: Mapping[str, str], *, actor: Actor) -> dict[str, str]:
        """Replace an organization's labels; nothing is written when they are these already."""
        require(label_checks(new))
        dataset, now, wanted = self.catalogs.load().central_name, self.clock(), dict(sorted(new.items()))
        event = Event(Action.UPDATE, ResourceType.ORGANIZATION, slug, slug, {"new": {LABELS: wanted}})

        def work(session: Session) -> dict[str, str]:
            rows = AccountRows(session, dataset, slug)
            row = _read(rows, [LABELS])
            before = labels_of(row[LABELS])
            if before == wanted:
                return wanted
            details = {"old": {LABELS: before}, "new": {LABELS: wanted}}
            self.trail.record(session, actor, Event(event.action, event.resource_type, slug, slug, details))
            values = {LABELS: labels_column(wanted), "updated_at": later(now, row["updated_at"])}
            rows.change_profile(values, {"updated_at": row["updated_at"]})
            return wanted

        with self.trail.attempt(actor, event):
            return self.trail.run(work)


def _read(rows: AccountRows, also: Sequence[str]) -> dict[str, Any]:
    existing_status(rows)
    return rows.profile(["updated_at", *also]) or {}
