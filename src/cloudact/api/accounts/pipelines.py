"""`/api/v1/organizations/{org_slug}/pipelines`: runs of one organization, and running what is offered to it."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, StrictBool

from cloudact.api.auth import ActorDep, SlugDep, organization_router, requires
from cloudact.api.errors import problem_responses
from cloudact.api.organizations import Text
from cloudact.api.pipelines import (
    PipelineRunResponse,
    RunListResponse,
    RunPath,
    RunRecordResponse,
    as_text,
    carried_out,
    encodable,
)
from cloudact.api.services import ServicesDep, StateDep
from cloudact.pipeline.definition import TriggerType
from cloudact.pipeline.states import State
from cloudact.processors.pipelines import RunRequest, answer_of
from cloudact.processors.runs import MAX_PAGE, RunFilter
from cloudact.tenancy.access.scopes import Scope

router = organization_router("/api/v1/organizations", "pipelines")
_READ, _EXECUTE = [requires(Scope.PIPELINES_READ)], [requires(Scope.PIPELINES_EXECUTE)]
_EXAMPLE: dict[str, JsonValue] = {"pipeline": "organization_sync", "dry_run": True}


class OwnRunRequest(BaseModel):
    """Which pipeline to run for the organization in the path."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    pipeline: Text = Field(description="The id of a pipeline whose file says `organizations: true`.")
    variables: Annotated[dict[str, JsonValue], AfterValidator(encodable)] = Field(
        default={}, description="Values for variables of the file, in place of its own."
    )
    dry_run: StrictBool = Field(
        default=False, description="Tell what each step would do to the warehouse as it is now, and change nothing."
    )


class OwnRunListQuery(BaseModel):
    """Which of the organization's runs to list; every given filter must match."""

    model_config = ConfigDict(extra="forbid")

    pipeline_id: str | None = Field(default=None, description="Only runs of this pipeline.")
    status: State | None = Field(default=None, description="Only runs in this state.")
    limit: int = Field(default=50, ge=1, le=MAX_PAGE)
    offset: int = Field(default=0, ge=0, le=2**31)


@router.post(
    "/{org_slug}/pipelines/run",
    summary="Run a pipeline for an organization",
    dependencies=_EXECUTE,
    responses=problem_responses(404, 409, 429),
)
def run(state: StateDep, slug: SlugDep, actor: ActorDep, body: OwnRunRequest) -> PipelineRunResponse:
    """Run a pipeline to its end, for this organization alone, as far as its quota allows."""
    request = RunRequest(
        path=state.services.pipelines.offered(body.pipeline),
        organization=slug,
        variables={name: as_text(value) for name, value in body.variables.items()},
        dry_run=body.dry_run,
        trigger=TriggerType.API,
        org_api_key_id=actor.key_id,
        confined=True,
        actor=actor,
    )
    # What else was found to have been interrupted is not this organization's.
    report = replace(carried_out(state, request), interrupted=())
    return PipelineRunResponse.model_validate(answer_of(report))


@router.get(
    "/{org_slug}/pipelines/runs",
    summary="List an organization's pipeline runs",
    dependencies=_READ,
)
def runs(services: ServicesDep, slug: SlugDep, query: Annotated[OwnRunListQuery, Query()]) -> RunListResponse:
    """Return one page of the organization's recorded runs, the latest first."""
    wanted = RunFilter(slug, query.pipeline_id, query.status)
    return RunListResponse.model_validate(services.runs.page(wanted, limit=query.limit, offset=query.offset))


@router.get(
    "/{org_slug}/pipelines/runs/{run_id}",
    summary="Show an organization's pipeline run",
    dependencies=_READ,
    responses=problem_responses(404),
)
def show(services: ServicesDep, slug: SlugDep, run_id: RunPath) -> RunRecordResponse:
    """Return one of the organization's recorded runs with each attempt at its steps."""
    return RunRecordResponse.model_validate(services.runs.show(run_id, slug))
