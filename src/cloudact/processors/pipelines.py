"""Running pipeline files: found, checked with every processor there is, and handed to the executor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic_core import to_jsonable_python

from cloudact.pipeline.cancellation import Cancellation
from cloudact.pipeline.definition import SYSTEM, Trigger, TriggerType
from cloudact.pipeline.executor import Executor
from cloudact.pipeline.load import load_pipeline
from cloudact.pipeline.records import Records
from cloudact.pipeline.recovery import mark_interrupted
from cloudact.pipeline.report import RunReport
from cloudact.processors.files import DeclaredPipeline, PipelineFiles
from cloudact.processors.registry import load_processors
from cloudact.processors.use_cases import Dependencies
from cloudact.tenancy.names import OrgSlug


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A pipeline's file, whom it is run for (`system` is the platform itself), and values of its variables as text."""

    path: Path
    organization: str
    variables: Mapping[str, str] = field(default_factory=dict)
    dry_run: bool = False
    trigger: TriggerType = TriggerType.MANUAL


@dataclass(frozen=True, slots=True)
class Pipelines:
    """Use cases on pipeline files; those within `config_dir` have a name: their path in it, or their id."""

    config_dir: Path
    dependencies: Dependencies

    def named(self, name: str) -> Path:
        """Return the file of a path in the catalog's directory, or of a pipeline's id; raises InvalidRequest."""
        return PipelineFiles(self.config_dir).named(name)

    def listed(self) -> list[DeclaredPipeline]:
        """Return the pipelines of the catalog's directory, with the problems of those that cannot be run."""
        return PipelineFiles(self.config_dir).listed(load_processors(self.dependencies))

    def mark_interrupted(self) -> tuple[str, ...]:
        """End the runs whose process is gone as FAILED, and return their ids; none before there is a record of any."""
        dataset = self.dependencies.catalogs.load().central_name
        return mark_interrupted(self.dependencies.warehouse, dataset, self.dependencies.clock())

    def run(self, request: RunRequest, cancellation: Cancellation | None = None) -> RunReport:
        """Run a pipeline, or tell what each step would do; raises PipelineInvalid before anything is done.

        A step that fails is not raised: the report's state tells.
        """
        if request.organization != SYSTEM:
            OrgSlug(request.organization)
        pipeline = load_pipeline(request.path, load_processors(self.dependencies), request.variables)
        executor = self._executor()
        act = executor.dry_run if request.dry_run else executor.run
        return act(pipeline, Trigger(organization=request.organization, type=request.trigger), cancellation)

    def _executor(self) -> Executor:
        given = self.dependencies
        records = Records(given.warehouse, given.catalogs.load().central_name)
        return Executor(records, given.clock, given.new_id)


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
