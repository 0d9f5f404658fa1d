"""The open DuckDB file: connections to it, and a fresh start after an error that made the open instance unusable."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from cloudact.errors import WarehouseUnavailable
from cloudact.warehouse.duckdb.errors import mapped

Instance = duckdb.DuckDBPyConnection
# Of the write-ahead log, before DuckDB makes a checkpoint by itself. An added column is two entries, and opening takes
# a tenth of a millisecond for it.
_LOG_SIZE = "256MB"
_LOG_ENTRIES = 100_000
# Who forgets an instance has it closed.
_LEFT: list[Instance] = []


class Database:
    """A file, or memory when `path` is None, opened at first use; safe to use from many threads."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._instance: Instance | None = None
        self._retired: list[Instance] = []

    def instance(self) -> Instance:
        """Return the open instance, opening it if need be."""
        with self._lock, mapped():
            if self._instance is None:
                self._close_retired()
                self._instance = self._open()
            return self._instance

    def discard(self, instance: Instance | None) -> bool:
        """Replace this instance at the next use, unless that has happened already; tell whether it was this call."""
        with self._lock:
            if instance is None or instance is not self._instance:
                return False
            self._instance = None
            self._retired.append(instance)
            # A query that is still running keeps it open; the next opening closes it first, because as long as it is
            # open DuckDB hands out the same broken instance for this file.
            with suppress(duckdb.Error):
                self._close_retired()
            return True

    def close(self) -> None:
        """Release the file; it is opened again at the next use."""
        self.discard(self._instance)

    def leave(self) -> None:
        """Leave the file as `close` does, and the instance to the end of this process.

        DuckDB takes half a second for each thousand organizations to give back its memory, piece by piece.
        """
        with self._lock, suppress(duckdb.Error):
            if self._instance is not None and not self._retired:
                # Another thread would take memory of its own for the checkpoint, in place of what queries gave back.
                self._instance.execute("SET threads = 1")
                self._instance.execute("CHECKPOINT")
                _LEFT.append(self._instance)
                return
        self.close()

    def _close_retired(self) -> None:
        while self._retired:
            self._retired[-1].close()
            self._retired.pop()

    def _open(self) -> Instance:
        if self._path is not None:
            _prepare(self._path)
        instance = duckdb.connect(str(self._path) if self._path else ":memory:")
        # Views cast TIMESTAMP to DATE, and a day is a UTC day on every engine.
        instance.execute("SET GLOBAL TimeZone = 'UTC'")
        # A statement must not make the process fetch code from the network.
        instance.execute("SET GLOBAL autoinstall_known_extensions = false")
        instance.execute("SET GLOBAL autoload_known_extensions = false")
        # A checkpoint writes the whole catalog while every writer waits: docs/decisions/0022-one-file-for-a-fleet.md
        instance.execute(f"SET GLOBAL wal_autocheckpoint = '{_LOG_SIZE}'")
        instance.execute(f"SET GLOBAL wal_autocheckpoint_entries = {_LOG_ENTRIES}")
        return instance


@contextmanager
def cursor(instance: Instance) -> Iterator[duckdb.DuckDBPyConnection]:
    """Lend a connection of its own to the instance."""
    with mapped():
        connection = instance.cursor()
    try:
        yield connection
    finally:
        with suppress(duckdb.Error):
            connection.close()


def _prepare(file: Path) -> None:
    """Make the folder, and a new file under another name first: one that is cut off in its header never opens again."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.exists():
            return
        draft = file.with_name(f".{file.name}.{os.getpid()}.new")
        draft.unlink(missing_ok=True)
        duckdb.connect(str(draft)).close()
        with suppress(FileExistsError):
            os.link(draft, file)
        draft.unlink()
    except OSError as error:
        raise WarehouseUnavailable(
            f"the DuckDB file {file} cannot be opened, because it or its folder cannot be made: {error.strerror}",
            hint="Check CA_WAREHOUSE_URL, the permissions along that path, and that the disk is not full.",
        ) from error
