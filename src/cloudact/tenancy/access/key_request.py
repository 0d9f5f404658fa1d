"""What a caller may ask of a new key, checked."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cloudact.errors import InvalidRequest, Problem
from cloudact.tenancy.access.caller import Caller
from cloudact.tenancy.access.issuing import KeyWish
from cloudact.tenancy.access.scopes import DEFAULT_SCOPES, parse_scopes

MAX_NAME = 100
MIN_LIFE_SECONDS = 60
MAX_LIFE_SECONDS = 10 * 365 * 24 * 3600
MAX_GRACE_SECONDS = 30 * 24 * 3600
DEFAULT_GRACE_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class KeyRequest:
    """A key that somebody asks for; without `scopes` those an organization's first key has, as far as the caller's go.

    `expires_in` is in seconds from now; with neither it nor `expires_at` the key does not expire.
    """

    scopes: Sequence[str] | None = None
    expires_in: int | None = None
    expires_at: datetime | None = None
    name: str | None = None

    def wish(self, caller: Caller, now: datetime) -> KeyWish:
        """Return what the key shall be; raises InvalidRequest for what none can be."""
        if self.scopes is None:
            lacking = caller.lacks(DEFAULT_SCOPES)
            scopes = frozenset(DEFAULT_SCOPES) - lacking or caller.scopes
        else:
            scopes = parse_scopes(self.scopes)
        return KeyWish(scopes, self._expiry(now), self._checked_name())

    def _expiry(self, now: datetime) -> datetime | None:
        if self.expires_in is not None and self.expires_at is not None:
            raise _invalid("expires_at", "is given beside expires_in; leave one of them out")
        field, expires_at = "expires_at", self.expires_at
        if self.expires_in is not None:
            field = "expires_in"
            if not 0 <= self.expires_in <= MAX_LIFE_SECONDS:
                raise _invalid(field, f"{self.expires_in} is not {MIN_LIFE_SECONDS} to {MAX_LIFE_SECONDS} seconds")
            expires_at = now + timedelta(seconds=self.expires_in)
        if expires_at is None:
            return None
        if expires_at.tzinfo is None:
            raise _invalid(field, "has no time zone; write it as 2027-01-31T12:00:00Z")
        if not timedelta(seconds=MIN_LIFE_SECONDS) <= expires_at - now <= timedelta(seconds=MAX_LIFE_SECONDS):
            raise _invalid(field, f"is not {MIN_LIFE_SECONDS} to {MAX_LIFE_SECONDS} seconds from now")
        return expires_at.astimezone(UTC)

    def _checked_name(self) -> str | None:
        if self.name is None:
            return None
        unprintable = any(unicodedata.category(character) in {"Cc", "Cs"} for character in self.name)
        if not self.name.strip() or len(self.name) > MAX_NAME or unprintable:
            raise _invalid("name", f"has to be 1 to {MAX_NAME} characters without control characters")
        return self.name


def checked_grace(seconds: int) -> timedelta:
    """Return a time of grace; raises InvalidRequest for one that is none."""
    if not 0 <= seconds <= MAX_GRACE_SECONDS:
        raise _invalid("grace_seconds", f"{seconds} is not 0 to {MAX_GRACE_SECONDS}")
    return timedelta(seconds=seconds)


def _invalid(field: str, what: str) -> InvalidRequest:
    return InvalidRequest(f"{field}: {what}", problems=[Problem("request", field, what, "")])
