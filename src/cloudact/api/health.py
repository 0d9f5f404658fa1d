"""`/healthz` and `/readyz`, for whatever runs the process."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from cloudact import __version__
from cloudact.api.errors import problem_responses
from cloudact.api.services import StateDep

router = APIRouter(tags=["health"])


class HealthResponse(BaseModel):
    """The process is up."""

    status: str = Field(examples=["ok"])
    version: str


@router.get("/healthz", summary="Is the process up?")
def healthz() -> HealthResponse:
    """Answer without touching the warehouse."""
    return HealthResponse(status="ok", version=__version__)


@router.get("/readyz", summary="Can requests be served?", responses=problem_responses(500, 503))
async def readyz(state: StateDep) -> HealthResponse:
    """Answer once the warehouse answers and the catalog is valid."""
    await state.readiness.check()
    return HealthResponse(status="ready", version=__version__)
