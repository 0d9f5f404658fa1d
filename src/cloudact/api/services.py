"""What a route may reach: the use cases and the administrator's key, held by the application object."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, cast

from anyio import CapacityLimiter
from fastapi import Depends, Request
from pydantic import SecretStr

from cloudact.api.fleet.background import Background
from cloudact.api.operability.rates import Rates
from cloudact.api.operability.readiness import Readiness
from cloudact.api.operability.shutdown import Shutdown
from cloudact.wiring import Services

ADMINISTRATOR = "administrator"
# Threads that write rows of refused accesses; the rows of all that wait are written together.
_RECORDING = 8


@dataclass(frozen=True, slots=True)
class AppState:
    """Everything `create_app` was given."""

    services: Services
    root_key: SecretStr
    shutdown: Shutdown
    background: Background
    rates: Rates
    readiness: Readiness
    metrics_token: SecretStr | None
    recording: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(_RECORDING))


def app_state(request: Request) -> AppState:
    """Return what the application was made with."""
    return cast("AppState", request.app.state.cloudact)


StateDep = Annotated[AppState, Depends(app_state)]


def services(state: StateDep) -> Services:
    """Return the use cases."""
    return state.services


ServicesDep = Annotated[Services, Depends(services)]
