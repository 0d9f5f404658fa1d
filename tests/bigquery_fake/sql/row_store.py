"""The rows of tables, in an embedded DuckDB; a table is made there when a statement first needs it."""

from __future__ import annotations

import copy
import itertools
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

import duckdb

from tests.bigquery_fake.catalog import Memo, Table
from tests.bigquery_fake.errors import invalid_query, unsupported
from tests.bigquery_fake.specs import Resource, Spec
from tests.bigquery_fake.sql.values import engine_name, engine_type, is_text_stored

_REFUSED_VALUES = (duckdb.ConversionException, duckdb.OutOfRangeException, duckdb.InvalidInputException)
Cursor = duckdb.DuckDBPyConnection


_NUMBERS = itertools.count(1)  # of all stores, so that a copied table has a name that is free


@cache
def _engine() -> Cursor:
    """One engine for all stores of this process, each with a database of its own in it: one takes 10 ms to open."""
    opened = duckdb.connect(":memory:")
    opened.execute("SET GLOBAL TimeZone = 'UTC'")
    return opened


class Stored(NamedTuple):
    """Where the engine has a table, and what the table was then."""

    name: str
    spec: Spec


class RowStore:
    """Holds rows under names of its own, so that neither case nor deletion of a BigQuery name matters."""

    def __init__(self) -> None:
        self._database = f"store_{next(_NUMBERS)}"
        self._lock = threading.Lock()
        self._stored: dict[Table, Stored] = {}
        with _engine().cursor() as cursor:
            cursor.execute(f"ATTACH ':memory:' AS {self._database}")

    def become(self, other: RowStore, memo: Memo) -> None:
        """Have copies of the rows of another store; `memo` tells which table is which, as the catalog left it."""
        self._stored = copy.deepcopy(other._stored, memo)
        with self.cursor() as cursor:
            for name, _ in self._stored.values():
                cursor.execute(f"CREATE TABLE {name} AS FROM {other._database}.{name}")

    def close(self) -> None:
        """Drop everything."""
        with _engine().cursor() as cursor:
            cursor.execute(f"DETACH {self._database}")

    @contextmanager
    def cursor(self) -> Iterator[Cursor]:
        """Give a connection of one's own: its transactions and temporary tables are seen by nobody else."""
        with _engine().cursor() as cursor:
            cursor.execute(f"USE {self._database}")
            yield cursor

    def find(self, table: Table) -> Stored | None:
        """Return where a table is; None when it is not there, or not with the columns it has now."""
        with self._lock:
            name, built = self._stored.get(table, ("", None))
            spec = table.spec
            if built is None or (built is not spec and _columns(built) != _columns(spec)):
                return None
            self._stored[table] = Stored(name, spec)  # the same columns, but other modes or descriptions perhaps
            return self._stored[table]

    def latest(self, table: Table) -> Stored:
        """Return where a table is, though its columns may have changed since: nobody builds it while it is locked."""
        with self._lock:
            return self._stored[table]

    def build(self, table: Table) -> Stored:
        """Make a table with the columns it has now and the rows it had; the caller holds its lock.

        The storage before is left to readers that began earlier.
        """
        with self._lock:
            old, built = self._stored.get(table, ("", None))
            name, spec = f"rows_{next(_NUMBERS)}", table.spec
            with self.cursor() as cursor:
                cursor.execute(f"CREATE TABLE {name} ({_columns(spec)})")
                if built is not None:
                    _carry(cursor, old, name, built.fields, spec)
            self._stored[table] = Stored(name, spec)
            return self._stored[table]

    def copy(self, source: Table, target: Table) -> None:
        """Give a new table the committed rows of another one with the same columns; the caller holds its lock."""
        if self.find(source) is None:
            self.build(source)
        stored = self.latest(source)
        with self._lock, self.cursor() as cursor:
            name = f"rows_{next(_NUMBERS)}"
            cursor.execute(f"CREATE TABLE {name} AS SELECT * FROM {stored.name}")
            self._stored[target] = Stored(name, target.spec)

    def statistics(self, table: Table) -> dict[str, str]:
        """Return numRows and numBytes as the REST API answers them; nothing for a view."""
        if table.spec.kind == "VIEW":
            return {}
        count = self.count(table)
        return {"numRows": str(count), "numBytes": str(count * 8 * len(table.spec.fields))}

    def rows(self, table: Table, fields: Sequence[Resource]) -> list[tuple[Any, ...]]:
        """Return the committed values of some columns."""
        found = self.find(table)
        if found is None and self.count(table):
            raise unsupported("listing the rows of a table whose columns have changed since they were written")
        if found is None:
            return []
        names = ", ".join(engine_name(field["name"]) for field in fields)
        with self.cursor() as cursor:
            return run(cursor, f"SELECT {names} FROM {found.name}")

    def count(self, table: Table) -> int:
        """Return the number of committed rows."""
        with self._lock:
            name, _ = self._stored.get(table, ("", None))
            if not name:
                return 0
            with self.cursor() as cursor:
                row = cursor.execute(f"SELECT count(*) FROM {name}").fetchone()
        return int(row[0]) if row else 0


def _carry(cursor: Cursor, old: str, new: str, columns: Sequence[Resource], spec: Spec) -> None:
    """Copy the rows of columns that are still there; fields that were added come out as NULL."""
    kept = [(field["name"], target) for field in columns if (target := spec.column(field["name"]))]
    names = ", ".join(engine_name(target["name"]) for _, target in kept)
    before = {field["name"]: field for field in columns}
    values = ", ".join(_carried(before[name], target) for name, target in kept)
    if kept:
        cursor.execute(f"INSERT INTO {new} ({names}) SELECT {values} FROM {old}")


def _carried(source: Resource, target: Resource) -> str:
    name = engine_name(source["name"])
    if is_text_stored(target) and not is_text_stored(source) and target["mode"] != "REPEATED":  # a widened number
        return f"regexp_replace(regexp_replace(CAST({name} AS VARCHAR), '(\\.[0-9]*?)0+$', '\\1'), '\\.$', '')"
    return f"CAST({name} AS {engine_type(target)})"


def _columns(spec: Spec) -> str:
    return ", ".join(f"{engine_name(field['name'])} {engine_type(field)}" for field in spec.fields)


@contextmanager
def engine_errors(what: str) -> Iterator[None]:
    """Turn what the engine says about values into a refused query, and anything else into what the fake lacks."""
    try:
        yield
    except duckdb.TransactionException as error:
        message = "Transaction is aborted due to concurrent update against table"
        raise invalid_query(f"{message}: {error}") from error
    except _REFUSED_VALUES as error:
        raise invalid_query(str(error)) from error
    except duckdb.BinderException as error:
        if "GROUP BY" in str(error):
            raise invalid_query(f"SELECT list expression is neither grouped nor aggregated: {error}") from error
        raise unsupported(f"how its engine runs {what}: {error}") from error
    except duckdb.Error as error:
        raise unsupported(f"how its engine runs {what}: {error}") from error


def run(cursor: Cursor, sql: str, values: Any = None) -> list[tuple[Any, ...]]:
    """Run one statement of the engine and return its rows."""
    with engine_errors(sql):
        return cursor.execute(sql, values).fetchall()
