"""`config.yml`: which tables and views a dataset has, and how their storage is laid out."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from cloudact.catalog.model import Granularity, Materialized, Partition, RangePartition, TimePartition

Label = Annotated[str, Field(pattern=r"^[\w-]{0,63}$")]
LabelKey = Annotated[str, Field(pattern=r"^[^\W\d_A-Z][\w-]{0,62}$")]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,1024}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class TimePartitionConfig(_Strict):
    """Partitions by a time column, or by load time without `field`."""

    type: Granularity
    field: str | None = None
    expiration_days: float | None = Field(default=None, gt=0)
    require_filter: bool = False

    def to_model(self) -> Partition:
        """Return the catalog's value for it."""
        return TimePartition(self.type, self.field, self.expiration_days, self.require_filter)


class RangePartitionConfig(_Strict):
    """Partitions by an INT64 column: [start, end) in steps of `interval`."""

    type: Literal["RANGE"]
    field: str
    start: int
    end: int
    interval: int = Field(gt=0)
    require_filter: bool = False

    @model_validator(mode="after")
    def _ends_after_start(self) -> RangePartitionConfig:
        if self.end <= self.start:
            raise ValueError("end must be greater than start")
        return self

    def to_model(self) -> Partition:
        """Return the catalog's value for it."""
        return RangePartition(self.field, self.start, self.end, self.interval, self.require_filter)


class TableConfig(_Strict):
    """One entry under `tables`."""

    description: str = Field(default="", max_length=16_384)
    partition: TimePartitionConfig | RangePartitionConfig | None = None
    clustering: tuple[str, ...] = ()
    labels: dict[LabelKey, Label] = Field(default={}, max_length=64)


class ViewConfig(_Strict):
    """One entry under `views`."""

    description: str = Field(default="", max_length=16_384)
    sql: str | None = None
    materialized: Materialized = Materialized.SHARED
    clustering: tuple[str, ...] = ()
    refresh_interval_minutes: int | None = Field(default=None, ge=1, le=7 * 24 * 60)
    labels: dict[LabelKey, Label] = Field(default={}, max_length=64)


def _as_mapping(entries: Any) -> Any:
    """A list of names, or of one-key mappings, means the same as a mapping with empty entries."""
    if isinstance(entries, list):
        merged: dict[Any, Any] = {}
        for entry in entries:
            if isinstance(entry, dict) and len(entry) != 1:
                raise ValueError(f"each list entry names one table; this one has the keys {', '.join(map(str, entry))}")
            pairs = entry if isinstance(entry, dict) else {entry: None}
            for name, value in pairs.items():
                if name in merged:
                    raise ValueError(f"{name} is listed twice")
                merged[name] = value
        entries = merged
    if isinstance(entries, dict):
        return {name: {} if value is None else value for name, value in entries.items()}
    return entries


class ConfigFile(_Strict):
    """The whole of a `config.yml`."""

    dataset: str = Field(pattern=r"^[A-Za-z0-9_{}]{1,1024}$")
    location: str = Field(default="US", pattern=r"^[A-Za-z0-9-]+$")
    description: str = Field(default="", max_length=16_384)
    labels: dict[LabelKey, Label] = Field(default={}, max_length=64)
    tables: Annotated[dict[Name, TableConfig], BeforeValidator(_as_mapping)]
    views: Annotated[dict[Name, ViewConfig], BeforeValidator(_as_mapping)] = {}
