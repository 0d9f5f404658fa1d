"""A sync that could not do everything: PARTIAL, with every obstacle named and everything else done."""

from __future__ import annotations

from typing import Any

from fastapi.testclient import TestClient

from tests.api.catalog_files import CatalogFiles
from tests.api.live import Live
from tests.api.published import ACME_DATASET, ACME_STATUS, ACME_SYNC, BOOTSTRAP_SYNC


def sync(client: TestClient) -> dict[str, Any]:
    answer = client.post(ACME_SYNC, json={})
    assert answer.status_code == 200
    return answer.json()


def test_a_refused_change_is_an_error_beside_everything_else_done(
    onboarded: TestClient, live: Live, files: CatalogFiles
) -> None:
    live.execute("DROP TABLE organizations.org_hierarchy")
    live.execute("DROP VIEW acme_corp_prod.x_org_hierarchy")
    live.execute("DROP TABLE acme_corp_prod.subscription_plans")
    files.add_column("organizations", "genai_payg_pricing", "new_column")
    answer = sync(onboarded)
    assert answer["status"] == "PARTIAL"
    (error,) = answer["errors"]
    assert error["change"] == "create view x_org_hierarchy"
    assert "org_hierarchy" in error["message"]
    assert "refused" in answer["message"]
    assert (answer["views_created"], answer["tables_created"]) == ([], ["subscription_plans"])
    assert answer["columns_added"] == {"genai_payg_pricing": ["new_column"]}
    assert onboarded.get(ACME_STATUS).json()["status"] == "OUT_OF_SYNC"


def test_a_refused_column_is_an_error_beside_everything_else_done(
    onboarded: TestClient, live: Live, files: CatalogFiles
) -> None:
    live.fill(ACME_DATASET)
    live.execute("CREATE INDEX by_plan ON acme_corp_prod.subscription_plans (plan_name)")
    files.set_column("organizations", "subscription_plans", "plan_name", mode="NULLABLE")
    files.add_column("organizations", "genai_payg_pricing", "new_column")
    before = live.values(ACME_DATASET)["subscription_plans"]
    answer = sync(onboarded)
    assert answer["status"] == "PARTIAL"
    assert [error["change"] for error in answer["errors"]] == ["relax subscription_plans.plan_name to NULLABLE"]
    assert answer["columns_added"] == {"genai_payg_pricing": ["new_column"]}
    assert live.values(ACME_DATASET)["subscription_plans"] == before


def test_once_the_cause_is_mended_the_next_sync_finishes(onboarded: TestClient, live: Live) -> None:
    live.execute("DROP TABLE organizations.org_hierarchy")
    live.execute("DROP VIEW acme_corp_prod.x_org_hierarchy")
    assert sync(onboarded)["status"] == "PARTIAL"
    onboarded.post(BOOTSTRAP_SYNC)
    answer = sync(onboarded)
    assert (answer["status"], answer["views_created"]) == ("SUCCESS", ["x_org_hierarchy"])


def test_a_conflict_makes_it_partial_and_the_rest_is_done(
    onboarded: TestClient, live: Live, files: CatalogFiles
) -> None:
    live.fill(ACME_DATASET)
    files.set_column("organizations", "subscription_plans", "plan_name", type="INT64")
    files.add_column("organizations", "subscription_plans", "new_column")
    before = live.values(ACME_DATASET)["subscription_plans"]
    answer = sync(onboarded)
    assert answer["status"] == "PARTIAL"
    (conflict,) = answer["conflicts"]
    assert (conflict["code"], conflict["object"]) == ("type_changed", "subscription_plans.plan_name")
    assert answer["columns_added"] == {"subscription_plans": ["new_column"]}
    assert live.values(ACME_DATASET)["subscription_plans"] == [{**row, "new_column": None} for row in before]
