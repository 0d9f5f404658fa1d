"""What a process counts of its work, for Prometheus; no label names an organization, a key or a caller."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

BACKGROUND = "background"
CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
# Seconds: a read is milliseconds on DuckDB; an onboarding on BigQuery takes a minute.
_BUCKETS = (0.005, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0, 30.0, 120.0)


_operation: ContextVar[Callable[[], str]] = ContextVar("operation", default=lambda: BACKGROUND)


@contextmanager
def operation(name: Callable[[], str]) -> Iterator[None]:
    """Count what is done inside, in this context and in threads that copy it, under the name that it has by then."""
    token = _operation.set(name)
    try:
        yield
    finally:
        _operation.reset(token)


class Metrics:
    """Counters, gauges and histograms in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = self._counter("http_requests", "HTTP requests answered.", "method", "route", "status")
        self._seconds = self._histogram("http_request_duration_seconds", "Time to answer a request.", "method", "route")
        self._in_flight = self._gauge("http_requests_in_flight", "HTTP requests being answered.")
        self._waiting = self._gauge("http_requests_waiting", "HTTP requests that wait for a worker thread.")
        self._limited = self._counter("rate_limited", "Requests refused by a rate limit.", "limit")
        self._dropped = self._counter("connections_dropped", "Connections that the service ended.", "reason")
        self._plans = self._histogram("plan_duration_seconds", "Reading datasets to compare them.", "operation")
        self._applies = self._histogram("apply_duration_seconds", "Applying a plan to a dataset.", "operation")
        self._changes = self._counter("changes", "Changes made to datasets.", "kind")
        self._errors = self._counter("warehouse_errors", "Units of work that the warehouse ended.", "code")
        self._drift = self._counter("status_reads", "Datasets compared with their declaration.", "scope", "status")
        self._fallbacks = self._counter("view_fallbacks", "Reads of a central table because its view was not there.")
        self._key_checks = self._counter("key_checks", "API keys examined.", "outcome")
        self._runs = self._counter("pipeline_runs", "Pipeline runs that ended.", "state")
        self._runs_running = self._gauge("pipeline_runs_running", "Pipeline runs of this process under way.")
        self._refused = self._counter("quota_refusals", "Pipeline runs refused by a limit of the plan.", "limit")

    def exposition(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self.registry)

    def request_began(self) -> None:
        """Count a request that has come in."""
        self._in_flight.inc()

    def request_ended(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answer; `route` is the template of its path, never the path."""
        self._in_flight.dec()
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def waiting(self, requests: int) -> None:
        """Tell how many requests wait for a worker thread now."""
        self._waiting.set(requests)

    def rate_limited(self, limit: str) -> None:
        """Count a request that a limit refused: of its `key`, its `address`, or those `refused` for their key."""
        self._limited.labels(limit).inc()

    def connection_dropped(self, reason: str) -> None:
        """Count a connection that was ended because nothing came, because nothing was read, or to make room."""
        self._dropped.labels(reason).inc()

    def planned(self, seconds: float) -> None:
        """Count a look at what is live."""
        self._plans.labels(_operation.get()()).observe(seconds)

    def applied(self, seconds: float) -> None:
        """Count a plan that was applied."""
        self._applies.labels(_operation.get()()).observe(seconds)

    def changed(self, kinds: Sequence[str]) -> None:
        """Count changes that were made for good."""
        for kind in kinds:
            self._changes.labels(kind).inc()

    def warehouse_failed(self, code: str) -> None:
        """Count a unit of work that ended with an error of the warehouse."""
        self._errors.labels(code).inc()

    def compared(self, scope: str, status: str) -> None:
        """Count how a dataset, `central` or of an `organization`, was found to stand."""
        self._drift.labels(scope, status).inc()

    def fell_back(self) -> None:
        """Count a read for which a view was not there."""
        self._fallbacks.inc()

    def key_checked(self, outcome: str) -> None:
        """Count the examination of a key."""
        self._key_checks.labels(outcome).inc()

    def running(self) -> AbstractContextManager[None]:
        """Count a pipeline run of this process while it is inside."""
        return self._runs_running.track_inprogress()

    def run_ended(self, state: str) -> None:
        """Count a pipeline run of this process that has ended."""
        self._runs.labels(state).inc()

    def run_refused(self, limit: str) -> None:
        """Count a pipeline run that a limit of the organization's plan refused."""
        self._refused.labels(limit).inc()

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"cloudact_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"cloudact_{name}", text, registry=self.registry)

    def _histogram(self, name: str, text: str, *labels: str) -> Histogram:
        return Histogram(f"cloudact_{name}", text, labels, buckets=_BUCKETS, registry=self.registry)
