"""Showing, replacing and changing the labels of an organization."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
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
        return self._write(slug, new, lambda _: new, actor)

    def merge(self, slug: OrgSlug, changes: Mapping[str, str | None], *, actor: Actor) -> dict[str, str]:
        """Set some of an organization's labels, and take away those that become None; the others stay.

        What stays is read in the unit that writes, so that of two callers neither undoes what the other one did.
        """
        require(label_checks({key: value for key, value in changes.items() if value is not None}))

        def merged(before: Mapping[str, str]) -> dict[str, str]:
            after = {key: value for key, value in {**before, **changes}.items() if value is not None}
            require(label_checks(after))
            return after

        return self._write(slug, changes, merged, actor)

    def _write(
        self,
        slug: OrgSlug,
        asked: Mapping[str, str | None],
        becoming: Callable[[Mapping[str, str]], Mapping[str, str]],
        actor: Actor,
    ) -> dict[str, str]:
        dataset, now = self.catalogs.load().central_name, self.clock()
        event = Event(Action.UPDATE, ResourceType.ORGANIZATION, slug, slug, {"new": {LABELS: dict(asked)}})

        def work(session: Session) -> dict[str, str]:
            rows = AccountRows(session, dataset, slug)
            row = _read(rows, [LABELS])
            before = labels_of(row[LABELS])
            wanted = dict(sorted(becoming(before).items()))
            if before == wanted:
                return wanted
            details = {"old": {LABELS: before}, "new": {LABELS: wanted}}
            self.trail.record(session, actor, replace(event, details=details))
            values = {LABELS: labels_column(wanted), "updated_at": later(now, row["updated_at"])}
            rows.change_profile(values, {"updated_at": row["updated_at"]})
            return wanted

        with self.trail.attempt(actor, event):
            return self.trail.run(work)


def _read(rows: AccountRows, also: Sequence[str]) -> dict[str, Any]:
    existing_status(rows)
    return rows.profile(["updated_at", *also]) or {}
