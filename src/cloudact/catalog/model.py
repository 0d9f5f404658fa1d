"""The declared and the live shape of a dataset, as one set of frozen values.

A driver reads a live dataset into these same types, so "declared" and "actual" are compared with `==`
and differ only in where they came from. Nothing here reads a file, a clock or a warehouse.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

Labels = tuple[tuple[str, str], ...]


class Kind(StrEnum):
    """A GoogleSQL data type without its parameters; NATIVE is a live type that GoogleSQL has no name for."""

    STRING = "STRING"
    BYTES = "BYTES"
    INT64 = "INT64"
    FLOAT64 = "FLOAT64"
    NUMERIC = "NUMERIC"
    BIGNUMERIC = "BIGNUMERIC"
    BOOL = "BOOL"
    TIMESTAMP = "TIMESTAMP"
    DATE = "DATE"
    TIME = "TIME"
    DATETIME = "DATETIME"
    GEOGRAPHY = "GEOGRAPHY"
    JSON = "JSON"
    INTERVAL = "INTERVAL"
    RANGE = "RANGE"
    RECORD = "RECORD"
    NATIVE = "NATIVE"


class Mode(StrEnum):
    """How many values a column holds: none or one, exactly one, or a list."""

    NULLABLE = "NULLABLE"
    REQUIRED = "REQUIRED"
    REPEATED = "REPEATED"


class Granularity(StrEnum):
    """The unit of time one partition spans."""

    HOUR = "HOUR"
    DAY = "DAY"
    MONTH = "MONTH"
    YEAR = "YEAR"


class Materialized(StrEnum):
    """How a view is kept on an engine with materialized views: one for all, one each, or none."""

    SHARED = "shared"
    OWN = "own"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Type:
    """A data type with its parameters; a NUMERIC or BIGNUMERIC with a precision always has a scale.

    `native` is the engine's own name of a live type: of a NATIVE one, or of one that holds a part of the kind's values.
    """

    kind: Kind
    precision: int | None = None
    scale: int | None = None
    max_length: int | None = None
    element: Kind | None = None
    native: str = ""

    def __str__(self) -> str:
        if self.native:
            return self.native
        if self.precision is not None:
            return f"{self.kind}({self.precision}, {self.scale})" if self.scale else f"{self.kind}({self.precision})"
        if self.max_length is not None:
            return f"{self.kind}({self.max_length})"
        return f"{self.kind}<{self.element}>" if self.element else str(self.kind)

    @property
    def containing(self) -> Type:
        """The type that can be declared and has every value of this one; a NATIVE type is left as it is."""
        return self if self.kind is Kind.NATIVE else replace(self, native="")


@dataclass(frozen=True, slots=True)
class Column:
    """A column, or a field of a RECORD; `fields` is empty unless the type is RECORD."""

    name: str
    type: Type
    mode: Mode = Mode.NULLABLE
    description: str = ""
    default: str | None = None
    fields: tuple[Column, ...] = ()
    collation: str = ""
    rounding_mode: str = ""
    policy_tags: tuple[str, ...] = ()
    data_policies: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The name as engines compare it: both fold case."""
        return self.name.casefold()

    def as_nullable(self) -> Column:
        """Return the same column, NULLABLE: the only way a REQUIRED one can join an existing table."""
        return replace(self, mode=Mode.NULLABLE)

    def field_named(self, name: str) -> Column | None:
        """Return the direct field with this name, ignoring case."""
        return next((item for item in self.fields if item.key == name.casefold()), None)


@dataclass(frozen=True, slots=True)
class TimePartition:
    """Partitions by a time column, or by load time when `field` is None."""

    granularity: Granularity
    field: str | None = None
    expiration_days: float | None = None
    require_filter: bool = False

    def __str__(self) -> str:
        expires = f", rows expire after {self.expiration_days:g} days" if self.expiration_days else ""
        return f"{self.granularity} on {self.field or 'load time'}{expires}"


@dataclass(frozen=True, slots=True)
class RangePartition:
    """Partitions by an INT64 column: [start, end) in steps of `interval`."""

    field: str
    start: int
    end: int
    interval: int
    require_filter: bool = False

    def __str__(self) -> str:
        return f"RANGE on {self.field} [{self.start}, {self.end}) by {self.interval}"


@dataclass(frozen=True, slots=True)
class UnrecordedPartition:
    """A live table on an engine without partitions, which nobody has declared to be partitioned in some way yet."""

    field: None = None
    require_filter: bool = False

    def __str__(self) -> str:
        return "nothing on record"


Partition = TimePartition | RangePartition | UnrecordedPartition


@dataclass(frozen=True, slots=True)
class Table:
    """A table: columns in order, and how its storage is laid out."""

    name: str
    columns: tuple[Column, ...]
    description: str = ""
    partition: Partition | None = None
    clustering: tuple[str, ...] = ()
    labels: Labels = ()

    @property
    def key(self) -> str:
        """The name as engines compare it: both fold case."""
        return self.name.casefold()

    def column(self, name: str) -> Column | None:
        """Return the top-level column with this name, ignoring case."""
        return next((column for column in self.columns if column.key == name.casefold()), None)

    def walk(self) -> Iterator[tuple[tuple[str, ...], Column]]:
        """Yield every column and nested field with its path, parents first."""
        stack: list[tuple[tuple[str, ...], Column]] = [((column.name,), column) for column in reversed(self.columns)]
        while stack:
            path, column = stack.pop()
            yield path, column
            stack += [((*path, item.name), item) for item in reversed(column.fields)]


@dataclass(frozen=True, slots=True)
class Rendering:
    """What a query was rendered from, and with which values beside the name of its dataset.

    The text is canonical BigQuery SQL with `'{name}'` where a value goes, and `{dataset}` in back quotes.
    """

    text: str
    values: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class View:
    """A view: its query in canonical BigQuery SQL, and how it is kept.

    `declared_as` is set where an engine is given another form of it than the catalog declares, `rendering` where the
    query comes from a template. No live view has them, so they make no difference between views.
    """

    name: str
    query: str
    description: str = ""
    materialized: Materialized = Materialized.NEVER
    clustering: tuple[str, ...] = ()
    refresh_interval_minutes: int | None = None
    labels: Labels = ()
    declared_as: Materialized | None = field(default=None, compare=False)
    rendering: Rendering | None = field(default=None, compare=False)

    @property
    def key(self) -> str:
        """The name as engines compare it: both fold case."""
        return self.name.casefold()

    @property
    def kept(self) -> Materialized:
        """How the catalog says that it is kept, whatever form an engine is given."""
        return self.declared_as or self.materialized


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset: tables and views, each kept sorted by name so that order never makes a difference."""

    name: str
    tables: tuple[Table, ...] = ()
    views: tuple[View, ...] = ()
    location: str = ""
    description: str = ""
    labels: Labels = field(default=())

    def __post_init__(self) -> None:
        object.__setattr__(self, "tables", tuple(sorted(self.tables, key=lambda table: table.key)))
        object.__setattr__(self, "views", tuple(sorted(self.views, key=lambda view: view.key)))

    def table(self, name: str) -> Table | None:
        """Return the table with this name, ignoring case."""
        return next((table for table in self.tables if table.key == name.casefold()), None)

    def view(self, name: str) -> View | None:
        """Return the view with this name, ignoring case."""
        return next((view for view in self.views if view.key == name.casefold()), None)


def labels_from(mapping: Mapping[str, str]) -> Labels:
    """Return labels as a sorted tuple of pairs."""
    return tuple(sorted(mapping.items()))
