"""Calls on hierarchies, as a command makes them: in this process, or to a running service."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import quote

from pydantic_core import to_jsonable_python

from cloudact.cli.render import Answer
from cloudact.tenancy.actor import Actor
from cloudact.tenancy.hierarchy.answers import Search
from cloudact.tenancy.hierarchy.entity import parse_metadata
from cloudact.tenancy.hierarchy.hierarchies import Expected
from cloudact.tenancy.names import OrgSlug
from cloudact.wiring import Services

Send = Callable[..., Answer]


class HierarchyCalls(Protocol):
    """Operations on a hierarchy, with answers as the service's JSON; a version of None takes whatever is current."""

    def entities(self, slug: str, query: Mapping[str, Any]) -> Answer:
        """GET /api/v1/organizations/{org_slug}/hierarchy/entities."""

    def tree(self, slug: str, root: str | None) -> Answer:
        """GET /api/v1/organizations/{org_slug}/hierarchy/tree."""

    def add(self, slug: str, fields: Mapping[str, Any]) -> Answer:
        """POST /api/v1/organizations/{org_slug}/hierarchy/entities."""

    def move(self, slug: str, entity_id: str, parent_id: str, version: int | None) -> Answer:
        """POST /api/v1/organizations/{org_slug}/hierarchy/entities/{entity_id}/move."""

    def remove(self, slug: str, entity_id: str, version: int | None) -> Answer:
        """DELETE /api/v1/organizations/{org_slug}/hierarchy/entities/{entity_id}."""

    def export(self, slug: str) -> str:
        """GET /api/v1/organizations/{org_slug}/hierarchy/export."""

    def import_file(
        self, slug: str, content: bytes, revision: int | None, *, preview: bool, remove_missing: bool
    ) -> Answer:
        """POST /api/v1/organizations/{org_slug}/hierarchy/import."""


class LocalHierarchyCalls:
    """Carries them out in this process."""

    def __init__(self, services: Services) -> None:
        self._hierarchies = services.hierarchies

    def entities(self, slug: str, query: Mapping[str, Any]) -> Answer:
        """See `HierarchyCalls`."""
        wanted = Search(query["text"], query["level"], query["active"])
        page = self._hierarchies.entities(OrgSlug(slug), wanted, limit=query["limit"], offset=query["offset"])
        return _plain(page)

    def tree(self, slug: str, root: str | None) -> Answer:
        """See `HierarchyCalls`."""
        return _plain(self._hierarchies.tree(OrgSlug(slug), root))

    def add(self, slug: str, fields: Mapping[str, Any]) -> Answer:
        """See `HierarchyCalls`."""
        values = {**fields, "metadata": parse_metadata(fields["metadata"])}
        return _plain(self._hierarchies.create(OrgSlug(slug), values, actor=Actor.local()))

    def move(self, slug: str, entity_id: str, parent_id: str, version: int | None) -> Answer:
        """See `HierarchyCalls`."""
        values = {"parent_id": parent_id}
        return _plain(
            self._hierarchies.change(OrgSlug(slug), entity_id, values, _expected(version), actor=Actor.local())
        )

    def remove(self, slug: str, entity_id: str, version: int | None) -> Answer:
        """See `HierarchyCalls`."""
        return _plain(self._hierarchies.remove(OrgSlug(slug), entity_id, _expected(version), actor=Actor.local()))

    def export(self, slug: str) -> str:
        """See `HierarchyCalls`."""
        return self._hierarchies.export(OrgSlug(slug)).text

    def import_file(
        self, slug: str, content: bytes, revision: int | None, *, preview: bool, remove_missing: bool
    ) -> Answer:
        """See `HierarchyCalls`."""
        own, expected = OrgSlug(slug), _expected(revision)
        if preview:
            return _plain(self._hierarchies.preview(own, content, expected, remove_missing=remove_missing))
        actor = Actor.local()
        return _plain(self._hierarchies.apply(own, content, expected, actor=actor, remove_missing=remove_missing))


class RemoteHierarchyCalls:
    """Sends them to a running service; `read` asks for what is no JSON."""

    def __init__(self, send: Send, read: Callable[[str], str]) -> None:
        self._send = send
        self._read = read

    def entities(self, slug: str, query: Mapping[str, Any]) -> Answer:
        """See `HierarchyCalls`."""
        given = {name: value for name, value in query.items() if value is not None}
        return self._send("GET", f"{_base(slug)}/entities", params=given)

    def tree(self, slug: str, root: str | None) -> Answer:
        """See `HierarchyCalls`."""
        return self._send("GET", f"{_base(slug)}/tree", params={} if root is None else {"root": root})

    def add(self, slug: str, fields: Mapping[str, Any]) -> Answer:
        """See `HierarchyCalls`."""
        return self._send("POST", f"{_base(slug)}/entities", json=dict(fields))

    def move(self, slug: str, entity_id: str, parent_id: str, version: int | None) -> Answer:
        """See `HierarchyCalls`."""
        return self._send(
            "POST", f"{_one(slug, entity_id)}/move", json={"parent_id": parent_id}, headers=_condition(version or "*")
        )

    def remove(self, slug: str, entity_id: str, version: int | None) -> Answer:
        """See `HierarchyCalls`."""
        return self._send("DELETE", _one(slug, entity_id), headers=_condition(version or "*"))

    def export(self, slug: str) -> str:
        """See `HierarchyCalls`."""
        return self._read(f"{_base(slug)}/export")

    def import_file(
        self, slug: str, content: bytes, revision: int | None, *, preview: bool, remove_missing: bool
    ) -> Answer:
        """See `HierarchyCalls`."""
        headers = {"Content-Type": "text/csv"} | ({} if revision is None else _condition(revision))
        how = {"preview": preview, "remove_missing": remove_missing}
        return self._send("POST", f"{_base(slug)}/import", content=content, params=how, headers=headers)


def _base(slug: str) -> str:
    return f"/api/v1/organizations/{OrgSlug(slug)}/hierarchy"


def _one(slug: str, entity_id: str) -> str:
    return f"{_base(slug)}/entities/{quote(entity_id, safe='')}"


def _condition(version: int | str) -> dict[str, str]:
    return {"If-Match": version if isinstance(version, str) else f'"{version}"'}


def _expected(version: int | None) -> Expected:
    return None if version is None else frozenset({version})


def _plain(result: object) -> Answer:
    answer: Answer = to_jsonable_python(result)
    return answer
