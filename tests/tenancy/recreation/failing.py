"""A warehouse that fails at a chosen call, as a process does that is killed there."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, TypeVar

from cloudact.catalog.template import Engine
from cloudact.errors import WarehouseUnavailable
from cloudact.warehouse.driver import Examination, Session, Warehouse

T = TypeVar("T")
COMMIT = "commit"


@dataclass
class Failing:
    """The real warehouse until the `number`th of these calls, or of all: before it is done, or after."""

    real: Warehouse
    number: int
    after: bool = False
    calls: Collection[str] = ()
    then: Callable[[], object] | None = None
    made: int = field(default=0, init=False)

    @property
    def engine(self) -> Engine:
        """See `Warehouse.engine`."""
        return self.real.engine

    def run(self, work: Callable[[Session], T]) -> T:
        """See `Warehouse.run`."""
        result = self.real.run(lambda session: self._before_commit(work(_Failing(session, self))))  # type: ignore[arg-type]
        self.step(COMMIT, after=True)
        return result

    def _before_commit(self, result: T) -> T:
        self.step(COMMIT, after=False)
        return result

    def step(self, name: str, *, after: bool) -> None:
        """Fail, or do what a test wants to be done, when it is time; from then on everything fails."""
        if after is self.after and (not self.calls or name in self.calls):
            self.made += 1
            if self.then and self.made == self.number:
                self.then()
        if not self.then and self.made >= self.number:
            raise WarehouseUnavailable("the process is gone")

    def ping(self) -> None:
        """See `Warehouse.ping`."""

    def examine(self) -> list[Examination]:
        """See `Warehouse.examine`."""
        return []

    def how_to_restore(self, dataset: str) -> str:
        """See `Warehouse.how_to_restore`."""
        return self.real.how_to_restore(dataset)

    def close(self) -> None:
        """See `Warehouse.close`."""


@dataclass
class _Failing:
    real: Session
    warehouse: Failing

    def __getattr__(self, name: str) -> Any:
        call = getattr(self.real, name)

        def stepped(*arguments: Any, **options: Any) -> Any:
            self.warehouse.step(name, after=False)
            result = call(*arguments, **options)
            self.warehouse.step(name, after=True)
            return result

        return stepped
