"""Everything about a live dataset, with what other hands than this project's made of it.

`Inspector` reads what can be compared with a declaration. This adds what a declaration could be made from: comments,
views and defaults in DuckDB's own SQL, and what there is no place for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import duckdb

from cloudact.catalog.model import Column, Dataset, Table, View
from cloudact.errors import Problem
from cloudact.warehouse.driver import Survey
from cloudact.warehouse.duckdb.ddl import view_query
from cloudact.warehouse.duckdb.foreign.sql import (
    Untranslatable,
    first_line,
    google_default,
    google_query,
    unknown_functions,
)
from cloudact.warehouse.duckdb.inspect import Inspector
from cloudact.warehouse.duckdb.manifest import INTERNAL, Manifest, digest_in, table_from_text
from cloudact.warehouse.duckdb.type_map import inferred, parse_storage, quote

_HERE = "database_name = current_database()"
_SCHEMA = f"SELECT schema_name, comment FROM duckdb_schemas() WHERE {_HERE} AND lower(schema_name) = lower(?)"
_TABLES = f"SELECT table_name, comment FROM duckdb_tables() WHERE {_HERE} AND schema_name = ? AND comment IS NOT NULL"
_COLUMNS = (
    f"SELECT table_name, column_name, comment FROM duckdb_columns() WHERE {_HERE} AND schema_name = ?"
    " AND comment IS NOT NULL"
)
_VIEWS = f"SELECT view_name, sql, coalesce(comment, '') FROM duckdb_views() WHERE {_HERE} AND schema_name = ?"
_CONSTRAINTS = (
    f"SELECT table_name, constraint_text FROM duckdb_constraints() WHERE {_HERE} AND schema_name = ?"
    " AND constraint_type <> 'NOT NULL' ORDER BY ALL"
)
_INDEXES = (
    f"SELECT table_name, 'index ' || index_name FROM duckdb_indexes() WHERE {_HERE} AND schema_name = ? ORDER BY ALL"
)
_GENERATED = (
    f"SELECT table_name, column_name, generation_expression FROM duckdb_columns() WHERE {_HERE} AND schema_name = ?"
    " AND is_generated"
)
_NOT_DATASETS = frozenset({INTERNAL, "information_schema", "pg_catalog"})
_FIX_VIEW = "declare it by hand, or keep it outside the catalog"
_FIX_DEFAULT = "give the column a default that GoogleSQL has, or none"
_FIX_GENERATED = "keep it outside the catalog; a view can calculate it"


def survey(inspector: Inspector, name: str) -> Survey | None:
    """Return what there is to know of a dataset, see `Session.survey`."""
    found = inspector.connection.execute(_SCHEMA, [name]).fetchone()
    if found is None or found[0] in _NOT_DATASETS:
        return None
    dataset, manifest = inspector.dataset(found[0], None)
    if dataset is None:
        return None
    if manifest is None and found[1]:
        dataset = replace(dataset, description=found[1])
    return _Surveyor(inspector, dataset, manifest or Manifest()).survey()


@dataclass(slots=True)
class _Surveyor:
    """Completes what was inspected of one dataset."""

    inspector: Inspector
    dataset: Dataset
    manifest: Manifest

    def survey(self) -> Survey:
        unsupported: list[Problem] = []
        definitions = self._definitions()
        notes = list(self._notes())
        written = self._written(self._described(), unsupported)
        declarable = (_declarable(table, self.dataset.name, notes) for table in written)
        tables = [self._table(table, definitions.get(table.key), unsupported) for table in declarable]
        views = list(self._views(unsupported, notes))
        complete = replace(self.dataset, tables=tuple(tables), views=tuple(views))
        return Survey(complete, tuple(unsupported), tuple(notes))

    def _rows(self, statement: str) -> list[tuple[str, ...]]:
        return self.inspector.connection.execute(statement, [self.dataset.name]).fetchall()

    def _definitions(self) -> dict[str, Table]:
        """Return the tables that this project knows, by name, as it made them."""
        texts = self.inspector.definitions(self.manifest.tables.values())
        known = ((name, texts.get(digest)) for name, digest in self.manifest.tables.items())
        return {name.casefold(): table_from_text(text) for name, text in known if text}

    def _described(self) -> Iterator[Table]:
        """Yield the tables with the comments of what this project has no description of."""
        of_tables = {str(name): comment for name, comment in self._rows(_TABLES)}
        of_columns = {(table, column): comment for table, column, comment in self._rows(_COLUMNS)}
        for table in self.dataset.tables:
            columns = tuple(
                replace(item, description=item.description or of_columns.get((table.name, item.name), ""))
                for item in table.columns
            )
            text = table.description or of_tables.get(table.name, "")
            yield replace(table, description=text, columns=columns)

    def _written(self, tables: Iterator[Table], unsupported: list[Problem]) -> Iterator[Table]:
        """Yield the tables without the columns that DuckDB calculates: what is declared is written."""
        generated = {(name, column): expression for name, column, expression in self._rows(_GENERATED)}
        for (name, column), expression in generated.items():
            what = f"is generated always as {expression}, and a declared column is written"
            unsupported.append(Problem(f"{self.dataset.name}.{name}", column, what, _FIX_GENERATED))
        for table in tables:
            columns = tuple(item for item in table.columns if (table.name, item.name) not in generated)
            yield replace(table, columns=columns)

    def _table(self, table: Table, known: Table | None, unsupported: list[Problem]) -> Table:
        columns = tuple(self._column(item, table.name, known, unsupported) for item in table.columns)
        return replace(table, columns=columns)

    def _column(self, column: Column, table: str, known: Table | None, unsupported: list[Problem]) -> Column:
        """A default that this project did not set is in DuckDB's words."""
        declared = known.column(column.name) if known else None
        if column.default is None or (declared and declared.default is not None):
            return column
        try:
            return replace(column, default=google_default(column.default))
        except Untranslatable as error:
            what = f"has the default {column.default}, which {error}"
            unsupported.append(Problem(f"{self.dataset.name}.{table}", column.name, what, _FIX_DEFAULT))
            return replace(column, default=None)

    def _views(self, unsupported: list[Problem], notes: list[str]) -> Iterator[View]:
        rows = self._rows(_VIEWS)
        ours = self.inspector.definitions(filter(None, (digest_in(comment) for _, _, comment in rows)))
        foreign = {name: (sql, comment) for name, sql, comment in rows if digest_in(comment) not in ours}
        for view in self.dataset.views:
            if view.name not in foreign:
                yield view
                continue
            where = f"{self.dataset.name}.{view.name}"
            try:
                found = self._translated(view.name, *foreign[view.name])
            except Untranslatable as error:
                unsupported.append(Problem(where, "", str(error), _FIX_VIEW))
                continue
            if calls := unknown_functions(found.query):
                notes.append(f"{where}: calls {', '.join(calls)}, which may be DuckDB's alone")
            yield found

    def _translated(self, name: str, statement: str, comment: str) -> View:
        connection = self.inspector.connection
        database = str((connection.execute("SELECT current_database()").fetchone() or ("",))[0])
        relations = [*(table.name for table in self.dataset.tables), *(view.name for view in self.dataset.views)]
        query = google_query(statement, self.dataset.name, relations, database)
        path = f"{quote(self.dataset.name)}.{quote(name)}"
        try:
            before = connection.execute(f"DESCRIBE {path}").fetchall()
            after = connection.execute(f"DESCRIBE {view_query(query)}").fetchall()
        except duckdb.Error as error:
            raise Untranslatable(f"has a query that fails in GoogleSQL's words: {first_line(error)}") from error
        if _outputs(before) != _outputs(after):
            raise Untranslatable("has other columns when its query is put in GoogleSQL's words")
        return View(name, query, description="" if digest_in(comment) else comment)

    def _notes(self) -> Iterator[str]:
        for table, what in (*self._rows(_CONSTRAINTS), *self._rows(_INDEXES)):
            yield f"{self.dataset.name}.{table}: {what} stays in the warehouse and is not declared"


def _declarable(table: Table, dataset: str, notes: list[str]) -> Table:
    """Return the table with the types that hold what DuckDB's own ones hold a part of, and note which."""
    narrow: list[str] = []
    columns = _containing(table.columns, "", narrow)
    if narrow:
        notes.append(f"{dataset}.{table.name}: stays narrower than what is declared: {', '.join(narrow)}")
    return replace(table, columns=columns)


def _containing(columns: tuple[Column, ...], parent: str, narrow: list[str]) -> tuple[Column, ...]:
    made = []
    for column in columns:
        path, type_ = f"{parent}{column.name}", column.type.containing
        if type_ != column.type:
            narrow.append(f"{path} is {column.type}, declared {type_}")
        made.append(replace(column, type=type_, fields=_containing(column.fields, f"{path}.", narrow)))
    return tuple(made)


def _outputs(described: list[tuple[str, ...]]) -> tuple[Column, ...]:
    """A CAST to INTEGER is one to INT64 in GoogleSQL, which makes no difference to who reads."""
    return _containing(tuple(inferred(row[0], parse_storage(row[1])) for row in described), "", [])
