"""What of a live dataset the catalog has a place for; the rest is named, part by part, as small as it can be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from cloudact.catalog.config_file import Name, TableConfig, ViewConfig
from cloudact.catalog.model import Column, Dataset, Kind, Mode, Table, Type, UnrecordedPartition, View
from cloudact.catalog.problems import Problems
from cloudact.catalog.rules import check_table
from cloudact.catalog.schema_file import column_to_json, columns_from_json
from cloudact.catalog.write.config_yaml import table_entry, view_entry
from cloudact.errors import Problem

_NAME: TypeAdapter[str] = TypeAdapter(Name)
_FIELD = Column("field", Type(Kind.STRING))
# What a column can go without, each by itself.
_OPTIONAL: tuple[tuple[str, Any], ...] = (
    ("default", None), ("description", ""), ("collation", ""), ("rounding_mode", ""), ("policy_tags", ()),
    ("data_policies", ()),
)  # fmt: skip


@dataclass(slots=True)
class Sieve:
    """Takes what of a live dataset can be declared, and keeps what was left out, each with a reason."""

    live: Dataset
    left_out: list[Problem] = field(default_factory=list)
    _spellings: dict[str, list[str]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        names = [*(table.name for table in self.live.tables), *(view.name for view in self.live.views)]
        for name in names:
            self._spellings.setdefault(name.casefold(), []).append(name)

    def tables(self) -> tuple[Table, ...]:
        """Return the tables that can be declared, less what of them cannot."""
        found = (self._table(table) for table in self.live.tables)
        return tuple(table for table in found if table)

    def view(self, view: View) -> View | None:
        """Return the view less what of its entry cannot be declared; its query is not looked at."""
        if not self._named(view.name, "view"):
            return None
        wrong = _wrong_keys(ViewConfig, view_entry(view))
        blank: Mapping[str, Any] = {"description": "", "clustering": (), "refresh_interval_minutes": None, "labels": ()}
        for key, what in wrong.items():
            self.leave_out(view.name, key, what)
        return replace(view, **{key: blank[key] for key in wrong})

    def leave_out(self, name: str, path: str, what: str, fix: str = "") -> None:
        """Note something that is left out."""
        problem = Problem(f"{self.live.name}.{name}" if name else self.live.name, path, what, fix or _CHANGE)
        if problem not in self.left_out:
            self.left_out.append(problem)

    def _named(self, name: str, kind: str) -> bool:
        try:
            _NAME.validate_python(name)
        except ValidationError:
            what = f"is a name that no declared {kind} can have"
            self.leave_out(name, "", what, f"rename the {kind}: letters, digits, _ and - make a name")
            return False
        if others := [item for item in self._spellings[name.casefold()] if item != name]:
            # Which of them a declaration means nobody could tell.
            what = f"has the same name as {', '.join(others)} (case does not count)"
            self.leave_out(name, "", what, f"rename the {kind}")
            return False
        return True

    def _table(self, table: Table) -> Table | None:
        if not self._named(table.name, "table"):
            return None
        columns = self._columns(table.columns, table.name, "")
        if not columns:
            self.leave_out(table.name, "", "has no column that can be declared", "give it one, or drop the table")
            return None
        if required := _required(table.columns) - _required(columns):
            # A sync would relax such a column, and so change what was to be left as it is.
            what = f"requires {', '.join(sorted(required))}, which cannot be declared"
            self.leave_out(table.name, "", what, "change that in the warehouse, or make it NULLABLE there")
            return None
        recorded = None if isinstance(table.partition, UnrecordedPartition) else table.partition
        kept = replace(table, columns=columns, partition=recorded)
        for key, what in _wrong_keys(TableConfig, table_entry(kept)).items():
            self.leave_out(table.name, key, what)
            kept = _without(kept, key)
        return self._laid_out(kept)

    def _laid_out(self, table: Table) -> Table:
        for key, other in (("partition", "clustering"), ("clustering", "partition")):
            layout = Problems()
            check_table(_without(table, other), Problems(), layout)
            if layout.found:
                self.leave_out(table.name, key, layout.found[0].what, layout.found[0].fix)
                table = _without(table, key)
        return table

    def _columns(self, columns: tuple[Column, ...], table: str, parent: str) -> tuple[Column, ...]:
        found = (
            self._column(column, table, f"{parent}.{column.name}" if parent else column.name) for column in columns
        )
        return tuple(column for column in found if column)

    def _column(self, column: Column, table: str, path: str) -> Column | None:
        if column.type.kind is Kind.NATIVE:
            what = f"is {column.type}, which GoogleSQL has no name for"
            self.leave_out(table, path, what, "change its type in the warehouse to one that GoogleSQL has")
            return None
        kept = self._trimmed(column, table, path, nested=path != column.name)
        if kept is None or column.type.kind is not Kind.RECORD:
            return kept
        fields = self._columns(column.fields, table, path)
        if not fields:
            self.leave_out(table, path, "is a RECORD without a field that can be declared")
        return replace(kept, fields=fields) if fields else None

    def _trimmed(self, column: Column, table: str, path: str, *, nested: bool) -> Column | None:
        """Return the column, without its fields, less the one attribute that keeps it from being declared."""
        alone = replace(column, fields=(_FIELD,) if column.fields else ())
        reason = _reason(alone, nested=nested)
        if not reason:
            return alone
        for key, blank in _OPTIONAL:
            less = replace(alone, **{key: blank})
            if less != alone and not _reason(less, nested=nested):
                self.leave_out(table, path, f"its {key.replace('_', ' ')} {reason}")
                return less
        self.leave_out(table, path, reason)
        return None


_CHANGE = "change it in the warehouse"


def _required(columns: tuple[Column, ...]) -> set[str]:
    return {column.name for column in columns if column.mode is Mode.REQUIRED}


def _without(table: Table, key: str) -> Table:
    """Return the table without one part of its entry in `config.yml`."""
    match key:
        case "description":
            return replace(table, description="")
        case "partition":
            return replace(table, partition=None)
        case "clustering":
            return replace(table, clustering=())
        case _:
            return replace(table, labels=())


def _reason(column: Column, *, nested: bool) -> str:
    """Return why the column cannot be declared, or nothing."""
    problems = Problems()
    read = columns_from_json([column_to_json(column)], problems)
    around = Column("record", Type(Kind.RECORD), fields=(column,))
    check_table(Table("table", (around if nested else column,)), problems, Problems())
    if problems.found:
        return problems.found[0].what
    return "" if read == (column,) else "reads back as something else"


def _wrong_keys(model: type[TableConfig] | type[ViewConfig], entry: dict[str, Any]) -> dict[str, str]:
    """Return the keys of an entry that `config.yml` cannot hold, with the reason."""
    try:
        model.model_validate(entry)
    except ValidationError as error:
        return {str(item["loc"][0]): f"cannot be declared: {item['msg']}" for item in error.errors(include_url=False)}
    return {}
