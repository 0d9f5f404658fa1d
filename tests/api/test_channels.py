"""Notification channels over HTTP: an organization makes its own, and nobody reads a URL or a header back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from cloudact.tenancy.secrets.columns import SLACK_URL, WEBHOOK_HEADERS, WEBHOOK_URL
from cloudact.wiring import Services
from tests.acme import ACME
from tests.api.live import Live
from tests.api.published import ONBOARD, ORGANIZATIONS

CHANNELS = f"{ORGANIZATIONS}/acme_corp/notifications/channels"
TABLE = SLACK_URL.table
CANARY = "canary-71c5e9a3d8f2"
URL = f"https://hooks.example.com/{CANARY}"
EMAIL = {"channel_type": "EMAIL", "name": "FinOps", "email_recipients": ["finops@acme.com"]}
SLACK = {"channel_type": "SLACK", "name": "On call", "slack_webhook_url": URL, "slack_channel": "#finops"}
WEBHOOK = {"channel_type": "WEBHOOK", "name": "Incidents", "webhook_url": URL, "webhook_headers": {"X-Key": CANARY}}


@pytest.fixture
def acme(client: TestClient, acme_key: str) -> TestClient:
    """The application as acme_corp itself."""
    del client.headers["X-CA-Root-Key"]
    client.headers["X-API-Key"] = acme_key
    return client


def rows(live: Live) -> list[dict[str, Any]]:
    return live.rows("FROM organizations.org_notification_channels")


def test_an_organization_makes_lists_replaces_and_takes_out_of_use_its_own(acme: TestClient, live: Live) -> None:
    answers = [acme.post(CHANNELS, json=body) for body in (EMAIL, SLACK, WEBHOOK)]
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    email, slack, webhook = (answer.json() for answer in answers)
    assert answers[1].headers["Location"] == f"{CHANNELS}/{slack['channel_id']}"
    assert acme.get(answers[1].headers["Location"]).json() == slack
    assert (slack["masked_url"], slack["slack_channel"]) == ("https://hooks.example.com/****", "#finops")
    assert (webhook["masked_headers"], webhook["webhook_method"], webhook["created_by"]) == (
        "****",
        "POST",
        "acme_corp",
    )
    assert (email["masked_url"], email["masked_headers"], email["email_recipients"]) == (
        None,
        None,
        ["finops@acme.com"],
    )
    page = {"limit": 100, "offset": 0}
    assert acme.get(CHANNELS).json() == {"channels": [email, slack, webhook], "total": 3, **page}
    of_type = acme.get(CHANNELS, params={"channel_type": "SLACK", "limit": 1}).json()
    assert of_type == {"channels": [slack], "total": 1, "limit": 1, "offset": 0}
    one = f"{CHANNELS}/{webhook['channel_id']}"
    kept = {"channel_type": "WEBHOOK", "name": "Incidents", "is_default": True}
    changed = acme.put(one, json=kept).json()
    assert (changed["masked_url"], changed["masked_headers"], changed["is_default"]) == (
        webhook["masked_url"],
        "****",
        True,
    )
    assert acme.put(one, json={**kept, "webhook_headers": {}}).json()["masked_headers"] is None
    gone = acme.delete(one)
    assert (gone.status_code, gone.json()["is_active"]) == (200, False)
    assert acme.get(one).json()["code"] == "channel_not_found"
    assert acme.get(CHANNELS).json()["total"] == 2
    assert acme.get(CHANNELS, params={"include_inactive": True}).json()["total"] == 3
    assert len(rows(live)) == 3
    assert CANARY not in repr(rows(live))


def test_each_change_is_in_the_audit_trail_and_no_secret_with_it(acme: TestClient, live: Live) -> None:
    channel_id = acme.post(CHANNELS, json=WEBHOOK).json()["channel_id"]
    acme.put(f"{CHANNELS}/{channel_id}", json={**WEBHOOK, "name": "Others"})
    acme.put(f"{CHANNELS}/{channel_id}", json=SLACK)
    acme.delete(f"{CHANNELS}/{channel_id}")
    acme.delete(f"{CHANNELS}/{channel_id}")
    found = live.rows(
        "SELECT action, resource_id, status, org_slug, details::VARCHAR AS details, api_key_id, request_id "
        "FROM organizations.org_audit_logs WHERE resource_type = 'NOTIFICATION' ORDER BY sequence"
    )
    assert [(row["action"], row["resource_id"], row["status"]) for row in found] == [
        ("CREATE", channel_id, "SUCCESS"),
        ("UPDATE", channel_id, "SUCCESS"),
        ("UPDATE", channel_id, "FAILURE"),
        ("DELETE", channel_id, "SUCCESS"),
        ("DELETE", channel_id, "FAILURE"),
    ]
    assert all(row["org_slug"] == "acme_corp" and row["api_key_id"] and row["request_id"] for row in found)
    assert json.loads(found[1]["details"]) == {
        "channel_type": "WEBHOOK",
        "name": "Others",
        "changed": ["name", "webhook_headers_encrypted", "webhook_url_encrypted"],
    }
    assert CANARY not in repr(found)


def test_no_answer_holds_a_secret(acme: TestClient, log: Callable[[], str]) -> None:
    made = acme.post(CHANNELS, json=WEBHOOK, headers={"Idempotency-Key": "once"})
    one = f"{CHANNELS}/{made.json()['channel_id']}"
    answers = [
        made,
        acme.post(CHANNELS, json=WEBHOOK, headers={"Idempotency-Key": "once"}),
        acme.get(CHANNELS),
        acme.get(one),
        acme.put(one, json=WEBHOOK),
        acme.post(CHANNELS, json={**WEBHOOK, "webhook_url": f"http://{CANARY}"}),
        acme.post(CHANNELS, json={**WEBHOOK, "webhook_url": f"https://user:{CANARY}@example.com"}),
        acme.post(CHANNELS, json={**WEBHOOK, "webhook_url": [URL]}),
        acme.post(CHANNELS, json={**WEBHOOK, "webhook_headers": {"X-Key": f"{CANARY}\n"}}),
        acme.post(CHANNELS, json={**WEBHOOK, "webhook_headers": {"X-Key": [CANARY]}}),
        acme.post(CHANNELS, json={**WEBHOOK, "webhook_headers": CANARY}),
        acme.post(CHANNELS, json={**WEBHOOK, "name": URL}),
        acme.put(one, json={**SLACK, "name": "another type"}),
        acme.delete(one),
    ]
    assert [answer.status_code for answer in answers] == [201, 201, 200, 200, 200, *[422] * 8, 200]
    assert answers[1].content == made.content
    assert all(CANARY not in answer.text for answer in answers)
    assert CANARY not in log()


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({**EMAIL, "channel_type": "PAGER"}, ["channel_type"]),
        ({**EMAIL, "email_recipients": []}, ["email_recipients"]),
        ({**EMAIL, "email_recipients": ["x"], "name": " "}, ["name", "email_recipients"]),
        ({**EMAIL, "email_recipients": "finops@acme.com"}, ["email_recipients"]),
        ({**EMAIL, "webhook_url": URL}, ["webhook_url"]),
        ({**SLACK, "slack_webhook_url": "https://127.1/x"}, ["slack_webhook_url"]),
        ({**SLACK, "slack_webhook_url": None}, ["slack_webhook_url"]),
        ({**WEBHOOK, "masked_url": "https://hooks.example.com/****"}, ["masked_url"]),
        ({**WEBHOOK, "webhook_method": "GET"}, ["webhook_method"]),
        ({**WEBHOOK, "webhook_headers": {"Host": "x"}}, ["webhook_headers"]),
    ],
)
def test_what_cannot_be_meant_is_refused_by_its_field(
    acme: TestClient, live: Live, body: dict[str, Any], fields: list[str]
) -> None:
    answer = acme.post(CHANNELS, json=body)
    assert answer.status_code == 422
    assert [problem["field"] for problem in answer.json()["errors"]] == fields
    assert rows(live) == []


def test_a_repeat_under_an_idempotency_key_makes_no_other_channel(acme: TestClient, live: Live) -> None:
    key = {"Idempotency-Key": "once"}
    first, again = (acme.post(CHANNELS, json=SLACK, headers=key) for _ in range(2))
    assert again.json() == first.json()
    assert again.headers["Location"] == first.headers["Location"]
    assert len(rows(live)) == 1


def test_the_keys_of_a_suspended_organization_reach_no_channel(bootstrapped: TestClient, acme_key: str) -> None:
    made = bootstrapped.post(CHANNELS, json=SLACK).json()["channel_id"]
    assert bootstrapped.post(f"{ORGANIZATIONS}/acme_corp/suspend").status_code == 200
    own = {"X-API-Key": acme_key, "X-CA-Root-Key": ""}
    one = f"{CHANNELS}/{made}"
    answers = [
        bootstrapped.get(CHANNELS, headers=own),
        bootstrapped.post(CHANNELS, json=SLACK, headers=own),
        bootstrapped.get(one, headers=own),
        bootstrapped.put(one, json=SLACK, headers=own),
        bootstrapped.delete(one, headers=own),
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert bootstrapped.get(one).json()["is_active"]


def test_another_organizations_key_reaches_nothing(bootstrapped: TestClient, acme_key: str) -> None:
    made = bootstrapped.post(CHANNELS, json=SLACK).json()["channel_id"]
    other = bootstrapped.post(ONBOARD, json={**ACME, "org_slug": "globex"}).json()["api_key"]
    del bootstrapped.headers["X-CA-Root-Key"]
    bootstrapped.headers["X-API-Key"] = other
    one, own = f"{CHANNELS}/{made}", f"{ORGANIZATIONS}/globex/notifications/channels/{made}"
    refused = [
        bootstrapped.get(CHANNELS),
        bootstrapped.get(one),
        bootstrapped.put(one, json=SLACK),
        bootstrapped.delete(one),
    ]
    assert {answer.status_code for answer in refused} == {403}
    unknown = [bootstrapped.get(own), bootstrapped.put(own, json=SLACK), bootstrapped.delete(own)]
    assert {answer.status_code for answer in unknown} == {404}
    bootstrapped.headers["X-API-Key"] = acme_key
    assert bootstrapped.get(one).json()["is_active"]


def test_what_was_made_over_http_is_counted_and_sealed_anew(
    own_sealing_key: Path, services: Services, bootstrapped: TestClient, live: Live
) -> None:
    assert bootstrapped.post(ONBOARD, json=ACME).status_code == 201
    made = [bootstrapped.post(CHANNELS, json=body).json()["channel_id"] for body in (SLACK, WEBHOOK)]
    bootstrapped.post("/api/v1/admin/sealing/rotate").raise_for_status()
    assert bootstrapped.post("/api/v1/admin/sealing/reseal").json()["failed"] == 0
    columns = bootstrapped.get("/api/v1/admin/sealing").json()["columns"]
    counted = {item["column"]: (item["values"], item["current"]) for item in columns if item["table"] == TABLE}
    assert counted == dict.fromkeys((SLACK_URL.column, WEBHOOK_URL.column, WEBHOOK_HEADERS.column), (1, 1))
    held = {row["channel_id"]: row for row in rows(live)}
    for column, channel_id, secret in (
        (SLACK_URL, made[0], URL),
        (WEBHOOK_URL, made[1], URL),
        (WEBHOOK_HEADERS, made[1], json.dumps({"X-Key": CANARY})),
    ):
        sealed = column.from_column(held[channel_id][column.column])
        assert services.sealer.open(sealed, column.context("acme_corp", channel_id)).decode() == secret
