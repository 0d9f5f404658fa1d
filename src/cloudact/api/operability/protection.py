"""The limits of a service, and the middleware that keeps to them, from the outside in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from limits import RateLimitItem
from pydantic import SecretStr

from cloudact.api import errors
from cloudact.api.operability.body_limits import BodyLimits
from cloudact.api.operability.rate_limits import EXEMPT, RateLimits
from cloudact.api.operability.rates import ADDRESS, KEY, REFUSED, Rates
from cloudact.api.operability.request_log import RequestLog
from cloudact.api.operability.security_headers import SecurityHeaders, policy_of
from cloudact.api.operability.shutdown import RefuseWhileStopping, Shutdown
from cloudact.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Protection:
    """What a service allows; `cloudact serve` takes it from the settings. No rate limits means that there are none."""

    per_key: tuple[RateLimitItem, ...] = ()
    per_address: tuple[RateLimitItem, ...] = ()
    refused: tuple[RateLimitItem, ...] = ()
    max_body_bytes: int = 10 * 2**20
    request_seconds: float = 30.0
    metrics_token: SecretStr | None = None

    def rate_limits(self) -> dict[str, tuple[RateLimitItem, ...]]:
        """Return the limits by whose requests they count."""
        return {KEY: self.per_key, ADDRESS: self.per_address, REFUSED: self.refused}


UNLIMITED = Protection()


def protect(app: FastAPI, protection: Protection, metrics: Metrics, shutdown: Shutdown, rates: Rates) -> None:
    """Put the application behind its limits; whatever refuses a request, its answer is logged, counted and headed."""
    page = get_swagger_ui_html(openapi_url=str(app.openapi_url), title=f"{app.title} - Swagger UI")
    # The last to be added is the first to see a request.
    app.add_middleware(BodyLimits, max_bytes=protection.max_body_bytes, seconds=protection.request_seconds)
    app.add_middleware(RateLimits, rates=rates)
    app.add_middleware(RefuseWhileStopping, shutdown=shutdown)
    app.add_middleware(RequestLog, answer_crash=errors.crashed, metrics=metrics)
    app.add_middleware(SecurityHeaders, policies={str(app.docs_url): policy_of(bytes(page.body).decode())})


def describe_refusals(paths: Mapping[str, Mapping[str, Any]]) -> None:
    """Add to the operations of an OpenAPI document what these limits answer, whatever the route."""
    for path, operations in paths.items():
        for operation in operations.values():
            refusals = [] if path in EXEMPT else [HTTPStatus.TOO_MANY_REQUESTS]
            if "requestBody" in operation:
                refusals += [HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE]
            for code, described in errors.problem_responses(*refusals).items():
                operation["responses"].setdefault(str(int(code)), described)
