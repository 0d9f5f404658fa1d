"""Rows of org_audit_logs: one when an operation begins, and one that says what came of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import structlog

from cloudact.catalog.model import Dataset
from cloudact.errors import CloudactError
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.store import PROFILES, NewId
from cloudact.warehouse.driver import Equals, Row, Session, Warehouse

AUDIT_LOGS = "org_audit_logs"
_PLATFORM = "system"
_log = structlog.get_logger(__name__)


class Action(StrEnum):
    """What is done to a dataset, in the words of the column."""

    CREATE = "CREATE"
    UPDATE = "UPDATE"
    DELETE = "DELETE"


@dataclass(frozen=True, slots=True)
class Event:
    """Who does what to which dataset; `details` say how it was asked for."""

    action: Action
    dataset: str
    actor: str
    details: Mapping[str, object]


@dataclass(slots=True)
class Result:
    """What came of it, filled in while it is done."""

    details: dict[str, object] = field(default_factory=dict)
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Audit:
    """Writes what happens to datasets into the central dataset, where that has the table."""

    catalogs: Declarations
    warehouse: Warehouse
    clock: Callable[[], datetime]
    new_id: NewId

    @contextmanager
    def of(self, event: Event, *, required: bool = True) -> Iterator[Result]:
        """Enclose an operation; unless `required`, it goes on where the first row cannot be written.

        A process that is killed leaves the first row alone, which then tells that the operation did not end.
        """
        operation, result = self.new_id(), Result()
        try:
            self._write(event, {"operation_id": operation, "phase": "attempt"}, None)
        except CloudactError as error:
            if required:
                raise
            _log.warning("audit_row_not_written", dataset=event.dataset, reason=error.message)
        phase = {"operation_id": operation, "phase": "outcome"}
        try:
            yield result
        except CloudactError as error:
            self._write_outcome(event, phase, error.message)
            raise
        self._write_outcome(event, {**phase, **result.details}, result.error)

    def _write_outcome(self, event: Event, details: Mapping[str, object], error: str | None) -> None:
        """What was done is done, whether or not this row can be written."""
        try:
            self._write(event, details, error)
        except CloudactError as refused:
            _log.error("audit_row_not_written", dataset=event.dataset, reason=refused.message, details=details)

    def _write(self, event: Event, details: Mapping[str, object], error: str | None) -> None:
        central = self.catalogs.load().central_name
        audit_id, now = self.new_id(), self.clock()

        def work(session: Session) -> None:
            live = session.inspect(central, among=[AUDIT_LOGS, PROFILES])
            table = live.table(AUDIT_LOGS) if live else None
            if live is None or table is None:
                return
            row: Row = {
                "audit_id": audit_id,
                "org_slug": _organization(session, live, event.dataset),
                "user_id": event.actor,
                "action": event.action.value,
                "resource_type": "DATASET",
                "resource_id": event.dataset,
                "details": json.dumps({**event.details, **details}, sort_keys=True),
                "status": "FAILURE" if error else "SUCCESS",
                "error_message": error,
                "created_at": now,
            }
            session.insert(central, table.name, [{key: value for key, value in row.items() if table.column(key)}])

        self.warehouse.run(work)


def _organization(session: Session, central: Dataset, dataset: str) -> str:
    """Return the organization whose dataset this is, or the platform's own name."""
    profiles = central.table(PROFILES)
    if profiles is None or not all(map(profiles.column, ("org_slug", "org_dataset_id"))):
        return _PLATFORM
    found = session.select(central.name, profiles.name, ["org_slug"], [Equals("org_dataset_id", dataset)])
    return str(found[0]["org_slug"]) if found else _PLATFORM
