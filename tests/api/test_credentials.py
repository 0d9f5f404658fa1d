"""Credentials over HTTP: an organization stores its own, and nobody reads one back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from cloudact.api.app import create_app
from cloudact.tenancy.secrets.validation import ValidationStatus, Verdict
from cloudact.wiring import Services
from tests.acme import ACME, ROOT_HEADERS, ROOT_KEY
from tests.api.documented import check_answer
from tests.api.live import Live
from tests.api.published import ONBOARD, ORGANIZATIONS

INTEGRATIONS = f"{ORGANIZATIONS}/acme_corp/integrations"
OPENAI = f"{INTEGRATIONS}/openai/credentials/default"
SECRET = "sk-canary-000000000000000000000000wxyz"
BODY = {"credential_type": "API_KEY", "secret": SECRET, "metadata": {"project": "prod"}}


@pytest.fixture
def acme(client: TestClient, acme_key: str) -> TestClient:
    """The application as acme_corp itself."""
    del client.headers["X-CA-Root-Key"]
    client.headers["X-API-Key"] = acme_key
    return client


@pytest.fixture
def validating(services: Services, bootstrapped: TestClient) -> Iterator[TestClient]:
    """The application where a validator for OpenAI is installed."""
    validators = {"OPENAI": lambda subject: Verdict(ValidationStatus.INVALID, f"Incorrect key {subject.secret}")}
    changed = replace(services, credentials=replace(services.credentials, validators=validators), close=lambda: None)
    assert bootstrapped.post(ONBOARD, json=ACME).status_code == 201
    with TestClient(create_app(changed, SecretStr(ROOT_KEY)), headers=ROOT_HEADERS) as client:
        client.event_hooks = {"response": [check_answer]}
        yield client


def test_an_organization_stores_lists_and_takes_out_of_use_its_own(acme: TestClient, live: Live) -> None:
    stored = acme.put(OPENAI, json=BODY).json()
    credential = stored["credential"]
    assert not stored["replaced"]
    assert (credential["provider"], credential["credential_name"]) == ("OPENAI", "default")
    assert (credential["masked"], credential["validation_status"]) == ("****wxyz", "PENDING")
    assert acme.get(INTEGRATIONS).json() == {"credentials": [credential]}
    assert acme.get(OPENAI).json() == credential
    again = acme.put(OPENAI, json={**BODY, "secret": "short"}).json()
    assert (again["replaced"], again["credential"]["masked"]) == (True, "****")
    gone = acme.delete(OPENAI)
    assert (gone.status_code, gone.json()["is_active"]) == (200, False)
    assert acme.get(INTEGRATIONS).json() == {"credentials": []}
    history = acme.get(INTEGRATIONS, params={"include_inactive": True, "provider": "openai"}).json()["credentials"]
    assert [item["is_active"] for item in history] == [False, False]
    rows = live.rows("FROM organizations.org_integration_credentials WHERE org_slug = 'acme_corp'")
    assert len(rows) == 2
    assert SECRET not in repr(rows)


def test_each_change_is_in_the_audit_trail_and_no_secret_with_it(acme: TestClient, live: Live) -> None:
    credential_id = acme.put(OPENAI, json=BODY).json()["credential"]["credential_id"]
    acme.delete(OPENAI)
    acme.delete(OPENAI)
    rows = live.rows(
        "SELECT action, resource_id, status, org_slug, details::VARCHAR AS details, api_key_id, request_id "
        "FROM organizations.org_audit_logs WHERE resource_type = 'CREDENTIAL' ORDER BY sequence"
    )
    assert [(row["action"], row["resource_id"], row["status"]) for row in rows] == [
        ("CREATE", credential_id, "SUCCESS"),
        ("DELETE", credential_id, "SUCCESS"),
        ("DELETE", None, "FAILURE"),
    ]
    assert {row["org_slug"] for row in rows} == {"acme_corp"}
    assert all(row["api_key_id"] and row["request_id"] and '"OPENAI"' in row["details"] for row in rows)
    assert SECRET not in repr(rows)


def test_the_administrator_does_the_same_for_any_organization(bootstrapped: TestClient) -> None:
    assert bootstrapped.post(ONBOARD, json=ACME).status_code == 201
    assert bootstrapped.put(OPENAI, json=BODY).status_code == 200
    assert bootstrapped.get(OPENAI).status_code == 200


def test_no_answer_holds_a_secret(acme: TestClient, log: Callable[[], str]) -> None:
    answers = [
        acme.put(OPENAI, json=BODY),
        acme.get(OPENAI),
        acme.get(INTEGRATIONS),
        acme.post(f"{OPENAI}/validate"),
        acme.put(OPENAI, json={**BODY, "credential_type": SECRET}),
        acme.put(OPENAI, json={**BODY, "metadata": {"key": SECRET}}),
        acme.put(OPENAI, json={**BODY, "secret": [SECRET]}),
        acme.delete(OPENAI),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 422, 422, 422, 200]
    assert all(SECRET not in answer.text for answer in answers)
    assert SECRET not in log()


def test_without_a_validator_the_answer_says_so(acme: TestClient) -> None:
    acme.put(OPENAI, json=BODY)
    answer = acme.post(f"{OPENAI}/validate").json()
    assert (answer["checked"], answer["credential"]["validation_status"]) == (False, "PENDING")
    assert "No validator for OPENAI" in answer["message"]


def test_what_a_validator_says_is_told_without_the_secret(validating: TestClient) -> None:
    validating.put(OPENAI, json=BODY)
    answer = validating.post(f"{OPENAI}/validate").json()
    assert answer["checked"]
    assert answer["credential"]["validation_status"] == "INVALID"
    assert answer["credential"]["last_error"] == answer["message"] == "Incorrect key ****"
    assert validating.get(OPENAI).json() == answer["credential"]


@pytest.mark.parametrize("method", ["get", "delete"])
def test_what_is_not_there_is_not_found(acme: TestClient, method: str) -> None:
    answer = getattr(acme, method)(OPENAI)
    assert (answer.status_code, answer.json()["code"]) == (404, "credential_not_found")
    assert "OPENAI/default" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (OPENAI, {**BODY, "secret": ""}, "secret"),
        (OPENAI, {**BODY, "credential_type": "PASSWORD"}, "credential_type"),
        (OPENAI, {"credential_type": "API_KEY"}, "secret"),
        (OPENAI, {**BODY, "password": "x"}, "password"),
        (OPENAI, {**BODY, "metadata": []}, "metadata"),
        (f"{INTEGRATIONS}/cloudact/credentials/platform-secret", BODY, "provider"),
        (f"{INTEGRATIONS}/openai/credentials/a b", BODY, "credential_name"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_its_field(
    acme: TestClient, live: Live, path: str, body: dict[str, object], field: str
) -> None:
    answer = acme.put(path, json=body)
    assert answer.status_code == 422
    assert [problem["field"] for problem in answer.json()["errors"]] == [field]
    assert live.rows("FROM organizations.org_integration_credentials WHERE org_slug = 'acme_corp'") == []


def test_another_organizations_key_reaches_nothing(bootstrapped: TestClient, acme_key: str) -> None:
    other = bootstrapped.post(ONBOARD, json={**ACME, "org_slug": "globex"}).json()["api_key"]
    bootstrapped.put(OPENAI, json=BODY)
    del bootstrapped.headers["X-CA-Root-Key"]
    bootstrapped.headers["X-API-Key"] = other
    answers = [
        bootstrapped.get(INTEGRATIONS),
        bootstrapped.get(OPENAI),
        bootstrapped.put(OPENAI, json=BODY),
        bootstrapped.delete(OPENAI),
        bootstrapped.post(f"{OPENAI}/validate"),
    ]
    assert {answer.status_code for answer in answers} == {403}
    bootstrapped.headers["X-API-Key"] = acme_key
    assert bootstrapped.get(OPENAI).json()["is_active"]
