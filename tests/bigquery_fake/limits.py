"""BigQuery's rate limits, by the numbers of the rules, on the fake's clock."""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

from tests.bigquery_fake.clock import Clock
from tests.bigquery_fake.errors import GoogleError


class Limits:
    """Counts accepted requests in sliding windows; set `enabled` or a single limit (None: no limit) to change them.

    Refusals are 403 rateLimitExceeded for a request and 400 jobRateLimitExceeded for a job.
    """

    def __init__(self, clock: Clock) -> None:
        self.enabled = True
        self.table_inserts_per_second: int | None = 10  # rule 1
        self.requests_per_second_and_method: int | None = 100  # rule 2
        self.concurrent_requests: int | None = 300  # rule 2
        self.table_updates_per_10_seconds: int | None = 5  # rule 3
        self.partitioned_table_updates_per_10_seconds: int | None = 50  # rule 3
        self.dataset_updates_per_10_seconds: int | None = 5  # rule 4
        self.dml_statements_per_10_seconds: int | None = 25  # rule 28
        self.mutating_statements_at_once: int | None = 22  # rule 28: 2 running and 20 queued
        self._clock = clock
        self._lock = threading.Lock()
        self._windows: defaultdict[Hashable, deque[float]] = defaultdict(deque)
        self._at_once: defaultdict[Hashable, int] = defaultdict(int)

    @contextmanager
    def request(self, kind: str) -> Iterator[None]:
        """Admit one request of a method (rule 2) for as long as the block runs."""
        self._count(("method", kind), self.requests_per_second_and_method, 1, f"requests for {kind}")
        with self._held("requests", self.concurrent_requests, "concurrent requests", job=False):
            yield

    def table_insert(self) -> None:
        """Count one tables.insert (rule 1)."""
        self._count("tables.insert", self.table_inserts_per_second, 1, "tables.insert requests")

    def table_update(self, table: str, *, partitioned: bool, job: bool = False) -> None:
        """Count one change of a table's metadata, by its full name, which outlives the table (rule 3)."""
        limit = self.partitioned_table_updates_per_10_seconds if partitioned else self.table_updates_per_10_seconds
        self._count(("table", table), limit, 10, f"table update operations for table {table}", job=job)

    def dataset_update(self, dataset: str, *, job: bool = False) -> None:
        """Count one change of a dataset (rule 4)."""
        what = f"dataset metadata update operations for dataset {dataset}"
        self._count(("dataset", dataset), self.dataset_updates_per_10_seconds, 10, what, job=job)

    @contextmanager
    def dml(self, table: str, *, mutating: bool) -> Iterator[None]:
        """Admit one DML statement on a table (rule 28) for as long as the block runs or waits."""
        what = f"DML statements for table {table}"
        self._count(("dml", table), self.dml_statements_per_10_seconds, 10, what, job=True)
        limit = self.mutating_statements_at_once if mutating else None
        with self._held(("dml", table), limit, f"DML statements outstanding against table {table}", job=True):
            yield

    def _count(self, key: Hashable, limit: int | None, seconds: float, what: str, *, job: bool = False) -> None:
        if limit is None or not self.enabled:
            return
        with self._lock:
            window, now = self._windows[key], self._clock.now()
            while window and window[0] <= now - seconds:
                window.popleft()
            if len(window) >= limit:
                raise _exceeded(what, job=job)
            window.append(now)

    @contextmanager
    def _held(self, key: Hashable, limit: int | None, what: str, *, job: bool) -> Iterator[None]:
        if limit is None or not self.enabled:
            yield
            return
        with self._lock:
            if self._at_once[key] >= limit:
                raise _exceeded(what, job=job)
            self._at_once[key] += 1
        try:
            yield
        finally:
            with self._lock:
                self._at_once[key] -= 1


def _exceeded(what: str, *, job: bool) -> GoogleError:
    status, reason = (400, "jobRateLimitExceeded") if job else (403, "rateLimitExceeded")
    return GoogleError(status, reason, f"Exceeded rate limits: too many {what}")
