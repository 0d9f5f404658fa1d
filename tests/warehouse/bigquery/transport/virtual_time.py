"""A clock that stands still while any of its threads runs, and jumps to the next one that wants to wake."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence


class VirtualTime:
    """Time for threads that do nothing but compute and sleep; any number of seconds passes at once."""

    def __init__(self) -> None:
        self._moment = 0.0
        self._running = 0
        self._sleepers: list[tuple[float, threading.Event]] = []
        self._lock = threading.Lock()

    def now(self) -> float:
        """Return the moment it is."""
        return self._moment

    def sleep(self, seconds: float) -> None:
        """Return when that many seconds have passed."""
        woken = threading.Event()
        with self._lock:
            self._sleepers.append((self._moment + seconds, woken))
            self._running -= 1
            self._jump()
        woken.wait()

    def run(self, works: Sequence[Callable[[], None]]) -> None:
        """Do each of these in a thread of its own; returns when all are done."""

        def one(work: Callable[[], None]) -> None:
            try:
                work()
            finally:
                with self._lock:
                    self._running -= 1
                    self._jump()

        self._running = len(works)
        threads = [threading.Thread(target=one, args=(work,)) for work in works]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _jump(self) -> None:
        """Move to the next moment at which somebody wakes, if nobody is awake; who wakes then counts as running."""
        if self._running or not self._sleepers:
            return
        self._moment = min(moment for moment, _ in self._sleepers)
        due = [woken for moment, woken in self._sleepers if moment == self._moment]
        self._sleepers = [(moment, woken) for moment, woken in self._sleepers if moment > self._moment]
        self._running = len(due)
        for woken in due:
            woken.set()
