"""Running pipeline files: found, checked with every processor there is, and handed to the executor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic_core import to_jsonable_python

from cloudact.catalog.problems import some_of
from cloudact.errors import InvalidRequest, Problem
from cloudact.pipeline.cancellation import Cancellation
from cloudact.pipeline.definition import SYSTEM, Pipeline, Trigger, TriggerType
from cloudact.pipeline.executor import Executor
from cloudact.pipeline.load import load_pipeline
from cloudact.pipeline.records import Accounting, Records
from cloudact.pipeline.recovery import mark_interrupted
from cloudact.pipeline.report import RunReport
from cloudact.pipeline.states import State
from cloudact.processors.files import DeclaredPipeline, PipelineFiles
from cloudact.processors.registry import load_processors
from cloudact.processors.use_cases import Dependencies
from cloudact.tenancy.actor import Actor
from cloudact.tenancy.audit.event import Action, Event, ResourceType
from cloudact.tenancy.names import OrgSlug


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A pipeline's file, whom it is run for (`system` is the platform itself), and values of its variables as text.

    One that is `confined` runs only what is for organizations, and for this one alone.
    """

    path: Path
    organization: str
    variables: Mapping[str, str] = field(default_factory=dict)
    dry_run: bool = False
    trigger: TriggerType = TriggerType.MANUAL
    org_api_key_id: str | None = None
    confined: bool = False
    actor: Actor = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Pipelines:
    """Use cases on pipeline files; those within `config_dir` have a name: their path in it, or their id."""

    config_dir: Path
    dependencies: Dependencies
    accounting: Accounting | None = None

    def named(self, name: str) -> Path:
        """Return the file of a path in the catalog's directory, or of a pipeline's id; raises InvalidRequest."""
        return PipelineFiles(self.config_dir).named(name)

    def offered(self, name: str) -> Path:
        """Return the file of a pipeline that organizations may run, by its id; raises InvalidRequest for any other."""
        offered = {item.id: item.file for item in self.listed() if item.organizations and not item.problems}
        if name not in offered:
            fix = f"name one of {some_of(sorted(offered))}" if offered else "none is: its file says organizations: true"
            what = f"{name!r} is not the id of a pipeline that organizations may run"
            raise InvalidRequest(f"pipeline {what} ({fix})", problems=[Problem("request", "pipeline", what, fix)])
        return self.config_dir / offered[name]

    def listed(self) -> list[DeclaredPipeline]:
        """Return the pipelines of the catalog's directory, with the problems of those that cannot be run."""
        return PipelineFiles(self.config_dir).listed(load_processors(self.dependencies))

    def mark_interrupted(self) -> tuple[str, ...]:
        """End the runs whose process is gone as FAILED, and return their ids; none before there is a record of any."""
        dataset = self.dependencies.catalogs.load().central_name
        return mark_interrupted(
            self.dependencies.warehouse, dataset, self.dependencies.clock(), accounting=self.accounting
        )

    def run(self, request: RunRequest, cancellation: Cancellation | None = None) -> RunReport:
        """Run a pipeline, or tell what each step would do; raises PipelineInvalid before anything is done.

        A step that fails is not raised: the report's state tells.
        """
        if request.organization != SYSTEM:
            OrgSlug(request.organization)
        pipeline = load_pipeline(request.path, load_processors(self.dependencies), request.variables)
        if request.confined:
            _confine(pipeline, request.organization)
        executor = self._executor()
        trigger = Trigger(request.organization, request.trigger, org_api_key_id=request.org_api_key_id)
        if request.dry_run:
            return executor.dry_run(pipeline, trigger, cancellation)
        owner = None if request.organization == SYSTEM else request.organization
        event = Event(Action.EXECUTE, ResourceType.PIPELINE, pipeline.pipeline_id, owner)
        with self.dependencies.trail.operation(request.actor, event) as outcome:
            report = executor.run(pipeline, trigger, cancellation)
            outcome.details.update(run_id=report.run_id, state=report.state.value)
            outcome.error = None if report.state is State.COMPLETED else f"the run is {report.state.value}"
        return report

    def _executor(self) -> Executor:
        given = self.dependencies
        records = Records(given.warehouse, given.catalogs.load().central_name, self.accounting)
        return Executor(records, given.clock, given.new_id)


def _confine(pipeline: Pipeline, organization: str) -> None:
    """Raise InvalidRequest unless the pipeline is for organizations, and every step is about this one."""
    elsewhere = [
        step.step_id for step in pipeline.steps if getattr(step.config, "org_slug", None) not in (None, organization)
    ]
    if not pipeline.organizations or elsewhere:
        what = f"is about another organization in {some_of(elsewhere)}" if elsewhere else "is not for organizations"
        fix = "an organization runs pipelines for itself alone"
        problem = Problem("request", "pipeline", what, fix)
        raise InvalidRequest(f"pipeline {pipeline.pipeline_id} {problem.message}", problems=[problem])


def answer_of(report: RunReport) -> dict[str, Any]:
    """Return the report as the service answers it: stack traces are for the records."""
    answer: dict[str, Any] = {**to_jsonable_python(report), "duration_ms": report.duration_ms}
    for step, outcome in zip(answer["steps"], report.steps, strict=True):
        step["duration_ms"] = outcome.duration_ms
        if step["failure"]:
            del step["failure"]["trace"]
    return answer


def listing_of(found: Sequence[DeclaredPipeline]) -> dict[str, Any]:
    """Return pipelines as the service answers them."""
    answer: list[dict[str, Any]] = to_jsonable_python(found)
    for entry, pipeline in zip(answer, found, strict=True):
        entry["problems"] = [
            {"field": item.place, "message": item.message, "code": item.code} for item in pipeline.problems
        ]
    return {"pipelines": answer}
