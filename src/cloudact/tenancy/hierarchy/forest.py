"""The current entities of an organization as trees: who is below whom, and the path to each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from cloudact.errors import EntityNotFound, InvalidRequest, Problem
from cloudact.tenancy.hierarchy.entity import SEPARATOR, Entity
from cloudact.tenancy.hierarchy.levels import Levels


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entity is: itself and all above it, from the top; two are equal when nothing that is copied differs."""

    steps: tuple[tuple[str, str, str], ...]

    @property
    def level(self) -> int:
        """How deep it is, 1 at the top."""
        return len(self.steps)

    @property
    def path(self) -> str:
        """Ids from the top down to the entity itself."""
        return SEPARATOR.join(entity_id for _, entity_id, _ in self.steps)

    @property
    def names(self) -> list[str]:
        """Names from the top down to the entity's own."""
        return [name for _, _, name in self.steps]

    @property
    def parent_type(self) -> str | None:
        """The level of the parent, None at the top."""
        return self.steps[-2][0] if len(self.steps) > 1 else None

    def at(self, entity_type: str) -> tuple[str | None, str | None]:
        """Return id and name of the entity of this level on the way, or None twice."""
        return next(((entity_id, name) for kind, entity_id, name in self.steps if kind == entity_type), (None, None))


@dataclass(frozen=True)
class Forest:
    """Entities by id, with their levels; never changed, but made anew with what differs.

    Rows that another program wrote may not fit together: an entity whose parent is not there, or that is above itself,
    is shown as a top of its own, so that nothing is ever hidden.
    """

    levels: Levels
    entities: Mapping[str, Entity]

    def __contains__(self, entity_id: str) -> bool:
        return entity_id in self.entities

    def __len__(self) -> int:
        return len(self.entities)

    def entity(self, entity_id: str) -> Entity:
        """Return an entity; raises EntityNotFound."""
        if entity_id not in self.entities:
            raise EntityNotFound(entity_id)
        return self.entities[entity_id]

    @cached_property
    def places(self) -> dict[str, Place]:
        """Where each entity is, parents before their children and siblings by id."""
        found: dict[str, Place] = {}
        for top in (*self._tops, *sorted(self.entities)):  # what no top leads to goes in a circle
            self._lay_out(top, found)
        return found

    def children(self, entity_id: str) -> list[Entity]:
        """Return the entities directly below one."""
        return [self.entities[child] for child in self._below.get(self.entity(entity_id).entity_id, ())]

    def ancestors(self, entity_id: str) -> list[Entity]:
        """Return the entities above one, from the top."""
        self.entity(entity_id)
        return [self.entities[above] for _, above, _ in self.places[entity_id].steps[:-1]]

    def descendants(self, entity_id: str) -> list[Entity]:
        """Return all entities below one, parents before their children."""
        own = self.places[self.entity(entity_id).entity_id].steps
        return [
            self.entities[name]
            for name, place in self.places.items()
            if place.level > len(own) and place.steps[: len(own)] == own
        ]

    def tops(self) -> list[Entity]:
        """Return the entities that nothing is above."""
        return [self.entities[name] for name, place in self.places.items() if place.level == 1]

    def having(self, entities: Iterable[Entity]) -> Forest:
        """Return the forest with these in place of what has their ids."""
        return Forest(self.levels, {**self.entities, **{item.entity_id: item for item in entities}})

    def lacking(self, ids: Iterable[str]) -> Forest:
        """Return the forest without these."""
        gone = frozenset(ids)
        return Forest(self.levels, {name: item for name, item in self.entities.items() if name not in gone})

    def placement_problem(self, entity: Entity) -> tuple[str, str] | None:
        """Return the field that puts an entity where it cannot be, and why; None for a good place."""
        if self.levels.number(entity.entity_type) is None:
            return "entity_type", f"{entity.entity_type!r} is not a level; levels are {self.levels}"
        wanted = self.levels.above(entity.entity_type)
        if wanted is None:
            top = entity.parent_id is None
            return None if top else ("parent_id", f"must be left out: {entity.entity_type} is the highest level")
        if entity.parent_id is None:
            return "parent_id", f"is missing: a {entity.entity_type} is below a {wanted}"
        parent = self.entities.get(entity.parent_id)
        if parent is None:
            return "parent_id", f"{entity.parent_id!r} is not an entity"
        if self._is_below(entity.parent_id, entity.entity_id):
            return "parent_id", f"{entity.parent_id!r} is {entity.entity_id} itself, or below it"
        if parent.entity_type != wanted:
            needed = f"a {entity.entity_type} is below a {wanted}"
            return "parent_id", f"{entity.parent_id!r} is a {parent.entity_type}, and {needed}"
        return None

    def check_placement(self, entity: Entity) -> None:
        """Raise InvalidRequest when the entity cannot be where it is."""
        if problem := self.placement_problem(entity):
            field, what = problem
            raise InvalidRequest(f"{field} {what}", problems=[Problem("request", field, what, "")])

    @cached_property
    def _below(self) -> dict[str | None, list[str]]:
        found: dict[str | None, list[str]] = {}
        for name in sorted(self.entities):
            parent = self.entities[name].parent_id
            found.setdefault(parent if parent in self.entities else None, []).append(name)
        return found

    @property
    def _tops(self) -> list[str]:
        return self._below.get(None, [])

    def _lay_out(self, top: str, found: dict[str, Place]) -> None:
        """Give places to an entity at the top and to all below it, unless they have one; no recursion, no circle."""
        waiting: list[tuple[str, Place]] = [(top, Place(()))]
        while waiting:
            name, above = waiting.pop()
            if name in found:
                continue
            entity = self.entities[name]
            found[name] = place = Place((*above.steps, (entity.entity_type, name, entity.entity_name)))
            waiting += [(child, place) for child in reversed(self._below.get(name, []))]

    def _is_below(self, entity_id: str, above: str) -> bool:
        return above in self._chain(entity_id)

    def _chain(self, entity_id: str) -> Iterator[str]:
        """Yield an entity's id and those of all above it, once each."""
        seen: set[str] = set()
        current: str | None = entity_id
        while current is not None and current in self.entities and current not in seen:
            seen.add(current)
            yield current
            current = self.entities[current].parent_id
