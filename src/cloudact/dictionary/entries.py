"""What the dictionary speaks of, as frozen values: datasets with their tables and views, and how they join."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cloudact.catalog.exports import Export
from cloudact.catalog.model import Column, Materialized, Table
from cloudact.catalog.template import ViewTemplate


@dataclass(frozen=True, slots=True)
class Address:
    """A table or view by its dataset's declared name, or one column of it, nested ones by their dotted path."""

    dataset: str
    name: str
    column: str = ""

    def __str__(self) -> str:
        return ".".join(part for part in (self.dataset, self.name, self.column) if part)

    @property
    def owner(self) -> Address:
        """The table or view itself."""
        return Address(self.dataset, self.name)


@dataclass(frozen=True, slots=True)
class Join:
    """A column holds values of another, as its description says; no engine enforces it."""

    column: Address
    target: Address


@dataclass(frozen=True, slots=True)
class ViewColumn:
    """A column of a view: one of a table it reads, unless `declared` is None; then it is computed."""

    name: str
    expression: str
    declared: Column | None = None


@dataclass(frozen=True, slots=True)
class TableEntry:
    """A table, the files it is declared in, and the export formats that are loaded into it."""

    address: Address
    table: Table
    path: str
    exports: tuple[Export, ...] = ()

    @property
    def description(self) -> str:
        """What one row is, who writes it and who reads it."""
        return self.table.description

    @property
    def clustering(self) -> tuple[str, ...]:
        """The columns it is clustered by."""
        return self.table.clustering

    @property
    def column_count(self) -> int:
        """The number of columns, without nested ones."""
        return len(self.table.columns)

    def sources_of(self, column: str) -> tuple[tuple[Export, str], ...]:
        """Return what lands in a top-level column, with the format each is of.

        It is an export column's name, a prefix with `*`, or `*` for every column that has no other home.
        """
        found: list[tuple[Export, str]] = []
        for export in self.exports:
            found += [(export, name) for name, target in export.columns if target == column]
            found += [(export, f"{prefix}*") for prefix, target in export.maps if target == column]
            found += [(export, "*")] if export.others == column else []
        return tuple(found)


@dataclass(frozen=True, slots=True)
class ViewEntry:
    """A view, its query as the file has it, its columns (none behind a star), and what it reads."""

    address: Address
    template: ViewTemplate
    query: str
    columns: tuple[ViewColumn, ...]
    reads: tuple[Address, ...]

    @property
    def description(self) -> str:
        """What one row is, and who reads it."""
        return self.template.view.description

    @property
    def clustering(self) -> tuple[str, ...]:
        """The columns it is clustered by where it is materialized."""
        return self.template.view.clustering if self.materialized is not Materialized.NEVER else ()

    @property
    def column_count(self) -> int:
        """The number of columns, or 0 behind a star."""
        return len(self.columns)

    @property
    def materialized(self) -> Materialized:
        """How it is kept on an engine with materialized views."""
        return self.template.view.kept

    @property
    def path(self) -> str:
        """The path of its file."""
        return self.template.path


Entry = TableEntry | ViewEntry


@dataclass(frozen=True, slots=True)
class DatasetEntry:
    """A dataset with its tables and views in the order of its `config.yml`; `setting` names the directory of it."""

    name: str
    setting: str
    folder: str
    description: str
    labels: tuple[tuple[str, str], ...]
    tables: tuple[TableEntry, ...]
    views: tuple[ViewEntry, ...]

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The tables, then the views."""
        return (*self.tables, *self.views)


@dataclass(frozen=True, slots=True)
class Dictionary:
    """Every declared dataset: the central one, the organizations' one, then those of the templates."""

    datasets: tuple[DatasetEntry, ...]
    joins: tuple[Join, ...]

    def joins_of(self, entry: Entry) -> Iterator[Join]:
        """Yield the joins of an entry's own columns."""
        return (join for join in self.joins if join.column.owner == entry.address)
