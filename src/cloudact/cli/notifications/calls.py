"""Calls on notification channels, as a command makes them: in this process, or to a running service."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import quote

from pydantic_core import to_jsonable_python

from cloudact.cli.render import Answer
from cloudact.tenancy.actor import Actor
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.notifications.channel import NewChannel
from cloudact.wiring import Services

Send = Callable[..., Answer]


class ChannelCalls(Protocol):
    """Operations on notification channels, with answers as the service's JSON."""

    def create(self, slug: str, fields: Mapping[str, Any]) -> Answer:
        """POST /api/v1/organizations/{org_slug}/notifications/channels."""

    def list(self, slug: str, query: Mapping[str, Any]) -> Answer:
        """GET /api/v1/organizations/{org_slug}/notifications/channels."""

    def show(self, slug: str, channel_id: str) -> Answer:
        """GET /api/v1/organizations/{org_slug}/notifications/channels/{channel_id}."""

    def replace(self, slug: str, channel_id: str, fields: Mapping[str, Any]) -> Answer:
        """PUT /api/v1/organizations/{org_slug}/notifications/channels/{channel_id}."""

    def deactivate(self, slug: str, channel_id: str) -> Answer:
        """DELETE /api/v1/organizations/{org_slug}/notifications/channels/{channel_id}."""


class LocalChannelCalls:
    """Carries them out in this process."""

    def __init__(self, services: Services) -> None:
        self._channels = services.channels

    def create(self, slug: str, fields: Mapping[str, Any]) -> Answer:
        """See `ChannelCalls`."""
        return _plain(self._channels.create(OrgSlug(slug), NewChannel(**fields), actor=Actor.local()))

    def list(self, slug: str, query: Mapping[str, Any]) -> Answer:
        """See `ChannelCalls`."""
        how = {"inactive": query["include_inactive"], "limit": query["limit"], "offset": query["offset"]}
        return _plain(self._channels.page(OrgSlug(slug), query["channel_type"], **how))

    def show(self, slug: str, channel_id: str) -> Answer:
        """See `ChannelCalls`."""
        return _plain(self._channels.show(OrgSlug(slug), channel_id))

    def replace(self, slug: str, channel_id: str, fields: Mapping[str, Any]) -> Answer:
        """See `ChannelCalls`."""
        return _plain(self._channels.replace(OrgSlug(slug), channel_id, NewChannel(**fields), actor=Actor.local()))

    def deactivate(self, slug: str, channel_id: str) -> Answer:
        """See `ChannelCalls`."""
        return _plain(self._channels.deactivate(OrgSlug(slug), channel_id, actor=Actor.local()))


class RemoteChannelCalls:
    """Sends them to a running service."""

    def __init__(self, send: Send) -> None:
        self._send = send

    def create(self, slug: str, fields: Mapping[str, Any]) -> Answer:
        """See `ChannelCalls`."""
        return self._send("POST", _path(slug), json=dict(fields))

    def list(self, slug: str, query: Mapping[str, Any]) -> Answer:
        """See `ChannelCalls`."""
        given = {name: value for name, value in query.items() if value is not None}
        return self._send("GET", _path(slug), params=given)

    def show(self, slug: str, channel_id: str) -> Answer:
        """See `ChannelCalls`."""
        return self._send("GET", _path(slug, channel_id))

    def replace(self, slug: str, channel_id: str, fields: Mapping[str, Any]) -> Answer:
        """See `ChannelCalls`."""
        return self._send("PUT", _path(slug, channel_id), json=dict(fields))

    def deactivate(self, slug: str, channel_id: str) -> Answer:
        """See `ChannelCalls`."""
        return self._send("DELETE", _path(slug, channel_id))


def _path(slug: str, *channel_id: str) -> str:
    place = f"/api/v1/organizations/{OrgSlug(slug)}/notifications/channels"
    return "/".join((place, *(quote(part, safe="") for part in channel_id)))


def _plain(result: object) -> Answer:
    answer: Answer = to_jsonable_python(result)
    return answer
