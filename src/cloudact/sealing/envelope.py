"""The bytes of a sealed value: which key opens it, then AES-256-GCM.

    magic and format version  4 bytes, "CAS" and 1
    scheme                    1 byte: 1 a keyring's key, 2 a data key wrapped by Cloud KMS
    key id                    2 bytes of length, big-endian, then UTF-8
    wrapped data key          2 bytes of length, big-endian, then bytes; empty for a keyring's key
    nonce                     12 random bytes
    ciphertext and tag        as long as the plaintext, and 16 bytes

Everything before the nonce is associated data, beside the context: neither key nor scheme can be exchanged.
"""

from __future__ import annotations

import secrets
import struct
from dataclasses import dataclass, field
from enum import IntEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cloudact.errors import SealBroken
from cloudact.sealing.sealer import Context

KEY_BYTES = 32
_MAGIC = b"CAS\x01"
_NONCE_BYTES = 12
_TAG_BYTES = 16


class Scheme(IntEnum):
    """Whose key a value was encrypted with."""

    KEYRING = 1
    GCP_KMS = 2


@dataclass(frozen=True, slots=True)
class Envelope:
    """A sealed value taken apart."""

    scheme: Scheme
    key_id: str
    wrapped_key: bytes = field(repr=False)
    nonce: bytes = field(repr=False)
    ciphertext: bytes = field(repr=False)

    def to_bytes(self) -> bytes:
        """Return the sealed value."""
        return _header(self.scheme, self.key_id, self.wrapped_key) + self.nonce + self.ciphertext


def encrypt(
    key: bytes, plaintext: bytes, context: Context, *, scheme: Scheme, key_id: str, wrapped_key: bytes = b""
) -> bytes:
    """Return the plaintext sealed with a key of 256 bits."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    bound = _header(scheme, key_id, wrapped_key) + context.to_bytes()
    return Envelope(scheme, key_id, wrapped_key, nonce, AESGCM(key).encrypt(nonce, plaintext, bound)).to_bytes()


def decrypt(key: bytes, envelope: Envelope, context: Context) -> bytes:
    """Return the plaintext; raises SealBroken for another key or context than it was sealed with, or altered bytes."""
    bound = _header(envelope.scheme, envelope.key_id, envelope.wrapped_key) + context.to_bytes()
    try:
        return AESGCM(key).decrypt(envelope.nonce, envelope.ciphertext, bound)
    except InvalidTag:
        raise broken(context) from None


def broken(context: Context) -> SealBroken:
    """Return the error of a value that is not what was sealed for this place."""
    return SealBroken(
        f"{context}: the sealed value does not open",
        hint="It was altered, or copied from another row, column or organization. Store the secret anew.",
    )


def parse(sealed: bytes) -> Envelope:
    """Return the parts of a sealed value; raises SealBroken when it is none."""
    if not sealed.startswith(_MAGIC):
        raise _unreadable()
    try:
        scheme = Scheme(sealed[len(_MAGIC)])
        key_id, rest = _counted(sealed[len(_MAGIC) + 1 :])
        wrapped_key, rest = _counted(rest)
        name = key_id.decode()
    except (ValueError, IndexError, struct.error):
        raise _unreadable() from None
    if len(rest) < _NONCE_BYTES + _TAG_BYTES:
        raise _unreadable()
    return Envelope(scheme, name, wrapped_key, rest[:_NONCE_BYTES], rest[_NONCE_BYTES:])


def _header(scheme: Scheme, key_id: str, wrapped_key: bytes) -> bytes:
    counted = b"".join(struct.pack(">H", len(part)) + part for part in (key_id.encode(), wrapped_key))
    return _MAGIC + bytes([scheme]) + counted


def _counted(data: bytes) -> tuple[bytes, bytes]:
    (length,) = struct.unpack_from(">H", data)
    if len(data) < 2 + length:
        raise ValueError
    return data[2 : 2 + length], data[2 + length :]


def _unreadable() -> SealBroken:
    return SealBroken(
        "the value is not one that was sealed here",
        hint="It was cut short, or written by something else. Store the secret anew.",
    )
