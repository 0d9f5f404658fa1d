"""Faults on demand: errors, lost answers, broken connections and latency, by kind of request, repeatable by seed."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

from tests.bigquery_fake.errors import GoogleError

Hook = Callable[[int, str], None]


class Fault(Enum):
    """What goes wrong; the first group before anything is done, the second after the request took effect."""

    TOO_MANY_REQUESTS = "429"
    BACKEND_ERROR = "503 backendError"
    INTERNAL_ERROR = "500 internalError"
    RATE_LIMIT_EXCEEDED = "403 rateLimitExceeded"
    QUOTA_EXCEEDED = "403 quotaExceeded"
    ACCESS_DENIED = "403 accessDenied"
    PRECONDITION = "412 conditionNotMet"
    RESET = "connection reset before anything is done"

    LOST = "connection closed without an answer"
    TRUNCATED = "half an answer"


_ERRORS = {
    Fault.TOO_MANY_REQUESTS: (429, "rateLimitExceeded", "Too many requests; try again later"),
    Fault.BACKEND_ERROR: (503, "backendError", "Backend error; try again later"),
    Fault.INTERNAL_ERROR: (500, "internalError", "An internal error occurred; try again later"),
    Fault.RATE_LIMIT_EXCEEDED: (403, "rateLimitExceeded", "Exceeded rate limits: too many requests"),
    Fault.QUOTA_EXCEEDED: (403, "quotaExceeded", "Quota exceeded: the project has used up its quota"),
    Fault.ACCESS_DENIED: (403, "accessDenied", "Access Denied: the account lacks the permission"),
    Fault.PRECONDITION: (412, "conditionNotMet", "Precondition Failed: the resource has another etag"),
}


@dataclass(frozen=True, slots=True)
class _Rule:
    kind: str
    fault: Fault
    rate: float
    at: frozenset[int]
    seed: int

    def strikes(self, kind: str, count: int) -> bool:
        """Tell whether the `count`th request of this kind, from 1, is struck; the same for every run of one seed."""
        if self.kind not in {"*", kind}:
            return False
        return count in self.at or random.Random(f"{self.seed} {self.fault} {kind} {count}").random() < self.rate


class Faults:
    """Which requests go wrong. The first rule that strikes wins; kinds are as in the log, `*` is every kind."""

    def __init__(self) -> None:
        self.seed = 0
        self.latency = 0.0
        self.on_request: Hook | None = None
        self.on_done: Hook | None = None
        self._rules: list[_Rule] = []
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(self, kind: str, fault: Fault, *, rate: float = 0.0, at: Iterable[int] = ()) -> None:
        """Strike a share of the requests of a kind, or those with these numbers, counted per kind from now on."""
        with self._lock:
            self._counts = Counter() if kind == "*" else Counter({**self._counts, kind: 0})
            self._rules.append(_Rule(kind, fault, rate, frozenset(at), self.seed))

    def clear(self) -> None:
        """Let everything go well again; latency and hooks as well."""
        with self._lock:
            self._rules.clear()
            self.latency = 0.0
            self.on_request = self.on_done = None

    def choose(self, kind: str) -> Fault | None:
        """Count one more request of this kind and return what happens to it."""
        with self._lock:
            self._counts[kind] += 1
            count = self._counts[kind]
            return next((rule.fault for rule in self._rules if rule.strikes(kind, count)), None)


def error_of(fault: Fault | None) -> GoogleError | None:
    """Return the error that is answered for a fault, None where it is no error document."""
    return GoogleError(*_ERRORS[fault]) if fault in _ERRORS else None
