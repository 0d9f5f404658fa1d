"""Rows of org_hierarchy: one for each version of an entity, with copies of what is above it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cloudact.tenancy.hierarchy.entity import FIELDS, Entity, metadata_text
from cloudact.tenancy.hierarchy.forest import Place
from cloudact.tenancy.store import stored_json, stored_object
from cloudact.warehouse.driver import JsonText

TABLE = "org_hierarchy"
VIEW = "x_org_hierarchy"
# All that the current state takes; the rest of a row follows from it, so views of earlier catalogs can be read too.
CURRENT_COLUMNS = (*FIELDS, "version", "created_at", "created_by", "updated_at", "updated_by")
# Copies for levels of these names, whatever other levels there are: cost tables have columns of the same names.
_COPIED = {"dept": "DEPARTMENT", "project": "PROJECT", "team": "TEAM"}
_PARTS = ("id", "name")
_COPIES = tuple(f"{name}_{part}" for name in _COPIED for part in _PARTS)
_PLACE = ("parent_type", "level", "path", "path_names", *_COPIES)
HISTORY_COLUMNS = (*CURRENT_COLUMNS, "end_date", *_PLACE)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an entity: what it says, and who wrote it when."""

    entity: Entity
    number: int
    created_at: datetime
    created_by: str
    updated_at: datetime | None = None
    updated_by: str | None = None


@dataclass(frozen=True, slots=True)
class EntityRecord:
    """One version of an entity with its place, as answers show it; `end_date` is None while it is current."""

    entity_type: str
    entity_id: str
    entity_name: str
    parent_id: str | None
    parent_type: str | None
    level: int | None
    path: str | None
    path_names: list[str] | None
    dept_id: str | None
    dept_name: str | None
    project_id: str | None
    project_name: str | None
    team_id: str | None
    team_name: str | None
    owner_id: str | None
    owner_name: str | None
    owner_email: str | None
    description: str | None
    metadata: dict[str, Any] | None
    is_active: bool
    version: int
    created_at: datetime
    created_by: str
    updated_at: datetime | None
    updated_by: str | None
    end_date: datetime | None


def version_of(row: Mapping[str, Any]) -> Version:
    """Return the version that a row of CURRENT_COLUMNS holds."""
    values = {name: row[name] for name in FIELDS}
    values["metadata"] = metadata_text(stored_object(row["metadata"]))
    about = (row[name] for name in ("version", "created_at", "created_by", "updated_at", "updated_by"))
    return Version(Entity(**values), *about)


def new_row(version: Version, place: Place, row_id: str) -> dict[str, Any]:
    """Return the row of a version that is written now, but for the organization."""
    metadata = version.entity.metadata
    return {
        "id": row_id,
        **{name: getattr(version.entity, name) for name in FIELDS},
        **_place_columns(place),
        "metadata": None if metadata is None else JsonText(metadata),
        "path_names": JsonText(json.dumps(place.names, ensure_ascii=False)),
        "version": version.number,
        "created_at": version.created_at,
        "created_by": version.created_by,
    }


def record(version: Version, place: Place, end_date: datetime | None = None) -> EntityRecord:
    """Return a version for an answer."""
    values = {name: getattr(version.entity, name) for name in FIELDS}
    return EntityRecord(
        **{**values, **_place_columns(place), "metadata": stored_object(version.entity.metadata)},
        version=version.number,
        created_at=version.created_at,
        created_by=version.created_by,
        updated_at=version.updated_at,
        updated_by=version.updated_by,
        end_date=end_date,
    )


def recorded(row: Mapping[str, Any]) -> EntityRecord:
    """Return what a row of HISTORY_COLUMNS says, with the place that was written then."""
    names = stored_json(row["path_names"])
    readable = isinstance(names, list) and all(isinstance(name, str) for name in names)
    told = {"metadata": stored_object(row["metadata"]), "path_names": names if readable else None}
    return EntityRecord(**{**row, **told})


def _place_columns(place: Place) -> dict[str, Any]:
    copies = {name: place.at(level) for name, level in _COPIED.items()}
    return {
        "parent_type": place.parent_type,
        "level": place.level,
        "path": place.path,
        "path_names": place.names,
        **{f"{name}_{part}": value for name, pair in copies.items() for part, value in zip(_PARTS, pair, strict=True)},
    }
