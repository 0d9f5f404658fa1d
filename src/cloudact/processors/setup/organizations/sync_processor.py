"""`setup.organizations.sync`: an organization's dataset, brought in step with its declaration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from cloudact.pipeline.processor import StepContext, StepReport
from cloudact.planning.policy import Policy
from cloudact.processors.details import details_of
from cloudact.processors.setup.organizations.subject import slug_of
from cloudact.processors.use_cases import Dependencies
from cloudact.tenancy.sync import SyncOutcome, SyncResult


class SyncConfig(BaseModel):
    """The step's `config`; all of it may be left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    org_slug: str | None = Field(default=None, description="The run's --tenant-id when left out.")
    sync_missing_tables: bool = Field(default=True, description="Create tables and views that are missing.")
    sync_missing_columns: bool = Field(default=True, description="Add missing columns; update descriptions.")
    recreate_views: bool = Field(default=False, description="Also replace views whose definition is stale.")

    def policy(self) -> Policy:
        """Return which kinds of change to apply."""
        return Policy(self.sync_missing_tables, self.sync_missing_columns, self.recreate_views)


@dataclass(frozen=True, slots=True)
class SyncProcessor:
    """Adds what an organization's dataset lacks; nothing is dropped, narrowed or rewritten."""

    dependencies: Dependencies
    ps_type: ClassVar[str] = "setup.organizations.sync"
    config: ClassVar[type[SyncConfig]] = SyncConfig

    def plan(self, config: SyncConfig, context: StepContext) -> StepReport:
        """Return what `run` would add, and what it would fail on, changing nothing."""
        slug = slug_of(config.org_slug, context)
        return synced(self.dependencies.within(context).organizations.plan(slug, config.policy()))

    def run(self, config: SyncConfig, context: StepContext) -> StepReport:
        """Apply what the config allows; a conflict or a refused change is a failure."""
        slug = slug_of(config.org_slug, context)
        use_cases = self.dependencies.within(context)
        result = use_cases.organizations.sync(slug, config.policy(), actor=use_cases.actor)
        context.log.info("organization_synced", dataset=result.dataset, status=result.status)
        return synced(result)


def synced(result: SyncResult, prefix: str = "") -> StepReport:
    """Return the report of a sync, or of the plan of one, which failed when something is left for a person."""
    failed = result.status is not SyncOutcome.SUCCESS
    return StepReport(summary=f"{prefix}{result.message}", details=details_of(result), failed=failed)
