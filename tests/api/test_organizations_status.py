"""`GET /api/v1/organizations/{org}/status`: where an organization stands, as an answer and not as an error."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.acme import ACME
from tests.api.catalog_files import CatalogFiles
from tests.api.live import Live
from tests.api.published import (
    ACME_DATASET,
    ACME_STATUS,
    BOOTSTRAP,
    BOOTSTRAP_STATUS,
    ONBOARD,
    ORGANIZATION_TABLES,
    ORGANIZATIONS,
    STATUSES,
    VIEWS,
)

NO_DIFFERENCE: dict[str, list[str]] = {
    "missing_columns": [],
    "extra_columns": [],
    "conflicts": [],
    "pending": [],
    "notes": [],
}
CURRENT = {"materialized": "shared", "exists": True, "current": True}
STALE = {**CURRENT, "current": False}
MISSING = {**CURRENT, "exists": False, "current": False}
SYNCED: dict[str, Any] = {
    "status": "SYNCED",
    "org_slug": "acme_corp",
    "profile_exists": True,
    "onboarded": True,
    "organization_status": "ACTIVE",
    "dataset": ACME_DATASET,
    "dataset_exists": True,
    "tables_expected": 19,
    "tables_existing": ORGANIZATION_TABLES,
    "tables_missing": [],
    "tables_extra": [],
    "schema_diffs": {},
    "views_missing": [],
    "views_stale": [],
    "views_unreadable": [],
    "views": dict.fromkeys(VIEWS, CURRENT),
    "conflicts": [],
    "message": "In sync.",
}
NO_DATASET = {
    **SYNCED,
    "dataset_exists": False,
    "tables_existing": [],
    "tables_missing": ORGANIZATION_TABLES,
    "views_missing": VIEWS,
    "views": dict.fromkeys(VIEWS, MISSING),
}
UNKNOWN = {**NO_DATASET, "profile_exists": False, "onboarded": False, "organization_status": None}


def status(client: TestClient) -> dict[str, Any]:
    answer = client.get(ACME_STATUS)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def test_after_onboarding_it_is_synced(onboarded: TestClient) -> None:
    assert status(onboarded) == SYNCED


def test_before_bootstrap_it_is_not_bootstrapped_and_says_what_to_call(client: TestClient) -> None:
    answer = status(client)
    message = answer["message"]
    assert answer == {**UNKNOWN, "status": "NOT_BOOTSTRAPPED", "message": message}
    assert "Organizations dataset does not exist" in message
    assert "POST /api/v1/admin/bootstrap" in message


def test_an_unknown_organization_is_not_found_and_says_what_to_call(bootstrapped: TestClient) -> None:
    answer = status(bootstrapped)
    message = answer["message"]
    assert answer == {**UNKNOWN, "status": "NOT_FOUND", "message": message}
    assert "acme_corp" in message
    assert "POST /api/v1/organizations/onboard" in message


def test_a_deleted_dataset_leaves_the_profile_only_and_says_what_to_call(onboarded: TestClient, live: Live) -> None:
    live.execute("DROP SCHEMA acme_corp_prod CASCADE")
    answer = status(onboarded)
    assert answer == {**NO_DATASET, "status": "PROFILE_ONLY", "message": answer["message"]}
    assert "/api/v1/organizations/acme_corp/sync" in answer["message"]


def test_the_five_values_are_all_there_are(client: TestClient, live: Live, files: CatalogFiles) -> None:
    seen = [client.get(BOOTSTRAP_STATUS).json()["status"]]
    client.post(BOOTSTRAP)
    seen.append(status(client)["status"])
    client.post(ONBOARD, json=ACME)
    seen.append(status(client)["status"])
    files.add_column("organizations", "subscription_plans", "new_column")
    seen.append(status(client)["status"])
    live.execute("DROP SCHEMA acme_corp_prod CASCADE")
    seen.append(status(client)["status"])
    assert seen == ["NOT_BOOTSTRAPPED", "NOT_FOUND", "SYNCED", "OUT_OF_SYNC", "PROFILE_ONLY"]
    assert set(seen) == STATUSES


def test_a_dataset_without_a_profile_is_not_found_but_told(onboarded: TestClient, live: Live) -> None:
    live.execute("DELETE FROM organizations.org_profiles")
    answer = status(onboarded)
    assert (answer["status"], answer["profile_exists"], answer["dataset_exists"]) == ("NOT_FOUND", False, True)
    assert "acme_corp_prod exists without a profile" in answer["message"]


def test_a_dataset_that_outlived_the_central_one_is_said_to_exist(onboarded: TestClient, live: Live) -> None:
    live.execute("DROP SCHEMA organizations CASCADE")
    answer = status(onboarded)
    assert (answer["status"], answer["dataset_exists"]) == ("NOT_BOOTSTRAPPED", True)


def test_missing_tables_columns_and_views_are_named(onboarded: TestClient, live: Live, files: CatalogFiles) -> None:
    live.execute("DROP TABLE acme_corp_prod.subscription_plans")
    live.execute("DROP VIEW acme_corp_prod.x_org_hierarchy")
    files.add_column("organizations", "genai_payg_pricing", "new_column")
    answer = status(onboarded)
    assert answer == {
        **SYNCED,
        "status": "OUT_OF_SYNC",
        "tables_existing": ORGANIZATION_TABLES[:-1],
        "tables_missing": ["subscription_plans"],
        "schema_diffs": {"genai_payg_pricing": {**NO_DIFFERENCE, "missing_columns": ["new_column"]}},
        "views_missing": ["x_org_hierarchy"],
        "views": {**SYNCED["views"], "x_org_hierarchy": MISSING},
        "message": answer["message"],
    }
    for part in ("1 table missing", "1 column missing", "1 view missing", "/api/v1/organizations/acme_corp/sync"):
        assert part in answer["message"]


@pytest.mark.parametrize("drop", ["TABLE acme_corp_prod.subscription_plans", "VIEW acme_corp_prod.x_all_notifications"])
def test_one_missing_object_is_enough_to_be_out_of_sync(onboarded: TestClient, live: Live, drop: str) -> None:
    live.execute(f"DROP {drop}")
    assert status(onboarded)["status"] == "OUT_OF_SYNC"


def test_a_missing_field_within_a_repeated_record_is_named_by_its_path(
    onboarded: TestClient, files: CatalogFiles
) -> None:
    with files.columns("organizations", "cloud_gcp_billing_raw_daily") as columns:
        record = next(column for column in columns if column["name"] == "credits")
        record["fields"].append({"name": "granted_at", "type": "TIMESTAMP"})
    answer = status(onboarded)
    assert answer["status"] == "OUT_OF_SYNC"
    assert answer["schema_diffs"] == {
        "cloud_gcp_billing_raw_daily": {**NO_DIFFERENCE, "missing_columns": ["credits.granted_at"]}
    }


def test_an_extra_field_within_a_record_is_listed_and_leaves_it_synced(
    onboarded: TestClient, files: CatalogFiles
) -> None:
    with files.columns("organizations", "cloud_gcp_billing_raw_daily") as columns:
        record = next(column for column in columns if column["name"] == "credits")
        record["fields"] = [field for field in record["fields"] if field["name"] != "full_name"]
    answer = status(onboarded)
    assert answer["status"] == "SYNCED"
    assert answer["schema_diffs"]["cloud_gcp_billing_raw_daily"]["extra_columns"] == ["credits.full_name"]


def test_extra_columns_tables_and_views_are_listed_and_leave_it_synced(onboarded: TestClient, live: Live) -> None:
    live.execute("ALTER TABLE acme_corp_prod.subscription_plans ADD COLUMN nickname VARCHAR")
    live.execute("CREATE TABLE acme_corp_prod.notes (text VARCHAR)")
    live.execute("CREATE VIEW acme_corp_prod.all_notes AS FROM acme_corp_prod.notes")
    assert status(onboarded) == {
        **SYNCED,
        "tables_extra": ["notes", "all_notes"],
        "schema_diffs": {"subscription_plans": {**NO_DIFFERENCE, "extra_columns": ["nickname"]}},
    }


def test_a_view_replaced_by_hand_is_stale_and_told(onboarded: TestClient, live: Live) -> None:
    live.execute("CREATE OR REPLACE VIEW acme_corp_prod.x_org_hierarchy AS SELECT 1 AS one")
    answer = status(onboarded)
    assert (answer["views_stale"], answer["views_missing"]) == (["x_org_hierarchy"], [])
    assert answer["views"] == {**SYNCED["views"], "x_org_hierarchy": STALE}
    assert "recreate_views" in answer["message"]


def test_a_view_is_told_by_how_it_is_kept(onboarded: TestClient, files: CatalogFiles) -> None:
    with files.config("organizations") as config:
        for name, way in zip(VIEWS, ("own", "never", "shared"), strict=False):
            config["views"][name]["materialized"] = way
    answer = status(onboarded)
    assert [answer["views"][name]["materialized"] for name in VIEWS] == ["own", "never", "shared", "shared"]
    assert answer["views_stale"] == VIEWS[:2]


def test_a_shared_view_is_recorded_as_shared(onboarded: TestClient, live: Live) -> None:
    dataset = live.dataset(ACME_DATASET)
    assert dataset is not None
    assert [(view.name, view.materialized) for view in dataset.views] == [(name, "shared") for name in VIEWS]


def test_a_view_whose_file_changed_is_stale(onboarded: TestClient, files: CatalogFiles) -> None:
    path = files.path("organizations/views/x_org_hierarchy.sql")
    path.write_text(path.read_text().replace("  path_names\n", "  path_names,\n  end_date\n"))
    assert status(onboarded)["views_stale"] == ["x_org_hierarchy"]


def test_a_comment_or_the_layout_of_a_view_file_makes_no_difference(onboarded: TestClient, files: CatalogFiles) -> None:
    path = files.path("organizations/views/x_org_hierarchy.sql")
    path.write_text("-- Another comment.\n" + path.read_text().replace("\n  ", " "))
    assert status(onboarded) == SYNCED


def test_one_organizations_drift_is_not_anothers(onboarded: TestClient, live: Live) -> None:
    onboarded.post(ONBOARD, json={**ACME, "org_slug": "globex"})
    live.execute("DROP TABLE globex_prod.subscription_plans")
    assert status(onboarded) == SYNCED
    assert onboarded.get(f"{ORGANIZATIONS}/globex/status").json()["tables_missing"] == ["subscription_plans"]


@pytest.mark.parametrize("slug", ["ab", "Acme", "acme-corp", "acme%0A", "x" * 51, "organizations", "acme%22"])
def test_what_cannot_be_a_slug_is_refused(onboarded: TestClient, slug: str) -> None:
    answer = onboarded.get(f"{ORGANIZATIONS}/{slug}/status")
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["org_slug"]


@pytest.mark.parametrize("slug", ["acme_corp", "unknown"])
def test_asking_changes_nothing(onboarded: TestClient, live: Live, files: CatalogFiles, slug: str) -> None:
    live.execute("DROP TABLE acme_corp_prod.subscription_plans")
    files.add_column("organizations", "genai_payg_pricing", "new_column")
    before = live.snapshot()
    assert onboarded.get(f"{ORGANIZATIONS}/{slug}/status").status_code == 200
    assert live.snapshot() == before
