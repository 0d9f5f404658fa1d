"""`/api/v1/admin/fleet`: where all organizations stand, and runs that bring them in step."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Path, Query, Response

from cloudact.api.auth import ActorDep, administrator_router
from cloudact.api.errors import problem_responses
from cloudact.api.fleet.answers import (
    FleetEvent,
    FleetPlanRequest,
    FleetPlanResponse,
    FleetRunListQuery,
    FleetRunListResponse,
    FleetRunResponse,
    FleetStatusResponse,
    FleetSyncRequest,
)
from cloudact.api.fleet.events import MEDIA_TYPE, EventStream, stream
from cloudact.api.services import AppState, ServicesDep, StateDep
from cloudact.fleet.sync import OpenRun

PREFIX = "/api/v1/admin/fleet"
router = administrator_router(PREFIX, "fleet")

RunPath = Annotated[str, Path(description="The `run_id` that the run was answered with.")]
_LOCATION: dict[int | str, dict[str, Any]] = {
    HTTPStatus.ACCEPTED: {"headers": {"Location": {"description": "Where the run is.", "schema": {"type": "string"}}}}
}
_EVENTS: dict[int | str, dict[str, Any]] = {
    HTTPStatus.OK: {
        "description": "Events `progress`, then one `end`.",
        "model": FleetEvent,
        # Of what is no JSON, FastAPI says that it is a string, beside the model.
        "content": {MEDIA_TYPE: {"schema": {"type": "object"}}},
    }
}


@router.get("/status", summary="Compare all organizations with their declaration", responses=problem_responses(409))
def status(services: ServicesDep) -> FleetStatusResponse:
    """Return where every organization stands, by one look at all datasets and one comparison for each kind of them."""
    return FleetStatusResponse.model_validate(services.fleet_status.look())


@router.post("/plan", summary="Plan a sync of the fleet", responses=problem_responses(409))
def plan(services: ServicesDep, actor: ActorDep, body: FleetPlanRequest | None = None) -> FleetPlanResponse:
    """Tell everything a sync would do, and keep the plan under its hash; nothing else is changed."""
    request = (body or FleetPlanRequest()).as_request()
    return FleetPlanResponse.model_validate(services.fleet_sync.plan(request, actor))


@router.post(
    "/sync",
    summary="Sync the fleet",
    status_code=HTTPStatus.ACCEPTED,
    responses=_LOCATION | problem_responses(404, 409),
)
def sync(
    state: StateDep, actor: ActorDep, response: Response, body: FleetSyncRequest | None = None
) -> FleetRunResponse:
    """Begin a run that brings in step whoever needs it, in waves; it goes on after the answer."""
    asked = body or FleetSyncRequest()
    asked.check_alone()
    fleet = state.services.fleet_sync
    if asked.plan_hash is not None:
        return _begun(state, response, fleet.begin_planned(asked.plan_hash, actor))
    return _begun(state, response, fleet.begin(asked.as_request(), actor))


@router.get("/runs", summary="List runs of the fleet", responses=problem_responses(409))
def runs(services: ServicesDep, query: Annotated[FleetRunListQuery, Query()]) -> FleetRunListResponse:
    """Return one page of runs, the latest first, with their counts."""
    page = services.fleet_runs.page(limit=query.limit, offset=query.offset)
    return FleetRunListResponse.model_validate(page)


@router.get("/runs/{run_id}", summary="Show a run of the fleet", responses=problem_responses(404))
def show(services: ServicesDep, run_id: RunPath) -> FleetRunResponse:
    """Return how far a run has come, and everybody who failed in it so far, with the cause."""
    return FleetRunResponse.model_validate(services.fleet_runs.show(run_id))


@router.get(
    "/runs/{run_id}/events",
    summary="Follow a run of the fleet",
    responses=_EVENTS | problem_responses(404),
    response_class=EventStream,
)
def events(state: StateDep, run_id: RunPath) -> EventStream:
    """Send an event whenever the run has come further, and one with its account when it has ended."""
    first = state.services.fleet_runs.progress(run_id)
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return EventStream(stream(state, first), headers=headers)


@router.post("/runs/{run_id}/abort", summary="Abort a run of the fleet", responses=problem_responses(404, 409))
def abort(services: ServicesDep, actor: ActorDep, run_id: RunPath) -> FleetRunResponse:
    """End a run that goes on, in whichever process: nothing more is begun, and what is under way is finished."""
    return FleetRunResponse.model_validate(services.fleet_runs.abort(run_id, actor))


@router.post(
    "/runs/{run_id}/resume",
    summary="Resume a run of the fleet",
    status_code=HTTPStatus.ACCEPTED,
    responses=_LOCATION | problem_responses(404, 409),
)
def resume(state: StateDep, actor: ActorDep, response: Response, run_id: RunPath) -> FleetRunResponse:
    """Begin a run with the same request, for everybody who still needs it."""
    return _begun(state, response, state.services.fleet_sync.begin_again(run_id, actor))


@router.post(
    "/runs/{run_id}/retry",
    summary="Retry what failed in a run of the fleet",
    status_code=HTTPStatus.ACCEPTED,
    responses=_LOCATION | problem_responses(404, 409),
)
def retry(state: StateDep, actor: ActorDep, response: Response, run_id: RunPath) -> FleetRunResponse:
    """Begin a run with the same request, for those who failed in that one."""
    return _begun(state, response, state.services.fleet_sync.begin_again(run_id, actor, only_failed=True))


def _begun(state: AppState, response: Response, run: OpenRun) -> FleetRunResponse:
    """Answer with the run as it begins, and have it go on."""
    answer = FleetRunResponse.model_validate(state.services.fleet_sync.described(run))
    state.background.start(run)
    response.headers["Location"] = f"{PREFIX}/runs/{run.begun.run_id}"
    return answer
