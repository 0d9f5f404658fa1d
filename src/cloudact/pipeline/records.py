"""The rows that a run leaves in the central dataset: itself, each attempt at a step, and every change of state."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol, assert_never

from cloudact.errors import CloudactError, NotBootstrapped, WarehouseNotFound, WarehouseRefused
from cloudact.pipeline.attempt import Ending
from cloudact.pipeline.definition import SYSTEM, Pipeline, Step, Trigger
from cloudact.pipeline.processor import JSON
from cloudact.pipeline.report import Failure, milliseconds
from cloudact.pipeline.states import State, check_transition
from cloudact.warehouse.driver import Equals, Row, Session, Warehouse

RUNS = "org_meta_pipeline_runs"
STEP_LOGS = "org_meta_step_logs"
TRANSITIONS = "org_meta_state_transitions"
RUN_ID = "pipeline_logging_id"
STEP_LOG_ID = "step_logging_id"
TRANSITION_ID = "transition_id"
_TRACE_CHARACTERS = 2_000
# How long a run is taken for alive without a sign of it.
LEASE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Insert:
    """A row to be added; `key` is the column that identifies it."""

    table: str
    row: Row
    key: str


@dataclass(frozen=True, slots=True)
class Update:
    """Values for the row that `key` identifies, if it has still the status `expected`."""

    table: str
    values: Row
    key: str
    identity: str
    expected: State


Operation = Insert | Update


@dataclass(frozen=True, slots=True)
class Subject:
    """What changes state: the run, or the attempt at a step that `log_id` identifies; RUNNING `since`."""

    name: str
    log_id: str | None = None
    attempt: int = 0
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of state, at a time and for a reason."""

    subject: Subject
    before: State
    after: State
    at: datetime
    failure: Failure | None = None
    reason: str = ""


class Accounting(Protocol):
    """Counts the runs of organizations, in the unit of work that records them; it knows whom it has to count."""

    def began(self, session: Session, organization: str, run_id: str, at: datetime) -> bool:
        """Count a run and tell whether it counts; raises RunRefused for one that may not begin."""

    def ended(self, session: Session, organization: str, run_id: str, state: str, at: datetime) -> None:
        """Count the end of a run that is open as yet."""


@dataclass(frozen=True, slots=True)
class Records:
    """Where runs are recorded: the central dataset of a warehouse, which need not exist yet."""

    warehouse: Warehouse
    dataset: str
    accounting: Accounting | None = None


class Journal:
    """The records of one run: kept until they can be written, in the order of what happened.

    What cannot be written is tried again with what comes next, and never changes what the run does. What is recorded
    has to be free of secrets.
    """

    def __init__(
        self, records: Records, run_id: str, pipeline: Pipeline, trigger: Trigger, new_id: Callable[[], str]
    ) -> None:
        self._records = records
        self._run_id = run_id
        self._run = Subject(pipeline.pipeline_id)
        self._trigger = trigger
        self._new_id = new_id
        self._waiting: list[Operation] = []
        self._uncertain = False
        self._outlives_lease = False
        # Of a run that is to be counted: what the next unit has to count, and whether its beginning was.
        self._accounting = records.accounting if trigger.organization != SYSTEM else None
        self._begins: datetime | None = None
        self._ends: tuple[State, datetime] | None = None
        self._counted = False
        self.problem = ""

    @property
    def is_complete(self) -> bool:
        """Whether the warehouse has everything that was recorded so far."""
        return not self._waiting

    def run_started(self, at: datetime, parameters: Mapping[str, JSON], metadata: Mapping[str, JSON]) -> None:
        """Record the run as RUNNING."""
        row = run_row(self._run_id, self._run.name, self._trigger, at, parameters, metadata)
        self._waiting.append(Insert(RUNS, row, RUN_ID))
        self._begins = at if self._accounting else None
        self._changed(self._run, State.PENDING, State.RUNNING, at)
        self._run = replace(self._run, since=at)

    def run_ended(self, state: State, at: datetime, failure: Failure | None, reason: str) -> None:
        """Record the end of the run."""
        values = {**end_values(state, self._run.since or at, at), **error_values(failure, 0)}
        self._waiting.append(Update(RUNS, values, RUN_ID, self._run_id, State.RUNNING))
        self._ends = (state, at) if self._counted else None
        self._changed(self._run, State.RUNNING, state, at, failure=failure, reason=reason)

    def attempt_started(self, step: Step, number: int, at: datetime) -> Subject:
        """Record an attempt, from 1, as RUNNING."""
        subject = Subject(step.step_id, self._new_id(), number)
        row = {**self._step_row(step, subject, State.RUNNING, at), "metadata": json.dumps({"attempt": number})}
        self._waiting.append(Insert(STEP_LOGS, row, STEP_LOG_ID))
        self._changed(subject, State.PENDING, State.RUNNING, at)
        return replace(subject, since=at)

    def attempt_ended(self, subject: Subject, ending: Ending, at: datetime, reason: str = "") -> None:
        """Record how an attempt that was started ended."""
        metadata: dict[str, JSON] = {"attempt": subject.attempt}
        if ending.report:
            metadata |= {"summary": ending.report.summary, "details": ending.report.details}
        if ending.abandoned:
            metadata["abandoned"] = True
        values = {
            **end_values(ending.state, subject.since or at, at),
            "rows_processed": ending.report.rows_processed if ending.report else None,
            "metadata": json.dumps(metadata),
            **error_values(ending.failure, subject.attempt - 1),
        }
        self._waiting.append(Update(STEP_LOGS, values, STEP_LOG_ID, subject.log_id or "", State.RUNNING))
        self._changed(subject, State.RUNNING, ending.state, at, failure=ending.failure, reason=reason)

    def step_skipped(self, step: Step, at: datetime, failure: Failure) -> None:
        """Record that a step does not run, and why."""
        subject = Subject(step.step_id, self._new_id())
        row = {
            **self._step_row(step, subject, State.SKIPPED, at),
            **end_values(State.SKIPPED, at, at),
            **error_values(failure, 0),
        }
        self._waiting.append(Insert(STEP_LOGS, row, STEP_LOG_ID))
        self._changed(subject, State.PENDING, State.SKIPPED, at, failure=failure, reason=failure.message)

    def lease_renewed(self, metadata: Mapping[str, JSON]) -> None:
        """Record that the run still goes on."""
        values = {"run_metadata": json.dumps(metadata)}
        self._waiting.append(Update(RUNS, values, RUN_ID, self._run_id, State.RUNNING))

    def write(self) -> None:
        """Write in one unit what was not written yet; `problem` says why that was impossible.

        The beginning of a run that has to be counted is raised for, instead: RunRefused, or what the warehouse met.
        """
        if not self._waiting:
            return
        try:
            self._records.warehouse.run(self._work)
        except NotBootstrapped as error:
            if self._begins and error.missing:
                raise
            self._cannot_be_counted(error)
        except WarehouseNotFound as error:
            self.problem = f"the tables of runs are not there: {error.message}"
        except CloudactError as error:
            if self._begins:
                raise
            # It may have happened all the same, when only the answer did not arrive.
            self._uncertain = True
            self.problem = error.message
        else:
            self._waiting, self._uncertain, self.problem = [], False, ""
            self._begins = self._ends = None

    def _cannot_be_counted(self, error: NotBootstrapped) -> None:
        """Without a central dataset there is no plan to count a run against; and what has run has run."""
        self._begins = self._ends = None
        self.problem = f"the tables of runs are not there: {error.message}"
        if error.missing:
            self.write()

    def _work(self, session: Session) -> None:
        dataset = self._records.dataset
        if self._outlives_lease:
            self._refuse_if_ended(session)
        self._count(session)
        for operation in self._waiting:
            match operation:
                case Insert(table=table, row=row, key=key) if self._uncertain:
                    session.ensure(dataset, table, row, [key])
                case Insert(table=table, row=row):
                    session.insert(dataset, table, [row])
                case Update(table=table, values=values, key=key, identity=identity, expected=expected):
                    where = [Equals(key, identity), Equals("status", str(expected))]
                    session.update(dataset, table, values, where)
                case _:
                    assert_never(operation)

    def _count(self, session: Session) -> None:
        """Before anything is written, because counting reads the rows of runs."""
        if self._accounting is None:
            return
        run = (session, self._trigger.organization, self._run_id)
        if self._begins:
            self._counted = self._accounting.began(*run, self._begins)
        if self._ends:
            state, at = self._ends
            self._accounting.ended(*run, str(state), at)

    def _refuse_if_ended(self, session: Session) -> None:
        """A run that could not renew its lease, or slept, is taken for dead: then others have recorded its end."""
        # A unit may be tried anew after it was committed, so the end may be this journal's own.
        own = [item.values.get("end_time") for item in self._waiting if isinstance(item, Update) and item.table == RUNS]
        columns, here = ("status", "end_time", "error_message"), [Equals(RUN_ID, self._run_id)]
        for run in session.select(self._records.dataset, RUNS, columns, here):
            if run["status"] != State.RUNNING and run["end_time"] not in own:
                raise WarehouseRefused(
                    f"another process took the run for dead, and recorded it as {run['status']}: {run['error_message']}"
                )

    def _step_row(self, step: Step, subject: Subject, state: State, at: datetime) -> dict[str, Any]:
        return {
            STEP_LOG_ID: subject.log_id,
            "org_slug": self._trigger.organization,
            RUN_ID: self._run_id,
            "step_name": step.step_id,
            "step_type": step.ps_type,
            "step_index": step.index,
            "status": str(state),
            "start_time": at,
            "user_id": self._trigger.user_id,
        }

    def _changed(
        self,
        subject: Subject,
        before: State,
        after: State,
        at: datetime,
        *,
        failure: Failure | None = None,
        reason: str = "",
    ) -> None:
        self._outlives_lease = self._run.since is not None and at - self._run.since >= LEASE
        change = Transition(subject, before, after, at, failure, reason)
        row = {TRANSITION_ID: self._new_id(), **transition_row(self._run_id, self._trigger, change)}
        self._waiting.append(Insert(TRANSITIONS, row, TRANSITION_ID))


def run_row(
    run_id: str,
    pipeline_id: str,
    trigger: Trigger,
    at: datetime,
    parameters: Mapping[str, JSON],
    metadata: Mapping[str, JSON],
) -> dict[str, Any]:
    """Return the row of a run that is RUNNING."""
    return {
        RUN_ID: run_id,
        "org_slug": trigger.organization,
        "pipeline_id": pipeline_id,
        "status": str(State.RUNNING),
        "trigger_type": str(trigger.type),
        "trigger_by": trigger.by,
        "user_id": trigger.user_id,
        "org_api_key_id": trigger.org_api_key_id,
        "start_time": at,
        "run_date": trigger.run_date,
        "parameters": json.dumps(parameters) if parameters else None,
        "run_metadata": json.dumps(metadata),
    }


def transition_row(run_id: str, trigger: Trigger, change: Transition) -> dict[str, Any]:
    """Return the row of a change of state, but for its id; raises ValueError for one that cannot happen."""
    check_transition(change.before, change.after)
    subject, failure, at = change.subject, change.failure, change.at
    return {
        "org_slug": trigger.organization,
        RUN_ID: run_id,
        STEP_LOG_ID: subject.log_id,
        "entity_type": "STEP" if subject.log_id else "PIPELINE",
        "entity_name": subject.name,
        "from_state": str(change.before),
        "to_state": str(change.after),
        "transition_time": at,
        "transition_date": at.date(),
        "reason": change.reason or None,
        "error_type": str(failure.error_type) if failure else None,
        "error_message": failure.message if failure else None,
        "stack_trace_truncated": (failure.trace[:_TRACE_CHARACTERS] or None) if failure else None,
        "retry_count": subject.attempt - 1 if subject.attempt else None,
        "duration_in_state_ms": milliseconds(subject.since, at) if subject.since else None,
        "trigger_type": str(trigger.type),
        "user_id": trigger.user_id,
    }


def end_values(state: State, started: datetime, ended: datetime) -> dict[str, Any]:
    """Return what the row of a run or of an attempt says of its end."""
    return {"status": str(state), "end_time": ended, "duration_ms": milliseconds(started, ended)}


def error_values(failure: Failure | None, retry_count: int, *, is_retryable: bool = False) -> dict[str, Any]:
    """Return what the row of a run or of an attempt says of a failure; a transient one may always be tried again."""
    if failure is None:
        return {}
    context = {
        "error_type": str(failure.error_type),
        "error_class": failure.error_class,
        "is_retryable": is_retryable or failure.is_transient,
        "retry_count": retry_count,
    }
    return {"error_message": failure.message, "error_context": json.dumps(context)}
