"""Routes on entities: list, tree, one entity with its relatives and versions, and every change of it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, Query, Response

from cloudact.api.auth import ActorDep, SlugDep, organization_router, requires
from cloudact.api.errors import problem_responses
from cloudact.api.hierarchy.requests import (
    ChangeEntityRequest,
    CreateEntityRequest,
    EntityIdPath,
    EntityQuery,
    IfMatch,
    MoveEntityRequest,
    PageQuery,
    ReplaceEntityRequest,
    TreeQuery,
)
from cloudact.api.hierarchy.responses import EntityAnswerResponse, EntityPageResponse, HistoryResponse, TreeResponse
from cloudact.api.idempotency.route import OperationDep
from cloudact.api.services import ServicesDep
from cloudact.tenancy.access.scopes import Scope
from cloudact.tenancy.hierarchy.answers import EntityAnswer, Search

_READ = [requires(Scope.HIERARCHY_READ)]
_WRITE = [requires(Scope.HIERARCHY_WRITE)]
router = organization_router("/api/v1/organizations", "hierarchy")
_BASE = "/{org_slug}/hierarchy"
_ONE = f"{_BASE}/entities/{{entity_id}}"
_ETAG = {"headers": {"ETag": {"description": "The entity's version.", "schema": {"type": "string"}}}}
_FOUND: dict[int | str, dict[str, Any]] = {200: _ETAG, **problem_responses(404)}
_CHANGED: dict[int | str, dict[str, Any]] = {200: _ETAG, **problem_responses(404, 412, 428)}
_LISTED = problem_responses(404)
Paged = Annotated[PageQuery, Query()]


@router.get(f"{_BASE}/entities", dependencies=_READ, summary="List or search entities", responses=_LISTED)
def list_entities(services: ServicesDep, slug: SlugDep, query: Annotated[EntityQuery, Query()]) -> EntityPageResponse:
    """Return one page of the current entities that match, parents before their children."""
    wanted = Search(query.text, query.level, query.active)
    page = services.hierarchies.entities(slug, wanted, limit=query.limit, offset=query.offset)
    return EntityPageResponse.model_validate(page)


@router.get(f"{_BASE}/tree", dependencies=_READ, summary="Show the hierarchy as trees", responses=_LISTED)
def tree(services: ServicesDep, slug: SlugDep, query: Annotated[TreeQuery, Query()]) -> TreeResponse:
    """Return all current entities as trees, or the tree of one."""
    return TreeResponse.model_validate(services.hierarchies.tree(slug, query.root))


@router.post(
    f"{_BASE}/entities",
    dependencies=_WRITE,
    summary="Add an entity",
    status_code=201,
    responses={201: _ETAG, **problem_responses(404)},
)
def create(
    services: ServicesDep,
    actor: ActorDep,
    slug: SlugDep,
    operation: OperationDep,
    response: Response,
    body: Annotated[CreateEntityRequest, Body()],
) -> EntityAnswerResponse:
    """Add an entity; an id that was removed before goes on with its next version."""
    made = services.hierarchies.create(slug, body.values(), actor=actor, operation=operation)
    response.headers["Location"] = f"/api/v1/organizations/{slug}/hierarchy/entities/{made.entity.entity_id}"
    return _answer(response, made)


@router.get(_ONE, dependencies=_READ, summary="Show an entity", responses=_FOUND)
def show(services: ServicesDep, slug: SlugDep, entity_id: EntityIdPath, response: Response) -> EntityAnswerResponse:
    """Return an entity; its ETag is the version that a change of it has to name."""
    return _answer(response, services.hierarchies.entity(slug, entity_id))


@router.put(_ONE, dependencies=_WRITE, summary="Replace what is said of an entity", responses=_CHANGED)
def replace(
    services: ServicesDep,
    actor: ActorDep,
    slug: SlugDep,
    entity_id: EntityIdPath,
    condition: IfMatch,
    response: Response,
    body: Annotated[ReplaceEntityRequest, Body()],
) -> EntityAnswerResponse:
    """Set every field; what the body leaves out is emptied. With another parent, all that is below moves along."""
    expected = condition.with_version(body.version)
    changed = services.hierarchies.change(slug, entity_id, body.values(), expected, actor=actor)
    return _answer(response, changed)


@router.patch(_ONE, dependencies=_WRITE, summary="Change fields of an entity", responses=_CHANGED)
def change(
    services: ServicesDep,
    actor: ActorDep,
    slug: SlugDep,
    entity_id: EntityIdPath,
    condition: IfMatch,
    response: Response,
    body: Annotated[ChangeEntityRequest, Body()],
) -> EntityAnswerResponse:
    """Set the fields that the body has. With another parent, all that is below moves along."""
    expected = condition.with_version(body.version)
    changed = services.hierarchies.change(slug, entity_id, body.values(), expected, actor=actor)
    return _answer(response, changed)


@router.post(f"{_ONE}/move", dependencies=_WRITE, summary="Move an entity", responses=_CHANGED)
def move(  # noqa: PLR0913, PLR0917 - each is a part of the request
    services: ServicesDep,
    actor: ActorDep,
    slug: SlugDep,
    entity_id: EntityIdPath,
    condition: IfMatch,
    operation: OperationDep,
    response: Response,
    body: Annotated[MoveEntityRequest, Body()],
) -> EntityAnswerResponse:
    """Put an entity below another one of the same level as its parent; all that is below moves along."""
    expected = condition.with_version(body.version)
    values = {"parent_id": body.parent_id}
    moved = services.hierarchies.change(slug, entity_id, values, expected, actor=actor, operation=operation)
    return _answer(response, moved)


@router.delete(_ONE, dependencies=_WRITE, summary="Remove an entity", responses=_CHANGED)
def remove(
    services: ServicesDep, actor: ActorDep, slug: SlugDep, entity_id: EntityIdPath, condition: IfMatch
) -> EntityAnswerResponse:
    """End an entity that has no children. Its rows stay, and its history can still be read."""
    removed = services.hierarchies.remove(slug, entity_id, condition.with_version(None), actor=actor)
    return EntityAnswerResponse.model_validate(removed)


@router.get(f"{_ONE}/children", dependencies=_READ, summary="List what is directly below an entity", responses=_LISTED)
def children(services: ServicesDep, slug: SlugDep, entity_id: EntityIdPath, query: Paged) -> EntityPageResponse:
    """Return one page of the entities directly below one."""
    found = services.hierarchies.children(slug, entity_id, limit=query.limit, offset=query.offset)
    return EntityPageResponse.model_validate(found)


@router.get(f"{_ONE}/ancestors", dependencies=_READ, summary="List what is above an entity", responses=_LISTED)
def ancestors(services: ServicesDep, slug: SlugDep, entity_id: EntityIdPath, query: Paged) -> EntityPageResponse:
    """Return the entities above one, from the top."""
    found = services.hierarchies.ancestors(slug, entity_id, limit=query.limit, offset=query.offset)
    return EntityPageResponse.model_validate(found)


@router.get(f"{_ONE}/descendants", dependencies=_READ, summary="List all that is below an entity", responses=_LISTED)
def descendants(services: ServicesDep, slug: SlugDep, entity_id: EntityIdPath, query: Paged) -> EntityPageResponse:
    """Return one page of all entities below one, parents before their children."""
    found = services.hierarchies.descendants(slug, entity_id, limit=query.limit, offset=query.offset)
    return EntityPageResponse.model_validate(found)


@router.get(f"{_ONE}/history", dependencies=_READ, summary="List the versions of an entity", responses=_LISTED)
def history(services: ServicesDep, slug: SlugDep, entity_id: EntityIdPath, query: Paged) -> HistoryResponse:
    """Return one page of the versions of an entity, the first one first; also of one that was removed."""
    found = services.hierarchies.history(slug, entity_id, limit=query.limit, offset=query.offset)
    return HistoryResponse.model_validate(found)


def _answer(response: Response, answer: EntityAnswer) -> EntityAnswerResponse:
    response.headers["ETag"] = f'"{answer.entity.version}"'
    return EntityAnswerResponse.model_validate(answer)
