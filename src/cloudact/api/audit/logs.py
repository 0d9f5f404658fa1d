"""`/api/v1/organizations/{org_slug}/audit-logs`, and the platform's own under `/api/v1/admin/audit-logs`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictInt

from cloudact.api.auth import SlugDep, administrator_router, organization_router, requires
from cloudact.api.errors import problem_responses
from cloudact.api.organizations import Moment, Text
from cloudact.api.services import ServicesDep
from cloudact.tenancy.access.scopes import Scope
from cloudact.tenancy.audit.event import Action, ResourceType, Status
from cloudact.tenancy.audit.logs import MAX_PAGE, AuditFilter
from cloudact.tenancy.audit.verification import Breach, ChainStatus, CheckpointEntry

router = administrator_router("/api/v1/admin/audit-logs", "audit")
own_router = organization_router("/api/v1/organizations", "audit")


class AuditLogResponse(BaseModel):
    """One row of the trail."""

    model_config = ConfigDict(from_attributes=True)

    audit_id: str
    org_slug: str = Field(description="Whose row it is; `system` is the platform itself.", examples=["acme_corp"])
    user_id: str | None = Field(description="Who did it: `administrator`, an organization, or a person's name.")
    api_key_id: str | None = Field(description="The organization's key that was used; null for anybody else.")
    action: str = Field(examples=["SYNC"])
    resource_type: str = Field(examples=["ORGANIZATION"])
    resource_id: str | None = Field(examples=["acme_corp"])
    details: JsonValue = Field(description="What was asked and what changed, without secrets.")
    ip_address: str | None
    user_agent: str | None
    request_id: str | None = Field(description="The same as in the answer's X-Request-ID header and in the log.")
    status: str = Field(description="SUCCESS, FAILURE or DENIED.", examples=["SUCCESS"])
    error_message: str | None
    created_at: datetime
    sequence: int | None = Field(description="Place in the chain, from 1; null for a row that is in none.")
    row_hash: str | None = Field(description="Digest that chains the row; null for a row that is in none.")


class AuditLogListResponse(BaseModel):
    """One page of rows, the latest first."""

    model_config = ConfigDict(from_attributes=True)

    organization: str = Field(examples=["acme_corp"])
    logs: list[AuditLogResponse]
    next_cursor: str | None = Field(description="Send it as `cursor` for the next page; null at the end.")


class AuditLogQuery(BaseModel):
    """Which rows to list; every given filter must match."""

    model_config = ConfigDict(extra="forbid")

    action: Action | None = Field(default=None, description="Only this action.")
    resource_type: ResourceType | None = Field(default=None, description="Only objects of this kind.")
    resource_id: Text | None = Field(default=None, description="Only this object.")
    status: Status | None = Field(default=None, description="Only what ended so.")
    api_key_id: Text | None = Field(default=None, description="Only what was done with this key.")
    user_id: Text | None = Field(default=None, description="Only what this user did, such as `administrator`.")
    since: Moment | None = Field(default=None, description="Only rows from this time on; UTC where it has no offset.")
    until: Moment | None = Field(default=None, description="Only rows before this time.")
    limit: int = Field(default=50, ge=1, le=MAX_PAGE)
    cursor: Text | None = Field(default=None, description="The `next_cursor` of the page before.")

    def to_filter(self) -> AuditFilter:
        """Return what the use case takes."""
        return AuditFilter(**self.model_dump(exclude={"limit", "cursor"}))


class CheckpointModel(BaseModel):
    """The end of a chain when it was verified before."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)

    sequence: StrictInt = Field(ge=0, le=2**62)
    row_hash: Text
    unchained: StrictInt = Field(default=0, ge=0, description="How many rows were in no chain.")


class VerifyRequest(BaseModel):
    """Which chains to verify, and what was found the last time."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"organization": "acme_corp"}]})

    organization: Text | None = Field(default=None, description="Only this one; `system` is the platform's chain.")
    checkpoint: dict[Text, CheckpointModel] = Field(
        default={}, description="The `checkpoint` of an earlier answer, which was kept in another place."
    )


class ChainResponse(BaseModel):
    """One chain."""

    model_config = ConfigDict(from_attributes=True)

    organization: str = Field(examples=["acme_corp"])
    status: ChainStatus
    rows: int = Field(description="How many rows are right, from the first one on.")
    unchained: int = Field(description="Rows in no chain, such as those of earlier versions: nothing proves them.")
    row_hash: str = Field(description="Digest of the last row that is right.")
    breach: Breach | None = Field(description="What is wrong where the chain is broken first.")
    broken_at: int | None = Field(description="The number in the chain where that is.")
    audit_id: str | None = Field(description="The row there, where there is one.")
    message: str


class VerificationResponse(BaseModel):
    """Whether the trail is as it was written."""

    model_config = ConfigDict(from_attributes=True)

    status: ChainStatus
    chains: list[ChainResponse]
    checkpoint: dict[str, CheckpointModel] = Field(
        description="Keep it where nobody who can write to the warehouse can change it, and send it the next time. A "
        "chain that is broken has the entry that was sent, or none."
    )
    message: str


@router.get("", summary="List the platform's audit log", responses=problem_responses(409))
def platform_logs(services: ServicesDep, query: Annotated[AuditLogQuery, Query()]) -> AuditLogListResponse:
    """Return one page of what was done to the platform itself, and of refused requests without a known key."""
    page = services.audit_logs.of_platform(query.to_filter(), limit=query.limit, cursor=query.cursor)
    return AuditLogListResponse.model_validate(page)


@router.post("/verify", summary="Verify the audit log", responses=problem_responses(404, 409))
def verify(services: ServicesDep, body: VerifyRequest | None = None) -> VerificationResponse:
    """Read every chain and tell the first place where one is not as it was written. Nothing is changed."""
    asked = body or VerifyRequest()
    checkpoint = {name: CheckpointEntry(**item.model_dump()) for name, item in asked.checkpoint.items()}
    return VerificationResponse.model_validate(services.verifier.verify(asked.organization, checkpoint))


@own_router.get(
    "/{org_slug}/audit-logs",
    summary="List an organization's audit log",
    dependencies=[requires(Scope.ORG_READ)],
    responses=problem_responses(404, 409),
)
def organization_logs(
    services: ServicesDep, slug: SlugDep, query: Annotated[AuditLogQuery, Query()]
) -> AuditLogListResponse:
    """Return one page of what was done to the organization or with its keys, the latest first."""
    page = services.audit_logs.of_organization(slug, query.to_filter(), limit=query.limit, cursor=query.cursor)
    return AuditLogListResponse.model_validate(page)
