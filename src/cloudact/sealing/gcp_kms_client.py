"""Requests to Google Cloud KMS: checksums both ways, bounded repetition, errors as this project's own.

Checksums are those of https://cloud.google.com/kms/docs/data-integrity-guidelines.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import google_crc32c
import grpc
from google.api_core import exceptions
from google.api_core.retry import Retry, if_exception_type
from google.api_core.timeout import ConstantTimeout
from google.auth.exceptions import GoogleAuthError
from google.cloud import kms_v1
from google.cloud.kms_v1.services.key_management_service.transports.grpc import KeyManagementServiceGrpcTransport

from cloudact.errors import CloudactError, ConfigurationError, SealingDenied, SealingUnavailable

T = TypeVar("T")

_LOOPBACK = re.compile(r"(localhost|127(\.[0-9]{1,3}){3}|\[::1\]):[0-9]{1,5}")


class Undecryptable(Exception):
    """Cloud KMS says that the ciphertext is not one of this key and these associated data."""


class _Garbled(Exception):
    """A checksum does not fit what was received."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one request may take, how long it is repeated, and the pauses in between, all in seconds."""

    request: float = 5.0
    total: float = 20.0
    first_pause: float = 0.1
    longest_pause: float = 2.0

    def retry(self) -> Retry:
        """Return how requests are repeated: for what may be better at the next attempt, and for nothing else."""
        worth_another = if_exception_type(
            exceptions.ServiceUnavailable,
            exceptions.DeadlineExceeded,
            exceptions.InternalServerError,
            exceptions.ResourceExhausted,
            _Garbled,
        )
        return Retry(worth_another, self.first_pause, self.longest_pause, multiplier=2.0, timeout=self.total)


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A data key that Cloud KMS encrypted, and the name of the key version that did."""

    version: str
    ciphertext: bytes


class KmsClient:
    """One key of Cloud KMS, by its resource name."""

    def __init__(self, key: str, *, emulator: str | None = None, patience: Patience | None = None) -> None:
        self.key = key
        self._patience = patience or Patience()
        self._client = _emulated(emulator) if emulator else _real()

    def wrap(self, data_key: bytes, associated: bytes) -> Wrapped:
        """Return the data key encrypted by the primary version of the key."""
        request = kms_v1.EncryptRequest(
            name=self.key,
            plaintext=data_key,
            additional_authenticated_data=associated,
            plaintext_crc32c=_checksum(data_key),
            additional_authenticated_data_crc32c=_checksum(associated),
        )

        def encrypt() -> Wrapped:
            answer = self._client.encrypt(request, retry=None, timeout=self._timeout())
            received = answer.verified_plaintext_crc32c and answer.verified_additional_authenticated_data_crc32c
            if not received or answer.ciphertext_crc32c != _checksum(answer.ciphertext):
                raise _Garbled
            return Wrapped(answer.name, answer.ciphertext)

        return self._repeated(encrypt)

    def unwrap(self, ciphertext: bytes, associated: bytes) -> bytes:
        """Return the data key; raises Undecryptable when it is not of this key and these associated data."""
        request = kms_v1.DecryptRequest(
            name=self.key,
            ciphertext=ciphertext,
            additional_authenticated_data=associated,
            ciphertext_crc32c=_checksum(ciphertext),
            additional_authenticated_data_crc32c=_checksum(associated),
        )

        def decrypt() -> bytes:
            try:
                answer = self._client.decrypt(request, retry=None, timeout=self._timeout())
            except exceptions.InvalidArgument as error:
                # Cloud KMS refuses what does not fit its checksum in the same way as what it cannot decrypt.
                raise (_Garbled if "crc32c" in str(error) else Undecryptable) from error
            if answer.plaintext_crc32c != _checksum(answer.plaintext):
                raise _Garbled
            return bytes(answer.plaintext)

        return self._repeated(decrypt)

    def primary_version(self) -> str:
        """Return the name of the version that encrypts; raises ConfigurationError when the key cannot encrypt."""
        found = self._repeated(lambda: self._client.get_crypto_key(name=self.key, retry=None, timeout=self._timeout()))
        if found.purpose != kms_v1.CryptoKey.CryptoKeyPurpose.ENCRYPT_DECRYPT or not found.primary.name:
            raise ConfigurationError(
                f"CA_SEALING_KEY_URI names {self.key}, which is no key for symmetric encryption with a primary version",
                hint="Make one with: gcloud kms keys create KEY --purpose=encryption",
            )
        return str(found.primary.name)

    def close(self) -> None:
        """Release the connection."""
        self._client.transport.close()

    def _timeout(self) -> ConstantTimeout:
        return ConstantTimeout(self._patience.request)

    def _repeated(self, send: Callable[[], T]) -> T:
        try:
            return self._patience.retry()(send)()
        except exceptions.RetryError as error:
            raise _mapped(self.key, error.cause) from error
        except (exceptions.GoogleAPICallError, GoogleAuthError) as error:
            raise _mapped(self.key, error) from error


def _mapped(key: str, error: BaseException | None) -> CloudactError:
    words = getattr(error, "message", None) or str(error)
    match error:
        case exceptions.PermissionDenied() | exceptions.Unauthenticated() | GoogleAuthError():
            return SealingDenied(
                f"Cloud KMS key {key} may not be used with the service's credentials: {words}",
                hint="Grant them roles/cloudkms.cryptoKeyEncrypterDecrypter and roles/cloudkms.viewer on the key.",
            )
        case exceptions.NotFound():
            return SealingUnavailable(
                f"Cloud KMS key {key} does not exist: {words}", hint="Is CA_SEALING_KEY_URI its resource name?"
            )
        case exceptions.FailedPrecondition() | exceptions.InvalidArgument():
            return SealingUnavailable(
                f"Cloud KMS key {key} cannot be used: {words}",
                hint="Enable the key version that it names; a version that was destroyed opens nothing any more.",
            )
        case _Garbled():
            return SealingUnavailable(
                f"Cloud KMS key {key}: what was sent or received was garbled every time", hint="Repeat the call."
            )
        case _:
            return SealingUnavailable(f"Cloud KMS does not answer for key {key}: {words}", hint="Repeat the call.")


def _checksum(data: bytes) -> int:
    return int(google_crc32c.value(data))


def _real() -> kms_v1.KeyManagementServiceClient:
    try:
        return kms_v1.KeyManagementServiceClient()
    except GoogleAuthError as error:
        raise ConfigurationError(
            f"CA_SEALING_KEY_URI names Cloud KMS, but there are no credentials for it: {error}",
            hint="Application Default Credentials are looked for; docs/key-handling.md says how to set them.",
        ) from error


def _emulated(address: str) -> kms_v1.KeyManagementServiceClient:
    """Without TLS and credentials, so that data keys must not leave this machine."""
    if not _LOOPBACK.fullmatch(address):
        raise ConfigurationError(
            f"CA_KMS_EMULATOR_HOST {address!r} is not a port of this machine",
            hint="It is for tests, sends keys in the clear, and is written as localhost:PORT or 127.0.0.1:PORT.",
        )
    channel = grpc.insecure_channel(address)
    return kms_v1.KeyManagementServiceClient(transport=KeyManagementServiceGrpcTransport(channel=channel))
