"""`setup.organizations.dryrun`: whether an organization could be onboarded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cloudact.pipeline.processor import StepContext, StepReport
from cloudact.processors.details import details_of
from cloudact.processors.setup.organizations.subject import NewOrganization
from cloudact.processors.use_cases import Dependencies
from cloudact.tenancy.onboarding import DryRunResult


@dataclass(frozen=True, slots=True)
class DryRunProcessor:
    """Makes every check that onboarding would fail on and changes nothing; a check that fails fails the step."""

    dependencies: Dependencies
    ps_type: ClassVar[str] = "setup.organizations.dryrun"
    config: ClassVar[type[NewOrganization]] = NewOrganization

    def plan(self, config: NewOrganization, context: StepContext) -> StepReport:
        """Make the checks, which is all that `run` does."""
        return self.run(config, context)

    def run(self, config: NewOrganization, context: StepContext) -> StepReport:
        """Make the checks and report each."""
        return checked(self.dependencies.within(context).onboarding.dry_run(config.request(context)))


def checked(result: DryRunResult) -> StepReport:
    """Return the report of a dry run, which failed when a check did."""
    failed = [f"{check.name}: {check.message}" for check in result.checks if not check.passed]
    summary = " ".join([f"{result.org_slug}: {result.message}", "; ".join(failed)]).strip()
    return StepReport(summary=summary, details=details_of(result), failed=bool(failed))
