"""Leases of this process, renewed by one thread for as long as there are any."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

import structlog

from cloudact.errors import CloudactError

T = TypeVar("T")
_log = structlog.get_logger(__name__)


class Leases(Generic[T]):
    """Calls `renew` for whatever is held, each time so many seconds have passed."""

    def __init__(self, renew: Callable[[T], None], seconds: float) -> None:
        self._renew = renew
        self._seconds = seconds
        self._held: dict[int, T] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    @contextmanager
    def held(self, lease: T) -> Iterator[None]:
        """Enclose what is done under a lease."""
        with self._changed:
            self._held[id(lease)] = lease
            if self._thread is None:
                self._thread = threading.Thread(target=self._keep, name="idempotency-leases", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._changed:
                del self._held[id(lease)]
                self._changed.notify()

    def _keep(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: not self._held, timeout=self._seconds)
                if not self._held:
                    self._thread = None
                    return
                held = list(self._held.values())
            for lease in held:
                self._renew_one(lease)

    def _renew_one(self, lease: T) -> None:
        try:
            self._renew(lease)
        except CloudactError as error:
            _log.warning("idempotency_lease_not_renewed", reason=error.message)
