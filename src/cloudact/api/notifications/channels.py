"""`/api/v1/organizations/{org_slug}/notifications/channels`: where messages may go, without what is secret of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr, StrictBool
from pydantic.config import JsonDict

from cloudact.api.auth import ActorDep, SlugDep, organization_router, requires
from cloudact.api.errors import problem_responses
from cloudact.api.idempotency.route import OperationDep
from cloudact.api.organizations import Text
from cloudact.api.services import ServicesDep
from cloudact.tenancy.access.scopes import Scope
from cloudact.tenancy.notifications.channel import ChannelType, NewChannel, WebhookMethod

router = organization_router("/api/v1/organizations", "notifications")
MAX_PAGE = 500
_ALL = "/{org_slug}/notifications/channels"
_ONE = f"{_ALL}/{{channel_id}}"
_READ = [requires(Scope.ORG_READ)]
_WRITE = [requires(Scope.ORG_WRITE)]
_EXAMPLES: list[JsonDict] = [
    {"channel_type": "EMAIL", "name": "FinOps", "email_recipients": ["finops@acme.com"], "is_default": True},
    {
        "channel_type": "SLACK",
        "name": "FinOps on call",
        "slack_webhook_url": "https://hooks.slack.com/services/only/an/example",
        "slack_channel": "#finops",
    },
    {
        "channel_type": "WEBHOOK",
        "name": "Incidents",
        "webhook_url": "https://incidents.acme.com/hooks/cloudact",
        "webhook_headers": {"Authorization": "Bearer only-an-example"},
    },
]


class ChannelRequest(BaseModel):
    """All that a channel is; fields of another type than its own are refused."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": list(_EXAMPLES)})

    channel_type: ChannelType = Field(description="A channel keeps its type.")
    name: Text = Field(description="What people choose it by: 1 to 100 characters.")
    is_default: StrictBool = Field(
        default=False, description="Preselected among those of its type, in the place of the one that is so far."
    )
    email_recipients: list[Text] = Field(default=[], description="EMAIL: 1 to 50 addresses.")
    email_cc_recipients: list[Text] = Field(default=[], description="EMAIL: at most 50 addresses.")
    email_subject_prefix: Text | None = Field(default=None, description="EMAIL: at most 100 characters.")
    slack_webhook_url: SecretStr | None = Field(
        default=None, description="SLACK: an https:// URL. Left out of a PUT, the stored one stays."
    )
    slack_channel: Text | None = Field(default=None, description="SLACK: for people to see, such as #finops.")
    slack_mention_users: list[Text] = Field(default=[], description="SLACK: at most 50 ids of members.")
    slack_mention_channel: StrictBool = Field(
        default=False, description="SLACK: whether critical alerts mention everyone."
    )
    webhook_url: SecretStr | None = Field(
        default=None, description="WEBHOOK: an https:// URL. Left out of a PUT, the stored one stays."
    )
    webhook_headers: dict[Text, SecretStr] | None = Field(
        default=None,
        description="WEBHOOK: at most 20 headers to send. Left out of a PUT, the stored ones stay; {} removes them.",
    )
    webhook_method: WebhookMethod | None = Field(default=None, description="WEBHOOK: POST without it.")

    def to_channel(self) -> NewChannel:
        """Return what the use case takes."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        for name in ("slack_webhook_url", "webhook_url"):
            values[name] = _revealed(values[name])
        if self.webhook_headers is not None:
            values["webhook_headers"] = {name: item.get_secret_value() for name, item in self.webhook_headers.items()}
        return NewChannel(**values)


class ChannelResponse(BaseModel):
    """A stored channel, without its secrets."""

    model_config = ConfigDict(from_attributes=True)

    channel_id: str
    org_slug: str = Field(examples=["acme_corp"])
    channel_type: str = Field(examples=["SLACK"])
    name: str = Field(examples=["FinOps on call"])
    is_default: bool = Field(description="Preselected among those of its type.")
    is_active: bool = Field(description="False once it was deactivated; nothing may be sent through it any more.")
    email_recipients: list[str]
    email_cc_recipients: list[str]
    email_subject_prefix: str | None
    slack_channel: str | None
    slack_mention_users: list[str]
    slack_mention_channel: bool
    webhook_method: str | None = Field(examples=["POST"])
    masked_url: str | None = Field(
        description="The host of the URL, and nothing else of it.", examples=["https://hooks.slack.com/****"]
    )
    masked_headers: str | None = Field(description="`****` where headers are stored; null without any.")
    created_at: datetime
    created_by: str | None = Field(description="`administrator`, the organization, or a person's name.")
    updated_at: datetime | None


class ChannelListResponse(BaseModel):
    """One page of an organization's channels, the oldest first; `total` counts all that match."""

    model_config = ConfigDict(from_attributes=True)

    channels: list[ChannelResponse]
    total: int
    limit: int
    offset: int


class ChannelListQuery(BaseModel):
    """Which channels, and which part of the list."""

    model_config = ConfigDict(extra="forbid")

    channel_type: ChannelType | None = Field(default=None, description="Only this type.")
    include_inactive: bool = Field(default=False, description="Also those that were deactivated.")
    limit: int = Field(default=100, ge=1, le=MAX_PAGE)
    offset: int = Field(default=0, ge=0, le=2**31)


ChannelPath = Annotated[str, Path(description="As the list of channels names it.")]


@router.get(_ALL, summary="List notification channels", dependencies=_READ, responses=problem_responses(404))
def list_channels(
    services: ServicesDep, slug: SlugDep, query: Annotated[ChannelListQuery, Query()]
) -> ChannelListResponse:
    """Return one page of the organization's channels, masked."""
    page = services.channels.page(
        slug, query.channel_type, inactive=query.include_inactive, limit=query.limit, offset=query.offset
    )
    return ChannelListResponse.model_validate(page)


@router.post(
    _ALL,
    summary="Make a notification channel",
    status_code=201,
    dependencies=_WRITE,
    responses=problem_responses(404),
)
def create_channel(
    services: ServicesDep,
    slug: SlugDep,
    actor: ActorDep,
    operation: OperationDep,
    response: Response,
    body: ChannelRequest,
) -> ChannelResponse:
    """Store a channel, its URL and headers sealed; no answer ever holds them, and nothing is sent to it."""
    made = services.channels.create(slug, body.to_channel(), actor=actor, operation=operation)
    response.headers["Location"] = f"/api/v1/organizations/{slug}/notifications/channels/{made.channel_id}"
    return ChannelResponse.model_validate(made)


@router.get(_ONE, summary="Show a notification channel", dependencies=_READ, responses=problem_responses(404))
def show_channel(services: ServicesDep, slug: SlugDep, channel_id: ChannelPath) -> ChannelResponse:
    """Return an active channel, masked."""
    return ChannelResponse.model_validate(services.channels.show(slug, channel_id))


@router.put(_ONE, summary="Replace a notification channel", dependencies=_WRITE, responses=problem_responses(404))
def replace_channel(
    services: ServicesDep, slug: SlugDep, actor: ActorDep, channel_id: ChannelPath, body: ChannelRequest
) -> ChannelResponse:
    """Set every field; what the body leaves out is emptied, but for the URL and headers, which stay as they are."""
    return ChannelResponse.model_validate(services.channels.replace(slug, channel_id, body.to_channel(), actor=actor))


@router.delete(_ONE, summary="Deactivate a notification channel", dependencies=_WRITE, responses=problem_responses(404))
def deactivate_channel(
    services: ServicesDep, slug: SlugDep, actor: ActorDep, channel_id: ChannelPath
) -> ChannelResponse:
    """Take a channel out of use for good; its row is kept, sealed and inactive."""
    return ChannelResponse.model_validate(services.channels.deactivate(slug, channel_id, actor=actor))


def _revealed(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
