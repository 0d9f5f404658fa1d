"""What an attempt at a request has in common with every other attempt under the same idempotency key."""

from __future__ import annotations

import hmac
import json
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Operation:
    """One request, however often it is tried; `resumed` when an earlier attempt may have got anywhere."""

    record_id: str
    request_hash: str
    begun_at: datetime
    resumed: bool
    _key: bytes = field(repr=False)

    def secret_for(self, purpose: str) -> bytes:
        """Return 256 bits that every attempt gets, and nobody else can make.

        The digest of the request is one that this caller has really sent, so that whoever can write to the table gets
        no other caller's secret by giving a row of its own the id and the time of another one.
        """
        begun_at = self.begun_at.isoformat(timespec="microseconds")
        parts = ["cloudact operation 2", self.record_id, self.request_hash, begun_at, purpose]
        return hmac.new(self._key, json.dumps(parts).encode(), "sha256").digest()

    def id_for(self, purpose: str) -> str:
        """Return the id that every attempt gives to the same row."""
        return str(UUID(bytes=self.secret_for(purpose)[:16], version=4))
