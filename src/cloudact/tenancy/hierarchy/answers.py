"""What the use cases of hierarchies answer; `source` tells whether a view or the central table was read."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from cloudact.tenancy.hierarchy.difference import Difference, EntityChange, Kind
from cloudact.tenancy.hierarchy.entity import Entity
from cloudact.tenancy.hierarchy.rows import EntityRecord
from cloudact.tenancy.hierarchy.store import Hierarchy, Source

_SEARCHED = ("entity_id", "entity_name", "owner_name", "owner_email", "description")


@dataclass(frozen=True, slots=True)
class Search:
    """Which entities to list: each given part must match; text is looked for in any case."""

    text: str | None = None
    level: str | None = None
    active: bool | None = None

    def matches(self, entity: Entity) -> bool:
        """Tell whether an entity is to be listed."""
        texts = (getattr(entity, name) or "" for name in _SEARCHED)
        return (
            (self.text is None or any(self.text.casefold() in text.casefold() for text in texts))
            and (self.level is None or entity.entity_type == self.level)
            and (self.active is None or entity.is_active == self.active)
        )


@dataclass(frozen=True, slots=True)
class EntityAnswer:
    """One entity, the hierarchy's revision, and how many entities below it were written anew with it."""

    entity: EntityRecord
    revision: int
    source: Source
    carried: int = 0


@dataclass(frozen=True, slots=True)
class EntityPage:
    """Some entities, parents before their children, and how many match in all."""

    entities: list[EntityRecord]
    total: int
    limit: int
    offset: int
    revision: int
    source: Source


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Some versions of an entity from the first on, and how many there are; views have no past, so it is central."""

    entity_id: str
    versions: list[EntityRecord]
    total: int
    limit: int
    offset: int
    source: Source


@dataclass(frozen=True, slots=True)
class TreeNode:
    """An entity in a tree, with what is below it."""

    entity_type: str
    entity_id: str
    entity_name: str
    level: int
    is_active: bool
    version: int
    children: list[TreeNode]


@dataclass(frozen=True, slots=True)
class Tree:
    """All entities as trees, or those below one."""

    roots: list[TreeNode]
    total: int
    levels: list[str]
    revision: int
    source: Source


@dataclass(frozen=True, slots=True)
class LevelsAnswer:
    """The levels from the top down."""

    levels: list[str]
    revision: int


@dataclass(frozen=True, slots=True)
class Exported:
    """A hierarchy as the text of a CSV file."""

    text: str
    revision: int
    source: Source


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What a file would change, or has changed when `applied`; `revision` is the hierarchy's after that."""

    applied: bool
    created: list[EntityChange]
    changed: list[EntityChange]
    moved: list[EntityChange]
    ended: list[EntityChange]
    carried: list[str]
    unchanged: int
    revision: int
    message: str


def tree_of(state: Hierarchy, root: str | None) -> Tree:
    """Return the trees of a hierarchy, or the one below an entity; raises EntityNotFound."""
    places, below = state.forest.places, [] if root is None else state.forest.descendants(root)
    shown = list(places) if root is None else [root, *(item.entity_id for item in below)]
    nodes: dict[str, TreeNode] = {}
    roots: list[TreeNode] = []
    for name in shown:
        steps = places[name].steps
        siblings = nodes[steps[-2][1]].children if len(steps) > 1 and steps[-2][1] in nodes else roots
        nodes[name] = _node(state, name)
        siblings.append(nodes[name])
    return Tree(roots, len(shown), list(state.forest.levels.names), state.revision, state.source)


def page_of(state: Hierarchy, ids: Collection[str], limit: int, offset: int) -> EntityPage:
    """Return one page of these entities."""
    entities = [state.record(name) for name in list(ids)[offset : offset + limit]]
    return EntityPage(entities, len(ids), limit, offset, state.revision, state.source)


def import_result(changes: Difference, state: Hierarchy, *, applied: bool) -> ImportResult:
    """Return the account of an import; `state` is the hierarchy after it, or as it is when nothing was applied."""
    created, changed, moved, ended = (changes.of(kind) for kind in Kind)
    counts = [(len(created), "created"), (len(changed), "changed"), (len(moved), "moved"), (len(ended), "ended")]
    told = ", ".join(f"{number} {what}" for number, what in counts if number) or "nothing differs"
    before = len(state.forest) - (len(created) - len(ended) if applied else 0)
    return ImportResult(
        applied,
        created,
        changed,
        moved,
        ended,
        list(changes.carried),
        before - len(changed) - len(moved) - len(ended) - len(changes.carried),
        state.revision,
        f"{told}." if applied else f"Preview, nothing was written: {told}.",
    )


def _node(state: Hierarchy, name: str) -> TreeNode:
    entity, place = state.forest.entities[name], state.forest.places[name]
    number = state.versions[name].number
    return TreeNode(entity.entity_type, name, entity.entity_name, place.level, entity.is_active, number, [])
