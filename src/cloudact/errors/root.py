"""What every error is, and one problem among several."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

_SHOWN = 10


class CloudactError(Exception):
    """Root of the tree: a message that names the object and what happened, and a hint what to do."""

    code: ClassVar[str] = "internal_error"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong with a catalog or a request: where, what, and how to mend it.

    `code` is stable, and of a catalog only; it classifies the rest, so it makes no difference between problems.
    """

    where: str
    field: str
    what: str
    fix: str
    line: int = 0
    code: str = dataclasses.field(default="", compare=False)

    @property
    def place(self) -> str:
        """The field of a request, or a file with its line and the object in it."""
        if self.where == "request":
            return self.field
        return ":".join(str(part) for part in (self.where, self.line, self.field) if part)

    @property
    def message(self) -> str:
        """What happened, and what to do about it where there is anything."""
        return f"{self.what} ({self.fix})" if self.fix else self.what

    def __str__(self) -> str:
        place = f"{self.where}:{self.line}" if self.line else self.where
        subject = f"{self.field}: " if self.field else ""
        return f"{place}: {subject}{self.message}"


def listed(names: Sequence[str]) -> str:
    """Return the first of these names in a sentence, and how many more there are."""
    shown = ", ".join(names[:_SHOWN])
    more = len(names) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown or "none"
