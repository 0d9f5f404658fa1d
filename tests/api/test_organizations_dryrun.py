"""`POST /api/v1/organizations/dryrun`: every check that onboarding would fail on, by name, and nothing written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.acme import ACME
from tests.api.live import Live
from tests.api.published import ACME_DATASET, DRYRUN, ONBOARD, ORGANIZATION_TABLES, VIEWS

CHECKS = [
    "org_slug",
    "company_name",
    "admin_email",
    "subscription_plan",
    "default_currency",
    "default_timezone",
    "bootstrapped",
    "organization",
    "dataset",
    "views",
]
BAD = {
    "org_slug": "Acme",
    "company_name": " ",
    "admin_email": "nobody",
    "subscription_plan": "FREE",
    "default_currency": "usd",
    "default_timezone": "Mars/Base",
    "default_country": "usa",
    "default_language": "english",
}
DryRun = Callable[[dict[str, object]], dict[str, Any]]


@pytest.fixture
def dry_run(client: TestClient, live: Live) -> DryRun:
    """Ask for a dry run; the warehouse must be the same afterwards, and every check must say something."""

    def ask(body: dict[str, object]) -> dict[str, Any]:
        before = live.snapshot()
        answer = client.post(DRYRUN, json=body)
        assert answer.status_code == 200
        assert live.snapshot() == before
        assert all(check["message"] for check in answer.json()["checks"])
        return answer.json()

    return ask


def failed(answer: dict[str, Any]) -> dict[str, str]:
    """The checks that failed, by name, and what each says."""
    return {check["name"]: check["message"] for check in answer["checks"] if not check["passed"]}


def test_all_checks_pass_and_it_tells_what_would_be_made(bootstrapped: TestClient, dry_run: DryRun) -> None:
    answer = dry_run(ACME)
    assert [check["name"] for check in answer["checks"]] == CHECKS
    assert failed(answer) == {}
    del answer["checks"]
    assert answer == {
        "status": "READY",
        "org_slug": "acme_corp",
        "dataset": ACME_DATASET,
        "tables_to_create": ORGANIZATION_TABLES,
        "views_to_create": VIEWS,
        "message": "Onboarding would succeed.",
    }


def test_optional_fields_are_checked_when_they_are_given(bootstrapped: TestClient, dry_run: DryRun) -> None:
    answer = dry_run({**ACME, "default_country": "US", "default_language": "en"})
    assert {"default_country", "default_language"} <= {check["name"] for check in answer["checks"]}
    assert answer["status"] == "READY"


@pytest.mark.parametrize("field", BAD)
def test_each_field_fails_by_itself_and_onboarding_refuses_it_too(
    bootstrapped: TestClient, dry_run: DryRun, field: str
) -> None:
    body = {**ACME, field: BAD[field]}
    answer = dry_run(body)
    assert answer["status"] == "BLOCKED"
    assert answer["message"] == "1 check failed."
    assert list(failed(answer)) == [field]
    assert BAD[field] in failed(answer)[field]
    refused = bootstrapped.post(ONBOARD, json=body)
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["errors"]] == [field]


def test_every_failed_check_is_reported_at_once(bootstrapped: TestClient, dry_run: DryRun) -> None:
    answer = dry_run({**ACME, **BAD})
    assert failed(answer).keys() == BAD.keys()
    assert answer["message"] == "8 checks failed."


def test_before_bootstrap_that_check_fails_and_says_what_to_call(client: TestClient, dry_run: DryRun) -> None:
    answer = dry_run(ACME)
    assert answer["status"] == "BLOCKED"
    assert list(failed(answer)) == ["bootstrapped"]
    assert "Organizations dataset does not exist" in failed(answer)["bootstrapped"]
    assert "POST /api/v1/admin/bootstrap" in failed(answer)["bootstrapped"]
    assert client.post(ONBOARD, json=ACME).status_code == 409


def test_a_bad_slug_does_not_hide_that_bootstrap_is_missing(dry_run: DryRun) -> None:
    assert list(failed(dry_run({**ACME, "org_slug": "Acme"}))) == ["org_slug", "bootstrapped"]


def test_an_organization_that_exists_fails_unless_a_new_key_is_asked_for(
    onboarded: TestClient, dry_run: DryRun
) -> None:
    assert failed(dry_run(ACME)) == {"organization": "Organization already exists: acme_corp"}
    assert dry_run({**ACME, "regenerate_api_key_if_exists": True})["status"] == "READY"


def test_a_dataset_in_the_way_fails_and_is_named(bootstrapped: TestClient, dry_run: DryRun, live: Live) -> None:
    live.execute("CREATE SCHEMA acme_corp_prod")
    live.execute("CREATE TABLE acme_corp_prod.subscription_plans AS SELECT 5 AS plan_name")
    answer = dry_run(ACME)
    assert list(failed(answer)) == ["dataset"]
    assert "subscription_plans.plan_name" in failed(answer)["dataset"]
    assert bootstrapped.post(ONBOARD, json=ACME).json()["code"] == "dataset_conflict"


def test_of_a_dataset_that_is_there_in_part_it_tells_what_is_missing(
    onboarded: TestClient, dry_run: DryRun, live: Live
) -> None:
    live.execute("DROP TABLE acme_corp_prod.subscription_plans")
    live.execute("DROP VIEW acme_corp_prod.x_org_hierarchy")
    answer = dry_run({**ACME, "regenerate_api_key_if_exists": True})
    assert answer["tables_to_create"] == ["subscription_plans"]
    assert answer["views_to_create"] == ["x_org_hierarchy"]


@pytest.mark.parametrize(
    "spoil",
    [
        "DROP TABLE organizations.org_profiles",
        "DROP TABLE organizations.org_api_keys",
        "DROP TABLE organizations.org_hierarchy",
        "DROP TABLE organizations.org_audit_logs",
        "ALTER TABLE organizations.org_profiles DROP COLUMN default_language",
        "ALTER TABLE organizations.org_api_keys DROP COLUMN scopes",
        "ALTER TABLE organizations.org_hierarchy DROP COLUMN metadata",
        "ALTER TABLE organizations.org_audit_logs DROP COLUMN details",
    ],
)
def test_with_the_central_dataset_out_of_step_dry_run_foretells_what_onboarding_does(
    bootstrapped: TestClient, dry_run: DryRun, live: Live, spoil: str
) -> None:
    live.execute(spoil)
    foretold = dry_run(ACME)
    onboards = bootstrapped.post(ONBOARD, json=ACME).status_code == 201
    assert foretold["status"] == ("READY" if onboards else "BLOCKED")
    assert list(failed(foretold)) == ([] if onboards else ["bootstrapped"])


@pytest.mark.parametrize("field", ["org_slug", "company_name", "admin_email"])
def test_the_body_has_the_shape_of_onboarding(bootstrapped: TestClient, field: str) -> None:
    without = {name: value for name, value in ACME.items() if name != field}
    for body in (without, {**ACME, "unknown": 1}, {**ACME, field: 5}):
        answers = [bootstrapped.post(path, json=body) for path in (DRYRUN, ONBOARD)]
        assert [answer.status_code for answer in answers] == [422, 422]
        assert answers[0].json()["errors"] == answers[1].json()["errors"]


def test_half_of_a_surrogate_pair_is_the_callers_mistake(bootstrapped: TestClient) -> None:
    body = rb'{"org_slug": "acme\ud800", "company_name": "Acme", "admin_email": "admin@acme.com"}'
    answer = bootstrapped.post(DRYRUN, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code < 500
    assert "org_slug" in answer.text
