"""Reading the trail: one owner's rows, the latest first, in pages that stay right while rows are added."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cloudact.errors import InvalidRequest, OrganizationNotFound, Problem
from cloudact.tenancy.actor import PLATFORM
from cloudact.tenancy.audit.event import Action, ResourceType, Status
from cloudact.tenancy.audit.rows import AuditRows
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.store import stored_json
from cloudact.warehouse.driver import Condition, Equals, Page, Session, Warehouse, Within

MAX_PAGE = 500
_CURSOR = re.compile(r"(before|unchained)-(0|[1-9][0-9]{0,17})")


@dataclass(frozen=True, slots=True)
class AuditLog:
    """One row of the trail."""

    audit_id: str
    org_slug: str
    user_id: str | None
    api_key_id: str | None
    action: str
    resource_type: str
    resource_id: str | None
    details: Any
    ip_address: str | None
    user_agent: str | None
    request_id: str | None
    status: str
    error_message: str | None
    created_at: datetime
    sequence: int | None
    row_hash: str | None


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which rows; every given part must match. Times are from `since` on and before `until`."""

    action: Action | None = None
    resource_type: ResourceType | None = None
    resource_id: str | None = None
    status: Status | None = None
    api_key_id: str | None = None
    user_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> list[Condition]:
        """Return what a row has to meet."""
        exact = ("action", "resource_type", "resource_id", "status", "api_key_id", "user_id")
        given = {name: value for name in exact if (value := getattr(self, name)) is not None}
        found: list[Condition] = [Equals(name, str(value)) for name, value in given.items()]
        if self.since or self.until:
            found.append(Within("created_at", at_least=_aware(self.since), below=_aware(self.until)))
        return found


@dataclass(frozen=True, slots=True)
class AuditPage:
    """One page of rows, the latest first; `next_cursor` asks for the one after it, and is None at the end."""

    organization: str
    logs: list[AuditLog]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class AuditLogs:
    """Use cases that read the trail."""

    catalogs: Declarations
    warehouse: Warehouse

    def of_organization(
        self, slug: OrgSlug, wanted: AuditFilter, *, limit: int, cursor: str | None = None
    ) -> AuditPage:
        """Return one page of an organization's rows; raises OrganizationNotFound."""
        return self._page(slug, wanted, limit, cursor)

    def of_platform(self, wanted: AuditFilter, *, limit: int, cursor: str | None = None) -> AuditPage:
        """Return one page of the rows that belong to no organization: the administrator's."""
        return self._page(PLATFORM, wanted, limit, cursor)

    def _page(self, chain: str, wanted: AuditFilter, limit: int, cursor: str | None) -> AuditPage:
        kind, number = _parsed(cursor)
        dataset = self.catalogs.load().central_name

        def work(session: Session) -> AuditPage:
            rows, where = AuditRows(session, dataset), wanted.conditions()
            found: list[dict[str, Any]] = []
            if kind == "before":
                bounds = Within("sequence", at_least=1, below=number)
                found = rows.select(chain, [*where, bounds], Page(("sequence",), limit + 1, descending=True))
                if len(found) > limit:
                    return _answer(chain, found[:limit], f"before-{found[limit - 1]['sequence']}")
            # Nothing is ever added to these, so that their number is as good as a place.
            start, room = (number or 0) if kind == "unchained" else 0, limit - len(found)
            page = Page(("created_at", "audit_id"), room + 1, start, descending=True)
            others = rows.select(chain, [*where, Equals("sequence", None)], page)
            # Whoever has rows is there, which spares most pages a third look.
            if not found and not others and chain != PLATFORM and rows.anchor(chain) is None:
                raise OrganizationNotFound(chain)
            more = f"unchained-{start + room}" if len(others) > room else None
            return _answer(chain, found + others[:room], more)

        return self.warehouse.run(work)


def _answer(chain: str, rows: list[dict[str, Any]], cursor: str | None) -> AuditPage:
    return AuditPage(chain, [_log(row) for row in rows], cursor)


def _log(row: dict[str, Any]) -> AuditLog:
    names = AuditLog.__dataclass_fields__
    return AuditLog(**{**{name: row[name] for name in names}, "details": stored_json(row["details"])})


def _parsed(cursor: str | None) -> tuple[str, int | None]:
    if cursor is None:
        return "before", None
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        what = "is not a cursor; send the next_cursor of the page before, or none for the first page"
        raise InvalidRequest(f"cursor {cursor!r} {what}", problems=[Problem("request", "cursor", what, "")])
    return found[1], int(found[2])


def _aware(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time and time.tzinfo is None else time
