"""Errors as RFC 9457 problem documents: one table from error to status, and one shape for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from cloudact import errors

MEDIA_TYPE = "application/problem+json"

STATUS: Mapping[type[errors.CloudactError], HTTPStatus] = {
    errors.CloudactError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.ConfigurationError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.CatalogError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.InvalidRequest: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.Unauthenticated: HTTPStatus.UNAUTHORIZED,
    errors.AccessDenied: HTTPStatus.FORBIDDEN,
    errors.DestructiveRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.NotReady: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.NotBootstrapped: HTTPStatus.CONFLICT,
    errors.CentralTableBlocked: HTTPStatus.CONFLICT,
    errors.OrganizationExists: HTTPStatus.CONFLICT,
    errors.OnboardingUnfinished: HTTPStatus.CONFLICT,
    errors.OrganizationNotFound: HTTPStatus.NOT_FOUND,
    errors.DatasetExists: HTTPStatus.CONFLICT,
    errors.DatasetConflict: HTTPStatus.CONFLICT,
    errors.DatasetNotFound: HTTPStatus.NOT_FOUND,
    errors.RunNotFound: HTTPStatus.NOT_FOUND,
    errors.FleetBusy: HTTPStatus.CONFLICT,
    errors.FleetPlanNotFound: HTTPStatus.NOT_FOUND,
    errors.FleetPlanStale: HTTPStatus.CONFLICT,
    errors.FleetRunNotFound: HTTPStatus.NOT_FOUND,
    errors.FleetRunNotOpen: HTTPStatus.CONFLICT,
    errors.DatasetNotDeclared: HTTPStatus.NOT_FOUND,
    errors.DatasetNameTaken: HTTPStatus.CONFLICT,
    errors.BackupNotFound: HTTPStatus.NOT_FOUND,
    errors.BackupIncomplete: HTTPStatus.CONFLICT,
    errors.NotDeclarable: HTTPStatus.CONFLICT,
    errors.OutputRefused: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.IdempotencyKeyInUse: HTTPStatus.CONFLICT,
    errors.IdempotencyKeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.RateLimited: HTTPStatus.TOO_MANY_REQUESTS,
    errors.CredentialNotFound: HTTPStatus.NOT_FOUND,
    errors.ChannelNotFound: HTTPStatus.NOT_FOUND,
    errors.KeyNotFound: HTTPStatus.NOT_FOUND,
    errors.KeyNotActive: HTTPStatus.CONFLICT,
    errors.StoredValueDamaged: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.SealBroken: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.PlatformSecretLost: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.SealingUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.SealingDenied: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ServiceError: HTTPStatus.BAD_GATEWAY,
    errors.WarehouseError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.WarehouseUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.WarehouseDenied: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.WarehouseBusy: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.WarehouseNotFound: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.WarehouseRefused: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.ChangeFailed: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.EntityNotFound: HTTPStatus.NOT_FOUND,
    errors.EntityExists: HTTPStatus.CONFLICT,
    errors.EntityHasChildren: HTTPStatus.CONFLICT,
    errors.LevelsInUse: HTTPStatus.CONFLICT,
    errors.VersionStale: HTTPStatus.PRECONDITION_FAILED,
    errors.VersionRequired: HTTPStatus.PRECONDITION_REQUIRED,
    errors.RunRefused: HTTPStatus.CONFLICT,
    errors.OrganizationNotActive: HTTPStatus.CONFLICT,
    errors.SubscriptionEnded: HTTPStatus.CONFLICT,
    errors.SubscriptionNotFound: HTTPStatus.NOT_FOUND,
    errors.QuotaExceeded: HTTPStatus.TOO_MANY_REQUESTS,
    errors.LimitReached: HTTPStatus.CONFLICT,
    errors.PipelineInvalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.TransientError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.StepCancelled: HTTPStatus.SERVICE_UNAVAILABLE,
}
RETRY_AFTER_SECONDS = 2


class FieldProblem(BaseModel):
    """One thing wrong with one field or file."""

    field: str
    message: str
    code: str = Field(
        default="",
        description="Of a catalog's problem: stable, as docs/catalog-lint.md lists them.",
        examples=["CA104"],
    )


class Problem(BaseModel):
    """Every error answer, as RFC 9457 describes it."""

    type: str = Field(examples=["urn:cloudact:problem:organization_exists"])
    title: str = Field(examples=["Conflict"])
    status: int = Field(examples=[409])
    detail: str = Field(examples=["Organization already exists: acme_corp"])
    code: str = Field(description="Stable; safe to branch on.", examples=["organization_exists"])
    hint: str = Field(default="", description="What to do about it.")
    instance: str = Field(description="Path of the request.", examples=["/api/v1/organizations/onboard"])
    request_id: str = Field(description="The same as in the X-Request-ID header and in the log.")
    errors: list[FieldProblem] = Field(default=[], description="Each problem by itself, where there can be several.")


def problem_responses(*codes: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI description of these error answers."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {code: {"description": HTTPStatus(code).phrase, "content": content} for code in codes}


def install(app: FastAPI) -> None:
    """Answer every error of the application with a problem document."""
    app.add_exception_handler(errors.CloudactError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


def answer(
    request: Request,
    status: int,
    code: str,
    detail: str,
    *,
    hint: str = "",
    problems: list[FieldProblem] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return a problem document, for an error that the application itself did not raise."""
    phrase = HTTPStatus(status).phrase
    problem = Problem(
        type=f"urn:cloudact:problem:{code}",
        title=phrase,
        status=status,
        detail=detail,
        code=code,
        hint=hint,
        instance=request.url.path,
        request_id=getattr(request.state, "request_id", ""),
        errors=problems or [],
    )
    return JSONResponse(problem.model_dump(), status, headers, media_type=MEDIA_TYPE)


async def _ours(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, errors.CloudactError):
        raise error
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        structlog.get_logger().error("request_failed", code=error.code, detail=error.message)
    found = getattr(error, "problems", ())
    problems = [FieldProblem(field=item.place, message=item.message, code=item.code) for item in found]
    headers = {}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "ApiKey"
    retry_after = RETRY_AFTER_SECONDS if status == HTTPStatus.SERVICE_UNAVAILABLE else None
    if seconds := getattr(error, "retry_after", retry_after):
        headers["Retry-After"] = str(seconds)
    return answer(request, status, error.code, error.message, hint=error.hint, problems=problems, headers=headers)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    problems = [
        FieldProblem(field=_field(item), message=item["msg"].removeprefix("Value error, ")) for item in error.errors()
    ]
    detail = "; ".join(f"{problem.field}: {problem.message}" for problem in problems)
    given = request.headers.get("content-type", "")
    unread = "json" not in given and any(item["loc"][0] == "body" for item in error.errors())
    hint = "Send the body with Content-Type: application/json." if unread else ""
    return answer(
        request, HTTPStatus.UNPROCESSABLE_ENTITY, errors.InvalidRequest.code, detail, hint=hint, problems=problems
    )


def _field(item: Mapping[str, Any]) -> str:
    """A body that is no JSON has a byte offset where the name of a field would be."""
    place, *path = item["loc"]
    return str(place) if not path or item["type"] == "json_invalid" else ".".join(str(part) for part in path)


async def _http(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == HTTPStatus.BAD_REQUEST:
        # The framework's word for a body that is not even text.
        problem, code = FieldProblem(field="body", message="is not JSON in UTF-8"), errors.InvalidRequest.code
        detail = f"{problem.field}: {problem.message}"
        return answer(request, HTTPStatus.UNPROCESSABLE_ENTITY, code, detail, problems=[problem])
    code = HTTPStatus(error.status_code).name.lower()
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED and (allowed := _methods(request)):
        headers["Allow"] = ", ".join(sorted(allowed))
    return answer(request, error.status_code, code, str(error.detail), headers=headers)


def _methods(request: Request) -> set[str]:
    """Return every method of a path; the framework tells only those of the first route that it has."""
    paths = request.app.openapi()["paths"].items()
    found = [operations for path, operations in paths if compile_path(path)[0].match(request.url.path)]
    return {method.upper() for operations in found for method in operations}


def crashed(request: Request) -> JSONResponse:
    """Return the answer to a request that failed unforeseen; the log has the trace, and the answer must not."""
    return answer(
        request,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        errors.CloudactError.code,
        "The service failed in a way nobody foresaw.",
        hint="Look for request_id in the service's log.",
    )
