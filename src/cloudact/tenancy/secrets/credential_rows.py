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
from cloudact.tenancy.secrets.validation import ValidationStatus
from cloudact.tenancy.store import named_when_missing, stored_object
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

    session: Session
    dataset: str
    slug: OrgSlug

    def found(self, provider: str | None = None, *, inactive: bool = False) -> list[Credential]:
        """Return the credentials, of one provider or of all, those that are not active if asked to."""
        where: list[Condition] = [] if inactive else [_ACTIVE]
        if provider is not None:
            where.append(Equals("provider", provider))
        return [credential_of(row) for row in self._select(where, _TOLD)]

    def active(self, name: CredentialName) -> Credential:
        """Return the active credential of a name; raises CredentialNotFound."""
        return credential_of(self._only(name, _TOLD))

    def active_and_sealed(self, name: CredentialName) -> tuple[Credential, bytes]:
        """Return the active credential of a name and its sealed secret; raises CredentialNotFound."""
        row = self._only(name, CREDENTIAL_COLUMNS)
        return credential_of(row), CREDENTIAL.from_column(row[CREDENTIAL.column])

    def replace(self, name: CredentialName, row: Row, now: datetime) -> bool:
        """Put a row in the place of the active one of its name; tell whether there was one.

        Of two units that do so at once, each has to see what the other stored. They both record what they do in the
        organization's audit trail, of which only one can write the next row.
        """
        replaced = bool(self._select(_named(name), ["credential_id"]))
        self.deactivate(name, now)
        with named_when_missing(self.session, self.dataset, CREDENTIAL.table, CREDENTIAL_COLUMNS):
            self.session.insert(self.dataset, CREDENTIAL.table, [row])
        return replaced

    def deactivate(self, name: CredentialName, now: datetime) -> None:
        """Make the active credential of a name inactive."""
        self._update({"is_active": False, "updated_at": now}, _named(name))

    def keep(self, credential: Credential, values: Mapping[str, object]) -> None:
        """Write to the very row of a credential."""
        self._update(values, [Equals("credential_id", credential.credential_id)])

    def _only(self, name: CredentialName, columns: Sequence[str]) -> Row:
        found = self._select(_named(name), columns)
        if not found:
            raise CredentialNotFound(self.slug, str(name))
        return found[0]

    def _select(self, where: Sequence[Condition], columns: Sequence[str]) -> list[dict[str, Any]]:
        own = [Equals("org_slug", self.slug), *where]
        with named_when_missing(self.session, self.dataset, CREDENTIAL.table, CREDENTIAL_COLUMNS):
            return self.session.select(self.dataset, CREDENTIAL.table, columns, own)

    def _update(self, values: Mapping[str, object], where: Sequence[Condition]) -> None:
        own = [Equals("org_slug", self.slug), *where]
        with named_when_missing(self.session, self.dataset, CREDENTIAL.table, CREDENTIAL_COLUMNS):
            self.session.update(self.dataset, CREDENTIAL.table, values, own)


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
