"""Tables made anew as they are declared, with every row or with none; what was there is in a backup first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import assert_never

import structlog

from cloudact.catalog.model import Dataset, Kind
from cloudact.errors import (
    ChangeFailed,
    CloudactError,
    DatasetNotFound,
    DestructiveRefused,
    WarehouseBusy,
    WarehouseDenied,
    WarehouseError,
    WarehouseNotFound,
    WarehouseRefused,
)
from cloudact.planning.plan import make_plan
from cloudact.planning.policy import BOOTSTRAP
from cloudact.tenancy.actor import Actor
from cloudact.tenancy.audit.event import Action, Event, ResourceType
from cloudact.tenancy.audit.rows import TRAIL_COLUMNS
from cloudact.tenancy.audit.trail import AuditTrail
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.recreation.copies import check_text, take_backup
from cloudact.tenancy.recreation.declared import declared_dataset
from cloudact.tenancy.recreation.owner import owner_of
from cloudact.tenancy.recreation.records import Record
from cloudact.tenancy.recreation.results import Mode, Outcome, Recreated, Recreation
from cloudact.tenancy.recreation.scope import CHANGED, Step, chosen_tables, steps_of
from cloudact.tenancy.recreation.together import refusal_to_part
from cloudact.tenancy.sync import counted
from cloudact.warehouse.driver import Session, TableName, Warehouse

# What concerns one table and not the warehouse, so that the others are done.
_OF_ONE_TABLE = (WarehouseRefused, WarehouseDenied, WarehouseNotFound, WarehouseBusy, ChangeFailed)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Assessment:
    """A live dataset, and what is to become of its tables."""

    actual: Dataset
    steps: tuple[Step, ...]
    views_left: tuple[str, ...]
    refusal: DestructiveRefused | None = None

    @property
    def changed(self) -> Dataset:
        """The dataset with the tables only of which something would be gone."""
        tables = tuple(step.live for step in self.steps if step.live and step.outcome in CHANGED)
        return replace(self.actual, tables=tables, views=())


@dataclass(frozen=True, slots=True)
class Recreations:
    """Use cases that make tables anew; `allowed` is False in production, unless a setting says otherwise."""

    catalogs: Declarations
    templates_dir: Path
    warehouse: Warehouse
    clock: Callable[[], datetime]
    allowed: bool
    trail: AuditTrail

    def declared(self, dataset: str) -> Dataset:
        """Return what is declared for a dataset: the central one, an organization's, or one of a pipeline template.

        Raises DatasetNotDeclared with the names there are.
        """
        return declared_dataset(self.catalogs, self.templates_dir, self.warehouse, dataset)

    def plan(self, desired: Dataset, recreation: Recreation) -> Recreated:
        """Return what `run` would do, changing nothing; raises DatasetNotFound and InvalidRequest as `run` does.

        It needs no confirmation, and production shows it too; the message says where `run` would refuse for that.
        """
        check_text(reason=recreation.reason)
        found = self._assess(desired, recreation)
        planned = _result(found, recreation, None, planned=True)
        refusal = self._refusal(desired.name, recreation) or found.refusal
        return replace(planned, message=f"{planned.message} Note: {refusal.message}.") if refusal else planned

    def run(self, desired: Dataset, recreation: Recreation, *, actor: Actor) -> Recreated:
        """Make a backup of what is about to change, then each table as it is declared; the dataset itself stays.

        Run again after an interruption, it makes a new backup of what is there then, and finishes. A table that cannot
        be made anew stays as it is and is reported. Raises DestructiveRefused, DatasetNotFound and InvalidRequest
        before anything is done.
        """
        check_text(reason=recreation.reason, actor=actor.name)
        if refusal := self._refusal(desired.name, recreation):
            raise refusal
        if self.warehouse.run(lambda session: session.inspect(desired.name, [], desired)) is None:
            raise DatasetNotFound(desired.name)
        chosen = chosen_tables(desired, recreation)
        action = Action.UPDATE if recreation.mode is Mode.WITH_DATA else Action.DELETE
        asked = {"mode": recreation.mode, "tables": list(recreation.tables), "reason": recreation.reason}
        organization = owner_of(self.warehouse, self.catalogs.load().central_name, desired.name)
        details = {"operation": "recreate", **asked}
        event = Event(action, ResourceType.DATASET, desired.name, organization, details)
        # A table of the trail that takes no row may be what is to be mended.
        required = all(table.key not in TRAIL_COLUMNS for table in chosen)
        with self.trail.operation(actor, event, required=required) as outcome:
            found = self._assess(desired, recreation)
            # A trail that takes no row is mended, and what it has lost is what its verification tells from then on.
            if found.refusal and outcome.begun:
                raise found.refusal
            result = self._carry_out(found, recreation, actor.name)
            outcome.details.update(backup=result.backup, outcome=[asdict(item) for item in result.tables])
            outcome.error = result.message if result.failed else None
        return result

    def _refusal(self, name: str, recreation: Recreation) -> DestructiveRefused | None:
        if not self.allowed:
            return DestructiveRefused(
                f"recreating {name} is refused in production",
                hint="Set CA_ALLOW_RECREATE=true for the process that shall do it, and take it away afterwards. "
                "Nothing was changed.",
            )
        if recreation.confirm != name:
            given = f"is confirmed with {recreation.confirm!r}, which is not its name"
            missing = "has to be confirmed with its name"
            return DestructiveRefused(
                f"recreating {name} {given if recreation.confirm else missing}",
                hint=f'Send "confirm": "{name}", or --confirm {name} on the command line. Nothing was changed.',
            )
        return None

    def _assess(self, desired: Dataset, recreation: Recreation) -> _Assessment:
        def work(session: Session) -> _Assessment:
            actual = session.inspect(desired.name, expected=desired)
            if actual is None:
                raise DatasetNotFound(desired.name)
            left = [view.name for view in actual.views if desired.view(view.name) is None]
            views = tuple(left) if recreation.mode is Mode.DATASET else ()
            try:
                steps = tuple(steps_of(session, actual, desired, recreation))
            except WarehouseNotFound as error:
                raise WarehouseBusy(f"{desired.name}: another caller changed it meanwhile: {error.message}") from error
            return _Assessment(actual, steps, views)

        found = self.warehouse.run(work)
        steps = tuple(self._checked(desired.name, step) for step in found.steps)
        refusal = None
        if desired.name == self.catalogs.load().central_name:
            refusal = self.warehouse.run(lambda session: refusal_to_part(session, found.actual, steps))
        return replace(found, steps=steps, refusal=refusal)

    def _checked(self, dataset: str, step: Step) -> Step:
        """Return the step, as failed when its table cannot be made anew; each in a unit, which an error ends."""
        if step.outcome not in {Outcome.REBUILT, Outcome.EMPTIED}:
            return step
        keep = step.outcome is Outcome.REBUILT
        try:
            self.warehouse.run(lambda session: session.check_replacement(dataset, step.table, keep_rows=keep))
        except _OF_ONE_TABLE as error:
            return step.failed(error.message, error.hint)
        return step

    def _carry_out(self, found: _Assessment, recreation: Recreation, actor: str) -> Recreated:
        changed, backup = found.changed, None
        if changed.tables:
            reason = recreation.reason or f"before its recreation, mode {recreation.mode}"
            backup = take_backup(self.warehouse, changed, Record(changed.name, self.clock(), actor, reason)).name
        steps: list[Step] = []
        try:
            steps.extend(self._done(found.actual, step, backup or "") for step in found.steps)
        except WarehouseError as error:
            # The caller gets no result, so that nothing else says what is done and where the rows are.
            error.hint = f"{error.hint} {_done_before(steps, backup)}".strip()
            raise
        view_error = self._renew_views(found.actual.name, steps)
        return _result(replace(found, steps=tuple(steps)), recreation, backup, view_error=view_error)

    def _done(self, actual: Dataset, step: Step, backup: str) -> Step:
        """Carry out one step in a unit of its own."""
        work = _work_of(actual, step, backup)
        if work is None:
            return step
        try:
            self.warehouse.run(work)
        except _OF_ONE_TABLE as error:
            _log.warning("table_not_recreated", dataset=actual.name, table=step.table.name, reason=error.message)
            return step.failed(error.message, error.hint)
        _log.info("table_recreated", dataset=actual.name, table=step.table.name, outcome=step.outcome.value)
        return step

    def _renew_views(self, dataset: str, steps: Sequence[Step]) -> CloudactError | None:
        """Make materialized views anew that read another table now, also those that an interrupted run left so."""
        tables = [step.table.name for step in steps if step.live and step.outcome is not Outcome.REMOVED]
        try:
            self.warehouse.run(lambda session: session.renew_views(dataset, tables))
        except WarehouseError as error:
            return error
        return None


def _done_before(steps: Sequence[Step], backup: str | None) -> str:
    """Return what a run that stops had done until then, and where the rows are."""
    done = [step.table.name for step in steps if step.outcome not in {Outcome.UNCHANGED, Outcome.FAILED}]
    held = f" What was there is in {backup}." if backup else ""
    return f"Done before that: {', '.join(done) or 'no table'}.{held} The same call finishes it."


def _work_of(actual: Dataset, step: Step, backup: str) -> Callable[[Session], object] | None:
    """Return what has to be done in a session, None for a table that stays as it is."""
    copy = TableName(backup, step.table.name)
    match step.outcome:
        case Outcome.REBUILT:
            return partial(_rebuild, dataset=actual.name, step=step)
        case Outcome.EMPTIED:
            return lambda session: session.empty_table(actual.name, step.table, copy)
        case Outcome.REMOVED:
            return lambda session: session.remove_table(TableName(actual.name, step.table.name), copy)
        case Outcome.CREATED:
            return partial(_create, wanted=Dataset(actual.name, (step.table,), location=actual.location))
        case Outcome.UNCHANGED | Outcome.FAILED:
            return None
        case _:
            assert_never(step.outcome)


def _rebuild(session: Session, dataset: str, step: Step) -> None:
    name = TableName(dataset, step.table.name)
    live = {column.key: column.type for column in step.live.columns} if step.live else {}
    types = {
        column.name: column.type
        for column in step.table.columns
        if column.type.kind is not Kind.RECORD and live.get(column.key, column.type) != column.type
    }
    before = session.digest(name, types)
    session.replace_table(dataset, step.table)
    if session.digest(name) != before:
        raise WarehouseRefused(
            f"{name}: the rows are not the same after it was made anew",
            hint="Stop what writes to it. Every row that was there before is in the backup.",
        )


def _create(session: Session, wanted: Dataset) -> None:
    actual = session.inspect(wanted.name, [item.name for item in wanted.tables], wanted)
    if actual is None:
        raise WarehouseNotFound(f"dataset {wanted.name} does not exist any more", hint="Create it first.")
    session.apply(make_plan(actual, wanted, BOOTSTRAP))


def _result(
    found: _Assessment,
    recreation: Recreation,
    backup: str | None,
    *,
    planned: bool = False,
    view_error: CloudactError | None = None,
) -> Recreated:
    tables = tuple(step.account() for step in found.steps)
    would = "would be " if planned else ""
    numbers = {outcome: sum(item.outcome is outcome for item in tables) for outcome in Outcome}
    words = {Outcome.UNCHANGED: "unchanged", Outcome.FAILED: "not possible" if planned else "failed"}
    parts = [
        f"{counted(number, 'table')} {words.get(outcome) or f'{would}{outcome}'}"
        for outcome, number in numbers.items()
        if number
    ]
    message = f"{found.actual.name}: {', '.join(parts) or 'no table to recreate'}."
    if backup:
        message += f" What was there is in {backup}."
    if view_error:
        message += f" {view_error.message}. {view_error.hint}"
    return Recreated(
        dataset=found.actual.name,
        mode=recreation.mode,
        backup=backup,
        tables=tables,
        views_left=found.views_left,
        failed=bool(numbers[Outcome.FAILED]) or view_error is not None,
        message=message,
    )
