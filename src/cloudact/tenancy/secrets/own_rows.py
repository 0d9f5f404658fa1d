"""Rows of one organization in one central table, and units of work on them that leave a row in the audit trail."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from cloudact.tenancy.actor import Actor
from cloudact.tenancy.audit.event import Event
from cloudact.tenancy.audit.trail import AuditTrail
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.store import named_when_missing
from cloudact.tenancy.subscriptions.lifecycle import existing_status
from cloudact.tenancy.subscriptions.rows import AccountRows
from cloudact.warehouse.driver import Condition, Equals, Page, Row, Session, Warehouse

T = TypeVar("T")
# Adds the row of a unit to the audit trail; called once, before anything is written.
Record = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class OwnRows:
    """The rows of one organization; raises NotBootstrapped when the table lacks one of `columns`."""

    session: Session
    dataset: str
    slug: OrgSlug
    table: str
    columns: tuple[str, ...]

    def select(
        self, columns: Sequence[str], where: Sequence[Condition] = (), page: Page | None = None
    ) -> list[dict[str, Any]]:
        """Return columns of the rows that meet all conditions."""
        with named_when_missing(self.session, self.dataset, self.table, self.columns):
            return self.session.select(self.dataset, self.table, columns, self._own(where), page)

    def count(self, where: Sequence[Condition] = ()) -> int:
        """Return the number of rows that meet all conditions."""
        with named_when_missing(self.session, self.dataset, self.table, self.columns):
            return self.session.count(self.dataset, self.table, self._own(where))

    def insert(self, row: Row) -> None:
        """Add a row, which names its organization itself."""
        with named_when_missing(self.session, self.dataset, self.table, self.columns):
            self.session.insert(self.dataset, self.table, [row])

    def update(self, values: Mapping[str, object], where: Sequence[Condition]) -> None:
        """Set columns of every row that meets all conditions."""
        with named_when_missing(self.session, self.dataset, self.table, self.columns):
            self.session.update(self.dataset, self.table, values, self._own(where))

    def expect(self, values: Mapping[str, object], where: Sequence[Condition]) -> None:
        """Set columns of the one row that meets all conditions; otherwise the unit is run again."""
        with named_when_missing(self.session, self.dataset, self.table, self.columns):
            self.session.expect(self.dataset, self.table, values, self._own(where))

    def _own(self, where: Sequence[Condition]) -> list[Condition]:
        return [Equals("org_slug", self.slug), *where]


@dataclass(frozen=True, slots=True)
class OwnUnits:
    """Units of work on what is one organization's; each raises OrganizationNotFound and OnboardingUnfinished."""

    catalogs: Declarations
    warehouse: Warehouse
    trail: AuditTrail

    def read(self, slug: OrgSlug, work: Callable[[Session, str], T]) -> T:
        """Return what `work` finds in the central dataset."""
        dataset = self.catalogs.load().central_name

        def unit(session: Session) -> T:
            existing_status(AccountRows(session, dataset, slug))
            return work(session, dataset)

        return self.warehouse.run(unit)

    def write(self, slug: OrgSlug, actor: Actor, work: Callable[[Session, str, Record], T]) -> T:
        """Do what changes something in one unit with the row of the audit trail that records it.

        Of one organization's units that do so at once only one can write the next row of the organization's trail, and
        the others are run again: what a unit reads after it has recorded is still so when it writes. What it reads
        before is so only where the write expects it.
        """
        dataset = self.catalogs.load().central_name

        def unit(session: Session) -> T:
            existing_status(AccountRows(session, dataset, slug))
            return work(session, dataset, lambda event: self.trail.record(session, actor, event))

        return self.trail.run(unit)
