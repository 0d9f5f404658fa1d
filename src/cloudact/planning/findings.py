"""What a comparison found that it will not change: stated, explained, never silent."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cloudact.planning.changes import Path


class Severity(StrEnum):
    """Whether a person has to act."""

    EXTRA = "extra"
    LOOSER = "looser"
    CONFLICT = "conflict"


class Code(StrEnum):
    """Stable names of findings; each is explained in docs/operations.md."""

    EXTRA_TABLE = "extra_table"
    EXTRA_VIEW = "extra_view"
    EXTRA_COLUMN = "extra_column"
    EXTRA_DEFAULT = "extra_default"
    EXTRA_CLUSTERING = "extra_clustering"
    REQUIRED_IS_NULLABLE = "required_is_nullable"
    TYPE_IS_WIDER = "type_is_wider"
    TYPE_IS_NARROWER = "type_is_narrower"
    TYPE_CHANGED = "type_changed"
    MODE_CHANGED = "mode_changed"
    COLLATION_CHANGED = "collation_changed"
    PARTITIONING_CHANGED = "partitioning_changed"
    CLUSTERING_BLOCKED = "clustering_blocked"
    LOCATION_CHANGED = "location_changed"
    NAME_TAKEN = "name_taken"


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference that stays: on which object, what, why it is not changed, and what to do about it."""

    severity: Severity
    code: Code
    table: str
    path: Path
    what: str
    why: str
    fix: str

    @property
    def object(self) -> str:
        """The object's dotted name within its dataset, or `dataset`."""
        return ".".join((self.table, *self.path)) or "dataset"

    def __str__(self) -> str:
        return f"{self.object}: {self.what}; {self.why}. {self.fix}"
