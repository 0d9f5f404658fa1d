"""Values that somebody else wrote to JSON columns: what decides something is named, what is only told does no harm."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.acme import ROOT_HEADERS
from tests.api.live import Live
from tests.api.published import ORGANIZATIONS

BASE = f"{ORGANIZATIONS}/acme_corp/hierarchy"
COLUMN = "organizations.org_profiles.hierarchy_levels of organization acme_corp"
LEVELS = {
    "an object": ('{"a": "b"}', "it is not a JSON array of names"),
    "a text": ('"TEAM"', "it is not a JSON array of names"),
    "numbers": ("[1, 2]", "it is not a JSON array of names"),
    "no JSON": ("{TEAM", "it is not a JSON array of names"),
    "nothing in it": ("[]", "levels are 0; 1 to 10 are possible"),
    "bad names": ('["TEAM", "TEAM", "a b"]', "levels.1 'TEAM' is there twice; levels.2 'a b' must be"),
}
ANYTHING = [
    "[1]",
    '"text"',
    "17",
    "true",
    "null",
    "no JSON",
    '{"nested": ' * 20_000,
    "[" * 400 + "]" * 400,
    "[" * 9_000 + "]" * 9_000,
]


def store(live: Live, table: str, column: str, value: str) -> None:
    """Write what the engine itself refuses in a column of JSON, as it was a text column once."""
    live.execute(f"ALTER TABLE organizations.{table} ALTER {column} TYPE VARCHAR")
    live.execute(f"UPDATE organizations.{table} SET {column} = ?", value)


@pytest.mark.parametrize("case", LEVELS)
def test_damaged_levels_are_named_with_what_to_do(onboarded: TestClient, live: Live, case: str) -> None:
    value, what = LEVELS[case]
    store(live, "org_profiles", "hierarchy_levels", value)
    entity = {"entity_type": "TEAM", "entity_id": "T1", "entity_name": "x"}
    calls: list[tuple[str, str, Any]] = [
        ("GET", "/tree", None),
        ("GET", "/levels", None),
        ("GET", "/entities", None),
        ("GET", "/export", None),
        ("POST", "/entities", entity),
        ("PUT", "/levels", {"levels": ["TEAM"]}),
    ]
    before = live.rows("FROM organizations.org_hierarchy"), live.rows("FROM organizations.org_profiles")
    for method, path, body in calls:
        answer = onboarded.request(method, f"{BASE}{path}", json=body, headers={"If-Match": "*"} if body else {})
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (500, "stored_value_damaged"), (method, path, problem)
        assert problem["detail"].startswith(f"{COLUMN} cannot be read: {what}")
        assert problem["hint"].startswith("Set it with SQL to a JSON array of 1 to 10 names")
        assert problem["hint"].endswith("or to NULL for DEPARTMENT, PROJECT, TEAM. Nothing was changed.")
    after = (
        live.rows("FROM organizations.org_hierarchy"),
        live.rows("SELECT hierarchy_levels AS v FROM organizations.org_profiles"),
    )
    assert after == (before[0], [{"v": value}])
    live.execute("UPDATE organizations.org_profiles SET hierarchy_levels = NULL")
    assert onboarded.get(f"{BASE}/tree").status_code == 200


def test_what_is_only_told_does_no_harm(onboarded: TestClient, live: Live) -> None:
    entity = {"entity_type": "DEPARTMENT", "entity_id": "D1", "entity_name": "x", "metadata": {"a": 1}}
    assert onboarded.post(f"{BASE}/entities", json=entity).status_code == 201
    credentials = f"{ORGANIZATIONS}/acme_corp/integrations"
    body = {"credential_type": "API_KEY", "secret": "x" * 20, "metadata": {"a": 1}}
    assert onboarded.put(f"{credentials}/openai/credentials/default", json=body).status_code in {200, 201}
    logs = f"{ORGANIZATIONS}/acme_corp/audit-logs"
    for value in ANYTHING:
        for table, column in (
            ("org_hierarchy", "metadata"),
            ("org_hierarchy", "path_names"),
            ("org_integration_credentials", "metadata"),
            ("org_audit_logs", "details"),
        ):
            store(live, table, column, value)
        (found,) = onboarded.get(f"{BASE}/entities").json()["entities"]
        assert (found["metadata"], found["path_names"]) == (None, ["x"])
        (version,) = onboarded.get(f"{BASE}/entities/D1/history").json()["versions"]
        assert (version["metadata"], version["path_names"]) == (None, None)
        (credential,) = onboarded.get(credentials).json()["credentials"]
        assert credential["metadata"] == {}
        told = {str(row["details"]) for row in onboarded.get(logs).json()["logs"] if row["action"] == "CREATE"}
        assert len(told) == 1
        verified = onboarded.post("/api/v1/admin/audit-logs/verify", json={}, headers=ROOT_HEADERS)
        assert verified.json()["status"] == "BROKEN"
