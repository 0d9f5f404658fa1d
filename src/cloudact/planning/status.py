"""Telling people where a dataset stands: the plan, not applied."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cloudact.catalog.model import Dataset, Materialized, View
from cloudact.planning import changes as c
from cloudact.planning.diff import Diff, diff
from cloudact.planning.findings import Finding, Severity


class SyncStatus(StrEnum):
    """Where a dataset stands against its declaration."""

    SYNCED = "SYNCED"
    OUT_OF_SYNC = "OUT_OF_SYNC"
    NOT_BOOTSTRAPPED = "NOT_BOOTSTRAPPED"
    PROFILE_ONLY = "PROFILE_ONLY"
    NOT_FOUND = "NOT_FOUND"


@dataclass(frozen=True, slots=True)
class TableDrift:
    """How one existing table differs; nested fields are written as dotted paths."""

    missing_columns: tuple[str, ...]
    extra_columns: tuple[str, ...]
    conflicts: tuple[Finding, ...]
    looser: tuple[Finding, ...]
    pending: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Tell whether there is anything to say."""
        return bool(self.missing_columns or self.extra_columns or self.conflicts or self.looser or self.pending)


@dataclass(frozen=True, slots=True)
class ViewState:
    """How the catalog says that a view is kept, whether it exists, and whether its definition is the declared one."""

    materialized: Materialized
    exists: bool
    current: bool


@dataclass(frozen=True, slots=True)
class Drift:
    """How a dataset differs from its declaration, by object."""

    exists: bool
    tables_expected: int
    tables_existing: tuple[str, ...]
    tables_missing: tuple[str, ...]
    tables_extra: tuple[str, ...]
    schema_diffs: dict[str, TableDrift]
    views_missing: tuple[str, ...]
    views_stale: tuple[str, ...]
    views: dict[str, ViewState]
    conflicts: tuple[Finding, ...]
    metadata_pending: int

    @property
    def in_sync(self) -> bool:
        """Tell whether everything declared is there: extra, looser and metadata-only differences do not count."""
        return self.exists and not (
            self.tables_missing
            or self.views_missing
            or self.conflicts
            or any(drift.missing_columns or drift.pending for drift in self.schema_diffs.values())
        )


def compare(actual: Dataset | None, desired: Dataset) -> Drift:
    """Return how `actual` differs from `desired`."""
    found = diff(actual, desired)
    missing = [change.table.name for change in found.changes if isinstance(change, c.CreateTable)]
    existing = [table.name for table in desired.tables if actual and actual.table(table.name)]
    drifts = {name: _table_drift(name, found) for name in existing}
    return Drift(
        exists=actual is not None,
        tables_expected=len(desired.tables),
        tables_existing=tuple(existing),
        tables_missing=tuple(missing),
        tables_extra=tuple(f.table for f in found.findings if f.severity is Severity.EXTRA and not f.path),
        schema_diffs={name: drift for name, drift in drifts.items() if drift.differs},
        views_missing=tuple(change.view.name for change in found.changes if isinstance(change, c.CreateView)),
        views_stale=tuple(change.view.name for change in found.changes if isinstance(change, c.ReplaceView)),
        views={view.name: _view_state(actual, view) for view in desired.views},
        conflicts=tuple(f for f in found.findings if f.severity is Severity.CONFLICT),
        metadata_pending=sum(isinstance(change, c.METADATA) or _on_extra(change, found) for change in found.changes),
    )


def _view_state(actual: Dataset | None, declared: View) -> ViewState:
    live = actual.view(declared.name) if actual else None
    return ViewState(declared.kept, exists=live is not None, current=live == declared)


def _on_extra(change: c.Change, found: Diff) -> bool:
    """Relaxing a column that is not declared changes nothing that anybody declared."""
    extra = {(finding.table, finding.path) for finding in found.findings if finding.severity is Severity.EXTRA}
    return isinstance(change, c.RelaxMode) and (change.table, change.path) in extra


def _table_drift(name: str, found: Diff) -> TableDrift:
    findings = [f for f in found.findings if f.table == name]
    changes = [change for change in found.changes if not isinstance(change, c.METADATA)]
    return TableDrift(
        missing_columns=tuple(
            ".".join(change.path) for change in changes if isinstance(change, c.AddColumn) and change.table == name
        ),
        extra_columns=tuple(".".join(f.path) for f in findings if f.severity is Severity.EXTRA),
        conflicts=tuple(f for f in findings if f.severity is Severity.CONFLICT),
        looser=tuple(f for f in findings if f.severity is Severity.LOOSER),
        pending=tuple(
            str(change)
            for change in changes
            if isinstance(change, c.RelaxMode | c.WidenType) and change.table == name and not _on_extra(change, found)
        ),
    )
