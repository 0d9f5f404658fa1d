"""Values that remember what they were, so that a reader may be shown an earlier state."""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Stamp(NamedTuple):
    """When something was written: the number of the write, and the clock's seconds."""

    number: int
    at: float


class Versioned(Generic[T]):
    """A value with its history; None means that there was nothing."""

    __slots__ = ("_older", "stamp", "value")

    def __init__(self, value: T | None, stamp: Stamp) -> None:
        self.value = value
        self.stamp = stamp
        self._older: tuple[tuple[T | None, Stamp], ...] = ()

    def write(self, value: T | None, stamp: Stamp) -> None:
        """Make this the current value."""
        self._older = ((self.value, self.stamp), *self._older)
        self.value, self.stamp = value, stamp

    def seen(self, horizon: Stamp) -> T | None:
        """Return the value as written up to `horizon`, in both number and time."""
        if self.stamp.number <= horizon.number and self.stamp.at <= horizon.at:
            return self.value
        for value, stamp in self._older:
            if stamp.number <= horizon.number and stamp.at <= horizon.at:
                return value
        return None
