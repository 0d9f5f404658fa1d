"""Several threads that start at one instant."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from cloudact.errors import CloudactError

T = TypeVar("T")


def together(*works: Callable[[], T]) -> list[T]:
    """Return what each work returned; all of them have to succeed."""
    results = competing(*works)
    for error in results:
        if isinstance(error, CloudactError):
            raise error
    return results


def competing(*works: Callable[[], T]) -> list[T | CloudactError]:
    """Return what each work returned, or the error of ours that it raised; any other error is raised here."""
    barrier = threading.Barrier(len(works))

    def one(work: Callable[[], T]) -> T | CloudactError:
        barrier.wait()
        try:
            return work()
        except CloudactError as error:
            return error

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(one, works))
