"""`POST /api/v1/organizations/onboard`: profile, subscription, quota, key and dataset, together or not at all."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from fastapi.testclient import TestClient

from cloudact.tenancy.secrets.columns import API_KEY
from cloudact.wiring import Services
from tests.acme import ACME, ROOT_KEY
from tests.api.live import Live
from tests.api.published import (
    ACME_DATASET,
    ACME_STATUS,
    BOOTSTRAP,
    CENTRAL,
    CENTRAL_TABLES,
    ONBOARD,
    ORGANIZATION_TABLES,
    VIEWS,
)
from tests.api.unaudited import only_audited, trail

LIMITS = {
    "STARTER": (6, 180, 1, 2, 3),
    "PROFESSIONAL": (25, 750, 2, 6, 6),
    "SCALE": (100, 3000, 5, 11, 10),
    "ENTERPRISE": (None, None, None, None, None),
}
LIMIT_COLUMNS = ("daily_limit", "monthly_limit", "concurrent_limit", "seat_limit", "providers_limit")


def test_the_answer_tells_what_was_made_and_shows_the_key(bootstrapped: TestClient) -> None:
    answer = bootstrapped.post(ONBOARD, json=ACME)
    assert answer.status_code == 201
    told = answer.json()
    assert told == {
        "status": "SUCCESS",
        "org_slug": "acme_corp",
        "company_name": "Acme Corporation",
        "subscription_plan": "STARTER",
        "api_key": told["api_key"],
        "dataset": ACME_DATASET,
        "dataset_created": True,
        "tables_created": ORGANIZATION_TABLES,
        "views_created": VIEWS,
        "already_existed": False,
        "conflicts": [],
        "bytes_billed": 0,
        "message": told["message"],
    }
    assert told["api_key"].startswith("acme_corp_api_")
    assert len(told["api_key"]) >= len("acme_corp_api_") + 43, "256 bits in base 64"
    assert "it is not told again" in told["message"]


def test_the_dataset_equals_what_is_declared(onboarded: TestClient, live: Live, services: Services) -> None:
    dataset = live.dataset(ACME_DATASET)
    assert dataset == services.catalogs.load().organization_dataset("acme_corp")
    assert [table.name for table in dataset.tables] == ORGANIZATION_TABLES
    assert [view.name for view in dataset.views] == VIEWS


def test_the_views_show_only_the_organizations_own_rows(onboarded: TestClient, live: Live) -> None:
    live.fill(CENTRAL, rows=2)
    live.execute("UPDATE organizations.org_hierarchy SET org_slug = 'acme_corp', end_date = NULL WHERE id = 'row 1'")
    shown = live.rows("SELECT org_slug, id FROM acme_corp_prod.x_org_hierarchy")
    assert shown == [{"org_slug": "acme_corp", "id": "row 1"}]
    assert live.rows("FROM acme_corp_prod.x_pipeline_exec_logs") == []


def test_the_profile_row_holds_what_was_asked_for(onboarded: TestClient, live: Live) -> None:
    (profile,) = live.rows("FROM organizations.org_profiles")
    (audited,) = (row for row in trail(live) if row["org_slug"] == "acme_corp")
    assert profile["created_at"] is not None
    assert profile == {
        "org_slug": "acme_corp",
        "company_name": "Acme Corporation",
        "admin_email": "admin@acme.com",
        "org_dataset_id": ACME_DATASET,
        "dataset_location": "US",
        "status": "ACTIVE",
        "subscription_plan": "STARTER",
        "default_currency": "USD",
        "default_country": None,
        "default_language": None,
        "default_timezone": "America/New_York",
        "fiscal_year_start_month": None,
        "hierarchy_levels": None,
        "hierarchy_revision": None,
        "audit_head": f"1:{audited['row_hash']}",
        "created_at": profile["created_at"],
        "updated_at": profile["created_at"],
        "labels": None,
    }


def test_fields_left_out_take_their_defaults(bootstrapped: TestClient, live: Live) -> None:
    least = {"org_slug": "globex", "company_name": "Globex", "admin_email": "admin@globex.com"}
    assert bootstrapped.post(ONBOARD, json=least).status_code == 201
    columns = "subscription_plan, default_currency, default_timezone, default_country, default_language"
    assert live.rows(f"SELECT {columns} FROM organizations.org_profiles") == [
        {
            "subscription_plan": "STARTER",
            "default_currency": "USD",
            "default_timezone": "UTC",
            "default_country": None,
            "default_language": None,
        }
    ]


@pytest.mark.parametrize("plan", LIMITS)
def test_subscription_and_quota_rows_hold_the_limits_of_the_plan(
    bootstrapped: TestClient, live: Live, plan: str
) -> None:
    assert bootstrapped.post(ONBOARD, json={**ACME, "subscription_plan": plan}).json()["subscription_plan"] == plan
    limits = dict(zip(LIMIT_COLUMNS, LIMITS[plan], strict=True))
    (subscription,) = live.rows("FROM organizations.org_subscriptions")
    assert limits.items() <= subscription.items()
    assert (subscription["org_slug"], subscription["plan_name"]) == ("acme_corp", plan)
    assert subscription["status"] == "ACTIVE"
    assert subscription["subscription_id"]
    (quota,) = live.rows("FROM organizations.org_usage_quotas")
    assert limits.items() <= quota.items()
    assert quota["org_slug"] == "acme_corp"
    assert quota["usage_date"] == quota["created_at"].date()
    counters = [name for name in quota if name.startswith(("pipelines_", "concurrent_pipelines"))]
    assert {name: quota[name] for name in counters} == dict.fromkeys(counters, 0)


def test_the_earlier_name_of_the_daily_limit_holds_the_same_number(onboarded: TestClient, live: Live) -> None:
    """NULL there means unlimited to those who still read it."""
    assert live.rows("SELECT max_pipelines_per_day, daily_limit FROM organizations.org_subscriptions") == [
        {"max_pipelines_per_day": 6, "daily_limit": 6}
    ]


def test_the_key_is_kept_as_a_keyed_digest_and_a_sealed_copy(acme_key: str, services: Services, live: Live) -> None:
    (row,) = live.rows("FROM organizations.org_api_keys")
    assert row["org_slug"] == "acme_corp"
    key = services.platform.derive("key-lookup")
    digest = hmac.new(key, acme_key.encode(), hashlib.sha256).hexdigest()
    assert re.fullmatch(rf"hmac-sha256:[0-9a-f]{{16}}:{digest}", row["org_api_key_hash"])
    place = API_KEY.context("acme_corp", row["org_api_key_id"])
    assert services.sealer.open(row["encrypted_org_api_key"], place) == acme_key.encode()
    assert row["is_active"] is True
    assert row["expires_at"] is None
    assert row["scopes"]


def test_the_key_is_nowhere_in_the_database_file_or_in_the_log(
    bootstrapped: TestClient, services: Services, database: Path, log: Callable[[], str]
) -> None:
    first = bootstrapped.post(ONBOARD, json=ACME).json()["api_key"]
    second = bootstrapped.post(ONBOARD, json={**ACME, "regenerate_api_key_if_exists": True}).json()["api_key"]
    bootstrapped.get(ACME_STATUS, headers={"X-API-Key": second, "X-CA-Root-Key": ""})
    logged = log()
    assert logged.count('"path": "/api/v1/organizations/onboard"') == 2
    in_use = b"".join(path.read_bytes() for path in database.parent.iterdir())
    services.close()
    written = in_use + b"".join(path.read_bytes() for path in database.parent.iterdir())
    assert b"acme_corp_prod" in written
    for key in (first, second, ROOT_KEY):
        assert key not in logged
        assert key.encode() not in written


def test_every_organization_gets_another_key(bootstrapped: TestClient) -> None:
    slugs = ["one", "two", "three"]
    keys = {bootstrapped.post(ONBOARD, json={**ACME, "org_slug": slug}).json()["api_key"] for slug in slugs}
    assert len({key.rpartition("_api_")[2] for key in keys}) == 3


def test_an_organization_that_exists_is_refused_and_stays_as_it_is(onboarded: TestClient, live: Live) -> None:
    with only_audited(live, "CREATE ORGANIZATION FAILURE"):
        answer = onboarded.post(ONBOARD, json={**ACME, "company_name": "Another"})
        assert answer.status_code == 409
        problem = answer.json()
        assert problem["code"] == "organization_exists"
        assert problem["detail"] == "Organization already exists: acme_corp"
        assert "regenerate_api_key_if_exists: true" in problem["hint"]


def test_before_bootstrap_it_says_so_with_the_call_to_make(client: TestClient, live: Live) -> None:
    answer = client.post(ONBOARD, json=ACME)
    assert answer.status_code == 409
    problem = answer.json()
    assert problem["code"] == "not_bootstrapped"
    assert problem["detail"] == "Organizations dataset does not exist"
    assert "POST /api/v1/admin/bootstrap" in problem["hint"]
    assert live.schemas() == set()


@pytest.mark.parametrize(
    "table", ["org_profiles", "org_api_keys", "org_subscriptions", "org_usage_quotas", "org_hierarchy"]
)
def test_with_a_needed_central_table_missing_it_says_which_and_nothing_is_half_made(
    bootstrapped: TestClient, live: Live, table: str
) -> None:
    live.execute(f"DROP TABLE organizations.{table}")
    with only_audited(live, "CREATE ORGANIZATION FAILURE"):
        answer = bootstrapped.post(ONBOARD, json=ACME)
        assert answer.status_code == 409
        assert answer.json()["code"] == "not_bootstrapped"
        assert f"organizations.{table}" in answer.json()["detail"]
        assert "bootstrap" in answer.json()["hint"]


def test_of_simultaneous_callers_for_one_slug_exactly_one_wins(bootstrapped: TestClient, live: Live) -> None:
    start = Barrier(4)

    def call(number: int) -> tuple[int, str]:
        start.wait()
        answer = bootstrapped.post(ONBOARD, json={**ACME, "company_name": f"Company {number}"})
        return answer.status_code, json.dumps(answer.json())

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(call, range(4)))
    assert sorted(status for status, _ in answers) == [201, 409, 409, 409]
    winner = next(number for number, (status, _) in enumerate(answers) if status == 201)
    assert all("organization_exists" in text for status, text in answers if status == 409)
    assert live.rows("SELECT company_name AS name FROM organizations.org_profiles") == [{"name": f"Company {winner}"}]
    for table in ("org_api_keys", "org_subscriptions", "org_usage_quotas"):
        assert live.rows(f"SELECT count(*) AS number FROM organizations.{table}") == [{"number": 1}]
    assert bootstrapped.get(ACME_STATUS).json()["status"] == "SYNCED"


def test_it_works_in_a_dataset_that_bootstrap_made_around_other_tables(client: TestClient, live: Live) -> None:
    live.execute("CREATE SCHEMA organizations")
    live.execute("CREATE TABLE organizations.notes AS SELECT 'keep me' AS text")
    client.post(BOOTSTRAP)
    assert client.post(ONBOARD, json=ACME).status_code == 201
    assert live.tables(CENTRAL) == sorted([*CENTRAL_TABLES, "notes"])
    assert live.rows("FROM organizations.notes") == [{"text": "keep me"}]
