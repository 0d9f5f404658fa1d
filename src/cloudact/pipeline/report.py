"""The account of a run, ready to be shown or sent: plain values, free of secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cloudact.pipeline.processor import JSON
from cloudact.pipeline.states import ErrorType, State


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a step did not complete; `trace` is the beginning of the stack trace, where there was one."""

    message: str
    error_type: ErrorType
    error_class: str = ""
    hint: str = ""
    trace: str = ""

    @property
    def is_transient(self) -> bool:
        """Whether the same may work later."""
        return self.error_type is ErrorType.TRANSIENT


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """What became of one step; `attempts` is 0 for one that was skipped, `reason` says why it was.

    `abandoned` is a step that did not end after it was cancelled: it can no longer use the warehouse.
    """

    step_id: str
    name: str
    ps_type: str
    state: State
    started_at: datetime
    ended_at: datetime
    attempts: int = 0
    summary: str = ""
    details: Mapping[str, JSON] = field(default_factory=dict)
    rows_processed: int | None = None
    failure: Failure | None = None
    reason: str = ""
    abandoned: bool = False

    @property
    def duration_ms(self) -> int:
        """Milliseconds from the first attempt's start to the last one's end."""
        return milliseconds(self.started_at, self.ended_at)


@dataclass(frozen=True, slots=True)
class RunReport:
    """What became of a run and of each step, in the order in which they ran.

    `recorded` tells whether the central dataset has all of it, `record_problem` why not; a dry run is not recorded.
    `interrupted` are the earlier runs that this one found to have ended without saying so.
    """

    run_id: str
    pipeline_id: str
    name: str
    organization: str
    state: State
    started_at: datetime
    ended_at: datetime
    parameters: Mapping[str, JSON]
    steps: tuple[StepOutcome, ...]
    dry_run: bool = False
    recorded: bool = False
    record_problem: str = ""
    interrupted: tuple[str, ...] = ()

    @property
    def duration_ms(self) -> int:
        """Milliseconds from start to end."""
        return milliseconds(self.started_at, self.ended_at)


def milliseconds(start: datetime, end: datetime) -> int:
    """Return the whole milliseconds between two times."""
    return round((end - start).total_seconds() * 1000)


def overall(states: Sequence[State]) -> State:
    """Return the state of a run whose steps ended so: partial work is not success."""
    worst = (State.FAILED, State.TIMED_OUT, State.CANCELLED)
    return next((state for state in worst if state in states), State.COMPLETED)
