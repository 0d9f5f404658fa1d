"""What the routes answer; `source` tells whether the organization's view or the central table was read."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from cloudact.tenancy.hierarchy.difference import Kind
from cloudact.tenancy.hierarchy.store import Source

_SOURCE = "`view` where the organization's x_org_hierarchy was read, `central` where the central table was."
_REVISION = "How many changes the hierarchy has had."


class _Answer(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class EntityResponse(_Answer):
    """One version of an entity."""

    entity_type: str = Field(examples=["TEAM"])
    entity_id: str = Field(examples=["TEAM-001"])
    entity_name: str = Field(examples=["Core"])
    parent_id: str | None = Field(examples=["PROJ-001"])
    parent_type: str | None = Field(examples=["PROJECT"])
    level: int | None = Field(description="1 at the top; null in versions of before it was kept.", examples=[3])
    path: str | None = Field(description="Ids from the top down.", examples=["DEPT-001/PROJ-001/TEAM-001"])
    path_names: list[str] | None = Field(examples=[["Engineering", "Platform", "Core"]])
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
    version: int = Field(description="The same as in ETag; send it back as If-Match.")
    created_at: datetime = Field(description="When this version was written.")
    created_by: str
    updated_at: datetime | None
    updated_by: str | None
    end_date: datetime | None = Field(description="Null while this version is current.")


class EntityAnswerResponse(_Answer):
    """One entity."""

    entity: EntityResponse
    revision: int = Field(description=_REVISION)
    source: Source = Field(description=_SOURCE)
    carried: int = Field(description="How many entities below it got a new version with it, for their copies of names.")


class EntityPageResponse(_Answer):
    """One page of entities, parents before their children; `total` counts all that match."""

    entities: list[EntityResponse]
    total: int
    limit: int
    offset: int
    revision: int = Field(description=_REVISION)
    source: Source = Field(description=_SOURCE)


class HistoryResponse(_Answer):
    """One page of an entity's versions, the first one first."""

    entity_id: str
    versions: list[EntityResponse]
    total: int
    limit: int
    offset: int
    source: Source = Field(description="Always `central`: the view has no past.")


class TreeNodeResponse(_Answer):
    """An entity with what is below it."""

    entity_type: str
    entity_id: str
    entity_name: str
    level: int
    is_active: bool
    version: int
    children: list[TreeNodeResponse]


class TreeResponse(_Answer):
    """All entities as trees, or those below one."""

    roots: list[TreeNodeResponse]
    total: int = Field(description="How many entities the trees have.")
    levels: list[str]
    revision: int = Field(description=_REVISION)
    source: Source = Field(description=_SOURCE)


class LevelsResponse(_Answer):
    """Levels from the top down; `revision` is the ETag."""

    levels: list[str] = Field(examples=[["DEPARTMENT", "PROJECT", "TEAM"]])
    revision: int = Field(description=_REVISION)


class FieldChangeResponse(_Answer):
    """A field with other content; `metadata` is shown as JSON text."""

    field: str
    before: str | bool | None
    after: str | bool | None


class EntityChangeResponse(_Answer):
    """One entity that differs; of one that is MOVED the parent is among the fields."""

    kind: Kind
    entity_type: str
    entity_id: str
    entity_name: str
    fields: list[FieldChangeResponse]


class ImportResponse(_Answer):
    """What a file changes."""

    applied: bool = Field(description="False for a preview: nothing was written.")
    created: list[EntityChangeResponse]
    changed: list[EntityChangeResponse]
    moved: list[EntityChangeResponse]
    ended: list[EntityChangeResponse]
    carried: list[str] = Field(description="Entities that get a new version only for their copies of names and paths.")
    unchanged: int
    revision: int = Field(description="Send a preview's as If-Match to apply exactly what was previewed.")
    message: str
