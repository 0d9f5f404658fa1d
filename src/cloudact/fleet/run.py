"""One run of the fleet: waves one after another, organizations beside each other, and an account at the end."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog

from cloudact.errors import CloudactError, FleetRunNotOpen
from cloudact.fleet.ledger import Begun, Ending, Ledger, begun_row
from cloudact.fleet.planning import FleetPlan
from cloudact.fleet.progress import FleetFailure, FleetRun, Progress, Step, WaveProgress, account
from cloudact.fleet.together import Together
from cloudact.fleet.waves import Wave
from cloudact.pipeline.attempt import failure_of
from cloudact.pipeline.cancellation import Cancellation
from cloudact.pipeline.definition import FLEET_SYNC
from cloudact.pipeline.records import LEASE, Subject, Transition, end_values
from cloudact.pipeline.recovery import this_process
from cloudact.pipeline.report import Failure
from cloudact.pipeline.states import ErrorType, State
from cloudact.tenancy.actor import Actor
from cloudact.tenancy.audit.event import Action, Event, ResourceType
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.organizations import Organizations
from cloudact.tenancy.store import NewId
from cloudact.tenancy.sync import SyncOutcome, SyncResult
from cloudact.warehouse.driver import Session

Notice = Callable[[Progress], None]
Sleep = Callable[[Cancellation, float], object]
_NAMED = 5
# Of a batch that was refused: fewer than that are done alone sooner than halved again.
_FEWEST_TOGETHER = 6
# Nothing happens in a pause but that the lease is renewed, and a run that was aborted is not gone on with.
_PAUSE_BEAT_SECONDS = 15.0
_log = structlog.get_logger(__name__)


def ignore_progress(_progress: Progress) -> None:
    """Take no notice."""


@dataclass(frozen=True, slots=True)
class Done:
    """What came of organizations that were begun together, and who of them is to be begun again, with whom.

    `recorded` is when their unit also recorded them, and `refused` why it did not, because the run has ended.
    """

    steps: Sequence[Step] = ()
    left: Sequence[tuple[str, ...]] = ()
    recorded: datetime | None = None
    refused: str = ""


@dataclass(slots=True)
class FleetRunner:
    """One run that has begun. The thread of `carry_out` counts; the others sync organizations.

    A unit of several records them itself, so that a process which is killed has on record what it did. It has the row
    of the run to itself then: of two that write it one would be done again.
    """

    begun: Begun
    plan: FleetPlan
    organizations: Organizations
    ledger: Ledger
    actor: Actor
    parameters: dict[str, Any]
    progress: Progress
    clock: Callable[[], datetime]
    new_id: NewId
    sleep: Sleep
    beat_seconds: float
    unit: int
    workers: int
    _together: Together = field(init=False)
    _cancellation: Cancellation = field(init=False)
    _notice: Notice = field(init=False, default=ignore_progress)
    _waiting: list[Step] = field(init=False, default_factory=list)
    _failures: list[FleetFailure] = field(init=False, default_factory=list)
    _uncertain: bool = field(init=False, default=False)
    _problem: str = field(init=False, default="")
    _renewed: datetime = field(init=False)
    _looked: datetime = field(init=False)
    # Why nothing more is begun, and as what the run ends because of it.
    _stop: str = field(init=False, default="")
    _ends_as: State = field(init=False, default=State.COMPLETED)

    def carry_out(self, cancellation: Cancellation, notice: Notice) -> FleetRun:
        """Do every wave, unless the run is stopped before, and return the account of it."""
        self._cancellation, self._notice = cancellation, notice
        self._together = Together.of(self.organizations, self.plan.request.policy, self.actor)
        self._renewed = self._looked = self.begun.at
        _log.info("fleet_sync_started", run_id=self.begun.run_id, needed=self.plan.needed)
        try:
            self._leave_to_people()
            for wave, counts in zip(self.plan.waves, self.progress.waves, strict=True):
                if self._is_stopped() or (wave.number > 1 and self._paused()):
                    break
                self.progress.wave = wave.number
                self._carry_out_wave(wave, counts)
        except BaseException as error:
            # Nothing foresees it; the run must not look as if it went on until its lease is over.
            self._end_now(f"{type(error).__name__} ended the run; the log says more", State.FAILED)
            self._finish()
            raise
        return self._finish()

    def _leave_to_people(self) -> None:
        """Name those for whom nothing can be done here."""
        now = self.clock()
        for slug, group in self.plan.blocked():
            cause = "; ".join(f"{item.object}: {item.what}. {item.fix}" for item in group.conflicts[:_NAMED])
            failure = Failure(cause, ErrorType.VALIDATION_ERROR)
            self._keep(Step(self.new_id(), slug, 0, State.SKIPPED, now, now, "left to a person", 0, failure))
        self._beat(now=self._records_at_once() and bool(self._waiting))
        self._notice(self.progress)

    def _carry_out_wave(self, wave: Wave, counts: WaveProgress) -> None:
        workers = self.workers
        with ThreadPoolExecutor(workers, thread_name_prefix="fleet") as pool:
            batches, again = self.plan.batches(wave, self.unit), deque[tuple[str, ...]]()
            pending: set[Future[Done]] = set()
            batch: tuple[str, ...] | None = None
            while True:
                while not self._is_stopped() and len(pending) < self._ahead():
                    batch = again.popleft() if again else next(batches, None)
                    if batch is None:
                        break
                    pending.add(pool.submit(copy_context().run, self._sync, batch, wave.number))
                if not pending:
                    break
                ended, pending = wait(pending, self.beat_seconds, FIRST_COMPLETED)
                done = [future.result() for future in ended]
                for one in done:
                    # The parts of what was refused come first: who fails is to stop the run before more is begun.
                    again.extendleft(reversed(one.left))
                    self._count(one, counts)
                if not pending or batch is None or len(batch) == 1:
                    self._beat(now=self._records_at_once() and bool(self._waiting))

    def _records_at_once(self) -> bool:
        return self.unit > 1

    def _ahead(self) -> int:
        """How many batches are begun before the first of them is counted."""
        return 1 if self._records_at_once() else 2 * self.workers

    def _sync(self, batch: tuple[str, ...], wave: int) -> Done:
        """Bring organizations in step, in a thread of the pool; nobody when nothing more is begun."""
        if self._stop or self._cancellation.reason is not None:
            return Done()
        return self._sync_together(batch, wave) if len(batch) > 1 else Done([self._sync_alone(batch[0], wave)])

    def _sync_together(self, batch: tuple[str, ...], wave: int) -> Done:
        """Bring those in step that are as the first of them, and leave the others to be done alone.

        What keeps one from it keeps them all from it: each half is tried by itself, and few are done alone.
        """
        started, steps = self.clock(), list[Step]()
        at = started

        def record(session: Session, results: Mapping[str, SyncResult]) -> None:
            nonlocal at
            at = self.clock()
            steps[:] = [_step(self.new_id(), slug, wave, started, at, result) for slug, result in results.items()]
            self.ledger.add(session, self.begun, steps, self._metadata(at, self.progress.with_steps(steps)))

        try:
            results = self._together.sync(batch, record)
        except FleetRunNotOpen as error:
            return Done(refused=error.message)
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody has been changed
            _log.info("fleet_unit_taken_apart", organizations=len(batch), detail=failure_of(error).message)
            return Done(left=_parts(batch))
        left = [(slug,) for slug in batch if slug not in results]
        return Done(steps, left, at if steps else None)

    def _sync_alone(self, slug: str, wave: int) -> Step:
        """Bring one organization in step."""
        started = self.clock()
        try:
            result = self.organizations.sync(OrgSlug(slug), self.plan.request.policy, actor=self.actor)
        except Exception as error:  # noqa: BLE001 - it is this organization's failure, and nobody else's
            failure = failure_of(error)
            _log.warning("fleet_organization_failed", organization=slug, detail=failure.message, trace=failure.trace)
            return Step(self.new_id(), slug, wave, State.FAILED, started, self.clock(), "", 0, failure)
        return _step(self.new_id(), slug, wave, started, self.clock(), result)

    def _count(self, done: Done, counts: WaveProgress) -> None:
        self.progress.count(done.steps)
        for step in done.steps:
            self._keep(step, recorded=done.recorded is not None)
        if done.recorded:
            self._renewed = self._looked = done.recorded
        if done.refused:
            self._end_now(f"the run was ended by somebody else: {done.refused}", State.CANCELLED)
        if not self.plan.request.may_go_on(counts.failed, counts.organizations):
            limit = self.plan.request.max_failures
            told = f"Stopped in wave {counts.number}: {counts.failed} of {counts.organizations} failed, more than"
            self._end_now(f"{told} max_failures allows ({limit})", State.FAILED)
        if done.steps:
            self._notice(self.progress)

    def _keep(self, step: Step, *, recorded: bool = False) -> None:
        if not recorded:
            self._waiting.append(step)
        if failure := step.as_failure():
            self._failures.append(failure)

    def _paused(self) -> bool:
        """Let the pause between two waves go by; tell whether the run was stopped meanwhile."""
        left = self.plan.request.pause_seconds
        while left > 0 and not self._is_stopped():
            part = min(left, _PAUSE_BEAT_SECONDS)
            self.sleep(self._cancellation, part)
            left -= part
            self._beat(now=True)
        return self._is_stopped()

    def _is_stopped(self) -> bool:
        if not self._stop and (reason := self._cancellation.reason) is not None:
            self._end_now(reason, State.CANCELLED)
        return bool(self._stop)

    def _end_now(self, reason: str, state: State) -> None:
        if not self._stop:
            self._ends_as, self._stop = state, reason

    def _beat(self, *, now: bool = False) -> None:
        """Record what is done, renew the lease, and see whether somebody ended the run."""
        at = self.clock()
        if not now and at - self._looked < timedelta(seconds=self.beat_seconds):
            return
        self._looked = at
        status = self._note(at)
        if status and status != State.RUNNING:
            self._end_now(f"the run was ended by somebody else, as {status}", State.CANCELLED)
        if at - self._renewed > LEASE * 2 / 3:
            # Others may take the run for dead soon.
            self._end_now(f"the lease could not be renewed: {self._problem}", State.FAILED)

    def _note(self, at: datetime) -> str:
        """Record what is done so far; returns the state of the run, or nothing where that is impossible now."""
        steps, metadata = list(self._waiting), self._metadata(at, self.progress)
        try:
            status = self.ledger.note(self.begun, steps, metadata, uncertain=self._uncertain)
        except CloudactError as error:
            # It may have happened all the same, when only the answer did not arrive.
            self._uncertain, self._problem = True, error.message
            _log.warning("fleet_run_not_recorded", run_id=self.begun.run_id, detail=error.message)
            return ""
        self._waiting, self._uncertain, self._problem, self._renewed = [], False, "", at
        return status

    def _metadata(self, at: datetime, progress: Progress) -> dict[str, Any]:
        return {**this_process().metadata(at), "progress": progress.as_json()}

    def _finish(self) -> FleetRun:
        """Record the end, and return the account; where it cannot be recorded, the account says so."""
        at = self.clock()
        state = self._ends_as
        if state is State.COMPLETED and self.progress.failed:
            state = State.FAILED
        values = {**end_values(state, self.begun.at, at), "error_message": self._stop or None}
        run = {**begun_row(self.begun, {}, {}), **values}
        ending = Ending(
            self._last_change(state, at), list(self._waiting), self._metadata(at, self.progress), self._uncertain
        )
        try:
            run, self._problem = self.ledger.end(self.begun, self.actor, self._event(state), ending), ""
        except CloudactError as error:
            self._problem = error.message
            _log.warning("fleet_run_not_recorded", run_id=self.begun.run_id, detail=error.message)
        _log.info("fleet_sync_ended", run_id=self.begun.run_id, state=str(state), failed=self.progress.failed)
        told = {**run, "parameters": self.parameters, "run_metadata": self._metadata(at, self.progress)}
        return account(told, self.progress, self._failures, recorded=not self._problem)

    def _event(self, state: State) -> Event:
        counts = self.progress
        details = {
            "run_id": self.begun.run_id,
            "phase": "outcome",
            "state": str(state),
            "needed": counts.needed,
            "synced": counts.synced,
            "failed": counts.failed,
            "reason": self._stop,
        }
        return Event(Action.EXECUTE, ResourceType.PIPELINE, FLEET_SYNC, None, details)

    def _last_change(self, state: State, at: datetime) -> Transition:
        failure = None
        if state is State.FAILED:
            told = self._stop or self.progress.why_failed
            failure = Failure(told, ErrorType.DEPENDENCY_FAILURE)
        return Transition(Subject(FLEET_SYNC, since=self.begun.at), State.RUNNING, state, at, failure, self._stop)


def _parts(batch: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return as what a batch is begun again that was refused."""
    half = len(batch) // 2
    return [batch[:half], batch[half:]] if half >= _FEWEST_TOGETHER else [(slug,) for slug in batch]


def _step(step_id: str, slug: str, wave: int, started: datetime, ended: datetime, result: SyncResult) -> Step:
    """Return what came of an organization whose sync did not raise."""
    failure, changes = _failure_of_result(result), sum(1 for _ in _changes(result))
    state = State.FAILED if failure else State.COMPLETED
    return Step(step_id, slug, wave, state, started, ended, result.message, changes, failure)


def _failure_of_result(result: SyncResult) -> Failure | None:
    """Return why a sync that did not raise has not brought its organization in step."""
    if result.status is SyncOutcome.SUCCESS:
        return None
    causes = [f"{item.change}: {item.message} {item.hint}".rstrip() for item in result.errors]
    causes += [f"{item.object}: {item.what}. {item.fix}" for item in result.conflicts]
    more = len(causes) - _NAMED
    told = "; ".join(causes[:_NAMED]) + (f"; and {more} more" if more > 0 else "")
    return Failure(told, ErrorType.PERMANENT if result.errors else ErrorType.VALIDATION_ERROR)


def _changes(result: SyncResult) -> Iterator[str]:
    """Yield every change that a sync made."""
    if result.dataset_created:
        yield result.dataset
    yield from (*result.tables_created, *result.views_created, *result.views_replaced)
    yield from (*result.columns_changed, *result.metadata_updated)
    for columns in result.columns_added.values():
        yield from columns
