"""`Idempotency-Key` over HTTP: one effect and one answer, for every POST there is."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient

from tests.acme import ACME
from tests.api.documented import operations
from tests.api.live import Live

ONBOARD = "/api/v1/organizations/onboard"
KEY = {"Idempotency-Key": "a key"}
REPLAYED = "Idempotency-Replayed"


def test_a_repeat_is_answered_with_the_same_key_and_onboards_nobody(bootstrapped: TestClient, live: Live) -> None:
    first = bootstrapped.post(ONBOARD, json=ACME, headers=KEY)
    again = bootstrapped.post(ONBOARD, json=ACME, headers=KEY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert (first.headers.get(REPLAYED), again.headers[REPLAYED]) == (None, "true")
    assert first.headers["Content-Type"] == again.headers["Content-Type"]
    assert first.headers["X-Request-ID"] != again.headers["X-Request-ID"]
    rows = live.rows("SELECT status FROM organizations.org_api_keys, organizations.org_idempotency_keys")
    assert rows == [{"status": "COMPLETED"}]
    stored = live.rows("SELECT * FROM organizations.org_idempotency_keys")
    assert first.json()["api_key"] not in str(stored)


def test_another_body_under_the_key_is_refused(bootstrapped: TestClient) -> None:
    assert bootstrapped.post(ONBOARD, json=ACME, headers=KEY).status_code == 201
    answer = bootstrapped.post(ONBOARD, json={**ACME, "org_slug": "other_org"}, headers=KEY)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    answer = bootstrapped.post("/api/v1/admin/bootstrap/sync", json={}, headers=KEY)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


def test_an_odd_path_is_not_taken_for_another_one(onboarded: TestClient) -> None:
    paths = [f"/api/v1/organizations/acme_corp/keys/{name}/revoke" for name in ("a%0ab", "ab")]
    codes = [onboarded.post(path, headers=KEY).json()["code"] for path in paths]
    assert codes == ["key_not_found", "idempotency_key_reused"]


def test_a_repeat_while_the_first_is_worked_on_is_told_when_to_come_again(
    bootstrapped: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = bootstrapped.app.state.cloudact.services  # type: ignore[attr-defined]
    began, go_on = threading.Event(), threading.Event()

    def slow(_self: object, request: object) -> object:
        began.set()
        assert go_on.wait(10)
        return dry_run(services.onboarding, request)

    dry_run = type(services.onboarding).dry_run
    monkeypatch.setattr(type(services.onboarding), "dry_run", slow)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(bootstrapped.post, "/api/v1/organizations/dryrun", json=ACME, headers=KEY)
        assert began.wait(10)
        answer = bootstrapped.post("/api/v1/organizations/dryrun", json=ACME, headers=KEY)
        go_on.set()
        assert first.result().status_code == 200
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_in_use")
    assert answer.headers["Retry-After"] == "5"
    assert bootstrapped.post("/api/v1/organizations/dryrun", json=ACME, headers=KEY).headers[REPLAYED] == "true"


def test_an_error_is_not_kept(onboarded: TestClient, live: Live) -> None:
    answer = onboarded.post(ONBOARD, json=ACME, headers=KEY)
    assert (answer.status_code, answer.json()["code"]) == (409, "organization_exists")
    live.execute("DELETE FROM organizations.org_profiles")
    live.execute("DROP SCHEMA acme_corp_prod CASCADE")
    answer = onboarded.post(ONBOARD, json=ACME, headers=KEY)
    assert (answer.status_code, REPLAYED in answer.headers) == (201, False)


def test_a_refused_caller_leaves_nothing(bootstrapped: TestClient, live: Live) -> None:
    for headers in ({"X-CA-Root-Key": "wrong"}, {"X-CA-Root-Key": "", "X-API-Key": "acme_corp_api_wrong"}):
        answer = bootstrapped.post("/api/v1/organizations/acme_corp/sync", json={}, headers={**KEY, **headers})
        assert answer.status_code == 401
    assert live.rows("SELECT * FROM organizations.org_idempotency_keys") == []


def test_a_key_stands_for_one_request_of_each_caller(onboarded: TestClient, acme_key: str) -> None:
    path = "/api/v1/organizations/acme_corp/sync"
    own = {**KEY, "X-CA-Root-Key": "", "X-API-Key": acme_key}
    first = onboarded.post(path, json={"recreate_views": True}, headers=own)
    assert first.status_code == 200
    assert REPLAYED not in onboarded.post(path, json={}, headers=KEY).headers
    assert onboarded.post(path, json={"recreate_views": True}, headers=own).headers[REPLAYED] == "true"


def test_bootstrap_has_one_answer_too(client: TestClient) -> None:
    first = client.post("/api/v1/admin/bootstrap", json={}, headers=KEY)
    again = client.post("/api/v1/admin/bootstrap", json={}, headers=KEY)
    assert first.json()["message"].startswith("20 tables created")
    assert again.json() == first.json()
    assert again.headers[REPLAYED] == "true"


def test_before_bootstrap_a_key_changes_no_answer(client: TestClient) -> None:
    for path in ("/api/v1/organizations/dryrun", ONBOARD):
        plain, keyed = client.post(path, json=ACME), client.post(path, json=ACME, headers=KEY)
        assert keyed.status_code == plain.status_code
        assert keyed.json().get("status") == plain.json().get("status")


@pytest.mark.parametrize("key", ["", "a" * 256, "\u00e9"])
def test_a_key_that_is_none_is_refused(bootstrapped: TestClient, key: str) -> None:
    answer = bootstrapped.post(ONBOARD, json=ACME, headers={"Idempotency-Key": key.encode()})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "Idempotency-Key")


def test_every_post_takes_a_key_and_nothing_else_does() -> None:
    for operation in operations():
        names = [item["name"] for item in operation.spec.get("parameters", ()) if item["in"] == "header"]
        assert ("Idempotency-Key" in names) is (operation.method.upper() == "POST"), operation
