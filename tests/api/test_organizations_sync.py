"""`POST /api/v1/organizations/{org}/sync`: what is missing is added or made anew, and no row is ever lost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from cloudact.catalog.model import Dataset, Mode
from cloudact.wiring import Services
from tests.acme import ACME
from tests.api.catalog_files import CatalogFiles
from tests.api.live import Live
from tests.api.published import (
    ACME_DATASET,
    ACME_STATUS,
    ACME_SYNC,
    ONBOARD,
    ORGANIZATION_TABLES,
    ORGANIZATIONS,
    VIEWS,
)
from tests.api.unaudited import only_audited

NOTHING = {
    "status": "SUCCESS",
    "dataset": ACME_DATASET,
    "dataset_created": False,
    "tables_created": [],
    "columns_added": {},
    "views_created": [],
    "views_replaced": [],
    "columns_changed": [],
    "metadata_updated": [],
    "conflicts": [],
    "errors": [],
    "notes": [],
    "not_requested": [],
    "bytes_billed": 0,
    "message": "acme_corp_prod: nothing to change.",
}


def sync(client: TestClient, **flags: bool) -> dict[str, Any]:
    answer = client.post(ACME_SYNC, json=flags)
    assert answer.status_code == 200
    return answer.json()


def status(client: TestClient) -> str:
    return str(client.get(ACME_STATUS).json()["status"])


def declared(services: Services) -> Dataset:
    return services.catalogs.load().organization_dataset("acme_corp")


def test_in_sync_there_is_nothing_to_do(onboarded: TestClient, live: Live) -> None:
    with only_audited(live, "SYNC ORGANIZATION SUCCESS", "SYNC ORGANIZATION SUCCESS"):
        assert sync(onboarded) == NOTHING
        assert onboarded.post(ACME_SYNC).json() == NOTHING


def test_an_unknown_organization_is_an_error(bootstrapped: TestClient, live: Live) -> None:
    with only_audited(live, "SYNC ORGANIZATION FAILURE"):
        answer = bootstrapped.post(ACME_SYNC, json={})
        assert answer.status_code == 404
        assert answer.json()["code"] == "organization_not_found"
        assert "POST /api/v1/organizations/onboard" in answer.json()["hint"]


def test_before_bootstrap_it_says_so_with_the_call_to_make(client: TestClient, live: Live) -> None:
    answer = client.post(ACME_SYNC, json={})
    assert answer.status_code == 409
    assert answer.json()["detail"] == "Organizations dataset does not exist"
    assert "POST /api/v1/admin/bootstrap" in answer.json()["hint"]
    assert live.schemas() == set()


def test_new_columns_fields_and_tables_are_added_as_declared(
    onboarded: TestClient, live: Live, files: CatalogFiles, services: Services
) -> None:
    files.add_column("organizations", "subscription_plans", "new_column")
    files.add_table("organizations", "new_table", [{"name": "org_slug", "type": "STRING", "mode": "REQUIRED"}])
    with files.columns("organizations", "cloud_gcp_billing_raw_daily") as columns:
        record = next(column for column in columns if column["name"] == "credits")
        record["fields"].append({"name": "granted_at", "type": "TIMESTAMP", "description": "When."})
    answer = sync(onboarded)
    assert answer == {
        **NOTHING,
        "tables_created": ["new_table"],
        "columns_added": {
            "cloud_gcp_billing_raw_daily": ["credits.granted_at"],
            "subscription_plans": ["new_column"],
        },
        "message": "acme_corp_prod: 3 changes applied.",
    }
    assert live.dataset(ACME_DATASET) == declared(services)
    assert status(onboarded) == "SYNCED"


def test_a_field_joins_a_repeated_record_without_losing_an_element(
    onboarded: TestClient, live: Live, files: CatalogFiles
) -> None:
    live.fill(ACME_DATASET, rows=1)
    table = "acme_corp_prod.cloud_gcp_billing_raw_daily"
    live.execute(f"UPDATE {table} SET tags = [{{'key': 'env', 'value': 'prod', 'namespace': 'a', 'inherited': true}}]")
    with files.columns("organizations", "cloud_gcp_billing_raw_daily") as columns:
        record = next(column for column in columns if column["name"] == "tags")
        record["fields"].append({"name": "set_by", "type": "STRING", "mode": "REQUIRED"})
    answer = sync(onboarded)
    assert answer["columns_added"] == {"cloud_gcp_billing_raw_daily": ["tags.set_by"]}
    assert len(answer["notes"]) == 1
    expected = {"key": "env", "value": "prod", "namespace": "a", "inherited": True, "set_by": None}
    assert live.rows(f"SELECT tags FROM {table}") == [{"tags": [expected]}]


def test_a_required_column_joins_as_nullable_and_is_noted(
    onboarded: TestClient, live: Live, files: CatalogFiles
) -> None:
    files.add_column("organizations", "subscription_plans", "tier", mode="REQUIRED")
    answer = sync(onboarded)
    (note,) = answer["notes"]
    assert note.startswith("subscription_plans.tier: will be added NULLABLE, declared REQUIRED")
    assert live.dataset(ACME_DATASET).table("subscription_plans").column("tier").mode is Mode.NULLABLE
    assert status(onboarded) == "SYNCED"


def test_every_row_and_value_survives_a_change_to_every_table(
    onboarded: TestClient, live: Live, files: CatalogFiles
) -> None:
    live.fill(ACME_DATASET, rows=5)
    before = live.values(ACME_DATASET)
    for table in ORGANIZATION_TABLES:
        files.add_column("organizations", table, "added")
    assert sync(onboarded)["columns_added"] == {table: ["added"] for table in ORGANIZATION_TABLES}
    assert live.values(ACME_DATASET) == {
        table: [{**row, "added": None} for row in rows] for table, rows in before.items()
    }
    assert {len(rows) for rows in before.values()} == {5}


@pytest.mark.parametrize(
    ("flags", "made"),
    [
        ({}, {"table", "view", "column"}),
        ({"sync_missing_tables": True, "sync_missing_columns": True}, {"table", "view", "column"}),
        ({"sync_missing_columns": False}, {"table", "view"}),
        ({"sync_missing_tables": False}, {"column"}),
        ({"sync_missing_tables": False, "sync_missing_columns": False}, set()),
        ({"recreate_views": True}, {"table", "view", "column", "stale"}),
        (
            {"sync_missing_tables": False, "sync_missing_columns": False, "recreate_views": True},
            {"view", "stale"},
        ),
    ],
    ids=lambda given: "+".join(sorted(given)) or "none",
)
def test_each_flag_decides_about_its_own_kind(
    onboarded: TestClient, live: Live, files: CatalogFiles, flags: dict[str, bool], made: set[str]
) -> None:
    live.execute("DROP TABLE acme_corp_prod.subscription_plans")
    live.execute("DROP VIEW acme_corp_prod.x_all_notifications")
    live.execute("CREATE OR REPLACE VIEW acme_corp_prod.x_org_hierarchy AS SELECT 1 AS one")
    files.add_column("organizations", "genai_payg_pricing", "new_column")
    answer = sync(onboarded, **flags)
    assert answer["status"] == "SUCCESS"
    assert answer["tables_created"] == (["subscription_plans"] if "table" in made else [])
    assert answer["views_created"] == (["x_all_notifications"] if "view" in made else [])
    assert answer["views_replaced"] == (["x_org_hierarchy"] if "stale" in made else [])
    assert answer["columns_added"] == ({"genai_payg_pricing": ["new_column"]} if "column" in made else {})
    assert len(answer["not_requested"]) == 4 - len(made)
    now = onboarded.get(ACME_STATUS).json()
    assert now["tables_missing"] == ([] if "table" in made else ["subscription_plans"])
    assert now["views_missing"] == ([] if "view" in made else ["x_all_notifications"])
    assert now["views_stale"] == ([] if "stale" in made else ["x_org_hierarchy"])
    assert ("genai_payg_pricing" in now["schema_diffs"]) is ("column" not in made)


def test_a_view_replaced_by_hand_is_replaced_back_only_on_request(
    onboarded: TestClient, live: Live, services: Services
) -> None:
    live.execute("CREATE OR REPLACE VIEW acme_corp_prod.x_org_hierarchy AS SELECT 1 AS one")
    assert sync(onboarded)["not_requested"] == ["replace view x_org_hierarchy"]
    assert live.rows("FROM acme_corp_prod.x_org_hierarchy") == [{"one": 1}]
    assert sync(onboarded, recreate_views=True)["views_replaced"] == ["x_org_hierarchy"]
    assert live.rows("FROM acme_corp_prod.x_org_hierarchy") == []
    assert live.dataset(ACME_DATASET) == declared(services)
    assert sync(onboarded, recreate_views=True) == NOTHING


def test_a_deleted_dataset_is_made_anew_as_onboarding_makes_it(
    onboarded: TestClient, live: Live, services: Services
) -> None:
    onboarded.post(ONBOARD, json={**ACME, "org_slug": "globex"})
    live.execute("DROP SCHEMA acme_corp_prod CASCADE")
    assert status(onboarded) == "PROFILE_ONLY"
    answer = sync(onboarded, sync_missing_tables=True, recreate_views=True)
    assert answer["dataset_created"] is True
    assert (answer["tables_created"], answer["views_created"]) == (ORGANIZATION_TABLES, VIEWS)
    assert status(onboarded) == "SYNCED"
    fresh = live.dataset("globex_prod")
    views = (replace(view, query=view.query.replace("globex", "acme_corp")) for view in fresh.views)
    assert live.dataset(ACME_DATASET) == replace(fresh, name=ACME_DATASET, views=tuple(views))
    assert live.dataset(ACME_DATASET) == declared(services)


def test_a_deleted_dataset_comes_back_where_it_was(onboarded: TestClient, live: Live, files: CatalogFiles) -> None:
    with files.config("organizations") as config:
        config["location"] = "EU"
    assert status(onboarded) == "SYNCED"
    live.execute("DROP SCHEMA acme_corp_prod CASCADE")
    sync(onboarded)
    assert live.dataset(ACME_DATASET).location == "US"


def test_a_deleted_dataset_stays_deleted_when_no_tables_are_to_be_made(onboarded: TestClient, live: Live) -> None:
    live.execute("DROP SCHEMA acme_corp_prod CASCADE")
    answer = sync(onboarded, sync_missing_tables=False)
    assert (answer["dataset_created"], answer["tables_created"]) == (False, [])
    assert len(answer["not_requested"]) == 1 + len(ORGANIZATION_TABLES) + len(VIEWS)
    assert ACME_DATASET not in live.schemas()


def test_what_is_extra_stays(onboarded: TestClient, live: Live, files: CatalogFiles) -> None:
    live.execute("ALTER TABLE acme_corp_prod.subscription_plans ADD COLUMN nickname VARCHAR")
    live.execute("CREATE TABLE acme_corp_prod.notes AS SELECT 'keep me' AS text")
    live.execute("CREATE VIEW acme_corp_prod.all_notes AS FROM acme_corp_prod.notes")
    files.add_column("organizations", "subscription_plans", "new_column")
    sync(onboarded, recreate_views=True)
    assert {"nickname", "new_column"} <= set(live.columns(ACME_DATASET, "subscription_plans"))
    assert live.rows("FROM acme_corp_prod.all_notes") == [{"text": "keep me"}]


def test_one_organization_is_synced_and_no_other(onboarded: TestClient, live: Live, files: CatalogFiles) -> None:
    onboarded.post(ONBOARD, json={**ACME, "org_slug": "globex"})
    files.add_column("organizations", "subscription_plans", "new_column")
    sync(onboarded)
    assert "new_column" in live.columns(ACME_DATASET, "subscription_plans")
    assert "new_column" not in live.columns("globex_prod", "subscription_plans")
    assert onboarded.get(f"{ORGANIZATIONS}/globex/status").json()["status"] == "OUT_OF_SYNC"
