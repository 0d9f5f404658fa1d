"""`/metrics`, for Prometheus."""

from __future__ import annotations

import hmac
from typing import Any

from anyio.to_thread import current_default_thread_limiter
from fastapi import APIRouter, Request, Response
from pydantic import SecretStr

from cloudact.api.auth import require_root
from cloudact.api.errors import problem_responses
from cloudact.api.services import StateDep
from cloudact.metrics import CONTENT_TYPE

router = APIRouter(tags=["health"])
_BEARER = "bearer "
_TEXT: dict[int | str, dict[str, Any]] = {
    200: {"content": {CONTENT_TYPE: {"schema": {"type": "string"}}}, "description": "In Prometheus' text format."}
}


@router.get(
    "/metrics",
    summary="What the process has counted",
    response_class=Response,
    responses={**_TEXT, **problem_responses(401, 429, 500, 503)},
    openapi_extra={"security": [{"RootKey": []}]},
)
async def metrics(request: Request, state: StateDep) -> Response:
    """Return the counters; for the administrator, or whoever sends `Authorization: Bearer` with CA_METRICS_TOKEN."""
    if not _is_scraper(request.headers.get("authorization", ""), state.metrics_token):
        await require_root(request)
    counted = state.services.metrics
    counted.waiting(current_default_thread_limiter().statistics().tasks_waiting)
    return Response(counted.exposition(), media_type=CONTENT_TYPE)


def _is_scraper(authorization: str, token: SecretStr | None) -> bool:
    if token is None or not authorization.lower().startswith(_BEARER):
        return False
    given = authorization[len(_BEARER) :]
    return hmac.compare_digest(given.encode(), token.get_secret_value().encode())
