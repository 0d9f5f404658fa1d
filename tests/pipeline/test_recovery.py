"""Runs that ended without saying so: interrupted between any two writes, found and ended by whoever starts next."""

from __future__ import annotations

import json
import os
import socket
import threading
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest

from cloudact.errors import WarehouseUnavailable
from cloudact.pipeline.processor import StepContext, StepReport
from cloudact.pipeline.records import LEASE, RUNS, STEP_LOGS, TRANSITIONS
from cloudact.pipeline.recovery import Process, is_alive, mark_interrupted, this_process
from cloudact.pipeline.states import State
from tests.pipeline.faults import AnswersLost, CallsFail, EveryUnitTwice
from tests.pipeline.steps import START, NoteConfig, World, central, make_central, step, steps
from tests.reliability.stepping import SteppedWarehouse

TWO = steps(step("one"), step("two"))


class Killed(BaseException):
    """The process ends here: nothing that handles errors sees this."""


def gone(_process: Process) -> bool:
    return False


def killed_at(world: World, number: int) -> bool:
    """Run a pipeline, killed before the `number`th call of a session; tell whether that came."""
    left = count(1)

    def step_or_die() -> None:
        if next(left) == number:
            raise Killed

    real = world.warehouse
    world.warehouse = SteppedWarehouse(real, step_or_die)
    try:
        world.run(TWO)
    except Killed:
        return True
    finally:
        world.warehouse = real
    return False


def test_killed_between_any_two_writes_the_next_start_ends_the_run() -> None:
    for number in count(1):
        world = World()
        make_central(world.warehouse)
        died = killed_at(world, number)
        before = {row["pipeline_logging_id"]: row["status"] for row in world.rows(RUNS)}
        ended = mark_interrupted(world.warehouse, central().name, world.now(), gone)
        assert ended == tuple(name for name, status in before.items() if status == "RUNNING")
        assert_nothing_is_open(world)
        assert world.run(TWO).state is State.COMPLETED
        assert_nothing_is_open(world)
        world.warehouse.close()
        if not died:
            assert number == 15
            return


def assert_nothing_is_open(world: World) -> None:
    """Every run and step has ended, and its last recorded change of state says how."""
    last = {row["step_logging_id"] or row["pipeline_logging_id"]: row["to_state"] for row in world.rows(TRANSITIONS)}
    rows = {row["pipeline_logging_id"]: row["status"] for row in world.rows(RUNS)}
    rows |= {row["step_logging_id"]: row["status"] for row in world.rows(STEP_LOGS)}
    assert {name: last[name] for name in rows} == rows
    assert not {"RUNNING", "PENDING"} & set(rows.values())


@pytest.mark.parametrize("number", range(1, 8))
def test_killed_while_it_ends_a_run_it_can_be_done_again(world: World, number: int) -> None:
    interrupt(world)
    left = count(1)

    def step_or_die() -> None:
        if next(left) == number:
            raise Killed

    with pytest.raises(Killed):
        mark_interrupted(SteppedWarehouse(world.warehouse, step_or_die), central().name, world.now(), gone)
    assert len(mark_interrupted(world.warehouse, central().name, world.now(), gone)) == 1
    assert_nothing_is_open(world)
    assert len(world.rows(TRANSITIONS)) == 4


def interrupt(world: World) -> None:
    """Leave a run whose first step is RUNNING."""

    def die(*_arguments: object) -> bool:
        raise Killed

    world.options["wait"] = die
    with pytest.raises(Killed):
        world.run(TWO)
    del world.options["wait"]
    assert world.states() == {"one": "RUNNING"}


def test_an_interrupted_run_has_failed_with_the_reason(world: World) -> None:
    interrupt(world)
    mark_interrupted(world.warehouse, central().name, world.now(), gone)
    (run,) = world.rows(RUNS)
    assert run["status"] == "FAILED"
    assert run["error_message"] == f"interrupted: process {os.getpid()} on {socket.gethostname()} is gone"
    assert json.loads(run["error_context"])["error_type"] == "UNKNOWN"
    assert world.states() == {"one": "FAILED"}
    ended = {row["entity_name"] for row in world.rows(TRANSITIONS) if row["to_state"] == "FAILED"}
    assert ended == {"one", "test_pipeline"}


def test_a_run_whose_process_lives_goes_on(world: World) -> None:
    interrupt(world)
    assert mark_interrupted(world.warehouse, central().name, world.now()) == ()
    assert world.states() == {"one": "RUNNING"}


def test_a_run_that_gives_no_sign_of_life_has_ended(world: World) -> None:
    interrupt(world)
    just_before, after = START + LEASE, START + LEASE + timedelta(minutes=1)
    assert mark_interrupted(world.warehouse, central().name, just_before, lambda _process: None) == ()
    assert len(mark_interrupted(world.warehouse, central().name, after, lambda _process: None)) == 1
    (run,) = world.rows(RUNS)
    assert run["error_message"].endswith(" gave no sign of life before its lease ended at 2026-01-01 00:15:01 UTC")


def test_the_next_run_says_which_runs_were_interrupted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    other = replace(this_process(), started="another start")
    monkeypatch.setattr("cloudact.pipeline.executor.this_process", lambda: other)
    interrupt(world)
    (run,) = world.rows(RUNS)
    report = world.run(TWO)
    assert report.interrupted == (run["pipeline_logging_id"],)
    assert sorted(row["status"] for row in world.rows(RUNS)) == ["COMPLETED", "FAILED"]


def test_of_several_at_once_one_ends_a_run(world: World) -> None:
    interrupt(world)
    now = world.now()
    found: list[tuple[str, ...]] = []
    start = threading.Barrier(4)

    def recover() -> None:
        start.wait()
        found.append(mark_interrupted(world.warehouse, central().name, now, gone))

    threads = [threading.Thread(target=recover) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(len, found)) == [0, 0, 0, 1]
    assert_nothing_is_open(world)
    assert len(world.rows(TRANSITIONS)) == 4


@pytest.mark.parametrize("metadata", [None, "5", '"text"', "{}", '{"pid": "x", "lease_until": "never"}'])
def test_a_run_that_somebody_else_wrote_has_the_lease_from_its_start(world: World, metadata: str | None) -> None:
    row = {"pipeline_logging_id": "r", "org_slug": "x", "pipeline_id": "p", "status": "PENDING", "start_time": START,
           "run_metadata": metadata}  # fmt: skip
    world.warehouse.run(lambda session: session.insert(central().name, RUNS, [row]))
    assert mark_interrupted(world.warehouse, central().name, START) == ()
    assert mark_interrupted(world.warehouse, central().name, START + 2 * LEASE) == ("r",)


def test_without_the_tables_nothing_was_interrupted(bare: World) -> None:
    assert mark_interrupted(bare.warehouse, central().name, START, gone) == ()


def test_a_process_is_known_by_its_start() -> None:
    here = this_process()
    if not here.started:
        pytest.skip("this system has no /proc to see processes in")
    assert is_alive(here) is True
    assert is_alive(replace(here, started="another")) is False
    assert is_alive(replace(here, host="elsewhere")) is None
    assert is_alive(replace(here, pid=2**22 + 1)) is False


@pytest.mark.parametrize(
    ("failing", "recorded"), [(("insert",), True), (("insert", "ensure"), False), (("update",), False)]
)
def test_recording_that_fails_changes_nothing_of_the_run(
    world: World, failing: tuple[str, ...], recorded: bool
) -> None:
    world.warehouse = CallsFail(world.warehouse, failing, WarehouseUnavailable("away"))
    report = world.run(TWO)
    assert (report.state, world.processor.ran) == (State.COMPLETED, ["one", "two"])
    assert (report.recorded, report.record_problem) == (recorded, "" if recorded else "away")


def test_what_could_not_be_written_once_is_written_later_and_once(world: World) -> None:
    """The second time each row is looked for: the first write may have happened although it failed."""
    real = world.warehouse
    world.warehouse = AnswersLost(real, 3, WarehouseUnavailable("the answer was lost"))
    report = world.run(TWO)
    world.warehouse = real
    assert report.recorded
    assert len(world.rows(RUNS)) == 1
    assert len(world.rows(STEP_LOGS)) == 2
    assert len(world.rows(TRANSITIONS)) == 6
    assert_nothing_is_open(world)


@pytest.mark.parametrize("taken_for_dead", [False, True], ids=["alive", "taken for dead"])
def test_a_run_without_a_lease_does_not_claim_a_record_that_others_ended(world: World, taken_for_dead: bool) -> None:
    slept = [timedelta()]
    awake = world.now
    world.now = lambda: awake() + slept[0]

    def sleep(_config: NoteConfig, _context: StepContext) -> StepReport:
        slept[0] = 2 * LEASE
        if taken_for_dead:
            assert len(mark_interrupted(world.warehouse, central().name, world.now(), lambda _process: None)) == 1
        return StepReport("done")

    world.processor.act = sleep
    report = world.run(steps(step("one")))
    assert (report.state, report.recorded) == (State.COMPLETED, not taken_for_dead)
    assert [row["status"] for row in world.rows(RUNS)] == ["FAILED" if taken_for_dead else "COMPLETED"]
    assert ("another process took the run for dead" in report.record_problem) == taken_for_dead
    changes = [(row["entity_name"], row["from_state"]) for row in world.rows(TRANSITIONS)]
    assert len(changes) == len(set(changes)) == 4


def test_a_late_end_that_is_written_twice_is_not_taken_for_that_of_others(world: World) -> None:
    slept = [timedelta()]
    awake = world.now
    world.now = lambda: awake() + slept[0]
    real = world.warehouse
    world.warehouse = EveryUnitTwice(real)

    def sleep(_config: NoteConfig, _context: StepContext) -> StepReport:
        slept[0] = 2 * LEASE
        return StepReport("done")

    world.processor.act = sleep
    assert world.run(steps(step("one"))).record_problem == ""
    world.warehouse = real
    assert [row["status"] for row in world.rows(RUNS)] == ["COMPLETED"] * 2
