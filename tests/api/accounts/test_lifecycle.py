"""Suspending an organization and ending it; and that a slug belongs to its first organization for good."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from tests.acme import ACME
from tests.api.live import Live
from tests.api.published import ACME_DATASET, ACME_STATUS, DRYRUN, ONBOARD, ORGANIZATIONS

SUSPEND, REACTIVATE = f"{ORGANIZATIONS}/acme_corp/suspend", f"{ORGANIZATIONS}/acme_corp/reactivate"
SYNC = {"pipeline": "organization_sync", "tenant_id": "acme_corp"}


def with_key(key: str) -> dict[str, str]:
    return {"X-CA-Root-Key": "", "X-API-Key": key}


def test_the_keys_of_a_suspended_organization_are_nobodys(onboarded: TestClient, acme_key: str) -> None:
    assert onboarded.get(ACME_STATUS, headers=with_key(acme_key)).status_code == 200  # and is remembered
    assert onboarded.post(SUSPEND).json()["organization_status"] == "SUSPENDED"
    suspended = onboarded.get(ACME_STATUS, headers=with_key(acme_key))
    guessed = onboarded.get(ACME_STATUS, headers=with_key("acme_corp_api_guess"))
    told = [{k: v for k, v in answer.json().items() if k != "request_id"} for answer in (suspended, guessed)]
    assert (suspended.status_code, told[0]) == (401, told[1])
    onboarded.post(REACTIVATE)
    assert onboarded.get(ACME_STATUS, headers=with_key(acme_key)).status_code == 200


def test_its_data_stays_and_its_pipelines_do_not_start(onboarded: TestClient, live: Live) -> None:
    live.fill(ACME_DATASET)
    before = live.values(ACME_DATASET)
    onboarded.post(SUSPEND)
    refused = onboarded.post("/api/v1/admin/pipelines/run", json=SYNC)
    assert (refused.status_code, refused.json()["code"]) == (409, "organization_not_active")
    assert "reactivate" in refused.json()["hint"]
    assert live.values(ACME_DATASET) == before
    assert live.rows("FROM organizations.org_meta_pipeline_runs") == []


def test_its_status_says_so(onboarded: TestClient) -> None:
    onboarded.post(SUSPEND)
    answer = onboarded.get(ACME_STATUS).json()
    assert (answer["organization_status"], answer["status"], answer["onboarded"]) == ("SUSPENDED", "SYNCED", True)


def test_to_do_it_twice_is_to_do_it_once(onboarded: TestClient, live: Live) -> None:
    assert [onboarded.post(SUSPEND).json()["changed"] for _ in range(2)] == [True, False]
    assert [onboarded.post(REACTIVATE).json()["changed"] for _ in range(2)] == [True, False]
    found = live.rows(
        "FROM organizations.org_audit_logs WHERE resource_id = 'acme_corp' AND details LIKE '%SUSPENDED%'"
    )
    assert [row["action"] for row in found] == ["UPDATE", "UPDATE"]


def test_a_slug_is_never_given_to_anybody_else(onboarded: TestClient, live: Live) -> None:
    stranger = {**ACME, "company_name": "Another Acme", "admin_email": "somebody@else.com"}
    for status in ("SUSPENDED", "INACTIVE"):
        live.execute("UPDATE organizations.org_profiles SET status = ?", status)
        answer = onboarded.post(ONBOARD, json=stranger)
        assert (answer.status_code, answer.json()["code"]) == (409, "organization_exists")
        assert onboarded.post(DRYRUN, json=stranger).json()["status"] == "BLOCKED"
    (profile,) = live.rows("FROM organizations.org_profiles")
    assert (profile["company_name"], profile["status"]) == ("Acme Corporation", "INACTIVE")


@pytest.mark.parametrize("path", [SUSPEND, REACTIVATE])
@pytest.mark.parametrize(
    ("status", "code"), [("INACTIVE", "organization_not_active"), ("PROVISIONING", "onboarding_unfinished")]
)
def test_other_states_are_left_as_they_are(
    onboarded: TestClient, live: Live, path: str, status: str, code: str
) -> None:
    live.execute("UPDATE organizations.org_profiles SET status = ?", status)
    answer = onboarded.post(path)
    assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert live.rows("SELECT status FROM organizations.org_profiles") == [{"status": status}]


@pytest.mark.parametrize("path", [SUSPEND, REACTIVATE])
def test_an_organization_does_not_do_it_itself(onboarded: TestClient, acme_key: str, path: str) -> None:
    assert onboarded.post(path, headers=with_key(acme_key)).status_code in (401, 403)
    assert onboarded.get(ACME_STATUS).json()["organization_status"] == "ACTIVE"
    assert onboarded.post(f"{ORGANIZATIONS}/nobody/suspend").status_code == 404
