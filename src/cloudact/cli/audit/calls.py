"""Calls on the audit trail, as a command makes them: in this process, or to a running service."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

from pydantic_core import to_jsonable_python

from cloudact.cli.render import Answer
from cloudact.tenancy.actor import PLATFORM
from cloudact.tenancy.audit.logs import AuditFilter
from cloudact.tenancy.audit.verification import CheckpointEntry
from cloudact.tenancy.names import OrgSlug
from cloudact.wiring import Services

Send = Callable[..., Answer]


class AuditCalls(Protocol):
    """Operations on the trail, with answers as the service's JSON; `system` is the platform's part of it."""

    def list(self, organization: str, query: Mapping[str, Any]) -> Answer:
        """GET /api/v1/organizations/{org_slug}/audit-logs or /api/v1/admin/audit-logs."""

    def verify(self, organization: str | None, checkpoint: Mapping[str, Any]) -> Answer:
        """POST /api/v1/admin/audit-logs/verify."""


class LocalAuditCalls:
    """Carries them out in this process, as the administrator."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def list(self, organization: str, query: Mapping[str, Any]) -> Answer:
        """See `AuditCalls`."""
        logs, given = self._services.audit_logs, dict(query)
        how = {name: given.pop(name) for name in ("limit", "cursor")}
        wanted = AuditFilter(**given)
        if organization == PLATFORM:
            return _plain(logs.of_platform(wanted, **how))
        return _plain(logs.of_organization(OrgSlug(organization), wanted, **how))

    def verify(self, organization: str | None, checkpoint: Mapping[str, Any]) -> Answer:
        """See `AuditCalls`."""
        entries = {name: CheckpointEntry(**item) for name, item in checkpoint.items()}
        return _plain(self._services.verifier.verify(organization, entries))


class RemoteAuditCalls:
    """Sends them to a running service."""

    def __init__(self, send: Send, patience: object) -> None:
        self._send = send
        self._patience = patience

    def list(self, organization: str, query: Mapping[str, Any]) -> Answer:
        """See `AuditCalls`."""
        own = f"/api/v1/organizations/{OrgSlug(organization)}" if organization != PLATFORM else "/api/v1/admin"
        given = {name: _text(value) for name, value in query.items() if value is not None}
        return self._send("GET", f"{own}/audit-logs", params=given)

    def verify(self, organization: str | None, checkpoint: Mapping[str, Any]) -> Answer:
        """See `AuditCalls`."""
        body = {"organization": organization, "checkpoint": dict(checkpoint)}
        return self._send("POST", "/api/v1/admin/audit-logs/verify", json=body, timeout=self._patience)


def _text(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def _plain(result: object) -> Answer:
    answer: Answer = to_jsonable_python(result)
    return answer
