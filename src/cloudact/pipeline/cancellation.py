"""Ending work that is under way: a token that the worker asks, and that others wait on."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from cloudact.errors import StepCancelled


class Cancellation:
    """Whether work has been cancelled, and why; safe to use from many threads at once."""

    def __init__(self) -> None:
        # Reentrant, so that a callback may ask the token that calls it.
        self._changed = threading.Condition(threading.RLock())
        self._reason: str | None = None
        self._callbacks: list[Callable[[], object]] = []
        self._busy = 0

    @property
    def reason(self) -> str | None:
        """Why the work was cancelled, or None while it was not."""
        return self._reason

    def check(self) -> None:
        """Raise StepCancelled once the work was cancelled."""
        if self._reason is not None:
            raise StepCancelled(self._reason, hint="Run the pipeline again; it goes on from what there is.")

    def cancel(self, reason: str) -> bool:
        """Cancel the work and tell whether this call was the first; later reasons are ignored."""
        with self._changed:
            if self._reason is not None:
                return False
            self._reason = reason
            callbacks, self._callbacks = self._callbacks, []
            self._changed.notify_all()
        for callback in callbacks:
            callback()
        return True

    def on_cancel(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Have `callback` called once when the work is cancelled, at once if it was; returns what undoes this."""
        with self._changed:
            if self._reason is None:
                self._callbacks.append(callback)
                return lambda: self._forget(callback)
        callback()
        return lambda: None

    def wait(self, seconds: float) -> bool:
        """Sleep for so many seconds, or until the work is cancelled; tell whether it was."""
        with self._changed:
            return self._changed.wait_for(lambda: self._reason is not None, seconds)

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Refuse to begin what is inside after a cancellation; `wait_until_idle` waits for its end."""
        with self._changed:
            self.check()
            self._busy += 1
        try:
            yield
        finally:
            with self._changed:
                self._busy -= 1
                self._changed.notify_all()

    def wait_until_idle(self, seconds: float) -> bool:
        """Wait until nothing guarded is under way, and tell whether that is so; a cancelled token then stays idle."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._busy, seconds)

    def _forget(self, callback: Callable[[], object]) -> None:
        with self._changed:
            if callback in self._callbacks:
                self._callbacks.remove(callback)


@contextmanager
def cancelled_by_signals(cancellation: Cancellation) -> Iterator[None]:
    """Have Ctrl-C and SIGTERM cancel the work inside the block; for the main thread of a process only."""

    def handle(number: int, _frame: FrameType | None) -> None:
        # A handler runs between two instructions of the main thread, which may hold a lock that cancelling needs.
        reason = f"cancelled by {signal.Signals(number).name}"
        threading.Thread(target=cancellation.cancel, args=[reason], daemon=True).start()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
