"""Hierarchies in the warehouse: read from the organization's view or the central table, written to the table only."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from cloudact.errors import InvalidRequest, OrganizationNotFound, StoredValueDamaged
from cloudact.tenancy.hierarchy.difference import Difference, Kind, difference
from cloudact.tenancy.hierarchy.forest import Forest
from cloudact.tenancy.hierarchy.levels import MAX_LEVELS, Levels
from cloudact.tenancy.hierarchy.rows import (
    CURRENT_COLUMNS,
    HISTORY_COLUMNS,
    TABLE,
    VIEW,
    EntityRecord,
    Version,
    new_row,
    record,
    recorded,
    version_of,
)
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.store import PROFILES, NewId, named_when_missing, stored_json
from cloudact.warehouse.driver import Condition, Equals, JsonText, OneOf, Page, Session

_REVISION, _LEVELS = "hierarchy_revision", "hierarchy_levels"
_PROFILE_COLUMNS = ("org_slug", "org_dataset_id", _REVISION, _LEVELS)
_USED = {PROFILES: _PROFILE_COLUMNS, TABLE: ("org_slug", "id", *HISTORY_COLUMNS)}


# One request to BigQuery has at most 10 MB, in which every value has some text around it.
MAX_BYTES = 8_000_000
_OVERHEAD = 20


class Source(StrEnum):
    """Where an answer was read."""

    VIEW = "view"
    CENTRAL = "central"


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """The current state: entities in their places, the version of each, and how many changes there have been."""

    forest: Forest
    versions: Mapping[str, Version]
    revision: int
    source: Source

    def record(self, entity_id: str) -> EntityRecord:
        """Return an entity for an answer; raises EntityNotFound."""
        return record(self.versions[self.forest.entity(entity_id).entity_id], self.forest.places[entity_id])

    @property
    def numbers(self) -> dict[str, int]:
        """The number of each entity's current version."""
        return {name: version.number for name, version in self.versions.items()}


@dataclass(frozen=True, slots=True)
class Author:
    """Who writes, when, and where ids of rows come from."""

    name: str
    now: datetime
    new_id: NewId


@dataclass(frozen=True, slots=True)
class Written:
    """The state before and after a unit, what differs, and since when."""

    before: Hierarchy
    after: Hierarchy
    changes: Difference
    moment: datetime


@dataclass(frozen=True, slots=True)
class _About:
    """What the profile says: the dataset with the view, the levels, and how many changes there have been."""

    dataset: str
    levels: Levels
    revision: int


@dataclass(frozen=True, slots=True)
class HierarchyStore:
    """One organization's hierarchy within one unit of work; raises NotBootstrapped when a central table lacks a part.

    The profile is always read first: whatever is read after it is at least as new as its revision, so that a unit that
    meets that revision when it writes has not missed a change.
    """

    session: Session
    central: str
    slug: OrgSlug

    def from_view(self) -> Hierarchy:
        """Return the current state as the organization's view shows it; raises WarehouseNotFound without one."""
        about = self._about()
        rows = self.session.select(about.dataset, VIEW, CURRENT_COLUMNS, [Equals("org_slug", self.slug)])
        return _hierarchy(about, rows, Source.VIEW)

    def from_central(self) -> Hierarchy:
        """Return the current state as the central table has it."""
        about = self._about()
        where = [Equals("org_slug", self.slug), Equals("end_date", None)]
        with self._table(TABLE):
            rows = self.session.select(self.central, TABLE, CURRENT_COLUMNS, where)
        return _hierarchy(about, rows, Source.CENTRAL)

    def history(self, entity_id: str, limit: int, offset: int) -> tuple[list[EntityRecord], int]:
        """Return some versions of an entity from the first one on, and how many there are in all."""
        self._about()
        where = [Equals("org_slug", self.slug), Equals("entity_id", entity_id)]
        page = Page(("version", "created_at"), limit, offset)
        with self._table(TABLE):
            rows = self.session.select(self.central, TABLE, HISTORY_COLUMNS, where, page)
            total = self.session.count(self.central, TABLE, where)
        return [recorded(row) for row in rows], total

    def levels(self) -> tuple[Levels, int]:
        """Return the levels, and how many changes there have been."""
        about = self._about()
        return about.levels, about.revision

    def written_as(self, row_id: str) -> Written | None:
        """Return what the unit that wrote a row has done, as its own answer was made; None without such a row."""
        about, where = self._about(), [Equals("org_slug", self.slug)]
        with self._table(TABLE):
            if not self.session.count(self.central, TABLE, [*where, Equals("id", row_id)]):
                return None
            columns = ["id", "end_date", *CURRENT_COLUMNS]
            rows: list[dict[str, Any]] = self.session.select(self.central, TABLE, columns, where)
        moment = next(row["created_at"] for row in rows if row["id"] == row_id)
        earlier = [row for row in rows if row["created_at"] < moment and _lasts(row, moment, inclusive=True)]
        later = [
            {**row, "updated_at": None, "updated_by": None} if row["end_date"] else row
            for row in rows
            if row["created_at"] <= moment and _lasts(row, moment, inclusive=False)
        ]
        before, after = (_hierarchy(about, found, Source.CENTRAL) for found in (earlier, later))
        return Written(before, after, difference(before.forest, after.forest), moment)

    def write(self, before: Hierarchy, after: Forest, changes: Difference, author: Author) -> Written:
        """Write what differs as one revision.

        Raises WarehouseBusy, when the unit ends at the latest, if another unit changed the hierarchy since it was read.
        """
        gone = [*changes.superseded, *changes.ended]
        # Clocks of several processes differ, and a version does not end before it began.
        moment = max([author.now, *(before.versions[name].created_at for name in gone)])
        made = self._next(before, after, changes, author, moment)
        rows = [
            {"org_slug": str(self.slug), **new_row(version, after.places[name], author.new_id())}
            for name, version in made.items()
        ]
        _check_size(rows)
        self._expect(before, after)
        over = {"end_date": moment, "updated_at": moment, "updated_by": author.name}
        self._end(changes.superseded, over)
        self._end(changes.ended, {**over, "is_active": False})
        if rows:
            with self._table(TABLE):
                self.session.insert(self.central, TABLE, rows)
        kept = {name: version for name, version in before.versions.items() if name in after}
        return Written(before, Hierarchy(after, {**kept, **made}, before.revision + 1, Source.CENTRAL), changes, moment)

    def _next(
        self, before: Hierarchy, after: Forest, changes: Difference, author: Author, moment: datetime
    ) -> dict[str, Version]:
        """Return the versions to write; an entity that was there before goes on where its last one ended."""
        last = {**before.numbers, **self._last([item.entity_id for item in changes.of(Kind.CREATED)])}
        return {
            name: Version(after.entities[name], last.get(name, 0) + 1, moment, author.name) for name in changes.written
        }

    def _last(self, ids: Sequence[str]) -> dict[str, int]:
        """Return the highest version of each of these that was ever there."""
        if not ids:
            return {}
        where: list[Condition] = [Equals("org_slug", self.slug), OneOf("entity_id", tuple(ids))]
        with self._table(TABLE):
            rows = self.session.select(self.central, TABLE, ["entity_id", "version"], where)
        found: dict[str, int] = {}
        for row in rows:
            name, number = str(row["entity_id"]), _whole(row["version"])
            found[name] = max(number, found.get(name, 0))
        return found

    def _expect(self, before: Hierarchy, after: Forest) -> None:
        values: dict[str, Any] = {_REVISION: before.revision + 1}
        if after.levels != before.forest.levels:
            values[_LEVELS] = JsonText(json.dumps(after.levels.names))
        where = [Equals("org_slug", self.slug), Equals(_REVISION, before.revision or None)]
        with self._table(PROFILES):
            self.session.expect(self.central, PROFILES, values, where)

    def _end(self, ids: Sequence[str], values: Mapping[str, Any]) -> None:
        """End whatever is current of these, so that there are never two current versions."""
        if ids:
            current: list[Condition] = [Equals("org_slug", self.slug), Equals("end_date", None)]
            with self._table(TABLE):
                self.session.update(self.central, TABLE, values, [*current, OneOf("entity_id", tuple(ids))])

    def _about(self) -> _About:
        with self._table(PROFILES):
            rows = self.session.select(self.central, PROFILES, _PROFILE_COLUMNS, [Equals("org_slug", self.slug)])
        if not rows:
            raise OrganizationNotFound(self.slug)
        levels, revision = rows[0][_LEVELS], rows[0][_REVISION]
        return _About(str(rows[0]["org_dataset_id"]), self._levels(levels), 0 if revision is None else _whole(revision))

    def _levels(self, stored: object) -> Levels:
        found = stored_json(stored)
        if found is None:
            return Levels()
        column = f"{self.central}.{PROFILES}.{_LEVELS}"
        fix = (
            f"Set it with SQL to a JSON array of 1 to {MAX_LEVELS} names, those that its entities have as entity_type, "
            f"or to NULL for {Levels()}. Nothing was changed."
        )
        if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
            raise StoredValueDamaged(self.slug, column, "it is not a JSON array of names", fix)
        try:
            return Levels.parse(found)
        except InvalidRequest as error:
            raise StoredValueDamaged(self.slug, column, error.message, fix) from None

    def _table(self, table: str) -> AbstractContextManager[None]:
        return named_when_missing(self.session, self.central, table, _USED[table])


def _hierarchy(about: _About, rows: Sequence[Mapping[str, Any]], source: Source) -> Hierarchy:
    """Of several current versions, which only another program can have written, the highest counts."""
    versions = {item.entity.entity_id: item for item in sorted(map(version_of, rows), key=lambda item: item.number)}
    entities = {name: version.entity for name, version in versions.items()}
    return Hierarchy(Forest(about.levels, entities), versions, about.revision, source)


def _lasts(row: Mapping[str, Any], moment: datetime, *, inclusive: bool) -> bool:
    """Tell whether a version ends after a moment, or at it."""
    end = row["end_date"]
    return end is None or end > moment or (inclusive and end == moment)


def _check_size(rows: Sequence[Mapping[str, Any]]) -> None:
    size = sum(len(json.dumps(row, default=str)) + _OVERHEAD * len(row) for row in rows)
    if size > MAX_BYTES:
        raise InvalidRequest(
            f"the change writes {len(rows)} versions of together {size} bytes; {MAX_BYTES} can be written at once",
            hint="Import a file in parts; shorten descriptions and metadata.",
        )


def _whole(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"{value!r} is not a whole number")
    return value
