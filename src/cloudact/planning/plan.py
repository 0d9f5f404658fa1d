"""A plan: what will be done, what was left out on request, and what cannot be done."""

from __future__ import annotations

from dataclasses import dataclass

from cloudact.catalog.model import Dataset
from cloudact.planning.changes import AddColumn, Change, CreateDataset, CreateTable, CreateView, SetTableMetadata
from cloudact.planning.diff import diff
from cloudact.planning.findings import Finding, Severity
from cloudact.planning.policy import Policy


@dataclass(frozen=True, slots=True)
class Plan:
    """The changes to one dataset in the order they are applied, and everything a person should know beside them."""

    dataset: str
    actual: Dataset | None
    changes: tuple[Change, ...]
    held_back: tuple[Change, ...]
    findings: tuple[Finding, ...]

    @property
    def conflicts(self) -> tuple[Finding, ...]:
        """The findings that need a person."""
        return tuple(finding for finding in self.findings if finding.severity is Severity.CONFLICT)

    def without(self, failed: tuple[Change, ...]) -> Plan:
        """Return the plan less these changes, and less the layout of tables that lack a column because of them."""
        lacking = {change.table for change in failed if isinstance(change, AddColumn)}
        kept = tuple(
            change
            for change in self.changes
            if change not in failed and not (isinstance(change, SetTableMetadata) and change.table.name in lacking)
        )
        return Plan(self.dataset, self.actual, kept, self.held_back, self.findings)


def make_plan(actual: Dataset | None, desired: Dataset, policy: Policy) -> Plan:
    """Return what to do to `actual` under `policy`.

    Nothing can be created in a dataset that is missing and may not be created, so then everything is held back.
    """
    found = diff(actual, desired)
    if actual is None and not policy.sync_missing_tables:
        return Plan(desired.name, actual, (), found.changes, found.findings)
    allowed = tuple(change for change in found.changes if policy.allows(change))
    held = tuple(change for change in found.changes if not policy.allows(change))
    return Plan(desired.name, actual, allowed, held, found.findings)


def creations(changes: tuple[Change, ...]) -> tuple[list[str], list[str]]:
    """Return the names of the tables and of the views that these changes create."""
    tables = [change.table.name for change in changes if isinstance(change, CreateTable)]
    views = [change.view.name for change in changes if isinstance(change, CreateView)]
    return tables, views


def creates_dataset(changes: tuple[Change, ...]) -> bool:
    """Tell whether these changes create the dataset itself."""
    return any(isinstance(change, CreateDataset) for change in changes)
