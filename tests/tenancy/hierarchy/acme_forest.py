"""A small hierarchy in the default levels, made by the functions under test."""

from __future__ import annotations

from typing import Any

from cloudact.tenancy.hierarchy import edits
from cloudact.tenancy.hierarchy.entity import Entity
from cloudact.tenancy.hierarchy.forest import Forest
from cloudact.tenancy.hierarchy.levels import Levels

EMPTY = Forest(Levels(), {})


def department(entity_id: str, **values: Any) -> Entity:
    return Entity("DEPARTMENT", entity_id, values.pop("name", f"Department {entity_id}"), **values)


def project(entity_id: str, parent: str, **values: Any) -> Entity:
    return Entity("PROJECT", entity_id, values.pop("name", f"Project {entity_id}"), parent, **values)


def team(entity_id: str, parent: str, **values: Any) -> Entity:
    return Entity("TEAM", entity_id, values.pop("name", f"Team {entity_id}"), parent, **values)


def forest_of(*entities: Entity) -> Forest:
    made = EMPTY
    for entity in entities:
        made = edits.create(made, entity)
    return made


def acme_forest() -> Forest:
    """Two departments; one has two projects, one of which has two teams."""
    return forest_of(
        department("D1", name="Engineering"),
        department("D2", name="Sales"),
        project("P1", "D1", name="Platform"),
        project("P2", "D1", name="Mobile"),
        team("T1", "P1", name="Core"),
        team("T2", "P1", name="Edge"),
    )
