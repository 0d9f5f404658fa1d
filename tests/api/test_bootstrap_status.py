"""`GET /api/v1/admin/bootstrap/status`: where the central dataset stands, said without changing anything."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.api.catalog_files import CatalogFiles
from tests.api.live import Live
from tests.api.published import BOOTSTRAP_STATUS, CENTRAL, CENTRAL_TABLES

NO_DIFFERENCE: dict[str, list[str]] = {
    "missing_columns": [],
    "extra_columns": [],
    "conflicts": [],
    "pending": [],
    "notes": [],
}
SYNCED = {
    "status": "SYNCED",
    "dataset": CENTRAL,
    "dataset_exists": True,
    "tables_expected": 20,
    "tables_existing": CENTRAL_TABLES,
    "tables_missing": [],
    "tables_extra": [],
    "schema_diffs": {},
    "views_missing": [],
    "views_stale": [],
    "views_unreadable": [],
    "views": {},
    "conflicts": [],
    "message": "In sync.",
}


def status(client: TestClient) -> dict[str, Any]:
    answer = client.get(BOOTSTRAP_STATUS)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def test_before_bootstrap_it_is_not_bootstrapped_and_says_what_to_call(client: TestClient) -> None:
    answer = status(client)
    assert answer == {
        **SYNCED,
        "status": "NOT_BOOTSTRAPPED",
        "dataset_exists": False,
        "tables_existing": [],
        "tables_missing": CENTRAL_TABLES,
        "message": answer["message"],
    }
    assert "Run bootstrap" in str(answer["message"])


def test_after_bootstrap_it_is_synced(bootstrapped: TestClient) -> None:
    assert status(bootstrapped) == SYNCED


def test_a_column_the_catalog_gained_is_missing(bootstrapped: TestClient, files: CatalogFiles) -> None:
    files.add_column("bootstrap", "org_profiles", "new_column")
    answer = status(bootstrapped)
    assert answer["status"] == "OUT_OF_SYNC"
    assert answer["schema_diffs"] == {"org_profiles": {**NO_DIFFERENCE, "missing_columns": ["new_column"]}}
    assert "1 column missing" in str(answer["message"])
    assert "bootstrap/sync" in str(answer["message"])


def test_a_column_somebody_dropped_is_missing(bootstrapped: TestClient, live: Live) -> None:
    live.execute("ALTER TABLE organizations.org_hierarchy DROP COLUMN metadata")
    answer = status(bootstrapped)
    assert answer["status"] == "OUT_OF_SYNC"
    assert answer["schema_diffs"] == {"org_hierarchy": {**NO_DIFFERENCE, "missing_columns": ["metadata"]}}


def test_a_field_added_within_a_record_is_missing_by_its_path(bootstrapped: TestClient, files: CatalogFiles) -> None:
    address = {"name": "address", "type": "RECORD", "fields": [{"name": "city", "type": "STRING"}]}
    with files.columns("bootstrap", "org_profiles") as columns:
        columns.append({"name": "billing", "type": "RECORD", "fields": [address]})
    assert bootstrapped.post("/api/v1/admin/bootstrap/sync").json()["columns_added"] == {"org_profiles": ["billing"]}
    with files.columns("bootstrap", "org_profiles") as columns:
        columns[-1]["fields"][0]["fields"].append({"name": "street", "type": "STRING"})
    answer = status(bootstrapped)
    assert answer["status"] == "OUT_OF_SYNC"
    assert answer["schema_diffs"]["org_profiles"]["missing_columns"] == ["billing.address.street"]


def test_tables_somebody_dropped_are_missing(bootstrapped: TestClient, live: Live) -> None:
    live.execute("DROP TABLE organizations.org_audit_logs")
    live.execute("DROP TABLE organizations.org_hierarchy")
    answer = status(bootstrapped)
    assert answer["status"] == "OUT_OF_SYNC"
    assert answer["tables_missing"] == ["org_audit_logs", "org_hierarchy"]
    assert set(answer["tables_existing"]) == set(CENTRAL_TABLES) - {"org_audit_logs", "org_hierarchy"}
    assert answer["tables_expected"] == 20


def test_a_table_the_catalog_gained_is_missing(bootstrapped: TestClient, files: CatalogFiles) -> None:
    files.add_table("bootstrap", "new_table", [{"name": "org_slug", "type": "STRING"}])
    answer = status(bootstrapped)
    assert (answer["status"], answer["tables_missing"], answer["tables_expected"]) == ("OUT_OF_SYNC", ["new_table"], 21)


def test_extra_columns_tables_and_views_are_listed_and_leave_it_synced(bootstrapped: TestClient, live: Live) -> None:
    live.execute("ALTER TABLE organizations.org_profiles ADD COLUMN nickname VARCHAR")
    live.execute("CREATE TABLE organizations.notes (text VARCHAR)")
    live.execute("CREATE VIEW organizations.all_notes AS FROM organizations.notes")
    assert status(bootstrapped) == {
        **SYNCED,
        "tables_extra": ["notes", "all_notes"],
        "schema_diffs": {"org_profiles": {**NO_DIFFERENCE, "extra_columns": ["nickname"]}},
    }


def test_what_the_catalog_no_longer_declares_is_extra_and_leaves_it_synced(
    bootstrapped: TestClient, files: CatalogFiles
) -> None:
    with files.columns("bootstrap", "org_profiles") as columns:
        columns.pop()
    files.path("bootstrap/schemas/org_audit_logs.json").unlink()
    with files.config("bootstrap") as config:
        del config["tables"]["org_audit_logs"]
    answer = status(bootstrapped)
    assert answer["status"] == "SYNCED"
    assert answer["tables_extra"] == ["org_audit_logs"]
    assert answer["schema_diffs"] == {"org_profiles": {**NO_DIFFERENCE, "extra_columns": ["labels"]}}
    assert answer["tables_expected"] == 19


def test_a_central_view_is_told_by_how_it_is_kept(bootstrapped: TestClient, files: CatalogFiles) -> None:
    with files.config("bootstrap") as config:
        config["views"] = {"plans": {"materialized": "own"}}
    files.path("bootstrap/views").mkdir()
    files.path("bootstrap/views/plans.sql").write_text("SELECT plan_name FROM {dataset}.org_subscriptions")
    assert status(bootstrapped)["views"] == {"plans": {"materialized": "own", "exists": False, "current": False}}
    bootstrapped.post("/api/v1/admin/bootstrap/sync")
    assert status(bootstrapped)["views"] == {"plans": {"materialized": "own", "exists": True, "current": True}}


def test_order_and_case_of_columns_make_no_difference(bootstrapped: TestClient, files: CatalogFiles) -> None:
    with files.columns("bootstrap", "org_idempotency_keys") as columns:
        columns.reverse()
        columns[0]["name"] = columns[0]["name"].upper()
    assert status(bootstrapped) == SYNCED


def test_a_column_to_relax_or_widen_is_pending(bootstrapped: TestClient, files: CatalogFiles) -> None:
    files.set_column("bootstrap", "org_profiles", "company_name", mode="NULLABLE")
    files.set_column("bootstrap", "org_profiles", "fiscal_year_start_month", type="NUMERIC")
    answer = status(bootstrapped)
    assert answer["status"] == "OUT_OF_SYNC"
    assert answer["schema_diffs"]["org_profiles"]["pending"] == [
        "relax org_profiles.company_name to NULLABLE",
        "widen org_profiles.fiscal_year_start_month from INT64 to NUMERIC",
    ]


def test_a_column_looser_than_declared_is_noted_and_leaves_it_synced(bootstrapped: TestClient, live: Live) -> None:
    live.execute("ALTER TABLE organizations.org_profiles ALTER COLUMN company_name DROP NOT NULL")
    answer = status(bootstrapped)
    assert answer["status"] == "SYNCED"
    (note,) = answer["schema_diffs"]["org_profiles"]["notes"]
    assert "org_profiles.company_name: is NULLABLE, declared REQUIRED" in note


def test_a_description_to_update_leaves_it_synced_and_is_told(bootstrapped: TestClient, files: CatalogFiles) -> None:
    files.set_column("bootstrap", "org_profiles", "company_name", description="Another sentence.")
    answer = status(bootstrapped)
    assert answer["status"] == "SYNCED"
    assert "1 metadata difference" in str(answer["message"])


@pytest.mark.parametrize("drift", ["none", "before bootstrap", "missing", "conflict"])
def test_asking_changes_nothing(client: TestClient, live: Live, files: CatalogFiles, drift: str) -> None:
    if drift != "before bootstrap":
        client.post("/api/v1/admin/bootstrap")
    if drift == "missing":
        live.execute("DROP TABLE organizations.org_audit_logs")
        files.add_column("bootstrap", "org_profiles", "new_column")
    if drift == "conflict":
        files.set_column("bootstrap", "org_profiles", "company_name", type="INT64")
    before = live.snapshot()
    status(client)
    assert live.snapshot() == before
