"""The text of an organization's API key, `{org_slug}_api_` and 256 random bits, and what is stored to find it by."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from cloudact.errors import InvalidRequest
from cloudact.tenancy.names import PATTERN, OrgSlug
from cloudact.tenancy.secrets.key_digests import prefix_of
from cloudact.tenancy.secrets.platform import PlatformSecret

SECRET_BYTES = 32
# Both a slug and the random part may hold `_api_`, so a key is taken apart from its end.
_KEY = re.compile(rf"({PATTERN})_api_[A-Za-z0-9_-]{{43}}", re.ASCII)
_WITHIN = re.compile(rf"({PATTERN})_api_[A-Za-z0-9_-]{{43,}}", re.ASCII)


def make_text(slug: OrgSlug, secret: bytes | None = None) -> str:
    """Return a key with new random bits, or with these 256 bits, which nobody else can guess."""
    bits = secrets.token_bytes(SECRET_BYTES) if secret is None else secret
    if len(bits) != SECRET_BYTES:
        raise ValueError(f"a key takes {SECRET_BYTES} secret bytes, not {len(bits)}")
    return f"{slug}_api_{base64.urlsafe_b64encode(bits).rstrip(b'=').decode()}"


def claimed_slug(text: str) -> OrgSlug | None:
    """Return the organization that a key says it is of, or None for what is no key."""
    found = _KEY.fullmatch(text)
    try:
        return OrgSlug(found[1]) if found else None
    except InvalidRequest:
        return None


def without_keys(text: str) -> str:
    """Return a text with nothing but the organization's name of each API key in it, for what is kept or shown."""
    # Somebody sends a key where the id of one belongs.
    return _WITHIN.sub(r"\1_api_***", text) if "_api_" in text else text


@dataclass(frozen=True, slots=True)
class KeyDigests:
    """Digests of keys under the platform's secret, without which a copy of the table finds no key.

    A key has 256 random bits, so that a slow hash would add nothing.
    """

    platform: PlatformSecret

    def keyed(self, text: str) -> str:
        """Return what is stored of a new key; raises what `PlatformSecret.derive` raises, in its first call only."""
        # Derived anew at each use: the secret may have been taken away with all keys, and another one made since.
        key = self.platform.derive("key-lookup")
        return prefix_of(key) + hmac.new(key, text.encode(), hashlib.sha256).hexdigest()

    def accepted(self, text: str) -> tuple[str, str]:
        """Return everything that may be stored of a key: its keyed digest, and what earlier versions stored."""
        return self.keyed(text), hashlib.sha256(text.encode()).hexdigest()
