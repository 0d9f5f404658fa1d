"""Every route that changes anything leaves its rows on the audit trail, with the request that asked for it."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.acme import ACME
from tests.api.documented import operations
from tests.api.live import Live

ADMIN, OWN = "/api/v1/admin", "/api/v1/organizations"
ENTITIES, ENTITY = f"{OWN}/{{org_slug}}/hierarchy/entities", f"{OWN}/{{org_slug}}/hierarchy/entities/{{entity_id}}"
CREDENTIAL = f"{OWN}/{{org_slug}}/integrations/{{provider}}/credentials/{{credential_name}}"
KEYS, KEY = f"{OWN}/{{org_slug}}/keys", f"{OWN}/{{org_slug}}/keys/{{key_id}}"
LEVELS_PATH = f"{OWN}/{{org_slug}}/hierarchy/levels"
FLEET = f"{ADMIN}/fleet"
CHANNELS = f"{OWN}/{{org_slug}}/notifications/channels"
NOTHING_CHANGES = {f"POST {OWN}/dryrun", f"POST {ADMIN}/audit-logs/verify"}
# Those need a sealing key of their own.
ELSEWHERE = {f"POST {ADMIN}/sealing/{what}": "test_sealing.py" for what in ("rotate", "reseal")} | {
    # It takes a run that goes on.
    f"POST {FLEET}/runs/{{run_id}}/abort": "tests/fleet/test_fleet_api.py"
}
CSV = b"entity_id,entity_type,entity_name,parent_id\nDEPT-9,DEPARTMENT,Nine,\n"
LEVELS = ["DEPARTMENT", "PROJECT", "TEAM", "SQUAD"]
LOCALE = {"default_currency": "EUR", "default_timezone": "Europe/Berlin", "fiscal_year_start_month": 4}
CHANNEL = {"channel_type": "EMAIL", "name": "FinOps", "email_recipients": ["a@example.com"]}
SECRET = {"credential_type": "API_KEY", "secret": "sk-1234567890abcdef", "metadata": {}}
TABLE = {"tables": ["subscription_plans"], "reason": "a test"}


def entity(name: str, **more: Any) -> dict[str, Any]:
    """A department, or what is below one."""
    return {"entity_id": name, "entity_name": name, "entity_type": "DEPARTMENT", **more}


# One request for each route in the order in which they can be sent, and how many rows of its own it leaves.
STEPS: list[tuple[str, Any, int]] = [
    (f"POST {ADMIN}/bootstrap", {}, 1),
    (f"POST {ADMIN}/bootstrap/sync", {}, 1),
    (f"POST {OWN}/onboard", ACME, 1),
    (f"POST {OWN}/{{org_slug}}/sync", {}, 1),
    (f"POST {KEYS}", {}, 1),
    (f"POST {KEY}/rotate", {}, 1),
    (f"POST {KEY}/revoke", {}, 1),
    (f"DELETE {KEY}", None, 1),
    (f"POST {ENTITIES}", entity("DEPT-1"), 1),
    (f"POST {ENTITIES}", entity("DEPT-2"), 1),
    (f"POST {ENTITIES}", entity("PROJ-1", entity_type="PROJECT", parent_id="DEPT-1"), 1),
    (f"PUT {ENTITY}", {"entity_name": "New", "parent_id": "DEPT-1", "version": 1}, 1),
    (f"PATCH {ENTITY}", {"entity_name": "Newer", "version": 2}, 1),
    (f"POST {ENTITY}/move", {"parent_id": "DEPT-2", "version": 3}, 1),
    (f"DELETE {ENTITY}", None, 1),
    (f"PUT {LEVELS_PATH}", {"levels": LEVELS}, 1),
    (f"POST {OWN}/{{org_slug}}/hierarchy/import", CSV, 1),
    (f"PUT {CREDENTIAL}", SECRET, 1),
    (f"POST {CREDENTIAL}/validate", None, 0),  # no validator is installed, so that nothing is learned
    (f"DELETE {CREDENTIAL}", None, 1),
    (f"POST {CHANNELS}", CHANNEL, 1),
    (f"PUT {CHANNELS}/{{channel_id}}", {**CHANNEL, "name": "New"}, 1),
    (f"DELETE {CHANNELS}/{{channel_id}}", None, 1),
    (f"PUT {OWN}/{{org_slug}}/subscription", {"plan_name": "PROFESSIONAL"}, 1),
    (f"PUT {OWN}/{{org_slug}}/locale", LOCALE, 1),
    (f"PUT {OWN}/{{org_slug}}/labels", {"labels": {"tier": "pilot"}}, 1),
    (f"PATCH {OWN}/{{org_slug}}/labels", {"labels": {"tier": None}}, 1),
    (f"POST {OWN}/{{org_slug}}/suspend", None, 1),
    (f"POST {OWN}/{{org_slug}}/reactivate", None, 1),
    (f"POST {ADMIN}/pipelines/run", {"pipeline": "organization_sync", "tenant_id": "acme_corp"}, 2),
    (f"POST {OWN}/{{org_slug}}/pipelines/run", {"pipeline": "organization_sync"}, 2),
    (f"POST {FLEET}/plan", {}, 1),
    (f"POST {FLEET}/sync", {}, 2),
    (f"POST {FLEET}/runs/{{run_id}}/resume", None, 2),
    (f"POST {FLEET}/runs/{{run_id}}/retry", None, 2),
    (f"POST {ADMIN}/backups", {"dataset": "acme_corp_prod", **TABLE}, 2),
    (f"POST {ADMIN}/backups/{{backup}}/restore", {"target": "restored"}, 2),
    (f"POST {ADMIN}/datasets/{{dataset}}/recreate", {"mode": "tables", "confirm": "acme_corp_prod", **TABLE}, 2),
]


def send(client: TestClient, step: str, body: Any, names: dict[str, str]) -> Any:
    """Send the request of a step."""
    method, path = step.format(**names).split(" ")
    if isinstance(body, bytes):
        headers = {"Content-Type": "text/csv"}
        return client.request(method, path, content=body, params={"preview": "false"}, headers=headers)
    # Six revisions of the hierarchy, and the fourth version of the entity among them.
    versions = {f"DELETE {ENTITY}": '"4"', f"PUT {LEVELS_PATH}": '"7"'}
    headers = {"If-Match": versions[step]} if step in versions else {}
    return client.request(method, path, json=body, headers=headers)


def test_each_route_is_asked_for_something() -> None:
    asked = {step for step, _, _ in STEPS}
    changing = {str(item) for item in operations() if item.method.upper() != "GET"}
    assert changing == asked | NOTHING_CHANGES | ELSEWHERE.keys()


@pytest.mark.slow
def test_what_is_asked_for_is_on_the_trail_by_the_id_of_the_request(client: TestClient, live: Live) -> None:
    names = {
        "org_slug": "acme_corp", "entity_id": "PROJ-1", "provider": "openai", "credential_name": "default",
        "dataset": "acme_corp_prod",
    }  # fmt: skip
    for step, body, expected in STEPS:
        answer = send(client, step, body, names)
        assert answer.is_success, (step, answer.text)
        told = answer.json() if answer.content else {}
        names |= {"key_id": told["key"]["key_id"]} if "api_key" in told and "key" in told else {}
        names |= {"channel_id": told["channel_id"]} if "channel_id" in told else {}
        names |= {"backup": told["name"]} if "backup_of" in told else {}
        names |= {"run_id": told["run_id"]} if "lease_until" in told else {}
        if "lease_until" in told:
            # It goes on after its answer; its events end when it does.
            assert "event: end" in client.get(f"{answer.headers['Location']}/events").text
        rows = live.rows(
            "SELECT user_id, status FROM organizations.org_audit_logs WHERE request_id = ?",
            answer.headers["X-Request-ID"],
        )
        assert rows == [{"user_id": "administrator", "status": "SUCCESS"}] * expected, step
    assert client.post(f"{ADMIN}/audit-logs/verify").json()["status"] == "INTACT"
