"""The sealing key over HTTP: for the administrator only, and never the key itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from cloudact.api.app import create_app
from cloudact.settings import Settings
from cloudact.wiring import build_services
from tests.acme import ACME, ROOT_HEADERS, ROOT_KEY
from tests.api.live import Live
from tests.api.published import ONBOARD, ORGANIZATIONS

SEALING = "/api/v1/admin/sealing"
OPENAI = f"{ORGANIZATIONS}/acme_corp/integrations/openai/credentials/default"


@pytest.fixture
def sealed(own_sealing_key: Path, bootstrapped: TestClient) -> TestClient:
    """The application with a credential of acme_corp."""
    assert bootstrapped.post(ONBOARD, json=ACME).status_code == 201
    assert bootstrapped.put(OPENAI, json={"credential_type": "API_KEY", "secret": "sk-canary"}).status_code == 200
    return bootstrapped


def column(answer: dict[str, list[dict[str, object]]], table: str) -> dict[str, object]:
    return next(item for item in answer["columns"] if item["table"] == table)


def test_a_new_key_is_made_and_everything_sealed_anew(sealed: TestClient, own_sealing_key: Path) -> None:
    before = sealed.get(SEALING).json()
    assert before["status"] == "CURRENT"
    assert column(before, "org_integration_credentials")["values"] >= 1
    rotated = sealed.post(f"{SEALING}/rotate").json()
    assert rotated["place"] == before["place"] == f"local:///{own_sealing_key}"
    between = sealed.get(SEALING).json()
    assert between["status"] == "RESEAL_NEEDED"
    assert [(key["key_id"], key["current"]) for key in between["keys"]] == [
        (rotated["key_id"], True),
        (before["keys"][0]["key_id"], False),
    ]
    done = sealed.post(f"{SEALING}/reseal").json()
    assert (done["status"], done["failed"], done["failures"]) == ("SUCCESS", 0, [])
    assert done["resealed"] == before["keys"][0]["values"]
    assert sealed.get(SEALING).json()["status"] == "CURRENT"
    assert sealed.get(OPENAI).json()["is_active"]


def test_rotating_and_resealing_are_in_the_audit_trail(sealed: TestClient, live: Live) -> None:
    key_id = sealed.post(f"{SEALING}/rotate").json()["key_id"]
    sealed.post(f"{SEALING}/reseal")
    rows = live.rows(
        "SELECT action, details::VARCHAR AS details, status, org_slug FROM organizations.org_audit_logs "
        "WHERE resource_type = 'SEALING_KEY' ORDER BY sequence"
    )
    assert [(row["action"], row["status"], row["org_slug"]) for row in rows] == [
        ("ROTATE", "SUCCESS", "system"),
        ("ROTATE", "SUCCESS", "system"),
        ("UPDATE", "SUCCESS", "system"),
        ("UPDATE", "SUCCESS", "system"),
    ]
    assert key_id in rows[1]["details"]
    assert '"failed": 0' in rows[3]["details"]


def test_no_answer_holds_a_key(sealed: TestClient, own_sealing_key: Path) -> None:
    answers = [sealed.get(SEALING), sealed.post(f"{SEALING}/rotate"), sealed.post(f"{SEALING}/reseal")]
    keys = [key["key"] for key in json.loads(own_sealing_key.read_text())["keys"]]
    assert len(keys) == 2
    assert all(key not in answer.text for answer in answers for key in keys)


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", "/rotate"), ("POST", "/reseal")])
def test_an_organization_has_no_business_there(client: TestClient, acme_key: str, method: str, path: str) -> None:
    del client.headers["X-CA-Root-Key"]
    assert client.request(method, f"{SEALING}{path}", headers={"X-API-Key": acme_key}).status_code == 401


def test_before_the_bootstrap_there_is_nothing_to_tell(client: TestClient) -> None:
    for answer in (client.get(SEALING), client.post(f"{SEALING}/reseal")):
        assert (answer.status_code, answer.json()["code"]) == (409, "not_bootstrapped")


def test_a_lost_platform_secret_is_told_and_no_key_is_replaced_silently(
    process_settings: Settings, bootstrapped: TestClient, acme_key: str, live: Live
) -> None:
    live.execute("DELETE FROM organizations.org_integration_credentials WHERE credential_id = 'platform-secret'")
    services = build_services(process_settings)
    with TestClient(create_app(services, SecretStr(ROOT_KEY)), headers=ROOT_HEADERS) as client:
        own = client.get(f"{ORGANIZATIONS}/acme_corp/keys", headers={"X-API-Key": acme_key, "X-CA-Root-Key": ""})
        assert (own.status_code, own.json()["code"], own.json()["detail"]) == (
            503,
            "not_ready",
            "Keys cannot be checked now",
        )
        made = client.post(f"{ORGANIZATIONS}/acme_corp/keys", json={})
        assert (made.status_code, made.json()["code"]) == (500, "platform_secret_lost")
        assert "1 active API key" in made.json()["detail"]
        found = {item["name"]: item["passed"] for item in client.get("/api/v1/admin/doctor").json()["examinations"]}
        assert not found["platform_secret"]
    assert live.rows("FROM organizations.org_integration_credentials") == []
    services.close()


def test_a_key_file_that_is_gone_makes_the_service_unavailable(sealed: TestClient, own_sealing_key: Path) -> None:
    sealed.get(SEALING)
    away = own_sealing_key.rename(own_sealing_key.with_name("away"))
    answer = sealed.put(OPENAI, json={"credential_type": "API_KEY", "secret": "sk-another"})
    assert (answer.status_code, answer.json()["code"]) == (503, "sealing_unavailable")
    assert answer.headers["Retry-After"]
    away.rename(own_sealing_key)
    assert sealed.get(OPENAI).json()["credential_name"] == "default"
