"""`/api/v1/organizations/{org_slug}/keys`: made, listed, rotated and revoked over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.acme import ACME
from tests.api.live import Live
from tests.api.published import ACME_STATUS, ONBOARD, ORGANIZATIONS

KEYS = f"{ORGANIZATIONS}/acme_corp/keys"


def make(client: TestClient, **body: Any) -> dict[str, Any]:
    answer = client.post(KEYS, json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def status_with(client: TestClient, key: str) -> int:
    return client.get(ACME_STATUS, headers={"X-API-Key": key, "X-CA-Root-Key": ""}).status_code


def test_a_key_is_made_and_works_for_what_it_is_for(onboarded: TestClient) -> None:
    made = make(onboarded, scopes=["org:read"], expires_in=3600, name="reporting")
    assert made["key"]["scopes"] == ["org:read"]
    assert (made["key"]["status"], made["key"]["name"], made["replaced"]) == ("ACTIVE", "reporting", None)
    assert status_with(onboarded, made["api_key"]) == 200
    headers = {"X-API-Key": made["api_key"], "X-CA-Root-Key": ""}
    assert onboarded.post(f"{ORGANIZATIONS}/acme_corp/sync", headers=headers).status_code == 403


def test_a_key_without_a_body_is_like_the_first_one(onboarded: TestClient) -> None:
    answer = onboarded.post(KEYS)
    assert answer.status_code == 201
    listed = onboarded.get(KEYS).json()["keys"]
    assert listed[0]["scopes"] == listed[1]["scopes"] == answer.json()["key"]["scopes"]


def test_the_list_holds_no_secret(onboarded: TestClient, acme_key: str, live: Live) -> None:
    made = make(onboarded)
    listed = onboarded.get(KEYS)
    assert listed.json()["total"] == 2
    stored = live.rows("SELECT org_api_key_hash, encrypted_org_api_key FROM organizations.org_api_keys")
    for secret in (acme_key, made["api_key"], *(row["org_api_key_hash"] for row in stored)):
        assert secret not in listed.text
        assert secret.rpartition("_api_")[2].rpartition(":")[2] not in listed.text
    assert all(row["encrypted_org_api_key"] for row in stored)


def test_a_rotated_key_works_for_its_grace_and_a_revoked_one_not_at_all(onboarded: TestClient, acme_key: str) -> None:
    (key,) = onboarded.get(KEYS).json()["keys"]
    rotated = onboarded.post(f"{KEYS}/{key['key_id']}/rotate", json={"grace_seconds": 600}).json()
    assert rotated["replaced"]["replaced_by"] == rotated["key"]["key_id"]
    assert [status_with(onboarded, item) for item in (acme_key, rotated["api_key"])] == [200, 200]
    assert onboarded.post(f"{KEYS}/{key['key_id']}/revoke").json()["status"] == "REVOKED"
    assert [status_with(onboarded, item) for item in (acme_key, rotated["api_key"])] == [401, 200]
    assert onboarded.delete(f"{KEYS}/{rotated['key']['key_id']}").json()["status"] == "REVOKED"
    assert [status_with(onboarded, item) for item in (acme_key, rotated["api_key"])] == [401, 401]
    again = onboarded.post(f"{KEYS}/{key['key_id']}/rotate")
    assert (again.status_code, again.json()["code"]) == (409, "key_not_active")


@pytest.mark.slow
def test_an_organization_that_manages_its_keys_makes_no_better_one(onboarded: TestClient, acme_key: str) -> None:
    manager = make(onboarded, scopes=["keys:manage", "org:read"])["api_key"]
    headers = {"X-API-Key": manager, "X-CA-Root-Key": ""}
    assert onboarded.post(KEYS, json={"scopes": ["org:read"]}, headers=headers).status_code == 201
    more = onboarded.post(KEYS, json={"scopes": ["org:write"]}, headers=headers)
    assert (more.status_code, more.json()["code"]) == (403, "access_denied")
    assert "org:write" in more.json()["detail"]
    by_first = onboarded.post(KEYS, headers={"X-API-Key": acme_key, "X-CA-Root-Key": ""})
    assert by_first.status_code == 403


@pytest.mark.slow
def test_another_organizations_key_is_as_unknown_as_any(onboarded: TestClient) -> None:
    onboarded.post(ONBOARD, json={**ACME, "org_slug": "globex"})
    (theirs,) = onboarded.get(f"{ORGANIZATIONS}/globex/keys").json()["keys"]
    for key_id in (theirs["key_id"], "no-such-key"):
        for answer in (onboarded.delete(f"{KEYS}/{key_id}"), onboarded.post(f"{KEYS}/{key_id}/rotate")):
            assert (answer.status_code, answer.json()["code"]) == (404, "key_not_found")
    assert onboarded.get(f"{ORGANIZATIONS}/globex/keys").json()["keys"] == [theirs]


def test_an_unknown_organization_is_told_to_the_administrator(onboarded: TestClient) -> None:
    for answer in (onboarded.get(f"{ORGANIZATIONS}/nobody/keys"), onboarded.post(f"{ORGANIZATIONS}/nobody/keys")):
        assert (answer.status_code, answer.json()["code"]) == (404, "organization_not_found")


@pytest.mark.parametrize(
    "body",
    [
        {"scopes": []},
        {"scopes": ["org:admin"]},
        {"expires_in": 1},
        {"expires_at": "2027-01-01T00:00:00"},
        {"expires_at": "2020-01-01T00:00:00Z"},
        {"expires_in": 3600, "expires_at": "2027-01-01T00:00:00Z"},
        {"name": ""},
        {"key": "mine"},
    ],
    ids=str,
)
def test_what_no_key_can_be_is_refused(onboarded: TestClient, live: Live, body: dict[str, Any]) -> None:
    before = live.rows("FROM organizations.org_api_keys")
    assert onboarded.post(KEYS, json=body).status_code == 422
    assert live.rows("FROM organizations.org_api_keys") == before


def test_uses_are_written_when_the_service_stops(onboarded: TestClient, acme_key: str, live: Live) -> None:
    assert status_with(onboarded, acme_key) == 200
    assert live.rows("SELECT last_used_at FROM organizations.org_api_keys") == [{"last_used_at": None}]
    onboarded.app.state.cloudact.services.close()
    ((used,),) = [row.values() for row in live.rows("SELECT last_used_at FROM organizations.org_api_keys")]
    assert (used.second, used.microsecond) == (0, 0)
