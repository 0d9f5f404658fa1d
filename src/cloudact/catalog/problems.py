"""Collecting every problem of a file before reporting any."""

from __future__ import annotations

from dataclasses import dataclass, field

from cloudact.errors import CatalogError, Problem


@dataclass(slots=True)
class Problems:
    """What is wrong so far; `at` narrows the place, `raise_if_any` ends the collecting."""

    where: str = ""
    found: list[Problem] = field(default_factory=list)

    def at(self, where: str) -> Problems:
        """Return a collector for another file that reports into the same list."""
        return Problems(where, self.found)

    def add(self, field_path: str, what: str, fix: str, *, line: int = 0) -> None:
        """Note one problem in the current file."""
        self.found.append(Problem(self.where, field_path, what, fix, line))

    def any_here(self) -> bool:
        """Tell whether anything was found in the current file."""
        return any(problem.where == self.where for problem in self.found)

    def raise_if_any(self) -> None:
        """Raise CatalogError with everything found, if anything was."""
        if self.found:
            raise CatalogError(self.found)
