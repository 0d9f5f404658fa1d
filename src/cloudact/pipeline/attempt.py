"""One attempt at a step: in a thread of its own, so that it can be left behind when its time is over."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass

from cloudact.errors import (
    CatalogError,
    CloudactError,
    ConfigurationError,
    InvalidRequest,
    TransientError,
    WarehouseBusy,
    WarehouseUnavailable,
)
from cloudact.pipeline.cancellation import Cancellation
from cloudact.pipeline.processor import StepReport
from cloudact.pipeline.report import Failure
from cloudact.pipeline.states import ErrorType, State

Work = Callable[[Cancellation], StepReport]
Wait = Callable[[threading.Event, float], bool]
_TRANSIENT = (WarehouseUnavailable, WarehouseBusy, TransientError)
_INVALID = (InvalidRequest, CatalogError, ConfigurationError)


@dataclass(frozen=True, slots=True)
class Ending:
    """How an attempt ended; one that is `abandoned` has not ended, and can do nothing more to the warehouse."""

    state: State
    report: StepReport | None = None
    failure: Failure | None = None
    abandoned: bool = False


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an attempt is waited for, in seconds.

    `grace` is the time it has to end after it was cancelled. `heartbeat` is called every `heartbeat_seconds` meanwhile.
    """

    grace: float
    heartbeat_seconds: float
    heartbeat: Callable[[], object]
    wait: Wait = threading.Event.wait


def attempt(work: Work, run: Cancellation, timeout: float | None, patience: Patience) -> Ending:
    """Do the work within `timeout` seconds, unless the run is cancelled before; never raises what the work raises."""
    worker = _Worker(work)
    unlink = run.on_cancel(lambda: worker.cancellation.cancel(run.reason or ""))
    try:
        worker.thread.start()
        timed_out = _wait_for(worker, run, timeout, patience)
        if not worker.finished.is_set():
            patience.wait(worker.finished, patience.grace)
            # What is being written at this moment was begun in time; nothing begins any more.
            worker.cancellation.wait_until_idle(patience.grace)
    finally:
        unlink()
    return worker.ending(timed_out=timed_out)


class _Worker:
    """The thread of one attempt, and what came of it."""

    def __init__(self, work: Work) -> None:
        self.cancellation = Cancellation()
        self.finished = threading.Event()
        self.woken = threading.Event()
        self._work = work
        self._result: StepReport | BaseException | None = None
        context = copy_context()
        self.thread = threading.Thread(target=lambda: context.run(self._carry_out), name="step", daemon=True)
        self.cancellation.on_cancel(self.woken.set)

    def _carry_out(self) -> None:
        try:
            self._result = self._work(self.cancellation)
        except BaseException as error:  # noqa: BLE001 - it is reported as the step's failure, whatever it is
            self._result = error
        finally:
            self.finished.set()
            self.woken.set()

    def ending(self, *, timed_out: bool) -> Ending:
        """Return how the attempt ended; work that was completed while its run was cancelled is completed."""
        result, reason = self._result, self.cancellation.reason or ""
        if result is not None and (not reason or (isinstance(result, StepReport) and not timed_out)):
            return _ending(result)
        abandoned = not self.finished.is_set()
        if abandoned:
            reason += "; it did not end within the time it was given, and was left behind without the warehouse"
            if not self.cancellation.wait_until_idle(0):
                reason += ", of which one statement is still under way"
        if timed_out:
            return Ending(State.TIMED_OUT, None, Failure(reason, ErrorType.TIMEOUT), abandoned)
        return Ending(State.CANCELLED, None, Failure(reason, ErrorType.UNKNOWN), abandoned)


def _wait_for(worker: _Worker, run: Cancellation, timeout: float | None, patience: Patience) -> bool:
    """Wait for the work's end, or cancel it; tell whether its time was over."""
    left = timeout
    while True:
        part = patience.heartbeat_seconds if left is None else min(left, patience.heartbeat_seconds)
        try:
            if patience.wait(worker.woken, part) or worker.woken.is_set():
                return False
        except KeyboardInterrupt:
            run.cancel("cancelled by Ctrl-C")
            return False
        if left is not None:
            left -= part
            if left <= 0:
                return worker.cancellation.cancel(f"timed out after {timeout:g} s")
        patience.heartbeat()


def _ending(result: StepReport | BaseException) -> Ending:
    if isinstance(result, BaseException):
        return Ending(State.FAILED, None, failure_of(result))
    if result.failed:
        return Ending(State.FAILED, result, Failure(result.summary, ErrorType.PERMANENT))
    return Ending(State.COMPLETED, result)


def failure_of(error: BaseException) -> Failure:
    """Return why something failed, told by what it raised."""
    name = type(error).__name__
    trace = "".join(traceback.format_exception(error))
    if not isinstance(error, CloudactError):
        return Failure(f"{name}: {_told(error)}", ErrorType.UNKNOWN, name, trace=trace)
    kind = ErrorType.PERMANENT
    if isinstance(error, _TRANSIENT):
        kind = ErrorType.TRANSIENT
    elif isinstance(error, _INVALID):
        kind = ErrorType.VALIDATION_ERROR
    return Failure(error.message, kind, name, error.hint, trace)


def _told(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as unspeakable:  # noqa: BLE001 - it is a stranger's code as well
        return f"its message cannot be told: {type(unspeakable).__name__}"
