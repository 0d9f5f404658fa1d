"""`/api/v1/admin/pipelines`: running pipelines, and the records of their runs."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Annotated

from fastapi import Path, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, StrictBool

from cloudact.api.auth import ActorDep, administrator_router
from cloudact.api.errors import FieldProblem, problem_responses
from cloudact.api.organizations import Text
from cloudact.api.services import AppState, ServicesDep, StateDep
from cloudact.pipeline.definition import TriggerType
from cloudact.pipeline.report import RunReport
from cloudact.pipeline.states import State
from cloudact.processors.pipelines import RunRequest, answer_of, listing_of
from cloudact.processors.runs import MAX_PAGE, RunFilter

router = administrator_router("/api/v1/admin/pipelines", "pipelines")

_EXAMPLE: dict[str, JsonValue] = {
    "pipeline": "setup/bootstrap_system.yml",
    "tenant_id": "system",
    "variables": {"force_recreate_tables": False},
    "dry_run": True,
}


def encodable(values: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Refuse what is no text, as `Text` does: names and values end up in answers, logs and tables."""
    try:
        json.dumps(values, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError("has half of a surrogate pair, which is no character") from None
    return values


class PipelineRunRequest(BaseModel):
    """Which pipeline to run, and for whom."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    pipeline: Text = Field(description="The pipeline's id, or the path of its file within CA_CONFIG_DIR.")
    tenant_id: Text = Field(description="The organization the run is for, or `system` for the platform's own work.")
    variables: Annotated[dict[str, JsonValue], AfterValidator(encodable)] = Field(
        default={}, description="Values for variables of the file, in place of its own."
    )
    dry_run: StrictBool = Field(
        default=False, description="Tell what each step would do to the warehouse as it is now, and change nothing."
    )


class DeclaredStepResponse(BaseModel):
    """A step of a pipeline file."""

    step_id: str = Field(examples=["bootstrap_setup"])
    name: str
    ps_type: str = Field(examples=["setup.initial.onetime_bootstrap"])


class DeclaredPipelineResponse(BaseModel):
    """A pipeline that can be run by its `id`, or what has to be mended before."""

    id: str = Field(examples=["system_bootstrap"])
    name: str
    description: str
    file: str = Field(description="Path within CA_CONFIG_DIR.", examples=["setup/bootstrap_system.yml"])
    organizations: bool = Field(description="Whether an organization may run it for itself, with its own key.")
    variables: dict[str, JsonValue] = Field(description="Their values without run parameters, secrets masked.")
    steps: list[DeclaredStepResponse] = Field(description="In the order in which they run; none with a problem.")
    problems: list[FieldProblem] = Field(description="Why it cannot be run; empty when it can be.")


class PipelineListResponse(BaseModel):
    """The pipelines of the catalog's directory, by path."""

    pipelines: list[DeclaredPipelineResponse]


class StepFailureResponse(BaseModel):
    """Why a step did not complete."""

    message: str
    error_type: str = Field(examples=["PERMANENT"])
    error_class: str
    hint: str = Field(description="What to do about it.")


class StepResponse(BaseModel):
    """What became of one step."""

    step_id: str = Field(examples=["bootstrap_setup"])
    name: str
    ps_type: str = Field(examples=["setup.initial.onetime_bootstrap"])
    state: State
    started_at: datetime
    ended_at: datetime
    duration_ms: int
    attempts: int = Field(description="0 for a step that was skipped.")
    summary: str = Field(description="What it did, in a sentence.")
    details: dict[str, JsonValue] = Field(description="What its processor reports; docs/processors.md explains it.")
    rows_processed: int | None
    failure: StepFailureResponse | None
    reason: str = Field(description="Why it was skipped.")
    abandoned: bool = Field(description="It did not end when it was cancelled, and can use the warehouse no more.")


class PipelineRunResponse(BaseModel):
    """What became of a run and of each of its steps."""

    run_id: str
    pipeline_id: str = Field(examples=["system_bootstrap"])
    name: str
    organization: str = Field(examples=["system"])
    state: State = Field(description="COMPLETED when every step is.")
    started_at: datetime
    ended_at: datetime
    duration_ms: int
    parameters: dict[str, JsonValue] = Field(description="The variables with the values they had, secrets masked.")
    steps: list[StepResponse] = Field(description="In the order in which they ran.")
    dry_run: bool
    recorded: bool = Field(description="Whether the central dataset has a record of all of it.")
    record_problem: str = Field(description="Why it has not.")
    interrupted: list[str] = Field(description="Earlier runs that were found to have ended without saying so.")


class RunResponse(BaseModel):
    """One recorded run."""

    model_config = ConfigDict(from_attributes=True)

    pipeline_logging_id: str
    org_slug: str = Field(examples=["system"])
    pipeline_id: str = Field(examples=["system_bootstrap"])
    status: str = Field(examples=["COMPLETED"])
    trigger_type: str | None = Field(examples=["API"])
    trigger_by: str | None
    user_id: str | None
    org_api_key_id: str | None
    start_time: datetime
    end_time: datetime | None
    duration_ms: int | None
    run_date: date | None
    parameters: JsonValue
    run_metadata: JsonValue
    error_message: str | None
    error_context: JsonValue


class StepLogResponse(BaseModel):
    """One recorded attempt at a step."""

    model_config = ConfigDict(from_attributes=True)

    step_logging_id: str
    step_name: str = Field(examples=["bootstrap_setup"])
    step_type: str = Field(examples=["setup.initial.onetime_bootstrap"])
    step_index: int
    status: str = Field(examples=["COMPLETED"])
    start_time: datetime
    end_time: datetime | None
    duration_ms: int | None
    rows_processed: int | None
    error_message: str | None
    error_context: JsonValue
    metadata: JsonValue


class RunListQuery(BaseModel):
    """Which runs to list; every given filter must match."""

    model_config = ConfigDict(extra="forbid")

    org_slug: str | None = Field(default=None, description="Only runs for this organization, or `system`.")
    pipeline_id: str | None = Field(default=None, description="Only runs of this pipeline.")
    status: State | None = Field(default=None, description="Only runs in this state.")
    limit: int = Field(default=50, ge=1, le=MAX_PAGE)
    offset: int = Field(default=0, ge=0, le=2**31)


class RunListResponse(BaseModel):
    """One page of runs, the latest first."""

    model_config = ConfigDict(from_attributes=True)

    runs: list[RunResponse]
    total: int = Field(description="How many match in all.")
    limit: int
    offset: int


class RunRecordResponse(BaseModel):
    """One run with its steps."""

    model_config = ConfigDict(from_attributes=True)

    run: RunResponse
    steps: list[StepLogResponse] = Field(description="Each attempt, in the order in which they started.")


RunPath = Annotated[str, Path(description="The `run_id` that the run was answered with.")]


@router.get("", summary="List the pipelines of the catalog")
def available(services: ServicesDep) -> PipelineListResponse:
    """Return every pipeline file within CA_CONFIG_DIR, with the problems of those that cannot be run."""
    return PipelineListResponse.model_validate(listing_of(services.pipelines.listed()))


@router.post("/run", summary="Run a pipeline of the catalog", responses=problem_responses(409, 429))
def run(state: StateDep, actor: ActorDep, body: PipelineRunRequest) -> PipelineRunResponse:
    """Run a pipeline to its end and answer what became of each step; a step that failed is told by `state`."""
    request = RunRequest(
        path=state.services.pipelines.named(body.pipeline),
        organization=body.tenant_id,
        variables={name: as_text(value) for name, value in body.variables.items()},
        dry_run=body.dry_run,
        trigger=TriggerType.API,
        actor=actor,
    )
    return PipelineRunResponse.model_validate(answer_of(carried_out(state, request)))


@router.get("/runs", summary="List pipeline runs", responses=problem_responses(409))
def runs(services: ServicesDep, query: Annotated[RunListQuery, Query()]) -> RunListResponse:
    """Return one page of recorded runs, the latest first."""
    wanted = RunFilter(query.org_slug, query.pipeline_id, query.status)
    return RunListResponse.model_validate(services.runs.page(wanted, limit=query.limit, offset=query.offset))


@router.get("/runs/{run_id}", summary="Show a pipeline run", responses=problem_responses(404, 409))
def show(services: ServicesDep, run_id: RunPath) -> RunRecordResponse:
    """Return one recorded run with each attempt at its steps."""
    return RunRecordResponse.model_validate(services.runs.show(run_id))


def carried_out(state: AppState, request: RunRequest) -> RunReport:
    """Run a pipeline to its end, or until the service stops waiting for it."""
    metrics = state.services.metrics
    with state.shutdown.run() as cancellation, metrics.running():
        report = state.services.pipelines.run(request, cancellation)
    if not request.dry_run:
        metrics.run_ended(report.state)
    return report


def as_text(value: JsonValue) -> str:
    """Return a run parameter: text, which is read in the type of the variable; JSON is YAML."""
    return value if isinstance(value, str) else json.dumps(value)
