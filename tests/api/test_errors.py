"""Errors: one problem document for all of them, a status for each, and nothing of the inside let out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from cloudact import errors
from cloudact.api.app import create_app
from cloudact.api.errors import STATUS
from cloudact.wiring import Services
from tests.acme import ACME, ROOT_HEADERS, ROOT_KEY
from tests.api.documented import PROBLEM, check_answer, operations
from tests.api.live import Live
from tests.api.published import ACME_STATUS, ACME_SYNC, BOOTSTRAP, BOOTSTRAP_STATUS, DRYRUN, ONBOARD, ORGANIZATIONS

JSON = {"Content-Type": "application/json"}
TAKING_A_BODY = [operation for operation in operations() if operation.body]


def _family(error: type[errors.CloudactError]) -> Iterator[type[errors.CloudactError]]:
    yield error
    for child in error.__subclasses__():
        yield from _family(child)


@pytest.fixture
def broken(services: Services) -> TestClient:
    """The application with a readiness check that fails in a way nobody foresaw."""

    def ping() -> None:
        raise RuntimeError("a secret of the inside")

    app = create_app(dataclasses.replace(services, ping=ping), SecretStr(ROOT_KEY))
    client = TestClient(app, headers=ROOT_HEADERS, raise_server_exceptions=False)
    client.event_hooks = {"response": [check_answer]}
    return client


def test_every_error_has_a_status() -> None:
    assert set(STATUS) == set(_family(errors.CloudactError))
    assert all(400 <= status <= 599 for status in STATUS.values())


def test_every_error_has_its_own_code() -> None:
    codes = [error.code for error in STATUS]
    assert len(set(codes)) == len(codes)


def test_a_problem_says_what_where_and_what_to_do(onboarded: TestClient) -> None:
    answer = onboarded.post(ONBOARD, json=ACME)
    assert answer.headers["Content-Type"] == PROBLEM
    problem = answer.json()
    assert problem == {
        "type": "urn:cloudact:problem:organization_exists",
        "title": "Conflict",
        "status": 409,
        "detail": "Organization already exists: acme_corp",
        "code": "organization_exists",
        "hint": problem["hint"],
        "instance": "/api/v1/organizations/onboard",
        "request_id": answer.headers["X-Request-ID"],
        "errors": [],
    }
    assert problem["hint"]


@pytest.mark.parametrize("path", ["/", "/api/v1", "/api/v1/tenants", f"{ORGANIZATIONS}/acme_corp"])
def test_a_path_that_does_not_exist_is_a_problem(client: TestClient, path: str) -> None:
    assert (client.get(path).status_code, client.get(path).json()["code"]) == (404, "not_found")


def test_a_method_that_does_not_exist_is_a_problem(client: TestClient) -> None:
    answer = client.delete(BOOTSTRAP)
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert "POST" in answer.headers["Allow"]


def test_a_wrong_method_is_told_every_method_of_the_path(client: TestClient) -> None:
    answer = client.post(f"{ORGANIZATIONS}/acme_corp/hierarchy/entities/DEPT-001")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "DELETE, GET, PATCH, PUT")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", BOOTSTRAP, {"force_recreate_tables": 1}),
        ("POST", ACME_SYNC, {"recreate_views": "yes"}),
        ("PUT", f"{ORGANIZATIONS}/acme_corp/subscription", {"plan_name": "SCALE", "trial_end_date": 0}),
        ("POST", f"{ORGANIZATIONS}/acme_corp/keys", {"expires_in": "7776000"}),
        ("POST", f"{ORGANIZATIONS}/acme_corp/keys", {"expires_at": 4102444800}),
        ("GET", f"{ORGANIZATIONS}/acme_corp/audit-logs?until=0.5", None),
    ],
    ids=str,
)
def test_a_value_of_another_type_is_not_taken_for_what_it_looks_like(
    client: TestClient, method: str, path: str, body: dict[str, object] | None
) -> None:
    answer = client.request(method, path, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


@pytest.mark.parametrize("content", [b"{", b"{'a': 1}", b'{"a": }', b"[1, 2", b"\xff"], ids=repr)
def test_a_body_that_is_not_json_is_named_as_such(bootstrapped: TestClient, live: Live, content: bytes) -> None:
    before = live.snapshot()
    for operation in TAKING_A_BODY:
        answer = bootstrapped.request(operation.method, operation.url(), content=content, headers=JSON)
        assert answer.status_code == 422, str(operation)
        assert answer.json()["code"] == "invalid_request"
        assert [error["field"] for error in answer.json()["errors"]] == ["body"]
        assert "JSON" in answer.json()["detail"]
    assert live.snapshot() == before


@pytest.mark.parametrize("path", [ONBOARD, DRYRUN])
def test_a_body_that_is_needed_and_not_there_is_named(bootstrapped: TestClient, path: str) -> None:
    answer = bootstrapped.post(path)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["body"]


@pytest.mark.parametrize("body", [[], [{}], "text", 5, True], ids=repr)
def test_a_body_that_is_no_object_is_refused(bootstrapped: TestClient, body: object) -> None:
    for operation in TAKING_A_BODY:
        answer = bootstrapped.request(operation.method, operation.url(), json=body)
        assert answer.status_code == 422, str(operation)
        assert [error["field"] for error in answer.json()["errors"]] == ["body"], str(operation)


def test_an_unknown_field_is_refused_by_name(onboarded: TestClient, live: Live) -> None:
    live.execute("DROP TABLE acme_corp_prod.subscription_plans")
    live.execute("DROP TABLE organizations.org_audit_logs")
    before = live.snapshot()
    for operation in TAKING_A_BODY:
        assert operation.body
        known = ACME if "org_slug" in operation.body["properties"] else operation.body["examples"][0]
        answer = onboarded.request(operation.method, operation.url(), json={**known, "sync_mising_tables": False})
        assert answer.status_code == 422, str(operation)
        assert [error["field"] for error in answer.json()["errors"]] == ["sync_mising_tables"], str(operation)
        assert live.snapshot() == before, str(operation)


@pytest.mark.parametrize("given", ["text/plain", "application/x-www-form-urlencoded", None])
def test_another_content_type_is_refused_with_a_hint(bootstrapped: TestClient, given: str | None) -> None:
    headers = {"Content-Type": given} if given else {}
    for operation in TAKING_A_BODY:
        answer = bootstrapped.request(
            operation.method, operation.url(), content=b'{"org_slug": "acme_corp"}', headers=headers
        )
        assert answer.status_code == 422, str(operation)
        assert "Content-Type: application/json" in answer.json()["hint"], str(operation)


@pytest.mark.parametrize("value", ["perhaps", 2, [], None])
def test_a_flag_that_is_no_flag_is_refused_by_name(onboarded: TestClient, value: object) -> None:
    answer = onboarded.post(ACME_SYNC, json={"recreate_views": value})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["recreate_views"]


def test_what_nobody_foresaw_is_a_problem_without_its_trace(broken: TestClient, log: Callable[[], str]) -> None:
    answer = broken.get("/readyz")
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal_error"
    assert all(word not in answer.text for word in ("secret", "RuntimeError", "Traceback", ".py"))
    assert "request_id" in answer.json()["hint"]
    (crash,) = (line for line in log().splitlines() if '"event": "request_crashed"' in line)
    assert answer.json()["request_id"] in crash
    assert "a secret of the inside" in crash


def test_what_nobody_foresaw_still_carries_its_request_id(broken: TestClient) -> None:
    answer = broken.get("/readyz", headers={"X-Request-ID": "call-7"})
    assert answer.json()["request_id"] == "call-7"
    assert answer.headers["X-Request-ID"] == "call-7"


@pytest.mark.parametrize("given", ["call-7", "0", "a.b_c-D", "x" * 128])
def test_a_request_id_is_given_back_and_logged(client: TestClient, log: Callable[[], str], given: str) -> None:
    headers = {"X-Request-ID": given}
    assert client.get(BOOTSTRAP_STATUS, headers=headers).headers["X-Request-ID"] == given
    problem = client.get(ORGANIZATIONS, headers=headers)
    assert problem.headers["X-Request-ID"] == problem.json()["request_id"] == given
    assert log().count(f'"request_id": "{given}"') == 2


@pytest.mark.parametrize("given", ["", "two words", "x" * 129, 'a"b', "<script>", "ü".encode()])
def test_a_request_id_that_could_do_harm_is_replaced(client: TestClient, given: str | bytes) -> None:
    made = client.get("/healthz", headers={"X-Request-ID": given}).headers["X-Request-ID"]
    assert made.isalnum()
    assert len(made) == 32


def test_every_request_has_its_own_id(client: TestClient) -> None:
    assert len({client.get("/healthz").headers["X-Request-ID"] for _ in range(5)}) == 5


def test_a_request_is_logged_once_with_how_it_ended(bootstrapped: TestClient, log: Callable[[], str]) -> None:
    bootstrapped.get(ACME_STATUS)
    (line,) = log().splitlines()
    for part in ('"method": "GET"', f'"path": "{ACME_STATUS}"', '"status": 200', '"duration_ms": '):
        assert part in line


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ORGANIZATIONS), ("GET", ACME_STATUS), ("POST", ACME_SYNC), ("POST", ONBOARD)],
)
def test_a_central_table_without_a_needed_column_sends_people_to_sync(
    onboarded: TestClient, live: Live, method: str, path: str
) -> None:
    live.execute("ALTER TABLE organizations.org_profiles DROP COLUMN default_language")
    body = {"json": {**ACME, "org_slug": "globex"}} if path == ONBOARD else {}
    answer = onboarded.request(method, path, **body)
    assert answer.status_code == 409
    assert "org_profiles" in answer.json()["detail"]
    assert "bootstrap/sync" in answer.json()["hint"]
