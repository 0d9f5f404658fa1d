"""Use cases on an organization's keys: make one, list them, rotate one with a time of grace, revoke one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from cloudact.errors import AccessDenied, KeyNotActive, OnboardingUnfinished
from cloudact.tenancy.access.caller import Caller
from cloudact.tenancy.access.issuing import IssuedKey, KeyIssuer, KeyWish
from cloudact.tenancy.access.key import ApiKey, KeyMade, KeyPage, KeyStatus, key_of, key_status
from cloudact.tenancy.access.key_request import KeyRequest, checked_grace
from cloudact.tenancy.access.key_rows import KeyRows
from cloudact.tenancy.access.scopes import in_order, known_scopes
from cloudact.tenancy.actor import Actor
from cloudact.tenancy.audit.event import Action, Event, ResourceType
from cloudact.tenancy.audit.trail import AuditTrail
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.idempotency.operation import Operation
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.store import PROVISIONING, Store
from cloudact.warehouse.driver import Session, Warehouse

T = TypeVar("T")
_KEEP = "Keep the API key now: it is not told again."


@dataclass(frozen=True, slots=True)
class ApiKeys:
    """Use cases on keys; no answer but that of a new key holds its text.

    Each raises OrganizationNotFound and OnboardingUnfinished. A caller gives no key a scope that it lacks itself.
    """

    catalogs: Declarations
    warehouse: Warehouse
    issuer: KeyIssuer
    trail: AuditTrail
    clock: Callable[[], datetime]

    def create(
        self,
        slug: OrgSlug,
        request: KeyRequest,
        *,
        caller: Caller,
        actor: Actor,
        operation: Operation | None = None,
    ) -> KeyMade:
        """Make a key beside those that there are; raises InvalidRequest, and AccessDenied for scopes not held.

        Another attempt at the same `operation` answers the same key.
        """
        now = self._begun(operation)
        with self.trail.attempt(actor, _event(Action.CREATE, slug, None)):
            wish = request.wish(caller, now)
            _refuse_more(caller, wish)
            # An organization that is not there costs no sealed key, nor a request to Cloud KMS.
            self._read(slug, lambda _rows: None)
            issued = self.issuer.issue(slug, now, wish, secret=_secret(operation))

            def unit(session: Session) -> ApiKey:
                rows = self._rows(session, slug)
                made = rows.like(issued.row)
                if made is None:
                    self.trail.record(session, actor, _event(Action.CREATE, slug, issued.key_id, _told(wish)))
                    rows.insert(issued.row)
                return key_of(made or issued.row, now)

            key = self.trail.run(unit)
        return KeyMade(issued.text, key, None, f"The key works from now on. {_KEEP}")

    def page(self, slug: OrgSlug, *, limit: int, offset: int) -> KeyPage:
        """Return one page of keys, those that were revoked or have expired among them."""
        now = self.clock()
        found, total = self._read(slug, lambda rows: rows.page(limit, offset))
        return KeyPage([key_of(row, now) for row in found], total, limit, offset)

    def rotate(
        self,
        slug: OrgSlug,
        key_id: str,
        grace_seconds: int,
        *,
        caller: Caller,
        actor: Actor,
        operation: Operation | None = None,
    ) -> KeyMade:
        """Make a key like this one, which goes on working for a time of grace, and then no more.

        Raises KeyNotFound, KeyNotActive for one that was revoked, has expired or was rotated before, and AccessDenied
        for one with more scopes than the caller's. Another attempt at the same `operation` answers the same key.
        """
        grace, now = checked_grace(grace_seconds), self._begun(operation)
        with self.trail.attempt(actor, _event(Action.ROTATE, slug, key_id)), self._forgetting(slug):
            wish = _successor(self._read(slug, lambda rows: rows.one(key_id)), now)
            _refuse_more(caller, wish)
            issued = self.issuer.issue(slug, now, wish, secret=_secret(operation))
            details = {"grace_seconds": grace_seconds, "replaced_by": issued.key_id, **_told(wish)}

            def unit(session: Session) -> tuple[ApiKey, ApiKey]:
                rows = self._rows(session, slug)
                found, made = rows.one(key_id), rows.like(issued.row)
                if made is None:
                    found = _superseded(rows, found, issued, now, now + grace)
                    self.trail.record(session, actor, _event(Action.ROTATE, slug, key_id, details))
                    rows.insert(issued.row)
                return key_of(made or issued.row, now), key_of(found, now)

            key, before = self.trail.run(unit)
        told = f"The new key works from now on, the old one until {before.expires_at:%Y-%m-%d %H:%M:%S} UTC. {_KEEP}"
        return KeyMade(issued.text, key, before, told)

    def revoke(self, slug: OrgSlug, key_id: str, *, actor: Actor) -> ApiKey:
        """Make a key unusable for good, here at once and elsewhere within CA_KEY_CACHE_SECONDS; raises KeyNotFound."""
        now, event = self.clock(), _event(Action.DELETE, slug, key_id)

        def unit(session: Session) -> ApiKey:
            rows = self._rows(session, slug)
            found = key_of(rows.one(key_id), now)
            self.trail.record(session, actor, event)
            rows.revoke(key_id)
            return replace(found, status=KeyStatus.REVOKED)

        with self.trail.attempt(actor, event), self._forgetting(slug):
            return self.trail.run(unit)

    @contextmanager
    def _forgetting(self, slug: OrgSlug) -> Iterator[None]:
        """Whatever the warehouse answered, it may have been done."""
        try:
            yield
        finally:
            self.issuer.cache.forget(slug)

    def _begun(self, operation: Operation | None) -> datetime:
        return operation.begun_at if operation else self.clock()

    def _read(self, slug: OrgSlug, work: Callable[[KeyRows], T]) -> T:
        return self.warehouse.run(lambda session: work(self._rows(session, slug)))

    def _rows(self, session: Session, slug: OrgSlug) -> KeyRows:
        dataset = self.catalogs.load().central_name
        store = Store(session, dataset, self.clock(), self.issuer.new_id)
        if store.existing_profile(slug).status == PROVISIONING:
            raise OnboardingUnfinished(slug)
        return KeyRows(session, dataset, slug)


def _event(action: Action, slug: OrgSlug, key_id: str | None, details: Mapping[str, object] | None = None) -> Event:
    return Event(action, ResourceType.API_KEY, key_id, slug, details or {})


def _secret(operation: Operation | None) -> bytes | None:
    return operation.secret_for("api-key") if operation else None


def _told(wish: KeyWish) -> dict[str, object]:
    """Return what the audit trail says of a key that is made."""
    return {"scopes": in_order(wish.scopes), "expires_at": wish.expires_at, "name": wish.name}


def _refuse_more(caller: Caller, wish: KeyWish) -> None:
    lacking = caller.lacks(wish.scopes)
    if lacking:
        raise AccessDenied(
            f"The caller's key lacks {', '.join(in_order(lacking))}, and gives no other key what it has not",
            hint=f"It has {', '.join(in_order(caller.scopes))}. An administrator can make keys with any scope.",
        )


def _successor(found: Mapping[str, Any], now: datetime) -> KeyWish:
    """As the old one, living as long from now on as that one was meant to live."""
    expires_at = found["expires_at"]
    lifetime: timedelta | None = expires_at - found["created_at"] if expires_at is not None else None
    return KeyWish(known_scopes(found["scopes"] or ()), now + lifetime if lifetime else None, found["name"])


def _superseded(
    rows: KeyRows, found: Mapping[str, Any], issued: IssuedKey, now: datetime, ends_at: datetime
) -> dict[str, Any]:
    if key_status(found, now) is not KeyStatus.ACTIVE or found["replaced_by"] is not None:
        raise KeyNotActive(rows.slug, found["org_api_key_id"])
    until = ends_at if found["expires_at"] is None else min(ends_at, found["expires_at"])
    values = {"expires_at": until, "replaced_by": issued.key_id}
    rows.supersede(found, values)
    return {**found, **values}
