"""The database files: made by each side itself, completed where a time limit ended it, and checked after each work."""

from __future__ import annotations

from pathlib import Path

import duckdb

from benchmarks.fleet.declared import DROPPED
from benchmarks.fleet.work import NEWCOMER, Work, dataset_of, drifted, slugs
from benchmarks.statements import COLUMN, TABLE

TABLES, VIEWS = "duckdb_tables()", "duckdb_views()"


def complete(file: Path, number: int) -> None:
    """Add the organizations that are not there yet, each a copy of the first, its bookkeeping included."""
    with duckdb.connect(str(file)) as connection:
        there = {name for (name,) in connection.execute("SELECT schema_name FROM duckdb_schemas()").fetchall()}
        missing = [slug for slug in slugs(number) if dataset_of(slug) not in there]
        if not missing:
            return
        first = slugs(1)[0]
        found = [
            connection.execute(
                f"SELECT sql FROM {kind} WHERE schema_name = ? ORDER BY ALL", [dataset_of(first)]
            ).fetchall()
            for kind in (TABLES, VIEWS)
        ]
        script = [f"CREATE SCHEMA {dataset_of(first)}", *(text.rstrip(";\n") for rows in found for (text,) in rows)]
        filled = _with_rows(connection, dataset_of(first))
        connection.execute("BEGIN")
        for slug in missing:
            connection.execute(";\n".join(script).replace(first, slug))
            for table in filled:
                connection.execute(f"INSERT INTO {dataset_of(slug)}.{table} FROM {dataset_of(first)}.{table}")
        connection.execute("COMMIT")


def _with_rows(connection: duckdb.DuckDBPyConnection, dataset: str) -> list[str]:
    names = connection.execute(
        f"SELECT table_name FROM {TABLES} WHERE schema_name = ? AND estimated_size > 0", [dataset]
    )
    return [name for (name,) in names.fetchall()]


def let_drift(file: Path, number: int) -> None:
    """Take a column of one organization away."""
    with duckdb.connect(str(file)) as connection:
        connection.execute(f"ALTER TABLE {dataset_of(drifted(number))}.{TABLE} DROP COLUMN {DROPPED}")


def check(file: Path, work: Work, number: int, tables: int) -> None:
    """Raise RuntimeError unless the work has been done for every organization."""
    there = number + (work is Work.ONBOARD)
    with duckdb.connect(str(file), read_only=True) as connection:
        if work is Work.COLUMN:
            counted = _with_column(connection, COLUMN)
        elif work is Work.DRIFT:
            counted = _with_column(connection, DROPPED)
        else:
            counted = _whole(connection, tables)
    if counted != there:
        raise RuntimeError(f"{work.title}: it is done for {counted} of {there} organizations")


def _with_column(connection: duckdb.DuckDBPyConnection, column: str) -> int:
    found = connection.execute(
        "SELECT count(*) FROM duckdb_columns() WHERE table_name = ? AND column_name = ?", [TABLE, column]
    )
    return int(found.fetchall()[0][0])


def _whole(connection: duckdb.DuckDBPyConnection, tables: int) -> int:
    """Return how many organizations have all their tables, peers' own ones not counted."""
    found = connection.execute(
        f"""
        SELECT count(*) FROM (
            SELECT schema_name FROM {TABLES}
            WHERE (schema_name LIKE 'org\\_%\\_prod' ESCAPE '\\' OR schema_name = ?)
              AND NOT starts_with(table_name, '_dlt') AND table_name <> 'alembic_version'
            GROUP BY schema_name HAVING count(*) = ?
        )
        """,
        [dataset_of(NEWCOMER), tables],
    )
    return int(found.fetchall()[0][0])
