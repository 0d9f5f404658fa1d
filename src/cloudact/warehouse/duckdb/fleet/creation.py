"""Tables of new datasets, by statements that are parsed once: DuckDB takes as long to parse one as to carry it out.

Such a statement names its table without a dataset, and the table comes where the search path of the connection begins.
That is only set to a dataset that the same unit has made: it is there, and has nothing in it that a name could mean
instead.
"""

from __future__ import annotations

from functools import cached_property

import duckdb

from cloudact.catalog.model import Table
from cloudact.warehouse.duckdb import ddl
from cloudact.warehouse.duckdb.type_map import literal, quote

# The shipped catalog has 39 tables, of which each may be declared in another way before the process ends.
_MOST_KEPT = 512


class Parsed:
    """Statements that were parsed, for all units of a process; safe to use from many threads."""

    def __init__(self) -> None:
        self._kept: dict[str, duckdb.Statement] = {}

    def of(self, text: str, connection: duckdb.DuckDBPyConnection) -> duckdb.Statement:
        """Return the one statement that is in a text."""
        found = self._kept.get(text)
        if found is None:
            (found,) = connection.extract_statements(text)
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[text] = found
        return found


class Creation:
    """Creates tables on the connection of one unit of work; raises DuckDB's errors."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, parsed: Parsed) -> None:
        self._connection = connection
        self._parsed = parsed
        self._within = ""

    def table(self, dataset: str, table: Table) -> None:
        """Create a table in a dataset that this unit has made; `leave` has to follow before other statements."""
        if self._within != dataset:
            path = literal(f"{quote(self._database)}.{quote(dataset)}")
            self._connection.execute(f"SET schema = {path}")
            self._within = dataset
        self._connection.execute(self._parsed.of(ddl.create_table(table), self._connection))

    def leave(self) -> None:
        """Have the connection look where it did before."""
        if self._within:
            self._connection.execute(self._parsed.of("RESET schema", self._connection))
            self._within = ""

    @cached_property
    def _database(self) -> str:
        ((name,),) = self._connection.execute("SELECT current_database()").fetchall()
        return str(name)
