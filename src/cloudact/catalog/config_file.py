"""`config.yml`: which tables and views a dataset has, and how their storage is laid out."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from cloudact.catalog.model import Granularity, Materialized, Partition, RangePartition, TimePartition

_LONGEST_LABEL = 63


def _label(text: str) -> str:
    # Repetitions of \w with a number take 12 ms to compile, in each process, so the pattern says nothing of the length.
    if len(text) > _LONGEST_LABEL:
        raise ValueError(f"labels have at most {_LONGEST_LABEL} characters")
    if text != text.lower():
        raise ValueError("labels are lower case")
    return text


Label = Annotated[str, Field(pattern=r"^[\w-]*$"), AfterValidator(_label)]
LabelKey = Annotated[str, Field(pattern=r"^[^\W\d_][\w-]*$"), AfterValidator(_label)]
# What the engines count in; text and truth values are no numbers, though YAML 1.1 wrote some of them alike.
Int64 = Annotated[int, Field(strict=True, ge=-(2**63), le=2**63 - 1)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,1024}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class PartitionConfig(_Strict):
    """Partitions by a time column, by load time (without `field`), or by ranges of an INT64 column."""

    type: Literal["HOUR", "DAY", "MONTH", "YEAR", "RANGE"]
    field: str | None = None
    expiration_days: float | None = Field(default=None, gt=0, allow_inf_nan=False, strict=True)
    require_filter: bool = False
    start: Int64 | None = None
    end: Int64 | None = None
    interval: Int64 | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _fits_its_type(self) -> PartitionConfig:
        bounds = [name for name in ("start", "end", "interval") if getattr(self, name) is not None]
        if self.type != "RANGE" and bounds:
            raise ValueError(f"{', '.join(bounds)} go with type RANGE only")
        if self.type == "RANGE" and (len(bounds) < 3 or self.field is None):
            raise ValueError("type RANGE needs field, start, end and interval")
        if self.type == "RANGE" and self.expiration_days is not None:
            raise ValueError("expiration_days does not go with type RANGE")
        if self.start is not None and self.end is not None and self.end <= self.start:
            raise ValueError("end must be greater than start")
        return self

    def to_model(self) -> Partition:
        """Return the catalog's value for it."""
        if self.type != "RANGE":
            return TimePartition(Granularity(self.type), self.field, self.expiration_days, self.require_filter)
        return RangePartition(self.field or "", self.start or 0, self.end or 0, self.interval or 0, self.require_filter)


class TableConfig(_Strict):
    """One entry under `tables`."""

    description: str = Field(default="", max_length=16_384)
    partition: PartitionConfig | None = None
    clustering: tuple[str, ...] = ()
    labels: dict[LabelKey, Label] = Field(default={}, max_length=64)


class ViewConfig(_Strict):
    """One entry under `views`; one that does not say `materialized` is shared where it can be, and otherwise plain."""

    description: str = Field(default="", max_length=16_384)
    sql: str | None = None
    materialized: Materialized | None = None
    clustering: tuple[str, ...] = ()
    refresh_interval_minutes: int | None = Field(default=None, ge=1, le=7 * 24 * 60, strict=True)
    labels: dict[LabelKey, Label] = Field(default={}, max_length=64)


def _as_mapping(entries: Any) -> Any:
    """A list of names, or of one-key mappings, means the same as a mapping with empty entries."""
    if isinstance(entries, list):
        merged: dict[Any, Any] = {}
        for entry in entries:
            if isinstance(entry, dict) and len(entry) != 1:
                raise ValueError(f"each list entry names one table; this one has the keys {', '.join(map(str, entry))}")
            if not isinstance(entry, dict | str):
                what = f"each list entry names one table; this one is {entry!r}"
                raise ValueError(what)  # noqa: TRY004 - pydantic reports a ValueError, and lets a TypeError out
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
    """The whole of a `config.yml`; without `location` the warehouse's own is meant."""

    dataset: str = Field(pattern=r"^[A-Za-z0-9_{}]{1,1024}$")
    location: str | None = Field(default=None, pattern=r"^[A-Za-z0-9-]+$")
    description: str = Field(default="", max_length=16_384)
    labels: dict[LabelKey, Label] = Field(default={}, max_length=64)
    authorize_views: bool = False
    tables: Annotated[dict[Name, TableConfig], BeforeValidator(_as_mapping)]
    views: Annotated[dict[Name, ViewConfig], BeforeValidator(_as_mapping)] = {}
