"""The audit trail over HTTP: what is in it after real requests, who may read it, and its verification."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.acme import ACME
from tests.api.live import Live

OWN = "/api/v1/organizations/acme_corp/audit-logs"
PLATFORM = "/api/v1/admin/audit-logs"
VERIFY = "/api/v1/admin/audit-logs/verify"
AS_NOBODY = {"X-CA-Root-Key": ""}


def logs(client: TestClient, path: str = OWN, **query: Any) -> list[dict[str, Any]]:
    answer = client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["logs"])


def told(log: dict[str, Any]) -> str:
    return f"{log['user_id']} {log['action']} {log['resource_type']} {log['resource_id']} {log['status']}"


def test_every_change_is_told_once(client: TestClient) -> None:
    client.post("/api/v1/admin/bootstrap", json={})
    client.post("/api/v1/admin/bootstrap/sync", json={})
    answer = client.post("/api/v1/organizations/onboard", json=ACME, headers={"User-Agent": "tests/1"})
    key = answer.json()["api_key"]
    client.post("/api/v1/organizations/acme_corp/sync", json={}, headers={**AS_NOBODY, "X-API-Key": key})
    assert [told(log) for log in reversed(logs(client, PLATFORM))] == [
        "administrator CREATE DATASET organizations SUCCESS",
        "administrator SYNC DATASET organizations SUCCESS",
    ]
    sync, onboarding = logs(client)
    assert told(onboarding) == "administrator CREATE ORGANIZATION acme_corp SUCCESS"
    assert told(sync) == "acme_corp SYNC ORGANIZATION acme_corp SUCCESS"
    assert onboarding["request_id"] == answer.headers["X-Request-ID"]
    assert (onboarding["user_agent"], onboarding["ip_address"]) == ("tests/1", "testclient")
    assert onboarding["details"]["org_api_key_id"] == sync["api_key_id"]
    assert key not in str((sync, onboarding))


def test_failed_and_refused_requests_are_told(onboarded: TestClient, acme_key: str) -> None:
    onboarded.post("/api/v1/organizations/onboard", json=ACME)
    onboarded.get("/api/v1/organizations/other_org/status", headers={**AS_NOBODY, "X-API-Key": acme_key})
    onboarded.get("/api/v1/organizations/acme_corp/status", headers={**AS_NOBODY, "X-API-Key": "acme_corp_api_no"})
    onboarded.get("/api/v1/admin/bootstrap/status", headers={"X-CA-Root-Key": "wrong"})
    refused, failed, _onboarded = logs(onboarded)
    assert told(refused) == "acme_corp READ REQUEST /api/v1/organizations/other_org/status DENIED"
    assert told(failed) == "administrator CREATE ORGANIZATION acme_corp FAILURE"
    assert failed["error_message"] == "Organization already exists: acme_corp"
    assert [told(log) for log in logs(onboarded, PLATFORM, status="DENIED")] == [
        "anonymous READ REQUEST /api/v1/admin/bootstrap/status DENIED",
        "anonymous READ REQUEST /api/v1/organizations/acme_corp/status DENIED",
    ]


def test_a_refused_path_is_told_as_it_was_sent(onboarded: TestClient) -> None:
    onboarded.get("/api/v1/organizations/x%0a%1b%23y/status", headers={"X-CA-Root-Key": "wrong", "Host": "a/b?"})
    assert logs(onboarded, PLATFORM, status="DENIED")[0]["resource_id"] == "/api/v1/organizations/x\n\x1b#y/status"


def test_an_organization_reads_its_own_log_and_no_other(onboarded: TestClient, acme_key: str) -> None:
    own = {**AS_NOBODY, "X-API-Key": acme_key}
    assert onboarded.get(OWN, headers=own).status_code == 200
    assert onboarded.get(OWN.replace("acme_corp", "other_org"), headers=own).status_code == 403
    assert onboarded.get(PLATFORM, headers=own).status_code == 401
    assert onboarded.post(VERIFY, json={}, headers=own).status_code == 401
    assert onboarded.get(OWN.replace("acme_corp", "other_org")).status_code == 404


@pytest.fixture
def busy(onboarded: TestClient) -> TestClient:
    """A log of eight rows."""
    for _ in range(6):
        onboarded.post("/api/v1/organizations/acme_corp/sync", json={})
    onboarded.post("/api/v1/organizations/onboard", json=ACME)
    return onboarded


def test_pages_stay_right_while_rows_are_added(busy: TestClient, live: Live) -> None:
    live.execute(
        "INSERT INTO organizations.org_audit_logs (audit_id, org_slug, action, resource_type, status, created_at) "
        "SELECT 'old-' || i, 'acme_corp', 'SYNC', 'ORGANIZATION', 'SUCCESS', make_timestamptz(1000000 * i) "
        "FROM range(3) AS t(i)"
    )
    seen: list[Any] = []
    cursor = None
    while True:
        page = busy.get(OWN, params={"limit": 3, **({"cursor": cursor} if cursor else {})}).json()
        seen += [log["sequence"] or log["audit_id"] for log in page["logs"]]
        busy.post("/api/v1/organizations/acme_corp/sync", json={})
        if not (cursor := page["next_cursor"]):
            break
        assert len(page["logs"]) == 3
    assert seen == [8, 7, 6, 5, 4, 3, 2, 1, "old-2", "old-1", "old-0"]


def test_rows_are_filtered(busy: TestClient) -> None:
    assert len(logs(busy, action="SYNC", limit=4)) == 4
    assert [told(log) for log in logs(busy, status="FAILURE", action="CREATE")] == [
        "administrator CREATE ORGANIZATION acme_corp FAILURE"
    ]
    assert logs(busy, resource_type="API_KEY") == []
    assert logs(busy, api_key_id="nobody's") == []
    first, last = logs(busy)[-1]["created_at"], logs(busy)[0]["created_at"]
    assert [log["sequence"] for log in logs(busy, since=last)] == [8]
    assert [log["sequence"] for log in logs(busy, until=last, since=first, user_id="administrator")] == list(
        range(7, 0, -1)
    )
    for query in ({"cursor": "before-x"}, {"action": "DO"}, {"limit": 0}, {"since": "x"}, {"else": "1"}):
        assert busy.get(OWN, params=query).status_code == 422


def test_verification_tells_the_first_row_that_is_not_as_it_was(busy: TestClient, live: Live) -> None:
    found = busy.post(VERIFY).json()
    assert (found["status"], [chain["organization"] for chain in found["chains"]]) == (
        "INTACT",
        ["system", "acme_corp"],
    )
    live.execute("UPDATE organizations.org_audit_logs SET user_id = 'x' WHERE org_slug = 'acme_corp' AND sequence = 5")
    broken = busy.post(VERIFY, json={"organization": "acme_corp", "checkpoint": found["checkpoint"]}).json()
    (chain,) = broken["chains"]
    assert (broken["status"], chain["breach"], chain["broken_at"]) == ("BROKEN", "ALTERED", 5)
    assert busy.post(VERIFY, json={"organization": "no_such_org"}).status_code == 404
    assert busy.post(VERIFY, json={"organization": "Not A Slug"}).status_code == 422


def test_before_bootstrap_there_is_no_trail(client: TestClient) -> None:
    for answer in (client.get(PLATFORM), client.get(OWN), client.post(VERIFY)):
        assert (answer.status_code, answer.json()["code"]) == (409, "not_bootstrapped")
