"""GET /api/v1/admin/doctor: whether everything is in place; every answer is held against the document."""

from __future__ import annotations

from pathlib import Path

from fastapi.testclient import TestClient

from tests.api.catalog_files import CatalogFiles
from tests.api.published import DOCTOR


def test_a_service_with_everything_in_place_is_healthy(bootstrapped: TestClient) -> None:
    answer = bootstrapped.get(DOCTOR)
    assert answer.status_code == 200
    assert answer.json()["status"] == "HEALTHY"
    assert [item["name"] for item in answer.json()["examinations"]] == [
        "catalog", "sealing_key", "folder", "disk", "database", "central_dataset", "platform_secret",
    ]  # fmt: skip


def test_what_is_missing_is_an_answer_with_a_fix_and_no_error(client: TestClient, database: Path) -> None:
    answer = client.get(DOCTOR)
    assert (answer.status_code, answer.json()["status"]) == (200, "UNHEALTHY")
    (missing,) = (item for item in answer.json()["examinations"] if not item["passed"])
    assert missing["name"] == "database"
    assert "cloudact bootstrap run" in missing["fix"]


def test_a_bad_catalog_and_a_broken_warehouse_are_findings(
    client: TestClient, files: CatalogFiles, database: Path
) -> None:
    files.set_column("bootstrap", "org_profiles", "org_slug", type="TEXT")
    database.parent.mkdir()
    database.write_bytes(b"no database at all")
    answer = client.get(DOCTOR)
    assert answer.status_code == 200
    failed = {item["name"] for item in answer.json()["examinations"] if not item["passed"]}
    assert failed == {"catalog", "database"}


def test_only_the_administrator_may_ask(client: TestClient) -> None:
    del client.headers["X-CA-Root-Key"]
    answer = client.get(DOCTOR)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


def test_an_organizations_own_key_may_not(bootstrapped: TestClient, acme_key: str) -> None:
    answer = bootstrapped.get(DOCTOR, headers={"X-API-Key": acme_key, "X-CA-Root-Key": ""})
    assert answer.status_code == 401
