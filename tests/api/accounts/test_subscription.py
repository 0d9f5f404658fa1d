"""Subscriptions and quotas over HTTP: shown to the organization, changed by the administrator, and enforced."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.acme import ACME
from tests.api.catalog_files import CatalogFiles
from tests.api.live import Live
from tests.api.published import ONBOARD, ORGANIZATIONS

SUBSCRIPTION = f"{ORGANIZATIONS}/acme_corp/subscription"
QUOTA = f"{ORGANIZATIONS}/acme_corp/quota"
RUN = "/api/v1/admin/pipelines/run"
SYNC = {"pipeline": "organization_sync", "tenant_id": "acme_corp"}
STARTER = {"daily_limit": 6, "monthly_limit": 180, "concurrent_limit": 1, "seat_limit": 2, "providers_limit": 3}
SCALE = {"daily_limit": 100, "monthly_limit": 3000, "concurrent_limit": 5, "seat_limit": 11, "providers_limit": 10}


def today() -> date:
    return datetime.now(UTC).date()


def row(live: Live) -> dict[str, Any]:
    (found,) = live.rows("FROM organizations.org_subscriptions")
    return found


def test_a_new_organization_has_the_limits_of_its_plan(onboarded: TestClient, acme_key: str) -> None:
    answer = onboarded.get(SUBSCRIPTION, headers={"X-CA-Root-Key": "", "X-API-Key": acme_key}).json()
    assert (answer["plan_name"], answer["status"], answer["limits"]) == ("STARTER", "ACTIVE", STARTER)
    assert (answer["trial_end_date"], answer["subscription_end_date"], answer["message"]) == (None, None, "is ACTIVE")


def test_another_plan_is_there_for_the_rest_of_the_day(onboarded: TestClient, live: Live) -> None:
    assert onboarded.post(RUN, json=SYNC).json()["state"] == "COMPLETED"
    answer = onboarded.put(SUBSCRIPTION, json={"plan_name": "SCALE"})
    assert (answer.status_code, answer.json()["limits"]) == (200, SCALE)
    quota = onboarded.get(QUOTA).json()
    assert {name: quota[name]["used"] for name in ("daily", "monthly", "concurrent")} == {
        "daily": 1,
        "monthly": 1,
        "concurrent": 0,
    }
    assert (quota["daily"]["limit"], quota["succeeded_today"], quota["plan_name"]) == (100, 1, "SCALE")
    assert live.rows("SELECT DISTINCT daily_limit FROM organizations.org_usage_quotas") == [{"daily_limit": 100}]
    assert row(live)["max_pipelines_per_day"] == 100
    assert onboarded.get(ORGANIZATIONS).json()["organizations"][0]["subscription_plan"] == "SCALE"


def test_a_change_is_in_the_audit_trail(onboarded: TestClient, live: Live) -> None:
    onboarded.put(SUBSCRIPTION, json={"plan_name": "SCALE"})
    (found,) = live.rows("FROM organizations.org_audit_logs WHERE resource_type = 'SUBSCRIPTION'")
    assert (found["action"], found["org_slug"], found["status"]) == ("UPDATE", "acme_corp", "SUCCESS")
    assert found["resource_id"] == row(live)["subscription_id"]
    assert '"STARTER"' in found["details"]
    assert '"SCALE"' in found["details"]


def test_runs_beyond_the_plan_are_refused_until_they_are_allowed_again(onboarded: TestClient, live: Live) -> None:
    live.execute("UPDATE organizations.org_subscriptions SET daily_limit = 1")
    assert onboarded.post(RUN, json=SYNC).status_code == 200
    refused = onboarded.post(RUN, json=SYNC)
    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (429, "quota_exceeded")
    assert problem["detail"] == "Organization acme_corp has reached daily_limit: 1 of 1 pipeline runs are used"
    assert 0 < int(refused.headers["Retry-After"]) <= 86_400
    assert live.rows("SELECT count(*) AS runs FROM organizations.org_meta_pipeline_runs") == [{"runs": 1}]
    assert onboarded.post(RUN, json={**SYNC, "dry_run": True}).status_code == 200  # a dry run is none
    assert 'cloudact_quota_refusals_total{limit="daily_limit"} 1.0' in onboarded.get("/metrics").text


def test_a_trial_is_that_of_the_plan_and_ends(onboarded: TestClient, files: CatalogFiles, live: Live) -> None:
    files.root.joinpath("plans.yml").write_text("plans: {STARTER: {daily_limit: 6, trial_days: 14}}\n")
    answer = onboarded.put(SUBSCRIPTION, json={"plan_name": "STARTER", "status": "TRIAL"}).json()
    last = today() + timedelta(days=13)
    assert (answer["status"], answer["trial_end_date"]) == ("TRIAL", str(last))
    live.execute("UPDATE organizations.org_subscriptions SET trial_end_date = ?", today() - timedelta(days=1))
    answer = onboarded.get(SUBSCRIPTION).json()
    assert (answer["status"], answer["message"]) == (
        "EXPIRED",
        f"was a trial that ended on {today() - timedelta(days=1)} (UTC)",
    )
    refused = onboarded.post(RUN, json=SYNC)
    assert (refused.status_code, refused.json()["code"]) == (409, "subscription_ended")


def test_an_onboarding_on_a_plan_with_a_trial_begins_it(
    bootstrapped: TestClient, files: CatalogFiles, live: Live
) -> None:
    files.root.joinpath("plans.yml").write_text("plans: {STARTER: {trial_days: 1}}\n")
    assert bootstrapped.post(ONBOARD, json=ACME).status_code == 201
    assert (row(live)["status"], row(live)["trial_end_date"]) == ("TRIAL", today())
    assert bootstrapped.post(RUN, json=SYNC).json()["state"] == "COMPLETED"


def test_the_end_of_a_trial_is_remembered(onboarded: TestClient) -> None:
    trial = {"plan_name": "SCALE", "status": "TRIAL", "trial_end_date": str(today())}
    onboarded.put(SUBSCRIPTION, json=trial)
    answer = onboarded.put(SUBSCRIPTION, json={"plan_name": "SCALE"}).json()
    assert (answer["status"], answer["trial_end_date"]) == ("ACTIVE", str(today()))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"plan_name": "NOPE"}, "plan_name"),
        ({"plan_name": "SCALE", "status": "TRIAL"}, "trial_end_date"),
        ({"plan_name": "SCALE", "status": "TRIAL", "trial_end_date": "2020-01-01"}, "trial_end_date"),
        ({"plan_name": "SCALE", "subscription_end_date": "2020-01-01"}, "subscription_end_date"),
        ({"plan_name": "SCALE", "status": "OFF"}, "status"),
        ({"plan_name": "SCALE", "daily_limit": 1}, "daily_limit"),
        ({}, "plan_name"),
    ],
)
def test_what_cannot_be_meant_changes_nothing(
    onboarded: TestClient, live: Live, body: dict[str, Any], field: str
) -> None:
    before = row(live)
    answer = onboarded.put(SUBSCRIPTION, json=body)
    assert (answer.status_code, [problem["field"] for problem in answer.json()["errors"]]) == (422, [field])
    assert row(live) == before


def test_an_organization_does_not_change_its_own_plan(onboarded: TestClient, acme_key: str, live: Live) -> None:
    own = {"X-CA-Root-Key": "", "X-API-Key": acme_key}
    assert onboarded.put(SUBSCRIPTION, json={"plan_name": "ENTERPRISE"}, headers=own).status_code in (401, 403)
    assert row(live)["plan_name"] == "STARTER"


def test_unlimited_is_told_as_null(onboarded: TestClient) -> None:
    onboarded.put(SUBSCRIPTION, json={"plan_name": "ENTERPRISE"})
    quota = onboarded.get(QUOTA).json()
    assert {quota[name]["limit"] for name in ("daily", "monthly", "concurrent", "providers", "seats")} == {None}


def test_of_providers_that_come_at_once_as_many_pass_as_are_allowed(onboarded: TestClient) -> None:
    def put(number: int) -> int:
        path = f"{ORGANIZATIONS}/acme_corp/integrations/provider_{number}/credentials/default"
        return onboarded.put(path, json={"secret": "s3cret-of-a-provider", "credential_type": "API_KEY"}).status_code

    with ThreadPoolExecutor(6) as threads:
        assert sorted(threads.map(put, range(6))) == [200] * 3 + [409] * 3
    assert onboarded.get(QUOTA).json()["providers"]["used"] == 3


def test_providers_are_counted_and_people_are_not(onboarded: TestClient) -> None:
    credentials = f"{ORGANIZATIONS}/acme_corp/integrations/openai/credentials"
    for name in ("first", "second"):
        body = {"secret": "s3cret-of-a-provider", "credential_type": "API_KEY"}
        assert onboarded.put(f"{credentials}/{name}", json=body).status_code == 200
    quota = onboarded.get(QUOTA).json()
    assert quota["providers"] == {"used": 1, "limit": 3, "starts_again_at": None}
    assert quota["seats"] == {"used": None, "limit": 2, "starts_again_at": None}
    for name in ("first", "second"):
        onboarded.delete(f"{credentials}/{name}")
    assert onboarded.get(QUOTA).json()["providers"]["used"] == 0


def test_an_organization_without_a_subscription_can_be_given_one(onboarded: TestClient, live: Live) -> None:
    live.execute("DELETE FROM organizations.org_subscriptions")
    missing = onboarded.get(SUBSCRIPTION)
    assert (missing.status_code, missing.json()["code"]) == (404, "subscription_not_found")
    assert onboarded.put(SUBSCRIPTION, json={"plan_name": "SCALE"}).json()["limits"] == SCALE


@pytest.mark.parametrize("path", ["subscription", "quota", "locale", "labels"])
def test_an_unknown_organization_is_not_found(bootstrapped: TestClient, path: str) -> None:
    answer = bootstrapped.get(f"{ORGANIZATIONS}/nobody/{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "organization_not_found")
