"""Which tables and views each dataset has, without asking DuckDB for all of them every time.

DuckDB has no way to list one schema: its catalog functions walk the whole file, 0.2 s per thousand datasets. But one
process owns a file, and every statement in it that could add or drop a table either is part of a unit of work, which
says what it created, or runs on a lent connection, after which the listing is read anew. So it is as exact as the
catalog. What a table looks like is never kept: columns are read from the live table each time.
"""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import duckdb

_TABLES = (
    "SELECT schema_name, list(table_name) FROM duckdb_tables() WHERE database_name = current_database() "
    "GROUP BY schema_name"
)
_VIEWS = (
    "SELECT schema_name, view_name, coalesce(comment, sql) FROM duckdb_views() "
    "WHERE database_name = current_database() AND NOT internal"
)
# No dataset has this name.
_EVERYTHING = ""


@dataclass(slots=True)
class Names:
    """A dataset's tables by name, and its views with the comment each carries, or its text where it has none."""

    tables: set[str] = field(default_factory=set)
    views: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Kept:
    """Names as they are remembered: thousands of datasets have the same tables, and share one set of them."""

    tables: frozenset[str] = frozenset()
    views: Mapping[str, str] = field(default_factory=dict)


class Listing:
    """The names in every dataset of one open file; safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: dict[str, _Kept] | None = None
        self._shared: dict[frozenset[str], frozenset[str]] = {}
        # The datasets of units that commit just now, or everything, while a connection is lent.
        self._unsettled = Counter[str]()
        self._generation = 0

    def of(self, dataset: str, connection: duckdb.DuckDBPyConnection) -> Names:
        """Return the names in one dataset, reading the catalog only when what is known may not be all."""
        with self._lock:
            if self._names is not None and not self._is_unsettled(dataset):
                return _copy(self._names.get(dataset.casefold()))
            generation = self._generation
        names = self._with_views(connection, _rows(connection, _TABLES))
        self._keep(names, generation)
        return _copy(names.get(dataset.casefold()))

    @contextmanager
    def told(self, connection: duckdb.DuckDBPyConnection) -> Iterator[Callable[[str, Collection[str]], None]]:
        """Lend what a query that walks all tables tells each dataset's to, so that they are not walked once more."""
        with self._lock:
            known, generation = self._names is not None, self._generation
        tables: dict[str, frozenset[str]] = {}

        def note(dataset: str, names: Collection[str]) -> None:
            if not known:
                tables[dataset] = self._share(frozenset(names))

        yield note
        if not known:
            self._keep(self._with_views(connection, tables.items()), generation)

    @contextmanager
    def committing(self, created: Mapping[str, Names], removed: Mapping[str, Collection[str]]) -> Iterator[None]:
        """Enclose the commit of a unit that created these names, by dataset, and removed these tables."""
        if not created:
            yield
            return
        with self._settling(*created):
            yield
            with self._lock:
                for dataset, names in created.items():
                    if self._names is not None:
                        known = self._names.get(dataset.casefold(), _Kept())
                        tables = (known.tables | names.tables) - set(removed.get(dataset, ()))
                        replaced = {name.casefold() for name in names.views}
                        kept = {name: text for name, text in known.views.items() if name.casefold() not in replaced}
                        self._names[dataset.casefold()] = _Kept(self._share(tables), kept | names.views)

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Enclose the time a connection is in other hands, where anything may be done with it."""
        with self._settling(_EVERYTHING):
            try:
                yield
            finally:
                self.forget()

    def forget(self) -> None:
        """Know nothing, so that the next question reads the catalog."""
        with self._lock:
            self._names = None
            self._shared = {}
            self._generation += 1

    def _keep(self, names: dict[str, _Kept], generation: int) -> None:
        """Remember what was read, unless it may have changed since this generation."""
        with self._lock:
            if generation == self._generation and not self._unsettled:
                self._names = names

    def _with_views(
        self, connection: duckdb.DuckDBPyConnection, found: Iterable[tuple[str, Collection[str]]]
    ) -> dict[str, _Kept]:
        """Return the tables that were found by dataset, and the views beside them."""
        views: dict[str, dict[str, str]] = {}
        for schema, view, text in _rows(connection, _VIEWS):
            views.setdefault(schema.casefold(), {})[sys.intern(view)] = text
        names: dict[str, _Kept] = {}
        for schema, tables in found:
            key = schema.casefold()
            names[key] = _Kept(self._share(frozenset(tables)), views.pop(key, {}))
        return names | {schema: _Kept(views=found) for schema, found in views.items()}

    def _share(self, tables: frozenset[str]) -> frozenset[str]:
        return self._shared.setdefault(tables, tables)

    def _is_unsettled(self, dataset: str) -> bool:
        return self._unsettled[dataset.casefold()] > 0 or self._unsettled[_EVERYTHING] > 0

    @contextmanager
    def _settling(self, *datasets: str) -> Iterator[None]:
        """Until the end of the block, what is known of these may lag behind, and what is read may be from before."""
        keys = [dataset.casefold() for dataset in datasets]
        with self._lock:
            self._unsettled.update(keys)
        try:
            yield
        finally:
            with self._lock:
                self._unsettled.subtract(keys)
                self._unsettled = +self._unsettled
                self._generation += 1


def _copy(names: _Kept | None) -> Names:
    return Names(set(names.tables), dict(names.views)) if names else Names()


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> Iterator[tuple[Any, ...]]:
    found = connection.execute(query)
    while rows := found.fetchmany(1000):
        yield from rows
