"""What differs between two forests: by entity for people, and as versions to end and to write for the table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cloudact.tenancy.hierarchy.entity import CHANGEABLE, Entity
from cloudact.tenancy.hierarchy.forest import Forest


class Kind(StrEnum):
    """What happens to an entity."""

    CREATED = "CREATED"
    CHANGED = "CHANGED"
    MOVED = "MOVED"
    ENDED = "ENDED"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field with other content."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class EntityChange:
    """One entity that differs; one that is MOVED has its parent among the fields, and perhaps others."""

    kind: Kind
    entity_type: str
    entity_id: str
    entity_name: str
    fields: list[FieldChange]


@dataclass(frozen=True, slots=True)
class Difference:
    """All that differs; `carried` are entities that only follow: a name or a path that is copied to them changes."""

    changes: tuple[EntityChange, ...]
    carried: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.changes)

    def of(self, kind: Kind) -> list[EntityChange]:
        """Return the changes of one kind."""
        return [item for item in self.changes if item.kind is kind]

    @property
    def written(self) -> list[str]:
        """Ids of the entities that get a new version."""
        return [*(item.entity_id for item in self.changes if item.kind is not Kind.ENDED), *self.carried]

    @property
    def superseded(self) -> list[str]:
        """Ids of the entities whose current version ends because a new one is written."""
        created = {item.entity_id for item in self.of(Kind.CREATED)}
        return [name for name in self.written if name not in created]

    @property
    def ended(self) -> list[str]:
        """Ids of the entities that end altogether."""
        return [item.entity_id for item in self.of(Kind.ENDED)]


def difference(before: Forest, after: Forest) -> Difference:
    """Return what it takes to get from one forest to the other: parents first, then what ends, from the bottom."""
    changes = [*_changes(before, after), *_ended(before, after)]
    named = {item.entity_id for item in changes}
    carried = [
        name
        for name, place in after.places.items()
        if name in before and name not in named and before.places[name] != place
    ]
    return Difference(tuple(changes), tuple(carried))


def _changes(before: Forest, after: Forest) -> Iterator[EntityChange]:
    for name in after.places:
        entity = after.entities[name]
        if name not in before:
            yield _change(Kind.CREATED, entity, [])
        elif before.entities[name] != entity:
            fields = list(_fields(before.entities[name], entity))
            moved = any(item.field == "parent_id" for item in fields)
            yield _change(Kind.MOVED if moved else Kind.CHANGED, entity, fields)


def _ended(before: Forest, after: Forest) -> Iterator[EntityChange]:
    for name in reversed(before.places):
        if name not in after:
            yield _change(Kind.ENDED, before.entities[name], [])


def _change(kind: Kind, entity: Entity, fields: list[FieldChange]) -> EntityChange:
    return EntityChange(kind, entity.entity_type, entity.entity_id, entity.entity_name, fields)


def _fields(before: Entity, after: Entity) -> Iterator[FieldChange]:
    for name in CHANGEABLE:
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            yield FieldChange(name, old, new)
