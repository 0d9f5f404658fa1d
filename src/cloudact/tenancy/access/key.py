"""What is told of an organization's key: everything but its text, its digest and its sealed copy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from cloudact.tenancy.access.scopes import in_order, known_scopes


class KeyStatus(StrEnum):
    """Whether a key can be used; the organization may be suspended besides."""

    ACTIVE = "ACTIVE"
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is listed; `replaced_by` is the key that a rotation made in its place."""

    key_id: str
    org_slug: str
    name: str | None
    scopes: list[str]
    status: KeyStatus
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    replaced_by: str | None


@dataclass(frozen=True, slots=True)
class KeyMade:
    """A new key; `api_key` is told this once, and `replaced` is the one it was made in the place of."""

    api_key: str = field(repr=False)
    key: ApiKey
    replaced: ApiKey | None
    message: str


@dataclass(frozen=True, slots=True)
class KeyPage:
    """One page of an organization's keys, the oldest first, and how many there are in all."""

    keys: list[ApiKey]
    total: int
    limit: int
    offset: int


def key_of(row: Mapping[str, Any], now: datetime) -> ApiKey:
    """Return what is told of a row, which may lack columns that are NULL."""
    return ApiKey(
        key_id=row["org_api_key_id"],
        org_slug=row["org_slug"],
        name=row.get("name"),
        scopes=in_order(known_scopes(row["scopes"] or ())),
        status=key_status(row, now),
        created_at=row["created_at"],
        expires_at=row.get("expires_at"),
        last_used_at=row.get("last_used_at"),
        replaced_by=row.get("replaced_by"),
    )


def key_status(row: Mapping[str, Any], now: datetime) -> KeyStatus:
    """Return whether a row's key can be used at this time."""
    if not row["is_active"]:
        return KeyStatus.REVOKED
    expires_at = row.get("expires_at")
    return KeyStatus.EXPIRED if expires_at is not None and expires_at <= now else KeyStatus.ACTIVE
