"""Who may call what: the administrator everything, an organization its own status, nobody else anything."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient

from tests.acme import ACME, ROOT_KEY
from tests.api.documented import Operation, operations
from tests.api.live import Live
from tests.api.published import ACME_STATUS, ONBOARD, ORGANIZATIONS

OPEN = {"GET /healthz", "GET /readyz"}
FOR_ORGANIZATIONS = {"GET /api/v1/organizations/{org_slug}/status"}
OPERATIONS = list(operations())
PROTECTED = [operation for operation in OPERATIONS if str(operation) not in OPEN]
ADMINISTRATORS = [operation for operation in PROTECTED if str(operation) not in FOR_ORGANIZATIONS]
WRONG_ROOT_KEYS = ["wrong", ROOT_KEY[:-1], ROOT_KEY + "x", ROOT_KEY.upper(), "ключ".encode()]
Call = Callable[..., int]

protected = pytest.mark.parametrize("operation", PROTECTED, ids=str)
administrators = pytest.mark.parametrize("operation", ADMINISTRATORS, ids=str)


@pytest.fixture
def call(bootstrapped: TestClient) -> Call:
    """Call an operation, with a body that would be accepted, as whoever sends these two headers."""
    del bootstrapped.headers["X-CA-Root-Key"]

    def ask(operation: Operation, *, root: str | bytes | None = None, key: str | None = None) -> int:
        named = {"X-CA-Root-Key": root, "X-API-Key": key}
        headers = {name: value for name, value in named.items() if value is not None}
        named_anew = {**ACME, "org_slug": "newcomer"} if operation.url() in {ONBOARD, f"{ORGANIZATIONS}/dryrun"} else {}
        given = {"json": named_anew or operation.body["examples"][0]} if operation.body else {}
        return bootstrapped.request(operation.method, operation.url(), headers=headers, **given).status_code

    return ask


@pytest.fixture
def globex_key(bootstrapped: TestClient, acme_key: str) -> str:
    """The API key of a second organization."""
    return str(bootstrapped.post(ONBOARD, json={**ACME, "org_slug": "globex"}).json()["api_key"])


def status_with(client: TestClient, key: str) -> int:
    return client.get(ACME_STATUS, headers={"X-API-Key": key, "X-CA-Root-Key": ""}).status_code


def test_every_operation_but_health_is_protected_by_its_document() -> None:
    schemes = {str(operation): operation.spec.get("security", []) for operation in OPERATIONS}
    assert {name for name, security in schemes.items() if not security} == OPEN
    assert {name for name, security in schemes.items() if {"OrganizationKey": []} in security} == FOR_ORGANIZATIONS
    assert all({"RootKey": []} in security for name, security in schemes.items() if name not in OPEN)


@pytest.mark.parametrize("operation", [item for item in OPERATIONS if str(item) in OPEN], ids=str)
def test_health_needs_no_key(call: Call, operation: Operation) -> None:
    assert call(operation) == 200


@protected
def test_the_administrator_may_call_everything(acme_key: str, call: Call, operation: Operation) -> None:
    not_there = {404} if "{run_id}" in operation.path or "{backup}" in operation.path else set()
    assert call(operation, root=ROOT_KEY) in {200, 201} | not_there


@protected
def test_without_a_key_nothing_happens(
    acme_key: str, globex_key: str, live: Live, call: Call, operation: Operation
) -> None:
    live.execute("DROP TABLE acme_corp_prod.subscription_plans")
    live.execute("DROP TABLE organizations.org_audit_logs")
    before = live.snapshot()
    assert call(operation) == 401
    assert call(operation, root="") == 401
    assert live.snapshot() == before


@protected
def test_with_a_wrong_root_key_nothing_happens(acme_key: str, live: Live, call: Call, operation: Operation) -> None:
    live.execute("DROP TABLE organizations.org_audit_logs")
    before = live.snapshot()
    for wrong in WRONG_ROOT_KEYS:
        assert call(operation, root=wrong) == 401, wrong
    assert call(operation, root=acme_key) == 401
    assert call(operation, root="wrong", key=acme_key) == 401
    assert live.snapshot() == before


@protected
def test_with_a_key_nobody_has_nothing_happens(acme_key: str, live: Live, call: Call, operation: Operation) -> None:
    before = live.snapshot()
    for wrong in ("wrong", acme_key[:-1], f"{acme_key}x", ROOT_KEY):
        assert call(operation, key=wrong) == 401, wrong
    assert live.snapshot() == before


@administrators
def test_an_organizations_key_does_not_open_what_is_the_administrators(
    acme_key: str, live: Live, call: Call, operation: Operation
) -> None:
    before = live.snapshot()
    assert call(operation, key=acme_key) in {401, 403}
    assert live.snapshot() == before


def test_an_organization_reads_its_own_status(bootstrapped: TestClient, acme_key: str) -> None:
    answer = bootstrapped.get(ACME_STATUS, headers={"X-API-Key": acme_key, "X-CA-Root-Key": ""})
    assert answer.status_code == 200
    assert (answer.json()["org_slug"], answer.json()["status"]) == ("acme_corp", "SYNCED")


@pytest.mark.parametrize("slug", ["acme_corp", "unknown", "Not-A-Slug"])
def test_an_organization_does_not_read_anothers_status(bootstrapped: TestClient, globex_key: str, slug: str) -> None:
    url = f"{ORGANIZATIONS}/{slug}/status"
    answer = bootstrapped.get(url, headers={"X-API-Key": globex_key, "X-CA-Root-Key": ""})
    assert answer.status_code == 403
    assert answer.json()["code"] == "access_denied"


def test_the_root_key_counts_when_both_are_sent(bootstrapped: TestClient, acme_key: str, globex_key: str) -> None:
    headers = {"X-API-Key": globex_key, "X-CA-Root-Key": ROOT_KEY}
    assert bootstrapped.get(ACME_STATUS, headers=headers).status_code == 200


def test_an_inactive_key_is_no_key(bootstrapped: TestClient, acme_key: str, live: Live) -> None:
    live.execute("UPDATE organizations.org_api_keys SET is_active = FALSE")
    assert status_with(bootstrapped, acme_key) == 401
    live.execute("UPDATE organizations.org_api_keys SET is_active = TRUE")
    assert status_with(bootstrapped, acme_key) == 200


def test_a_suspended_organizations_keys_open_nothing_until_it_is_active_again(
    bootstrapped: TestClient, acme_key: str, live: Live
) -> None:
    again = bootstrapped.post(ONBOARD, json={**ACME, "regenerate_api_key_if_exists": True}).json()["api_key"]
    live.execute("UPDATE organizations.org_profiles SET status = 'SUSPENDED'")
    assert [status_with(bootstrapped, key) for key in (acme_key, again)] == [401, 401]
    live.execute("UPDATE organizations.org_profiles SET status = 'ACTIVE'")
    assert [status_with(bootstrapped, key) for key in (acme_key, again)] == [401, 200]


@pytest.mark.parametrize("gone", ["DELETE FROM organizations.org_profiles", "DROP TABLE organizations.org_profiles"])
def test_a_key_without_a_profile_opens_nothing(bootstrapped: TestClient, acme_key: str, live: Live, gone: str) -> None:
    live.execute(gone)
    assert status_with(bootstrapped, acme_key) == 401


@pytest.mark.parametrize(("days", "answer"), [(-1, 401), (1, 200)])
def test_a_key_works_until_it_expires(
    bootstrapped: TestClient, acme_key: str, live: Live, days: int, answer: int
) -> None:
    live.execute("UPDATE organizations.org_api_keys SET expires_at = ?", datetime.now(UTC) + timedelta(days=days))
    assert status_with(bootstrapped, acme_key) == answer


@pytest.mark.parametrize("gone", ["SCHEMA organizations CASCADE", "TABLE organizations.org_api_keys"])
def test_a_key_is_no_key_once_its_record_is_gone(
    bootstrapped: TestClient, acme_key: str, live: Live, gone: str
) -> None:
    live.execute(f"DROP {gone}")
    assert status_with(bootstrapped, acme_key) == 401


def test_a_refused_caller_is_told_what_to_send_and_nothing_else(client: TestClient) -> None:
    root = client.get(ORGANIZATIONS, headers={"X-CA-Root-Key": "wrong-secret"})
    assert root.json()["code"] == "unauthenticated"
    assert "X-CA-Root-Key" in root.json()["hint"]
    assert root.headers["WWW-Authenticate"]
    key = client.get(ACME_STATUS, headers={"X-CA-Root-Key": "", "X-API-Key": "wrong-secret"})
    assert "X-API-Key" in key.json()["detail"]
    assert "wrong-secret" not in root.text + key.text
    assert ROOT_KEY not in root.text + key.text


@pytest.mark.parametrize(
    "content", [b'{"org_slug": 5}', b"{", b'{"unknown": 1}', b"\xff"], ids=["field", "syntax", "unknown", "bytes"]
)
def test_a_stranger_is_refused_before_the_body_is_looked_at(client: TestClient, content: bytes) -> None:
    headers = {"X-CA-Root-Key": "wrong", "Content-Type": "application/json"}
    assert client.post(ONBOARD, content=content, headers=headers).status_code == 401
