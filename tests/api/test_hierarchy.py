"""The hierarchy over HTTP: statuses, ETags, conditions, and the CSV file; what is in the table is tested beside it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from cloudact.settings import Settings
from cloudact.tenancy.actor import Actor
from cloudact.tenancy.names import OrgSlug
from cloudact.wiring import Services, build_services
from tests.api.live import Live
from tests.prepared import SHIPPED, Beginning, Prepared

BASE = "/api/v1/organizations/acme_corp/hierarchy"
ENTITIES = f"{BASE}/entities"
HEADER = "entity_type,entity_id,entity_name,parent_id\n"
ACME = HEADER + "DEPARTMENT,D1,Engineering,\nDEPARTMENT,D2,Sales,\nPROJECT,P1,Platform,D1\nTEAM,T1,Core,P1\n"
CSV = {"Content-Type": "text/csv"}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, prepared: Prepared) -> Path:
    """A warehouse file with two departments, a project and a team."""
    file = Path(shutil.copyfile(prepared.onboarded, tmp_path_factory.mktemp("hierarchy") / "filled.duckdb"))
    services = build_services(Settings(warehouse_url=f"duckdb:///{file}", config_dir=SHIPPED))
    services.hierarchies.apply(OrgSlug("acme_corp"), ACME.encode(), actor=Actor.local())
    services.close()
    return file


@pytest.fixture
def acme(client: TestClient, beginning: Beginning, filled: Path) -> TestClient:
    """The service over a copy of that file."""
    assert beginning.with_copy(filled)
    return client


def send_file(client: TestClient, text: str, condition: str | None = None, **how: Any) -> Response:
    headers = CSV if condition is None else {**CSV, "If-Match": condition}
    return client.post(f"{BASE}/import", content=text.encode(), params=how, headers=headers)


def entity(client: TestClient, entity_id: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"{ENTITIES}/{entity_id}").json()["entity"]
    return found


def hierarchy_rows(live: Live) -> list[dict[str, Any]]:
    return live.rows("FROM organizations.org_hierarchy ORDER BY entity_id, version")


def problem(answer: Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_an_entity_is_created_where_location_says(onboarded: TestClient) -> None:
    body = {"entity_type": "DEPARTMENT", "entity_id": "D.1-x", "entity_name": " Eng ", "metadata": {"cost": [1]}}
    made = onboarded.post(ENTITIES, json=body)
    assert (made.status_code, made.headers["etag"], made.json()["source"]) == (201, '"1"', "central")
    shown = onboarded.get(made.headers["location"])
    assert (shown.status_code, shown.headers["etag"], shown.json()["source"]) == (200, '"1"', "view")
    assert shown.json()["entity"] == made.json()["entity"]
    assert (shown.json()["entity"]["entity_name"], shown.json()["entity"]["metadata"]) == ("Eng", {"cost": [1]})
    assert problem(onboarded.post(ENTITIES, json=body)) == (409, "entity_exists")


def test_every_wrong_field_is_named(onboarded: TestClient) -> None:
    body = {"entity_type": "DEPARTMENT", "entity_id": "a b", "entity_name": "", "owner_email": "x"}
    refused = onboarded.post(ENTITIES, json=body)
    assert problem(refused) == (422, "invalid_request")
    assert [item["field"] for item in refused.json()["errors"]] == ["entity_id", "entity_name", "owner_email"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "", {"entity_name": "R&D"}),
        ("PATCH", "", {"entity_name": "R&D"}),
        ("POST", "/move", {"parent_id": "D2"}),
        ("DELETE", "", None),
    ],
)
def test_a_change_names_the_version_it_is_of(
    acme: TestClient, method: str, path: str, body: dict[str, Any] | None
) -> None:
    url = f"{ENTITIES}/{'T1' if method == 'DELETE' else 'P1'}{path}"
    if method in {"PUT", "PATCH"}:
        body = {**(body or {}), "parent_id": "D1"}
    assert problem(acme.request(method, url, json=body)) == (428, "version_required")
    for stale in ('"2"', 'W/"1"', '"x", "7"'):
        refused = acme.request(method, url, json=body, headers={"If-Match": stale})
        assert problem(refused) == (412, "version_stale")
        assert "is at version 1" in refused.json()["detail"]
    assert problem(acme.request(method, url, json=body, headers={"If-Match": "1"})) == (422, "invalid_request")
    done = acme.request(method, url, json=body, headers={"If-Match": '"9", "1"'})
    assert done.status_code == 200


def test_the_version_in_the_body_is_a_condition_as_well(acme: TestClient) -> None:
    url = f"{ENTITIES}/D1"
    assert problem(acme.patch(url, json={"description": "x", "version": 2})) == (412, "version_stale")
    both = acme.patch(url, json={"description": "x", "version": 1}, headers={"If-Match": '"2"'})
    assert problem(both) == (412, "version_stale")
    assert acme.patch(url, json={"description": "x", "version": 1}).headers["etag"] == '"2"'
    assert acme.patch(url, json={"description": "y"}, headers={"If-Match": "*"}).headers["etag"] == '"3"'


def test_put_replaces_everything_and_patch_what_is_given(acme: TestClient) -> None:
    url = f"{ENTITIES}/D1"
    full = {"entity_name": "R&D", "owner_email": "a@acme.com", "metadata": {"a": 1}, "is_active": False}
    put = acme.put(url, json={**full, "version": 1}).json()
    assert {name: put["entity"][name] for name in full} == full
    assert put["carried"] == 2
    patched = acme.patch(url, json={"description": "d", "metadata": None, "version": 2}).json()["entity"]
    assert (patched["description"], patched["metadata"], patched["owner_email"]) == ("d", None, "a@acme.com")
    emptied = acme.put(url, json={"entity_name": "R&D", "version": 3}).json()["entity"]
    assert (emptied["description"], emptied["owner_email"], emptied["is_active"]) == (None, None, True)
    assert problem(acme.patch(url, json={"entity_name": "", "version": 4})) == (422, "invalid_request")
    assert problem(acme.patch(url, json={"entity_id": "D7", "version": 4})) == (422, "invalid_request")


def test_a_move_takes_all_below_along(acme: TestClient) -> None:
    moved = acme.post(f"{ENTITIES}/P1/move", json={"parent_id": "D2", "version": 1})
    assert (moved.headers["etag"], moved.json()["carried"]) == ('"2"', 1)
    assert entity(acme, "T1")["path"] == "D2/P1/T1"
    wrong = acme.post(f"{ENTITIES}/P1/move", json={"parent_id": "T1", "version": 2})
    assert problem(wrong) == (422, "invalid_request")
    assert wrong.json()["errors"][0]["field"] == "parent_id"


def test_only_what_has_no_children_is_removed(acme: TestClient) -> None:
    refused = acme.delete(f"{ENTITIES}/P1", headers={"If-Match": "*"})
    assert problem(refused) == (409, "entity_has_children")
    removed = acme.delete(f"{ENTITIES}/T1", headers={"If-Match": '"1"'}).json()["entity"]
    assert removed["end_date"] is not None
    assert problem(acme.get(f"{ENTITIES}/T1")) == (404, "entity_not_found")
    history = acme.get(f"{ENTITIES}/T1/history").json()
    assert (history["versions"], history["source"]) == ([removed], "central")


def test_relatives_and_search(acme: TestClient) -> None:
    def ids(path: str, **query: Any) -> list[str]:
        page = acme.get(f"{BASE}/{path}", params=query).json()
        assert page["source"] == "view"
        return [item["entity_id"] for item in page["entities"]]

    assert ids("entities") == ["D1", "P1", "T1", "D2"]
    assert ids("entities", text="PLAT") == ids("entities/D1/children") == ["P1"]
    assert ids("entities", level="DEPARTMENT", active=True, limit=1, offset=1) == ["D2"]
    assert ids("entities/T1/ancestors") == ["D1", "P1"]
    assert ids("entities/D1/descendants") == ["P1", "T1"]
    assert ids("entities/D1/descendants", limit=1, offset=1) == ["T1"]
    assert problem(acme.get(f"{ENTITIES}/nobody/children")) == (404, "entity_not_found")
    assert problem(acme.get(ENTITIES, params={"level": "SQUAD"})) == (422, "invalid_request")
    assert problem(acme.get(ENTITIES, params={"colour": "red"})) == (422, "invalid_request")


def test_a_tree_shows_who_is_below_whom(acme: TestClient) -> None:
    tree = acme.get(f"{BASE}/tree").json()
    assert [root["entity_id"] for root in tree["roots"]] == ["D1", "D2"]
    assert tree["roots"][0]["children"][0]["children"][0]["entity_id"] == "T1"
    assert (tree["total"], tree["levels"], tree["source"]) == (4, ["DEPARTMENT", "PROJECT", "TEAM"], "view")
    assert problem(acme.get(f"{BASE}/tree", params={"rot": "P1"})) == (422, "invalid_request")
    part = acme.get(f"{BASE}/tree", params={"root": "P1"}).json()
    assert ([root["entity_id"] for root in part["roots"]], part["total"]) == (["P1"], 2)
    assert problem(acme.get(f"{BASE}/tree", params={"root": "nobody"})) == (404, "entity_not_found")


def test_levels_are_shown_and_redefined(acme: TestClient) -> None:
    found = acme.get(f"{BASE}/levels")
    assert (found.json()["levels"], found.headers["etag"]) == (["DEPARTMENT", "PROJECT", "TEAM"], '"1"')
    assert problem(acme.put(f"{BASE}/levels", json={"levels": ["A"]})) == (428, "version_required")
    anyway = {"If-Match": "*"}
    refused = acme.put(f"{BASE}/levels", json={"levels": ["COMPANY", "DEPARTMENT"]}, headers=anyway)
    assert problem(refused) == (409, "levels_in_use")
    assert "D1 (DEPARTMENT)" in refused.json()["detail"]
    four = {"levels": ["DEPARTMENT", "PROJECT", "TEAM", "SQUAD"]}
    assert problem(acme.put(f"{BASE}/levels", json=four, headers={"If-Match": '"0"'})) == (412, "version_stale")
    done = acme.put(f"{BASE}/levels", json=four, headers={"If-Match": '"1"'})
    assert (done.json(), done.headers["etag"]) == ({**four, "revision": 2}, '"2"')
    assert problem(acme.put(f"{BASE}/levels", json={**four, "revision": 1})) == (412, "version_stale")
    assert acme.put(f"{BASE}/levels", json={**four, "revision": 2}).json()["revision"] == 2
    assert problem(acme.put(f"{BASE}/levels", json={"levels": ["a"]}, headers=anyway)) == (422, "invalid_request")


def test_what_is_exported_is_harmless_and_imports_as_it_is(acme: TestClient) -> None:
    acme.patch(f"{ENTITIES}/D2", json={"entity_name": '=HYPERLINK("http://x")', "version": 1})
    file = acme.get(f"{BASE}/export")
    assert file.headers["content-type"] == "text/csv; charset=utf-8"
    assert file.headers["content-disposition"] == 'attachment; filename="acme_corp_hierarchy.csv"'
    assert (file.headers["x-ca-source"], file.headers["etag"]) == ("view", '"2"')
    assert ',"\'=HYPERLINK(""http://x"")",' in file.text
    again = send_file(acme, file.text, file.headers["etag"], preview=False, remove_missing=True).json()
    assert (again["applied"], again["unchanged"], again["revision"]) == (True, 4, 2)


def test_a_file_is_previewed_unless_told_otherwise(acme: TestClient) -> None:
    text = HEADER + "DEPARTMENT,D1,R&D,\nDEPARTMENT,D3,New,\n"
    preview = send_file(acme, text)
    assert preview.json()["changed"] == [
        {
            "kind": "CHANGED",
            "entity_type": "DEPARTMENT",
            "entity_id": "D1",
            "entity_name": "R&D",
            "fields": [{"field": "entity_name", "before": "Engineering", "after": "R&D"}],
        }
    ]
    assert (preview.json()["applied"], preview.json()["carried"], entity(acme, "D1")["version"]) == (
        False,
        ["P1", "T1"],
        1,
    )
    acme.patch(f"{ENTITIES}/D2", json={"description": "meanwhile", "version": 1})
    condition = f'"{preview.json()["revision"]}"'
    assert problem(send_file(acme, text, condition, preview=False)) == (412, "version_stale")
    done = send_file(acme, text, preview=False).json()
    assert (done["applied"], [item["entity_id"] for item in done["created"]]) == (True, ["D3"])
    assert entity(acme, "T1")["dept_name"] == "R&D"


def test_a_file_with_problems_names_every_line(acme: TestClient) -> None:
    refused = send_file(acme, HEADER + "DEPARTMENT,D1,,\nTEAM,T9,Nine,D1\n", preview=False)
    assert problem(refused) == (422, "invalid_request")
    assert [item["field"] for item in refused.json()["errors"]] == ["csv:2:entity_name", "csv:3:parent_id"]
    assert problem(acme.post(f"{BASE}/import", json={"file": "x"})) == (415, "unsupported_media_type")
    mistyped = send_file(acme, ACME, Preview=False)
    assert problem(mistyped) == (422, "invalid_request")
    assert mistyped.json()["hint"] == ""


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/entities", {"json": {"entity_type": "DEPARTMENT", "entity_id": "D3", "entity_name": "Three"}}),
        ("/entities/P1/move", {"json": {"parent_id": "D2", "version": 1}}),
        (
            "/import?preview=false&remove_missing=true",
            {
                "content": f"{HEADER}DEPARTMENT,D1,R&D,\nDEPARTMENT,D3,New,\nPROJECT,P1,Platform,D3\n",
                "headers": {**CSV, "If-Match": '"1"'},
            },
        ),
    ],
)
def test_a_retry_after_a_crash_answers_what_was_done(
    acme: TestClient, live: Live, path: str, sent: dict[str, Any]
) -> None:
    """The process died when the change was written and its answer was not."""
    sent = {**sent, "headers": {**sent.get("headers", {}), "Idempotency-Key": "k"}}
    first = acme.post(f"{BASE}{path}", **sent)
    rows, audited = hierarchy_rows(live), live.rows("SELECT * FROM organizations.org_audit_logs")
    answer = "status = 'IN_PROGRESS', encrypted_response = NULL, http_status = NULL"
    live.execute(f"UPDATE organizations.org_idempotency_keys SET {answer} WHERE idempotency_key = 'k'")
    again = acme.post(f"{BASE}{path}", **sent)
    assert first.is_success
    assert "Idempotency-Replayed" not in again.headers
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert again.headers.get("etag") == first.headers.get("etag")
    assert hierarchy_rows(live) == rows
    assert live.rows("SELECT * FROM organizations.org_audit_logs") == audited


def test_without_the_view_the_answer_says_central_and_is_counted(
    acme: TestClient, live: Live, services: Services
) -> None:
    acme.get(f"{ENTITIES}/T1")
    assert "\ncloudact_view_fallbacks_total 0.0\n" in services.metrics.exposition().decode()
    live.execute("DROP VIEW acme_corp_prod.x_org_hierarchy")
    assert acme.get(f"{ENTITIES}/T1").json()["source"] == "central"
    assert acme.get(f"{BASE}/export").headers["x-ca-source"] == "central"
    assert "\ncloudact_view_fallbacks_total 2.0\n" in services.metrics.exposition().decode()


def test_an_organization_keeps_its_hierarchy_itself(acme: TestClient, prepared: Prepared) -> None:
    own = {"X-CA-Root-Key": "", "X-API-Key": prepared.api_key}
    made = acme.post(
        ENTITIES, json={"entity_type": "DEPARTMENT", "entity_id": "D3", "entity_name": "Three"}, headers=own
    )
    assert (made.status_code, made.json()["entity"]["created_by"]) == (201, "acme_corp")
    assert acme.get(f"{BASE}/tree", headers=own).json()["total"] == 5
    elsewhere = acme.get("/api/v1/organizations/globex/hierarchy/tree", headers=own)
    assert problem(elsewhere) == (403, "access_denied")


def test_a_key_needs_the_scope_of_the_route(acme: TestClient) -> None:
    made = acme.post("/api/v1/organizations/acme_corp/keys", json={"scopes": ["hierarchy:read"]}).json()
    reader = {"X-CA-Root-Key": "", "X-API-Key": made["api_key"]}
    assert acme.get(f"{BASE}/tree", headers=reader).status_code == 200
    before = entity(acme, "D1")
    condition = {**reader, "If-Match": "*"}
    assert problem(acme.patch(f"{ENTITIES}/D1", json={"description": "x"}, headers=condition)) == (403, "access_denied")
    assert problem(acme.delete(f"{ENTITIES}/T1", headers=condition)) == (403, "access_denied")
    assert entity(acme, "D1") == before


def test_nobody_knows_an_unknown_organization(onboarded: TestClient) -> None:
    base = "/api/v1/organizations/nobody/hierarchy"
    assert problem(onboarded.get(f"{base}/tree")) == (404, "organization_not_found")
    body = {"entity_type": "DEPARTMENT", "entity_id": "D1", "entity_name": "x"}
    assert problem(onboarded.post(f"{base}/entities", json=body)) == (404, "organization_not_found")


def test_before_bootstrap_it_says_so(client: TestClient) -> None:
    assert problem(client.get(f"{BASE}/tree")) == (409, "not_bootstrapped")
