"""Digests in the rows of API keys: under which platform secret they were made, and those that are plain yet."""

from __future__ import annotations

import hashlib

from cloudact.tenancy.store import KEYS, named_when_missing
from cloudact.warehouse.driver import Equals, Session, Within

HASH = "org_api_key_hash"
KEYED = "hmac-sha256:"


def prefix_of(key: bytes) -> str:
    """Return what every digest made with a key begins with: a fingerprint of it, which tells nothing of 256 bits."""
    return f"{KEYED}{hashlib.sha256(b'cloudact key fingerprint' + key).hexdigest()[:16]}:"


def active_keys(session: Session, dataset: str, prefix: str = KEYED) -> int:
    """Return how many active API keys, whoever's they are, have a digest that begins so; a prefix ends with a colon."""
    begins = Within(HASH, at_least=prefix, below=f"{prefix[:-1]};")  # the character after a colon
    with named_when_missing(session, dataset, KEYS, (HASH, "is_active")):
        return session.count(dataset, KEYS, [Equals("is_active", value=True), begins])


def plain_keys(session: Session, dataset: str) -> int:
    """Return how many active API keys, whoever's they are, have the digest that earlier versions stored."""
    live = session.inspect(dataset, among=[KEYS])
    table = live.table(KEYS) if live else None
    if table is None or not (table.column(HASH) and table.column("is_active")):
        return 0
    return session.count(dataset, KEYS, [Equals("is_active", value=True)]) - active_keys(session, dataset)
