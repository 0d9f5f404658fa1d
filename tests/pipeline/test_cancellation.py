"""Steps whose time is over, and runs that are called off: nothing more happens in the warehouse, whatever they do."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator

import pytest

from cloudact.errors import StepCancelled, WarehouseBusy
from cloudact.pipeline.attempt import Wait
from cloudact.pipeline.cancellable import CancellableWarehouse
from cloudact.pipeline.cancellation import Cancellation, cancelled_by_signals
from cloudact.pipeline.processor import StepContext, StepReport
from cloudact.pipeline.records import RUNS, STEP_LOGS, TRANSITIONS
from cloudact.pipeline.states import State
from cloudact.warehouse.driver import Session
from tests.pipeline.steps import Act, NoteConfig, World, central, step, steps

LONG = 60.0


def over_when(ready: threading.Event) -> Wait:
    """Any time is over as soon as the step is `ready` for it; its end is waited for in earnest only when it ended."""

    def wait(event: threading.Event, _seconds: float) -> bool:
        assert ready.wait(LONG)
        return event.is_set()

    return wait


def note(session: Session, name: str) -> None:
    row = {"transition_id": name, "org_slug": "x", "pipeline_logging_id": "other", "entity_type": "STEP",
           "from_state": "x", "to_state": "x", "transition_time": "2026-01-01T00:00:00Z",
           "transition_date": "2026-01-01"}  # fmt: skip
    session.insert(central().name, TRANSITIONS, [row])


def notes(world: World) -> list[str]:
    return [row["transition_id"] for row in world.rows(TRANSITIONS) if row["pipeline_logging_id"] == "other"]


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """What a step that ignores everything waits for; set at the end, so that no thread outlives its test."""
    made = threading.Event()
    yield made
    made.set()


def stubborn(world: World, ready: threading.Event, release: threading.Event, after: threading.Event) -> Act:
    """A step that ignores its cancellation, and then goes on to write."""

    def act(_config: NoteConfig, context: StepContext) -> StepReport:
        if context.step_id != "one":
            return StepReport("done")
        warehouse = CancellableWarehouse(world.warehouse, context.cancellation)
        warehouse.run(lambda session: note(session, "in-time"))
        ready.set()
        assert release.wait(LONG)
        try:
            warehouse.run(lambda session: note(session, "too-late"))
        finally:
            after.set()
        return StepReport("never")

    return act


@pytest.mark.parametrize(("on_failure", "next_state"), [("stop", "SKIPPED"), ("continue", "COMPLETED")])
def test_a_step_that_does_not_end_is_left_behind_without_the_warehouse(
    world: World, release: threading.Event, on_failure: str, next_state: str
) -> None:
    ready, after = threading.Event(), threading.Event()
    world.processor.act = stubborn(world, ready, release, after)
    world.options["wait"] = over_when(ready)
    report = world.run(steps(step("one", timeout=5, on_failure=on_failure), step("two", depends_on="[]")))
    assert report.state is State.TIMED_OUT
    assert report.steps[0].abandoned
    assert report.steps[0].failure is not None
    assert report.steps[0].failure.message.startswith("timed out after 5 s; it did not end within the time")
    assert world.states() == {"one": "TIMED_OUT", "two": next_state}
    assert json.loads(world.rows(STEP_LOGS)[0]["error_context"])["error_type"] == "TIMEOUT"
    release.set()
    assert after.wait(LONG)
    assert notes(world) == ["in-time"]


def test_a_write_that_is_under_way_when_its_step_is_left_behind_is_told(world: World, release: threading.Event) -> None:
    ready, after = threading.Event(), threading.Event()

    def write(session: Session) -> None:
        note(session, "half")

    def act(_config: NoteConfig, context: StepContext) -> StepReport:
        with context.cancellation.guarded():
            ready.set()
            assert release.wait(LONG)
        try:
            CancellableWarehouse(world.warehouse, context.cancellation).run(write)
        finally:
            after.set()
        return StepReport("never")

    world.processor.act = act
    world.options |= {"wait": over_when(ready), "grace_seconds": 0.0}
    report = world.run(steps(step("one", timeout=5)))
    assert report.steps[0].failure is not None
    assert report.steps[0].failure.message.endswith("of which one statement is still under way")
    release.set()
    assert after.wait(LONG)
    assert notes(world) == []


def until_cancelled(ready: threading.Event) -> Act:
    """Return a step that says that it is at work, and ends when it is cancelled."""

    def act(_config: NoteConfig, context: StepContext) -> StepReport:
        ready.set()
        assert context.cancellation.wait(LONG)
        context.cancellation.check()
        return StepReport("never")

    return act


def test_a_step_that_looks_at_its_cancellation_ends_in_time(world: World) -> None:
    ready = threading.Event()
    world.processor.act = until_cancelled(ready)

    def wait(event: threading.Event, seconds: float) -> bool:
        assert ready.wait(LONG)
        return event.wait(LONG) if seconds == 10.0 else event.is_set()

    world.options["wait"] = wait
    report = world.run(steps(step("one", timeout=5, retry="{attempts: 3}")))
    assert (report.state, report.steps[0].attempts, report.steps[0].abandoned) == (State.TIMED_OUT, 1, False)


def test_a_unit_of_work_that_is_under_way_is_undone(world: World) -> None:
    cancellation = Cancellation()

    def work(session: Session) -> None:
        note(session, "half")
        cancellation.cancel("timed out")

    with pytest.raises(StepCancelled, match="timed out"):
        CancellableWarehouse(world.warehouse, cancellation).run(work)
    assert notes(world) == []


def test_a_cancelled_unit_makes_no_further_call(world: World) -> None:
    cancellation = Cancellation()
    made: list[str] = []

    def work(session: Session) -> None:
        cancellation.cancel("timed out")
        session.count(central().name, RUNS)
        made.append("counted")

    with pytest.raises(StepCancelled):
        CancellableWarehouse(world.warehouse, cancellation).run(work)
    assert made == []


def test_a_commit_that_began_in_time_is_waited_for() -> None:
    cancellation, inside, go = Cancellation(), threading.Event(), threading.Event()

    def commit() -> None:
        with cancellation.guarded():
            inside.set()
            assert go.wait(LONG)

    thread = threading.Thread(target=commit)
    thread.start()
    assert inside.wait(LONG)
    cancellation.cancel("over")
    assert not cancellation.wait_until_idle(0)
    go.set()
    assert cancellation.wait_until_idle(LONG)
    thread.join()


def test_the_first_reason_counts_and_callbacks_are_called_once() -> None:
    cancellation, called = Cancellation(), []
    cancellation.on_cancel(lambda: called.append("early"))
    forget = cancellation.on_cancel(lambda: called.append("forgotten"))
    forget()
    assert cancellation.cancel("first")
    assert not cancellation.cancel("second")
    cancellation.on_cancel(lambda: called.append("late"))
    assert (cancellation.reason, called) == ("first", ["early", "late"])


def test_a_cancelled_run_ends_its_step_and_skips_the_rest(world: World) -> None:
    run = Cancellation()

    def act(_config: NoteConfig, context: StepContext) -> StepReport:
        run.cancel("cancelled by a test")
        context.cancellation.check()
        return StepReport("never")

    world.processor.act = act
    report = world.run(steps(step("one", on_failure="continue"), step("two")), cancellation=run)
    assert report.state is State.CANCELLED
    assert world.states() == {"one": "CANCELLED", "two": "SKIPPED"}
    assert [row["status"] for row in world.rows(RUNS)] == ["CANCELLED"]
    assert report.steps[1].reason == "the run was cancelled by a test"


def test_what_was_done_all_the_same_is_completed(world: World) -> None:
    run = Cancellation()
    world.processor.act = lambda _config, _context: StepReport(f"done {run.cancel('cancelled')}")
    report = world.run(steps(step("one"), step("two")), cancellation=run)
    assert world.states() == {"one": "COMPLETED", "two": "SKIPPED"}
    assert report.state is State.CANCELLED


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_cancel_the_run(world: World, number: signal.Signals) -> None:
    def act(_config: NoteConfig, context: StepContext) -> StepReport:
        os.kill(os.getpid(), number)
        assert context.cancellation.wait(LONG)
        context.cancellation.check()
        return StepReport("never")

    world.processor.act = act
    run = Cancellation()
    before = signal.getsignal(number)
    with cancelled_by_signals(run):
        report = world.run(steps(step("one"), step("two")), cancellation=run)
    assert report.state is State.CANCELLED
    assert run.reason == f"cancelled by {number.name}"
    assert signal.getsignal(number) is before


def test_an_interrupt_without_a_handler_cancels_as_well(world: World) -> None:
    ready = threading.Event()
    world.processor.act = until_cancelled(ready)
    waits: list[float] = []

    def wait(event: threading.Event, seconds: float) -> bool:
        waits.append(seconds)
        assert ready.wait(LONG)
        if len(waits) == 1:
            raise KeyboardInterrupt
        return event.wait(LONG)

    world.options["wait"] = wait
    assert world.run(steps(step("one"))).state is State.CANCELLED


def test_a_run_is_not_tried_again_once_it_is_cancelled(world: World) -> None:
    run = Cancellation()

    def sleep(_cancellation: Cancellation, _seconds: float) -> None:
        run.cancel("cancelled")

    def act(_config: NoteConfig, _context: StepContext) -> StepReport:
        raise WarehouseBusy("lost")

    world.processor.act = act
    world.options["sleep"] = sleep
    report = world.run(steps(step("one", retry="{attempts: 5}")), cancellation=run)
    assert (report.state, report.steps[0].attempts) == (State.CANCELLED, 1)


def test_a_long_wait_renews_the_lease(world: World) -> None:
    ready, beats = threading.Event(), []

    def act(_config: NoteConfig, _context: StepContext) -> StepReport:
        assert ready.wait(LONG)
        return StepReport("done")

    def wait(event: threading.Event, seconds: float) -> bool:
        beats.append(json.loads(world.rows(RUNS)[0]["run_metadata"])["lease_until"])
        if len(beats) < 3:
            return False
        ready.set()
        return event.wait(LONG)

    world.processor.act = act
    world.options["wait"] = wait
    assert world.run(steps(step("one"))).state is State.COMPLETED
    assert beats == sorted(set(beats))
