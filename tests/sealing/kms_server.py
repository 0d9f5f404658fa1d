"""The published KeyManagementService of Google Cloud KMS on a port of this machine, with real AES-256-GCM inside.

Strict where the service is: associated data have to agree, checksums are checked and answered, a key that is not there
or a version that is not enabled is refused. Anything else of its interface is UNIMPLEMENTED.
"""

from __future__ import annotations

import os
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import google_crc32c
import grpc
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from google.cloud import kms_v1

KEY = "projects/some-project/locations/europe/keyRings/ring/cryptoKeys/seal"
OTHER_KEY = "projects/some-project/locations/europe/keyRings/ring/cryptoKeys/other"
SERVICE = "google.cloud.kms.v1.KeyManagementService"
_ENABLED = kms_v1.CryptoKeyVersion.CryptoKeyVersionState.ENABLED
_MAX_PLAINTEXT = 64 * 1024
Answer = Callable[[Any], Any]


@dataclass
class _CryptoKey:
    """A key: its versions by number, the numbers that are disabled, and which one encrypts."""

    purpose: kms_v1.CryptoKey.CryptoKeyPurpose
    versions: dict[int, bytes] = field(default_factory=dict)
    disabled: set[int] = field(default_factory=set)
    primary: int = 0


class Refused(Exception):
    """The service refuses a request with a gRPC status."""

    def __init__(self, status: grpc.StatusCode, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.words = words


class KmsServer:
    """What there is in this Cloud KMS, what it was asked, and what goes wrong next."""

    def __init__(self) -> None:
        self._keys: dict[str, _CryptoKey] = {}
        self._lock = threading.Lock()
        self.faults: deque[Refused] = deque()
        self.garble: deque[Callable[[Any], None]] = deque()
        self.held = threading.Event()
        self.asked: Counter[str] = Counter()
        self.requests: list[Any] = []
        self.plaintexts: list[bytes] = []
        self.address = ""
        self.reset()

    def reset(self) -> None:
        """Begin anew, with two keys that were never used."""
        self.held.set()
        for remembered in (self._keys, self.faults, self.garble, self.asked, self.requests, self.plaintexts):
            remembered.clear()
        for name in (KEY, OTHER_KEY):
            self.add_key(name)

    def add_key(
        self,
        name: str,
        purpose: kms_v1.CryptoKey.CryptoKeyPurpose = kms_v1.CryptoKey.CryptoKeyPurpose.ENCRYPT_DECRYPT,
    ) -> None:
        """Make a key with one version."""
        self._keys[name] = _CryptoKey(purpose)
        self.rotate(name)

    def rotate(self, name: str = KEY) -> str:
        """Make a new primary version, as `gcloud kms keys versions create --primary` does."""
        key = self._keys[name]
        key.primary += 1
        key.versions[key.primary] = os.urandom(32)
        return f"{name}/cryptoKeyVersions/{key.primary}"

    def disable(self, version: int, name: str = KEY) -> None:
        """Disable a version: it neither encrypts nor decrypts."""
        self._keys[name].disabled.add(version)

    def fail(self, status: grpc.StatusCode, times: int = 1, words: str = "so it is") -> None:
        """Refuse the next requests."""
        self.faults.extend([Refused(status, words)] * times)

    def encrypt(self, request: kms_v1.EncryptRequest) -> kms_v1.EncryptResponse:
        """Answer Encrypt."""
        key = self._key(request.name)
        if len(request.plaintext) > _MAX_PLAINTEXT:
            raise Refused(grpc.StatusCode.INVALID_ARGUMENT, "The plaintext is too large.")
        data = request.additional_authenticated_data
        checked = _checked("plaintext_crc32c", request.plaintext, request)
        checked_data = _checked("additional_authenticated_data_crc32c", data, request)
        self._require_enabled(key, key.primary)
        nonce = os.urandom(12)
        ciphertext = AESGCM(key.versions[key.primary]).encrypt(nonce, request.plaintext, data)
        sealed = key.primary.to_bytes(4, "big") + nonce + ciphertext
        self.plaintexts.append(request.plaintext)
        return kms_v1.EncryptResponse(
            name=f"{request.name}/cryptoKeyVersions/{key.primary}",
            ciphertext=sealed,
            ciphertext_crc32c=google_crc32c.value(sealed),
            verified_plaintext_crc32c=checked,
            verified_additional_authenticated_data_crc32c=checked_data,
        )

    def decrypt(self, request: kms_v1.DecryptRequest) -> kms_v1.DecryptResponse:
        """Answer Decrypt."""
        key = self._key(request.name)
        sealed, data = request.ciphertext, request.additional_authenticated_data
        _checked("ciphertext_crc32c", sealed, request)
        _checked("additional_authenticated_data_crc32c", data, request)
        number = int.from_bytes(sealed[:4], "big")
        if number not in key.versions:
            raise _not_decrypted()
        self._require_enabled(key, number)
        try:
            plaintext = AESGCM(key.versions[number]).decrypt(sealed[4:16], sealed[16:], data)
        except (InvalidTag, ValueError):
            raise _not_decrypted() from None
        return kms_v1.DecryptResponse(
            plaintext=plaintext,
            plaintext_crc32c=google_crc32c.value(plaintext),
            used_primary=number == key.primary,
        )

    def get_crypto_key(self, request: kms_v1.GetCryptoKeyRequest) -> kms_v1.CryptoKey:
        """Answer GetCryptoKey."""
        key = self._key(request.name)
        symmetric = key.purpose == kms_v1.CryptoKey.CryptoKeyPurpose.ENCRYPT_DECRYPT
        primary = kms_v1.CryptoKeyVersion(name=f"{request.name}/cryptoKeyVersions/{key.primary}", state=_ENABLED)
        return kms_v1.CryptoKey(name=request.name, purpose=key.purpose, primary=primary if symmetric else None)

    def _key(self, name: str) -> _CryptoKey:
        if name not in self._keys:
            raise Refused(grpc.StatusCode.NOT_FOUND, f"CryptoKey {name} not found.")
        return self._keys[name]

    def _require_enabled(self, key: _CryptoKey, number: int) -> None:
        if number in key.disabled:
            raise Refused(grpc.StatusCode.FAILED_PRECONDITION, f"CryptoKeyVersion {number} is not enabled, DISABLED.")

    def handler(self, name: str, answer: Answer) -> Answer:
        """Return what gRPC calls for a method."""

        def handle(request: Any, context: grpc.ServicerContext) -> Any:
            self.asked[name] += 1
            self.requests.append(request)
            self.held.wait(30)
            with self._lock:
                try:
                    if self.faults:
                        raise self.faults.popleft()
                    answered = answer(request)
                except Refused as refused:
                    context.abort(refused.status, refused.words)
                if self.garble:
                    self.garble.popleft()(answered)
            return answered

        return handle


@contextmanager
def running() -> Iterator[KmsServer]:
    """Serve until the end of the block."""
    kms = KmsServer()
    methods = {
        "Encrypt": (kms.encrypt, kms_v1.EncryptRequest, kms_v1.EncryptResponse),
        "Decrypt": (kms.decrypt, kms_v1.DecryptRequest, kms_v1.DecryptResponse),
        "GetCryptoKey": (kms.get_crypto_key, kms_v1.GetCryptoKeyRequest, kms_v1.CryptoKey),
    }
    handlers = {
        name: grpc.unary_unary_rpc_method_handler(
            kms.handler(name, answer),
            request_deserializer=request.deserialize,
            response_serializer=response.serialize,
        )
        for name, (answer, request, response) in methods.items()
    }
    with ThreadPoolExecutor(16) as threads:
        server = grpc.server(threads)
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
        kms.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        server.start()
        yield kms
        kms.held.set()
        server.stop(None).wait()


def _checked(name: str, data: bytes, request: Any) -> bool:
    """Tell whether a checksum was given; refuse a wrong one in the words of the service."""
    if name not in request:
        return False
    if getattr(request, name) != google_crc32c.value(data):
        words = f"The checksum in field {name} did not match the data in field {name.removesuffix('_crc32c')}."
        raise Refused(grpc.StatusCode.INVALID_ARGUMENT, words)
    return True


def _not_decrypted() -> Refused:
    return Refused(grpc.StatusCode.INVALID_ARGUMENT, "Decryption failed: the ciphertext is invalid.")
