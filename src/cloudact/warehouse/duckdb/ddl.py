"""The statements that carry out a change. Text in, text out: no connection is needed to see what would run.

Some changes have no statement of their own: what DuckDB cannot express lives in the manifest, which the driver writes
after the last change.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import assert_never

import sqlglot

from cloudact.catalog.model import Column, Dataset, Mode, Table, View
from cloudact.catalog.view_file import OWN_DATASET, PLACEHOLDERS, fill
from cloudact.errors import WarehouseRefused
from cloudact.planning import changes as c
from cloudact.planning.widening import widens_in_duckdb
from cloudact.warehouse.duckdb.manifest import MACRO, Manifest, rendering_of, view_record
from cloudact.warehouse.duckdb.type_map import literal, quote, storage_of
from cloudact.warehouse.identity import by_identity

# A value that comes out changed wherever it is not written as a name or a literal of its own.
_PROBE = dict.fromkeys(PLACEHOLDERS, 'It\'s "one" of %D %e %F')


def statements(dataset: str, change: c.Change, actual: Dataset | None) -> list[str]:
    """Return the statements for one change to `actual`; raises WarehouseRefused for what BigQuery refuses as well."""
    match change:
        case c.CreateDataset():
            return [f"CREATE SCHEMA {quote(dataset)}"]
        case c.CreateTable(table=table):
            return [create_table(table, dataset)]
        case c.AddColumn():
            return _add_column(dataset, change, _parent_path(actual, change))
        case c.RelaxMode(table=table, path=path):
            # Only top-level columns have NOT NULL in DuckDB.
            return [f"{_alter(dataset, table)} ALTER COLUMN {quote(path[0])} DROP NOT NULL"] if len(path) == 1 else []
        case c.WidenType():
            return _widen(dataset, change)
        case c.SetColumnMetadata(table=table, path=path, column=column):
            return _set_default(dataset, table, path, column)
        case c.CreateView(view=view) | c.ReplaceView(view=view):
            return _view(dataset, view, replace=isinstance(change, c.ReplaceView))
        case c.SetDatasetMetadata() | c.SetTableMetadata():
            return []
        case _:
            assert_never(change)


def read_manifest(dataset: str) -> str:
    """Return the statement that reads a dataset's manifest."""
    return f"SELECT {quote(dataset)}.{quote(MACRO)}()"


def write_manifest(dataset: str, manifest: Manifest, *, replace: bool) -> str:
    """Return the statement that stores a dataset's manifest."""
    verb = "CREATE OR REPLACE MACRO" if replace else "CREATE MACRO"
    return f"{verb} {quote(dataset)}.{quote(MACRO)}() AS {literal(manifest.to_text())}"


def _alter(dataset: str, table: str) -> str:
    return f"ALTER TABLE {quote(dataset)}.{quote(table)}"


def create_table(table: Table, dataset: str = "") -> str:
    """Return the statement that creates a table; without a dataset, where the search path begins."""
    place = f"{quote(dataset)}." if dataset else ""
    return f"CREATE TABLE {place}{quote(table.name)} ({_columns(table)})"


@by_identity
def _columns(table: Table) -> str:
    return ", ".join(_column(column) for column in table.columns)


def _column(column: Column) -> str:
    required = " NOT NULL" if column.mode is Mode.REQUIRED else ""
    default = f" DEFAULT ({_expression(column.default)})" if column.default is not None else ""
    return f"{quote(column.name)} {storage_of(column)}{required}{default}"


@lru_cache(maxsize=1024)
def _expression(text: str) -> str:
    return sqlglot.transpile(text, read="bigquery", write="duckdb", comments=False)[0]


def _parent_path(actual: Dataset | None, change: c.AddColumn) -> list[str]:
    """DuckDB writes the items of a list as a field called `element`."""
    table = actual.table(change.table) if actual else None
    fields = table.columns if table else ()
    path: list[str] = []
    for name in change.parent:
        record = next((column for column in fields if column.key == name.casefold()), None)
        path += [name, "element"] if record and record.mode is Mode.REPEATED else [name]
        fields = record.fields if record else ()
    return path


def _add_column(dataset: str, change: c.AddColumn, parent: list[str]) -> list[str]:
    column = change.column
    if column.mode is Mode.REQUIRED:
        raise WarehouseRefused(
            f"{change.table}.{'.'.join(change.path)}: a REQUIRED column cannot be added to an existing table",
            hint="Add it NULLABLE: rows may exist that have no value.",
        )
    path = ".".join(quote(part) for part in (*parent, column.name))
    added = f"{_alter(dataset, change.table)} ADD COLUMN {path} {storage_of(column)}"
    # The default comes second, so that rows which exist stay NULL as they do on BigQuery.
    return [added, *_set_default(dataset, change.table, change.path, column)]


def _widen(dataset: str, change: c.WidenType) -> list[str]:
    before, after = (storage_of(Column(change.path[0], type_)) for type_ in (change.before, change.after))
    if not widens_in_duckdb(change.before, change.after):
        raise WarehouseRefused(
            f"DuckDB stores {change.after} as {after}, which does not hold every value of {before}",
            hint="Keep the declared type, or declare a precision and scale that hold every value in at most 38 digits.",
        )
    return [f"{_alter(dataset, change.table)} ALTER COLUMN {quote(change.path[0])} SET DATA TYPE {after}"]


def _set_default(dataset: str, table: str, path: c.Path, column: Column) -> list[str]:
    if column.default is None or len(path) > 1:
        return []
    expression = _expression(column.default)
    return [f"{_alter(dataset, table)} ALTER COLUMN {quote(path[0])} SET DEFAULT ({expression})"]


def _view(dataset: str, view: View, *, replace: bool) -> list[str]:
    name = f"{quote(dataset)}.{quote(view.name)}"
    verb = "CREATE OR REPLACE VIEW" if replace else "CREATE VIEW"
    return [
        f"{verb} {name} AS {query_of(dataset, view)}",
        f"COMMENT ON VIEW {name} IS {literal(view_record(dataset, view)[0])}",
    ]


def query_of(dataset: str, view: View) -> str:
    """Return a view's query as DuckDB SQL; that of a template is translated once, however many datasets have it."""
    made = rendering_of(dataset, view)
    if made is None:
        return view_query(view.query)
    values = {OWN_DATASET: dataset, **dict(made.values)}
    pieces = _translated(made.text, tuple(values))
    return view_query(view.query) if pieces is None else _joined(pieces, values)


def _joined(pieces: tuple[str, ...], values: Mapping[str, str]) -> str:
    forms = {name: quote(value) if name == OWN_DATASET else literal(value) for name, value in values.items()}
    return "".join(forms[piece] if number % 2 else piece for number, piece in enumerate(pieces))


@lru_cache(maxsize=1024)
def _translated(template: str, names: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return DuckDB SQL cut where values go: every second piece is the name of a placeholder.

    It is translated with marks as values, which nothing else in the text can be. None when the translation depends on
    what a value is, as that of a path into JSON does: then each has its own.
    """
    token = hashlib.sha256(template.encode()).hexdigest()
    marks = {name: f"{name}_{token}" for name in names}
    text = view_query(fill(template, marks))
    forms = {quote(mark) if name == OWN_DATASET else literal(mark): name for name, mark in marks.items()}
    pieces = re.split("(" + "|".join(map(re.escape, forms)) + ")", text)
    found = tuple(forms[piece] if number % 2 else piece for number, piece in enumerate(pieces))
    is_exact = not any(token in piece for piece in found) and _joined(found, _PROBE) == view_query(
        fill(template, _PROBE)
    )
    return found if is_exact else None


@lru_cache(maxsize=1024)
def view_query(query: str) -> str:
    """Return a BigQuery query as DuckDB SQL, with every identifier quoted."""
    return sqlglot.transpile(query, read="bigquery", write="duckdb", identify=True, comments=False)[0]
