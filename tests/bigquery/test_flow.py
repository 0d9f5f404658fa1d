"""The published flow over HTTP: bootstrap, status, onboard, drift, sync, a deleted dataset, the same on every run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from cloudact.api.app import create_app
from tests.acme import ACME, ROOT_HEADERS, ROOT_KEY
from tests.api.catalog_files import CatalogFiles
from tests.bigquery.world import DATASET, World
from tests.bigquery_fake.server import Fake
from tests.prepared_bigquery import PreparedProject

ORGANIZATION = "/api/v1/organizations/acme_corp"


@pytest.fixture
def http(world: World) -> Iterator[TestClient]:
    """The application, as the administrator."""
    app = create_app(world.services, SecretStr(ROOT_KEY))
    with TestClient(app, headers=ROOT_HEADERS, raise_server_exceptions=False) as made:
        yield made


@pytest.fixture
def acme(http: TestClient, fake: Fake, prepared_project: PreparedProject) -> TestClient:
    """The application with acme_corp."""
    prepared_project.begin(fake, ACME["org_slug"])
    return http


def answer(response: Any) -> dict[str, Any]:
    assert response.is_success, response.text
    found: dict[str, Any] = response.json()
    return found


def test_bootstrap_makes_twenty_tables_and_can_be_repeated(http: TestClient, world: World) -> None:
    assert answer(http.get("/api/v1/admin/bootstrap/status"))["status"] == "NOT_BOOTSTRAPPED"
    first = answer(http.post("/api/v1/admin/bootstrap", json={}))
    assert (first["dataset_created"], len(first["tables_created"]), first["total_tables"]) == (True, 20, 20)
    assert first["status"] == "SUCCESS"
    again = answer(http.post("/api/v1/admin/bootstrap", json={}))
    assert (again["dataset_created"], again["tables_created"], len(again["tables_existed"])) == (False, [], 20)
    assert answer(http.get("/api/v1/admin/bootstrap/status"))["status"] == "SYNCED"
    central, _ = world.declared()
    assert world.live("organizations") == central


def test_an_organization_is_onboarded_once(
    http: TestClient, fake: Fake, prepared_project: PreparedProject, world: World
) -> None:
    prepared_project.begin(fake)
    answer(http.post("/api/v1/organizations/onboard", json=ACME))
    world.assert_complete()
    status = answer(http.get(f"{ORGANIZATION}/status"))
    assert (status["status"], status["onboarded"]) == ("SYNCED", True)
    second = http.post("/api/v1/organizations/onboard", json=ACME)
    assert (second.status_code, second.json()["code"]) == (409, "organization_exists")
    resynced = http.post("/api/v1/organizations/onboard", json={**ACME, "regenerate_api_key_if_exists": True})
    assert resynced.status_code in {200, 201}
    world.assert_complete()
    key = {"X-API-Key": resynced.json()["api_key"]}
    assert http.get(f"{ORGANIZATION}/status", headers=key).status_code == 200


def test_a_new_column_is_drift_and_sync_adds_it(acme: TestClient, config_dir: Path, world: World) -> None:
    files = CatalogFiles(config_dir)
    files.add_column("bootstrap", "org_profiles", "new_column", type="STRING", description="New.")
    drifted = answer(acme.get("/api/v1/admin/bootstrap/status"))
    assert drifted["status"] == "OUT_OF_SYNC"
    assert drifted["schema_diffs"]["org_profiles"]["missing_columns"] == ["new_column"]
    synced = answer(acme.post("/api/v1/admin/bootstrap/sync", json={}))
    assert synced["columns_added"] == {"org_profiles": ["new_column"]}
    assert answer(acme.get("/api/v1/admin/bootstrap/status"))["status"] == "SYNCED"
    world.assert_complete()


def test_a_deleted_dataset_is_told_restorable_and_made_anew(acme: TestClient, world: World) -> None:
    world.hand.drop_dataset(DATASET)
    status = answer(acme.get(f"{ORGANIZATION}/status"))
    assert status["status"] == "PROFILE_ONLY"
    assert "UNDROP SCHEMA" in status["message"]
    synced = answer(acme.post(f"{ORGANIZATION}/sync", json={"recreate_views": True}))
    assert synced["dataset_created"]
    assert any("can no longer be restored" in note for note in synced["notes"])
    assert answer(acme.get(f"{ORGANIZATION}/status"))["status"] == "SYNCED"
    world.assert_complete()


def test_views_show_an_organization_its_own_rows_only(acme: TestClient, world: World) -> None:
    answer(acme.post("/api/v1/organizations/onboard", json={**ACME, "org_slug": "neighbour"}))
    columns = "org_slug, id, entity_type, entity_id, entity_name, is_active, created_at, created_by, version"
    rows = ", ".join(
        f"('{slug}', '{slug}-1', 'department', 'D1', 'Sales', TRUE, CURRENT_TIMESTAMP(), 'tests', 1)"
        for slug in ("acme_corp", "neighbour")
    )
    world.client.query_and_wait(f"INSERT INTO organizations.org_hierarchy ({columns}) VALUES {rows}")
    seen = world.client.query_and_wait(f"SELECT id FROM `{DATASET}`.x_org_hierarchy")
    assert [row["id"] for row in seen] == ["acme_corp-1"]


def test_every_answer_says_what_it_cost(http: TestClient) -> None:
    answer(http.post("/api/v1/admin/bootstrap", json={}))
    synced = answer(http.post("/api/v1/admin/bootstrap/sync", json={}))
    assert synced["bytes_billed"] == 4 * 10 * 2**20  # a look, a look whether there is a trail, and its row
    onboarding = answer(http.post("/api/v1/organizations/onboard", json=ACME))
    assert onboarding["bytes_billed"] >= 10 * 2**20
