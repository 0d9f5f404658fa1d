"""Routes on the hierarchy as a whole: its levels, and all of it as a CSV file."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, Depends, HTTPException, Query, Request, Response

from cloudact.api.auth import ActorDep, SlugDep, organization_router, requires
from cloudact.api.errors import problem_responses
from cloudact.api.hierarchy.requests import IfMatch, ImportQuery, LevelsRequest
from cloudact.api.hierarchy.responses import ImportResponse, LevelsResponse
from cloudact.api.idempotency.route import OperationDep
from cloudact.api.services import ServicesDep
from cloudact.tenancy.access.scopes import Scope

_READ = [requires(Scope.HIERARCHY_READ)]
_WRITE = [requires(Scope.HIERARCHY_WRITE)]
router = organization_router("/api/v1/organizations", "hierarchy")
SOURCE_HEADER = "X-CA-Source"
_BASE = "/{org_slug}/hierarchy"
_CSV = "text/csv"
_EXAMPLE = "entity_type,entity_id,entity_name,parent_id\nDEPARTMENT,DEPT-001,Engineering,\n"
_TEXT = {"schema": {"type": "string"}}
_REVISION = {"ETag": {"description": "The hierarchy's revision.", "schema": {"type": "string"}}}
_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A CSV file (RFC 4180) in UTF-8; cells that a spreadsheet would take for formulas begin with '.",
        "content": {f"{_CSV}; charset=utf-8": _TEXT},
        "headers": {
            **_REVISION,
            SOURCE_HEADER: {"description": "`view` or `central`: where it was read.", "schema": {"type": "string"}},
        },
    }
}


@router.get(
    f"{_BASE}/levels",
    dependencies=_READ,
    summary="Show the levels",
    responses={200: {"headers": _REVISION}, **problem_responses(404)},
)
def levels(services: ServicesDep, slug: SlugDep, response: Response) -> LevelsResponse:
    """Return the levels from the top down: DEPARTMENT, PROJECT and TEAM unless the organization has its own."""
    found = LevelsResponse.model_validate(services.hierarchies.levels(slug))
    response.headers["ETag"] = f'"{found.revision}"'
    return found


@router.put(
    f"{_BASE}/levels",
    dependencies=_WRITE,
    summary="Redefine the levels",
    responses={200: {"headers": _REVISION}, **problem_responses(404, 412, 428)},
)
def redefine(
    services: ServicesDep,
    actor: ActorDep,
    slug: SlugDep,
    condition: IfMatch,
    response: Response,
    body: Annotated[LevelsRequest, Body()],
) -> LevelsResponse:
    """Put other levels in place; refused while an entity would not be where its level is.

    The condition is a revision of the hierarchy, as If-Match or in the body.
    """
    found = services.hierarchies.redefine(slug, body.levels, condition.with_version(body.revision), actor=actor)
    response.headers["ETag"] = f'"{found.revision}"'
    return LevelsResponse.model_validate(found)


@router.get(
    f"{_BASE}/export",
    dependencies=_READ,
    summary="Export the hierarchy as CSV",
    responses={**_FILE, **problem_responses(404)},
    response_class=Response,
)
def export(services: ServicesDep, slug: SlugDep) -> Response:
    """Return every current entity, parents before their children; import reads it back as it was."""
    found = services.hierarchies.export(slug)
    headers = {
        "ETag": f'"{found.revision}"',
        SOURCE_HEADER: found.source.value,
        "Content-Disposition": f'attachment; filename="{slug}_hierarchy.csv"',
    }
    return Response(found.text, media_type=_CSV, headers=headers)


async def csv_body(request: Request) -> bytes:
    """Return the body as it came; one that does not say it is CSV is another kind of request by mistake."""
    if request.headers.get("content-type", "").partition(";")[0].strip().casefold() != _CSV:
        raise HTTPException(415, f"The body has to be a CSV file, sent with Content-Type: {_CSV}")
    return await request.body()


@router.post(
    f"{_BASE}/import",
    dependencies=_WRITE,
    summary="Import a CSV file",
    responses=problem_responses(404, 412, 415),
    openapi_extra={"requestBody": {"required": True, "content": {_CSV: {**_TEXT, "example": _EXAMPLE}}}},
)
def import_file(
    services: ServicesDep,
    actor: ActorDep,
    slug: SlugDep,
    condition: IfMatch,
    operation: OperationDep,
    content: Annotated[bytes, Depends(csv_body)],
    query: Annotated[ImportQuery, Query()],
) -> ImportResponse:
    """Tell what a file would change, or change it: all of it or, with every problem and its line, nothing.

    With If-Match, only while the hierarchy is at that revision, so that what is applied is what was previewed.
    """
    hierarchies, expected, ends = services.hierarchies, condition.versions, query.remove_missing
    if query.preview:
        found = hierarchies.preview(slug, content, expected, remove_missing=ends)
    else:
        found = hierarchies.apply(slug, content, expected, actor=actor, remove_missing=ends, operation=operation)
    return ImportResponse.model_validate(found)
