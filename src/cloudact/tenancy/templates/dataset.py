"""Datasets of the pipeline templates, such as `tenants`: created and kept in step as everything else is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from cloudact.catalog.load import load_dataset
from cloudact.catalog.model import Dataset, Table
from cloudact.planning.changes import CreateTable
from cloudact.planning.plan import creations
from cloudact.planning.policy import Policy
from cloudact.tenancy.sync import (
    Applied,
    ConflictReport,
    ErrorReport,
    Recorder,
    SyncOutcome,
    plan_for,
    report,
    synchronize,
    unrecorded,
)
from cloudact.warehouse.driver import Warehouse
from cloudact.warehouse.usage import measured


@dataclass(frozen=True, slots=True)
class TableFailure:
    """A declared table that is not there afterwards, why, and what to do about it."""

    table: str
    reason: str
    fix: str


@dataclass(frozen=True, slots=True)
class TemplateResult:
    """What was made of a template's dataset, or would be."""

    status: SyncOutcome
    dataset: str
    location: str
    dataset_created: bool
    tables_created: list[str]
    tables_skipped: list[str]
    tables_failed: list[TableFailure]
    columns_added: dict[str, list[str]]
    conflicts: list[ConflictReport]
    errors: list[ErrorReport]
    not_requested: list[str]
    bytes_billed: int


@dataclass(frozen=True, slots=True)
class Templates:
    """Use cases on the datasets that the folders under `root` declare."""

    root: Path
    warehouse: Warehouse

    def declared(self, folder: str, *, dataset: str | None = None, location: str | None = None) -> Dataset:
        """Return the dataset a folder declares, under another name or in another location where one is given.

        Raises CatalogError naming every problem in the folder.
        """
        template = load_dataset(self.root, folder, self.warehouse.engine)
        template = replace(template, name=dataset or template.name, location=location or template.location)
        return template.alone()

    def plan(self, desired: Dataset, policy: Policy) -> TemplateResult:
        """Return what `run` would make, changing nothing."""
        plan = self.warehouse.run(lambda session: plan_for(session, desired, policy))
        return _result(desired, Applied(plan, plan.changes), 0)

    def run(self, desired: Dataset, policy: Policy, *, record: Recorder = unrecorded) -> TemplateResult:
        """Create the dataset and what is missing in it; a table that the warehouse refuses is reported, not raised."""
        with measured() as usage:
            applied = synchronize(self.warehouse, desired, policy, record=record)
        return _result(desired, applied, usage.bytes_billed)


def _result(desired: Dataset, applied: Applied, bytes_billed: int) -> TemplateResult:
    created, _ = creations(applied.changes)
    actual = applied.plan.actual
    existed = [
        table.name for table in desired.tables if actual and actual.table(table.name) and table.name not in created
    ]
    missing = [table for table in desired.tables if table.name not in {*created, *existed}]
    account = report(applied)
    return TemplateResult(
        status=SyncOutcome.PARTIAL if missing or applied.failed else SyncOutcome.SUCCESS,
        dataset=desired.name,
        location=actual.location if actual else desired.location,
        dataset_created=account.dataset_created,
        tables_created=created,
        tables_skipped=existed,
        tables_failed=[_failure(table, applied, account.conflicts) for table in missing],
        columns_added=account.columns_added,
        conflicts=account.conflicts,
        errors=account.errors,
        not_requested=account.not_requested,
        bytes_billed=bytes_billed,
    )


def _failure(table: Table, applied: Applied, conflicts: list[ConflictReport]) -> TableFailure:
    """A table is missing because the warehouse refused it, or because something else has its name."""
    for error in applied.failed:
        if isinstance(error.change, CreateTable) and error.change.table.name == table.name:
            return TableFailure(table.name, error.cause.message, error.hint)
    for conflict in conflicts:
        if conflict.object.casefold() == table.key:
            return TableFailure(table.name, f"{conflict.what}: {conflict.why}", conflict.fix)
    return TableFailure(table.name, "was left out of the plan", "Allow missing tables to be created.")
