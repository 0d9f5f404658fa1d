"""`setup.initial.onetime_bootstrap`: the `tenants` dataset, as `ps_templates/setup/initial` declares it."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, replace
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from cloudact.catalog.model import Dataset
from cloudact.pipeline.processor import StepContext, StepReport
from cloudact.planning.policy import Policy
from cloudact.processors.details import details_of
from cloudact.processors.use_cases import Dependencies
from cloudact.tenancy.audit.event import Action, Event, ResourceType
from cloudact.tenancy.recreation.force import Force, unless_absent
from cloudact.tenancy.recreation.results import Outcome, Recreated, Recreation
from cloudact.tenancy.sync import counted
from cloudact.tenancy.templates.dataset import TemplateResult

FOLDER = "setup/initial"


class OnetimeBootstrapConfig(BaseModel):
    """The step's `config`; all of it may be left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_]{1,1024}$",
        description="Name of the dataset, in place of the one in config.yml.",
    )
    location: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9-]+$",
        description="Where the dataset is created, in place of the one in config.yml.",
    )
    sync_missing_columns: bool = Field(
        default=False, description="Also add columns that existing tables lack, and update descriptions; rows stay."
    )
    force_recreate_dataset: bool = Field(
        default=False,
        description="Back up the dataset, then empty its tables and make them as declared, and remove those that are "
        "not declared.",
    )
    force_recreate_tables: bool = Field(
        default=False, description="Back up the declared tables, then empty them and make them as declared."
    )
    confirm_dataset: str = Field(default="", description="The dataset's name, without which a force flag is refused.")


@dataclass(frozen=True, slots=True)
class OnetimeBootstrapProcessor:
    """Creates the dataset and every table that is missing; what exists is skipped, unless a force flag is set."""

    dependencies: Dependencies
    ps_type: ClassVar[str] = "setup.initial.onetime_bootstrap"
    config: ClassVar[type[OnetimeBootstrapConfig]] = OnetimeBootstrapConfig

    def plan(self, config: OnetimeBootstrapConfig, context: StepContext) -> StepReport:
        """Return what `run` would create and recreate, changing nothing, so that it needs no confirmation."""
        use_cases, desired = self.dependencies.within(context), self._declared(config, context)
        recreation = _force(config).recreation
        recreated = unless_absent(lambda: use_cases.recreations.plan(desired, recreation)) if recreation else None
        result = use_cases.templates.plan(desired, _policy(config))
        return _report(_once_done(result, recreated) if recreated else result, recreated, planned=True)

    def run(self, config: OnetimeBootstrapConfig, context: StepContext) -> StepReport:
        """Create what is missing, once a force flag is done; raises CatalogError first when a file is wrong."""
        use_cases, desired = self.dependencies.within(context), self._declared(config, context)
        recreation = _confirmed(config, desired, context, allowed=use_cases.recreations.allowed)
        actor = use_cases.actor
        recreated = (
            unless_absent(lambda: use_cases.recreations.run(desired, recreation, actor=actor)) if recreation else None
        )
        _log_recreated(recreated, context)
        policy = _policy(config)
        event = Event(Action.SYNC, ResourceType.DATASET, desired.name, details=asdict(policy))
        with use_cases.trail.around(actor, event) as record:
            result = use_cases.templates.run(desired, policy, record=record)
        _log(result, desired, context)
        return _report(result, recreated, planned=False)

    def _declared(self, config: OnetimeBootstrapConfig, context: StepContext) -> Dataset:
        templates = self.dependencies.within(context).templates
        desired = templates.declared(FOLDER, dataset=config.dataset, location=config.location)
        context.log.info("schemas_loaded", dataset=desired.name, tables=len(desired.tables))
        return desired


def _force(config: OnetimeBootstrapConfig) -> Force:
    return Force(config.force_recreate_dataset, config.force_recreate_tables, config.confirm_dataset)


def _confirmed(
    config: OnetimeBootstrapConfig, desired: Dataset, context: StepContext, *, allowed: bool
) -> Recreation | None:
    hint = (
        f"To go on, confirm with the name of the dataset: confirm_dataset: {desired.name} beside the flag, or --var "
        f"confirm_dataset={desired.name} where the file has that variable; a backup is made first. Without the flag "
        "missing tables are created, and sync_missing_columns: true adds missing columns; no row is touched."
    )
    recreation = _force(config).confirmed(desired.name, allowed=allowed, hint=hint)
    return recreation and replace(recreation, reason=f"{recreation.reason} in run {context.run_id}")


def _policy(config: OnetimeBootstrapConfig) -> Policy:
    return Policy(sync_missing_tables=True, sync_missing_columns=config.sync_missing_columns)


def _once_done(result: TemplateResult, recreated: Recreated) -> TemplateResult:
    """Return the plan for what a recreation leaves: tables that are as declared."""
    done = {item.table for item in recreated.tables if item.outcome is not Outcome.FAILED}
    made = [name for name in result.tables_created if name in done]
    return replace(
        result,
        tables_created=[name for name in result.tables_created if name not in done],
        tables_skipped=sorted([*result.tables_skipped, *made]),
        columns_added={table: columns for table, columns in result.columns_added.items() if table not in done},
        conflicts=[item for item in result.conflicts if item.object.partition(".")[0] not in done],
        not_requested=[change for change in result.not_requested if done.isdisjoint(re.split(r"\W+", change))],
    )


def _log_recreated(recreated: Recreated | None, context: StepContext) -> None:
    if recreated is None:
        return
    context.log.info("dataset_recreated", dataset=recreated.dataset, mode=recreated.mode, backup=recreated.backup)
    for table in recreated.tables:
        log = context.log.warning if table.outcome is Outcome.FAILED else context.log.info
        log("table_recreated", table=table.table, outcome=table.outcome, rows_before=table.rows_before)


def _log(result: TemplateResult, desired: Dataset, context: StepContext) -> None:
    made = "dataset_created" if result.dataset_created else "dataset_existed"
    context.log.info(made, dataset=result.dataset, location=result.location)
    for table in desired.tables:
        if table.name in result.tables_created:
            layout = {"partition": str(table.partition or ""), "clustering": list(table.clustering)}
            context.log.info("table_created", table=table.name, **layout)
    for name in result.tables_skipped:
        context.log.info("table_skipped", table=name)
    for failure in result.tables_failed:
        context.log.warning("table_failed", table=failure.table, reason=failure.reason)


def _report(result: TemplateResult, recreated: Recreated | None, *, planned: bool) -> StepReport:
    created = _summary(result, planned=planned)
    failed = bool(result.tables_failed or result.errors or (recreated and recreated.failed))
    return StepReport(
        summary=f"{recreated.message} Then: {created}" if recreated else created,
        details={**details_of(result), "recreated": details_of(recreated) if recreated else None},
        failed=failed,
    )


def _summary(result: TemplateResult, *, planned: bool) -> str:
    would, existed = ("would be ", "exist") if planned else ("", "existed")
    there = "exists" if planned else "existed"
    parts = [
        f"dataset {result.dataset} {f'{would}created' if result.dataset_created else there}",
        f"{counted(len(result.tables_created), 'table')} {would}created",
        f"{len(result.tables_skipped)} {would}skipped because they {existed}",
    ]
    columns = sum(map(len, result.columns_added.values()))
    more = {
        f"{counted(columns, 'column')} {would}added": columns,
        f"{counted(len(result.tables_failed), 'table')} failed": result.tables_failed,
        f"{counted(len(result.conflicts), 'conflict')} left for a person": result.conflicts,
    }
    return ", ".join([*parts, *(text for text, found in more.items() if found)])
