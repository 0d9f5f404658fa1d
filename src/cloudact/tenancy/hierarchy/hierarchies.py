"""What can be asked of an organization's hierarchy, and done to it; every change is one unit of work."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog

from cloudact.errors import EntityNotFound, InvalidRequest, Problem, VersionStale, WarehouseNotFound, WarehouseRefused
from cloudact.tenancy.actor import Actor
from cloudact.tenancy.audit.event import Action, Event, ResourceType
from cloudact.tenancy.audit.trail import AuditTrail
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.hierarchy import csv_file, edits
from cloudact.tenancy.hierarchy.answers import (
    EntityAnswer,
    EntityPage,
    Exported,
    HistoryPage,
    ImportResult,
    LevelsAnswer,
    Search,
    Tree,
    import_result,
    page_of,
    tree_of,
)
from cloudact.tenancy.hierarchy.difference import Difference, difference
from cloudact.tenancy.hierarchy.entity import Entity, normalized
from cloudact.tenancy.hierarchy.forest import Forest
from cloudact.tenancy.hierarchy.imports import imported
from cloudact.tenancy.hierarchy.levels import Levels
from cloudact.tenancy.hierarchy.rows import EntityRecord, record
from cloudact.tenancy.hierarchy.store import Author, Hierarchy, HierarchyStore, Source, Written
from cloudact.tenancy.idempotency.operation import Operation
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.store import NewId
from cloudact.warehouse.driver import Session, Warehouse

# Numbers of versions of which one has to be current; None takes whatever is.
Expected = frozenset[int] | None
# Entities that one row of the audit trail names; it counts all.
_AUDITED = 50
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Hierarchies:
    """Use cases on hierarchies; `on_fallback` is called whenever a view could not be read and the table was."""

    catalogs: Declarations
    warehouse: Warehouse
    trail: AuditTrail
    clock: Callable[[], datetime]
    new_id: NewId
    on_fallback: Callable[[], None] = lambda: None

    def entities(self, slug: OrgSlug, wanted: Search, *, limit: int, offset: int) -> EntityPage:
        """Return one page of the entities that match, parents before their children."""
        state = self._read(slug)
        if wanted.level is not None and state.forest.levels.number(wanted.level) is None:
            what = f"{wanted.level!r} is not a level; levels are {state.forest.levels}"
            raise InvalidRequest(f"level {what}", problems=[Problem("request", "level", what, "")])
        found = [name for name in state.forest.places if wanted.matches(state.forest.entities[name])]
        return page_of(state, found, limit, offset)

    def tree(self, slug: OrgSlug, root: str | None = None) -> Tree:
        """Return everything as trees, or the tree of one entity."""
        return tree_of(self._read(slug), root)

    def entity(self, slug: OrgSlug, entity_id: str) -> EntityAnswer:
        """Return one current entity."""
        state = self._read(slug)
        return EntityAnswer(state.record(entity_id), state.revision, state.source)

    def children(self, slug: OrgSlug, entity_id: str, *, limit: int, offset: int) -> EntityPage:
        """Return one page of the entities directly below one."""
        state = self._read(slug)
        return page_of(state, _ids_of(state.forest.children(entity_id)), limit, offset)

    def ancestors(self, slug: OrgSlug, entity_id: str, *, limit: int, offset: int) -> EntityPage:
        """Return the entities above one, from the top."""
        state = self._read(slug)
        return page_of(state, _ids_of(state.forest.ancestors(entity_id)), limit, offset)

    def descendants(self, slug: OrgSlug, entity_id: str, *, limit: int, offset: int) -> EntityPage:
        """Return one page of all entities below one, parents before their children."""
        state = self._read(slug)
        return page_of(state, _ids_of(state.forest.descendants(entity_id)), limit, offset)

    def history(self, slug: OrgSlug, entity_id: str, *, limit: int, offset: int) -> HistoryPage:
        """Return versions of an entity, also of one that was removed; raises EntityNotFound for one never there."""
        central = self.catalogs.load().central_name
        versions, total = self.warehouse.run(
            lambda session: HierarchyStore(session, central, slug).history(entity_id, limit, offset)
        )
        if not total:
            raise EntityNotFound(entity_id)
        return HistoryPage(entity_id, versions, total, limit, offset, Source.CENTRAL)

    def create(
        self, slug: OrgSlug, values: Mapping[str, Any], *, actor: Actor, operation: Operation | None = None
    ) -> EntityAnswer:
        """Add an entity; one that was there before goes on with the next version.

        Here and below, what an earlier attempt at the same `operation` has written is answered, and not done twice.
        """
        entity = Entity(**{"entity_name": "", **normalized(values)})
        event = _event(Action.CREATE, slug, entity.entity_id)
        written = self._write(slug, actor, event, lambda state: edits.create(state.forest, entity), operation)
        return _answer(written, entity.entity_id)

    def change(
        self,
        slug: OrgSlug,
        entity_id: str,
        values: Mapping[str, Any],
        expected: Expected,
        *,
        actor: Actor,
        operation: Operation | None = None,
    ) -> EntityAnswer:
        """Set fields of an entity, its parent among them; what equals what is there writes nothing."""

        def edit(state: Hierarchy) -> Forest:
            _require(state, entity_id, expected)
            return edits.change(state.forest, entity_id, values)

        written = self._write(slug, actor, _event(Action.UPDATE, slug, entity_id), edit, operation)
        return _answer(written, entity_id)

    def remove(self, slug: OrgSlug, entity_id: str, expected: Expected, *, actor: Actor) -> EntityAnswer:
        """End an entity that has no children; its rows stay."""

        def edit(state: Hierarchy) -> Forest:
            _require(state, entity_id, expected)
            return edits.remove(state.forest, entity_id)

        written = self._write(slug, actor, _event(Action.DELETE, slug, entity_id), edit)
        return EntityAnswer(_ended(written, entity_id, actor), written.after.revision, Source.CENTRAL)

    def levels(self, slug: OrgSlug) -> LevelsAnswer:
        """Return the levels, from the top down."""
        central = self.catalogs.load().central_name
        levels, revision = self.warehouse.run(lambda session: HierarchyStore(session, central, slug).levels())
        return LevelsAnswer(list(levels.names), revision)

    def redefine(self, slug: OrgSlug, names: Sequence[str], expected: Expected, *, actor: Actor) -> LevelsAnswer:
        """Put other levels in place; raises LevelsInUse while entities would not fit."""
        levels = Levels.parse(names)

        def edit(state: Hierarchy) -> Forest:
            _require_revision(state, expected)
            return edits.redefine(state.forest, levels)

        written = self._write(slug, actor, _event(Action.UPDATE, slug, "levels", levels=list(levels.names)), edit)
        return LevelsAnswer(list(levels.names), written.after.revision)

    def export(self, slug: OrgSlug) -> Exported:
        """Return everything current as CSV."""
        state = self._read(slug)
        entities = ((state.forest.entities[name], state.versions[name].number) for name in state.forest.places)
        return Exported(csv_file.written(entities), state.revision, state.source)

    def preview(
        self, slug: OrgSlug, content: bytes, expected: Expected = None, *, remove_missing: bool = False
    ) -> ImportResult:
        """Return what an import would change, or raise what it would raise; nothing is written."""
        state = self._current(slug)
        _require_revision(state, expected)
        after = imported(state.forest, state.numbers, content, remove_missing=remove_missing)
        return import_result(difference(state.forest, after), state, applied=False)

    def apply(
        self,
        slug: OrgSlug,
        content: bytes,
        expected: Expected = None,
        *,
        actor: Actor,
        remove_missing: bool = False,
        operation: Operation | None = None,
    ) -> ImportResult:
        """Import a file, all of it or nothing; raises InvalidRequest with every problem and its line."""

        def edit(state: Hierarchy) -> Forest:
            _require_revision(state, expected)
            return imported(state.forest, state.numbers, content, remove_missing=remove_missing)

        event = _event(Action.UPDATE, slug, "import", remove_missing=remove_missing)
        written = self._write(slug, actor, event, edit, operation)
        return import_result(written.changes, written.after, applied=True)

    def _read(self, slug: OrgSlug) -> Hierarchy:
        """The organization's view first; then the central table, which raises when it cannot be read either."""
        central = self.catalogs.load().central_name
        try:
            return self.warehouse.run(lambda session: HierarchyStore(session, central, slug).from_view())
        except (WarehouseNotFound, WarehouseRefused) as error:
            _log.warning("hierarchy_view_unreadable", organization=slug, reason=error.message)
            self.on_fallback()
            return self._current(slug)

    def _current(self, slug: OrgSlug) -> Hierarchy:
        central = self.catalogs.load().central_name
        return self.warehouse.run(lambda session: HierarchyStore(session, central, slug).from_central())

    def _write(
        self,
        slug: OrgSlug,
        actor: Actor,
        event: Event,
        edit: Callable[[Hierarchy], Forest],
        operation: Operation | None = None,
    ) -> Written:
        """Decide on what the central table has now; the unit is run again when that has changed meanwhile."""
        central = self.catalogs.load().central_name
        mark, now = operation.id_for("hierarchy") if operation else self.new_id(), self.clock()

        def work(session: Session) -> Written:
            store = HierarchyStore(session, central, slug)
            if operation and operation.resumed and (done := store.written_as(mark)):
                return done
            before = store.from_central()
            after = edit(before)
            changes = difference(before.forest, after)
            if not changes and after.levels == before.forest.levels:
                return Written(before, before, changes, now)
            self.trail.record(session, actor, replace(event, details={**event.details, **_details(before, changes)}))
            return store.write(before, after, changes, Author(actor.name, now, _ids(mark, self.new_id)))

        with self.trail.attempt(actor, event):
            return self.trail.run(work)


def _event(action: Action, slug: OrgSlug, resource: str, **details: object) -> Event:
    return Event(action, ResourceType.HIERARCHY, resource, slug, details)


def _details(before: Hierarchy, changes: Difference) -> dict[str, object]:
    """What the audit trail says of a change; the versions themselves have all of it."""
    shown = [
        {"kind": item.kind.value, "entity_id": item.entity_id, "fields": [field.field for field in item.fields]}
        for item in changes.changes[:_AUDITED]
    ]
    counts = {"changed": len(changes.changes), "carried": len(changes.carried)}
    return {"revision": before.revision + 1, "changes": shown, **counts}


def _ids_of(entities: Sequence[Entity]) -> list[str]:
    return [item.entity_id for item in entities]


def _ids(first: str, new_id: NewId) -> NewId:
    """Return ids of rows, of which the first one is given: by it another attempt knows that the unit was written."""
    given = iter([first])
    return lambda: next(given, "") or new_id()


def _answer(written: Written, entity_id: str) -> EntityAnswer:
    after = written.after
    return EntityAnswer(after.record(entity_id), after.revision, Source.CENTRAL, len(written.changes.carried))


def _ended(written: Written, entity_id: str, actor: Actor) -> EntityRecord:
    last, moment = written.before.versions[entity_id], written.moment
    entity = replace(last.entity, is_active=False)
    ended = replace(last, entity=entity, updated_at=moment, updated_by=actor.name)
    return record(ended, written.before.forest.places[entity_id], moment)


def _require(state: Hierarchy, entity_id: str, expected: Expected) -> None:
    state.forest.entity(entity_id)
    current = state.versions[entity_id].number
    if expected is not None and current not in expected:
        raise VersionStale(f"Entity {entity_id}", expected, current)


def _require_revision(state: Hierarchy, expected: Expected) -> None:
    if expected is not None and state.revision not in expected:
        raise VersionStale("The hierarchy", expected, state.revision)
