"""What the rules look at: one declared dataset and the files it comes from."""

from __future__ import annotations

from dataclasses import dataclass

from cloudact.catalog.folder import CONFIG
from cloudact.catalog.problems import Problems
from cloudact.catalog.template import DatasetTemplate


@dataclass(frozen=True, slots=True)
class Subject:
    """A dataset's folder, what it declares, and where rules report what they find."""

    folder: str
    template: DatasetTemplate
    problems: Problems

    @property
    def config(self) -> Problems:
        """The collector for the folder's config."""
        return self.problems.at(f"{self.folder}/{CONFIG}")

    def schema(self, table: str) -> Problems:
        """Return the collector for a table's schema file."""
        return self.problems.at(f"{self.folder}/schemas/{table}.json")
