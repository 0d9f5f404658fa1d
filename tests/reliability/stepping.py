"""A warehouse whose every step can be stepped between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from cloudact.catalog.template import Engine
from cloudact.warehouse.driver import Examination, Session, Warehouse

T = TypeVar("T")


@dataclass
class SteppedWarehouse:
    """The real warehouse; `step` is called before each call of a session, `again` when a unit is tried anew."""

    real: Warehouse
    step: Callable[[], object] = lambda: None
    again: Callable[[], object] = lambda: None

    @property
    def engine(self) -> Engine:
        """See `Warehouse.engine`."""
        return self.real.engine

    def run(self, work: Callable[[Session], T]) -> T:
        """See `Warehouse.run`."""
        attempts = 0

        def stepped(session: Session) -> T:
            nonlocal attempts
            attempts += 1
            if attempts > 1:
                self.again()
            return work(_SteppedSession(session, self.step))

        return self.real.run(stepped)

    def ping(self) -> None:
        """See `Warehouse.ping`."""
        self.real.ping()

    def examine(self) -> list[Examination]:
        """See `Warehouse.examine`."""
        return self.real.examine()

    def how_to_restore(self, dataset: str) -> str:
        """See `Warehouse.how_to_restore`."""
        return self.real.how_to_restore(dataset)

    def close(self) -> None:
        """See `Warehouse.close`."""
        self.real.close()


@dataclass
class _SteppedSession:
    real: Session
    step: Callable[[], object] = field(repr=False)

    def __getattr__(self, name: str) -> Any:
        """Everything that a session has is a call, and so a step."""
        self.step()
        return getattr(self.real, name)
