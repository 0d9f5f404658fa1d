"""What work costs on a warehouse that is billed: counted per operation, whichever thread does a part of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass(slots=True)
class Usage:
    """Requests sent and bytes billed for queries; both stay 0 on an engine inside this process."""

    requests: int = 0
    bytes_billed: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, requests: int, bytes_billed: int) -> None:
        """Count more of both."""
        with self._lock:
            self.requests += requests
            self.bytes_billed += bytes_billed


_current: ContextVar[tuple[Usage, ...]] = ContextVar("usage", default=())


@contextmanager
def measured() -> Iterator[Usage]:
    """Count what is used inside the block, in this thread and in those that copy its context."""
    usage = Usage()
    token = _current.set((*_current.get(), usage))
    try:
        yield usage
    finally:
        _current.reset(token)


def record(*, requests: int = 0, bytes_billed: int = 0) -> None:
    """Count use by the current operation, and by those it is part of."""
    for usage in _current.get():
        usage.add(requests, bytes_billed)
