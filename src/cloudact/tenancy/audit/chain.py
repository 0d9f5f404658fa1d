"""The chain of an organization's rows: each carries a digest of itself and of the row before it.

A digest is keyed (HMAC-SHA256) with a key that is not in the tables, so that whoever can write to the tables cannot
make one.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

# What a digest covers, in this order.
COVERED = (
    "audit_id", "org_slug", "user_id", "api_key_id", "action", "resource_type", "resource_id", "details", "ip_address",
    "user_agent", "request_id", "status", "error_message", "created_at", "sequence", "previous_hash",
)  # fmt: skip
_VERSION = "cloudact audit row 1"
# As many digits as always fit the column of numbers.
_HEAD = re.compile(r"([0-9]{1,18}):(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Head:
    """The last row of a chain: its number and its digest. A chain without rows has number 0."""

    sequence: int = 0
    row_hash: str = ""

    def __str__(self) -> str:
        return f"{self.sequence}:{self.row_hash}"

    @staticmethod
    def parse(value: object) -> Head | None:
        """Return the head as its column holds it: without a value the chain has no rows; None when it is none."""
        if value is None:
            return Head()
        found = _HEAD.fullmatch(str(value))
        return Head(int(found[1]), found[2]) if found else None


def linked(row: Mapping[str, object], before: Head, key: bytes) -> dict[str, object]:
    """Return the row as the next one of its chain."""
    placed = {**row, "sequence": before.sequence + 1, "previous_hash": before.row_hash or None}
    return {**placed, "row_hash": digest(placed, key)}


def digest(row: Mapping[str, object], key: bytes) -> str:
    """Return the digest of a row as it was written, or as a warehouse gives it back."""
    parts = [_VERSION, *(_plain(name, row.get(name)) for name in COVERED)]
    content = json.dumps(parts, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hmac.new(key, content.encode(), "sha256").hexdigest()


def is_as_written(row: Mapping[str, object], key: bytes) -> bool:
    """Tell whether a row has the digest of its content."""
    try:
        return hmac.compare_digest(str(row["row_hash"]), digest(row, key))
    except (RecursionError, TypeError):  # nested, or in characters, as no row that was written here is
        return False


def _plain(name: str, value: object) -> object:
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return aware.astimezone(UTC).isoformat(timespec="microseconds")
    if name == "details" and isinstance(value, str):
        # Engines differ in white space and in the order of members.
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value if value is None or isinstance(value, int) else str(value)
