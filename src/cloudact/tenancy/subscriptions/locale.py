"""The currency, time zone, language, country and fiscal year of an organization."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from cloudact.errors import InvalidRequest, Problem
from cloudact.tenancy.actor import Actor
from cloudact.tenancy.audit.event import Action, Event, ResourceType
from cloudact.tenancy.audit.trail import AuditTrail
from cloudact.tenancy.checks import locale_checks, require
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.subscriptions.lifecycle import existing_status
from cloudact.tenancy.subscriptions.rows import AccountRows
from cloudact.warehouse.driver import Session, Warehouse

_COLUMNS = (
    "default_currency", "default_timezone", "default_language", "default_country", "fiscal_year_start_month",
)  # fmt: skip
JANUARY, DECEMBER = 1, 12


@dataclass(frozen=True, slots=True)
class Locale:
    """How an organization's amounts, times and texts are shown; the fiscal year begins on the first of its month."""

    default_currency: str | None
    default_timezone: str | None
    default_language: str | None = None
    default_country: str | None = None
    fiscal_year_start_month: int = JANUARY

    def check(self) -> None:
        """Raise InvalidRequest naming every field that onboarding would refuse, and a month that is none."""
        texts = {name: getattr(self, name) for name in _COLUMNS[:-1]}
        require(locale_checks(texts))
        month = self.fiscal_year_start_month
        if not JANUARY <= month <= DECEMBER:
            what = f"is {month}; months are {JANUARY} (January) to {DECEMBER} (December)"
            problem = Problem("request", "fiscal_year_start_month", what, "")
            raise InvalidRequest(f"fiscal_year_start_month {what}", problems=[problem])


@dataclass(frozen=True, slots=True)
class Locales:
    """Use cases on locales."""

    catalogs: Declarations
    warehouse: Warehouse
    trail: AuditTrail
    clock: Callable[[], datetime]

    def show(self, slug: OrgSlug) -> Locale:
        """Return an organization's locale; raises OrganizationNotFound."""
        dataset = self.catalogs.load().central_name
        return self.warehouse.run(lambda session: _locale(_read(AccountRows(session, dataset, slug))))

    def change(self, slug: OrgSlug, new: Locale, *, actor: Actor) -> Locale:
        """Replace an organization's locale; what is left out has no value any more."""
        new.check()
        dataset, now = self.catalogs.load().central_name, self.clock()
        event = Event(Action.UPDATE, ResourceType.ORGANIZATION, slug, slug, {"new": asdict(new)})

        def work(session: Session) -> Locale:
            rows = AccountRows(session, dataset, slug)
            before = _read(rows)
            details = {"old": asdict(_locale(before)), "new": asdict(new)}
            self.trail.record(session, actor, Event(event.action, event.resource_type, slug, slug, details))
            rows.change_profile({**asdict(new), "updated_at": now}, {"updated_at": before["updated_at"]})
            return new

        with self.trail.attempt(actor, event):
            return self.trail.run(work)


def _read(rows: AccountRows) -> dict[str, Any]:
    existing_status(rows)
    return rows.profile([*_COLUMNS, "updated_at"]) or {}


def _locale(row: dict[str, Any]) -> Locale:
    month = row["fiscal_year_start_month"]
    texts = {name: row[name] for name in _COLUMNS[:-1]}
    return Locale(**texts, fiscal_year_start_month=JANUARY if month is None else month)
