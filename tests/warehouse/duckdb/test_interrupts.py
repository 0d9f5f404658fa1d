"""Ctrl-C while DuckDB works: the command is interrupted, whatever DuckDB makes of it."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from cloudact.warehouse.duckdb.database import Database, cursor
from cloudact.warehouse.duckdb.errors import mapped

FOREVER = "SELECT max(hash(a.range + b.range)) FROM range(1000000) AS a, range(1000000) AS b"


def interrupted_in(database: Database, statement: str) -> None:
    """Run a statement, and press Ctrl-C a moment after it began."""
    with cursor(database.instance()) as connection:
        connection.execute("SET threads = 1")  # of more, the one that would see it may wait for the others
        keyboard = threading.Timer(0.1, os.kill, [os.getpid(), signal.SIGINT])
        keyboard.start()
        with mapped():
            connection.execute(statement)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """A new file."""
    return Database(tmp_path / "warehouse.duckdb")


def test_a_statement_that_is_interrupted_ends_as_python_does(database: Database) -> None:
    with pytest.raises(KeyboardInterrupt):
        interrupted_in(database, FOREVER)
    database.close()


def test_an_interrupted_checkpoint_is_no_error_and_loses_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log has what the file has not, as after a process that was killed."""
    database.instance().execute("CREATE TABLE kept (id BIGINT)")

    class Interrupted:
        """An instance, of which Ctrl-C met the checkpoint."""

        def execute(self, statement: str) -> None:
            """Take a setting, and nothing else."""
            if statement == "CHECKPOINT":
                raise RuntimeError("Query interrupted")

    with monkeypatch.context() as patched:
        patched.setattr(database, "_instance", Interrupted())
        with pytest.raises(KeyboardInterrupt):
            database.leave()
    database.close()
    with cursor(database.instance()) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchall() == [(0,)]
    database.close()
