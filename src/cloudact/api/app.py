"""The application: made from services, with nothing happening at import."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from anyio import to_thread
from fastapi import FastAPI
from pydantic import SecretStr
from pydantic.json_schema import models_json_schema

from cloudact import __version__
from cloudact.api import bootstrap, declaration, doctor, errors, health, organizations, pipelines
from cloudact.api.access import keys
from cloudact.api.accounts import labels, subscription
from cloudact.api.accounts import pipelines as own_pipelines
from cloudact.api.audit import logs as audit
from cloudact.api.fleet import routes as fleet
from cloudact.api.fleet.background import Background
from cloudact.api.hierarchy import entities, files
from cloudact.api.notifications import channels
from cloudact.api.operability import metrics
from cloudact.api.operability.protection import UNLIMITED, Protection, describe_refusals, protect
from cloudact.api.operability.rates import Rates
from cloudact.api.operability.readiness import Readiness
from cloudact.api.operability.shutdown import Shutdown
from cloudact.api.recreation import backups, recreate
from cloudact.api.secrets import credentials, sealing
from cloudact.api.services import AppState
from cloudact.wiring import Services

_DESCRIPTION = """
Keeps one central dataset and one dataset per organization in step with declared schemas.

Only additions are made: no request drops, narrows or rewrites anything, except those that make tables anew. They have
to be confirmed, and copy what is there to a backup first.
Administrators send `X-CA-Root-Key`; an organization sends its own `X-API-Key`.
Errors are problem documents (RFC 9457) with a stable `code` and a `hint`.
"""


class _Application(FastAPI):
    """Describes the one error shape in the OpenAPI document, in place of FastAPI's own for 422."""

    def openapi(self) -> dict[str, Any]:
        schema = super().openapi()
        template = "#/components/schemas/{model}"
        _, shapes = models_json_schema([(errors.Problem, "serialization")], ref_template=template)
        describe_refusals(schema["paths"])
        components = schema["components"]["schemas"]
        components.update(shapes["$defs"])
        for unused in ("HTTPValidationError", "ValidationError"):
            components.pop(unused, None)
        return schema


def create_app(
    services: Services, root_key: SecretStr, protection: Protection = UNLIMITED, shutdown: Shutdown | None = None
) -> FastAPI:
    """Return the HTTP application over these services; it closes them when it stops."""
    stopping = shutdown or Shutdown()
    background = Background(services, stopping)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await to_thread.run_sync(background.stop)
        services.close()

    app = _Application(
        title="cloudact",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
    )
    rates = Rates(protection.rate_limits(), services.metrics)
    app.state.cloudact = AppState(
        services, root_key, stopping, background, rates, Readiness(services), protection.metrics_token
    )
    protect(app, protection, services.metrics, stopping, rates)
    errors.install(app)
    for router in (
        health.router,
        metrics.router,
        bootstrap.router,
        organizations.router,
        organizations.own_router,
        keys.router,
        audit.router,
        audit.own_router,
        entities.router,
        files.router,
        credentials.router,
        channels.router,
        sealing.router,
        subscription.router,
        subscription.own_router,
        labels.router,
        labels.own_router,
        fleet.router,
        doctor.router,
        declaration.router,
        pipelines.router,
        own_pipelines.router,
        backups.router,
        recreate.router,
    ):
        # The routes as they are: `include_router` makes every one of them anew for each application, at its first call.
        app.router.routes.extend(router.routes)
    return app
