"""`setup.organizations.bootstrap`: the central dataset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from cloudact.pipeline.processor import StepContext, StepReport
from cloudact.processors.details import details_of
from cloudact.processors.use_cases import Dependencies
from cloudact.tenancy.bootstrap import BootstrapResult
from cloudact.tenancy.sync import SyncOutcome


class BootstrapConfig(BaseModel):
    """Nothing has to be said: the catalog declares it all."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class BootstrapProcessor:
    """Creates the central dataset and every table that is missing, as `cloudact bootstrap run` does."""

    dependencies: Dependencies
    ps_type: ClassVar[str] = "setup.organizations.bootstrap"
    config: ClassVar[type[BootstrapConfig]] = BootstrapConfig

    def plan(self, _config: BootstrapConfig, context: StepContext) -> StepReport:
        """Return which tables `run` would create, changing nothing."""
        return _report(self.dependencies.within(context).bootstrap.plan())

    def run(self, _config: BootstrapConfig, context: StepContext) -> StepReport:
        """Create what is missing; a table that could not be created is a failure."""
        use_cases = self.dependencies.within(context)
        result = use_cases.bootstrap.run(actor=use_cases.actor)
        context.log.info("central_dataset_bootstrapped", dataset=result.dataset, tables=len(result.tables_created))
        return _report(result)


def _report(result: BootstrapResult) -> StepReport:
    failed = result.status is not SyncOutcome.SUCCESS
    return StepReport(summary=f"{result.dataset}: {result.message}", details=details_of(result), failed=failed)
