"""Rows of one organization's credentials, within a unit of work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cloudact.errors import CredentialNotFound
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.secrets.columns import CREDENTIAL
from cloudact.tenancy.secrets.credential import UNNAMED, Credential, CredentialName, masked
from cloudact.tenancy.secrets.own_rows import OwnRows
from cloudact.tenancy.secrets.validation import ValidationStatus
from cloudact.tenancy.store import stored_object
from cloudact.warehouse.driver import Condition, Equals, Row, Session

_TOLD = (
    "credential_id", "org_slug", "provider", "credential_name", "credential_type", "credential_hint",
    "validation_status", "last_validated_at", "last_error", "metadata", "is_active", "created_at", "updated_at",
)  # fmt: skip
CREDENTIAL_COLUMNS = (*_TOLD, CREDENTIAL.column)
_ACTIVE = Equals("is_active", value=True)


@dataclass(frozen=True, slots=True)
class CredentialRows:
    """The credentials of one organization; raises NotBootstrapped when the table lacks something."""

    own: OwnRows

    @staticmethod
    def of(session: Session, dataset: str, slug: OrgSlug) -> CredentialRows:
        """Return those of an organization."""
        return CredentialRows(OwnRows(session, dataset, slug, CREDENTIAL.table, CREDENTIAL_COLUMNS))

    def found(self, provider: str | None = None, *, inactive: bool = False) -> list[Credential]:
        """Return the credentials, of one provider or of all, those that are not active if asked to."""
        where: list[Condition] = [] if inactive else [_ACTIVE]
        if provider is not None:
            where.append(Equals("provider", provider))
        return [credential_of(row) for row in self.own.select(_TOLD, where)]

    def providers(self) -> list[str]:
        """Return the providers of which there is an active credential, which `providers_limit` counts."""
        return sorted({row["provider"] for row in self.own.select(["provider"], [_ACTIVE])})

    def active(self, name: CredentialName) -> Credential:
        """Return the active credential of a name; raises CredentialNotFound."""
        return credential_of(self._only(name, _TOLD))

    def active_and_sealed(self, name: CredentialName) -> tuple[Credential, bytes]:
        """Return the active credential of a name and its sealed secret; raises CredentialNotFound."""
        row = self._only(name, CREDENTIAL_COLUMNS)
        return credential_of(row), CREDENTIAL.from_column(row[CREDENTIAL.column])

    def replace(self, name: CredentialName, row: Row, now: datetime) -> bool:
        """Put a row in the place of the active one of its name, in a unit of `OwnUnits`; tell if there was one."""
        replaced = bool(self.own.select(["credential_id"], _named(name)))
        self.deactivate(name, now)
        self.own.insert(row)
        return replaced

    def deactivate(self, name: CredentialName, now: datetime) -> None:
        """Make the active credential of a name inactive."""
        self.own.update({"is_active": False, "updated_at": now}, _named(name))

    def keep(self, credential: Credential, values: Mapping[str, object]) -> None:
        """Write to the very row of a credential."""
        self.own.update(values, [Equals("credential_id", credential.credential_id)])

    def _only(self, name: CredentialName, columns: Sequence[str]) -> Row:
        found = self.own.select(columns, _named(name))
        if not found:
            raise CredentialNotFound(self.own.slug, str(name))
        return found[0]


def credential_of(row: Mapping[str, Any]) -> Credential:
    """Return what is told of a row, which may lack columns that are NULL."""
    return Credential(
        credential_id=row["credential_id"],
        org_slug=row["org_slug"],
        provider=row["provider"],
        credential_name=row["credential_name"] or UNNAMED,
        credential_type=row["credential_type"],
        masked=masked(row["credential_hint"]),
        validation_status=ValidationStatus(row["validation_status"]),
        last_validated_at=row.get("last_validated_at"),
        last_error=row.get("last_error"),
        metadata=stored_object(row.get("metadata")) or {},
        is_active=row["is_active"],
        created_at=row["created_at"],
        updated_at=row.get("updated_at"),
    )


def _named(name: CredentialName) -> list[Condition]:
    return [Equals("provider", name.provider), Equals("credential_name", name.column), _ACTIVE]
