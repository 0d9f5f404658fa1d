"""A warehouse whose work is counted, whatever the engine."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar, cast

from cloudact.catalog.model import Dataset
from cloudact.catalog.template import Engine
from cloudact.errors import WarehouseError
from cloudact.planning.changes import Change
from cloudact.planning.plan import Plan
from cloudact.warehouse.driver import Examination, Session, Warehouse
from cloudact.warehouse.fingerprints import Fingerprint, Fingerprints, Naming

T = TypeVar("T")
_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


class Meter(Protocol):
    """Who is told what a warehouse did."""

    def planned(self, seconds: float) -> None:
        """A dataset was read to be compared with its declaration."""

    def applied(self, seconds: float) -> None:
        """A plan was applied."""

    def changed(self, kinds: Sequence[str]) -> None:
        """Changes of these kinds, such as `add_column`, were made and will stay."""

    def warehouse_failed(self, code: str) -> None:
        """A unit of work ended with this error."""


class MeteredWarehouse:
    """The warehouse `inner`, with its units of work told to a meter."""

    def __init__(self, inner: Warehouse, meter: Meter) -> None:
        self.inner = inner
        self._meter = meter

    @property
    def engine(self) -> Engine:
        """See `Warehouse.engine`."""
        return self.inner.engine

    def run(self, work: Callable[[Session], T]) -> T:
        """See `Warehouse.run`."""
        sessions: list[_MeteredSession] = []

        def metered(session: Session) -> T:
            sessions[:] = [_MeteredSession(session, self._meter)]  # an attempt that was undone changed nothing
            return work(cast("Session", sessions[0]))

        try:
            result = self.inner.run(metered)
        except WarehouseError as error:
            self._meter.warehouse_failed(error.code)
            raise
        for session in sessions:
            self._meter.changed(session.kinds)
        return result

    def ping(self) -> None:
        """See `Warehouse.ping`."""
        try:
            self.inner.ping()
        except WarehouseError as error:
            self._meter.warehouse_failed(error.code)
            raise

    def examine(self) -> list[Examination]:
        """See `Warehouse.examine`."""
        return self.inner.examine()

    def how_to_restore(self, dataset: str) -> str:
        """See `Warehouse.how_to_restore`."""
        return self.inner.how_to_restore(dataset)

    def close(self) -> None:
        """See `Warehouse.close`."""
        self.inner.close()

    def leave(self) -> None:
        """See `Warehouse.leave`."""
        self.inner.leave()


class _MeteredSession:
    """Every call of a session; those that look at datasets and change them are timed."""

    def __init__(self, session: Session, meter: Meter) -> None:
        self._session = session
        self._meter = meter
        self.kinds: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def inspect(
        self,
        dataset: str,
        among: Collection[str] | None = None,
        expected: Dataset | None = None,
        seen: Dataset | None = None,
    ) -> Dataset | None:
        return self._timed(partial(self._session.inspect, dataset, among, expected, seen), self._meter.planned)

    def inspect_many(self, datasets: Collection[str], location: str) -> dict[str, Dataset]:
        return self._timed(partial(self._session.inspect_many, datasets, location), self._meter.planned)

    def fingerprints(
        self, locations: Collection[str], naming: Naming, known: Collection[Fingerprint] = ()
    ) -> Fingerprints:
        return self._timed(partial(self._session.fingerprints, locations, naming, known), self._meter.planned)

    def apply(self, plan: Plan) -> tuple[Change, ...]:
        made = self._timed(partial(self._session.apply, plan), self._meter.applied)
        self.kinds += _kinds(made)
        return made

    def apply_alike(self, plan: Plan, declared: Sequence[Dataset]) -> tuple[str, ...]:
        left = self._timed(partial(self._session.apply_alike, plan, declared), self._meter.applied)
        self.kinds += _kinds(plan.changes) * (len(declared) - len(left))
        return left

    def _timed(self, call: Callable[[], T], tell: Callable[[float], None]) -> T:
        began = time.perf_counter()
        result = call()
        tell(time.perf_counter() - began)
        return result


def _kinds(changes: Sequence[Change]) -> list[str]:
    return [_CAPITAL.sub("_", type(change).__name__).lower() for change in changes]
