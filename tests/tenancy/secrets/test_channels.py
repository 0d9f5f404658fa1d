"""Notification channels: sealed like everything else, one default of a type, never told in full."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from cloudact.errors import ChannelNotFound, InvalidRequest, NotBootstrapped, OrganizationNotFound, SealBroken
from cloudact.tenancy.checks import OnboardingRequest
from cloudact.tenancy.idempotency.operation import Operation
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.notifications.channel import ChannelPage, ChannelType, NewChannel, WebhookMethod
from cloudact.tenancy.notifications.channels import Channels
from cloudact.tenancy.secrets.columns import SLACK_URL, WEBHOOK_HEADERS, WEBHOOK_URL
from cloudact.tenancy.secrets.sealing import SealingStatus
from cloudact.warehouse.driver import Equals
from tests.acme import ACME
from tests.api.live import duckdb_of
from tests.tenancy.secrets.vault import ACTOR, Vault

ACME_SLUG, GLOBEX = OrgSlug("acme_corp"), OrgSlug("globex")
URL = "https://hooks.example.com/canary/71c5e9a3d8f2"
HEADERS = {"Authorization": "Bearer canary-9b3d5f7a1c2e"}
EMAIL = NewChannel(ChannelType.EMAIL, "FinOps", email_recipients=["finops@acme.com", "cfo@acme.com"])
SLACK = NewChannel(ChannelType.SLACK, "On call", slack_webhook_url=URL, slack_mention_users=["U012AB3CD"])
WEBHOOK = NewChannel(ChannelType.WEBHOOK, "Incidents", webhook_url=URL, webhook_headers=HEADERS)


def use_cases(vault: Vault) -> Channels:
    services = vault.services
    keys = services.channels
    return Channels(services.catalogs, vault.warehouse, vault.sealer, keys.clock, keys.new_id, services.trail)


def onboard(vault: Vault, slug: str = ACME_SLUG) -> None:
    vault.services.onboarding.onboard(OnboardingRequest(**{**ACME, "org_slug": slug}))


def listed(channels: Channels, slug: OrgSlug = ACME_SLUG, **wanted: Any) -> ChannelPage:
    return channels.page(slug, **{"limit": 100, "offset": 0, **wanted})


def defaults(channels: Channels, **wanted: Any) -> list[tuple[str, str]]:
    return [(item.channel_type, item.name) for item in listed(channels, **wanted).channels if item.is_default]


def rows(vault: Vault, *columns: str) -> list[dict[str, Any]]:
    return vault.warehouse.run(lambda session: session.select(vault.dataset, SLACK_URL.table, columns))


def test_a_channel_of_each_type_is_stored_sealed_replaced_and_taken_out_of_use(any_vault: Vault) -> None:
    onboard(any_vault)
    channels = use_cases(any_vault)
    email, slack, webhook = (channels.create(ACME_SLUG, new, actor=ACTOR) for new in (EMAIL, SLACK, WEBHOOK))
    assert listed(channels) == ChannelPage([email, slack, webhook], 3, 100, 0)
    assert channels.show(ACME_SLUG, webhook.channel_id) == webhook
    assert (email.email_recipients, email.masked_url) == (["finops@acme.com", "cfo@acme.com"], None)
    assert (slack.masked_url, slack.slack_mention_users) == ("https://hooks.example.com/****", ["U012AB3CD"])
    assert (webhook.masked_url, webhook.masked_headers) == ("https://hooks.example.com/****", "****")
    assert any_vault.opened(SLACK_URL) == {slack.channel_id: URL}
    assert any_vault.opened(WEBHOOK_URL) == {webhook.channel_id: URL}
    assert {name: json.loads(text) for name, text in any_vault.opened(WEBHOOK_HEADERS).items()} == {
        webhook.channel_id: HEADERS
    }
    assert "canary" not in repr([email, slack, webhook])
    new = NewChannel(ChannelType.EMAIL, "CFO", email_cc_recipients=[], email_recipients=["cfo@acme.com"])
    changed = channels.replace(ACME_SLUG, email.channel_id, new, actor=ACTOR)
    assert (changed.name, changed.email_recipients) == ("CFO", ["cfo@acme.com"])
    assert channels.show(ACME_SLUG, email.channel_id) == changed
    bare = NewChannel(ChannelType.SLACK, "On call", is_default=True)
    changed = channels.replace(ACME_SLUG, slack.channel_id, bare, actor=ACTOR)
    assert (changed.slack_mention_users, changed.is_default) == ([], True)
    gone = channels.deactivate(ACME_SLUG, slack.channel_id, actor=ACTOR)
    assert (gone.is_active, gone.is_default) == (False, False)
    assert any_vault.opened(SLACK_URL) == {slack.channel_id: URL}
    assert listed(channels).total == 2
    assert listed(channels, inactive=True).total == 3


def test_secrets_that_are_not_given_stay_and_others_take_their_place(acme: Vault) -> None:
    channels = use_cases(acme)
    made = channels.create(ACME_SLUG, WEBHOOK, actor=ACTOR)
    kept = NewChannel(ChannelType.WEBHOOK, "Others", webhook_method=WebhookMethod.PUT)
    changed = channels.replace(ACME_SLUG, made.channel_id, kept, actor=ACTOR)
    assert (changed.masked_url, changed.masked_headers, changed.webhook_method) == (made.masked_url, "****", "PUT")
    assert acme.opened(WEBHOOK_URL) == {made.channel_id: URL}
    other = NewChannel(ChannelType.WEBHOOK, "x", webhook_url="https://example.org:8443/b", webhook_headers={})
    changed = channels.replace(ACME_SLUG, made.channel_id, other, actor=ACTOR)
    assert (changed.masked_url, changed.masked_headers) == ("https://example.org:8443/****", None)
    assert acme.opened(WEBHOOK_URL) == {made.channel_id: "https://example.org:8443/b"}
    assert acme.opened(WEBHOOK_HEADERS) == {}
    assert channels.show(ACME_SLUG, made.channel_id) == changed


def test_a_channel_keeps_its_type(acme: Vault) -> None:
    channels = use_cases(acme)
    made = channels.create(ACME_SLUG, SLACK, actor=ACTOR)
    with pytest.raises(InvalidRequest, match="channel_type: is SLACK for good"):
        channels.replace(ACME_SLUG, made.channel_id, WEBHOOK, actor=ACTOR)
    assert channels.show(ACME_SLUG, made.channel_id) == made
    assert acme.opened(WEBHOOK_URL) == {}


def test_one_channel_of_a_type_is_the_default(acme: Vault) -> None:
    channels = use_cases(acme)
    one, two, other = (
        channels.create(ACME_SLUG, NewChannel(kind, name, True, **given), actor=ACTOR)
        for kind, name, given in (
            (ChannelType.SLACK, "one", {"slack_webhook_url": URL}),
            (ChannelType.SLACK, "two", {"slack_webhook_url": URL}),
            (ChannelType.WEBHOOK, "other", {"webhook_url": URL}),
        )
    )
    assert defaults(channels) == [("SLACK", "two"), ("WEBHOOK", "other")]
    channels.replace(ACME_SLUG, one.channel_id, NewChannel(ChannelType.SLACK, "one", is_default=True), actor=ACTOR)
    assert defaults(channels) == [("SLACK", "one"), ("WEBHOOK", "other")]
    channels.replace(ACME_SLUG, one.channel_id, NewChannel(ChannelType.SLACK, "one", is_default=True), actor=ACTOR)
    assert defaults(channels, inactive=True) == [("SLACK", "one"), ("WEBHOOK", "other")]
    channels.deactivate(ACME_SLUG, one.channel_id, actor=ACTOR)
    channels.replace(ACME_SLUG, other.channel_id, NewChannel(ChannelType.WEBHOOK, "other"), actor=ACTOR)
    assert defaults(channels, inactive=True) == []
    assert not channels.show(ACME_SLUG, two.channel_id).is_default


def test_of_those_who_make_a_default_at_once_exactly_one_is_it(any_vault: Vault) -> None:
    onboard(any_vault)
    channels = use_cases(any_vault)
    first = channels.create(ACME_SLUG, SLACK, actor=ACTOR)

    def make(number: int) -> None:
        new = NewChannel(ChannelType.SLACK, f"number {number}", True, slack_webhook_url=URL if number else None)
        if number:
            channels.create(ACME_SLUG, new, actor=ACTOR)
        else:
            channels.replace(ACME_SLUG, first.channel_id, new, actor=ACTOR)

    with ThreadPoolExecutor(5) as threads:
        list(threads.map(make, range(5)))
    assert listed(channels).total == 5
    assert len(defaults(channels)) == 1


def test_they_are_listed_by_type_and_page_the_oldest_first(acme: Vault) -> None:
    channels = use_cases(acme)
    made = [channels.create(ACME_SLUG, new, actor=ACTOR) for new in (WEBHOOK, EMAIL, SLACK, EMAIL)]
    assert [item.channel_id for item in listed(channels).channels] == [item.channel_id for item in made]
    page = listed(channels, limit=1, offset=1, channel_type=ChannelType.EMAIL)
    assert ([item.channel_id for item in page.channels], page.total) == ([made[3].channel_id], 2)


def test_what_is_not_there_is_not_found_and_nothing_is_sealed_for_it(acme: Vault) -> None:
    channels = use_cases(acme)
    gone = channels.create(ACME_SLUG, SLACK, actor=ACTOR).channel_id
    channels.deactivate(ACME_SLUG, gone, actor=ACTOR)
    for channel_id in ("no-such-channel", gone):
        with pytest.raises(ChannelNotFound, match=f"acme_corp has no active notification channel {channel_id}"):
            channels.show(ACME_SLUG, channel_id)
        with pytest.raises(ChannelNotFound):
            channels.replace(ACME_SLUG, channel_id, SLACK, actor=ACTOR)
        with pytest.raises(ChannelNotFound):
            channels.deactivate(ACME_SLUG, channel_id, actor=ACTOR)
    for use in (lambda: channels.create(GLOBEX, SLACK, actor=ACTOR), lambda: listed(channels, GLOBEX)):
        with pytest.raises(OrganizationNotFound):
            use()
    assert rows(acme, "org_slug", "is_active") == [{"org_slug": "acme_corp", "is_active": False}]


def test_an_organization_sees_and_changes_its_own_only(acme: Vault) -> None:
    onboard(acme, GLOBEX)
    channels = use_cases(acme)
    new = NewChannel(ChannelType.SLACK, "theirs", is_default=True, slack_webhook_url=URL)
    ours, theirs = (channels.create(slug, new, actor=ACTOR) for slug in (ACME_SLUG, GLOBEX))
    assert [item.channel_id for item in listed(channels, GLOBEX).channels] == [theirs.channel_id]
    for use in (channels.show, lambda *which: channels.deactivate(*which, actor=ACTOR)):
        with pytest.raises(ChannelNotFound):
            use(GLOBEX, ours.channel_id)
    with pytest.raises(ChannelNotFound):
        channels.replace(GLOBEX, ours.channel_id, SLACK, actor=ACTOR)
    assert channels.show(ACME_SLUG, ours.channel_id) == ours


def test_a_url_copied_to_another_place_does_not_open(acme: Vault) -> None:
    channels = use_cases(acme)
    one, two = (channels.create(ACME_SLUG, WEBHOOK, actor=ACTOR).channel_id for _ in range(2))
    held = acme.raw(WEBHOOK_URL)[WEBHOOK_URL.context("acme_corp", one)]
    for column, organization, row in ((WEBHOOK_URL, "acme_corp", two), (WEBHOOK_URL, "globex", one)):
        with pytest.raises(SealBroken):
            acme.sealer.open(WEBHOOK_URL.from_column(held), column.context(organization, row))
    with pytest.raises(SealBroken):
        acme.sealer.open(WEBHOOK_URL.from_column(held), WEBHOOK_HEADERS.context("acme_corp", one))


def test_what_was_stored_over_the_use_case_is_counted_and_sealed_anew(any_vault: Vault) -> None:
    onboard(any_vault)
    channels = use_cases(any_vault)
    made = [channels.create(ACME_SLUG, new, actor=ACTOR) for new in (SLACK, WEBHOOK)]
    old = any_vault.sealer.known_keys()[0].key_id
    before = {column: any_vault.raw(column) for column in (SLACK_URL, WEBHOOK_URL, WEBHOOK_HEADERS)}
    new = any_vault.sealing().rotate(actor=ACTOR).key_id
    needed = {key.key_id: key.values for key in any_vault.sealing().status().keys}
    assert (needed[new], needed[old] >= 3) == (0, True)
    assert any_vault.sealing().reseal(actor=ACTOR).failed == 0
    state = any_vault.sealing().status()
    assert state.status is SealingStatus.CURRENT
    counted = {item.column: (item.values, item.current) for item in state.columns if item.table == SLACK_URL.table}
    assert set(counted.values()) == {(1, 1)}
    assert len(counted) == 3
    for column, held in before.items():
        assert all(held[place] != value for place, value in any_vault.raw(column).items() if value is not None)
    assert any_vault.opened(SLACK_URL) == {made[0].channel_id: URL}
    assert any_vault.opened(WEBHOOK_URL) == {made[1].channel_id: URL}
    assert listed(channels).channels == made


def test_another_attempt_at_the_same_request_makes_no_other_channel(acme: Vault) -> None:
    channels = use_cases(acme)
    operation = Operation("record", "digest", datetime(2026, 3, 1, tzinfo=UTC), resumed=False, _key=b"x" * 32)
    made = [channels.create(ACME_SLUG, SLACK, actor=ACTOR, operation=operation) for _ in range(2)]
    assert made[0] == made[1]
    assert listed(channels).total == 1
    recorded = [Equals("resource_type", "NOTIFICATION")]
    assert acme.warehouse.run(lambda session: session.count(acme.dataset, "org_audit_logs", recorded)) == 1


def test_what_cannot_be_stored_changes_nothing(acme: Vault) -> None:
    channels = use_cases(acme)
    made = channels.create(ACME_SLUG, SLACK, actor=ACTOR)
    wrong = NewChannel(ChannelType.SLACK, "x", slack_webhook_url="https://169.254.169.254/latest/meta-data")
    with pytest.raises(InvalidRequest, match="slack_webhook_url: leads to a private"):
        channels.create(ACME_SLUG, wrong, actor=ACTOR)
    with pytest.raises(InvalidRequest):
        channels.replace(ACME_SLUG, made.channel_id, wrong, actor=ACTOR)
    assert listed(channels).channels == [made]


def test_a_table_of_an_earlier_catalog_is_named_with_what_it_lacks(acme: Vault) -> None:
    with duckdb_of(acme.services).connect() as connection:
        connection.execute(f"ALTER TABLE {acme.dataset}.{SLACK_URL.table} DROP COLUMN url_host")
    with pytest.raises(NotBootstrapped) as refused:
        listed(use_cases(acme))
    assert "org_notification_channels.url_host" in refused.value.message
