"""The levels of a hierarchy, from the top: an entity is of one level, and its parent of the one above."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cloudact.errors import InvalidRequest, Problem

MAX_LEVELS = 10
PATTERN = r"[A-Z][A-Z0-9_]{0,31}"


@dataclass(frozen=True, slots=True)
class Levels:
    """Names of levels, which are the values of `entity_type`; made with `parse` from what a caller gives."""

    names: tuple[str, ...] = ("DEPARTMENT", "PROJECT", "TEAM")

    @staticmethod
    def parse(names: Sequence[str]) -> Levels:
        """Return the levels, or raise InvalidRequest naming every one that cannot be."""
        problems = list(_problems(names))
        if problems:
            raise InvalidRequest("; ".join(f"{item.field} {item.what}" for item in problems), problems=problems)
        return Levels(tuple(names))

    def number(self, name: str) -> int | None:
        """Return the place of a level, 1 at the top, or None for a name that is none."""
        return self.names.index(name) + 1 if name in self.names else None

    def above(self, name: str) -> str | None:
        """Return the level above one of these, or None at the top."""
        place = self.names.index(name)
        return self.names[place - 1] if place else None

    def __str__(self) -> str:
        return ", ".join(self.names)


def _problems(names: Sequence[str]) -> list[Problem]:
    found: list[tuple[str, str]] = []
    if not 1 <= len(names) <= MAX_LEVELS:
        found.append(("levels", f"are {len(names)}; 1 to {MAX_LEVELS} are possible"))
    for place, name in enumerate(names):
        if not re.fullmatch(PATTERN, name, re.ASCII):
            rule = "must be 1 to 32 characters of A-Z, 0-9 and underscore, with a letter first"
            found.append((f"levels.{place}", f"{name!r} {rule}"))
        elif name in names[:place]:
            found.append((f"levels.{place}", f"{name!r} is there twice"))
    return [Problem("request", field, what, "") for field, what in found]
