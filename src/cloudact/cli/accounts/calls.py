"""Calls on what an organization may use, as a command makes them: in this process, or to a running service."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Protocol

from pydantic_core import to_jsonable_python

from cloudact.cli.render import Answer
from cloudact.tenancy.actor import Actor
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.subscriptions.locale import Locale
from cloudact.tenancy.subscriptions.subscription import NewSubscription, SubscriptionStatus
from cloudact.wiring import Services

Send = Callable[..., Answer]


class AccountCalls(Protocol):
    """Operations on subscriptions, quotas, the life cycle, locales and labels, with answers as the service's JSON."""

    def subscription(self, slug: str) -> Answer:
        """GET /api/v1/organizations/{org_slug}/subscription."""

    def change_subscription(self, slug: str, fields: Mapping[str, Any]) -> Answer:
        """PUT /api/v1/organizations/{org_slug}/subscription."""

    def quota(self, slug: str) -> Answer:
        """GET /api/v1/organizations/{org_slug}/quota."""

    def suspend(self, slug: str) -> Answer:
        """POST /api/v1/organizations/{org_slug}/suspend."""

    def reactivate(self, slug: str) -> Answer:
        """POST /api/v1/organizations/{org_slug}/reactivate."""

    def locale(self, slug: str) -> Answer:
        """GET /api/v1/organizations/{org_slug}/locale."""

    def change_locale(self, slug: str, fields: Mapping[str, Any]) -> Answer:
        """PUT /api/v1/organizations/{org_slug}/locale."""

    def labels(self, slug: str) -> Answer:
        """GET /api/v1/organizations/{org_slug}/labels."""

    def change_labels(self, slug: str, labels: Mapping[str, str | None]) -> Answer:
        """PATCH /api/v1/organizations/{org_slug}/labels."""


class LocalAccountCalls:
    """Carries them out in this process."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def subscription(self, slug: str) -> Answer:
        """See `AccountCalls`."""
        return _plain(self._services.subscriptions.show(OrgSlug(slug)))

    def change_subscription(self, slug: str, fields: Mapping[str, Any]) -> Answer:
        """See `AccountCalls`."""
        new = NewSubscription(
            plan_name=fields["plan_name"],
            status=SubscriptionStatus(fields["status"]),
            trial_end_date=_date(fields["trial_end_date"]),
            subscription_end_date=_date(fields["subscription_end_date"]),
        )
        return _plain(self._services.subscriptions.change(OrgSlug(slug), new, actor=Actor.local()))

    def quota(self, slug: str) -> Answer:
        """See `AccountCalls`."""
        return _plain(self._services.quotas.show(OrgSlug(slug)))

    def suspend(self, slug: str) -> Answer:
        """See `AccountCalls`."""
        return _plain(self._services.lifecycle.suspend(OrgSlug(slug), actor=Actor.local()))

    def reactivate(self, slug: str) -> Answer:
        """See `AccountCalls`."""
        return _plain(self._services.lifecycle.reactivate(OrgSlug(slug), actor=Actor.local()))

    def locale(self, slug: str) -> Answer:
        """See `AccountCalls`."""
        return {"org_slug": slug, **_plain(self._services.locales.show(OrgSlug(slug)))}

    def change_locale(self, slug: str, fields: Mapping[str, Any]) -> Answer:
        """See `AccountCalls`."""
        changed = self._services.locales.change(OrgSlug(slug), Locale(**fields), actor=Actor.local())
        return {"org_slug": slug, **_plain(changed)}

    def labels(self, slug: str) -> Answer:
        """See `AccountCalls`."""
        return {"org_slug": slug, "labels": self._services.labels.show(OrgSlug(slug))}

    def change_labels(self, slug: str, labels: Mapping[str, str | None]) -> Answer:
        """See `AccountCalls`."""
        return {"org_slug": slug, "labels": self._services.labels.merge(OrgSlug(slug), labels, actor=Actor.local())}


class RemoteAccountCalls:
    """Sends them to a running service."""

    def __init__(self, send: Send) -> None:
        self._send = send

    def subscription(self, slug: str) -> Answer:
        """See `AccountCalls`."""
        return self._send("GET", _path(slug, "subscription"))

    def change_subscription(self, slug: str, fields: Mapping[str, Any]) -> Answer:
        """See `AccountCalls`."""
        return self._send("PUT", _path(slug, "subscription"), json=dict(fields))

    def quota(self, slug: str) -> Answer:
        """See `AccountCalls`."""
        return self._send("GET", _path(slug, "quota"))

    def suspend(self, slug: str) -> Answer:
        """See `AccountCalls`."""
        return self._send("POST", _path(slug, "suspend"))

    def reactivate(self, slug: str) -> Answer:
        """See `AccountCalls`."""
        return self._send("POST", _path(slug, "reactivate"))

    def locale(self, slug: str) -> Answer:
        """See `AccountCalls`."""
        return self._send("GET", _path(slug, "locale"))

    def change_locale(self, slug: str, fields: Mapping[str, Any]) -> Answer:
        """See `AccountCalls`."""
        return self._send("PUT", _path(slug, "locale"), json=dict(fields))

    def labels(self, slug: str) -> Answer:
        """See `AccountCalls`."""
        return self._send("GET", _path(slug, "labels"))

    def change_labels(self, slug: str, labels: Mapping[str, str | None]) -> Answer:
        """See `AccountCalls`."""
        return self._send("PATCH", _path(slug, "labels"), json={"labels": dict(labels)})


def _path(slug: str, what: str) -> str:
    return f"/api/v1/organizations/{OrgSlug(slug)}/{what}"


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _plain(result: object) -> Answer:
    answer: Answer = to_jsonable_python(result)
    return answer
