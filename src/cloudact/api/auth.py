"""Who is calling: the administrator by the root key, or one organization by its own key."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response, Security
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader

from cloudact.api.errors import problem_responses
from cloudact.api.services import AppState, ServicesDep, StateDep, app_state
from cloudact.errors import AccessDenied, CatalogError, NotReady, Unauthenticated
from cloudact.tenancy.names import OrgSlug

ROOT_HEADER = "X-CA-Root-Key"
ORG_HEADER = "X-API-Key"

_root = APIKeyHeader(name=ROOT_HEADER, scheme_name="RootKey", auto_error=False)
_organization = APIKeyHeader(name=ORG_HEADER, scheme_name="OrganizationKey", auto_error=False)


def _matches(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())


def require_root(state: AppState, root_key: str | None) -> None:
    """Let only the administrator pass."""
    if not root_key or not _matches(root_key, state.root_key.get_secret_value()):
        raise Unauthenticated(
            f"The {ROOT_HEADER} header is missing or wrong",
            hint=f"Send the value of CA_ROOT_API_KEY as {ROOT_HEADER}.",
        )


class AdministratorRoute(APIRoute):
    """Asks for the root key before the body is read: a stranger learns nothing of what a body should be."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the route's handler behind the check."""
        handler = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            require_root(app_state(request), request.headers.get(ROOT_HEADER))
            return await handler(request)

        return guarded


def administrator_router(prefix: str, tag: str) -> APIRouter:
    """Return a router whose every route needs the root key."""
    return APIRouter(
        prefix=prefix,
        tags=[tag],
        route_class=AdministratorRoute,
        # The route class checks; this tells the OpenAPI document.
        dependencies=[Security(_root)],
        responses=problem_responses(401, 422, 500, 503),
    )


def require_reader(
    org_slug: str,
    state: StateDep,
    services: ServicesDep,
    root_key: Annotated[str | None, Security(_root)],
    api_key: Annotated[str | None, Security(_organization)],
) -> None:
    """Let the administrator pass, and the organization whose slug is in the path."""
    if root_key or not api_key:
        require_root(state, root_key)
        return
    try:
        owner = services.organizations.owner_of_key(api_key)
    except CatalogError as error:
        # Whoever holds this key has not been recognized yet, so the answer does not name files.
        raise NotReady("The catalog is not valid", hint="`cloudact catalog lint` lists its problems.") from error
    if owner is None:
        raise Unauthenticated(
            f"The {ORG_HEADER} header holds no valid key", hint="Ask the administrator for a new key."
        )
    if owner != org_slug:
        raise AccessDenied("This key belongs to another organization", hint="Use that organization's own key.")


def reader_router(prefix: str, tag: str) -> APIRouter:
    """Return a router for routes under `/{org_slug}` that the organization itself may read."""
    return APIRouter(
        prefix=prefix,
        tags=[tag],
        dependencies=[Depends(require_reader)],
        responses=problem_responses(401, 403, 409, 422, 500, 503),
    )


def slug_from_path(org_slug: str) -> OrgSlug:
    """Return the path's slug; raises InvalidRequest when it cannot be one."""
    return OrgSlug(org_slug)


SlugDep = Annotated[OrgSlug, Depends(slug_from_path)]
