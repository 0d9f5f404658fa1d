"""One organization, what is done to its hierarchy, and the rows that are there then."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from cloudact.tenancy.actor import Actor
from cloudact.tenancy.hierarchy.answers import EntityAnswer, Search
from cloudact.tenancy.hierarchy.hierarchies import Hierarchies
from cloudact.tenancy.hierarchy.rows import HISTORY_COLUMNS, TABLE, VIEW
from cloudact.tenancy.names import OrgSlug
from cloudact.warehouse.driver import Equals, Warehouse
from cloudact.warehouse.metered import MeteredWarehouse
from cloudact.wiring import Services
from tests.reliability.world import acme_request

CENTRAL = "organizations"
BY = "somebody"
ACTOR = Actor.local(BY)
ANY = None
ABOVE = {"DEPARTMENT": None, "PROJECT": "DEPARTMENT", "TEAM": "PROJECT"}
COPIES = {"dept": "DEPARTMENT", "project": "PROJECT", "team": "TEAM"}
ACME = """entity_type,entity_id,entity_name,parent_id
DEPARTMENT,D1,Engineering,
DEPARTMENT,D2,Sales,
PROJECT,P1,Platform,D1
PROJECT,P2,Mobile,D1
TEAM,T1,Core,P1
TEAM,T2,Edge,P1
"""
Row = dict[str, Any]


@dataclass
class Ground:
    """An organization and its hierarchy."""

    services: Services
    slug: OrgSlug
    fallbacks: list[None] = field(default_factory=list)

    @staticmethod
    def onboarded(services: Services, slug: str) -> Ground:
        services.onboarding.onboard(acme_request(slug))
        return Ground(services, OrgSlug(slug))

    @property
    def warehouse(self) -> Warehouse:
        """The engine itself, without what counts its work."""
        found = self.services.bootstrap.warehouse
        return found.inner if isinstance(found, MeteredWarehouse) else found

    @property
    def hierarchies(self) -> Hierarchies:
        return replace(self.services.hierarchies, on_fallback=lambda: self.fallbacks.append(None))

    def add(self, kind: str, entity_id: str, parent: str | None = None, **values: Any) -> EntityAnswer:
        given = {"entity_name": f"{kind} {entity_id}", **values}
        given |= {"entity_type": kind, "entity_id": entity_id, "parent_id": parent}
        return self.hierarchies.create(self.slug, given, actor=ACTOR)

    def add_acme(self) -> None:
        """Two departments; one has two projects, one of which has two teams; all as one change."""
        self.hierarchies.apply(self.slug, ACME.encode(), actor=ACTOR)

    def change(self, entity_id: str, *versions: int, **values: Any) -> EntityAnswer:
        expected = frozenset(versions) if versions else ANY
        return self.hierarchies.change(self.slug, entity_id, values, expected, actor=ACTOR)

    def remove(self, entity_id: str, *versions: int) -> EntityAnswer:
        return self.hierarchies.remove(self.slug, entity_id, frozenset(versions) if versions else ANY, actor=ACTOR)

    def ids(self, **wanted: Any) -> list[str]:
        page = self.hierarchies.entities(self.slug, Search(**wanted), limit=500, offset=0)
        return [item.entity_id for item in page.entities]

    def rows(self, dataset: str = CENTRAL, table: str = TABLE) -> list[Row]:
        """Every row of the organization, the first versions first."""
        columns = ["id", *(name for name in HISTORY_COLUMNS if table == TABLE or name != "end_date")]
        where = [Equals("org_slug", self.slug)]
        rows = self.warehouse.run(lambda session: session.select(dataset, table, columns, where))
        return sorted(rows, key=lambda row: (row["entity_id"], row["version"]))

    def view_rows(self) -> list[Row]:
        return self.rows(f"{self.slug}_prod", VIEW)

    def current(self) -> dict[str, Row]:
        return current_of(self.rows())

    def assert_sound(self) -> list[Row]:
        """Paths and copies are right, versions have no gap, no overlap and one end at most; return all rows."""
        rows = self.rows()
        current = current_of(rows)
        for row in current.values():
            chain = [row]
            while chain[0]["parent_id"] is not None:
                chain.insert(0, current[chain[0]["parent_id"]])
            assert row["path"] == "/".join(item["entity_id"] for item in chain)
            assert json.loads(row["path_names"]) == [item["entity_name"] for item in chain]
            assert row["level"] == len(chain)
            assert row["parent_type"] == ABOVE[row["entity_type"]]
            at = {item["entity_type"]: item for item in chain}
            for copy, kind in COPIES.items():
                assert row[f"{copy}_id"] == (at[kind]["entity_id"] if kind in at else None)
                assert row[f"{copy}_name"] == (at[kind]["entity_name"] if kind in at else None)
        by_entity: dict[str, list[Row]] = {}
        for row in rows:
            by_entity.setdefault(row["entity_id"], []).append(row)
        for versions in by_entity.values():
            assert [row["version"] for row in versions] == list(range(1, len(versions) + 1))
            for before, after in itertools.pairwise(versions):
                assert before["created_at"] <= before["end_date"] <= after["created_at"]
        assert len({row["id"] for row in rows}) == len(rows)
        return rows


def current_of(rows: Iterable[Row]) -> dict[str, Row]:
    """Return the current version of each entity, of which there is one."""
    found = [row for row in rows if row["end_date"] is None]
    assert len({row["entity_id"] for row in found}) == len(found), "two current versions"
    return {row["entity_id"]: row for row in found}
