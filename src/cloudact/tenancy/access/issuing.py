"""Making a key: its text, and the row that is kept of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cloudact.sealing.sealer import Sealer
from cloudact.tenancy.access.cache import KeyCache
from cloudact.tenancy.access.key_text import KeyDigests, make_text
from cloudact.tenancy.access.scopes import DEFAULT_SCOPES, Scope, in_order
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.secrets.columns import API_KEY
from cloudact.tenancy.store import NewId


@dataclass(frozen=True, slots=True)
class KeyWish:
    """What a key shall be: its scopes, until when it can be used, and what it is called."""

    scopes: Collection[Scope] = DEFAULT_SCOPES
    expires_at: datetime | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A key that was just made: the text for its owner, and the row to keep."""

    text: str = field(repr=False)
    row: dict[str, Any] = field(repr=False)

    @property
    def key_id(self) -> str:
        """What the key is called wherever it must not be told."""
        return str(self.row["org_api_key_id"])


@dataclass(frozen=True, slots=True)
class KeyIssuer:
    """Makes keys; writes nothing but, at its first use ever, the platform's secret.

    Whoever takes keys away says so to `cache`, once it is done.
    """

    digests: KeyDigests
    sealer: Sealer
    cache: KeyCache
    new_id: NewId

    def issue(
        self, slug: OrgSlug, now: datetime, wish: KeyWish | None = None, *, secret: bytes | None = None
    ) -> IssuedKey:
        """Return a key with new random bits, or with 256 bits that only this key is made of.

        Seals and may read, so it is called before a unit of work. Raises NotBootstrapped, SealBroken and
        SealingUnavailable.
        """
        wished = wish or KeyWish()
        text, key_id = make_text(slug, secret), self.new_id()
        row: dict[str, Any] = {
            "org_api_key_id": key_id,
            "org_slug": str(slug),
            "org_api_key_hash": self.digests.keyed(text),
            API_KEY.column: API_KEY.to_column(self.sealer.seal(text.encode(), API_KEY.context(slug, key_id))),
            "scopes": in_order(wished.scopes),
            "is_active": True,
            "created_at": now,
        }
        # Columns that came later are named only where they are needed.
        optional = {"expires_at": wished.expires_at, "name": wished.name}
        row.update({column: value for column, value in optional.items() if value is not None})
        return IssuedKey(text, row)
