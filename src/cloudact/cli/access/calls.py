"""Calls on keys, as a command makes them: in this process, or to a running service."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import quote

from pydantic_core import to_jsonable_python

from cloudact.cli.render import Answer
from cloudact.tenancy.access.caller import ADMINISTRATOR
from cloudact.tenancy.access.key_request import KeyRequest
from cloudact.tenancy.actor import Actor
from cloudact.tenancy.names import OrgSlug
from cloudact.wiring import Services

Send = Callable[..., Answer]


class KeyCalls(Protocol):
    """Operations on an organization's keys, with answers as the service's JSON."""

    def create(self, slug: str, fields: Mapping[str, Any]) -> Answer:
        """POST /api/v1/organizations/{org_slug}/keys."""

    def list(self, slug: str, query: Mapping[str, int]) -> Answer:
        """GET /api/v1/organizations/{org_slug}/keys."""

    def rotate(self, slug: str, key_id: str, grace_seconds: int) -> Answer:
        """POST /api/v1/organizations/{org_slug}/keys/{key_id}/rotate."""

    def revoke(self, slug: str, key_id: str) -> Answer:
        """POST /api/v1/organizations/{org_slug}/keys/{key_id}/revoke."""


class LocalKeyCalls:
    """Carries them out in this process, as the administrator."""

    def __init__(self, services: Services) -> None:
        self._keys = services.keys

    def create(self, slug: str, fields: Mapping[str, Any]) -> Answer:
        """See `KeyCalls`."""
        request = KeyRequest(**fields)
        return _plain(self._keys.create(OrgSlug(slug), request, caller=ADMINISTRATOR, actor=Actor.local()))

    def list(self, slug: str, query: Mapping[str, int]) -> Answer:
        """See `KeyCalls`."""
        return _plain(self._keys.page(OrgSlug(slug), **query))

    def rotate(self, slug: str, key_id: str, grace_seconds: int) -> Answer:
        """See `KeyCalls`."""
        made = self._keys.rotate(OrgSlug(slug), key_id, grace_seconds, caller=ADMINISTRATOR, actor=Actor.local())
        return _plain(made)

    def revoke(self, slug: str, key_id: str) -> Answer:
        """See `KeyCalls`."""
        return _plain(self._keys.revoke(OrgSlug(slug), key_id, actor=Actor.local()))


class RemoteKeyCalls:
    """Sends them to a running service."""

    def __init__(self, send: Send) -> None:
        self._send = send

    def create(self, slug: str, fields: Mapping[str, Any]) -> Answer:
        """See `KeyCalls`."""
        return self._send("POST", _path(slug), json=to_jsonable_python(dict(fields)))

    def list(self, slug: str, query: Mapping[str, int]) -> Answer:
        """See `KeyCalls`."""
        return self._send("GET", _path(slug), params=dict(query))

    def rotate(self, slug: str, key_id: str, grace_seconds: int) -> Answer:
        """See `KeyCalls`."""
        return self._send("POST", f"{_path(slug, key_id)}/rotate", json={"grace_seconds": grace_seconds})

    def revoke(self, slug: str, key_id: str) -> Answer:
        """See `KeyCalls`."""
        return self._send("POST", f"{_path(slug, key_id)}/revoke")


def _path(slug: str, *key_id: str) -> str:
    return "/".join((f"/api/v1/organizations/{OrgSlug(slug)}/keys", *(quote(part, safe="") for part in key_id)))


def _plain(result: object) -> Answer:
    answer: Answer = to_jsonable_python(result)
    return answer
