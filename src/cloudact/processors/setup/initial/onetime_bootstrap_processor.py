"""`setup.initial.onetime_bootstrap`: the `tenants` dataset, as `ps_templates/setup/initial` declares it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from cloudact.catalog.model import Dataset
from cloudact.errors import DestructiveRefused
from cloudact.pipeline.processor import StepContext, StepReport
from cloudact.planning.policy import Policy
from cloudact.processors.details import details_of
from cloudact.processors.use_cases import Dependencies
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
    force_recreate_dataset: bool = Field(default=False, description="Refused when true.")
    force_recreate_tables: bool = Field(default=False, description="Refused when true.")


@dataclass(frozen=True, slots=True)
class OnetimeBootstrapProcessor:
    """Creates the dataset and every table that is missing; what exists is skipped, and no row is touched."""

    dependencies: Dependencies
    ps_type: ClassVar[str] = "setup.initial.onetime_bootstrap"
    config: ClassVar[type[OnetimeBootstrapConfig]] = OnetimeBootstrapConfig

    def plan(self, config: OnetimeBootstrapConfig, context: StepContext) -> StepReport:
        """Return what `run` would create, changing nothing."""
        templates, desired = self.dependencies.within(context).templates, self._declared(config, context)
        return _report(templates.plan(desired, _policy(config)), planned=True)

    def run(self, config: OnetimeBootstrapConfig, context: StepContext) -> StepReport:
        """Create what is missing; raises CatalogError before anything is done when a file is wrong."""
        templates, desired = self.dependencies.within(context).templates, self._declared(config, context)
        result = templates.run(desired, _policy(config))
        _log(result, desired, context)
        return _report(result, planned=False)

    def _declared(self, config: OnetimeBootstrapConfig, context: StepContext) -> Dataset:
        _refuse_force(config)
        templates = self.dependencies.within(context).templates
        desired = templates.declared(FOLDER, dataset=config.dataset, location=config.location)
        context.log.info("schemas_loaded", dataset=desired.name, tables=len(desired.tables))
        return desired


def _refuse_force(config: OnetimeBootstrapConfig) -> None:
    flags = ("force_recreate_dataset", "force_recreate_tables")
    if named := [name for name in flags if getattr(config, name)]:
        raise DestructiveRefused(
            f"{' and '.join(named)}: refused, because it would delete every row",
            hint="Set it to false: missing tables are created. To add missing columns without touching a row, set "
            "sync_missing_columns: true.",
        )


def _policy(config: OnetimeBootstrapConfig) -> Policy:
    return Policy(sync_missing_tables=True, sync_missing_columns=config.sync_missing_columns)


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


def _report(result: TemplateResult, *, planned: bool) -> StepReport:
    return StepReport(
        summary=_summary(result, planned=planned),
        details=details_of(result),
        failed=bool(result.tables_failed or result.errors),
    )


def _summary(result: TemplateResult, *, planned: bool) -> str:
    would = "would be " if planned else ""
    made = f"{would}created" if result.dataset_created else "existed"
    parts = [
        f"dataset {result.dataset} {made}",
        f"{counted(len(result.tables_created), 'table')} {would}created",
        f"{len(result.tables_skipped)} skipped because they existed",
    ]
    columns = sum(map(len, result.columns_added.values()))
    more = {
        f"{counted(columns, 'column')} {would}added": columns,
        f"{counted(len(result.tables_failed), 'table')} failed": result.tables_failed,
        f"{counted(len(result.conflicts), 'conflict')} left for a person": result.conflicts,
    }
    return ", ".join([*parts, *(text for text, found in more.items() if found)])
