"""Staying below BigQuery's limits from this side, so that a large run does not live on errors and retries.

Source of the figures: BigQuery documentation, Quotas and limits. They are limits, so no request raises them.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

# What leaves here evenly may arrive there in a bunch; the window is held a little longer than the documented one.
_MARGIN = 1.05
_FORGET_ABOVE = 4096


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` requests in any `seconds` seconds."""

    count: int
    seconds: float


REQUESTS_PER_METHOD = Rate(100, 1)
TABLE_CREATIONS = Rate(10, 1)
TABLE_UPDATES = Rate(5, 10)
PARTITIONED_TABLE_UPDATES = Rate(50, 10)
DATASET_UPDATES = Rate(5, 10)


@dataclass(slots=True)
class Budget:
    """A rate for each key by itself; threads that ask for more than it allows wait their turn."""

    rate: Rate
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _sent: dict[str, deque[float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def spend(self, key: str) -> float:
        """Return when one more request for this key is within the rate; the seconds waited are returned."""
        waited = 0.0
        while (delay := self._reserve(key)) > 0:
            self.sleep(delay)
            waited += delay
        return waited

    def _reserve(self, key: str) -> float:
        """Count a request for this key now and return 0, or return the seconds until one may be counted."""
        with self._lock:
            now, span = self.now(), self.rate.seconds * _MARGIN
            sent = self._sent.setdefault(key, deque())
            while sent and sent[0] + span <= now:
                sent.popleft()
            if len(sent) >= self.rate.count:
                return sent[0] + span - now
            sent.append(now)
            if len(self._sent) > _FORGET_ABOVE:
                self._forget_idle(now - span)
            return 0.0

    def _forget_idle(self, before: float) -> None:
        self._sent = {key: sent for key, sent in self._sent.items() if sent and sent[-1] > before}


@dataclass(frozen=True, slots=True)
class Budgets:
    """What one client may spend: by method, by project, by table and by dataset."""

    method: Budget = field(default_factory=lambda: Budget(REQUESTS_PER_METHOD))
    creations: Budget = field(default_factory=lambda: Budget(TABLE_CREATIONS))
    tables: Budget = field(default_factory=lambda: Budget(TABLE_UPDATES))
    partitioned: Budget = field(default_factory=lambda: Budget(PARTITIONED_TABLE_UPDATES))
    datasets: Budget = field(default_factory=lambda: Budget(DATASET_UPDATES))
