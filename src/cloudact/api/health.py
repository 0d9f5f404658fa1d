"""`/healthz` and `/readyz`, for whatever runs the process."""

from __future__ import annotations

import structlog
from fastapi import APIRouter
from pydantic import BaseModel, Field

from cloudact import __version__
from cloudact.api.errors import problem_responses
from cloudact.api.services import ServicesDep
from cloudact.errors import CatalogError, NotReady

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
def readyz(services: ServicesDep) -> HealthResponse:
    """Answer once the warehouse answers and the catalog is valid."""
    try:
        services.catalogs.load()
    except CatalogError as error:
        # Anybody may ask here, so the answer does not name files.
        structlog.get_logger().error("catalog_invalid", detail=error.message)
        raise NotReady("The catalog is not valid", hint="`cloudact catalog lint` lists its problems.") from error
    services.ping()
    return HealthResponse(status="ready", version=__version__)
