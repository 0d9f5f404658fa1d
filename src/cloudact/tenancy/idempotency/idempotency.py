"""Requests under idempotency keys: begun by one caller at a time, answered once, finished by a retry after a crash.

Whoever works on a request holds a lease, which it renews. When its process dies the lease runs out, and the next retry
takes the request over. What one attempt did is found again by the next, because both derive the same secrets from the
request's row.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from cloudact.errors import CloudactError, IdempotencyKeyInUse, IdempotencyKeyReused, InvalidRequest, Problem
from cloudact.sealing.sealer import Context, Sealer
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.idempotency.leases import Leases
from cloudact.tenancy.idempotency.operation import Operation
from cloudact.tenancy.idempotency.record import COLUMNS, KEY, TABLE, Answer, Record, RecordStatus, Request
from cloudact.tenancy.secrets.columns import IDEMPOTENT_ANSWER
from cloudact.tenancy.secrets.platform import PlatformSecret
from cloudact.tenancy.store import NewId, named_when_missing
from cloudact.warehouse.driver import Condition, Equals, Row, Session, Warehouse

KEPT = timedelta(hours=24)
MAX_KEY = 255
RETRY_AFTER_SECONDS = 5
_PRINTABLE = re.compile(rf"[!-~]([ -~]{{0,{MAX_KEY - 2}}}[!-~])?")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request that this process works on now, by a lease."""

    request: Request
    operation: Operation
    lease_id: str

    def conditions(self) -> list[Condition]:
        """Return what its row meets while nobody else has taken it over."""
        own = {**self.request.place, "record_id": self.operation.record_id, "lease_id": self.lease_id}
        return [Equals(name, value) for name, value in own.items()]


class Idempotency:
    """Use cases on idempotency keys; `lease` is how long a process that died keeps its requests from being retried."""

    def __init__(
        self,
        catalogs: Declarations,
        warehouse: Warehouse,
        platform: PlatformSecret,
        sealer: Sealer,
        clock: Callable[[], datetime],
        new_id: NewId,
        lease: timedelta,
    ) -> None:
        self._catalogs = catalogs
        self._warehouse = warehouse
        self._platform = platform
        self._sealer = sealer
        self._clock = clock
        self._new_id = new_id
        self._lease = lease
        self._leases: Leases[Attempt] = Leases(self.renew, lease.total_seconds() / 3)

    def begin(self, request: Request) -> Attempt | Answer:
        """Return the attempt to work on, or what the request was answered with before.

        Raises IdempotencyKeyReused for another request under this key, IdempotencyKeyInUse while somebody works on it,
        InvalidRequest for a key that is none, and NotBootstrapped.
        """
        _check_key(request.idempotency_key)
        key = self._platform.derive("idempotency")
        new = Operation(self._new_id(), request.digest(key), self._clock(), resumed=False, _key=key)
        lease_id = self._new_id()
        found = self._warehouse.run(lambda session: self._claim(session, request, new, lease_id))
        return self._opened(request, found) if isinstance(found, Record) else Attempt(request, found, lease_id)

    def working_on(self, attempt: Attempt) -> AbstractContextManager[None]:
        """Enclose the work; its lease is renewed until it ends."""
        return self._leases.held(attempt)

    def complete(self, attempt: Attempt, answer: Answer) -> None:
        """Keep the answer for whoever sends the request again; what cannot be kept is done by the next attempt."""
        done = attempt.operation
        try:
            sealed = self._sealer.seal(answer.to_bytes(), _context(attempt.request, done.record_id, done.request_hash))
            values = {
                "status": RecordStatus.COMPLETED.value,
                "http_status": answer.status,
                IDEMPOTENT_ANSWER.column: IDEMPOTENT_ANSWER.to_column(sealed),
                "locked_until": None,
            }
            self._update(attempt, values)
        except CloudactError as error:
            _log.error("idempotent_answer_not_kept", reason=error.message)

    def release(self, attempt: Attempt) -> None:
        """Let the next attempt begin at once, after one without an answer that is worth keeping."""
        try:
            self._update(attempt, {"locked_until": None})
        except CloudactError as error:
            _log.warning("idempotency_lease_not_released", reason=error.message)

    def renew(self, attempt: Attempt) -> None:
        """Keep others from the request for another while."""
        self._update(attempt, {"locked_until": self._clock() + self._lease})

    def _update(self, attempt: Attempt, values: Row) -> None:
        dataset = self._catalogs.load().central_name
        self._warehouse.run(lambda session: session.update(dataset, TABLE, values, attempt.conditions()))

    def _claim(self, session: Session, request: Request, new: Operation, lease_id: str) -> Operation | Record:
        """Return the operation that is this caller's now, or the record of one that was answered."""
        dataset, now = self._catalogs.load().central_name, new.begun_at
        where: list[Condition] = [Equals(name, value) for name, value in request.place.items()]
        taken = {"lease_id": lease_id, "locked_until": now + self._lease}
        fresh = {
            "record_id": new.record_id,
            "request_hash": new.request_hash,
            "status": RecordStatus.IN_PROGRESS.value,
            "begun_at": now,
            "expires_at": now + KEPT,
            **taken,
        }
        with named_when_missing(session, dataset, TABLE, COLUMNS):
            rows = _select(session, dataset, where)
            if not rows:
                if session.insert_if_absent(dataset, TABLE, {**request.place, **fresh, "created_at": now}, KEY):
                    return new
                rows = _select(session, dataset, where)
            found = Record.of(rows[0])
            seen = [*where, Equals("record_id", found.record_id), Equals("lease_id", found.lease_id)]
            if found.is_expired(now):
                anew = {**fresh, "http_status": None, IDEMPOTENT_ANSWER.column: None}
                if session.compare_and_set(dataset, TABLE, anew, [*seen, Equals("expires_at", found.expires_at)]):
                    return new
                raise _in_use(request, 0)
            if found.request_hash != new.request_hash:
                raise IdempotencyKeyReused(request.idempotency_key)
            if found.status == RecordStatus.COMPLETED:
                return found
            wait = found.locked_for(now)
            in_progress = Equals("status", RecordStatus.IN_PROGRESS.value)
            if wait or not session.compare_and_set(dataset, TABLE, taken, [*seen, in_progress]):
                raise _in_use(request, wait)
        return replace(new, record_id=str(found.record_id), begun_at=found.begun_at or now, resumed=True)

    def _opened(self, request: Request, found: Record) -> Answer:
        context = _context(request, str(found.record_id), str(found.request_hash))
        sealed = IDEMPOTENT_ANSWER.from_column(found.encrypted_response)
        return Answer.from_bytes(self._sealer.open(sealed, context))


def _context(request: Request, record_id: str, request_hash: str) -> Context:
    return IDEMPOTENT_ANSWER.context(request.place["org_slug"], record_id, request_hash)


def _select(session: Session, dataset: str, where: list[Condition]) -> list[dict[str, Any]]:
    return session.select(dataset, TABLE, Record.columns(), where)


def _in_use(request: Request, wait: float) -> IdempotencyKeyInUse:
    """The work may end long before its lease, and the lease of a process that died is short."""
    return IdempotencyKeyInUse(request.idempotency_key, min(max(math.ceil(wait), 1), RETRY_AFTER_SECONDS))


def _check_key(text: str) -> None:
    if not _PRINTABLE.fullmatch(text):
        what = f"must be 1 to {MAX_KEY} printable ASCII characters, without a space at either end"
        raise InvalidRequest(f"Idempotency-Key {what}", problems=[Problem("request", "Idempotency-Key", what, "")])
