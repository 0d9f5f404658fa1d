"""`/api/v1/organizations`: onboarding, status, sync and the list."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated

from fastapi import Body, Query
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool
from pydantic.config import JsonDict

from cloudact.api.auth import ActorDep, SlugDep, administrator_router, organization_router, requires
from cloudact.api.datasets import BYTES_BILLED, ConflictResponse, DatasetStatusResponse, SyncRequest, SyncResponse
from cloudact.api.errors import problem_responses
from cloudact.api.idempotency.route import OperationDep
from cloudact.api.services import ServicesDep
from cloudact.planning.policy import Policy
from cloudact.planning.status import SyncStatus
from cloudact.tenancy.access.scopes import Scope
from cloudact.tenancy.checks import OnboardingRequest
from cloudact.tenancy.labels.rules import KEY_RULE, MAX_LABELS, PROFILE_FIELDS, VALUE_RULE
from cloudact.tenancy.organizations import MAX_PAGE
from cloudact.tenancy.store import ProfileFilter

router = administrator_router("/api/v1/organizations", "organizations")
own_router = organization_router("/api/v1/organizations", "organizations")

_EXAMPLE: JsonDict = {
    "org_slug": "acme_corp",
    "company_name": "Acme Corporation",
    "admin_email": "admin@acme.com",
    "subscription_plan": "STARTER",
    "default_currency": "USD",
    "default_timezone": "America/New_York",
}


LABEL_RULES = f"There are at most {MAX_LABELS}; {KEY_RULE}, and is none of {', '.join(PROFILE_FIELDS)}; {VALUE_RULE}."


def _encodable(text: str) -> str:
    if any(0xD800 <= ord(character) <= 0xDFFF for character in text):
        raise ValueError("has half of a surrogate pair, which is no character")
    return text


# JSON can spell halves of characters (\ud800) that no answer, log or table could hold.
Text = Annotated[str, AfterValidator(_encodable)]


def _no_number(value: object) -> object:
    if isinstance(value, int | float) or (isinstance(value, str) and re.fullmatch(r"[-+]?[0-9.]*", value)):
        raise ValueError("is a number; write it as ISO 8601 does, such as 2026-01-31 or 2026-01-31T12:00:00Z")
    return value


# The library reads a number, and text that is one, as seconds since 1970.
NOT_A_NUMBER = BeforeValidator(_no_number)
Day = Annotated[date, NOT_A_NUMBER]
Moment = Annotated[datetime, NOT_A_NUMBER]


class OnboardRequest(BaseModel):
    """An organization to onboard; every field is checked by the rules that dry run reports one by one."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    org_slug: Text = Field(
        description="3 to 50 characters of a-z, 0-9 and underscore, not first; names the dataset for good."
    )
    company_name: Text = Field(description="In any script; stored as given.")
    admin_email: Text
    subscription_plan: Text = Field(default="STARTER", description="A plan declared in plans.yml.")
    default_currency: Text = Field(default="USD", description="ISO 4217 code.")
    default_timezone: Text = Field(default="UTC", description="IANA name.")
    default_country: Text | None = Field(default=None, description="ISO 3166 two-letter code.")
    default_language: Text | None = Field(default=None, description="BCP 47 tag, such as en or en-US.")
    labels: dict[Text, Text] = Field(
        default={},
        description="The operator's labels, key to value, by which waves of a fleet sync can go. " + LABEL_RULES,
        examples=[{"tier": "pilot"}],
    )
    regenerate_api_key_if_exists: StrictBool = Field(
        default=False,
        description="For an organization that exists: resync its dataset, take over the fields given here, and issue "
        "a new API key in place of the old ones.",
    )

    adopt_existing_dataset: StrictBool = Field(
        default=False,
        description="For a new organization whose dataset exists already: take it over, with every row in it.",
    )

    def to_request(self) -> OnboardingRequest:
        """Return the use case's request; fields that were not sent are marked as such."""
        return OnboardingRequest(**self.model_dump(), given=frozenset(self.model_fields_set))


class OnboardResponse(BaseModel):
    """The organization; `api_key` is shown this once and never again."""

    model_config = ConfigDict(from_attributes=True)

    status: str = Field(examples=["SUCCESS"])
    org_slug: str = Field(examples=["acme_corp"])
    company_name: str = Field(examples=["Acme Corporation"])
    subscription_plan: str = Field(examples=["STARTER"])
    api_key: str = Field(
        description="Told this once; what is stored of it is a keyed digest and a sealed copy.",
        examples=["acme_corp_api_..."],
    )
    dataset: str = Field(examples=["acme_corp_prod"])
    dataset_created: bool
    tables_created: list[str]
    views_created: list[str]
    already_existed: bool
    conflicts: list[ConflictResponse] = Field(description="Of an organization that was resynced; left for a person.")
    bytes_billed: int = Field(description=BYTES_BILLED)
    message: str


class CheckResponse(BaseModel):
    """One thing that onboarding depends on."""

    model_config = ConfigDict(from_attributes=True)

    name: str = Field(examples=["org_slug"])
    passed: bool
    message: str


class DryRunResponse(BaseModel):
    """Whether onboarding would succeed, and what it would make."""

    model_config = ConfigDict(from_attributes=True)

    status: str = Field(description="READY or BLOCKED.", examples=["READY"])
    org_slug: str
    dataset: str
    checks: list[CheckResponse]
    tables_to_create: list[str]
    views_to_create: list[str]
    message: str


class OrganizationStatusResponse(DatasetStatusResponse):
    """An organization's dataset against its declaration."""

    org_slug: str = Field(examples=["acme_corp"])
    profile_exists: bool
    onboarded: bool = Field(
        description="False while the profile is PROVISIONING: another call is onboarding it, or one has stopped."
    )
    organization_status: str | None = Field(
        description="ACTIVE, SUSPENDED, PROVISIONING or INACTIVE; null without a profile.", examples=["ACTIVE"]
    )


class OrganizationResponse(BaseModel):
    """One organization's profile."""

    model_config = ConfigDict(from_attributes=True)

    org_slug: str
    company_name: str
    admin_email: str
    org_dataset_id: str
    dataset_location: str | None
    status: str
    subscription_plan: str | None
    default_currency: str | None
    default_country: str | None
    default_language: str | None
    default_timezone: str | None
    created_at: datetime
    updated_at: datetime | None
    labels: dict[str, str] = Field(examples=[{"tier": "pilot"}])


class OrganizationListQuery(BaseModel):
    """Which organizations to list; every given filter must match."""

    model_config = ConfigDict(extra="forbid")

    status: Text | None = Field(default=None, description="Only this profile status, for example ACTIVE.")
    subscription_plan: Text | None = Field(default=None, description="Only this plan.")
    search: Text | None = Field(default=None, description="Text within the slug or the company name.")
    limit: int = Field(default=50, ge=1, le=MAX_PAGE)
    offset: int = Field(default=0, ge=0, le=2**31)
    with_sync_status: bool = Field(
        default=False, description="Also tell where each organization's dataset stands; looks at all of them at once."
    )


class OrganizationListResponse(BaseModel):
    """One page of organizations by slug; `total` counts all that match."""

    model_config = ConfigDict(from_attributes=True)

    organizations: list[OrganizationResponse]
    total: int
    limit: int
    offset: int
    sync_status: dict[str, SyncStatus] = Field(
        description="By slug: SYNCED, OUT_OF_SYNC or PROFILE_ONLY; empty unless with_sync_status was set.",
        examples=[{"acme_corp": "SYNCED"}],
    )


@router.get("", summary="List organizations", responses=problem_responses(409))
def list_organizations(
    services: ServicesDep, query: Annotated[OrganizationListQuery, Query()]
) -> OrganizationListResponse:
    """Return one page of organizations, ordered by slug."""
    wanted = ProfileFilter(query.status, query.subscription_plan, query.search)
    page = services.organizations.page(
        wanted, limit=query.limit, offset=query.offset, with_sync_status=query.with_sync_status
    )
    for status in page.sync_status.values():
        services.metrics.compared("organization", status)
    return OrganizationListResponse.model_validate(page)


@router.post("/dryrun", summary="Check an onboarding without doing it")
def dryrun(services: ServicesDep, body: Annotated[OnboardRequest, Body()]) -> DryRunResponse:
    """Run every check that onboarding would fail on; nothing is written."""
    return DryRunResponse.model_validate(services.onboarding.dry_run(body.to_request()))


@router.post(
    "/onboard",
    summary="Create an organization",
    status_code=201,
    responses=problem_responses(409),
)
def onboard(
    services: ServicesDep, actor: ActorDep, operation: OperationDep, body: Annotated[OnboardRequest, Body()]
) -> OnboardResponse:
    """Create profile, subscription, quota, API key and dataset; on DuckDB all of it or nothing."""
    result = services.onboarding.onboard(body.to_request(), actor=actor, operation=operation)
    return OnboardResponse.model_validate(result)


@own_router.get(
    "/{org_slug}/status",
    summary="Compare an organization's dataset with its declaration",
    dependencies=[requires(Scope.ORG_READ)],
)
def status(services: ServicesDep, slug: SlugDep) -> OrganizationStatusResponse:
    """Tell what is missing, extra or in conflict. An unknown organization is an answer (NOT_FOUND), not an error."""
    state = services.organizations.status(slug)
    services.metrics.compared("organization", state.status)
    return OrganizationStatusResponse.model_validate(state)


@own_router.post(
    "/{org_slug}/sync",
    summary="Add what an organization's dataset lacks",
    dependencies=[requires(Scope.ORG_WRITE)],
    responses=problem_responses(404),
)
def sync(
    services: ServicesDep, actor: ActorDep, slug: SlugDep, body: Annotated[SyncRequest | None, Body()] = None
) -> SyncResponse:
    """Add missing tables, columns and views; make a deleted dataset anew. Nothing is ever dropped or narrowed."""
    policy = Policy(**(body or SyncRequest()).model_dump())
    return SyncResponse.model_validate(services.organizations.sync(slug, policy, actor=actor))
