"""The DuckDB warehouse: one file, one process, many threads; each unit of work is one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import duckdb
from tenacity import (
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_after_delay,
    stop_all,
    wait_random_exponential,
)

from cloudact.catalog.template import EMBEDDED, Engine
from cloudact.errors import WarehouseBusy, WarehouseError
from cloudact.warehouse.driver import Examination, Observer, Session, ignore
from cloudact.warehouse.duckdb import doctor
from cloudact.warehouse.duckdb.database import Database, Instance, cursor
from cloudact.warehouse.duckdb.errors import is_durable, is_fatal, mapped
from cloudact.warehouse.duckdb.fleet.creation import Parsed
from cloudact.warehouse.duckdb.inspect import Inspector
from cloudact.warehouse.duckdb.listing import Listing
from cloudact.warehouse.duckdb.transaction import Transaction

T = TypeVar("T")
# A unit that takes long and then loses against another one still gets a second and a third try.
_MIN_ATTEMPTS = 3


class DuckDBWarehouse:
    """Datasets as schemas of one DuckDB file, or of memory when `path` is None.

    Only one such object may exist for a file at a time: it knows which tables there are because it made them.
    """

    def __init__(self, path: Path | None, *, observer: Observer = ignore, busy_timeout: float = 30.0) -> None:
        self._path = path
        self._database = Database(path)
        self._observer = observer
        self._stop = stop_all(stop_after_delay(busy_timeout), stop_after_attempt(_MIN_ATTEMPTS))
        self._listing = Listing()
        self._known: set[str] = set()
        self._parsed = Parsed()

    def run(self, work: Callable[[Session], T]) -> T:
        """See `Warehouse.run`."""
        retrying = Retrying(
            retry=retry_if_exception_type(WarehouseBusy),
            wait=wait_random_exponential(multiplier=0.005, max=0.5),
            stop=self._stop,
            reraise=True,
        )
        result: T = retrying(self._once, work)
        return result

    def ping(self) -> None:
        """See `Warehouse.ping`."""
        instance = self._database.instance()
        with self._replacing(instance), cursor(instance) as connection, mapped():
            connection.execute("SELECT 1").fetchone()

    def examine(self) -> list[Examination]:
        """See `Warehouse.examine`."""
        return doctor.examine(self._path, self.ping)

    @property
    def engine(self) -> Engine:
        """See `Warehouse.engine`."""
        return EMBEDDED

    def how_to_restore(self, dataset: str) -> str:
        """See `Warehouse.how_to_restore`."""
        del dataset
        return ""

    def close(self) -> None:
        """See `Warehouse.close`."""
        self._database.close()
        self._forget()

    def leave(self) -> None:
        """See `Warehouse.leave`."""
        self._database.leave()

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Lend a plain DuckDB connection to the same database, for loading and reading data in this process."""
        with self._listing.lent(), cursor(self._database.instance()) as connection:
            try:
                yield connection
            finally:
                # Whatever was done on it, the definitions may be among what is gone.
                self._known.clear()

    def _once(self, work: Callable[[Session], T]) -> T:
        instance = self._database.instance()
        with self._replacing(instance), cursor(instance) as reading, cursor(instance) as writing:
            inspector = Inspector(reading, self._listing)
            session = Transaction(inspector, writing, self._observer, self._known, self._parsed)
            try:
                session.begin()
                result = work(session)
                self._commit(session, instance)
            except BaseException:
                _roll_back(writing)
                raise
        self._known |= session.stored
        return result

    def _commit(self, session: Transaction, instance: Instance) -> None:
        with self._listing.committing(session.created, session.removed):
            try:
                session.commit()
            except WarehouseError as error:
                if not is_durable(error):
                    raise
                self._discard(instance)

    @contextmanager
    def _replacing(self, instance: Instance) -> Iterator[None]:
        """Have the instance replaced when it turns out to be unusable; other units may be on a newer one already."""
        try:
            yield
        except WarehouseError as error:
            if is_fatal(error):
                self._discard(instance)
            raise

    def _discard(self, instance: Instance) -> None:
        if self._database.discard(instance):
            self._forget()

    def _forget(self) -> None:
        self._listing.forget()
        self._known.clear()


def _roll_back(connection: duckdb.DuckDBPyConnection) -> None:
    # A failed COMMIT has rolled back already, and after a fatal error there is nothing left to roll back.
    with suppress(duckdb.Error):
        connection.execute("ROLLBACK")
