"""Sealing with the keys of a keyring: AES-256-GCM in this process."""

from __future__ import annotations

from dataclasses import dataclass

from cloudact.errors import SealBroken
from cloudact.sealing.envelope import Envelope, Scheme, decrypt, encrypt, parse
from cloudact.sealing.key_file import KeySource
from cloudact.sealing.keyring import Key
from cloudact.sealing.sealer import PROBE, Context, KeyInfo


@dataclass(frozen=True, slots=True)
class LocalSealer:
    """See `ManagedSealer`."""

    source: KeySource

    @property
    def place(self) -> str:
        """See `ManagedSealer`."""
        return self.source.place

    def seal(self, plaintext: bytes, context: Context) -> bytes:
        """See `Sealer`."""
        return _sealed(self.source.load().current, plaintext, context)

    def open(self, sealed: bytes, context: Context) -> bytes:
        """See `Sealer`."""
        envelope = parse(sealed)
        key = self._key_of(envelope)
        if key is None:
            raise SealBroken(
                f"{context}: the value was sealed with key {envelope.key_id}, which is not among those of {self.place}",
                hint="Add that key to them, or name its place in CA_SEALING_PREVIOUS_KEY_URI.",
            )
        return decrypt(key.secret, envelope, context)

    def is_current(self, sealed: bytes) -> bool:
        """See `Sealer`."""
        envelope = parse(sealed)
        keyring = self.source.peek()
        return envelope.scheme is Scheme.KEYRING and keyring is not None and envelope.key_id == keyring.current.key_id

    def recognizes(self, sealed: bytes) -> bool:
        """See `ManagedSealer`."""
        return self._key_of(parse(sealed)) is not None

    def known_keys(self) -> list[KeyInfo]:
        """See `ManagedSealer`."""
        keyring = self.source.peek()
        return [_info(key, current=key is keyring.current) for key in keyring.keys] if keyring else []

    def rotate(self) -> KeyInfo:
        """See `ManagedSealer`."""
        return _info(self.source.rotate().current, current=True)

    def check(self) -> str:
        """See `ManagedSealer`."""
        keyring = self.source.peek()
        if keyring is None:
            return f"{self.place} is made when the first value is sealed"
        decrypt(keyring.current.secret, parse(_sealed(keyring.current, b"", PROBE)), PROBE)
        count = len(keyring.keys)
        return f"{self.place} holds {count} key{'s' if count > 1 else ''}; {keyring.current.key_id} is the current one"

    def close(self) -> None:
        """See `ManagedSealer`."""

    def _key_of(self, envelope: Envelope) -> Key | None:
        keyring = self.source.peek()  # a new key opens nothing, so none is made
        return keyring.find(envelope.key_id) if keyring and envelope.scheme is Scheme.KEYRING else None


def _sealed(key: Key, plaintext: bytes, context: Context) -> bytes:
    return encrypt(key.secret, plaintext, context, scheme=Scheme.KEYRING, key_id=key.key_id)


def _info(key: Key, *, current: bool) -> KeyInfo:
    return KeyInfo(key.key_id, key.created_at, current)
