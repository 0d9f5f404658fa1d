"""A warehouse that a cancelled step can no longer use, whether or not the step looks at its cancellation."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import wraps
from typing import Any, TypeVar, cast

from cloudact.catalog.template import Engine
from cloudact.pipeline.cancellation import Cancellation
from cloudact.warehouse.driver import Examination, Session, Warehouse

T = TypeVar("T")


class CancellableWarehouse:
    """The given warehouse until the cancellation; from then on every unit of work raises StepCancelled.

    A unit that is under way raises it at its next call, or before its commit. Where units are transactions, nothing of
    such a unit remains.
    """

    def __init__(self, warehouse: Warehouse, cancellation: Cancellation) -> None:
        self._warehouse = warehouse
        self._cancellation = cancellation

    @property
    def engine(self) -> Engine:
        """See `Warehouse.engine`."""
        return self._warehouse.engine

    def run(self, work: Callable[[Session], T]) -> T:
        """See `Warehouse.run`; raises StepCancelled after the cancellation."""
        self._cancellation.check()
        with ExitStack() as committing:

            def guarded(session: Session) -> T:
                # A unit that is tried anew is not committing any more.
                committing.close()
                result = work(cast("Session", _CancellableSession(session, self._cancellation)))
                committing.enter_context(self._cancellation.guarded())
                return result

            return self._warehouse.run(guarded)

    def ping(self) -> None:
        """See `Warehouse.ping`."""
        self._warehouse.ping()

    def examine(self) -> list[Examination]:
        """See `Warehouse.examine`."""
        return self._warehouse.examine()

    def how_to_restore(self, dataset: str) -> str:
        """See `Warehouse.how_to_restore`."""
        return self._warehouse.how_to_restore(dataset)

    def close(self) -> None:
        """Do nothing: whoever opened the warehouse closes it, others may be using it."""

    def leave(self) -> None:
        """Do nothing, as `close` does."""


class _CancellableSession:
    """Every call of a session, made only while there is no cancellation."""

    def __init__(self, session: Session, cancellation: Cancellation) -> None:
        self._session = session
        self._cancellation = cancellation

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._session, name)

        @wraps(call)
        def guarded(*arguments: Any, **options: Any) -> Any:
            with self._cancellation.guarded():
                return call(*arguments, **options)

        return guarded
