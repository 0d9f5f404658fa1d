"""An onboarding that stopped on the way, as engines without transactions leave it: told apart, finished, never lost."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.acme import ACME
from tests.api.catalog_files import CatalogFiles
from tests.api.live import Live
from tests.api.published import ACME_DATASET, ACME_STATUS, ACME_SYNC, ONBOARD, ORGANIZATIONS
from tests.api.unaudited import only_audited

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
AFTER_THE_PROFILE = ("org_subscriptions", "org_usage_quotas", "org_api_keys")


@pytest.fixture
def unfinished(onboarded: TestClient, live: Live) -> TestClient:
    """The application after an onboarding of acme_corp that stopped, long ago, before its last step."""
    for table in AFTER_THE_PROFILE:
        live.execute(f"DELETE FROM organizations.{table}")
    claim(live, LONG_AGO)
    return onboarded


def claim(live: Live, at: datetime | None) -> None:
    """Leave the profile as a call that began at this time has it, or as one that failed by itself."""
    live.execute("UPDATE organizations.org_profiles SET status = 'PROVISIONING', updated_at = ?", at)


def status(client: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get(ACME_STATUS).json()
    return found


def counts(live: Live) -> list[int]:
    """How many rows there are in each central table that is written after the profile."""
    return [len(live.rows(f"FROM organizations.{table}")) for table in AFTER_THE_PROFILE]


def assert_active(client: TestClient, live: Live) -> None:
    """The profile is active, and the dataset is as declared."""
    assert live.rows("SELECT status FROM organizations.org_profiles") == [{"status": "ACTIVE"}]
    assert (status(client)["status"], status(client)["onboarded"]) == ("SYNCED", True)


def test_status_is_out_of_sync_and_says_how_to_go_on(unfinished: TestClient) -> None:
    answer = status(unfinished)
    assert (answer["status"], answer["profile_exists"], answer["onboarded"]) == ("OUT_OF_SYNC", True, False)
    assert answer["message"].startswith("Onboarding has not finished.")
    assert f"POST {ACME_SYNC} finishes it" in answer["message"]


def test_without_its_dataset_it_is_a_profile_only(unfinished: TestClient, live: Live) -> None:
    live.execute(f"DROP SCHEMA {ACME_DATASET} CASCADE")
    assert (status(unfinished)["status"], status(unfinished)["onboarded"]) == ("PROFILE_ONLY", False)


def test_the_list_shows_who_is_not_finished(unfinished: TestClient) -> None:
    answer = unfinished.get(ORGANIZATIONS, params={"status": "PROVISIONING"}).json()
    assert [item["org_slug"] for item in answer["organizations"]] == ["acme_corp"]


def test_no_key_opens_it(bootstrapped: TestClient, acme_key: str, live: Live) -> None:
    claim(live, LONG_AGO)
    answer = bootstrapped.get(ACME_STATUS, headers={"X-API-Key": acme_key, "X-CA-Root-Key": ""})
    assert answer.status_code == 401


@pytest.mark.parametrize("regenerate", [False, True])
@pytest.mark.parametrize("began", [LONG_AGO, None], ids=["killed", "failed"])
def test_the_same_call_again_finishes_it_with_a_key(
    unfinished: TestClient, live: Live, began: datetime | None, regenerate: bool
) -> None:
    claim(live, began)
    live.execute(f"DROP TABLE {ACME_DATASET}.subscription_plans")
    answer = unfinished.post(ONBOARD, json={**ACME, "regenerate_api_key_if_exists": regenerate})
    assert (answer.status_code, answer.json()["already_existed"]) == (201, False)
    assert answer.json()["tables_created"] == ["subscription_plans"]
    assert counts(live) == [1, 1, 1]
    assert_active(unfinished, live)
    key = {"X-API-Key": answer.json()["api_key"], "X-CA-Root-Key": ""}
    assert unfinished.get(ACME_STATUS, headers=key).status_code == 200


@pytest.mark.parametrize("regenerate", [False, True])
def test_while_another_call_may_be_at_it_onboarding_is_refused_and_nothing_changes(
    unfinished: TestClient, live: Live, regenerate: bool
) -> None:
    claim(live, datetime.now(UTC))
    with only_audited(live, "CREATE ORGANIZATION FAILURE"):
        answer = unfinished.post(ONBOARD, json={**ACME, "regenerate_api_key_if_exists": regenerate})
        assert (answer.status_code, answer.json()["code"]) == (409, "onboarding_unfinished")
        assert "five minutes later" in answer.json()["hint"]
        assert ACME_SYNC in answer.json()["hint"]


@pytest.mark.parametrize("began", [LONG_AGO, None], ids=["killed", "failed"])
def test_sync_finishes_it_without_a_key_and_says_so(unfinished: TestClient, live: Live, began: datetime | None) -> None:
    claim(live, began)
    answer = unfinished.post(ACME_SYNC).json()
    assert answer["status"] == "SUCCESS"
    (note,) = answer["notes"]
    assert note.startswith("Onboarding is finished. No API key was issued")
    assert counts(live) == [1, 1, 0]
    assert_active(unfinished, live)
    assert unfinished.post(ACME_SYNC).json()["notes"] == []


def test_a_dataset_that_no_label_tells_apart_has_to_be_adopted(
    unfinished: TestClient, live: Live, files: CatalogFiles
) -> None:
    with files.config("organizations") as config:
        del config["labels"]
    with only_audited(live, "CREATE ORGANIZATION FAILURE"):
        refused = unfinished.post(ONBOARD, json=ACME)
        assert (refused.status_code, refused.json()["code"]) == (409, "dataset_exists")
    assert unfinished.post(ONBOARD, json={**ACME, "adopt_existing_dataset": True}).status_code == 201
    assert counts(live) == [1, 1, 1]


def test_a_sync_without_the_organizations_plan_says_why_it_does_not_finish_it(
    unfinished: TestClient, live: Live, files: CatalogFiles
) -> None:
    plans = files.root / "plans.yml"
    declared = plans.read_text(encoding="utf-8")
    plans.write_text("plans: {ANOTHER: {daily_limit: 1}}", encoding="utf-8")
    assert "plans.yml has no plan STARTER" in unfinished.post(ACME_SYNC).json()["notes"][0]
    assert (status(unfinished)["onboarded"], counts(live)) == (False, [0, 0, 0])
    plans.write_text(declared, encoding="utf-8")
    unfinished.post(ACME_SYNC)
    assert_active(unfinished, live)


def test_a_sync_that_leaves_something_out_does_not_finish_it(unfinished: TestClient, live: Live) -> None:
    live.execute(f"DROP TABLE {ACME_DATASET}.subscription_plans")
    answer = unfinished.post(ACME_SYNC, json={"sync_missing_tables": False}).json()
    assert len(answer["not_requested"]) == 1
    assert any("Onboarding is not finished" in note for note in answer["notes"])
    assert status(unfinished)["onboarded"] is False
    assert unfinished.post(ACME_SYNC).json()["tables_created"] == ["subscription_plans"]
    assert_active(unfinished, live)
