"""Bringing one dataset in step with its declaration: inspect, plan, apply, and an account of all of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import structlog

from cloudact.catalog.model import Dataset
from cloudact.errors import ChangeFailed, CloudactError
from cloudact.planning import changes as c
from cloudact.planning.findings import Finding, Severity
from cloudact.planning.plan import Plan, creates_dataset, creations, make_plan
from cloudact.planning.policy import Policy
from cloudact.warehouse.driver import Session, Warehouse

_log = structlog.get_logger(__name__)
Recorder = Callable[[Session, Mapping[str, object]], None]
_MOST_NAMED = 50


class SyncOutcome(StrEnum):
    """Whether everything that was asked for is done."""

    SUCCESS = "SUCCESS"
    PARTIAL = "PARTIAL"


@dataclass(frozen=True, slots=True)
class ConflictReport:
    """A difference that needs a person."""

    code: str
    object: str
    what: str
    why: str
    fix: str

    @staticmethod
    def of(finding: Finding) -> ConflictReport:
        """Return the report of a finding."""
        return ConflictReport(finding.code.value, finding.object, finding.what, finding.why, finding.fix)


@dataclass(frozen=True, slots=True)
class ErrorReport:
    """A change that the warehouse refused."""

    change: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class SyncResult:
    """What a sync did, what it could not do, and what it was not asked to do."""

    status: SyncOutcome
    dataset: str
    dataset_created: bool
    tables_created: list[str]
    columns_added: dict[str, list[str]]
    views_created: list[str]
    views_replaced: list[str]
    columns_changed: list[str]
    metadata_updated: list[str]
    conflicts: list[ConflictReport]
    errors: list[ErrorReport]
    notes: list[str]
    not_requested: list[str]
    bytes_billed: int
    message: str


@dataclass(slots=True)
class Applied:
    """A plan that has been applied, the changes made on the way, and those that had to be left out."""

    plan: Plan
    changes: tuple[c.Change, ...]
    failed: list[ChangeFailed] = field(default_factory=list)


def plan_for(session: Session, desired: Dataset, policy: Policy) -> Plan:
    """Return the plan for the dataset as it is now, looking only at what is declared."""
    names = [*(table.name for table in desired.tables), *(view.name for view in desired.views)]
    return make_plan(session.inspect(desired.name, names, desired), desired, policy)


def unrecorded(_session: Session, _details: Mapping[str, object]) -> None:
    """Record nothing."""


def synchronize(
    warehouse: Warehouse,
    desired: Dataset,
    policy: Policy,
    *,
    absent: CloudactError | None = None,
    record: Recorder = unrecorded,
) -> Applied:
    """Apply what the policy allows, in one unit; a change the warehouse refuses is left out and reported.

    Raises `absent`, where given, instead of creating the dataset. `record` is called within the unit, at its end.
    """
    failed: list[ChangeFailed] = []
    before: tuple[c.Change, ...] = ()

    def work(session: Session) -> tuple[Plan, tuple[c.Change, ...]]:
        plan = plan_for(session, desired, policy).without(tuple(item.change for item in failed))
        if plan.actual is None:
            if absent:
                raise absent
            _say_what_is_given_up(warehouse, desired.name)
        made = session.apply(plan)
        record(session, {**changes_made(made), "refused": [str(item.change) for item in failed]})
        return plan, made

    while True:
        try:
            plan, made = warehouse.run(work)
            return Applied(plan, (*before, *made), failed)
        except ChangeFailed as error:
            # Without its dataset nothing else can be created, so there is nothing to go on with.
            if isinstance(error.change, c.CreateDataset) or any(item.change == error.change for item in failed):
                raise
            failed += [error, *error.others]
            before += error.applied


def _say_what_is_given_up(warehouse: Warehouse, dataset: str) -> None:
    if restore := warehouse.how_to_restore(dataset):
        _log.warning("dataset_made_anew", dataset=dataset, gives_up=restore)


def changes_made(changes: Sequence[c.Change]) -> dict[str, object]:
    """Return what the audit trail says of changes."""
    return {"changes": len(changes), "changed": [str(change) for change in changes[:_MOST_NAMED]]}


def report(applied: Applied, *, planned: bool = False) -> SyncResult:
    """Return the account of a sync, or of one that is only `planned`."""
    plan, made, failed = applied.plan, applied.changes, applied.failed
    tables, views = creations(made)
    conflicts = [ConflictReport.of(finding) for finding in plan.conflicts]
    errors = [ErrorReport(str(error.change), error.cause.message, error.hint) for error in failed]
    notes = [str(finding) for finding in plan.findings if finding.severity is Severity.LOOSER]
    return SyncResult(
        status=SyncOutcome.PARTIAL if conflicts or errors else SyncOutcome.SUCCESS,
        dataset=plan.dataset,
        dataset_created=creates_dataset(made),
        tables_created=tables,
        columns_added=_columns_added(made),
        views_created=views,
        views_replaced=[change.view.name for change in made if isinstance(change, c.ReplaceView)],
        columns_changed=[str(change) for change in made if isinstance(change, c.RelaxMode | c.WidenType)],
        metadata_updated=[str(change) for change in made if isinstance(change, c.METADATA)],
        conflicts=conflicts,
        errors=errors,
        notes=notes,
        not_requested=[str(change) for change in plan.held_back],
        bytes_billed=0,
        message=_message(applied, len(conflicts), len(errors), "would be applied" if planned else "applied"),
    )


def _columns_added(changes: tuple[c.Change, ...]) -> dict[str, list[str]]:
    added: dict[str, list[str]] = {}
    for change in changes:
        if isinstance(change, c.AddColumn):
            added.setdefault(change.table, []).append(".".join(change.path))
    return added


def _message(applied: Applied, conflicts: int, errors: int, verb: str) -> str:
    plan, done = applied.plan, len(applied.changes)
    parts = [f"{plan.dataset}: {counted(done, 'change')} {verb}" if done else f"{plan.dataset}: nothing to change"]
    if conflicts:
        parts.append(f"{counted(conflicts, 'conflict')} left for a person")
    if errors:
        parts.append(f"{counted(errors, 'change')} refused by the warehouse")
    if plan.held_back:
        parts.append(f"{counted(len(plan.held_back), 'change')} left out as requested")
    return ", ".join(parts) + "."


def counted(number: int, noun: str) -> str:
    """Return the number with its noun, in the plural where it needs it."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
