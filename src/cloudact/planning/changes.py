"""What can happen to a dataset. Values only: nothing here reads or writes a warehouse.

The union has no drop, no rename and no narrowing, so no plan can hold one: that data is never lost is a
property of these types, not of the code that uses them.
"""

from __future__ import annotations

from dataclasses import dataclass

from cloudact.catalog.model import Column, Dataset, Table, Type, View

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CreateDataset:
    """Create an empty dataset with its location, description and labels."""

    dataset: Dataset

    def __str__(self) -> str:
        return f"create dataset {self.dataset.name}"


@dataclass(frozen=True, slots=True)
class SetDatasetMetadata:
    """Set the description and labels of a dataset to what is declared, and its location where none is on record."""

    dataset: Dataset

    def __str__(self) -> str:
        return f"set description and labels of dataset {self.dataset.name}"


@dataclass(frozen=True, slots=True)
class CreateTable:
    """Create a table that does not exist."""

    table: Table

    def __str__(self) -> str:
        return f"create table {self.table.name}"


@dataclass(frozen=True, slots=True)
class AddColumn:
    """Append a column, or a field to the RECORD at `parent`; never REQUIRED, because rows exist without it."""

    table: str
    parent: Path
    column: Column

    @property
    def path(self) -> Path:
        """The column's own path."""
        return (*self.parent, self.column.name)

    def __str__(self) -> str:
        return f"add column {self.table}.{'.'.join(self.path)} ({self.column.type})"


@dataclass(frozen=True, slots=True)
class RelaxMode:
    """Let a REQUIRED column hold NULL."""

    table: str
    path: Path

    def __str__(self) -> str:
        return f"relax {self.table}.{'.'.join(self.path)} to NULLABLE"


@dataclass(frozen=True, slots=True)
class WidenType:
    """Change a top-level column's type to one that holds every value of the old one exactly."""

    table: str
    path: Path
    before: Type
    after: Type

    def __str__(self) -> str:
        return f"widen {self.table}.{'.'.join(self.path)} from {self.before} to {self.after}"


@dataclass(frozen=True, slots=True)
class SetColumnMetadata:
    """Set description, default, rounding mode and policy tags of a column or field to what is declared."""

    table: str
    path: Path
    column: Column

    def __str__(self) -> str:
        return f"set metadata of {self.table}.{'.'.join(self.path)}"


@dataclass(frozen=True, slots=True)
class SetTableMetadata:
    """Set description, clustering, labels and the partition filter requirement of a table to what is declared."""

    table: Table

    def __str__(self) -> str:
        return f"set metadata of table {self.table.name}"


@dataclass(frozen=True, slots=True)
class CreateView:
    """Create a view that does not exist."""

    view: View

    def __str__(self) -> str:
        return f"create view {self.view.name}"


@dataclass(frozen=True, slots=True)
class ReplaceView:
    """Replace a view's definition; a view holds no rows."""

    view: View

    def __str__(self) -> str:
        return f"replace view {self.view.name}"


Change = (
    CreateDataset
    | SetDatasetMetadata
    | CreateTable
    | AddColumn
    | RelaxMode
    | WidenType
    | SetColumnMetadata
    | SetTableMetadata
    | CreateView
    | ReplaceView
)

METADATA = (SetColumnMetadata, SetTableMetadata, SetDatasetMetadata)
