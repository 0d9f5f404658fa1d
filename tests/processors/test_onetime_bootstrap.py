"""The processor `setup.initial.onetime_bootstrap`: what it creates, skips, reports and refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import structlog
from pydantic import ValidationError
from structlog.testing import capture_logs

from cloudact.catalog.load import load_dataset
from cloudact.errors import CatalogError, DestructiveRefused, StepCancelled
from cloudact.planning.diff import diff
from cloudact.processors.setup.initial.onetime_bootstrap_processor import OnetimeBootstrapConfig
from cloudact.processors.use_cases import Dependencies
from tests.acme import ROOT
from tests.api.published import NEW_TABLE, TENANTS_TABLES
from tests.docs_text import plain, tables
from tests.processors.stepping import Steps

ONETIME = "setup.initial.onetime_bootstrap"
EMPTY: dict[str, list[object]] = {name: [] for name in TENANTS_TABLES}
PLAIN_VIEW = "CREATE SCHEMA tenants; CREATE VIEW tenants.tenant_profiles AS SELECT 1 AS one"


@pytest.fixture
def schemas(templates_dir: Path) -> Path:
    return templates_dir / "setup/initial/schemas"


def test_it_creates_the_dataset_and_its_tables_as_declared(steps: Steps) -> None:
    report = steps.run(ONETIME)
    assert report.details["tables_created"] == TENANTS_TABLES
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
    assert report.details["tables_skipped"] == TENANTS_TABLES
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
    assert (report.details["tables_created"], report.details["tables_skipped"]) == (["new_table"], TENANTS_TABLES)
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
    assert report.details["tables_created"] == [name for name in TENANTS_TABLES if name != "tenant_profiles"]
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
@pytest.mark.parametrize("confirm", [{}, {"confirm_dataset": ""}, {"confirm_dataset": "tenant"}])
def test_a_force_flag_without_the_name_is_refused_and_changes_nothing(
    steps: Steps, flag: str, confirm: dict[str, str]
) -> None:
    steps.run(ONETIME)
    steps.live.fill("tenants")
    before = steps.live.snapshot()
    with pytest.raises(DestructiveRefused, match=flag) as refused:
        steps.run(ONETIME, **{flag: True}, **confirm)
    assert "--var confirm_dataset=tenants" in refused.value.hint
    planned = steps.plan(ONETIME, **{flag: True}, **confirm)
    assert "8 tables would be emptied. Note: recreating tenants " in planned.summary
    assert steps.live.snapshot() == before


def test_tables_are_recreated_as_declared_now_and_the_backup_has_their_rows(steps: Steps, templates_dir: Path) -> None:
    steps.run(ONETIME)
    steps.live.fill("tenants")
    steps.live.execute("CREATE TABLE tenants.notes AS SELECT 1 AS one")
    before = steps.live.values("tenants")
    config = templates_dir / "setup/initial/config.yml"
    config.write_text(config.read_text().replace("{type: DAY, field: usage_date}", "{type: MONTH, field: usage_date}"))
    assert steps.run(ONETIME).details["conflicts"] != []
    force = {"force_recreate_tables": True, "confirm_dataset": "tenants"}
    planned = steps.plan(ONETIME, **force)
    assert steps.live.values("tenants") == before
    report = steps.run(ONETIME, **force)
    assert not report.failed
    assert (report.details["tables_skipped"], report.details["conflicts"]) == (TENANTS_TABLES, [])
    recreated = report.details["recreated"]
    assert [(item["table"], item["outcome"], item["rows_before"]) for item in recreated["tables"]] == [
        (name, "emptied", 3) for name in TENANTS_TABLES
    ]
    assert recreated["tables"] == planned.details["recreated"]["tables"]
    assert recreated["message"] in report.summary
    assert steps.live.values("tenants") == EMPTY | {"notes": before["notes"]}
    assert steps.live.values(recreated["backup"]) == {name: before[name] for name in TENANTS_TABLES}
    quotas = steps.live.dataset("tenants").table("tenant_usage_quotas")
    assert str(quotas.partition) == "MONTH on usage_date"


def test_a_recreated_dataset_has_declared_tables_only_and_the_backup_has_the_others(steps: Steps) -> None:
    steps.run(ONETIME)
    steps.live.fill("tenants")
    steps.live.execute("CREATE TABLE tenants.notes AS SELECT 1 AS one")
    before = steps.live.values("tenants")
    both = {"force_recreate_dataset": True, "force_recreate_tables": True, "confirm_dataset": "tenants"}
    report = steps.run(ONETIME, **both)
    assert steps.live.values("tenants") == EMPTY
    assert steps.live.values(report.details["recreated"]["backup"]) == before


def test_a_plan_with_a_force_flag_tells_what_is_left_once_tables_are_recreated(
    steps: Steps, templates_dir: Path, schemas: Path
) -> None:
    steps.run(ONETIME)
    steps.live.fill("tenants")
    steps.live.execute("DROP TABLE tenants.tenant_api_keys")
    config, profiles = templates_dir / "setup/initial/config.yml", schemas / "tenant_profiles.json"
    config.write_text(config.read_text().replace("{type: DAY, field: usage_date}", "{type: MONTH, field: usage_date}"))
    profiles.write_text(json.dumps([*json.loads(profiles.read_text()), {"name": "new_column", "type": "STRING"}]))
    force = {"force_recreate_tables": True, "confirm_dataset": "tenants"}
    planned, done = steps.plan(ONETIME, **force).details, steps.run(ONETIME, **force).details
    assert planned["recreated"]["tables"] == done["recreated"]["tables"]
    assert {**planned, "recreated": None} == {**done, "recreated": None}
    assert (done["conflicts"], done["not_requested"], done["tables_skipped"]) == ([], [], TENANTS_TABLES)


@pytest.mark.parametrize("flag", ["force_recreate_dataset", "force_recreate_tables"])
def test_a_force_flag_where_nothing_is_creates_everything(steps: Steps, flag: str) -> None:
    for call in (steps.plan, steps.run):
        report = call(ONETIME, **{flag: True, "confirm_dataset": "tenants"})
        assert (report.details["recreated"], report.details["tables_created"]) == (None, TENANTS_TABLES)


def test_the_name_that_confirms_is_that_of_the_dataset_chosen(steps: Steps) -> None:
    chosen = {"dataset": "tenants_eu", "force_recreate_tables": True}
    steps.run(ONETIME, dataset="tenants_eu")
    with pytest.raises(DestructiveRefused, match="tenants_eu"):
        steps.run(ONETIME, **chosen, confirm_dataset="tenants")
    assert steps.run(ONETIME, **chosen, confirm_dataset="tenants_eu").details["recreated"]["dataset"] == "tenants_eu"


def test_production_refuses_to_recreate(dependencies: Dependencies) -> None:
    steps = Steps(replace(dependencies, recreation_allowed=False))
    steps.run(ONETIME)
    steps.live.fill("tenants")
    before = steps.live.snapshot()
    with pytest.raises(DestructiveRefused, match="production"):
        steps.run(ONETIME, force_recreate_tables=True, confirm_dataset="tenants")
    assert steps.live.snapshot() == before


def test_every_table_recreated_is_logged(steps: Steps) -> None:
    steps.run(ONETIME)
    structlog.reset_defaults()
    with capture_logs() as lines:
        report = steps.run(ONETIME, force_recreate_dataset=True, confirm_dataset="tenants")
    (whole,) = [line for line in lines if line["event"] == "dataset_recreated"]
    assert (whole["dataset"], whole["backup"]) == ("tenants", report.details["recreated"]["backup"])
    assert [line["table"] for line in lines if line["event"] == "table_recreated"] == TENANTS_TABLES


def test_the_folder_explains_every_field() -> None:
    rows = tables(ROOT / "ps_templates/setup/initial/README.md", "Use")[0]
    assert {plain(row["field"]) for row in rows} == {*OnetimeBootstrapConfig.model_fields}


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
