"""Who is calling: the administrator by the root key, or one organization by its own key, and what each may do."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, cast

import structlog
from anyio import to_thread
from fastapi import APIRouter, Depends, Request, Response, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.params import Security as SecurityParameter
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader

from cloudact.api.access import refusal
from cloudact.api.errors import problem_responses
from cloudact.api.idempotency.route import IdempotentRoute
from cloudact.api.operability.rates import REFUSED, address_of
from cloudact.api.operability.request_log import route_of
from cloudact.api.services import app_state
from cloudact.errors import (
    CatalogError,
    CloudactError,
    ConfigurationError,
    NotReady,
    PlatformSecretLost,
    SealBroken,
    SealingUnavailable,
    WarehouseError,
)
from cloudact.tenancy.access.caller import ADMINISTRATOR, Caller
from cloudact.tenancy.access.scopes import Scope
from cloudact.tenancy.actor import Actor
from cloudact.tenancy.names import OrgSlug

ROOT_HEADER = "X-CA-Root-Key"
ORG_HEADER = "X-API-Key"

_root = APIKeyHeader(name=ROOT_HEADER, scheme_name="RootKey", auto_error=False)
_organization = APIKeyHeader(name=ORG_HEADER, scheme_name="OrganizationKey", auto_error=False)


class _Refused(Exception):
    """The caller may not do this: what to answer, what the audit trail is told, and whose key it was."""

    def __init__(self, answer: CloudactError, reason: str, caller: Caller | None = None) -> None:
        super().__init__(reason)
        self.answer = answer
        self.reason = reason
        self.caller = caller


class GuardedRoute(IdempotentRoute):
    """Admits a caller before anything of the request is read: a stranger learns nothing of what it should be."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the route's handler behind the check."""
        handler = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            request.state.caller = await _admitted(request, self.admit)
            return await handler(request)

        return guarded

    def admit(self, request: Request) -> Caller:
        """Return the caller; raises `_Refused`."""
        return _administrator(request)


async def require_root(request: Request) -> None:
    """Let only the administrator pass, on a route that no router of this module made."""
    await _admitted(request, _administrator)


async def _admitted(request: Request, admit: Callable[[Request], Caller]) -> Caller:
    """Return the caller, or record that one was refused, before the answer is sent.

    However many are refused, what is written of them takes no threads from those that are not. Beyond the limit they
    are told so and leave no row, while whoever sends a good key from the same address is let in.
    """
    state = app_state(request)
    try:
        caller = await run_in_threadpool(admit, request)
    except _Refused as refused:
        state.rates.count((REFUSED, address_of(request.scope)))
        await to_thread.run_sync(_record, request, refused, limiter=state.recording)
        raise refused.answer from None
    if caller.is_administrator:
        state.services.root_uses.note(_actor(request, caller), method=request.method, route=route_of(request.scope))
    return caller


def _record(request: Request, refused: _Refused) -> None:
    actor, trail = _actor(request, refused.caller), app_state(request).services.trail
    trail.refused(actor, method=request.method, path=request.scope["path"], reason=refused.reason)


class AdministratorRoute(GuardedRoute):
    """Lets only the administrator pass."""


class OrganizationRoute(GuardedRoute):
    """Lets the administrator pass, and the organization in the path whose key has the scope that the route needs."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        self.scope = _scope_of(self)

    def admit(self, request: Request) -> Caller:
        """Return the caller; raises `_Refused`."""
        api_key = request.headers.get(ORG_HEADER)
        if request.headers.get(ROOT_HEADER) or not api_key:
            return _administrator(request)
        try:
            found = app_state(request).services.access.examine(api_key)
        # Whoever sent this key has not been recognized yet, so the answer names neither files nor keys nor tables.
        except CatalogError as error:
            raise _not_checked(
                error, "The catalog is not valid", "`cloudact catalog lint` lists its problems."
            ) from error
        except (ConfigurationError, PlatformSecretLost, SealBroken, SealingUnavailable, WarehouseError) as error:
            raise _not_checked(error, "Keys cannot be checked now", "`cloudact doctor` finds out why.") from error
        caller = found.caller
        if caller is None:
            of = f"API key {found.key_id} of {found.organization}" if found.key_id else "an API key"
            raise _Refused(refusal.unauthenticated(), f"{of} that is {found.outcome}")
        if not caller.may(self.scope, request.path_params["org_slug"]):
            raise _Refused(refusal.denied(), f"needs {self.scope} of the organization in the path", caller)
        return caller


def _not_checked(error: CloudactError, told: str, hint: str) -> NotReady:
    """The operator reads the reason in the log."""
    structlog.get_logger().error("key_not_checked", code=error.code, reason=error.message)
    return NotReady(told, hint=hint)


def _administrator(request: Request) -> Caller:
    given, expected = request.headers.get(ROOT_HEADER), app_state(request).root_key.get_secret_value()
    if not given:
        raise _Refused(refusal.unauthenticated(), f"no {ROOT_HEADER} was sent")
    if not _matches(given, expected):
        raise _Refused(refusal.unauthenticated(), f"a wrong {ROOT_HEADER} was sent")
    return ADMINISTRATOR


def _matches(given: str, expected: str) -> bool:
    """Digests are compared, so that the time tells nothing of the length either."""
    digests = [hashlib.sha256(text.encode()).digest() for text in (given, expected)]
    return hmac.compare_digest(*digests)


def requires(scope: Scope) -> SecurityParameter:
    """Return the dependency that says which scope a route of an `organization_router` needs."""
    needed: SecurityParameter = Security(_organization, scopes=[scope.value])
    return needed


def _scope_of(route: APIRoute) -> Scope:
    needed = [item for item in route.dependencies if isinstance(item, SecurityParameter)]
    named = [Scope(name) for item in needed for name in item.scopes or ()]
    if len(named) != 1 or "{org_slug}" not in route.path:
        raise ValueError(f"{route.path} names {len(named)} scopes; it needs one, and {{org_slug}} in its path")
    return named[0]


def administrator_router(prefix: str, tag: str) -> APIRouter:
    """Return a router whose every route needs the root key."""
    return _router(prefix, tag, AdministratorRoute, 401, 422, 500, 503)


def organization_router(prefix: str, tag: str) -> APIRouter:
    """Return a router for routes with `{org_slug}`, each of which names a scope: `dependencies=[requires(...)]`."""
    return _router(prefix, tag, OrganizationRoute, 401, 403, 409, 422, 500, 503)


def _router(prefix: str, tag: str, route_class: type[APIRoute], *problems: int) -> APIRouter:
    return APIRouter(
        prefix=prefix,
        tags=[tag],
        route_class=route_class,
        # The route class checks; this tells the OpenAPI document.
        dependencies=[Security(_root)],
        responses=problem_responses(*problems),
    )


def slug_from_path(org_slug: str) -> OrgSlug:
    """Return the path's slug; raises InvalidRequest when it cannot be one."""
    return OrgSlug(org_slug)


def caller_of(request: Request) -> Caller:
    """Return who was admitted to the route."""
    return cast("Caller", request.state.caller)


def actor_of(request: Request) -> Actor:
    """Return who was admitted to the route, with what the audit trail says of the request."""
    return _actor(request, caller_of(request))


def _actor(request: Request, caller: Caller | None) -> Actor:
    address = request.client.host if request.client else None
    return Actor(caller, request.state.request_id, address, request.headers.get("user-agent"))


SlugDep = Annotated[OrgSlug, Depends(slug_from_path)]
CallerDep = Annotated[Caller, Depends(caller_of)]
ActorDep = Annotated[Actor, Depends(actor_of)]
