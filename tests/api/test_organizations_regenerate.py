"""Onboarding an organization that exists, on purpose: a new key, a resynced dataset, nothing else overwritten."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from cloudact.wiring import Services
from tests.acme import ACME
from tests.api.catalog_files import CatalogFiles
from tests.api.live import Live
from tests.api.published import ACME_DATASET, ACME_STATUS, CENTRAL, DRYRUN, ONBOARD, ORGANIZATION_TABLES, VIEWS
from tests.api.unaudited import values

REQUIRED = {name: ACME[name] for name in ("org_slug", "company_name", "admin_email")}


def regenerate(client: TestClient, **fields: object) -> dict[str, object]:
    """Onboard acme_corp again with the required fields and these."""
    answer = client.post(ONBOARD, json={**REQUIRED, "regenerate_api_key_if_exists": True, **fields})
    assert answer.status_code == 201
    return answer.json()


def status_with(client: TestClient, key: object) -> int:
    return client.get(ACME_STATUS, headers={"X-API-Key": str(key), "X-CA-Root-Key": ""}).status_code


def profile(live: Live) -> dict[str, object]:
    (row,) = live.rows("SELECT * EXCLUDE (updated_at, audit_head) FROM organizations.org_profiles")
    return row


def test_the_answer_tells_that_it_existed(onboarded: TestClient) -> None:
    answer = regenerate(onboarded)
    assert answer == {
        "status": "SUCCESS",
        "org_slug": "acme_corp",
        "company_name": "Acme Corporation",
        "subscription_plan": "STARTER",
        "api_key": answer["api_key"],
        "dataset": ACME_DATASET,
        "dataset_created": False,
        "tables_created": [],
        "views_created": [],
        "already_existed": True,
        "conflicts": [],
        "bytes_billed": 0,
        "message": answer["message"],
    }
    assert "earlier API keys no longer work" in str(answer["message"])


def test_the_new_key_works_and_the_old_one_does_not(bootstrapped: TestClient, acme_key: str) -> None:
    assert status_with(bootstrapped, acme_key) == 200
    new = regenerate(bootstrapped)["api_key"]
    assert status_with(bootstrapped, acme_key) == 401
    assert status_with(bootstrapped, new) == 200


def test_earlier_keys_stay_on_record_but_inactive(
    bootstrapped: TestClient, services: Services, acme_key: str, live: Live
) -> None:
    keys = [acme_key, *(regenerate(bootstrapped)["api_key"] for _ in range(2))]
    rows = live.rows("SELECT org_api_key_hash AS hash, is_active FROM organizations.org_api_keys ORDER BY created_at")
    hashes = [services.keys.issuer.digests.keyed(str(key)) for key in keys]
    assert rows == [
        {"hash": hashes[0], "is_active": False},
        {"hash": hashes[1], "is_active": False},
        {"hash": hashes[2], "is_active": True},
    ]


def test_another_organizations_key_keeps_working(bootstrapped: TestClient, acme_key: str) -> None:
    bootstrapped.post(ONBOARD, json={**ACME, "org_slug": "globex"})
    regenerate(bootstrapped, org_slug="globex")
    assert status_with(bootstrapped, acme_key) == 200


def test_fields_left_out_stay_as_they_were(bootstrapped: TestClient, live: Live) -> None:
    given = {
        "subscription_plan": "SCALE",
        "default_currency": "JPY",
        "default_timezone": "Asia/Tokyo",
        "default_country": "JP",
        "default_language": "ja",
    }
    bootstrapped.post(ONBOARD, json={**REQUIRED, **given})
    live.execute("UPDATE organizations.org_profiles SET status = 'SUSPENDED', fiscal_year_start_month = 4")
    live.execute("UPDATE organizations.org_subscriptions SET daily_limit = 1000, status = 'TRIAL'")
    live.execute("UPDATE organizations.org_usage_quotas SET pipelines_run_today = 17")
    before = profile(live), values(live, CENTRAL)
    assert regenerate(bootstrapped)["subscription_plan"] == "SCALE"
    assert profile(live) == before[0]
    after = values(live, CENTRAL)
    for table in ("org_subscriptions", "org_usage_quotas"):
        assert after[table] == before[1][table]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("company_name", "Acme 株式会社"),
        ("admin_email", "owner@acme.com"),
        ("subscription_plan", "PROFESSIONAL"),
        ("default_currency", "EUR"),
        ("default_timezone", "Europe/Berlin"),
        ("default_country", "DE"),
        ("default_language", "de"),
    ],
)
def test_a_field_that_is_given_is_taken_over_alone(onboarded: TestClient, live: Live, field: str, value: str) -> None:
    before = profile(live)
    regenerate(onboarded, **{field: value})
    assert profile(live) == {**before, field: value}
    (times,) = live.rows("SELECT created_at, updated_at FROM organizations.org_profiles")
    assert times["updated_at"] > times["created_at"]


def test_a_plan_that_is_given_changes_the_subscription_and_its_limits(onboarded: TestClient, live: Live) -> None:
    answer = regenerate(onboarded, subscription_plan="PROFESSIONAL")
    assert answer["subscription_plan"] == "PROFESSIONAL"
    (row,) = live.rows("FROM organizations.org_subscriptions")
    limits = ("plan_name", "daily_limit", "monthly_limit", "concurrent_limit", "seat_limit", "providers_limit")
    assert tuple(row[name] for name in limits) == ("PROFESSIONAL", 25, 750, 2, 6, 6)
    assert live.rows("SELECT daily_limit, seat_limit FROM organizations.org_usage_quotas") == [
        {"daily_limit": 25, "seat_limit": 6}
    ]


def test_limits_of_a_plan_that_is_no_longer_declared_stay_on_record(
    bootstrapped: TestClient, live: Live, files: CatalogFiles
) -> None:
    bootstrapped.post(ONBOARD, json={**ACME, "subscription_plan": "SCALE"})
    before = values(live, CENTRAL)
    (files.root / "plans.yml").write_text("plans: {STARTER: {daily_limit: 1}}")
    assert regenerate(bootstrapped)["subscription_plan"] == "SCALE"
    after = values(live, CENTRAL)
    for table in ("org_subscriptions", "org_usage_quotas"):
        assert after[table] == before[table]


def test_the_dataset_is_brought_in_step_and_keeps_its_rows(
    onboarded: TestClient, live: Live, files: CatalogFiles, services: Services
) -> None:
    live.fill(ACME_DATASET)
    live.execute("DROP TABLE acme_corp_prod.subscription_plans")
    rows = live.values(ACME_DATASET)
    files.add_column("organizations", "genai_payg_pricing", "added")
    answer = regenerate(onboarded)
    assert answer["tables_created"] == ["subscription_plans"]
    pricing = [{**row, "added": None} for row in rows["genai_payg_pricing"]]
    assert live.values(ACME_DATASET) == {**rows, "genai_payg_pricing": pricing, "subscription_plans": []}
    assert live.dataset(ACME_DATASET) == services.catalogs.load().organization_dataset("acme_corp")


def test_a_deleted_dataset_is_made_anew(onboarded: TestClient, live: Live, services: Services) -> None:
    live.execute("DROP SCHEMA acme_corp_prod CASCADE")
    answer = regenerate(onboarded)
    assert answer["dataset_created"] is True
    assert (answer["tables_created"], answer["views_created"]) == (ORGANIZATION_TABLES, VIEWS)
    assert live.dataset(ACME_DATASET) == services.catalogs.load().organization_dataset("acme_corp")


def test_an_organization_that_does_not_exist_is_simply_onboarded(bootstrapped: TestClient) -> None:
    answer = regenerate(bootstrapped)
    assert answer["already_existed"] is False
    assert answer["tables_created"] == ORGANIZATION_TABLES


def test_a_conflict_is_listed_and_everything_else_is_done(
    bootstrapped: TestClient, acme_key: str, live: Live, files: CatalogFiles
) -> None:
    live.fill(ACME_DATASET)
    rows = live.values(ACME_DATASET)
    live.execute("DROP VIEW acme_corp_prod.x_org_hierarchy")
    files.set_column("organizations", "subscription_plans", "plan_name", type="INT64")
    files.add_column("organizations", "genai_payg_pricing", "added")
    answer = regenerate(bootstrapped, company_name="Another")
    (conflict,) = answer["conflicts"]
    assert (conflict["code"], conflict["object"]) == ("type_changed", "subscription_plans.plan_name")
    assert all(conflict[part] for part in ("what", "why", "fix"))
    assert answer["views_created"] == ["x_org_hierarchy"]
    pricing = [{**row, "added": None} for row in rows["genai_payg_pricing"]]
    assert live.values(ACME_DATASET) == {**rows, "genai_payg_pricing": pricing}
    assert profile(live)["company_name"] == "Another"
    assert status_with(bootstrapped, acme_key) == 401
    assert status_with(bootstrapped, answer["api_key"]) == 200
    assert bootstrapped.get(ACME_STATUS).json()["conflicts"] == [conflict]


def test_dry_run_foretells_that_a_conflict_does_not_stand_in_the_way(
    onboarded: TestClient, files: CatalogFiles
) -> None:
    files.set_column("organizations", "subscription_plans", "plan_name", type="INT64")
    foretold = onboarded.post(DRYRUN, json={**ACME, "regenerate_api_key_if_exists": True}).json()
    assert foretold["status"] == "READY"


def test_another_plan_leaves_subscriptions_that_ended_on_record(onboarded: TestClient, live: Live) -> None:
    statuses = ("TRIAL", "CANCELLED", "EXPIRED", "SUSPENDED")
    for status in statuses:
        live.execute(
            "INSERT INTO organizations.org_subscriptions SELECT * REPLACE (? AS subscription_id, ? AS status)"
            " FROM organizations.org_subscriptions WHERE status = 'ACTIVE'",
            *(status, status),
        )
    ended = "FROM organizations.org_subscriptions WHERE status NOT IN ('TRIAL', 'ACTIVE') ORDER BY status"
    before = live.rows(ended)
    regenerate(onboarded, subscription_plan="SCALE")
    assert live.rows(ended) == before
    assert {row["plan_name"] for row in before} == {"STARTER"}
    current = "SELECT status, plan_name, daily_limit FROM organizations.org_subscriptions WHERE plan_name = 'SCALE'"
    assert live.rows(f"{current} ORDER BY status") == [
        {"status": "ACTIVE", "plan_name": "SCALE", "daily_limit": 100},
        {"status": "TRIAL", "plan_name": "SCALE", "daily_limit": 100},
    ]


def test_a_refused_field_leaves_everything_as_it_was(onboarded: TestClient, live: Live) -> None:
    before = live.snapshot()
    body = {**ACME, "default_currency": "usd", "regenerate_api_key_if_exists": True}
    assert onboarded.post(ONBOARD, json=body).status_code == 422
    assert live.snapshot() == before
