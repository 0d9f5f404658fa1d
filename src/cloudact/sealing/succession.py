"""Sealing with one place of keys while values of an earlier one still open, until they are sealed anew."""

from __future__ import annotations

from dataclasses import dataclass

from cloudact.sealing.sealer import Context, KeyInfo, ManagedSealer


@dataclass(frozen=True, slots=True)
class SucceedingSealer:
    """See `ManagedSealer`; `previous` opens what `present` did not seal, and seals nothing."""

    present: ManagedSealer
    previous: ManagedSealer

    @property
    def place(self) -> str:
        """See `ManagedSealer`."""
        return self.present.place

    def seal(self, plaintext: bytes, context: Context) -> bytes:
        """See `Sealer`."""
        return self.present.seal(plaintext, context)

    def open(self, sealed: bytes, context: Context) -> bytes:
        """See `Sealer`."""
        earlier = not self.present.recognizes(sealed) and self.previous.recognizes(sealed)
        return (self.previous if earlier else self.present).open(sealed, context)

    def is_current(self, sealed: bytes) -> bool:
        """See `Sealer`."""
        return self.present.is_current(sealed)

    def recognizes(self, sealed: bytes) -> bool:
        """See `ManagedSealer`."""
        return self.present.recognizes(sealed) or self.previous.recognizes(sealed)

    def known_keys(self) -> list[KeyInfo]:
        """See `ManagedSealer`."""
        earlier = [KeyInfo(key.key_id, key.created_at, current=False) for key in self.previous.known_keys()]
        return [*self.present.known_keys(), *earlier]

    def rotate(self) -> KeyInfo:
        """See `ManagedSealer`."""
        return self.present.rotate()

    def check(self) -> str:
        """See `ManagedSealer`."""
        return f"{self.present.check()}; earlier: {self.previous.check()}"

    def close(self) -> None:
        """See `ManagedSealer`."""
        self.present.close()
        self.previous.close()
