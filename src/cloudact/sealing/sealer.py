"""What seals values, and what a sealed value is bound to."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

_PURPOSE = "cloudact sealed value"


@dataclass(frozen=True, slots=True)
class Context:
    """The place where a sealed value is kept; moved to any other, it does not open."""

    organization: str
    table: str
    column: str
    row: str

    def __str__(self) -> str:
        return f"{self.table}.{self.column} of {self.organization}, row {self.row}"

    def to_bytes(self) -> bytes:
        """Return the associated data: each part in UTF-8 behind its length, so that no two places read alike."""
        parts = (_PURPOSE, self.organization, self.table, self.column, self.row)
        return b"".join(struct.pack(">I", len(part)) + part for part in (text.encode() for text in parts))


# Where a value is sealed and opened only to see that the key works.
PROBE = Context("system", "none", "none", "probe")


class Sealer(Protocol):
    """Seals small secrets and opens them again, safe to use from many threads at once."""

    def seal(self, plaintext: bytes, context: Context) -> bytes:
        """Return the value encrypted with the current key; raises SealingUnavailable."""

    def open(self, sealed: bytes, context: Context) -> bytes:
        """Return what was sealed; raises SealBroken for a value of another place or key, and SealingUnavailable."""

    def is_current(self, sealed: bytes) -> bool:
        """Tell whether a value was sealed with the current key; raises SealBroken for what is no sealed value."""


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """A key that can open values, without the key itself; `created_at` is unknown where others keep it."""

    key_id: str
    created_at: datetime | None
    current: bool


class ManagedSealer(Sealer, Protocol):
    """A sealer with what an operator needs to know of its keys, and do to them."""

    @property
    def place(self) -> str:
        """Where the keys are, as CA_SEALING_KEY_URI says it."""

    def recognizes(self, sealed: bytes) -> bool:
        """Tell whether a value was sealed with one of these keys, as far as can be seen without opening it."""

    def known_keys(self) -> list[KeyInfo]:
        """Return the keys at hand, the current one first; raises SealingUnavailable."""

    def rotate(self) -> KeyInfo:
        """Make a new key the current one; earlier ones still open. Raises InvalidRequest where others have to do it."""

    def check(self) -> str:
        """Return in words what keys there are, having used the current one; raises what is wrong. Changes nothing."""

    def close(self) -> None:
        """Release connections."""
