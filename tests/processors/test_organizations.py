"""The processors of `setup.organizations`: bootstrap, dry run, onboarding and sync, each repeatable."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from cloudact.errors import InvalidRequest, OrganizationNotFound
from cloudact.processors.pipelines import Pipelines
from cloudact.processors.use_cases import Dependencies
from tests.api.published import ACME_DATASET, CENTRAL_TABLES, ORGANIZATION_TABLES
from tests.processors.stepping import Steps

BOOTSTRAP, DRYRUN, ONBOARDING, SYNC = (
    f"setup.organizations.{name}" for name in ("bootstrap", "dryrun", "onboarding", "sync")
)
ACME = {"company_name": "Acme Corporation", "admin_email": "admin@acme.com"}


@pytest.fixture
def onboarded(steps: Steps) -> Steps:
    steps.run(BOOTSTRAP)
    steps.run(ONBOARDING, "acme_corp", **ACME)
    return steps


def test_bootstrap_creates_the_central_tables_and_then_nothing(steps: Steps) -> None:
    planned = steps.plan(BOOTSTRAP)
    assert planned.summary == "organizations: 20 tables would be created, 0 exist already."
    assert (planned.details["dataset_created"], steps.live.dataset("organizations")) == (True, None)
    report = steps.run(BOOTSTRAP)
    assert planned.details["tables_created"] == report.details["tables_created"]
    assert report.summary == "organizations: 20 tables created, 0 existed already."
    assert steps.live.tables("organizations") == CENTRAL_TABLES
    assert steps.run(BOOTSTRAP).details["tables_created"] == []
    assert steps.plan(BOOTSTRAP).summary == "organizations: 0 tables would be created, 20 exist already."


def test_bootstrap_fails_when_a_table_cannot_be_made(steps: Steps) -> None:
    steps.live.execute("CREATE SCHEMA organizations")
    steps.live.execute("CREATE VIEW organizations.org_profiles AS SELECT 1 AS one")
    planned = steps.plan(BOOTSTRAP)
    assert (planned.failed, planned.details["tables_created"]) == (True, sorted({*CENTRAL_TABLES} - {"org_profiles"}))
    assert "1 table cannot be created: see conflicts" in planned.summary
    assert steps.run(BOOTSTRAP).failed


@pytest.mark.parametrize("way", ["run", "plan"])
def test_a_dry_run_makes_every_check_and_changes_nothing(steps: Steps, way: str) -> None:
    call = getattr(steps, way)
    blocked = call(DRYRUN, "acme_corp", **ACME)
    assert blocked.failed
    assert blocked.summary.startswith("acme_corp: 1 check failed. bootstrapped: ")
    steps.run(BOOTSTRAP)
    before = steps.live.snapshot()
    ready = call(DRYRUN, "acme_corp", **ACME)
    assert (ready.failed, ready.summary) == (False, "acme_corp: Onboarding would succeed.")
    assert steps.live.snapshot() == before


def test_onboarding_makes_the_organization_and_hands_out_no_key(steps: Steps) -> None:
    steps.run(BOOTSTRAP)
    assert not steps.plan(ONBOARDING, "acme_corp", **ACME).failed
    report = steps.run(ONBOARDING, "acme_corp", **ACME, default_currency="EUR")
    assert not report.failed
    assert "api_key" not in json.dumps({**report.details})
    assert steps.live.tables(ACME_DATASET) == ORGANIZATION_TABLES
    (profile,) = steps.live.rows("FROM organizations.org_profiles")
    assert (profile["org_slug"], profile["default_currency"]) == ("acme_corp", "EUR")


def test_onboarding_repeated_syncs(onboarded: Steps) -> None:
    onboarded.live.execute(f"DROP TABLE {ACME_DATASET}.subscription_plans")
    planned = onboarded.plan(ONBOARDING, "acme_corp", **ACME)
    assert planned.summary.startswith("organization acme_corp exists and would be synced; ")
    assert planned.details["tables_created"] == ["subscription_plans"]
    report = onboarded.run(ONBOARDING, "acme_corp", **ACME)
    assert report.details["tables_created"] == ["subscription_plans"]
    assert len(onboarded.live.rows("FROM organizations.org_profiles")) == 1


def test_onboarding_that_stopped_is_finished(onboarded: Steps) -> None:
    onboarded.live.execute("UPDATE organizations.org_profiles SET status = 'PROVISIONING', updated_at = now()")
    planned = onboarded.plan(ONBOARDING, "acme_corp", **ACME)
    assert planned.details["notes"] == ["The onboarding that stopped would be finished."]
    assert onboarded.live.rows("SELECT status FROM organizations.org_profiles") == [{"status": "PROVISIONING"}]
    assert not onboarded.run(ONBOARDING, "acme_corp", **ACME).failed
    assert onboarded.live.rows("SELECT status FROM organizations.org_profiles") == [{"status": "ACTIVE"}]


def test_a_check_that_fails_stops_onboarding(steps: Steps) -> None:
    steps.run(BOOTSTRAP)
    with pytest.raises(InvalidRequest, match="no_such_plan"):
        steps.run(ONBOARDING, "acme_corp", **ACME, subscription_plan="no_such_plan")
    assert steps.live.rows("FROM organizations.org_profiles") == []


def test_sync_adds_what_is_missing_and_keeps_to_its_flags(onboarded: Steps) -> None:
    onboarded.live.execute(f"DROP TABLE {ACME_DATASET}.subscription_plans")
    planned = onboarded.plan(SYNC, "acme_corp")
    assert (planned.details["tables_created"], planned.failed) == (["subscription_plans"], False)
    assert planned.summary == f"{ACME_DATASET}: 1 change would be applied."
    assert onboarded.plan(SYNC, "acme_corp", sync_missing_tables=False).details["tables_created"] == []
    assert onboarded.run(SYNC, "acme_corp", sync_missing_tables=False).details["tables_created"] == []
    report = onboarded.run(SYNC, org_slug="acme_corp")
    assert (report.details["tables_created"], report.failed) == (["subscription_plans"], False)


@pytest.mark.parametrize("way", ["run", "plan"])
def test_sync_fails_on_a_conflict_and_so_does_its_plan(onboarded: Steps, way: str) -> None:
    onboarded.live.execute(f"ALTER TABLE {ACME_DATASET}.subscription_plans ALTER seats SET DATA TYPE VARCHAR")
    report = getattr(onboarded, way)(SYNC, "acme_corp")
    assert report.failed
    assert "1 conflict left for a person" in report.summary


def test_an_organization_has_to_be_named_and_known(onboarded: Steps) -> None:
    for call in (onboarded.run, onboarded.plan):
        with pytest.raises(InvalidRequest, match="names no organization"):
            call(SYNC)
        with pytest.raises(OrganizationNotFound):
            call(SYNC, "globex")


@pytest.mark.parametrize(
    ("ps_type", "config"),
    [(BOOTSTRAP, {"tables": []}), (SYNC, {"drop": True}), (ONBOARDING, {}), (DRYRUN, {**ACME, "api_key": "x"})],
)
def test_a_wrong_configuration_is_refused(steps: Steps, ps_type: str, config: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        steps.run(ps_type, "acme_corp", **config)


def test_a_run_whose_process_is_gone_is_ended(steps: Steps, dependencies: Dependencies, tmp_path: Path) -> None:
    pipelines = Pipelines(tmp_path, dependencies)
    assert pipelines.mark_interrupted() == ()
    steps.run(BOOTSTRAP)
    steps.live.execute(
        "INSERT INTO organizations.org_meta_pipeline_runs BY NAME SELECT 'run-0' AS pipeline_logging_id, "
        "'acme_corp' AS org_slug, 'sync' AS pipeline_id, 'RUNNING' AS status, TIMESTAMPTZ '2020-01-01' AS start_time"
    )
    assert pipelines.mark_interrupted() == ("run-0",)
    (run,) = steps.live.rows("FROM organizations.org_meta_pipeline_runs")
    assert (run["status"], run["error_message"].partition(":")[0]) == ("FAILED", "interrupted")
