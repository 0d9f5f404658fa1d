"""Warehouses that fail while runs are recorded."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import count
from typing import Any, TypeVar

from cloudact.warehouse.driver import Session, Warehouse

T = TypeVar("T")


class CallsFail:
    """The real warehouse, where some kinds of calls always fail."""

    def __init__(self, real: Warehouse, calls: Collection[str], error: Exception) -> None:
        self._real = real
        self._calls = calls
        self._error = error

    def run(self, work: Callable[[Session], T]) -> T:
        return self._real.run(lambda session: work(_Failing(session, self._calls, self._error)))  # type: ignore[arg-type]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


@dataclass
class _Failing:
    real: Session
    calls: Collection[str]
    error: Exception

    def __getattr__(self, name: str) -> Any:
        if name in self.calls:
            raise self.error
        return getattr(self.real, name)


class AnswersLost:
    """The real warehouse, whose answer to every `often`th unit of work is lost after the unit was committed."""

    def __init__(self, real: Warehouse, often: int, error: Exception) -> None:
        self._real = real
        self._often = often
        self._error = error
        self._units = count(1)

    def run(self, work: Callable[[Session], T]) -> T:
        result = self._real.run(work)
        if next(self._units) % self._often == 0:
            raise self._error
        return result

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class EveryUnitTwice:
    """The real warehouse, where each unit of work is done twice, as after a commit whose answer was lost."""

    def __init__(self, real: Warehouse) -> None:
        self._real = real

    def run(self, work: Callable[[Session], T]) -> T:
        self._real.run(work)
        return self._real.run(work)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)
