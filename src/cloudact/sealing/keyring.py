"""Several keys by id, one of them current, and the text they are kept as."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cloudact.errors import ConfigurationError
from cloudact.sealing.envelope import KEY_BYTES

_VERSION = 1
_ALGORITHM = "AES-256-GCM"


@dataclass(frozen=True, slots=True)
class Key:
    """A key of 256 random bits."""

    secret: bytes = field(repr=False)
    created_at: datetime

    @property
    def key_id(self) -> str:
        """A digest of the key, so that a damaged key is seen when it is read; it tells nothing of 256 random bits."""
        return hashlib.sha256(b"cloudact key id" + self.secret).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Keyring:
    """Keys that open what they sealed, the current one first: only that one seals."""

    keys: tuple[Key, ...]

    @property
    def current(self) -> Key:
        """The key that seals."""
        return self.keys[0]

    def find(self, key_id: str) -> Key | None:
        """Return the key of this id, or None."""
        return next((key for key in self.keys if key.key_id == key_id), None)

    def with_new_key(self) -> Keyring:
        """Return the keyring with a new current key before the others."""
        return Keyring((_new_key(), *self.keys))

    def to_text(self) -> str:
        """Return the text of a key file, which is the secret itself."""
        keys = [
            {
                "id": key.key_id,
                "algorithm": _ALGORITHM,
                "created_at": key.created_at.isoformat(timespec="seconds"),
                "key": base64.b64encode(key.secret).decode(),
            }
            for key in self.keys
        ]
        return json.dumps({"version": _VERSION, "current": self.current.key_id, "keys": keys}, indent=2) + "\n"


def new_keyring() -> Keyring:
    """Return a keyring with one new key."""
    return Keyring((_new_key(),))


def parse_keyring(text: str, place: str) -> Keyring:
    """Return the keyring that a text holds; raises ConfigurationError, which never repeats any of the text."""
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError):
        # The parser's error carries the text, so it must not be carried along.
        raise _invalid(place, "is not JSON") from None
    if not isinstance(raw, dict) or raw.get("version") != _VERSION:
        raise _invalid(place, f'is not an object with "version": {_VERSION}')
    listed = raw.get("keys")
    if not isinstance(listed, list) or not listed:
        raise _invalid(place, 'has no list "keys"')
    keys = [_key(item, number, place) for number, item in enumerate(listed, 1)]
    if len({key.key_id for key in keys}) < len(keys):
        raise _invalid(place, "has a key twice")
    current = [key for key in keys if key.key_id == raw.get("current")]
    if not current:
        raise _invalid(place, '"current" is not the id of one of its keys')
    return Keyring((*current, *(key for key in keys if key not in current)))


def _key(item: Any, number: int, place: str) -> Key:
    if not isinstance(item, dict) or item.get("algorithm") != _ALGORITHM:
        raise _invalid(place, f'key {number} is not an object with "algorithm": "{_ALGORITHM}"')
    try:
        secret = base64.b64decode(str(item.get("key")), validate=True)
        created_at = datetime.fromisoformat(str(item.get("created_at")))
    except (binascii.Error, ValueError):
        raise _invalid(place, f'key {number} has no base64 "key" and ISO 8601 "created_at"') from None
    if len(secret) != KEY_BYTES:
        raise _invalid(place, f"key {number} has {len(secret) * 8} bits instead of {KEY_BYTES * 8}")
    key = Key(secret, created_at if created_at.tzinfo else created_at.replace(tzinfo=UTC))
    if key.key_id != item.get("id"):
        raise _invalid(place, f"key {number} does not have the id it is listed under: it was altered")
    return key


def _new_key() -> Key:
    return Key(secrets.token_bytes(KEY_BYTES), datetime.now(UTC).replace(microsecond=0))


def _invalid(place: str, what: str) -> ConfigurationError:
    return ConfigurationError(
        f"The sealing keys of {place} cannot be used: the text {what}",
        hint="Restore it from a backup; without its keys nothing that they sealed can be opened. "
        "docs/key-handling.md describes the format.",
    )
