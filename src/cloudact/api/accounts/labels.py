"""`/api/v1/organizations/{org_slug}/labels`: what the operator calls an organization, for waves to go by."""

from __future__ import annotations

from typing import Annotated

from fastapi import Body
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from cloudact.api.auth import ActorDep, SlugDep, administrator_router, organization_router, requires
from cloudact.api.errors import problem_responses
from cloudact.api.organizations import LABEL_RULES, Text
from cloudact.api.services import ServicesDep
from cloudact.tenancy.access.scopes import Scope

router = administrator_router("/api/v1/organizations", "accounts")
own_router = organization_router("/api/v1/organizations", "accounts")
_EXAMPLE: JsonDict = {"labels": {"tier": "pilot"}}
_CHANGE: JsonDict = {"labels": {"tier": "pilot", "beta": None}}


class LabelsRequest(BaseModel):
    """All labels of an organization: one that is left out is taken away."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    labels: dict[Text, Text] = Field(description=f"Key to value. {LABEL_RULES}")


class LabelsChange(BaseModel):
    """Some labels of an organization: one that is left out stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_CHANGE]})

    labels: dict[Text, Text | None] = Field(description=f"Key to value, or to null to take it away. {LABEL_RULES}")


class LabelsResponse(BaseModel):
    """The labels of an organization."""

    org_slug: str = Field(examples=["acme_corp"])
    labels: dict[str, str] = Field(description="Key to value, by key.", examples=[{"tier": "pilot"}])


@own_router.get(
    "/{org_slug}/labels",
    summary="Show an organization's labels",
    dependencies=[requires(Scope.ORG_READ)],
    responses=problem_responses(404),
)
def labels(services: ServicesDep, slug: SlugDep) -> LabelsResponse:
    """Return the labels that the operator has given the organization."""
    return LabelsResponse(org_slug=slug, labels=services.labels.show(slug))


@router.put("/{org_slug}/labels", summary="Replace an organization's labels", responses=problem_responses(404, 409))
def replace_labels(
    services: ServicesDep, slug: SlugDep, actor: ActorDep, body: Annotated[LabelsRequest, Body()]
) -> LabelsResponse:
    """Replace all labels; waves that are divided from now on go by these."""
    return LabelsResponse(org_slug=slug, labels=services.labels.change(slug, body.labels, actor=actor))


@router.patch(
    "/{org_slug}/labels", summary="Change some labels of an organization", responses=problem_responses(404, 409)
)
def change_labels(
    services: ServicesDep, slug: SlugDep, actor: ActorDep, body: Annotated[LabelsChange, Body()]
) -> LabelsResponse:
    """Set labels, and take away those that are null; the others stay as they are."""
    return LabelsResponse(org_slug=slug, labels=services.labels.merge(slug, body.labels, actor=actor))
