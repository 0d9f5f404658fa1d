"""Collecting every problem of a file before reporting any, each under its stable code."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum

from cloudact.errors import CatalogError, Problem


class Code(StrEnum):
    """Stable identifiers of everything that can be said of a catalog; docs/catalog-lint.md explains each.

    0xx reading files, 1xx columns, 2xx names and layout, 3xx views, 4xx revisions, 5xx portability, 6xx exports.
    """

    MISSING_FILE = "CA001"
    UNREADABLE_FILE = "CA002"
    NOT_UTF8 = "CA003"
    SYNTAX = "CA004"
    EMPTY_FILE = "CA005"
    INVALID_ENTRY = "CA006"
    UNDECLARED_FILE = "CA007"
    DUPLICATE_KEY = "CA008"

    INVALID_COLUMN = "CA101"
    UNKNOWN_TYPE = "CA102"
    TYPE_PARAMETERS = "CA103"
    DUPLICATE_COLUMN = "CA104"
    COLUMN_NAME = "CA105"
    RESERVED_COLUMN_NAME = "CA106"
    LONG_DESCRIPTION = "CA107"
    INVALID_DEFAULT = "CA108"
    TOO_MANY_COLUMNS = "CA109"
    DEEP_NESTING = "CA110"
    UNDESCRIBED_COLUMNS = "CA111"

    DATASET_NAME = "CA201"
    HIDDEN_DATASET = "CA202"
    RESERVED_DATASET_NAME = "CA203"
    DUPLICATE_NAME = "CA204"
    RESERVED_TABLE_NAME = "CA205"
    PARTITION_FIELD = "CA206"
    PARTITION_GRANULARITY = "CA207"
    TOO_MANY_PARTITIONS = "CA208"
    HOURLY_PARTITIONS = "CA209"
    CLUSTERING_COLUMNS = "CA210"
    CLUSTERING_TYPE = "CA211"
    UNDESCRIBED_OBJECT = "CA212"

    VIEW_SQL = "CA301"
    PLACEHOLDER = "CA302"
    UNKNOWN_TABLE = "CA303"
    UNKNOWN_COLUMN = "CA304"
    UNSCOPED_VIEW = "CA305"
    NOT_MATERIALIZABLE = "CA306"
    CLUSTERED_AGGREGATE = "CA307"
    SHARED_NAME_TAKEN = "CA308"
    SELECT_STAR = "CA309"
    UNTRANSLATABLE_VIEW = "CA310"
    MATERIALIZED_VIEW_BUDGET = "CA311"
    AUTHORIZED_DATASETS = "CA312"
    UNUSED_LAYOUT = "CA313"
    DUPLICATE_VIEW_COLUMN = "CA314"

    REQUIRED_ADDED = "CA401"
    MODE_TIGHTENED = "CA402"
    TYPE_CHANGED = "CA403"
    TYPE_NARROWED = "CA404"
    WIDENING_REFUSED = "CA405"
    WIDENING_NOT_ON_DUCKDB = "CA406"
    REPEATED_CHANGED = "CA407"
    COLLATION_CHANGED = "CA408"
    COLUMN_REMOVED = "CA409"
    COLUMN_RENAMED = "CA410"
    COLUMN_CASE_CHANGED = "CA411"
    ATTRIBUTE_KEPT = "CA412"
    TOO_MANY_COLUMNS_KEPT = "CA413"
    TABLE_REMOVED = "CA421"
    TABLE_RENAMED = "CA422"
    NAME_CASE_CHANGED = "CA423"
    PARTITIONING_CHANGED = "CA424"
    CLUSTERING_CHANGED = "CA425"
    CLUSTERING_COLUMN_REMOVED = "CA426"
    CLUSTERING_KEPT = "CA427"
    CLUSTERING_BLOCKED = "CA428"
    KIND_CHANGED = "CA429"
    VIEW_REMOVED = "CA431"
    VIEW_CHANGED = "CA432"
    DATASET_RENAMED = "CA441"
    LOCATION_CHANGED = "CA442"

    DIGITS_BEYOND_DUCKDB = "CA501"
    UNTRANSLATABLE_DEFAULT = "CA502"
    REFUSED_BY_DUCKDB = "CA503"

    EXPORT_TARGET = "CA601"
    EXPORT_TARGET_TYPE = "CA602"
    EXPORT_TARGET_TAKEN = "CA603"
    EXPORT_COLUMN_TWICE = "CA604"


@dataclass(slots=True)
class Problems:
    """What is wrong so far; `at` narrows the place, `raise_if_any` ends the collecting."""

    where: str = ""
    found: list[Problem] = field(default_factory=list)

    def at(self, where: str) -> Problems:
        """Return a collector for another file that reports into the same list."""
        return Problems(where, self.found)

    def add(self, field_path: str, what: str, fix: str, *, code: Code, line: int = 0) -> None:
        """Note one problem in the current file."""
        self.found.append(Problem(self.where, field_path, what, fix, line, code))

    def any_here(self) -> bool:
        """Tell whether anything was found in the current file."""
        return any(problem.where == self.where for problem in self.found)

    def raise_if_any(self) -> None:
        """Raise CatalogError with everything found, if anything was."""
        if self.found:
            raise CatalogError(self.found)


def some_of(names: Collection[str]) -> str:
    """Return the first dozen of the names that would be valid, and whether there are more."""
    shown = list(names)[:12]
    return ", ".join(shown) + (", ..." if len(names) > len(shown) else "")
