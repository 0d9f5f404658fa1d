"""The platform's own secret: made once for a warehouse, kept sealed in it, and what all keyed digests derive from."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Literal

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cloudact.errors import PlatformSecretLost
from cloudact.sealing.sealer import Sealer
from cloudact.tenancy.actor import PLATFORM
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.secrets.columns import CREDENTIAL
from cloudact.tenancy.secrets.key_digests import active_keys, prefix_of
from cloudact.tenancy.store import named_when_missing
from cloudact.warehouse.driver import Equals, Session, Warehouse

Label = Literal["key-lookup", "audit", "idempotency"]

SECRET_ID = "platform-secret"  # noqa: S105 - the row's id
PLATFORM_COLUMNS = (
    "credential_id", "org_slug", "provider", "credential_name", "encrypted_credential", "credential_type",
    "validation_status", "is_active", "created_at",
)  # fmt: skip
_BYTES = 32
_CONTEXT = CREDENTIAL.context(PLATFORM, SECRET_ID)


class PlatformSecret:
    """256 random bits of the warehouse, read once per process; nothing but keys derived from them is handed out."""

    def __init__(
        self, catalogs: Declarations, warehouse: Warehouse, sealer: Sealer, clock: Callable[[], datetime]
    ) -> None:
        self._catalogs = catalogs
        self._warehouse = warehouse
        self._sealer = sealer
        self._clock = clock
        self._lock = threading.Lock()
        self._secret: bytes | None = None
        self._derived: dict[Label, bytes] = {}

    def derive(self, label: Label) -> bytes:
        """Return the key of 256 bits for one purpose, by HKDF-SHA256 (RFC 5869).

        The first call of a process does a unit of work of its own, so make it before a unit that needs the key. Raises
        NotBootstrapped, SealBroken when the sealing key is not the one of this warehouse, SealingUnavailable, and
        PlatformSecretLost when there is none although API keys need one.
        """
        with self._lock:
            if label not in self._derived:
                info = f"cloudact platform secret: {label}".encode()
                self._derived[label] = HKDF(SHA256(), length=_BYTES, salt=None, info=info).derive(self._read())
            return self._derived[label]

    def stored(self) -> bool:
        """Tell whether the secret was made and opens; makes nothing, and raises the errors of `derive`."""
        dataset = self._catalogs.load().central_name
        sealed = self._warehouse.run(lambda session: _select_or_refuse(session, dataset))
        if sealed is None:
            return False
        self._sealer.open(sealed, _CONTEXT)
        return True

    def strange_keys(self) -> int:
        """Return how many active API keys need another secret than the one that there is; raises as `derive` does."""
        dataset, own = self._catalogs.load().central_name, prefix_of(self.derive("key-lookup"))
        return self._warehouse.run(lambda session: active_keys(session, dataset) - active_keys(session, dataset, own))

    def forget(self) -> None:
        """Read the secret anew when it is needed next, because it is not there any more."""
        with self._lock:
            self._secret = None
            self._derived.clear()

    def _read(self) -> bytes:
        if self._secret is None:
            self._secret = self._find_or_make()
        return self._secret

    def _find_or_make(self) -> bytes:
        dataset = self._catalogs.load().central_name
        sealed = self._warehouse.run(lambda session: _select_or_refuse(session, dataset))
        if sealed is None:
            row = self._new_row()
            sealed = self._warehouse.run(lambda session: _insert(session, dataset, row))
        return self._sealer.open(sealed, _CONTEXT)

    def _new_row(self) -> dict[str, object]:
        return {
            "credential_id": SECRET_ID,
            "org_slug": PLATFORM,
            "provider": "CLOUDACT",
            "credential_name": SECRET_ID,
            "encrypted_credential": self._sealer.seal(secrets.token_bytes(_BYTES), _CONTEXT),
            "credential_type": "CLIENT_SECRET",
            "validation_status": "VALID",
            "is_active": True,
            "created_at": self._clock(),
        }


def _select(session: Session, dataset: str) -> bytes | None:
    where = [Equals("org_slug", PLATFORM), Equals("credential_id", SECRET_ID)]
    with named_when_missing(session, dataset, CREDENTIAL.table, PLATFORM_COLUMNS):
        found = session.select(dataset, CREDENTIAL.table, [CREDENTIAL.column], where)
    return CREDENTIAL.from_column(found[0][CREDENTIAL.column]) if found else None


def _select_or_refuse(session: Session, dataset: str) -> bytes | None:
    """Return the stored secret; None where there is none, and nothing needs the one that there may have been."""
    sealed = _select(session, dataset)
    if sealed is None and (keys := active_keys(session, dataset)):
        raise PlatformSecretLost(f"{dataset}.{CREDENTIAL.table}", SECRET_ID, keys)
    return sealed


def _insert(session: Session, dataset: str, row: dict[str, object]) -> bytes:
    """Of processes that make a secret at once, one makes it; all of them go on with what is stored."""
    with named_when_missing(session, dataset, CREDENTIAL.table, PLATFORM_COLUMNS):
        session.insert_if_absent(dataset, CREDENTIAL.table, row, ["org_slug", "credential_id"])
    return _select(session, dataset) or CREDENTIAL.from_column(row[CREDENTIAL.column])
