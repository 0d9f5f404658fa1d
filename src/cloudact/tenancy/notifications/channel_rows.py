"""Rows of one organization's notification channels, within a unit of work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cloudact.errors import ChannelNotFound
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.notifications.channel import Channel, ChannelType, masked_headers, masked_url
from cloudact.tenancy.secrets.columns import SLACK_URL, WEBHOOK_HEADERS, WEBHOOK_URL
from cloudact.tenancy.secrets.own_rows import OwnRows
from cloudact.tenancy.subscriptions.rows import later
from cloudact.warehouse.driver import Condition, Equals, Page, Row, Session

# The headers are read, sealed as they are, to tell whether there are any.
TOLD = (
    "channel_id", "org_slug", "channel_type", "name", "is_default", "is_active", "email_recipients",
    "email_cc_recipients", "email_subject_prefix", "slack_channel", "slack_mention_users", "slack_mention_channel",
    "webhook_method", "url_host", WEBHOOK_HEADERS.column, "created_at", "created_by", "updated_at",
)  # fmt: skip
CHANNEL_COLUMNS = (*TOLD, SLACK_URL.column, WEBHOOK_URL.column)
_ACTIVE = Equals("is_active", value=True)
_DEFAULT = Equals("is_default", value=True)


@dataclass(frozen=True, slots=True)
class ChannelRows:
    """The channels of one organization; raises NotBootstrapped when the table lacks something."""

    own: OwnRows

    @staticmethod
    def of(session: Session, dataset: str, slug: OrgSlug) -> ChannelRows:
        """Return those of an organization."""
        return ChannelRows(OwnRows(session, dataset, slug, SLACK_URL.table, CHANNEL_COLUMNS))

    def page(
        self, channel_type: ChannelType | None, limit: int, offset: int, *, inactive: bool
    ) -> tuple[list[Channel], int]:
        """Return one page of channels, the oldest first, and how many match in all."""
        where: list[Condition] = [] if inactive else [_ACTIVE]
        if channel_type is not None:
            where.append(Equals("channel_type", channel_type.value))
        found = self.own.select(TOLD, where, Page(("created_at", "channel_id"), limit, offset))
        return [channel_of(row) for row in found], self.own.count(where)

    def any_of(self, channel_id: str) -> dict[str, Any] | None:
        """Return the row of a channel, whether it is active or not, or None."""
        found = self.own.select(TOLD, [Equals("channel_id", channel_id)])
        return found[0] if found else None

    def active(self, channel_id: str) -> dict[str, Any]:
        """Return the row of an active channel; raises ChannelNotFound."""
        found = self.any_of(channel_id)
        if found is None or not found["is_active"]:
            raise ChannelNotFound(self.own.slug, channel_id)
        return found

    def defaults(self, channel_type: ChannelType) -> list[dict[str, Any]]:
        """Return the rows of what is the default of a type: one, or none yet."""
        return self.own.select(TOLD, [Equals("channel_type", channel_type.value), _ACTIVE, _DEFAULT])

    def insert(self, row: Row) -> None:
        """Add a channel."""
        self.own.insert(row)

    def change(self, found: Mapping[str, Any], values: Row, now: datetime) -> dict[str, Any]:
        """Write to a channel as it was found, and return it; if another call changed it, the unit is run again."""
        unchanged = [Equals(name, found[name]) for name in ("channel_id", "is_active", "is_default", "updated_at")]
        new = {**values, "updated_at": later(now, found["updated_at"])}
        self.own.expect(new, unchanged)
        return {**found, **new}


def channel_of(row: Mapping[str, Any]) -> Channel:
    """Return what is told of a row, which may lack columns that are NULL."""
    kind = row["channel_type"]
    return Channel(
        channel_id=row["channel_id"],
        org_slug=row["org_slug"],
        channel_type=kind,
        name=row["name"],
        is_default=bool(row.get("is_default")),
        is_active=row["is_active"],
        email_recipients=list(row.get("email_recipients") or ()),
        email_cc_recipients=list(row.get("email_cc_recipients") or ()),
        email_subject_prefix=row.get("email_subject_prefix"),
        slack_channel=row.get("slack_channel"),
        slack_mention_users=list(row.get("slack_mention_users") or ()),
        slack_mention_channel=bool(row.get("slack_mention_channel")),
        webhook_method=row.get("webhook_method"),
        masked_url=None if kind == ChannelType.EMAIL else masked_url(row.get("url_host")),
        masked_headers=masked_headers(row.get(WEBHOOK_HEADERS.column)),
        created_at=row["created_at"],
        created_by=row.get("created_by"),
        updated_at=row.get("updated_at"),
    )
