"""Calls on secrets, as a command makes them: in this process, or to a running service."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import quote

import httpx2
from pydantic_core import to_jsonable_python

from cloudact.cli.render import Answer
from cloudact.errors import InvalidRequest, Problem
from cloudact.tenancy.actor import Actor
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.secrets.credential import CredentialName, CredentialType, NewCredential
from cloudact.wiring import Services

_PATIENCE = httpx2.Timeout(None, connect=5.0)  # for what opens and seals every value, however long that takes
Send = Callable[..., Answer]


class SecretCalls(Protocol):
    """Operations on the sealing key and on credentials, with answers as the service's JSON."""

    def sealing_status(self) -> Answer:
        """GET /api/v1/admin/sealing."""

    def sealing_rotate(self) -> Answer:
        """POST /api/v1/admin/sealing/rotate."""

    def sealing_reseal(self) -> Answer:
        """POST /api/v1/admin/sealing/reseal."""

    def credential_put(self, slug: str, provider: str, name: str, fields: Mapping[str, Any]) -> Answer:
        """PUT /api/v1/organizations/{org_slug}/integrations/{provider}/credentials/{credential_name}."""

    def credential_list(self, slug: str, query: Mapping[str, Any]) -> Answer:
        """GET /api/v1/organizations/{org_slug}/integrations."""

    def credential_validate(self, slug: str, provider: str, name: str) -> Answer:
        """POST /api/v1/organizations/{org_slug}/integrations/{provider}/credentials/{credential_name}/validate."""

    def credential_deactivate(self, slug: str, provider: str, name: str) -> Answer:
        """DELETE /api/v1/organizations/{org_slug}/integrations/{provider}/credentials/{credential_name}."""


class LocalSecretCalls:
    """Carries them out in this process."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def sealing_status(self) -> Answer:
        """See `SecretCalls`."""
        return _plain(self._services.sealing.status())

    def sealing_rotate(self) -> Answer:
        """See `SecretCalls`."""
        return _plain(self._services.sealing.rotate(actor=Actor.local()))

    def sealing_reseal(self) -> Answer:
        """See `SecretCalls`."""
        return _plain(self._services.sealing.reseal(actor=Actor.local()))

    def credential_put(self, slug: str, provider: str, name: str, fields: Mapping[str, Any]) -> Answer:
        """See `SecretCalls`."""
        kind = _credential_type(fields["credential_type"])
        new = NewCredential(CredentialName.parse(provider, name), kind, fields["secret"], fields["metadata"])
        return _plain(self._services.credentials.put(OrgSlug(slug), new, actor=Actor.local()))

    def credential_list(self, slug: str, query: Mapping[str, Any]) -> Answer:
        """See `SecretCalls`."""
        found = self._services.credentials.found(OrgSlug(slug), query["provider"], inactive=query["include_inactive"])
        return _plain({"credentials": found})

    def credential_validate(self, slug: str, provider: str, name: str) -> Answer:
        """See `SecretCalls`."""
        return _plain(
            self._services.credentials.validate(
                OrgSlug(slug), CredentialName.parse(provider, name), actor=Actor.local()
            )
        )

    def credential_deactivate(self, slug: str, provider: str, name: str) -> Answer:
        """See `SecretCalls`."""
        return _plain(
            self._services.credentials.deactivate(
                OrgSlug(slug), CredentialName.parse(provider, name), actor=Actor.local()
            )
        )


class RemoteSecretCalls:
    """Sends them to a running service."""

    def __init__(self, send: Send) -> None:
        self._send = send

    def sealing_status(self) -> Answer:
        """See `SecretCalls`."""
        return self._send("GET", "/api/v1/admin/sealing", timeout=_PATIENCE)

    def sealing_rotate(self) -> Answer:
        """See `SecretCalls`."""
        return self._send("POST", "/api/v1/admin/sealing/rotate")

    def sealing_reseal(self) -> Answer:
        """See `SecretCalls`."""
        return self._send("POST", "/api/v1/admin/sealing/reseal", timeout=_PATIENCE)

    def credential_put(self, slug: str, provider: str, name: str, fields: Mapping[str, Any]) -> Answer:
        """See `SecretCalls`."""
        return self._send("PUT", _path(slug, provider, name), json=dict(fields))

    def credential_list(self, slug: str, query: Mapping[str, Any]) -> Answer:
        """See `SecretCalls`."""
        given = {name: value for name, value in query.items() if value is not None}
        return self._send("GET", f"/api/v1/organizations/{OrgSlug(slug)}/integrations", params=given)

    def credential_validate(self, slug: str, provider: str, name: str) -> Answer:
        """See `SecretCalls`."""
        return self._send("POST", f"{_path(slug, provider, name)}/validate")

    def credential_deactivate(self, slug: str, provider: str, name: str) -> Answer:
        """See `SecretCalls`."""
        return self._send("DELETE", _path(slug, provider, name))


def _path(slug: str, provider: str, name: str) -> str:
    CredentialName.parse(provider, name)
    place = f"integrations/{quote(provider, safe='')}/credentials/{quote(name, safe='')}"
    return f"/api/v1/organizations/{OrgSlug(slug)}/{place}"


def _credential_type(text: str) -> CredentialType:
    if text in CredentialType.__members__:
        return CredentialType(text)
    what = f"{text!r} is no type of credential; types are {', '.join(CredentialType)}"
    raise InvalidRequest(what, problems=[Problem("request", "credential_type", what, "")])


def _plain(result: object) -> Answer:
    answer: Answer = to_jsonable_python(result)
    return answer
