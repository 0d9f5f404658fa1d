"""Sealing with Google Cloud KMS: a data key for each value, which only KMS can unwrap (envelope encryption)."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from cloudact.errors import InvalidRequest, SealBroken, SealingUnavailable
from cloudact.sealing.envelope import KEY_BYTES, Envelope, Scheme, broken, decrypt, encrypt, parse
from cloudact.sealing.gcp_kms_client import KmsClient, Undecryptable
from cloudact.sealing.sealer import PROBE, Context, KeyInfo

# How long a rotation in Cloud KMS may go unnoticed by `is_current`; sealing itself always uses the primary version.
_REMEMBERED_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class _Primary:
    """The primary version of the key, as it was at a time."""

    version: str
    seen_at: float


class KmsSealer:
    """See `ManagedSealer`; a key id is the resource name of a key version."""

    def __init__(self, client: KmsClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._primary: _Primary | None = None

    @property
    def place(self) -> str:
        """See `ManagedSealer`."""
        return f"gcp-kms://{self._client.key}"

    def seal(self, plaintext: bytes, context: Context) -> bytes:
        """See `Sealer`."""
        data_key = secrets.token_bytes(KEY_BYTES)
        wrapped = self._client.wrap(data_key, context.to_bytes())
        if not self._is_ours(wrapped.version):
            raise SealingUnavailable(
                f"Cloud KMS answered for {wrapped.version}, when {self._client.key} was asked",
                hint="Is CA_SEALING_KEY_URI the name of a key, without a version?",
            )
        self._primary = _Primary(wrapped.version, self._clock())
        return encrypt(
            data_key,
            plaintext,
            context,
            scheme=Scheme.GCP_KMS,
            key_id=wrapped.version,
            wrapped_key=wrapped.ciphertext,
        )

    def open(self, sealed: bytes, context: Context) -> bytes:
        """See `Sealer`; a key that the value itself names is never asked, only the configured one."""
        envelope = parse(sealed)
        if not self._made(envelope):
            raise SealBroken(
                f"{context}: the value was sealed with {envelope.key_id}, which is not {self.place}",
                hint="Name the place of that key in CA_SEALING_PREVIOUS_KEY_URI.",
            )
        try:
            data_key = self._client.unwrap(envelope.wrapped_key, context.to_bytes())
        except Undecryptable:
            raise broken(context) from None
        return decrypt(data_key, envelope, context)

    def is_current(self, sealed: bytes) -> bool:
        """See `Sealer`."""
        return parse(sealed).key_id == self._current()

    def recognizes(self, sealed: bytes) -> bool:
        """See `ManagedSealer`."""
        return self._made(parse(sealed))

    def known_keys(self) -> list[KeyInfo]:
        """See `ManagedSealer`; earlier versions are known to Cloud KMS only."""
        self._primary = None
        return [KeyInfo(self._current(), None, current=True)]

    def rotate(self) -> KeyInfo:
        """See `ManagedSealer`."""
        _, project, _, location, _, keyring, _, key = self._client.key.split("/")
        command = (
            f"gcloud kms keys versions create --project={project} --location={location} --keyring={keyring} "
            f"--key={key} --primary"
        )
        raise InvalidRequest(
            f"{self.place} is rotated in Cloud KMS, not here",
            hint=f"Run: {command}; or give the key a rotation period. Then run `cloudact sealing reseal`.",
        )

    def check(self) -> str:
        """See `ManagedSealer`."""
        version = self._client.primary_version()
        self.open(self.seal(b"", PROBE), PROBE)
        return f"{self.place} encrypts and decrypts; {version.rpartition('/')[2]} is the primary version"

    def close(self) -> None:
        """See `ManagedSealer`."""
        self._client.close()

    def _current(self) -> str:
        seen = self._primary
        if seen is None or self._clock() - seen.seen_at > _REMEMBERED_SECONDS:
            seen = self._primary = _Primary(self._client.primary_version(), self._clock())
        return seen.version

    def _made(self, envelope: Envelope) -> bool:
        return envelope.scheme is Scheme.GCP_KMS and self._is_ours(envelope.key_id)

    def _is_ours(self, version: str) -> bool:
        return version.startswith(f"{self._client.key}/cryptoKeyVersions/")
