"""Changes of a hierarchy as functions from one forest to the next; each raises when it may not be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cloudact.errors import EntityExists, EntityHasChildren, InvalidRequest, LevelsInUse, Problem
from cloudact.tenancy.hierarchy.entity import CHANGEABLE, Entity, field_problems, normalized
from cloudact.tenancy.hierarchy.forest import Forest
from cloudact.tenancy.hierarchy.levels import Levels

# A hierarchy is read and checked whole, and a unit of work may have to write all of it.
MAX_ENTITIES = 5_000


def create(forest: Forest, entity: Entity) -> Forest:
    """Add an entity; raises EntityExists, or InvalidRequest for a field or a place that cannot be."""
    check_fields(entity)
    if entity.entity_id in forest:
        raise EntityExists(entity.entity_id)
    if len(forest) >= MAX_ENTITIES:
        raise InvalidRequest(f"the hierarchy has {len(forest)} entities, and {MAX_ENTITIES} are possible")
    forest.check_placement(entity)
    return forest.having([entity])


def change(forest: Forest, entity_id: str, values: Mapping[str, Any]) -> Forest:
    """Give an entity other values, its parent among them; raises as `create` does, and EntityNotFound."""
    before = forest.entity(entity_id)
    given = normalized(values)
    if unknown := sorted(given.keys() - set(CHANGEABLE)):
        raise InvalidRequest(f"{', '.join(unknown)} cannot be changed", hint=f"Fields are {', '.join(CHANGEABLE)}.")
    after = replace(before, **given)
    check_fields(after, before)
    if after.parent_id != before.parent_id:
        forest.check_placement(after)
    return forest.having([after])


def remove(forest: Forest, entity_id: str) -> Forest:
    """Take an entity away; raises EntityHasChildren while others are below it."""
    children = forest.children(entity_id)
    if children:
        raise EntityHasChildren(entity_id, [child.entity_id for child in children])
    return forest.lacking([entity_id])


def redefine(forest: Forest, levels: Levels) -> Forest:
    """Put other levels in place; raises LevelsInUse naming each entity that is not where its level would be."""
    after = Forest(levels, forest.entities)
    misfits = [
        f"{name} ({entity.entity_type})"
        for name, entity in forest.entities.items()
        if forest.placement_problem(entity) is None and after.placement_problem(entity) is not None
    ]
    if misfits:
        raise LevelsInUse(misfits)
    return after


def check_fields(entity: Entity, before: Entity | None = None) -> None:
    """Raise InvalidRequest naming every field that is wrong by itself, and was not so before."""
    problems = [Problem("request", name, what, "") for name, what in field_problems(entity, before)]
    if problems:
        raise InvalidRequest("; ".join(f"{item.field} {item.what}" for item in problems), problems=problems)
