"""What was asked of the fake, when, and how deep in sequence."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class LoggedRequest:
    """One request; `ended` and `status` are None while it runs, and `status` stays None when no answer was sent."""

    number: int
    kind: str
    path: str
    started: float
    ended: float | None = None
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """The requests of one stretch of a test."""

    requests: list[LoggedRequest] = field(default_factory=list)

    def count(self, kind: str | None = None) -> int:
        """Return how many requests there were, of one kind or in all."""
        return sum(kind in {None, request.kind} for request in self.requests)

    def by_kind(self) -> dict[str, int]:
        """Return how many requests there were of each kind."""
        return dict(sorted(Counter(request.kind for request in self.requests).items()))

    def depth(self) -> int:
        """Return the longest chain of requests where each started after the one before had ended."""
        return depth_of(self.requests)


class RequestLog:
    """Every request since the fake started, in the order of arrival."""

    def __init__(self) -> None:
        self.requests: list[LoggedRequest] = []
        self._lock = threading.Lock()

    def started(self, kind: str, path: str) -> LoggedRequest:
        """Record the arrival of a request and number it, from 1."""
        with self._lock:
            request = LoggedRequest(len(self.requests) + 1, kind, path, time.perf_counter())
            self.requests.append(request)
        return request

    def ended(self, request: LoggedRequest, status: int | None) -> None:
        """Record the end of a request; called before the answer leaves, so that no next request starts earlier."""
        request.status = status
        request.ended = time.perf_counter()

    def count(self, kind: str | None = None) -> int:
        """Return how many requests there were, of one kind or in all."""
        return Measured(self.requests).count(kind)

    def depth(self) -> int:
        """Return the longest chain of requests where each started after the one before had ended."""
        return depth_of(self.requests)

    @contextmanager
    def measured(self) -> Iterator[Measured]:
        """Collect the requests that arrive inside the block; they are there when it ends."""
        measured = Measured()
        begin = len(self.requests)
        yield measured
        measured.requests.extend(self.requests[begin:])


def depth_of(requests: Sequence[LoggedRequest]) -> int:
    """Return the size of the largest set of requests of which no two overlap in time."""
    depth, free_from = 0, float("-inf")
    for request in sorted(requests, key=lambda item: item.ended or float("inf")):
        if request.started >= free_from:
            depth += 1
            free_from = request.ended or float("inf")
    return depth
