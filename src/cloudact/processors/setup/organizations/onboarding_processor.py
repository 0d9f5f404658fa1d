"""`setup.organizations.onboarding`: a new organization."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cloudact.pipeline.processor import StepContext, StepReport
from cloudact.planning.policy import Policy
from cloudact.processors.details import details_of
from cloudact.processors.setup.organizations.dryrun_processor import checked
from cloudact.processors.setup.organizations.subject import NewOrganization
from cloudact.processors.setup.organizations.sync_processor import synced
from cloudact.processors.use_cases import Dependencies
from cloudact.tenancy.names import OrgSlug

KEY = "onboard it with regenerate_api_key_if_exists to get an API key"


@dataclass(frozen=True, slots=True)
class OnboardingProcessor:
    """Onboards an organization; one that exists, or whose onboarding stopped, is synced, so a step can be repeated.

    What a step reports is kept, and API keys never are. So no step issues one to be used.
    """

    dependencies: Dependencies
    ps_type: ClassVar[str] = "setup.organizations.onboarding"
    config: ClassVar[type[NewOrganization]] = NewOrganization

    def plan(self, config: NewOrganization, context: StepContext) -> StepReport:
        """Make every check that `run` would fail on, or tell what it would add to an organization that exists."""
        use_cases, request = self.dependencies.within(context), config.request(context)
        slug = OrgSlug(request.org_slug)
        if use_cases.organizations.status(slug).profile_exists:
            result = use_cases.organizations.plan(slug, Policy())
            return synced(result, prefix=f"organization {slug} exists and would be synced; ")
        return checked(use_cases.onboarding.dry_run(request))

    def run(self, config: NewOrganization, context: StepContext) -> StepReport:
        """Onboard the organization, or bring the one that exists in step."""
        use_cases, request = self.dependencies.within(context), config.request(context)
        slug = OrgSlug(request.org_slug)
        if use_cases.organizations.status(slug).profile_exists:
            result = use_cases.organizations.sync(slug, Policy(), actor=use_cases.actor)
            return synced(result, prefix=f"organization {slug} exists; ")
        made = use_cases.onboarding.onboard(request, actor=use_cases.actor)
        details = {name: value for name, value in details_of(made).items() if name not in {"api_key", "message"}}
        context.log.info("organization_onboarded", dataset=made.dataset, tables=len(made.tables_created))
        return StepReport(summary=f"organization {slug} onboarded; {KEY}", details=details)
