"""How statements on one table meet: what waits, what is aborted, and what BigQuery lets happen at once.

INSERT, and MERGE that only inserts, never conflict with each other in BigQuery, so two of them may both find a key
absent. Statements that change rows conflict per table: one waits, or is aborted (rules 28 and 41).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from enum import Enum

from tests.bigquery_fake.catalog import Table
from tests.bigquery_fake.errors import invalid_query
from tests.bigquery_fake.sql.row_store import RowStore


class Conflicts(Enum):
    """What happens to a statement that would change rows of a table while another one does."""

    WAIT = "wait"
    ABORT = "abort"


class Access(Enum):
    """What a statement does to a table."""

    READ = 0
    INSERT = 1
    MUTATE = 2


class _TableLock:
    """Held by one thread alone, or by several inserting ones."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._owned = False
        self._mutating = False
        self._sharers = 0
        self._met = 0
        self._meetings = 0

    def acquire(self, *, mutating: bool = False, abort: bool = False) -> bool:
        """Take the lock alone; False, at once, when `abort` is set and another changes rows."""
        with self._condition:
            while self._owned or self._sharers:
                if abort and mutating and self._mutating:
                    return False
                self._condition.wait()
            self._owned, self._mutating = True, mutating
            return True

    def release(self) -> None:
        """Give up the lock that was taken alone."""
        with self._condition:
            self._owned = self._mutating = False
            self._condition.notify_all()

    def share(self) -> None:
        """Take the lock together with other inserting threads."""
        with self._condition:
            self._condition.wait_for(lambda: not self._owned)
            self._sharers += 1

    def unshare(self) -> None:
        """Give up the lock that was shared."""
        with self._condition:
            self._sharers -= 1
            self._condition.notify_all()

    def meet(self, seconds: float) -> None:
        """Wait until another thread is here too, or for so long."""
        with self._condition:
            self._met += 1
            if self._met == 2:
                self._met, self._meetings = 0, self._meetings + 1
                self._condition.notify_all()
                return
            meeting = self._meetings
            if not self._condition.wait_for(lambda: self._meetings > meeting, seconds):
                self._met -= 1


class Concurrency:
    """The choices of a test about simultaneous statements, and the locks that make them true.

    `snapshot_merges`: inserting statements do not wait for each other, and one that reads the table it inserts into
    stays open up to `overlap_seconds` for another one, so that two simultaneous ones see the same snapshot.
    `before_commit` is called with the names of the changed tables while their locks are held.
    """

    def __init__(self) -> None:
        self.snapshot_merges = False
        self.overlap_seconds = 0.2
        self.conflicts = Conflicts.WAIT
        self.before_commit: Callable[[tuple[str, ...]], None] | None = None
        self._locks: dict[Table, _TableLock] = {}
        self._guard = threading.Lock()

    @contextmanager
    def holding(self, accesses: dict[Table, Access], store: RowStore) -> Iterator[None]:
        """Hold the locks of every changed table, each stored with the columns it has now."""
        with ExitStack() as stack:
            for table in self._ordered(accesses):
                if self.snapshot_merges and accesses[table] is Access.INSERT:
                    self._share(table, store)
                    stack.callback(self._lock(table).unshare)
                else:
                    self._acquire(table, accesses[table])
                    stack.callback(self._lock(table).release)
                    if store.find(table) is None:
                        store.build(table)
            yield

    def _share(self, table: Table, store: RowStore) -> None:
        """Share a lock; storage is only changed by who holds it alone."""
        while True:
            self._lock(table).share()
            if store.find(table) is not None:
                return
            self._lock(table).unshare()
            with self.alone(table):
                store.build(table)

    @contextmanager
    def alone(self, table: Table) -> Iterator[None]:
        """Hold one table's lock for a moment."""
        self._lock(table).acquire()
        try:
            yield
        finally:
            self._lock(table).release()

    def commit(self, accesses: dict[Table, Access], *, reads_target: bool) -> None:
        """Do what a test has asked for just before the changes become visible."""
        changed = self._ordered(accesses)
        if self.snapshot_merges and reads_target:
            for table in changed:
                if accesses[table] is Access.INSERT:
                    self._lock(table).meet(self.overlap_seconds)
        if self.before_commit:
            self.before_commit(tuple(table.full_name for table in changed))

    def _acquire(self, table: Table, access: Access) -> None:
        abort = self.conflicts is Conflicts.ABORT
        if not self._lock(table).acquire(mutating=access is Access.MUTATE, abort=abort):
            raise invalid_query(f"Transaction is aborted due to concurrent update against table {table.full_name}")

    def _lock(self, table: Table) -> _TableLock:
        with self._guard:
            return self._locks.setdefault(table, _TableLock())

    @staticmethod
    def _ordered(accesses: dict[Table, Access]) -> list[Table]:
        """Return the changed tables in the one order in which everybody takes their locks."""
        changed = (table for table, access in accesses.items() if access is not Access.READ)
        return sorted(changed, key=lambda table: (table.full_name, id(table)))
