"""What callers send: fields of entities, and the version that a change is of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Header, Path
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt
from pydantic.config import JsonDict

from cloudact.api.organizations import Text
from cloudact.errors import InvalidRequest, Problem, VersionRequired
from cloudact.tenancy.hierarchy.entity import parse_metadata
from cloudact.tenancy.hierarchy.hierarchies import Expected
from cloudact.tenancy.hierarchy.levels import MAX_LEVELS

MAX_PAGE = 500
_ENTITY_TAGS = re.compile(r'\s*(W/)?"[^"]*"\s*(,\s*(W/)?"[^"]*"\s*)*')
# A weak tag never matches: the comparison is the strong one (RFC 9110, 13.1.1).
_STRONG_NUMBER = re.compile(r'(?<!W/)"([0-9]{1,18})"')
_NEW: JsonDict = {"entity_type": "DEPARTMENT", "entity_id": "DEPT-001", "entity_name": "Engineering"}
_CHANGED: JsonDict = {"entity_name": "Platform", "parent_id": "DEPT-001", "is_active": True, "version": 1}
_LEVELS: JsonDict = {"levels": ["DEPARTMENT", "PROJECT"], "revision": 0}
_PATCHED: JsonDict = {"owner_email": "owner@acme.com", "version": 1}

EntityIdPath = Annotated[str, Path(description="Code of the entity.", examples=["DEPT-001"])]
VersionField = Annotated[
    StrictInt | None, Field(ge=1, lt=2**63, description="The version that was read; needed unless If-Match says it.")
]


class _Fields(BaseModel):
    entity_name: Text = Field(description="1 to 255 characters.")
    parent_id: Text | None = Field(default=None, description="Entity one level up; none at the highest level.")
    owner_id: Text | None = Field(default=None, description="User responsible for the costs, as you identify users.")
    owner_name: Text | None = Field(default=None, description="Name of the person responsible for the costs.")
    owner_email: Text | None = Field(default=None, description="Address for cost alerts.")
    description: Text | None = Field(default=None, description="At most 2,000 characters.")
    metadata: dict[str, Any] | None = Field(default=None, description="Attributes of your own, such as cost_center.")
    is_active: StrictBool = Field(default=True, description="False takes no new costs; the entity stays readable.")

    def values(self) -> dict[str, Any]:
        """Return the fields of the entity."""
        return self._values(set(type(self).model_fields))

    def _values(self, names: set[str]) -> dict[str, Any]:
        values = self.model_dump(include=names - {"version", "metadata"})
        if "metadata" in names:
            values["metadata"] = parse_metadata(self.metadata)
        return values


class CreateEntityRequest(_Fields):
    """An entity to add."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_NEW]})

    entity_type: Text = Field(description="One of the organization's levels.")
    entity_id: Text = Field(
        description="1 to 64 characters of A-Z, a-z, 0-9, dot, hyphen and underscore; it stays for good."
    )


class ReplaceEntityRequest(_Fields):
    """Everything that can be changed about an entity; what is left out is emptied."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_CHANGED]})

    version: VersionField = None


class ChangeEntityRequest(ReplaceEntityRequest):
    """Fields to change; what is left out stays, and null empties."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_PATCHED]})

    entity_name: Text = Field(default="", description="1 to 255 characters.")

    def values(self) -> dict[str, Any]:
        """Return the fields that were sent."""
        return self._values(self.model_fields_set)


class MoveEntityRequest(BaseModel):
    """Where an entity goes, with all that is below it."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"parent_id": "DEPT-002", "version": 1}]})

    parent_id: Text = Field(description="Entity one level above the one that moves.")
    version: VersionField = None


class LevelsRequest(BaseModel):
    """Levels from the top down."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_LEVELS]})

    levels: list[Text] = Field(description=f"1 to {MAX_LEVELS} names in capitals.")
    revision: StrictInt | None = Field(
        default=None, ge=0, lt=2**63, description="The revision that was read; needed unless If-Match says it."
    )


class PageQuery(BaseModel):
    """Which part of a list."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=100, ge=1, le=MAX_PAGE)
    offset: int = Field(default=0, ge=0, le=2**31)


class TreeQuery(BaseModel):
    """Which part of the hierarchy."""

    model_config = ConfigDict(extra="forbid")

    root: str | None = Field(default=None, description="Only this entity and what is below it.")


class ImportQuery(BaseModel):
    """What is done with a file."""

    model_config = ConfigDict(extra="forbid")

    preview: bool = Field(default=True, description="False to write what the file says.")
    remove_missing: bool = Field(default=False, description="End the entities that the file lacks; else they stay.")


class EntityQuery(PageQuery):
    """Which entities to list; every given filter must match."""

    text: Text | None = Field(default=None, description="Within id, name, owner or description, in any case.")
    level: Text | None = Field(default=None, description="Only this level, for example TEAM.")
    active: bool | None = Field(default=None, description="Only entities that are active, or that are not.")


@dataclass(frozen=True, slots=True)
class Condition:
    """What If-Match says: the versions of which one has to be current, or any where it is `*` or not there."""

    versions: Expected
    given: bool

    def with_version(self, version: int | None) -> Expected:
        """Return the versions that both the header and the body allow; raises VersionRequired without either."""
        if version is None:
            if not self.given:
                raise VersionRequired
            return self.versions
        return frozenset({version}) if self.versions is None else self.versions & {version}


def condition_of(
    if_match: Annotated[
        str | None,
        Header(description='The version that was read, as in ETag: "3"; * changes whatever is there.'),
    ] = None,
) -> Condition:
    """Return what the header says; raises InvalidRequest for what is no list of entity tags."""
    if if_match is None or if_match.strip() == "*":
        return Condition(None, given=if_match is not None)
    if not _ENTITY_TAGS.fullmatch(if_match):
        what = 'is not a list of entity tags, such as "3", and not *'
        raise InvalidRequest(f"If-Match {what}", problems=[Problem("request", "header.If-Match", what, "")])
    return Condition(frozenset(map(int, _STRONG_NUMBER.findall(if_match))), given=True)


IfMatch = Annotated[Condition, Depends(condition_of)]
