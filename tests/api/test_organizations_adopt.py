"""A new organization whose dataset is there already: refused, unless the request takes the dataset over."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from cloudact.wiring import Services
from tests.acme import ACME
from tests.api.live import Live
from tests.api.published import ACME_DATASET, ACME_STATUS, DRYRUN, ONBOARD, ORGANIZATION_TABLES, VIEWS
from tests.api.unaudited import only_audited

ADOPT = {**ACME, "adopt_existing_dataset": True}


@pytest.fixture
def left_behind(onboarded: TestClient, live: Live) -> TestClient:
    """The application with a filled dataset that no profile belongs to, and one view of which is missing."""
    live.fill(ACME_DATASET)
    live.execute("DELETE FROM organizations.org_profiles")
    live.execute("DROP VIEW acme_corp_prod.x_org_hierarchy")
    return onboarded


def dataset_check(client: TestClient, body: dict[str, object]) -> tuple[str, bool, str]:
    """What a dry run says in all, and whether its check of the dataset passed and why."""
    answer = client.post(DRYRUN, json=body).json()
    (check,) = [item for item in answer["checks"] if item["name"] == "dataset"]
    return answer["status"], check["passed"], check["message"]


@pytest.mark.parametrize("extra", [{}, {"adopt_existing_dataset": False}, {"regenerate_api_key_if_exists": True}])
def test_without_the_flag_it_is_refused_and_nothing_changes(
    left_behind: TestClient, live: Live, extra: dict[str, object]
) -> None:
    with only_audited(live, "CREATE ORGANIZATION FAILURE"):
        answer = left_behind.post(ONBOARD, json={**ACME, **extra})
        assert (answer.status_code, answer.json()["code"]) == (409, "dataset_exists")
        assert ACME_DATASET in answer.json()["detail"]
        assert "adopt_existing_dataset: true" in answer.json()["hint"]


def test_an_empty_dataset_is_refused_too(bootstrapped: TestClient, live: Live) -> None:
    live.execute("CREATE SCHEMA acme_corp_prod")
    answer = bootstrapped.post(ONBOARD, json=ACME)
    assert (answer.status_code, answer.json()["code"]) == (409, "dataset_exists")
    assert live.tables(ACME_DATASET) == []


def test_dry_run_foretells_the_refusal_and_what_to_set(left_behind: TestClient) -> None:
    status, passed, message = dataset_check(left_behind, ACME)
    assert (status, passed) == ("BLOCKED", False)
    assert ACME_DATASET in message
    assert "adopt_existing_dataset: true" in message


def test_dry_run_with_the_flag_is_ready_and_tells_what_is_missing(left_behind: TestClient) -> None:
    assert dataset_check(left_behind, ADOPT)[:2] == ("READY", True)
    answer = left_behind.post(DRYRUN, json=ADOPT).json()
    assert (answer["tables_to_create"], answer["views_to_create"]) == ([], ["x_org_hierarchy"])


def test_with_the_flag_it_is_completed_and_keeps_its_rows(
    left_behind: TestClient, live: Live, services: Services
) -> None:
    rows = live.values(ACME_DATASET)
    answer = left_behind.post(ONBOARD, json=ADOPT)
    assert answer.status_code == 201
    told = answer.json()
    assert (told["already_existed"], told["dataset_created"], told["conflicts"]) == (False, False, [])
    assert (told["tables_created"], told["views_created"]) == ([], ["x_org_hierarchy"])
    assert live.values(ACME_DATASET) == rows
    assert live.dataset(ACME_DATASET) == services.catalogs.load().organization_dataset("acme_corp")
    assert left_behind.get(ACME_STATUS).json()["status"] == "SYNCED"


def test_with_the_flag_and_no_dataset_it_is_simply_onboarded(bootstrapped: TestClient) -> None:
    told = bootstrapped.post(ONBOARD, json=ADOPT).json()
    assert told["dataset_created"] is True
    assert (told["tables_created"], told["views_created"]) == (ORGANIZATION_TABLES, VIEWS)


def test_the_flag_does_not_open_an_organization_that_exists(onboarded: TestClient, live: Live) -> None:
    with only_audited(live, "CREATE ORGANIZATION FAILURE"):
        answer = onboarded.post(ONBOARD, json=ADOPT)
        assert (answer.status_code, answer.json()["code"]) == (409, "organization_exists")


@pytest.mark.parametrize("body", [ACME, ADOPT], ids=["without the flag", "with the flag"])
def test_a_dataset_in_conflict_is_refused_and_nothing_is_half_made(
    bootstrapped: TestClient, live: Live, body: dict[str, object]
) -> None:
    live.execute("CREATE SCHEMA acme_corp_prod")
    live.execute("CREATE TABLE acme_corp_prod.subscription_plans AS SELECT 5 AS plan_name")
    with only_audited(live, "CREATE ORGANIZATION FAILURE"):
        answer = bootstrapped.post(ONBOARD, json=body)
        assert (answer.status_code, answer.json()["code"]) == (409, "dataset_conflict")
        assert "subscription_plans.plan_name" in answer.json()["detail"]
        assert dataset_check(bootstrapped, body)[:2] == ("BLOCKED", False)
