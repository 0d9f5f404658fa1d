"""What runs, in which order, after what, and what is recorded of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from cloudact.errors import CatalogError, Problem, TransientError, WarehouseBusy, WarehouseRefused, WarehouseUnavailable
from cloudact.log import configure_logging
from cloudact.pipeline.definition import Trigger, TriggerType
from cloudact.pipeline.processor import StepContext, StepReport
from cloudact.pipeline.records import RUNS, STEP_LOGS, TRANSITIONS
from cloudact.pipeline.states import State
from tests.pipeline.steps import START, Act, NoteConfig, World, make_central, step, steps


def failing(*names: str, error: Exception | None = None) -> Act:
    def act(_config: NoteConfig, context: StepContext) -> StepReport:
        if context.step_id in names:
            raise error or WarehouseRefused("no such thing")
        return StepReport("done")

    return act


def test_a_run_is_recorded_with_its_steps_and_every_change_of_state(world: World) -> None:
    world.processor.act = lambda _config, _context: StepReport("did it", {"tables": ["a"]}, rows_processed=7)
    report = world.run(steps(step("one"), step("two")))
    assert report.state is State.COMPLETED
    assert report.recorded
    (run,) = world.rows(RUNS)
    assert (run["pipeline_logging_id"], run["pipeline_id"], run["org_slug"]) == (
        report.run_id,
        "test_pipeline",
        "system",
    )
    assert (run["status"], run["trigger_type"], run["error_message"]) == ("COMPLETED", "MANUAL", None)
    assert run["duration_ms"] == (run["end_time"] - run["start_time"]).total_seconds() * 1000 > 0
    assert set(json.loads(run["run_metadata"])) == {"host", "pid", "process_started", "lease_until", "version"}
    logs = world.rows(STEP_LOGS)
    assert [(row["step_name"], row["step_index"], row["status"], row["rows_processed"]) for row in logs] == [
        ("one", 0, "COMPLETED", 7),
        ("two", 1, "COMPLETED", 7),
    ]
    assert json.loads(logs[0]["metadata"]) == {"attempt": 1, "summary": "did it", "details": {"tables": ["a"]}}
    changes = [(row["entity_name"], row["from_state"], row["to_state"]) for row in world.rows(TRANSITIONS)]
    assert changes == [
        ("test_pipeline", "PENDING", "RUNNING"),
        ("one", "PENDING", "RUNNING"),
        ("one", "RUNNING", "COMPLETED"),
        ("two", "PENDING", "RUNNING"),
        ("two", "RUNNING", "COMPLETED"),
        ("test_pipeline", "RUNNING", "COMPLETED"),
    ]


def test_a_run_belongs_to_whom_it_was_started_for(world: World) -> None:
    seen: list[str] = []
    world.processor.act = lambda _config, context: StepReport(seen.append(context.organization) or "")
    trigger = Trigger("acme_corp", TriggerType.API, by="someone", user_id="u-1")
    world.executor.run(world.load(steps(step("one"))), trigger)
    assert seen == ["acme_corp"]
    (run,) = world.rows(RUNS)
    assert (run["org_slug"], run["trigger_type"]) == ("acme_corp", "API")


def test_a_step_runs_after_what_it_depends_on(world: World) -> None:
    text = steps(step("last", depends_on="[first]"), step("first", depends_on="[]"), step("then", depends_on="[last]"))
    assert world.run(text).state is State.COMPLETED
    assert world.processor.ran == ["first", "last", "then"]


def test_without_dependencies_steps_run_in_the_order_of_the_file(world: World) -> None:
    world.run(steps(step("b"), step("a"), step("c")))
    assert world.processor.ran == ["b", "a", "c"]


def test_a_failure_stops_the_run(world: World) -> None:
    world.processor.act = failing("two")
    report = world.run(steps(step("one"), step("two"), step("three"), step("free", depends_on="[]")))
    assert report.state is State.FAILED
    assert world.states() == {"one": "COMPLETED", "two": "FAILED", "three": "SKIPPED", "free": "SKIPPED"}
    assert world.processor.ran == ["one", "two"]


def test_steps_after_a_failure_are_skipped_with_the_reason(world: World) -> None:
    world.processor.act = failing("one")
    report = world.run(steps(step("one"), step("two"), step("three")))
    assert world.states() == {"one": "FAILED", "two": "SKIPPED", "three": "SKIPPED"}
    assert report.steps[2].reason == "step one ended as FAILED, and has on_failure: stop"
    (run,) = world.rows(RUNS)
    assert run["error_message"] == "no such thing"
    assert json.loads(run["error_context"])["error_type"] == "PERMANENT"


def test_after_a_failure_that_does_not_stop_only_its_dependents_are_skipped(world: World) -> None:
    world.processor.act = failing("one")
    report = world.run(
        steps(
            step("one", on_failure="continue"),
            step("next"),
            step("needs", depends_on="[one]"),
            step("needs_needs", depends_on="[needs]"),
        )
    )
    assert world.states() == {"one": "FAILED", "next": "COMPLETED", "needs": "SKIPPED", "needs_needs": "SKIPPED"}
    assert report.state is State.FAILED
    assert report.steps[2].reason == "depends on step one, which ended as FAILED"
    assert report.steps[3].reason == "depends on step needs, which ended as SKIPPED"


def test_partial_work_is_not_success(world: World) -> None:
    world.processor.act = lambda _config, _context: StepReport("one of two", {"failed": ["b"]}, failed=True)
    report = world.run(steps(step("one", retry="{attempts: 3}")))
    assert (report.state, report.steps[0].attempts, report.steps[0].details) == (State.FAILED, 1, {"failed": ["b"]})
    assert world.rows(STEP_LOGS)[0]["error_message"] == "one of two"


@pytest.mark.parametrize(
    "error", [WarehouseUnavailable("away"), WarehouseBusy("lost"), TransientError("later")], ids=lambda item: item.code
)
def test_a_transient_error_is_met_with_more_attempts(world: World, error: Exception) -> None:
    def act(_config: NoteConfig, context: StepContext) -> StepReport:
        if context.attempt < 3:
            raise error
        return StepReport("at last")

    world.processor.act = act
    report = world.run(steps(step("one", retry="{attempts: 5, delay_seconds: 2, max_delay_seconds: 3}")))
    assert (report.state, report.steps[0].attempts, world.slept) == (State.COMPLETED, 3, [2.0, 3.0])
    assert [row["status"] for row in world.rows(STEP_LOGS)] == ["FAILED", "FAILED", "COMPLETED"]
    retries = [row["retry_count"] for row in world.rows(TRANSITIONS) if row["entity_type"] == "STEP"]
    assert retries == [0, 0, 1, 1, 2, 2]
    context = json.loads(world.rows(STEP_LOGS)[1]["error_context"])
    assert context["is_retryable"] is True
    assert (context["error_type"], context["retry_count"]) == ("TRANSIENT", 1)


def test_attempts_end(world: World) -> None:
    world.processor.act = failing("one", error=WarehouseUnavailable("away"))
    report = world.run(steps(step("one", retry="{attempts: 3}")))
    assert (report.state, report.steps[0].attempts, world.slept) == (State.FAILED, 3, [1.0, 2.0])


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (WarehouseRefused("no"), "PERMANENT"),
        (CatalogError([Problem("a.json", "x", "is wrong", "mend it")]), "VALIDATION_ERROR"),
        (RuntimeError("a bug"), "UNKNOWN"),
    ],
)
def test_no_other_error_is_tried_again(world: World, error: Exception, kind: str) -> None:
    world.processor.act = failing("one", error=error)
    report = world.run(steps(step("one", retry="{attempts: 3}")))
    assert (report.state, report.steps[0].attempts) == (State.FAILED, 1)
    changed = world.rows(TRANSITIONS)[2]
    assert changed["error_type"] == kind
    assert type(error).__name__ in changed["stack_trace_truncated"]


def test_a_dry_run_plans_every_step_and_changes_nothing(world: World) -> None:
    report = world.executor.dry_run(world.load(steps(step("one"), step("two"))))
    assert (report.dry_run, report.state, world.processor.ran) == (True, State.COMPLETED, [])
    assert world.processor.planned == ["one", "two"]
    assert not report.recorded
    assert world.rows(RUNS) == world.rows(STEP_LOGS) == world.rows(TRANSITIONS) == []


def test_the_run_that_makes_the_tables_records_itself(bare: World) -> None:
    def act(_config: NoteConfig, context: StepContext) -> StepReport:
        if context.step_id == "two":
            make_central(bare.warehouse)
        return StepReport("done")

    bare.processor.act = act
    report = bare.run(steps(step("one"), step("two"), step("three")))
    assert report.recorded
    assert bare.states() == {"one": "COMPLETED", "two": "COMPLETED", "three": "COMPLETED"}
    assert [row["status"] for row in bare.rows(RUNS)] == ["COMPLETED"]
    assert len(bare.rows(TRANSITIONS)) == 8


def test_a_run_that_could_not_be_recorded_says_so(bare: World) -> None:
    report = bare.run(steps(step("one")))
    assert report.state is State.COMPLETED
    assert not report.recorded
    assert "tables of runs are not there" in report.record_problem


SECRET = "s3cr3t-value"


@pytest.mark.parametrize(
    "act",
    [
        lambda config, _context: StepReport(f"used {config.api_token.get_secret_value()}", {"used": [SECRET]}),
        failing("one", error=RuntimeError(f"bad {SECRET}")),
    ],
    ids=["completed", "failed"],
)
def test_secrets_stay_out_of_reports_records_and_logs(world: World, act: Act) -> None:
    world.processor.act = act
    text = f"variables:\n  api_token: {SECRET}\n" + steps(step("one", config='{api_token: "${api_token}"}'))
    configure_logging("INFO")
    with capture_logs() as lines:
        report = world.run(text)
    assert [line["event"] for line in lines][-1] == "pipeline_run_ended"
    recorded = repr([world.rows(table) for table in (RUNS, STEP_LOGS, TRANSITIONS)])
    assert SECRET not in recorded + repr(report) + repr(lines)
    assert json.loads(world.rows(RUNS)[0]["parameters"]) == {"api_token": "***"}


def test_the_parameters_of_a_run_are_recorded(world: World) -> None:
    world.run("variables:\n  day: 2026-01-01\n  force: false\n" + steps(step("one")), {"force": "yes"})
    assert json.loads(world.rows(RUNS)[0]["parameters"]) == {"day": "2026-01-01", "force": True}


@pytest.mark.parametrize(
    "answer",
    [
        None,
        StepReport("x", ["no mapping"]),  # type: ignore[arg-type]
        StepReport(None),  # type: ignore[arg-type]
        StepReport("x", rows_processed="many"),  # type: ignore[arg-type]
        StepReport("x", rows_processed=2**63),
    ],
    ids=["nothing", "no mapping", "no summary", "rows that are no number", "more rows than a column holds"],
)
def test_a_processor_that_returns_no_report_has_failed(world: World, answer: StepReport) -> None:
    world.processor.act = lambda _config, _context: answer
    assert world.run(steps(step("one"))).recorded
    assert world.states() == {"one": "FAILED"}


class UnspeakableError(Exception):
    """An error that cannot say what happened."""

    def __str__(self) -> str:
        raise ValueError("no words")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (UnspeakableError(), "UnspeakableError: its message cannot be told: ValueError"),
        (OSError("no file \udcff"), "OSError: no file ?"),
        (SystemExit(3), "SystemExit: 3"),
    ],
    ids=["unspeakable", "half a character", "exit"],
)
def test_whatever_a_processor_raises_is_recorded(world: World, error: Exception, said: str) -> None:
    world.processor.act = failing("one", error=error)
    report = world.run(steps(step("one")))
    assert (report.recorded, report.record_problem) == (True, "")
    assert [row["error_message"] for row in world.rows(STEP_LOGS)] == [said]


def test_halves_of_characters_are_shown_and_recorded_as_question_marks(world: World) -> None:
    world.processor.act = lambda _config, _context: StepReport("a\ud800", {"\udcff": ["\udcff"]})
    report = world.run("variables: {name: a}\n" + steps(step("one")), {"name": "\udcff"})
    assert (report.recorded, report.parameters) == (True, {"name": "?"})
    assert (report.steps[0].summary, report.steps[0].details) == ("a?", {"?": ["?"]})


def test_details_of_other_types_become_text(world: World) -> None:
    odd = {"at": START, "share": float("nan"), "path": Path("a/b"), "names": {"one"}}
    world.processor.act = lambda _config, _context: StepReport("done", odd)  # type: ignore[arg-type]
    report = world.run(steps(step("one")))
    assert report.recorded
    assert report.steps[0].details == {"at": START.isoformat(), "share": "nan", "path": "a/b", "names": ["one"]}


def test_log_lines_carry_run_step_and_organization(world: World) -> None:
    def act(_config: NoteConfig, context: StepContext) -> StepReport:
        context.log.info("from_the_processor")
        return StepReport("done")

    world.processor.act = act
    configure_logging("INFO")
    with capture_logs() as lines:
        report = world.run(steps(step("one")))
    (line,) = [line for line in lines if line["event"] == "from_the_processor"]
    assert (line["run_id"], line["pipeline_id"], line["step_id"]) == (report.run_id, "test_pipeline", "one")
    assert (line["organization"], line["ps_type"], line["attempt"]) == ("system", "test.note", 1)
    assert all(line["run_id"] == report.run_id for line in lines)
