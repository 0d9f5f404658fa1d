"""Which organization a step is about: the one its config names, or else the one the run is for."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from cloudact.errors import InvalidRequest
from cloudact.pipeline.definition import SYSTEM
from cloudact.pipeline.processor import StepContext
from cloudact.tenancy.checks import OnboardingRequest
from cloudact.tenancy.names import OrgSlug


class NewOrganization(BaseModel):
    """The `config` of the steps that look at or onboard a new organization: the fields of the API, less API keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    org_slug: str | None = Field(default=None, description="The run's --tenant-id when left out.")
    company_name: str = Field(description="In any script; stored as given.")
    admin_email: str = Field(description="The administrator's e-mail address.")
    subscription_plan: str = Field(default="STARTER", description="A plan of plans.yml.")
    default_currency: str = Field(default="USD", description="ISO 4217 code.")
    default_timezone: str = Field(default="UTC", description="IANA name.")
    default_country: str | None = Field(default=None, description="ISO 3166 two-letter code.")
    default_language: str | None = Field(default=None, description="BCP 47 tag, such as en or en-US.")
    labels: dict[str, str] = Field(default={}, description="Labels by which waves of a fleet sync can go.")
    adopt_existing_dataset: bool = Field(
        default=False, description="Take over a dataset that exists, with every row in it."
    )

    def request(self, context: StepContext) -> OnboardingRequest:
        """Return the request these fields make for the run's organization."""
        fields = self.model_dump(exclude_unset=True)
        return OnboardingRequest(**{**fields, "org_slug": slug_of(self.org_slug, context)}, given=frozenset(fields))


def slug_of(configured: str | None, context: StepContext) -> OrgSlug:
    """Return the organization; raises InvalidRequest for a run of the platform itself that names none."""
    if configured is None and context.organization == SYSTEM:
        raise InvalidRequest(
            f"step {context.step_id} names no organization, and the run is for {SYSTEM}",
            hint="Set org_slug in the step's config, or run the pipeline with --tenant-id ORG_SLUG.",
        )
    return OrgSlug(context.organization if configured is None else configured)
