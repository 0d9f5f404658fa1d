"""Writing the audit trail: in the unit of work of the change itself, or in one of its own for what changed nothing."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

import structlog

from cloudact.errors import AccessDenied, CloudactError, NotBootstrapped, WarehouseBusy, WarehouseUnavailable
from cloudact.tenancy.actor import PLATFORM, Actor
from cloudact.tenancy.audit.event import Action, Event, ResourceType, Status, recordable, text
from cloudact.tenancy.audit.rows import TRAIL_COLUMNS, Anchor, AuditRows
from cloudact.tenancy.audit.turns import Turns
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.secrets.platform import PlatformSecret
from cloudact.tenancy.store import NewId, first_absent
from cloudact.warehouse.driver import JsonText, Session, Warehouse

T = TypeVar("T")
# Adds the row of a unit, with details that are known by then.
Recorder = Callable[[Session, Mapping[str, object]], None]
_log = structlog.get_logger(__name__)
_BATCH = 100


@dataclass(slots=True)
class Outcome:
    """What came of an operation of several units, filled in while it is done; `begun` says its first row is there."""

    details: dict[str, object] = field(default_factory=dict)
    error: str | None = None
    begun: bool = False


@dataclass(frozen=True, slots=True)
class _Entry:
    """A row without its place: whose chain it belongs to, and its columns but those of the chain."""

    chain: str
    row: Mapping[str, object]


@dataclass(slots=True)
class _Waiting:
    entry: _Entry
    done: bool = False
    error: Exception | None = None


# What a refused request would have done, had it been let through.
_ACTIONS = {"POST": Action.CREATE, "PUT": Action.UPDATE, "PATCH": Action.UPDATE, "DELETE": Action.DELETE}


class AuditTrail:
    """Adds rows to the trail; safe to use from many threads."""

    def __init__(
        self,
        catalogs: Declarations,
        warehouse: Warehouse,
        platform: PlatformSecret,
        clock: Callable[[], datetime],
        new_id: NewId,
        turns: Turns | None = None,
    ) -> None:
        self._catalogs = catalogs
        self._warehouse = warehouse
        self._platform = platform
        self._clock = clock
        self._new_id = new_id
        self._turns = turns or Turns()
        self._complete = False
        self._waiting: list[_Waiting] = []
        self._adding, self._writing = threading.Lock(), threading.Lock()

    def over(self, warehouse: Warehouse) -> AuditTrail:
        """Return the same trail for units on this form of its warehouse, such as one that ends with a step."""
        return AuditTrail(self._catalogs, warehouse, self._platform, self._clock, self._new_id, self._turns)

    def run(self, work: Callable[[Session], T]) -> T:
        """Do work as `Warehouse.run` does; units of this process that record in one chain take turns at it."""
        # The key may have to be made, in a unit of its own; where that cannot be, `record` says so.
        self.is_ready()
        with self._turns.of_unit():
            return self._warehouse.run(work)

    def is_ready(self) -> bool:
        """Tell whether there is a key to chain rows with, which takes what bootstrap makes."""
        try:
            self._platform.derive("audit")
        except NotBootstrapped:
            return False
        return True

    def record(self, session: Session, actor: Actor, *events: Event, begins: bool = False) -> None:
        """Add a row for each event that the unit makes happen; called once, before it writes to a profile.

        Where the engine has no transactions, a read after a write to the same table would end the unit's first part.
        `begins` says that this attempt at the unit has made the profile, so that there is no end of a chain to read.
        Where somebody has begun the chain meanwhile nothing is written, and the next attempt has to read it.
        Raises NotBootstrapped where the central dataset lacks what the trail needs.
        """
        self._append(session, [self._entry(actor, event) for event in events], begins=begins)

    def write(self, actor: Actor, event: Event, *, status: Status = Status.SUCCESS, error: str | None = None) -> None:
        """Add a row in a unit of its own; rows of threads that wait for each other are written together.

        Where nothing can be chained, because the central dataset is older than the chain, it is in none.
        """
        mine = _Waiting(self._entry(actor, event, status, error))
        with self._adding:
            self._waiting.append(mine)
        with self._writing:
            while not mine.done:
                self._write_waiting()
        if mine.error:
            raise mine.error

    def write_together(self, events: Sequence[tuple[Actor, Event]]) -> None:
        """Add a row for each event in one unit of its own, as `write` does."""
        self._write_entries([self._entry(actor, event) for actor, event in events])

    @contextmanager
    def attempt(self, actor: Actor, event: Event) -> Iterator[None]:
        """Enclose what ends in a unit that records the event; one that fails leaves a row that says why."""
        try:
            yield
        except Exception as error:
            # A warehouse that does not answer would be waited for twice.
            if not isinstance(error, WarehouseUnavailable):
                self._try_to_write(actor, event, *_failure(error))
            raise

    @contextmanager
    def around(self, actor: Actor, event: Event) -> Iterator[Recorder]:
        """Enclose a unit that may make what the trail needs; until that is there, a row follows in a unit of its own.

        The unit calls what this yields, once, with details that are known by then.
        """
        chained, done = self._can_chain(), [event]

        def record(session: Session, details: Mapping[str, object]) -> None:
            done[0] = replace(event, details={**event.details, **details})
            if chained:
                self.record(session, actor, done[0])

        with self.attempt(actor, event), self._turns.of_unit():
            yield record
        if not chained:
            self._try_to_write(actor, done[0], Status.SUCCESS, None)

    @contextmanager
    def operation(self, actor: Actor, event: Event, *, required: bool = True) -> Iterator[Outcome]:
        """Enclose an operation of several units: a row when it begins, and one that says what came of it.

        A process that is killed leaves the first row alone, which then tells that the operation did not end. Unless
        `required`, it goes on where that row cannot be written; it always does where there is no trail.
        """
        outcome, number = Outcome(), self._new_id()

        def phase(name: str) -> Event:
            return replace(event, details={**event.details, **outcome.details, "operation_id": number, "phase": name})

        try:
            self.write(actor, phase("attempt"))
            outcome.begun = True
        except CloudactError as error:
            if required and not isinstance(error, NotBootstrapped):
                raise
            _not_written(event, Status.SUCCESS, error)
        try:
            yield outcome
        except Exception as error:
            self._try_to_write(actor, phase("outcome"), *_failure(error))
            raise
        status = Status.FAILURE if outcome.error else Status.SUCCESS
        self._try_to_write(actor, phase("outcome"), status, outcome.error)

    def refused(self, actor: Actor, *, method: str, path: str, reason: str) -> None:
        """Add a row for an access that was refused, to the chain of the organization whose key it was, if any.

        Returns when the row is written, or its absence is in the log.
        """
        action = _ACTIONS.get(method, Action.READ)
        event = Event(action, ResourceType.REQUEST, path, actor.organization, {"method": method})
        self._try_to_write(actor, event, Status.DENIED, reason)

    def _try_to_write(self, actor: Actor, event: Event, status: Status, error: str | None) -> None:
        """What was done is done, and what was refused is refused, whether or not this row can be written."""
        try:
            self.write(actor, event, status=status, error=error)
        except CloudactError as refused:
            _not_written(event, status, refused)

    def _can_chain(self) -> bool:
        """Tell whether everything is there that the trail needs; once it is, it stays."""
        if not self._complete:
            central = self._catalogs.load().central_name
            live = self._warehouse.run(lambda session: session.inspect(central, among=TRAIL_COLUMNS))
            self._complete = first_absent(live, TRAIL_COLUMNS) is None
        return self._complete and self.is_ready()

    def _entry(self, actor: Actor, event: Event, status: Status = Status.SUCCESS, error: str | None = None) -> _Entry:
        chain = event.organization or PLATFORM
        details = recordable(event.details)
        row = {
            "audit_id": self._new_id(),
            "org_slug": chain,
            "user_id": text(actor.name),
            "api_key_id": actor.key_id,
            "action": event.action.value,
            "resource_type": event.resource_type.value,
            "resource_id": None if event.resource_id is None else text(event.resource_id),
            "details": JsonText(json.dumps(details, sort_keys=True)) if details else None,
            "ip_address": actor.ip_address,
            "user_agent": None if actor.user_agent is None else text(actor.user_agent),
            "request_id": actor.request_id,
            "status": status.value,
            "error_message": None if error is None else text(error),
            "created_at": self._clock(),
        }
        return _Entry(chain, row)

    def _write_waiting(self) -> None:
        with self._adding:
            batch, self._waiting = self._waiting[:_BATCH], self._waiting[_BATCH:]
        entries = [waiting.entry for waiting in batch]
        try:
            self._write_entries(entries)
        except Exception as error:  # noqa: BLE001 - each of the threads raises it
            for waiting in batch:
                waiting.error = error
        finally:
            for waiting in batch:
                waiting.done = True

    def _write_entries(self, entries: Sequence[_Entry]) -> None:
        try:
            self.run(lambda session: self._append(session, entries))
        except NotBootstrapped:
            dataset = self._catalogs.load().central_name
            rows = [entry.row for entry in entries]
            self._warehouse.run(lambda session: AuditRows(session, dataset).append_unchained(rows))

    def _append(self, session: Session, entries: Sequence[_Entry], *, begins: bool = False) -> None:
        """What belongs to an organization that has no profile is the platform's."""
        rows = AuditRows(session, self._catalogs.load().central_name)
        key = self._platform.derive("audit")
        chains = sorted({entry.chain for entry in entries})
        for chain in chains:
            self._turns.take(chain)
        anchors = {chain: Anchor(chain, None) for chain in chains} if begins else rows.anchors(chains)
        if PLATFORM not in anchors and len(anchors) < len(chains):
            self._turns.take(PLATFORM)
            found = rows.anchor(PLATFORM)
            if found is None:
                self._platform.forget()
                raise WarehouseBusy("the platform's own secret is not there any more; the next call looks for it again")
            anchors[PLATFORM] = found
        by_chain: defaultdict[str, list[Mapping[str, object]]] = defaultdict(list)
        for entry in entries:
            chain = entry.chain if entry.chain in anchors else PLATFORM
            by_chain[chain].append({**entry.row, "org_slug": chain})
        rows.append([(anchors[chain], of_chain) for chain, of_chain in by_chain.items()], key)


def _failure(error: Exception) -> tuple[Status, str]:
    """What is no error of ours may say anything, a secret as well: its text is for the log alone."""
    if not isinstance(error, CloudactError):
        return Status.FAILURE, f"unexpected {type(error).__name__}; the log of the service says more"
    return Status.DENIED if isinstance(error, AccessDenied) else Status.FAILURE, error.message


def _not_written(event: Event, status: Status, reason: CloudactError) -> None:
    if isinstance(reason, NotBootstrapped) and not reason.missing:
        return  # without a central dataset there is nothing that keeps a trail
    _log.error(
        "audit_row_not_written",
        action=event.action.value,
        resource=event.resource_id,
        status=status.value,
        reason=reason.message,
    )
