"""`/api/v1/organizations/{org_slug}/keys`: keys of an organization, whose text is told once, when they are made."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Body, Path, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StrictInt
from pydantic.config import JsonDict

from cloudact.api.auth import ActorDep, CallerDep, SlugDep, organization_router, requires
from cloudact.api.errors import problem_responses
from cloudact.api.idempotency.route import OperationDep
from cloudact.api.organizations import NOT_A_NUMBER, Text
from cloudact.api.services import ServicesDep
from cloudact.tenancy.access.key import KeyStatus
from cloudact.tenancy.access.key_request import (
    DEFAULT_GRACE_SECONDS,
    MAX_GRACE_SECONDS,
    MAX_LIFE_SECONDS,
    MAX_NAME,
    MIN_LIFE_SECONDS,
    KeyRequest,
)
from cloudact.tenancy.access.scopes import Scope

router = organization_router("/api/v1/organizations", "keys")
MAX_PAGE = 500
_KEYS = "/{org_slug}/keys"
_ONE = f"{_KEYS}/{{key_id}}"
_MANAGE = [requires(Scope.KEYS_MANAGE)]
_EXAMPLE: JsonDict = {"scopes": ["org:read", "pipelines:read"], "expires_in": 7_776_000, "name": "reporting"}


class CreateKeyRequest(BaseModel):
    """A key to make; without an expiry it works until it is revoked."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    scopes: list[Scope] | None = Field(
        default=None,
        min_length=1,
        description="What the key may be used for, at most what the caller's may. Without it: what an organization's "
        "first key may, as far as the caller's may.",
    )
    expires_in: StrictInt | None = Field(
        default=None, ge=MIN_LIFE_SECONDS, le=MAX_LIFE_SECONDS, description="In seconds from now."
    )
    expires_at: Annotated[AwareDatetime, NOT_A_NUMBER] | None = Field(
        default=None, description="In place of `expires_in`."
    )
    name: Text | None = Field(default=None, min_length=1, max_length=MAX_NAME, description="What the key is for.")


class RotateKeyRequest(BaseModel):
    """How long the old key goes on working beside the new one."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"grace_seconds": 3600}]})

    grace_seconds: StrictInt = Field(
        default=DEFAULT_GRACE_SECONDS, ge=0, le=MAX_GRACE_SECONDS, description="0 ends the old key at once."
    )


class KeyResponse(BaseModel):
    """A key without its text, which nobody is told again."""

    model_config = ConfigDict(from_attributes=True)

    key_id: str = Field(description="Names the key in records and in these routes; it opens nothing.")
    org_slug: str = Field(examples=["acme_corp"])
    name: str | None
    scopes: list[Scope]
    status: KeyStatus
    created_at: datetime
    expires_at: datetime | None = Field(description="From then on it opens nothing; null for one that does not expire.")
    last_used_at: datetime | None = Field(description="To the minute, and some minutes late.")
    replaced_by: str | None = Field(description="`key_id` of the key that a rotation made in its place.")


class KeyMadeResponse(BaseModel):
    """A new key; `api_key` is told this once and never again."""

    model_config = ConfigDict(from_attributes=True)

    api_key: str = Field(examples=["acme_corp_api_..."])
    key: KeyResponse
    replaced: KeyResponse | None = Field(description="The key that was rotated; null for one made beside the others.")
    message: str


class KeyListResponse(BaseModel):
    """One page of an organization's keys, the oldest first; `total` counts all."""

    model_config = ConfigDict(from_attributes=True)

    keys: list[KeyResponse]
    total: int
    limit: int
    offset: int


class KeyListQuery(BaseModel):
    """Which part of the list."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=100, ge=1, le=MAX_PAGE)
    offset: int = Field(default=0, ge=0, le=2**31)


KeyPath = Annotated[str, Path(description="As the list of keys names it.")]


@router.post(_KEYS, summary="Make a key", status_code=201, dependencies=_MANAGE, responses=problem_responses(404))
def create(
    services: ServicesDep,
    slug: SlugDep,
    caller: CallerDep,
    actor: ActorDep,
    operation: OperationDep,
    body: Annotated[CreateKeyRequest | None, Body()] = None,
) -> KeyMadeResponse:
    """Make a key beside those that there are."""
    request = KeyRequest(**(body or CreateKeyRequest()).model_dump())
    made = services.keys.create(slug, request, caller=caller, actor=actor, operation=operation)
    return KeyMadeResponse.model_validate(made)


@router.get(_KEYS, summary="List keys", dependencies=_MANAGE, responses=problem_responses(404))
def list_keys(services: ServicesDep, slug: SlugDep, query: Annotated[KeyListQuery, Query()]) -> KeyListResponse:
    """Return one page of keys, those that were revoked or have expired among them, never their texts or digests."""
    return KeyListResponse.model_validate(services.keys.page(slug, limit=query.limit, offset=query.offset))


@router.post(f"{_ONE}/rotate", summary="Rotate a key", dependencies=_MANAGE, responses=problem_responses(404))
def rotate(
    services: ServicesDep,
    slug: SlugDep,
    key_id: KeyPath,
    caller: CallerDep,
    actor: ActorDep,
    operation: OperationDep,
    body: Annotated[RotateKeyRequest | None, Body()] = None,
) -> KeyMadeResponse:
    """Make a key with the scopes, name and lifetime of another one, which ends after a time of grace."""
    grace = (body or RotateKeyRequest()).grace_seconds
    made = services.keys.rotate(slug, key_id, grace, caller=caller, actor=actor, operation=operation)
    return KeyMadeResponse.model_validate(made)


@router.post(f"{_ONE}/revoke", summary="Revoke a key", dependencies=_MANAGE, responses=problem_responses(404))
def revoke(services: ServicesDep, slug: SlugDep, key_id: KeyPath, actor: ActorDep) -> KeyResponse:
    """End a key for good: in this process at once, in others within CA_KEY_CACHE_SECONDS. Its row stays."""
    return KeyResponse.model_validate(services.keys.revoke(slug, key_id, actor=actor))


@router.delete(_ONE, summary="Revoke a key, as deleting it", dependencies=_MANAGE, responses=problem_responses(404))
def delete(services: ServicesDep, slug: SlugDep, key_id: KeyPath, actor: ActorDep) -> KeyResponse:
    """The same as `revoke`."""
    return KeyResponse.model_validate(services.keys.revoke(slug, key_id, actor=actor))
