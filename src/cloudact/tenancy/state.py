"""Where a dataset stands, in the words of the service's status answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cloudact.planning.status import Drift, SyncStatus, TableDrift, ViewState
from cloudact.tenancy.sync import ConflictReport, counted


@dataclass(frozen=True, slots=True)
class TableDiff:
    """How one existing table differs; nested fields are dotted paths, `pending` changes are applied by a sync."""

    missing_columns: list[str]
    extra_columns: list[str]
    conflicts: list[ConflictReport]
    pending: list[str]
    notes: list[str]


@dataclass(frozen=True, slots=True)
class DatasetState:
    """A dataset against its declaration."""

    status: SyncStatus
    dataset: str
    dataset_exists: bool
    tables_expected: int
    tables_existing: list[str]
    tables_missing: list[str]
    tables_extra: list[str]
    schema_diffs: dict[str, TableDiff]
    views_missing: list[str]
    views_stale: list[str]
    views_unreadable: list[str]
    views: dict[str, ViewState]
    conflicts: list[ConflictReport]
    message: str


def describe(
    dataset: str, drift: Drift, *, absent: SyncStatus, remedy: str, unreadable: Sequence[str] = ()
) -> DatasetState:
    """Return the state for a drift; `absent` is the status of a dataset that does not exist.

    `unreadable` names the declared views that the dataset goes without because of its location.
    """
    status = (SyncStatus.SYNCED if drift.in_sync else SyncStatus.OUT_OF_SYNC) if drift.exists else absent
    return DatasetState(
        status=status,
        dataset=dataset,
        dataset_exists=drift.exists,
        tables_expected=drift.tables_expected,
        tables_existing=list(drift.tables_existing),
        tables_missing=list(drift.tables_missing),
        tables_extra=list(drift.tables_extra),
        schema_diffs={name: _table(item) for name, item in drift.schema_diffs.items()},
        views_missing=list(drift.views_missing),
        views_stale=list(drift.views_stale),
        views_unreadable=list(unreadable),
        views=drift.views,
        conflicts=[ConflictReport.of(finding) for finding in drift.conflicts],
        message=" ".join(part for part in (_message(drift, remedy), _left_out(unreadable)) if part),
    )


def _table(drift: TableDrift) -> TableDiff:
    return TableDiff(
        missing_columns=list(drift.missing_columns),
        extra_columns=list(drift.extra_columns),
        conflicts=[ConflictReport.of(finding) for finding in drift.conflicts],
        pending=list(drift.pending),
        notes=[str(finding) for finding in drift.looser],
    )


def _message(drift: Drift, remedy: str) -> str:
    if not drift.exists:
        return f"The dataset does not exist. {remedy}"
    parts = [f"{counted(number, noun)} {tail}" for number, noun, tail in _counts(drift) if number]
    if drift.in_sync:
        return f"In sync{'; ' + ', '.join(parts) if parts else ''}."
    syncable = len(parts) > bool(drift.conflicts)
    return f"{', '.join(parts)}. {remedy if syncable else ''}".strip()


def _left_out(views: Sequence[str]) -> str:
    if not views:
        return ""
    return f"Left out, because the central dataset is in another location: {', '.join(views)}."


def _counts(drift: Drift) -> list[tuple[int, str, str]]:
    diffs = drift.schema_diffs.values()
    return [
        (len(drift.tables_missing), "table", "missing"),
        (sum(len(item.missing_columns) for item in diffs), "column", "missing"),
        (len(drift.views_missing), "view", "missing"),
        (sum(len(item.pending) for item in diffs), "column", "to relax or widen"),
        (len(drift.conflicts), "conflict", "for a person to resolve"),
        (len(drift.views_stale), "stale view", "to replace with recreate_views"),
        (drift.metadata_pending, "metadata difference", "to update"),
    ]
