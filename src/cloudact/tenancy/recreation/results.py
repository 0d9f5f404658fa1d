"""What is asked of a recreation or a backup, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Mode(StrEnum):
    """How much of a dataset is made anew."""

    WITH_DATA = "with_data"
    TABLES = "tables"
    DATASET = "dataset"


class Outcome(StrEnum):
    """What came of one table."""

    REBUILT = "rebuilt"
    EMPTIED = "emptied"
    REMOVED = "removed"
    CREATED = "created"
    UNCHANGED = "unchanged"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class BackupTable:
    """One table of a backup and its number of rows."""

    table: str
    rows: int


@dataclass(frozen=True, slots=True)
class Backup:
    """A dataset that holds copies of another one's tables; only a complete one can be restored."""

    name: str
    backup_of: str
    created_at: datetime
    created_by: str
    reason: str
    complete: bool
    tables: tuple[BackupTable, ...]


@dataclass(frozen=True, slots=True)
class Restored:
    """A dataset made from a backup, under a name that was free.

    `changed` tells of each table that somebody took rows from, or added them to, since the backup was made.
    """

    dataset: str
    backup: str
    tables: tuple[BackupTable, ...]
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recreation:
    """What is to be made anew. `tables` empty means all declared ones; `confirm` has to equal the dataset's name."""

    mode: Mode
    tables: tuple[str, ...] = ()
    confirm: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TableRecreated:
    """What came of one table; rows before and after, and why it failed."""

    table: str
    outcome: Outcome
    rows_before: int
    rows_after: int
    error: str | None = None
    fix: str | None = None


@dataclass(frozen=True, slots=True)
class Recreated:
    """What a recreation did, or would do: the backup that holds what was there, and each table."""

    dataset: str
    mode: Mode
    backup: str | None
    tables: tuple[TableRecreated, ...]
    views_left: tuple[str, ...]
    failed: bool
    message: str
