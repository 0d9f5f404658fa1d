"""The central dataset: created once, told apart from its declaration, kept in step."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from cloudact.catalog.model import Dataset
from cloudact.errors import NotBootstrapped
from cloudact.planning.changes import Change
from cloudact.planning.plan import Plan, creates_dataset, creations
from cloudact.planning.policy import BOOTSTRAP, Policy
from cloudact.planning.status import SyncStatus, compare
from cloudact.tenancy.actor import UNATTENDED, Actor
from cloudact.tenancy.audit.event import Action, Event, ResourceType
from cloudact.tenancy.audit.trail import AuditTrail
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.recreation.results import Recreated
from cloudact.tenancy.state import DatasetState, describe
from cloudact.tenancy.sync import (
    ConflictReport,
    SyncOutcome,
    SyncResult,
    changes_made,
    counted,
    plan_for,
    report,
    synchronize,
)
from cloudact.warehouse.driver import Session, Warehouse
from cloudact.warehouse.usage import measured


@dataclass(frozen=True, slots=True)
class BootstrapResult:
    """What bootstrap made and what it found; `recreated` is what a force flag had made anew before."""

    status: SyncOutcome
    dataset: str
    dataset_created: bool
    tables_created: list[str]
    tables_existed: list[str]
    total_tables: int
    conflicts: list[ConflictReport]
    bytes_billed: int
    message: str
    recreated: Recreated | None = None


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """Use cases on the central dataset."""

    catalogs: Declarations
    warehouse: Warehouse
    trail: AuditTrail

    def run(self, *, actor: Actor = UNATTENDED) -> BootstrapResult:
        """Create the dataset and every table that is missing; existing tables are left exactly as they are."""
        desired = self.catalogs.load().central_dataset()
        event = Event(Action.CREATE, ResourceType.DATASET, desired.name, details={"operation": "bootstrap"})

        def work(session: Session) -> tuple[Plan, tuple[Change, ...]]:
            plan = plan_for(session, desired, BOOTSTRAP)
            made = session.apply(plan)
            record(session, changes_made(made))
            return plan, made

        with measured() as usage, self.trail.around(actor, event) as record:
            plan, made = self.warehouse.run(work)
        return replace(_result(desired, plan, made, planned=False), bytes_billed=usage.bytes_billed)

    def plan(self) -> BootstrapResult:
        """Return what `run` would make, changing nothing."""
        desired = self.catalogs.load().central_dataset()
        plan = self.warehouse.run(lambda session: plan_for(session, desired, BOOTSTRAP))
        return _result(desired, plan, plan.changes, planned=True)

    def status(self) -> DatasetState:
        """Return where the central dataset stands."""
        desired = self.catalogs.load().central_dataset()
        actual = self.warehouse.run(lambda session: session.inspect(desired.name, expected=desired))
        remedy = "Run bootstrap/sync." if actual else "Run bootstrap."
        return describe(desired.name, compare(actual, desired), absent=SyncStatus.NOT_BOOTSTRAPPED, remedy=remedy)

    def sync(self, policy: Policy, *, actor: Actor = UNATTENDED) -> SyncResult:
        """Add what is missing; raises NotBootstrapped when there is no dataset to add it to."""
        desired = self.catalogs.load().central_dataset()
        event = Event(Action.SYNC, ResourceType.DATASET, desired.name, details=asdict(policy))
        with measured() as usage, self.trail.around(actor, event) as record:
            applied = synchronize(self.warehouse, desired, policy, absent=NotBootstrapped(desired.name), record=record)
        return replace(report(applied), bytes_billed=usage.bytes_billed)


def _result(desired: Dataset, plan: Plan, made: tuple[Change, ...], *, planned: bool) -> BootstrapResult:
    created, _ = creations(made)
    existed = [
        table.name
        for table in desired.tables
        if plan.actual and plan.actual.table(table.name) and table.name not in created
    ]
    complete = len(created) + len(existed) == len(desired.tables)
    return BootstrapResult(
        status=SyncOutcome.SUCCESS if complete else SyncOutcome.PARTIAL,
        dataset=desired.name,
        dataset_created=creates_dataset(made),
        tables_created=created,
        tables_existed=existed,
        total_tables=len(desired.tables),
        conflicts=[ConflictReport.of(finding) for finding in plan.conflicts],
        bytes_billed=0,
        message=_message(plan, len(created), len(existed), len(desired.tables), planned=planned),
    )


def _message(plan: Plan, created: int, existed: int, total: int, *, planned: bool) -> str:
    made, there = ("would be created", "exist") if planned else ("created", "existed")
    parts = [f"{counted(created, 'table')} {made}, {existed} {there} already"]
    if missing := total - created - existed:
        parts.append(f"{counted(missing, 'table')} {'cannot' if planned else 'could not'} be created: see conflicts")
    elif plan.conflicts or plan.held_back:
        parts.append("differences in existing tables remain: check bootstrap/status")
    return "; ".join(parts) + "."
