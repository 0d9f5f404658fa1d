"""Organization API keys: made here, shown once, kept only as a hash."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field

from cloudact.tenancy.names import OrgSlug

SECRET_BYTES = 32
DEFAULT_SCOPES = ("org:read", "org:write", "hierarchy:read", "hierarchy:write", "pipelines:read", "pipelines:execute")


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made: the text for its owner, and the hash to keep."""

    text: str = field(repr=False)
    hash: str


def make_key(slug: OrgSlug) -> NewKey:
    """Return a new key `{slug}_api_{256 random bits}`."""
    text = f"{slug}_api_{secrets.token_urlsafe(SECRET_BYTES)}"
    return NewKey(text, hash_key(text))


def hash_key(text: str) -> str:
    """Return the SHA-256 of a key; the key has 256 random bits, so a slow hash would add nothing."""
    return hashlib.sha256(text.encode()).hexdigest()
