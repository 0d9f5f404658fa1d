"""Running a pipeline: one step after another, each outcome recorded before the next step begins."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog

from cloudact.errors import CloudactError
from cloudact.pipeline.attempt import Ending, Patience, Wait, attempt
from cloudact.pipeline.cancellation import Cancellation
from cloudact.pipeline.definition import OnFailure, Pipeline, Step, Trigger
from cloudact.pipeline.processor import StepContext, StepReport
from cloudact.pipeline.records import LEASE, Journal, Records
from cloudact.pipeline.recovery import mark_interrupted, this_process
from cloudact.pipeline.report import Failure, RunReport, StepOutcome, overall
from cloudact.pipeline.states import ErrorType, State
from cloudact.pipeline.variables import Redaction

# Two renewals may fail before others take the run for dead.
_HEARTBEAT_SECONDS = LEASE.total_seconds() / 3
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Executor:
    """Runs pipelines and records it; `grace_seconds` is how long a cancelled step may take to end.

    `sleep`, `jitter` and `wait` are what a test replaces to need no time.
    """

    records: Records
    clock: Callable[[], datetime]
    new_id: Callable[[], str]
    sleep: Callable[[Cancellation, float], object] = Cancellation.wait
    jitter: Callable[[], float] = random.random
    wait: Wait = threading.Event.wait
    grace_seconds: float = 10.0

    def run(
        self, pipeline: Pipeline, trigger: Trigger | None = None, cancellation: Cancellation | None = None
    ) -> RunReport:
        """Run every step that can run, and record it; never raises for what a step or the recording meets.

        A run that has to be counted is another matter: where it cannot be, it does not begin, and RunRefused says why.
        """
        return _Run(self, pipeline, trigger or Trigger(), cancellation or Cancellation()).carry_out()

    def dry_run(
        self, pipeline: Pipeline, trigger: Trigger | None = None, cancellation: Cancellation | None = None
    ) -> RunReport:
        """Return what each step would do; nothing is changed and nothing is recorded."""
        return _Run(self, pipeline, trigger or Trigger(), cancellation or Cancellation()).rehearse()


class _Run:
    """One run of one pipeline."""

    def __init__(self, executor: Executor, pipeline: Pipeline, trigger: Trigger, cancellation: Cancellation) -> None:
        self._executor = executor
        self._pipeline = pipeline
        self._trigger = trigger
        self._cancellation = cancellation
        self._run_id = executor.new_id()
        self._redaction = pipeline.redaction()
        self._parameters = self._redaction.mapping(pipeline.variables)
        self._journal = Journal(executor.records, self._run_id, pipeline, trigger, executor.new_id)
        self._process = this_process()
        self._outcomes: dict[str, StepOutcome] = {}
        self._log = _log.bind(run_id=self._run_id, pipeline_id=pipeline.pipeline_id, organization=trigger.organization)

    def carry_out(self) -> RunReport:
        """Run and record."""
        clock = self._executor.clock
        interrupted = self._recover()
        started = clock()
        self._log.info("pipeline_run_started")
        self._journal.run_started(started, self._parameters, self._process.metadata(started))
        self._journal.write()
        for step in self._pipeline.in_order():
            obstacle = self._obstacle(step)
            outcome = self._skip(step, obstacle) if obstacle else self._perform(step)
            self._outcomes[step.step_id] = outcome
            self._log.info(
                "pipeline_step_ended", step_id=step.step_id, state=str(outcome.state), attempts=outcome.attempts
            )
        state, ended = self._state(), clock()
        culprit = next((item for item in self._outcomes.values() if item.state is state and item.failure), None)
        reason = (self._cancellation.reason or "") if state is State.CANCELLED else ""
        if culprit:
            reason = f"step {culprit.step_id} ended as {state}"
        self._journal.run_ended(state, ended, culprit.failure if culprit else None, reason)
        self._journal.write()
        self._log.info("pipeline_run_ended", state=str(state), recorded=self._journal.is_complete)
        return replace(self._report(state, started, ended), interrupted=interrupted)

    def rehearse(self) -> RunReport:
        """Plan each step; what a step would have made is not there for the steps after it."""
        started = self._executor.clock()
        for step in self._pipeline.in_order():
            began = self._executor.clock()
            if self._cancellation.reason is None:
                ending = self._attempt(step, 1, dry_run=True)
                self._outcomes[step.step_id] = self._outcome(step, ending, began, 1)
            else:
                self._outcomes[step.step_id] = self._skipped(step, self._cancelled())
        return replace(self._report(self._state(), started, self._executor.clock()), dry_run=True, recorded=False)

    def _recover(self) -> tuple[str, ...]:
        records = self._executor.records
        try:
            return mark_interrupted(
                records.warehouse, records.dataset, self._executor.clock(), accounting=records.accounting
            )
        except CloudactError as error:
            self._log.warning("interrupted_runs_not_marked", detail=error.message)
            return ()

    def _obstacle(self, step: Step) -> Failure | None:
        """Return why a step cannot run, or None when it can."""
        if self._cancellation.reason is not None:
            return self._cancelled()
        for name in step.depends_on:
            state = self._outcomes[name].state
            if state is not State.COMPLETED:
                return Failure(f"depends on step {name}, which ended as {state}", ErrorType.DEPENDENCY_FAILURE)
        by_id = {item.step_id: item for item in self._pipeline.steps}
        for name, outcome in self._outcomes.items():
            ended_badly = outcome.state in (State.FAILED, State.TIMED_OUT, State.CANCELLED)
            if ended_badly and by_id[name].on_failure is OnFailure.STOP:
                what = f"step {name} ended as {outcome.state}, and has on_failure: stop"
                return Failure(what, ErrorType.DEPENDENCY_FAILURE)
        return None

    def _cancelled(self) -> Failure:
        return Failure(f"the run was {self._cancellation.reason}", ErrorType.DEPENDENCY_FAILURE)

    def _skip(self, step: Step, why: Failure) -> StepOutcome:
        outcome = self._skipped(step, why)
        self._journal.step_skipped(step, outcome.started_at, why)
        return outcome

    def _skipped(self, step: Step, why: Failure) -> StepOutcome:
        now = self._executor.clock()
        return StepOutcome(step.step_id, step.name, step.ps_type, State.SKIPPED, now, now, reason=why.message)

    def _perform(self, step: Step) -> StepOutcome:
        """Try a step as often as it may be tried."""
        began = self._executor.clock()
        number = 1
        while True:
            subject = self._journal.attempt_started(step, number, self._executor.clock())
            self._journal.write()
            ending = self._attempt(step, number, dry_run=False)
            again = self._is_worth_another(step, number, ending)
            delay = step.retry.delay(number, self._executor.jitter()) if again else 0.0
            reason = f"tried again after {delay:.1f} s" if again else ""
            self._journal.attempt_ended(subject, ending, self._executor.clock(), reason)
            self._journal.write()
            if not again or self._sleep(delay):
                return self._outcome(step, ending, began, number)
            number += 1

    def _is_worth_another(self, step: Step, number: int, ending: Ending) -> bool:
        transient = ending.failure is not None and ending.failure.is_transient
        return transient and number < step.retry.attempts and self._cancellation.reason is None

    def _sleep(self, seconds: float) -> bool:
        """Sleep between two attempts; tell whether the run was cancelled meanwhile."""
        try:
            while seconds > 0 and self._cancellation.reason is None:
                part = min(seconds, _HEARTBEAT_SECONDS)
                self._executor.sleep(self._cancellation, part)
                seconds -= part
                if seconds > 0:
                    self._renew_lease()
        except KeyboardInterrupt:
            self._cancellation.cancel("cancelled by Ctrl-C")
        return self._cancellation.reason is not None

    def _attempt(self, step: Step, number: int, *, dry_run: bool) -> Ending:
        log = self._log.bind(step_id=step.step_id, ps_type=step.ps_type, attempt=number)

        def work(cancellation: Cancellation) -> StepReport:
            context = StepContext(
                self._run_id,
                self._pipeline.pipeline_id,
                step.step_id,
                self._trigger.organization,
                number,
                log,
                cancellation,
            )
            act: Callable[[Any, StepContext], StepReport] = step.processor.plan if dry_run else step.processor.run
            return self._checked(step, act(step.config, context))

        log.info("pipeline_step_started", dry_run=dry_run)
        patience = Patience(
            grace=self._executor.grace_seconds,
            heartbeat_seconds=_HEARTBEAT_SECONDS,
            heartbeat=(lambda: None) if dry_run else self._renew_lease,
            wait=self._executor.wait,
        )
        ending = attempt(work, self._cancellation, step.timeout, patience)
        if ending.failure:
            failure = _without_secrets(ending.failure, self._redaction)
            ending = replace(ending, failure=failure)
            log.warning("pipeline_attempt_failed", state=str(ending.state), detail=failure.message, trace=failure.trace)
        return ending

    def _checked(self, step: Step, report: object) -> StepReport:
        """Whatever is shown or recorded of a report is made of this; one that is none fails its step."""
        if not isinstance(report, StepReport):
            raise TypeError(f"{step.ps_type} returned {type(report).__name__} instead of a StepReport")
        summary: object = report.summary
        rows: object = report.rows_processed
        if not isinstance(summary, str) or not (rows is None or (isinstance(rows, int) and 0 <= rows < 2**63)):
            raise TypeError(f"{step.ps_type} returned a StepReport with the summary {summary!r} and {rows!r} rows")
        details = self._redaction.mapping(report.details)
        return replace(report, summary=self._redaction.text(report.summary), details=details)

    def _renew_lease(self) -> None:
        self._journal.lease_renewed(self._process.metadata(self._executor.clock()))
        self._journal.write()

    def _outcome(self, step: Step, ending: Ending, began: datetime, attempts: int) -> StepOutcome:
        report = ending.report
        return StepOutcome(
            step_id=step.step_id,
            name=step.name,
            ps_type=step.ps_type,
            state=ending.state,
            started_at=began,
            ended_at=self._executor.clock(),
            attempts=attempts,
            summary=report.summary if report else "",
            details=report.details if report else {},
            rows_processed=report.rows_processed if report else None,
            failure=ending.failure,
            abandoned=ending.abandoned,
        )

    def _state(self) -> State:
        states = [outcome.state for outcome in self._outcomes.values()]
        if self._cancellation.reason is not None and any(state is not State.COMPLETED for state in states):
            return State.CANCELLED
        return overall(states)

    def _report(self, state: State, started: datetime, ended: datetime) -> RunReport:
        return RunReport(
            run_id=self._run_id,
            pipeline_id=self._pipeline.pipeline_id,
            name=self._pipeline.name,
            organization=self._trigger.organization,
            state=state,
            started_at=started,
            ended_at=ended,
            parameters=self._parameters,
            steps=tuple(self._outcomes.values()),
            recorded=self._journal.is_complete,
            record_problem=self._journal.problem,
        )


def _without_secrets(failure: Failure, redaction: Redaction) -> Failure:
    """Whatever is shown, logged or recorded of a failure is made of this."""
    message, hint, trace = map(redaction.text, (failure.message, failure.hint, failure.trace))
    return replace(failure, message=message, hint=hint, trace=trace)
