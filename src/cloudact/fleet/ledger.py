"""The rows of a run of the fleet: itself, a step for each organization that it came to, and every change of state."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cloudact.errors import FleetBusy, FleetRunNotFound, FleetRunNotOpen, WarehouseNotFound
from cloudact.fleet.progress import FleetFailure, Step
from cloudact.pipeline.definition import FLEET_PLAN, FLEET_SYNC, SYSTEM, Trigger, TriggerType
from cloudact.pipeline.records import (
    RUN_ID,
    RUNS,
    STEP_LOG_ID,
    STEP_LOGS,
    TRANSITION_ID,
    TRANSITIONS,
    Subject,
    Transition,
    end_values,
    error_values,
    run_row,
    transition_row,
)
from cloudact.pipeline.states import State
from cloudact.tenancy.actor import Actor
from cloudact.tenancy.audit.event import Event
from cloudact.tenancy.audit.trail import AuditTrail
from cloudact.tenancy.store import named_when_missing, stored_json
from cloudact.warehouse.driver import Condition, Equals, OneOf, Page, Session, Warehouse

_COLUMNS = (
    RUN_ID, "pipeline_id", "status", "trigger_type", "trigger_by", "start_time", "end_time", "duration_ms",
    "parameters", "run_metadata", "error_message",
)  # fmt: skip
_JSON = ("parameters", "run_metadata")
_FAILED = (str(State.FAILED), str(State.SKIPPED))
_CHUNK = 500
_IDENTIFIERS = uuid.UUID("0d6b4a43-5b0c-5f5e-8a53-6d9b3f6f2c11")


@dataclass(frozen=True, slots=True)
class Begun:
    """A run that has begun: its id and since when, who began it and how."""

    run_id: str
    at: datetime
    trigger: Trigger


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ends, and what was not written before; `uncertain` is as of `Ledger.note`."""

    change: Transition
    steps: Sequence[Step]
    metadata: Mapping[str, Any]
    uncertain: bool


@dataclass(frozen=True, slots=True)
class Ledger:
    """The rows of runs of the fleet in a central dataset; raises NotBootstrapped where it lacks what they need."""

    warehouse: Warehouse
    trail: AuditTrail
    dataset: str

    def begin(self, begun: Begun, actor: Actor, event: Event, row: Mapping[str, Any]) -> None:
        """Add the row of a run, unless another one is RUNNING, in which case FleetBusy is raised.

        The event extends the chain of the platform, and so of two units at once one is run again and finds the other.
        """

        def work(session: Session) -> None:
            self.trail.record(session, actor, event)
            where = [Equals("pipeline_id", FLEET_SYNC), Equals("status", str(State.RUNNING))]
            with named_when_missing(session, self.dataset, RUNS, _COLUMNS):
                found = session.select(self.dataset, RUNS, _COLUMNS, where)
            if any(run[RUN_ID] == begun.run_id for run in found):
                return  # of this very unit, when only its answer did not arrive
            for run in map(_parsed, found):
                raise _busy(run)
            session.insert(self.dataset, RUNS, [row])
            change = Transition(Subject(FLEET_SYNC), State.PENDING, State.RUNNING, begun.at)
            with named_when_missing(session, self.dataset, TRANSITIONS, [TRANSITION_ID]):
                session.insert(self.dataset, TRANSITIONS, [_transition(begun, change)])
            with named_when_missing(session, self.dataset, STEP_LOGS, [STEP_LOG_ID]):
                session.count(self.dataset, STEP_LOGS, [Equals(RUN_ID, begun.run_id)])

        self.trail.run(work)

    def store(self, actor: Actor, event: Event, row: Mapping[str, Any]) -> None:
        """Add the row of a plan, unless it is there."""

        def work(session: Session) -> None:
            self.trail.record(session, actor, event)
            with named_when_missing(session, self.dataset, RUNS, _COLUMNS):
                session.ensure(self.dataset, RUNS, row, [RUN_ID])

        self.trail.run(work)

    def note(self, begun: Begun, steps: Sequence[Step], metadata: Mapping[str, Any], *, uncertain: bool) -> str:
        """Add what came of organizations, and renew the lease; returns the state of the run, which others may end.

        After a call of which it is `uncertain` whether it happened, what it would have added is looked for first.
        """
        rows = self._rows(begun, steps)

        def work(session: Session) -> str:
            status = self._status(session, begun.run_id)
            own = [Equals(RUN_ID, begun.run_id)]
            session.update(self.dataset, RUNS, {"run_metadata": json.dumps(metadata)}, own)
            self._add(session, rows, uncertain=uncertain)
            return status

        return self.warehouse.run(work)

    def add(self, session: Session, begun: Begun, steps: Sequence[Step], metadata: Mapping[str, Any]) -> None:
        """Add what came of organizations in the very unit that changes them.

        Raises FleetRunNotOpen for a run that others have ended, so that the unit changes nothing.
        """
        status = self._status(session, begun.run_id)
        if status != State.RUNNING:
            raise FleetRunNotOpen(begun.run_id, status)
        session.update(self.dataset, RUNS, {"run_metadata": json.dumps(metadata)}, [Equals(RUN_ID, begun.run_id)])
        self._add(session, self._rows(begun, steps), uncertain=False)

    def _rows(self, begun: Begun, steps: Sequence[Step]) -> dict[tuple[str, str], list[dict[str, Any]]]:
        """Return what is to be added to each table, beside the column that identifies its rows."""
        return {
            (STEP_LOGS, STEP_LOG_ID): [self._step(begun, step) for step in steps],
            (TRANSITIONS, TRANSITION_ID): self._changes(begun, steps),
        }

    def _add(
        self, session: Session, rows: Mapping[tuple[str, str], Sequence[Mapping[str, Any]]], *, uncertain: bool
    ) -> None:
        for (table, key), found in rows.items():
            if uncertain:
                for row in found:
                    session.ensure(self.dataset, table, row, [key])
                continue
            for start in range(0, len(found), _CHUNK):
                session.insert(self.dataset, table, found[start : start + _CHUNK])

    def end(self, begun: Begun, actor: Actor, event: Event, ending: Ending) -> dict[str, Any]:
        """Record the end of a run, unless others did, with all that is left of it; returns its row as it is then."""
        change, rows = ending.change, self._rows(begun, ending.steps)
        values = {**end_values(change.after, begun.at, change.at), **error_values(change.failure, 0, is_retryable=True)}
        if change.reason:
            values["error_message"] = change.reason

        def work(session: Session) -> dict[str, Any]:
            self.trail.record(session, actor, event)
            run = self._run(session, begun.run_id)
            goes_on = run["status"] == State.RUNNING
            new = {**(values if goes_on else {}), "run_metadata": json.dumps(ending.metadata)}
            session.update(self.dataset, RUNS, new, [Equals(RUN_ID, begun.run_id), Equals("status", run["status"])])
            self._add(session, rows, uncertain=ending.uncertain)
            if goes_on:
                session.ensure(self.dataset, TRANSITIONS, _transition(begun, change), [TRANSITION_ID])
            return {**run, **{name: new[name] for name in _COLUMNS if name in new}}

        return self.trail.run(work)

    def abort(self, run_id: str, actor: Actor, event: Event, at: datetime, reason: str) -> None:
        """End a run as CANCELLED, which its process sees soon; raises FleetRunNotFound and FleetRunNotOpen."""

        def work(session: Session) -> None:
            self.trail.record(session, actor, event)
            run = self._run(session, run_id)
            if run["status"] != State.RUNNING:
                raise FleetRunNotOpen(run_id, run["status"])
            values = {**end_values(State.CANCELLED, run["start_time"], at), "error_message": reason}
            own = [Equals(RUN_ID, run_id), Equals("status", str(State.RUNNING))]
            session.update(self.dataset, RUNS, values, own)
            begun = Begun(run_id, run["start_time"], _trigger_of(run))
            subject = Subject(FLEET_SYNC, since=run["start_time"])
            change = Transition(subject, State.RUNNING, State.CANCELLED, at, reason=reason)
            session.insert(self.dataset, TRANSITIONS, [_transition(begun, change)])

        self.trail.run(work)

    def run(self, run_id: str, pipeline_id: str = FLEET_SYNC) -> dict[str, Any]:
        """Return the row of a run, its JSON parsed; raises FleetRunNotFound."""
        return self.warehouse.run(lambda session: self._run(session, run_id, pipeline_id))

    def page(self, limit: int, offset: int) -> tuple[list[dict[str, Any]], int]:
        """Return one page of runs, the latest first, and how many there are."""
        where = [Equals("pipeline_id", FLEET_SYNC)]
        page = Page(("start_time", RUN_ID), limit, offset, descending=True)

        def work(session: Session) -> tuple[list[dict[str, Any]], int]:
            with named_when_missing(session, self.dataset, RUNS, _COLUMNS):
                total = session.count(self.dataset, RUNS, where)
                return list(map(_parsed, session.select(self.dataset, RUNS, _COLUMNS, where, page))), total

        return self.warehouse.run(work)

    def failures(self, run_id: str) -> list[FleetFailure]:
        """Return the organizations that a run did not bring in step, and why."""
        columns = ("step_name", "step_index", "error_message", "error_context")
        where: list[Condition] = [Equals(RUN_ID, run_id), OneOf("status", _FAILED)]
        found = self.warehouse.run(lambda session: session.select(self.dataset, STEP_LOGS, columns, where))
        return [_failure(row) for row in found]

    def reached(self, run_id: str) -> dict[str, State]:
        """Return the organizations that a run came to, and what came of each."""
        columns, where = ("step_name", "status"), [Equals(RUN_ID, run_id)]
        found = self.warehouse.run(lambda session: session.select(self.dataset, STEP_LOGS, columns, where))
        return {str(row["step_name"]): State(str(row["status"])) for row in found}

    def _run(self, session: Session, run_id: str, pipeline_id: str = FLEET_SYNC) -> dict[str, Any]:
        where = [Equals(RUN_ID, run_id), Equals("pipeline_id", pipeline_id)]
        try:
            found = session.select(self.dataset, RUNS, _COLUMNS, where)
        except WarehouseNotFound:
            found = []
        if not found:
            raise FleetRunNotFound(run_id)
        return _parsed(found[0])

    def _status(self, session: Session, run_id: str) -> str:
        found = session.select(self.dataset, RUNS, ["status"], [Equals(RUN_ID, run_id)])
        return str(found[0]["status"]) if found else "gone"

    def _step(self, begun: Begun, step: Step) -> dict[str, Any]:
        return {
            STEP_LOG_ID: step.step_id,
            "org_slug": SYSTEM,
            RUN_ID: begun.run_id,
            "step_name": step.org_slug,
            "step_type": FLEET_SYNC,
            "step_index": step.wave,
            "start_time": step.started,
            **end_values(step.state, step.started, step.ended),
            **error_values(step.failure, 0),
            "metadata": json.dumps({"summary": step.summary, "changes": step.changes}),
        }

    def _changes(self, begun: Begun, steps: Sequence[Step]) -> list[dict[str, Any]]:
        found = []
        for step in steps:
            subject = Subject(step.org_slug, step.step_id)
            if step.state is State.SKIPPED:
                found.append(Transition(subject, State.PENDING, State.SKIPPED, step.ended, step.failure))
                continue
            found.append(Transition(subject, State.PENDING, State.RUNNING, step.started))
            since = Subject(step.org_slug, step.step_id, since=step.started)
            found.append(Transition(since, State.RUNNING, step.state, step.ended, step.failure))
        # In one order, so that many rows with the same columns are one statement.
        found.sort(key=lambda change: change.after)
        return [_transition(begun, change) for change in found]


def begun_row(begun: Begun, parameters: Mapping[str, Any], metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of a run of the fleet that begins."""
    return run_row(begun.run_id, FLEET_SYNC, begun.trigger, begun.at, parameters, metadata)


def plan_row(run_id: str, trigger: Trigger, at: datetime, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of a plan, which is done when it is made."""
    return {**run_row(run_id, FLEET_PLAN, trigger, at, facts, {}), **end_values(State.COMPLETED, at, at)}


def _transition(begun: Begun, change: Transition) -> dict[str, Any]:
    # The same however often it is written: what changes state changes to each state once.
    subject = change.subject.log_id or begun.run_id
    transition_id = str(uuid.uuid5(_IDENTIFIERS, f"{subject} {change.after}"))
    row = {TRANSITION_ID: transition_id, **transition_row(begun.run_id, begun.trigger, change)}
    return {name: value for name, value in row.items() if value is not None}


def _busy(run: Mapping[str, Any]) -> FleetBusy:
    kept = run["run_metadata"]
    # What follows a host's name tells namespaces apart, and nothing to people.
    process = f"process {kept.get('pid')} on {str(kept.get('host', '')).partition(' ')[0] or 'an unknown host'}"
    return FleetBusy(run[RUN_ID], process, run["start_time"], str(kept.get("lease_until", "")))


def _trigger_of(run: Mapping[str, Any]) -> Trigger:
    return Trigger(type=TriggerType(run["trigger_type"]), by=run["trigger_by"])


def _parsed(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: (stored_json(value) or {}) if name in _JSON else value for name, value in row.items()}


def _failure(row: Mapping[str, Any]) -> FleetFailure:
    context = stored_json(row["error_context"])
    kind = str(context.get("error_type", "")) if isinstance(context, dict) else ""
    return FleetFailure(str(row["step_name"]), int(row["step_index"]), str(row["error_message"] or ""), kind)
