"""Checkpoints write the whole catalog anew while writers wait, so they are rare, and the log stays short enough."""

from __future__ import annotations

from contextlib import closing

import pytest

from cloudact.warehouse.duckdb import database
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse


@pytest.fixture
def file(tmp_path):
    return tmp_path / "warehouse.duckdb"


def log_of(file):
    return file.with_name(f"{file.name}.wal")


def test_log_grows_past_what_duckdb_takes_by_itself(file):
    """DuckDB's own limit is 16 MiB, which is 350 onboardings of the shipped catalog."""
    with closing(DuckDBWarehouse(file)) as warehouse, warehouse.connect() as connection:
        connection.execute("CREATE TABLE filled (text VARCHAR)")
        for _ in range(9):
            connection.execute("INSERT INTO filled SELECT repeat('x', 2_000_000) || random() FROM range(1)")
        assert log_of(file).stat().st_size > 17_000_000


def test_log_of_many_short_entries_ends_in_a_checkpoint(file, monkeypatch):
    """A million added columns are a short log, but opening the file would take minutes."""
    monkeypatch.setattr(database, "_LOG_ENTRIES", 20)
    with closing(DuckDBWarehouse(file)) as warehouse, warehouse.connect() as connection:
        connection.execute("CREATE TABLE filled (first INTEGER)")
        sizes = []
        for number in range(20):
            connection.execute(f"ALTER TABLE filled ADD COLUMN number_{number} INTEGER")
            sizes.append(log_of(file).stat().st_size if log_of(file).exists() else 0)
    assert sizes != sorted(sizes), "the log was emptied on the way"


def test_nothing_is_in_the_log_after_a_clean_stop(file):
    """A copy of the file is a backup then."""
    with closing(DuckDBWarehouse(file)) as warehouse, warehouse.connect() as connection:
        connection.execute("CREATE TABLE filled AS SELECT 1 AS number")
        assert log_of(file).exists()
    assert not log_of(file).exists()
