"""Database files to begin from: one for each side, number of other organizations and state, copied before each use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb

from benchmarks.copies import copy
from benchmarks.single.operations import MEASURED, State, other
from benchmarks.single.sides import Side

CENTRAL = "organizations"


def made(side: Side, numbers: Iterable[int], folder: Path) -> Iterator[int]:
    """Make the templates of one side, smallest first; yields each number of organizations when it is done."""
    folder.mkdir()
    growing = folder / "growing.duckdb"
    there = 0
    for number in sorted(numbers):
        if growing.exists():
            place(side, growing)
        side.add_organizations(other(count) for count in range(there + 1, number + 1))
        there = number
        copy(side.file, growing)
        copy(side.file, template(folder, number, State.BOOTSTRAPPED))
        side.add_organizations([MEASURED])
        copy(side.file, template(folder, number, State.ONBOARDED))
        place(side, growing)
        with duckdb.connect(str(side.file)) as connection:
            connection.execute(f"DROP SCHEMA {CENTRAL} CASCADE")
        copy(side.file, template(folder, number, State.NOT_BOOTSTRAPPED))
        for file in side.file.parent.glob(f"{side.file.name}*"):
            file.unlink()
        yield number


def template(folder: Path, number: int, state: State) -> Path:
    """Return where a template is kept."""
    return folder / f"{state}_{number}.duckdb"


def place(side: Side, source: Path) -> None:
    """Put a fresh copy of a template where the side works."""
    copy(source, side.file)


def shape(file: Path) -> list[tuple[object, ...]]:
    """Return every column and every number of rows of the central and the measured dataset."""
    with duckdb.connect(str(file), read_only=True) as connection:
        found = connection.execute(
            "SELECT schema_name, table_name, column_name, data_type, is_nullable, column_default FROM duckdb_columns() "
            "WHERE schema_name IN (?, ?) ORDER BY ALL",
            [CENTRAL, f"{MEASURED}_prod"],
        ).fetchall()
        tables = connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE schema_name = ? ORDER BY ALL", [CENTRAL]
        ).fetchall()
        counts = [
            (name, *connection.execute(f"SELECT count(*) FROM {CENTRAL}.{name}").fetchall()) for (name,) in tables
        ]
    return [*found, *counts]
