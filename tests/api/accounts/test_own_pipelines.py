"""An organization runs what is offered to it, for itself alone, and sees its own runs alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.acme import ACME, ROOT_HEADERS
from tests.api.catalog_files import CatalogFiles
from tests.api.live import Live
from tests.api.published import ONBOARD, ORGANIZATIONS

RUNS = f"{ORGANIZATIONS}/acme_corp/pipelines/runs"
RUN = f"{ORGANIZATIONS}/acme_corp/pipelines/run"
FILE = """
pipeline: {{id: mine, name: Mine, organizations: {offered}}}
variables: {{whose: {whose}}}
steps:
  - {{step_id: sync, ps_type: setup.organizations.sync, config: {{org_slug: "${{whose}}"}}}}
"""


def with_key(key: str) -> dict[str, str]:
    return {"X-CA-Root-Key": "", "X-API-Key": key}


@pytest.fixture
def mine(onboarded: TestClient, acme_key: str) -> TestClient:
    """The application as acme_corp."""
    onboarded.headers.update(with_key(acme_key))
    return onboarded


@pytest.fixture
def other(onboarded: TestClient) -> str:
    """The key of another organization."""
    body = {**ACME, "org_slug": "other_org", "admin_email": "a@other.com"}
    made = onboarded.post(ONBOARD, json=body, headers=ROOT_HEADERS)
    return str(made.json()["api_key"])


def test_a_run_is_the_organizations_own(mine: TestClient, live: Live) -> None:
    live.execute("DROP TABLE acme_corp_prod.subscription_plans")
    answer = mine.post(RUN, json={"pipeline": "organization_sync"}).json()
    assert (answer["state"], answer["organization"]) == ("COMPLETED", "acme_corp")
    assert "subscription_plans" in live.tables("acme_corp_prod")
    (run,) = mine.get(RUNS).json()["runs"]
    assert (run["pipeline_logging_id"], run["trigger_type"]) == (answer["run_id"], "API")
    assert run["org_api_key_id"]
    events = live.rows("FROM organizations.org_audit_logs WHERE resource_type = 'PIPELINE'")
    assert {(event["org_slug"], event["api_key_id"]) for event in events} == {("acme_corp", run["org_api_key_id"])}
    shown = mine.get(f"{RUNS}/{answer['run_id']}").json()
    assert [step["step_name"] for step in shown["steps"]] == ["sync"]


def test_another_organizations_runs_are_not_there(mine: TestClient, other: str) -> None:
    run = mine.post(RUN, json={"pipeline": "organization_sync"}).json()["run_id"]
    theirs = f"{ORGANIZATIONS}/other_org/pipelines/runs"
    assert mine.get(theirs, headers=with_key(other)).json()["total"] == 0
    hidden = mine.get(f"{theirs}/{run}", headers=with_key(other))
    assert (hidden.status_code, hidden.json()["code"]) == (404, "run_not_found")
    assert mine.get(f"{RUNS}/{run}", headers=with_key(other)).status_code == 403


@pytest.mark.parametrize("pipeline", ["system_bootstrap", "setup/organization_sync.yml", "nothing", "../plans.yml"])
def test_only_what_is_offered_can_be_run_and_only_by_its_id(mine: TestClient, live: Live, pipeline: str) -> None:
    answer = mine.post(RUN, json={"pipeline": pipeline})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "pipeline")
    assert "name one of organization_sync" in answer.json()["detail"]
    assert "system_bootstrap" not in answer.json()["detail"].replace(f"'{pipeline}'", "")
    assert live.rows("FROM organizations.org_meta_pipeline_runs") == []


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"variables": {"whose": "other_org"}}, "is about another organization in sync"),
        ({}, "is about another organization in sync"),
    ],
    ids=["by a variable", "by its file"],
)
def test_no_step_is_about_another_organization(
    mine: TestClient, files: CatalogFiles, live: Live, body: Mapping[str, Any], problem: str
) -> None:
    (files.root / "setup" / "mine.yml").write_text(FILE.format(offered="true", whose="other_org"))
    answer = mine.post(RUN, json={"pipeline": "mine", **body})
    assert answer.status_code == 422
    assert problem in answer.json()["detail"]
    assert live.rows("FROM organizations.org_meta_pipeline_runs") == []
    assert mine.post(RUN, json={"pipeline": "mine", "variables": {"whose": "acme_corp"}}).status_code == 200


def test_a_file_that_does_not_say_so_is_not_offered(mine: TestClient, files: CatalogFiles) -> None:
    (files.root / "setup" / "mine.yml").write_text(FILE.format(offered="false", whose="acme_corp"))
    assert mine.post(RUN, json={"pipeline": "mine"}).status_code == 422


def test_the_administrator_is_told_what_is_offered(onboarded: TestClient) -> None:
    found = onboarded.get("/api/v1/admin/pipelines").json()["pipelines"]
    assert {item["id"]: item["organizations"] for item in found} == {
        "organization_sync": True,
        "system_bootstrap": False,
    }


def test_runs_count_against_the_plan(mine: TestClient, live: Live) -> None:
    live.execute("UPDATE organizations.org_subscriptions SET monthly_limit = 1")
    assert mine.post(RUN, json={"pipeline": "organization_sync"}).status_code == 200
    refused = mine.post(RUN, json={"pipeline": "organization_sync"})
    assert (refused.status_code, refused.json()["code"]) == (429, "quota_exceeded")
    assert "monthly_limit" in refused.json()["detail"]


def test_what_others_left_behind_is_not_told(mine: TestClient, live: Live, other: str) -> None:
    live.execute(
        """INSERT INTO organizations.org_meta_pipeline_runs
           (pipeline_logging_id, org_slug, pipeline_id, status, start_time)
           VALUES ('theirs', 'other_org', 'p', 'RUNNING', TIMESTAMPTZ '2026-01-01 00:00:00Z')"""
    )
    assert mine.post(RUN, json={"pipeline": "organization_sync"}).json()["interrupted"] == []
    (ended,) = live.rows("FROM organizations.org_meta_pipeline_runs WHERE org_slug = 'other_org'")
    assert ended["status"] == "FAILED"
    usage = "SELECT pipelines_failed_today AS failed FROM organizations.org_usage_quotas WHERE org_slug = 'other_org'"
    assert live.rows(usage) == [{"failed": 1}]
