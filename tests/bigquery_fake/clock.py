"""Time as the fake sees it, so that a test moves time instead of waiting for it."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where the fake reads the time for limits, lag and the lives of answers."""

    def now(self) -> float:
        """Return seconds since some fixed moment; they never go back."""


class SystemClock:
    """The machine's monotonic clock."""

    def now(self) -> float:
        """Return seconds since the machine's own fixed moment."""
        return time.monotonic()


class ManualClock:
    """A clock that moves only when a test says so."""

    def __init__(self) -> None:
        self._now = 0.0
        self._lock = threading.Lock()

    def now(self) -> float:
        """Return the seconds it was moved so far."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move on by `seconds`."""
        with self._lock:
            self._now += seconds


class Calendar:
    """Dates for a clock: it began when this was made."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = time.time() - clock.now()

    def seconds(self) -> float:
        """Return seconds since 1970."""
        return self._began + self._clock.now()

    def iso(self) -> str:
        """Return the moment in UTC, to the microsecond."""
        return datetime.fromtimestamp(self.seconds(), UTC).isoformat(timespec="microseconds")

    def millis(self) -> int:
        """Return milliseconds since 1970."""
        return int(self.seconds() * 1000)
