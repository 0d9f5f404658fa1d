"""`/api/v1/organizations/{org_slug}`: the subscription, what is used of it, suspension and locale."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated

from fastapi import Body
from pydantic import BaseModel, ConfigDict, Field, StrictInt
from pydantic.config import JsonDict

from cloudact.api.auth import ActorDep, SlugDep, administrator_router, organization_router, requires
from cloudact.api.errors import problem_responses
from cloudact.api.organizations import Day, Text
from cloudact.api.services import ServicesDep
from cloudact.tenancy.access.scopes import Scope
from cloudact.tenancy.subscriptions.locale import DECEMBER, JANUARY, Locale
from cloudact.tenancy.subscriptions.subscription import NewSubscription, SubscriptionStatus

router = administrator_router("/api/v1/organizations", "accounts")
own_router = organization_router("/api/v1/organizations", "accounts")
_READ, _WRITE = [requires(Scope.ORG_READ)], [requires(Scope.ORG_WRITE)]
_SUBSCRIPTION: JsonDict = {"plan_name": "SCALE", "status": "ACTIVE", "subscription_end_date": "2099-12-31"}
_LOCALE: JsonDict = {
    "default_currency": "EUR",
    "default_timezone": "Europe/Berlin",
    "default_language": "de-DE",
    "default_country": "DE",
    "fiscal_year_start_month": 4,
}
_UNLIMITED = "null means unlimited"


class SubscriptionRequest(BaseModel):
    """The whole of a subscription: what is left out has no value any more, apart from the end of a trial."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_SUBSCRIPTION]})

    plan_name: Text = Field(description="A plan declared in plans.yml; its limits are taken over.")
    status: SubscriptionStatus = Field(
        default=SubscriptionStatus.ACTIVE, description="Pipelines start while it is TRIAL or ACTIVE."
    )
    trial_end_date: Day | None = Field(
        default=None,
        description="Last UTC day of a trial. Left out, a TRIAL lasts the plan's `trial_days`, and otherwise it stays.",
    )
    subscription_end_date: Day | None = Field(default=None, description="Last UTC day; null for one without an end.")

    def to_subscription(self) -> NewSubscription:
        """Return what the use case takes."""
        return NewSubscription(**self.model_dump())


class LimitsResponse(BaseModel):
    """What a subscription allows."""

    model_config = ConfigDict(from_attributes=True)

    daily_limit: int | None = Field(description=f"Pipeline runs per UTC day; {_UNLIMITED}.")
    monthly_limit: int | None = Field(description=f"Pipeline runs per UTC calendar month; {_UNLIMITED}.")
    concurrent_limit: int | None = Field(description=f"Pipeline runs at the same time; {_UNLIMITED}.")
    seat_limit: int | None = Field(description=f"People, which the service neither keeps nor counts; {_UNLIMITED}.")
    providers_limit: int | None = Field(description=f"Providers with a stored credential; {_UNLIMITED}.")


class SubscriptionResponse(BaseModel):
    """An organization's subscription as it stands today."""

    model_config = ConfigDict(from_attributes=True)

    org_slug: str = Field(examples=["acme_corp"])
    subscription_id: str
    plan_name: str = Field(examples=["STARTER"])
    status: SubscriptionStatus = Field(description="EXPIRED from the day after its last one.")
    limits: LimitsResponse
    trial_end_date: date | None
    subscription_end_date: date | None
    created_at: datetime
    updated_at: datetime | None
    message: str = Field(examples=["is ACTIVE"])


class UsedResponse(BaseModel):
    """How much of one limit is used."""

    model_config = ConfigDict(from_attributes=True)

    used: int | None = Field(description="null for what the service does not count.")
    limit: int | None = Field(description=f"As the subscription has it; {_UNLIMITED}.")
    starts_again_at: datetime | None = Field(description="When counting starts again; null where it does not.")


class QuotaResponse(BaseModel):
    """What an organization has used of its plan."""

    model_config = ConfigDict(from_attributes=True)

    org_slug: str = Field(examples=["acme_corp"])
    plan_name: str = Field(examples=["STARTER"])
    usage_date: date = Field(description="The UTC day that is counted.")
    daily: UsedResponse = Field(description="Pipeline runs that were started today.")
    monthly: UsedResponse = Field(description="Pipeline runs that were started this month.")
    concurrent: UsedResponse = Field(description="Pipeline runs that go on now.")
    succeeded_today: int
    failed_today: int
    providers: UsedResponse = Field(description="Providers with an active credential.")
    seats: UsedResponse = Field(description="People: your application has them, and has to keep to the limit itself.")


class LifecycleResponse(BaseModel):
    """Where an organization stands in its life."""

    model_config = ConfigDict(from_attributes=True)

    org_slug: str = Field(examples=["acme_corp"])
    organization_status: str = Field(examples=["SUSPENDED"])
    changed: bool = Field(description="False when it was so before.")
    message: str


class LocaleRequest(BaseModel):
    """The whole of a locale: what is left out has no value any more."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_LOCALE]})

    default_currency: Text = Field(description="ISO 4217 code.")
    default_timezone: Text = Field(description="IANA name.")
    default_language: Text | None = Field(default=None, description="BCP 47 tag, such as en or en-US.")
    default_country: Text | None = Field(default=None, description="ISO 3166 two-letter code.")
    fiscal_year_start_month: StrictInt = Field(
        default=JANUARY, ge=JANUARY, le=DECEMBER, description="1 (January) to 12 (December)."
    )


class LocaleResponse(BaseModel):
    """How an organization's amounts, times and texts are shown."""

    org_slug: str = Field(examples=["acme_corp"])
    default_currency: str | None = Field(examples=["USD"])
    default_timezone: str | None = Field(examples=["America/New_York"])
    default_language: str | None
    default_country: str | None
    fiscal_year_start_month: int


@own_router.get(
    "/{org_slug}/subscription",
    summary="Show an organization's subscription",
    dependencies=_READ,
    responses=problem_responses(404),
)
def subscription(services: ServicesDep, slug: SlugDep) -> SubscriptionResponse:
    """Return the plan, its limits and until when the subscription is valid."""
    return SubscriptionResponse.model_validate(services.subscriptions.show(slug))


@router.put(
    "/{org_slug}/subscription", summary="Change an organization's subscription", responses=problem_responses(404, 409)
)
def change_subscription(
    services: ServicesDep, slug: SlugDep, actor: ActorDep, body: Annotated[SubscriptionRequest, Body()]
) -> SubscriptionResponse:
    """Replace the subscription; the limits become those that plans.yml has for the plan now."""
    changed = services.subscriptions.change(slug, body.to_subscription(), actor=actor)
    return SubscriptionResponse.model_validate(changed)


@own_router.get(
    "/{org_slug}/quota",
    summary="Show what an organization has used",
    dependencies=_READ,
    responses=problem_responses(404),
)
def quota(services: ServicesDep, slug: SlugDep) -> QuotaResponse:
    """Return the pipeline runs of today, of this month and under way, and the providers, beside the limits."""
    return QuotaResponse.model_validate(services.quotas.show(slug))


@router.post("/{org_slug}/suspend", summary="Suspend an organization", responses=problem_responses(404, 409))
def suspend(services: ServicesDep, slug: SlugDep, actor: ActorDep) -> LifecycleResponse:
    """Refuse its keys and start none of its pipelines from now on; its data is kept, and runs under way are ended."""
    return LifecycleResponse.model_validate(services.lifecycle.suspend(slug, actor=actor))


@router.post("/{org_slug}/reactivate", summary="End a suspension", responses=problem_responses(404, 409))
def reactivate(services: ServicesDep, slug: SlugDep, actor: ActorDep) -> LifecycleResponse:
    """Have the organization's keys work again."""
    return LifecycleResponse.model_validate(services.lifecycle.reactivate(slug, actor=actor))


@own_router.get(
    "/{org_slug}/locale", summary="Show an organization's locale", dependencies=_READ, responses=problem_responses(404)
)
def locale(services: ServicesDep, slug: SlugDep) -> LocaleResponse:
    """Return the currency, time zone, language, country and fiscal year."""
    return LocaleResponse(org_slug=slug, **asdict(services.locales.show(slug)))


@own_router.put(
    "/{org_slug}/locale",
    summary="Change an organization's locale",
    dependencies=_WRITE,
    responses=problem_responses(404),
)
def change_locale(
    services: ServicesDep, slug: SlugDep, actor: ActorDep, body: Annotated[LocaleRequest, Body()]
) -> LocaleResponse:
    """Replace the locale; every value is checked as onboarding checks it."""
    changed = services.locales.change(slug, Locale(**body.model_dump()), actor=actor)
    return LocaleResponse(org_slug=slug, **asdict(changed))
