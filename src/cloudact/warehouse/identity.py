"""Results kept for as long as the very same value is asked about: large frozen values are slow to hash and compare."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

V = TypeVar("V")
R = TypeVar("R")
_MOST_KEPT = 1024


def by_identity(function: Callable[[V], R]) -> Callable[[V], R]:
    """Call a function of one immutable value once for each object; an equal object is another one."""
    kept: dict[int, tuple[V, R]] = {}

    @wraps(function)
    def remembering(value: V) -> R:
        # The value is kept with its result, so that no other one can have its id.
        found = kept.get(id(value))
        if found is not None:
            return found[1]
        result = function(value)
        if len(kept) >= _MOST_KEPT:
            kept.clear()
        kept[id(value)] = value, result
        return result

    return remembering
