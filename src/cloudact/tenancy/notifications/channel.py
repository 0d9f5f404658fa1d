"""Notification channels: what one needs by its type, and what is told of one afterwards."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from cloudact.tenancy.checks import Check, email_problem, failed, label_problem, require
from cloudact.tenancy.notifications.targets import headers_problem, read_url, url_problem
from cloudact.tenancy.secrets.columns import SLACK_URL, WEBHOOK_HEADERS, WEBHOOK_URL, SealedColumn

MAX_NAME = 100
MAX_RECIPIENTS = 50
MAX_PREFIX = 100
MAX_MENTIONS = 50
_SLACK_CHANNEL = r"[#@]?[^\s#@:/<>&\x00-\x1f\x7f\ud800-\udfff]{1,80}"
_SLACK_MEMBER = r"[UW][A-Z0-9]{2,20}"
_MASK = "****"


class ChannelType(StrEnum):
    """How a message gets there, in the words of the column."""

    EMAIL = "EMAIL"
    SLACK = "SLACK"
    WEBHOOK = "WEBHOOK"


class WebhookMethod(StrEnum):
    """How a webhook is called."""

    POST = "POST"
    PUT = "PUT"


# Which fields belong to which type; those that every channel has are in none.
FIELDS: Mapping[ChannelType, tuple[str, ...]] = {
    ChannelType.EMAIL: ("email_recipients", "email_cc_recipients", "email_subject_prefix"),
    ChannelType.SLACK: ("slack_webhook_url", "slack_channel", "slack_mention_users", "slack_mention_channel"),
    ChannelType.WEBHOOK: ("webhook_url", "webhook_headers", "webhook_method"),
}
_IN_THE_CLEAR = (
    "email_recipients", "email_cc_recipients", "email_subject_prefix", "slack_channel", "slack_mention_users",
    "slack_mention_channel", "webhook_method",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class NewChannel:
    """What a channel is to be; a secret that is None stays as it is stored, and no headers, `{}`, are removed."""

    channel_type: ChannelType
    name: str
    is_default: bool = False
    email_recipients: Sequence[str] = ()
    email_cc_recipients: Sequence[str] = ()
    email_subject_prefix: str | None = None
    slack_webhook_url: str | None = field(default=None, repr=False)
    slack_channel: str | None = None
    slack_mention_users: Sequence[str] = ()
    slack_mention_channel: bool = False
    webhook_url: str | None = field(default=None, repr=False)
    webhook_headers: Mapping[str, str] | None = field(default=None, repr=False)
    webhook_method: WebhookMethod | None = None

    def check(self, *, stored: bool) -> None:
        """Raise InvalidRequest naming every field that cannot be; `stored` when there is a URL to stay with.

        The message repeats no secret.
        """
        require([*self._foreign(), *self._missing(stored=stored), *self._wrong()])

    @property
    def url(self) -> str | None:
        """The URL that is new, as clients understand it."""
        given = self.slack_webhook_url or self.webhook_url
        return None if given is None else read_url(given)[0]

    def columns(self) -> dict[str, object]:
        """Return the columns that are kept in the clear."""
        given = self.slack_webhook_url or self.webhook_url
        host = {} if given is None else {"url_host": read_url(given)[1]}
        return {"name": self.name, "is_default": self.is_default, **{n: self._clear(n) for n in _IN_THE_CLEAR}, **host}

    def secrets(self) -> dict[SealedColumn, str | None]:
        """Return what is to be sealed, or emptied, by its column; what is not among it stays."""
        found: dict[SealedColumn, str | None] = {}
        if self.url is not None:
            found[SLACK_URL if self.channel_type is ChannelType.SLACK else WEBHOOK_URL] = self.url
        if self.webhook_headers is not None:
            headers = dict(self.webhook_headers)
            found[WEBHOOK_HEADERS] = json.dumps(headers, sort_keys=True) if headers else None
        return found

    def _clear(self, name: str) -> object:
        """A field of another type is NULL, and a list of another type is empty."""
        value = getattr(self, name)
        if isinstance(value, list | tuple):
            return list(value)
        if name not in FIELDS[self.channel_type]:
            return None
        return (value or WebhookMethod.POST).value if name == "webhook_method" else value

    def _foreign(self) -> Iterator[Check]:
        own = FIELDS[self.channel_type]
        for item in fields(self):
            if item.name in own or not any(item.name in names for names in FIELDS.values()):
                continue
            if getattr(self, item.name) not in (None, False, (), []):
                told = f"is not a field of {self.channel_type} channels, which have {', '.join(own)}"
                yield failed(item.name, told)

    def _missing(self, *, stored: bool) -> Iterator[Check]:
        needed = FIELDS[self.channel_type][0]
        if not getattr(self, needed) and not (stored and self.channel_type is not ChannelType.EMAIL):
            yield failed(needed, f"is needed for a channel of the type {self.channel_type}")

    def _wrong(self) -> Iterator[Check]:
        rules: dict[str, Callable[[Any], str]] = {
            "name": lambda value: label_problem(value, MAX_NAME) or self._secret_in(value),
            "email_recipients": _recipients_problem,
            "email_cc_recipients": _recipients_problem,
            "email_subject_prefix": lambda value: label_problem(value, MAX_PREFIX),
            "slack_webhook_url": url_problem,
            "slack_channel": _slack_channel_problem,
            "slack_mention_users": _mentions_problem,
            "webhook_url": url_problem,
            "webhook_headers": headers_problem,
        }
        for name, rule in rules.items():
            value = getattr(self, name)
            if value is not None and (what := rule(value)):
                yield failed(name, what)

    def _secret_in(self, name: str) -> str:
        held = [self.slack_webhook_url, self.webhook_url, *(self.webhook_headers or {}).values()]
        return "holds a secret, and is stored in the clear" if any(item and item in name for item in held) else ""


@dataclass(frozen=True, slots=True)
class Channel:
    """What is told of a stored channel: of its secrets the host of a URL, and whether there are headers."""

    channel_id: str
    org_slug: str
    channel_type: str
    name: str
    is_default: bool
    is_active: bool
    email_recipients: list[str]
    email_cc_recipients: list[str]
    email_subject_prefix: str | None
    slack_channel: str | None
    slack_mention_users: list[str]
    slack_mention_channel: bool
    webhook_method: str | None
    masked_url: str | None
    masked_headers: str | None
    created_at: datetime
    created_by: str | None
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class ChannelPage:
    """One page of an organization's channels, the oldest first; `total` counts all that match."""

    channels: list[Channel]
    total: int
    limit: int
    offset: int


def masked_url(host: str | None) -> str:
    """Return what is shown in the place of a URL."""
    return f"https://{host}/{_MASK}" if host else _MASK


def masked_headers(sealed: object) -> str | None:
    """Return what is shown in the place of headers; None where there are none."""
    return None if sealed is None else _MASK


def _recipients_problem(given: Sequence[str]) -> str:
    if len(given) > MAX_RECIPIENTS:
        return f"has {len(given)} addresses; at most {MAX_RECIPIENTS} are allowed"
    if len({address.lower() for address in given}) < len(given):
        return "names an address twice"
    return next((f"{address!r} {what}" for address in given if (what := email_problem(address))), "")


def _slack_channel_problem(given: str) -> str:
    return "" if re.fullmatch(_SLACK_CHANNEL, given) else "is not a channel of Slack, such as #finops"


def _mentions_problem(given: Sequence[str]) -> str:
    if len(given) > MAX_MENTIONS:
        return f"has {len(given)} members; at most {MAX_MENTIONS} are allowed"
    wrong = next((member for member in given if not re.fullmatch(_SLACK_MEMBER, member, re.ASCII)), None)
    return "" if wrong is None else f"{wrong!r} is not a member's id of Slack, such as U012AB3CD"
