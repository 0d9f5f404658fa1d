"""The processor `setup.initial.onetime_bootstrap`: what it creates, skips, reports and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import structlog
from pydantic import ValidationError
from structlog.testing import capture_logs

from cloudact.catalog.load import load_dataset
from cloudact.errors import CatalogError, DestructiveRefused
from cloudact.pipeline.cancellation import StepCancelled
from cloudact.planning.diff import diff
from tests.acme import ROOT
from tests.processors.stepping import Steps

ONETIME = "setup.initial.onetime_bootstrap"
TABLES = [
    "pipeline_execution_queue",
    "scheduled_pipeline_runs",
    "tenant_api_keys",
    "tenant_cloud_credentials",
    "tenant_pipeline_configs",
    "tenant_profiles",
    "tenant_subscriptions",
    "tenant_usage_quotas",
]
PLAIN_VIEW = "CREATE SCHEMA tenants; CREATE VIEW tenants.tenant_profiles AS SELECT 1 AS one"
NEW_TABLE = [{"name": "field_name", "type": "STRING", "mode": "REQUIRED", "description": "Field description"}]


@pytest.fixture
def schemas(templates_dir: Path) -> Path:
    return templates_dir / "setup/initial/schemas"


def test_it_creates_the_dataset_and_its_tables_as_declared(steps: Steps) -> None:
    report = steps.run(ONETIME)
    assert report.details["tables_created"] == TABLES
    assert (report.details["dataset_created"], report.failed) == (True, False)
    assert report.summary == ("dataset tenants created, 8 tables created, 0 skipped because they existed")
    declared = load_dataset(ROOT / "ps_templates", "setup/initial").alone()
    found = diff(steps.live.dataset("tenants"), declared)
    assert (found.changes, found.findings) == ((), ())


def test_run_again_it_skips_what_exists_and_touches_no_row(steps: Steps) -> None:
    steps.run(ONETIME)
    steps.live.fill("tenants")
    before = steps.live.snapshot()
    report = steps.run(ONETIME)
    assert report.details["tables_skipped"] == TABLES
    assert (report.details["tables_created"], report.details["dataset_created"]) == ([], False)
    assert steps.live.snapshot() == before


def test_a_plan_tells_what_a_run_then_does_and_changes_nothing(steps: Steps) -> None:
    planned = steps.plan(ONETIME)
    assert steps.live.dataset("tenants") is None
    assert planned.summary.startswith("dataset tenants would be created, 8 tables would be created")
    assert {**planned.details} == {**steps.run(ONETIME).details}


def test_a_table_added_to_the_files_is_the_only_one_created(steps: Steps, templates_dir: Path, schemas: Path) -> None:
    steps.run(ONETIME)
    (schemas / "new_table.json").write_text(json.dumps(NEW_TABLE))
    config = templates_dir / "setup/initial/config.yml"
    config.write_text(config.read_text() + '  new_table: {description: "New"}\n')
    report = steps.run(ONETIME)
    assert (report.details["tables_created"], report.details["tables_skipped"]) == (["new_table"], TABLES)
    assert steps.live.columns("tenants", "new_table") == ["field_name"]


def test_the_dataset_and_its_location_can_be_chosen(steps: Steps) -> None:
    report = steps.run(ONETIME, dataset="tenants_eu", location="EU")
    assert (report.details["dataset"], report.details["location"]) == ("tenants_eu", "EU")
    live = steps.live.dataset("tenants_eu")
    assert live is not None
    assert live.location == "EU"
    assert steps.live.dataset("tenants") is None


def test_missing_columns_are_added_only_on_request_and_rows_stay(steps: Steps, schemas: Path) -> None:
    steps.run(ONETIME)
    steps.live.fill("tenants", rows=2)
    path = schemas / "tenant_profiles.json"
    path.write_text(json.dumps([*json.loads(path.read_text()), {"name": "new_column", "type": "STRING"}]))
    assert steps.run(ONETIME).details["not_requested"] == ["add column tenant_profiles.new_column (STRING)"]
    report = steps.run(ONETIME, sync_missing_columns=True)
    assert report.details["columns_added"] == {"tenant_profiles": ["new_column"]}
    assert len(steps.live.rows("FROM tenants.tenant_profiles WHERE new_column IS NULL")) == 2


def test_a_table_whose_name_is_taken_fails_and_the_others_are_made(steps: Steps) -> None:
    for statement in PLAIN_VIEW.split(";"):
        steps.live.execute(statement)
    report = steps.run(ONETIME)
    assert report.failed
    assert report.details["tables_created"] == [name for name in TABLES if name != "tenant_profiles"]
    (failure,) = report.details["tables_failed"]
    assert failure["table"] == "tenant_profiles"
    assert failure["reason"].startswith("is a view, declared as a table")
    assert "1 table failed" in report.summary


def test_a_wrong_schema_file_stops_it_before_anything_is_done(steps: Steps, schemas: Path) -> None:
    (schemas / "tenant_profiles.json").write_text("[{]")
    with pytest.raises(CatalogError, match=r"tenant_profiles\.json"):
        steps.run(ONETIME)
    assert steps.live.dataset("tenants") is None


@pytest.mark.parametrize("flag", ["force_recreate_dataset", "force_recreate_tables"])
def test_a_force_flag_is_refused_and_changes_nothing(steps: Steps, flag: str) -> None:
    steps.run(ONETIME)
    steps.live.fill("tenants")
    before = steps.live.snapshot()
    for call in (steps.run, steps.plan):
        with pytest.raises(DestructiveRefused, match=flag):
            call(ONETIME, **{flag: True})
    assert steps.live.snapshot() == before


@pytest.mark.parametrize("config", [{"dataset": "a-b"}, {"location": ""}, {"tables": []}])
def test_a_wrong_configuration_is_refused(steps: Steps, config: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        steps.run(ONETIME, **config)


def test_a_cancelled_step_changes_nothing(steps: Steps) -> None:
    steps.cancellation.cancel("too late")
    with pytest.raises(StepCancelled):
        steps.run(ONETIME)
    assert steps.live.dataset("tenants") is None


def test_every_operation_is_logged(steps: Steps) -> None:
    structlog.reset_defaults()
    with capture_logs() as lines:
        steps.run(ONETIME)
        steps.run(ONETIME)
    events = [line["event"] for line in lines]
    once = ["schemas_loaded", "dataset_created", *["table_created"] * 8]
    assert events == [*once, "schemas_loaded", "dataset_existed", *["table_skipped"] * 8]
    quotas = next(line for line in lines if line.get("table") == "tenant_usage_quotas")
    assert (quotas["partition"], quotas["clustering"]) == ("DAY on usage_date", ["tenant_id", "usage_date"])
