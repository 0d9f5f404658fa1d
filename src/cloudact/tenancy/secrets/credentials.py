"""Use cases on an organization's credentials for its integrations: stored sealed, replaced, checked, deactivated."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

import structlog

from cloudact.errors import LimitReached
from cloudact.sealing.sealer import Sealer
from cloudact.tenancy.actor import Actor
from cloudact.tenancy.audit.event import Action, Event, ResourceType, text
from cloudact.tenancy.audit.trail import AuditTrail
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.secrets.columns import CREDENTIAL
from cloudact.tenancy.secrets.credential import UNNAMED, Credential, CredentialName, NewCredential, without_secret
from cloudact.tenancy.secrets.credential_rows import CredentialRows, credential_of
from cloudact.tenancy.secrets.own_rows import OwnUnits, Record
from cloudact.tenancy.secrets.validation import Subject, ValidationStatus, Validator, Verdict
from cloudact.tenancy.store import NewId
from cloudact.tenancy.subscriptions.rows import AccountRows
from cloudact.warehouse.driver import Warehouse

T = TypeVar("T")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Stored:
    """A credential that was stored, and whether it is in the place of another one."""

    credential: Credential
    replaced: bool


@dataclass(frozen=True, slots=True)
class Validation:
    """What came of asking the provider; `checked` is False where nothing was learned."""

    credential: Credential
    checked: bool
    message: str


@dataclass(frozen=True, slots=True)
class Credentials:
    """Use cases on credentials; no answer holds a secret. Each raises OrganizationNotFound and OnboardingUnfinished."""

    catalogs: Declarations
    warehouse: Warehouse
    sealer: Sealer
    clock: Callable[[], datetime]
    new_id: NewId
    validators: Mapping[str, Validator]
    trail: AuditTrail

    def put(self, slug: OrgSlug, new: NewCredential, *, actor: Actor) -> Stored:
        """Store a credential in the place of the active one of its name, whose row is kept and deactivated.

        Raises LimitReached for one provider more than the organization's plan allows.
        """
        new.check()
        now = self.clock()
        row = self._row(slug, new, now)
        stored = credential_of(row)

        def work(rows: CredentialRows, record: Record) -> bool:
            # Recorded first, so that nobody else stores a provider's between the look and the write.
            record(_event(Action.CREATE, slug, new.name, stored.credential_id, type=stored.credential_type))
            _require_room(rows, new.name.provider, now)
            return rows.replace(new.name, row, now)

        return Stored(stored, replaced=self._change(actor, _event(Action.CREATE, slug, new.name), work))

    def found(self, slug: OrgSlug, provider: str | None = None, *, inactive: bool = False) -> list[Credential]:
        """Return the organization's credentials by provider, name and age; those that are not active if asked to."""
        code = CredentialName.parse(provider, UNNAMED).provider if provider is not None else None
        found = self._run(slug, lambda rows: rows.found(code, inactive=inactive))
        return sorted(found, key=lambda item: (item.provider, item.credential_name, item.created_at))

    def show(self, slug: OrgSlug, name: CredentialName) -> Credential:
        """Return the active credential of this name; raises CredentialNotFound."""
        return self._run(slug, lambda rows: rows.active(name))

    def deactivate(self, slug: OrgSlug, name: CredentialName, *, actor: Actor) -> Credential:
        """Take the credential out of use; its row stays. Raises CredentialNotFound."""
        now = self.clock()

        def work(rows: CredentialRows, record: Record) -> Credential:
            found = rows.active(name)
            record(_event(Action.DELETE, slug, name, found.credential_id))
            rows.deactivate(name, now)
            return replace(found, is_active=False, updated_at=now)

        return self._change(actor, _event(Action.DELETE, slug, name), work)

    def validate(self, slug: OrgSlug, name: CredentialName, *, actor: Actor) -> Validation:
        """Have the provider's validator check the credential, and keep what it says.

        Without a validator, or where it fails, the status stays as it is and the message says so.
        """
        found, sealed = self._run(slug, lambda rows: rows.active_and_sealed(name))
        validator = self.validators.get(name.provider)
        if validator is None:
            message = f"No validator for {name.provider} is installed; validation_status stays "
            return Validation(found, checked=False, message=f"{message}{found.validation_status}.")
        secret = self.sealer.open(sealed, CREDENTIAL.context(slug, found.credential_id)).decode()
        subject = Subject(slug, name.provider, name.name, found.credential_type, secret, found.metadata)
        try:
            verdict = validator(subject)
            status, words = ValidationStatus(verdict.status), text(without_secret(str(verdict.message), secret))
        except Exception as error:  # noqa: BLE001 - whatever a stranger's validator does, the credential is as it was
            # Its words may hold the secret in any form.
            _log.warning("credential_validator_failed", provider=name.provider, error=type(error).__name__)
            message = f"The validator of {name.provider} failed with {type(error).__name__}; nothing was learned."
            return Validation(found, checked=False, message=message)
        return self._keep(slug, name, found, Verdict(status, words), actor)

    def _keep(
        self, slug: OrgSlug, name: CredentialName, checked: Credential, verdict: Verdict, actor: Actor
    ) -> Validation:
        """Write the verdict to the row that was checked: what was stored in its place meanwhile was not."""
        now, status = self.clock(), verdict.status
        error = None if status is ValidationStatus.VALID else verdict.message or f"The provider says {status}."
        values = {"validation_status": status.value, "last_validated_at": now, "last_error": error, "updated_at": now}
        event = _event(Action.UPDATE, slug, name, checked.credential_id, validation_status=status.value)

        def work(rows: CredentialRows, record: Record) -> None:
            record(event)
            rows.keep(checked, values)

        self._change(actor, event, work)
        after = replace(checked, validation_status=status, last_validated_at=now, last_error=error, updated_at=now)
        return Validation(after, checked=True, message=verdict.message or f"The provider says {status}.")

    def _row(self, slug: OrgSlug, new: NewCredential, now: datetime) -> dict[str, object]:
        credential_id = self.new_id()
        sealed = self.sealer.seal(new.secret.encode(), CREDENTIAL.context(slug, credential_id))
        return {
            "credential_id": credential_id,
            "org_slug": str(slug),
            "provider": new.name.provider,
            "credential_name": new.name.column,
            CREDENTIAL.column: CREDENTIAL.to_column(sealed),
            "credential_type": new.credential_type.value,
            "credential_hint": new.hint,
            "validation_status": ValidationStatus.PENDING.value,
            "metadata": json.dumps(dict(new.metadata), sort_keys=True) if new.metadata else None,
            "is_active": True,
            "created_at": now,
        }

    def _run(self, slug: OrgSlug, work: Callable[[CredentialRows], T]) -> T:
        return self._units.read(slug, lambda session, dataset: work(CredentialRows.of(session, dataset, slug)))

    def _change(self, actor: Actor, event: Event, work: Callable[[CredentialRows, Record], T]) -> T:
        """Do what changes something; a failure leaves a row in the audit trail as well."""
        slug = OrgSlug(event.organization or "")
        with self.trail.attempt(actor, event):
            return self._units.write(
                slug, actor, lambda session, dataset, record: work(CredentialRows.of(session, dataset, slug), record)
            )

    @property
    def _units(self) -> OwnUnits:
        return OwnUnits(self.catalogs, self.warehouse, self.trail)


def _require_room(rows: CredentialRows, provider: str, now: datetime) -> None:
    own = rows.own
    subscription = AccountRows(own.session, own.dataset, own.slug).subscription(now.date())
    allowed = subscription.limits.providers_limit if subscription else None
    if allowed is None:
        return
    connected = rows.providers()
    if provider not in connected and len(connected) >= allowed:
        used = f"it has credentials of {', '.join(connected)}" if connected else "it has none"
        raise LimitReached(own.slug, "providers_limit", allowed, used)


def _event(
    action: Action, slug: OrgSlug, name: CredentialName, credential_id: str | None = None, **details: str
) -> Event:
    about = {"provider": name.provider, "credential_name": name.name, **details}
    return Event(action, ResourceType.CREDENTIAL, credential_id, organization=slug, details=about)
