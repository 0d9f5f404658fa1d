"""The DuckDB warehouse: one file, one process, many threads; each unit of work is one transaction."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import duckdb
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from cloudact.errors import WarehouseBusy, WarehouseError, WarehouseUnavailable
from cloudact.warehouse.driver import Observer, Progress, Session
from cloudact.warehouse.duckdb.errors import is_fatal, mapped
from cloudact.warehouse.duckdb.inspect import Inspector
from cloudact.warehouse.duckdb.listing import Listing
from cloudact.warehouse.duckdb.transaction import Transaction

T = TypeVar("T")


def ignore(_progress: Progress) -> None:
    """Observe nothing."""


class DuckDBWarehouse:
    """Datasets as schemas of one DuckDB file, or of memory when `path` is None."""

    def __init__(self, path: Path | None, *, observer: Observer = ignore, busy_timeout: float = 30.0) -> None:
        self._path = path
        self._observer = observer
        self._busy_timeout = busy_timeout
        self._lock = threading.Lock()
        self._database: duckdb.DuckDBPyConnection | None = None
        self._known: set[str] = set()
        self._listing = Listing()

    def run(self, work: Callable[[Session], T]) -> T:
        """See `Warehouse.run`."""
        retrying = Retrying(
            retry=retry_if_exception_type(WarehouseBusy),
            wait=wait_random_exponential(multiplier=0.005, max=0.5),
            stop=stop_after_delay(self._busy_timeout),
            reraise=True,
        )
        result: T = retrying(self._once, work)
        return result

    def ping(self) -> None:
        """See `Warehouse.ping`."""
        with self._connection() as connection, mapped():
            connection.execute("SELECT 1").fetchone()

    def close(self) -> None:
        """See `Warehouse.close`."""
        with self._lock:
            if self._database is not None:
                self._database.close()
            self._database = None
            self._known.clear()
            self._listing.forget()

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Lend a plain DuckDB connection to the same database, for loading and reading data in this process."""
        with self._listing.lent(), self._connection() as connection:
            yield connection

    def _once(self, work: Callable[[Session], T]) -> T:
        try:
            with self._connection() as reading, self._connection() as writing:
                session = Transaction(
                    Inspector(reading, self._listing), writing, self._observer, frozenset(self._known)
                )
                try:
                    session.begin()
                    result = work(session)
                    with self._listing.committing(session.created):
                        session.commit()
                except BaseException:
                    _roll_back(writing)
                    raise
        except WarehouseError as error:
            if is_fatal(error):
                self.close()
            raise
        with self._lock:
            self._known |= session.stored
        return result

    @contextmanager
    def _connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._lock, mapped():
            if self._database is None:
                self._database = self._open()
            connection = self._database.cursor()
        try:
            yield connection
        finally:
            connection.close()

    def _open(self) -> duckdb.DuckDBPyConnection:
        if self._path is not None:
            _make_folder(self._path)
        database = duckdb.connect(str(self._path) if self._path else ":memory:")
        # Views cast TIMESTAMP to DATE, and a day is a UTC day on every engine.
        database.execute("SET GLOBAL TimeZone = 'UTC'")
        return database


def _make_folder(file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WarehouseUnavailable(
            f"the DuckDB file {file} cannot be opened, because its folder cannot be made: {error.strerror}",
            hint="Check CA_WAREHOUSE_URL, and the permissions along that path.",
        ) from error


def _roll_back(connection: duckdb.DuckDBPyConnection) -> None:
    # A failed COMMIT has rolled back already, and after a fatal error there is nothing left to roll back.
    with suppress(duckdb.Error):
        connection.execute("ROLLBACK")
