"""The row of an idempotency key: which request it stands for, who is at it, and what was answered."""

from __future__ import annotations

import base64
import hmac
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from cloudact.tenancy.actor import PLATFORM, Actor

TABLE = "org_idempotency_keys"
KEY = ("org_slug", "caller", "idempotency_key")
COLUMNS = (
    *KEY, "record_id", "request_hash", "status", "http_status", "encrypted_response", "lease_id", "locked_until",
    "begun_at", "expires_at", "created_at",
)  # fmt: skip


class RecordStatus(StrEnum):
    """Whether the request has been answered."""

    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"


@dataclass(frozen=True, slots=True)
class Request:
    """A request under an idempotency key. The same key of another caller stands for another request."""

    actor: Actor
    idempotency_key: str
    method: str
    path: str
    query: str
    body: bytes = field(repr=False)

    @property
    def place(self) -> dict[str, str]:
        """The columns that tell its row."""
        values = (self.actor.organization or PLATFORM, self.actor.key_id or self.actor.name, self.idempotency_key)
        return dict(zip(KEY, values, strict=True))

    def digest(self, key: bytes) -> str:
        """Return what differs when the caller or anything but the headers differs; keyed: a body may hold a secret.

        What is kept for a request, or derived for it, is bound to this: in another caller's row it is worth nothing.
        """
        body = base64.b64encode(self.body).decode()
        content = json.dumps(["cloudact request 2", *self.place.values(), self.method, self.path, self.query, body])
        return hmac.new(key, content.encode(), "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered with: the headers that belong to the answer, and the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def to_bytes(self) -> bytes:
        """Return the answer in one piece."""
        body = base64.b64encode(self.body).decode()
        return zlib.compress(json.dumps([self.status, dict(self.headers), body]).encode())

    @staticmethod
    def from_bytes(content: bytes) -> Answer:
        """Return the answer that `to_bytes` was made from."""
        status, headers, body = json.loads(zlib.decompress(content))
        return Answer(status, headers, base64.b64decode(body))


@dataclass(frozen=True, slots=True)
class Record:
    """A row that is there."""

    record_id: str | None
    request_hash: str | None
    status: str | None
    encrypted_response: Any = field(repr=False)
    lease_id: str | None
    locked_until: datetime | None
    begun_at: datetime | None
    expires_at: datetime | None

    @staticmethod
    def columns() -> list[str]:
        """Return the columns of a row that it is made of."""
        return list(Record.__dataclass_fields__)

    @staticmethod
    def of(row: Mapping[str, Any]) -> Record:
        """Return the record of a row."""
        return Record(**{name: _aware(value) for name, value in row.items()})

    def is_expired(self, now: datetime) -> bool:
        """Tell whether the key may stand for another request; rows of earlier versions are, whatever they say."""
        return self.expires_at is None or self.record_id is None or self.expires_at <= now

    def locked_for(self, now: datetime) -> float:
        """Return for how many seconds somebody's lease lasts yet."""
        return max((self.locked_until - now).total_seconds(), 0) if self.locked_until else 0


def _aware(value: Any) -> Any:
    """An engine may give times without their zone, or in another one."""
    if not isinstance(value, datetime):
        return value
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
