"""A warehouse whose every step can be stepped between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from cloudact.warehouse.driver import Session, Warehouse

T = TypeVar("T")
_STEPS = {"inspect", "apply", "insert", "insert_if_absent", "update", "select", "count"}


@dataclass
class SteppedWarehouse:
    """The real warehouse; `step` is called before each call of a session, `again` when a unit is tried anew."""

    real: Warehouse
    step: Callable[[], object] = lambda: None
    again: Callable[[], object] = lambda: None

    def run(self, work: Callable[[Session], T]) -> T:
        """See `Warehouse.run`."""
        attempts = 0

        def stepped(session: Session) -> T:
            nonlocal attempts
            attempts += 1
            if attempts > 1:
                self.again()
            return work(_SteppedSession(session, self.step))  # type: ignore[arg-type]

        return self.real.run(stepped)

    def ping(self) -> None:
        """See `Warehouse.ping`."""
        self.real.ping()

    def close(self) -> None:
        """See `Warehouse.close`."""
        self.real.close()


@dataclass
class _SteppedSession:
    real: Session
    step: Callable[[], object] = field(repr=False)

    def __getattr__(self, name: str) -> Any:
        if name in _STEPS:
            self.step()
        return getattr(self.real, name)
