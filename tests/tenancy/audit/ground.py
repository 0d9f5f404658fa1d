"""What the tests of the trail do: act, look at the rows, and tamper with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cloudact.tenancy.access.caller import ADMINISTRATOR
from cloudact.tenancy.actor import Actor
from cloudact.tenancy.audit.event import Action, Event, ResourceType
from cloudact.tenancy.audit.logs import AuditLogs
from cloudact.tenancy.audit.rows import AUDIT_LOGS, COLUMNS
from cloudact.tenancy.audit.trail import AuditTrail
from cloudact.tenancy.audit.verification import ChainReport, Verification
from cloudact.tenancy.declarations import Declarations
from cloudact.warehouse.driver import Condition, Equals, Row, Session, Warehouse
from tests.parts import Parts

CENTRAL = "organizations"
ACME, OTHER = "acme_corp", "other_org"
ACTOR = Actor(ADMINISTRATOR, "request-1", "192.0.2.1", "curl/8")


def event(name: str = "thing", organization: str | None = ACME, **details: object) -> Event:
    """Something that was done to a dataset."""
    return Event(Action.UPDATE, ResourceType.DATASET, name, organization, details)


@dataclass
class Ground:
    """A trail and the warehouse beside it."""

    parts: Parts

    @property
    def trail(self) -> AuditTrail:
        """The trail."""
        return self.parts.trail

    @property
    def logs(self) -> AuditLogs:
        """The use cases that read it."""
        return AuditLogs(self.parts.catalogs, self.parts.warehouse)

    def do(self, *events: Event, actor: Actor = ACTOR) -> None:
        """Record events, each in a unit of its own."""
        for item in events:
            self.trail.run(lambda session, item=item: self.trail.record(session, actor, item))

    def verify(self, organization: str | None = None, **how: Any) -> Verification:
        """Verify the trail."""
        return self.parts.verifier.verify(organization, **how)

    def chain(self, organization: str = ACME, **how: Any) -> ChainReport:
        """Verify one chain."""
        (report,) = self.verify(organization, **how).chains
        return report

    def rows(self, organization: str = ACME) -> list[dict[str, Any]]:
        """The rows of a chain, in their order."""
        return sorted(self.select(AUDIT_LOGS, COLUMNS, Equals("org_slug", organization)), key=_place)

    def select(self, table: str, columns: tuple[str, ...], *where: Condition) -> list[dict[str, Any]]:
        """Rows of a central table."""
        return self.parts.warehouse.run(lambda session: session.select(CENTRAL, table, columns, where))

    def set(self, number: int, /, organization: str = ACME, **values: object) -> None:
        """Edit a row, as whoever can write to the table may."""
        where = [Equals("org_slug", organization), Equals("sequence", number)]
        self.parts.warehouse.run(lambda session: session.update(CENTRAL, AUDIT_LOGS, values, where))

    def insert(self, *rows: Mapping[str, object]) -> None:
        """Add rows by hand."""
        self.parts.warehouse.run(lambda session: session.insert(CENTRAL, AUDIT_LOGS, rows))

    def remove(self, sequence: int, organization: str = ACME) -> None:
        """Take a row away, as far as nobody could tell it from one that was never written."""
        self.set(sequence, organization, org_slug="nobody", sequence=None)

    def head(self, organization: str = ACME) -> object:
        """The anchor of an organization's chain."""
        (row,) = self.select("org_profiles", ("audit_head",), Equals("org_slug", organization))
        return row["audit_head"]

    def set_head(self, value: object, organization: str = ACME) -> None:
        """Edit that anchor."""
        where = [Equals("org_slug", organization)]
        self.parts.warehouse.run(lambda session: session.update(CENTRAL, "org_profiles", {"audit_head": value}, where))


def ground_on(catalogs: Declarations, warehouse: Warehouse) -> Ground:
    """Make the central dataset, and the organizations."""
    parts = Parts(catalogs, warehouse)
    parts.bootstrap.run(actor=ACTOR)
    warehouse.run(lambda session: _profiles(session, ACME, OTHER))
    return Ground(parts)


def _profiles(session: Session, *slugs: str) -> None:
    rows: list[Row] = [
        {
            "org_slug": slug,
            "company_name": slug,
            "admin_email": "a@example.com",
            "org_dataset_id": f"{slug}_prod",
            "status": "ACTIVE",
            "created_at": datetime(2026, 1, 2, tzinfo=UTC),
        }
        for slug in slugs
    ]
    session.insert(CENTRAL, "org_profiles", rows)


def _place(row: Mapping[str, Any]) -> tuple[int, str]:
    return row["sequence"] or 0, row["audit_id"]
