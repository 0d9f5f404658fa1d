"""The one-time bootstrap as its users describe it: every command, file, flag and claim, on a real warehouse file."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cloudact.catalog.load import load_dataset
from cloudact.cli.app import app
from cloudact.planning.diff import diff
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from tests.acme import ROOT
from tests.api.live import Live
from tests.api.published import CENTRAL_TABLES, NEW_TABLE, TENANTS_TABLES

pytestmark = pytest.mark.slow  # tests/processors has the same of each processor, by itself
SHARED = ROOT.parent / "shared" / "seeds"
SEEDS = sorted(SHARED.glob("001_*.txt"))
EMPTY: dict[str, list[object]] = {name: [] for name in TENANTS_TABLES}
LAYOUT = {
    "tenant_usage_quotas": ("DAY on usage_date", ("tenant_id", "usage_date")),
    "scheduled_pipeline_runs": ("DAY on scheduled_time", ("tenant_id", "state", "config_id")),
    "pipeline_execution_queue": ("DAY on scheduled_time", ("state", "priority", "tenant_id")),
}
PUBLISHED = """
pipeline:
  id: "system_bootstrap"
  name: "One-Time System Bootstrap"

steps:
  - step_id: "bootstrap_setup"
    name: "Bootstrap System Infrastructure"
    ps_type: "setup.initial.onetime_bootstrap"
    config:
      force_recreate_dataset: false
      force_recreate_tables: false
"""
NEW_SCHEMA = f"// new_table.json\n{json.dumps(NEW_TABLE, indent=2)}\n"
BOOTSTRAP = "configs/setup/bootstrap_system.yml"


class Project:
    """A copy of what ships, its warehouse file, and the command line over both."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.initial = root / "ps_templates/setup/initial"
        for name in ("configs", "ps_templates"):
            shutil.copytree(ROOT / name, root / name)

    def run(self, *words: str, pipeline: str = BOOTSTRAP, tenant: str = "system", **settings: str) -> Result:
        given = ["pipeline", "run", "--pipeline", str(self.root / pipeline), "--tenant-id", tenant]
        return self.command(*given, *words, **settings)

    def command(self, *words: str, **settings: str) -> Result:
        environment = {
            "CA_WAREHOUSE_URL": f"duckdb:///{self.root / 'w.duckdb'}",
            "CA_CONFIG_DIR": str(self.root / "configs"),
            "CA_TEMPLATES_DIR": str(self.root / "ps_templates"),
            **settings,
        }
        return CliRunner(env=environment).invoke(app, words, prog_name="cloudact", catch_exceptions=False)

    def answer(self, *words: str, **how: str) -> dict[str, Any]:
        done = self.run(*words, "--json", **how)
        assert (done.exit_code, done.stderr) == (0, "")
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    @contextmanager
    def live(self) -> Iterator[Live]:
        with closing(DuckDBWarehouse(self.root / "w.duckdb")) as warehouse:
            yield Live(warehouse)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def seed() -> str:
    if not SEEDS:
        pytest.skip("the users' text is not beside this checkout")
    return SEEDS[0].read_text(encoding="utf-8")


def test_every_path_of_the_text_is_there() -> None:
    text = seed()
    named = set(re.findall(r"`((?:src|configs|ps_templates)/[^`]+)`", text))
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []
    schemas = set(re.findall(r"── (\w+\.json)", text))
    assert schemas == {path.name for path in (ROOT / "ps_templates/setup/initial/schemas").iterdir()}


def test_the_pipeline_of_the_text_is_the_one_tried_here(project: Project) -> None:
    found = re.findall(r"```yaml\n(pipeline:.*?)```", seed(), flags=re.DOTALL)
    assert [text.strip() for text in found] == [PUBLISHED.strip()]


def test_the_schema_file_of_the_text_is_the_one_tried_here() -> None:
    assert re.findall(r"```json\n(.*?)```", seed(), flags=re.DOTALL) == [NEW_SCHEMA]


def test_first_time_setup_creates_the_dataset_and_the_eight_tables(project: Project) -> None:
    answer = project.answer()
    details = answer["steps"][0]["details"]
    assert (details["dataset"], details["location"], details["dataset_created"]) == ("tenants", "US", True)
    assert details["tables_created"] == TENANTS_TABLES
    declared = load_dataset(project.root / "ps_templates", "setup/initial").alone()
    with project.live() as live:
        tenants = live.dataset("tenants")
        found = diff(tenants, declared)
        assert (found.changes, found.findings) == ((), ())
        assert live.tables("organizations") == CENTRAL_TABLES
    assert tenants is not None
    assert tenants.location == "US"
    layout = {table.name: (str(table.partition), table.clustering) for table in tenants.tables if table.partition}
    assert layout == LAYOUT
    assert {table.name for table in tenants.tables if table.clustering} == set(LAYOUT)


def test_it_is_safe_to_run_many_times(project: Project) -> None:
    project.answer()
    with project.live() as live:
        live.fill("tenants")
        before = live.values("tenants")
    details = project.answer()["steps"][0]["details"]
    assert (details["tables_created"], details["tables_skipped"]) == ([], TENANTS_TABLES)
    with project.live() as live:
        assert live.values("tenants") == before
        live.execute("DROP TABLE tenants.tenant_profiles")
    assert project.answer()["steps"][0]["details"]["tables_created"] == ["tenant_profiles"]


def test_the_published_pipeline_file_runs_as_it_is(project: Project) -> None:
    (project.root / "mine.yml").write_text(PUBLISHED)
    answer = project.answer(pipeline="mine.yml")
    assert [step["step_id"] for step in answer["steps"]] == ["bootstrap_setup"]
    assert (answer["state"], answer["recorded"]) == ("COMPLETED", False)
    with project.live() as live:
        assert live.tables("tenants") == TENANTS_TABLES
        assert live.dataset("organizations") is None


@pytest.mark.parametrize("form", ["mapping", "list"])
def test_a_table_is_added_by_a_file_and_a_line(project: Project, form: str) -> None:
    project.answer()
    (project.initial / "schemas/new_table.json").write_text(NEW_SCHEMA)
    config = project.initial / "config.yml"
    if form == "mapping":
        config.write_text(config.read_text() + "  new_table: {}\n")
    else:
        names = "".join(f"  - {name}\n" for name in [*TENANTS_TABLES, "new_table"])
        config.write_text(f"dataset: tenants\nlocation: US\ntables:\n{names}")
    details = project.answer("--var", "force_recreate_tables=false")["steps"][0]["details"]
    assert details["tables_created"] == ["new_table"]
    with project.live() as live:
        (column,) = live.dataset("tenants").table("new_table").columns
    assert (column.name, str(column.type), column.mode, column.description) == (
        "field_name", "STRING", "REQUIRED", "Field description",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("way", "flag"),
    [
        ("parameter", "force_recreate_tables"),
        ("variable", "force_recreate_dataset"),
        ("config", "force_recreate_tables"),
    ],
)
def test_recreation_is_refused_and_no_row_is_lost(project: Project, flag: str, way: str) -> None:
    project.answer()
    with project.live() as live:
        live.fill("tenants")
        before = live.values("tenants")
    path = project.root / BOOTSTRAP
    match way:
        case "variable":
            path.write_text(path.read_text().replace(f"{flag}: false", f"{flag}: true"))
        case "config":
            path.write_text(path.read_text().replace(f"{flag}: ${{{flag}}}", f"{flag}: true"))
    done = project.run(*(["--var", f"{flag}=true"] if way == "parameter" else []))
    assert done.exit_code == 7
    assert f"{flag}: refused" in done.stdout
    assert "confirm_dataset=tenants" in done.stdout
    with project.live() as live:
        assert live.values("tenants") == before


def changed(project: Project) -> None:
    """Declare what only recreated tables can have: another partitioning, another type, another field."""
    config = project.initial / "config.yml"
    config.write_text(config.read_text().replace("{type: DAY, field: usage_date}", "{type: MONTH, field: usage_date}"))
    path = project.initial / "schemas/tenant_usage_quotas.json"
    columns = json.loads(path.read_text())
    (counted,) = [column for column in columns if column["name"] == "pipelines_run_today"]
    counted["type"] = "BIGNUMERIC"
    path.write_text(json.dumps([*columns, {"name": "new_field", "type": "STRING"}]))


SCHEMA_UPDATE = """
variables:
  force_recreate_dataset: false  # Keep dataset
  force_recreate_tables: true    # Recreate tables with new schema
"""
COMPLETE_RESET = """
variables:
  force_recreate_dataset: true   # Delete entire dataset
  force_recreate_tables: true    # Recreate all tables
"""
CONFIRMED = ["--var", "confirm_dataset=tenants"]


def test_the_variables_of_the_text_are_those_tried_here() -> None:
    found = re.findall(r"```yaml\n(?:# [^\n]*\n)?(variables:.*?)```", seed(), flags=re.DOTALL)
    assert [text.strip() for text in found] == [SCHEMA_UPDATE.strip(), COMPLETE_RESET.strip()]


def with_variables(project: Project, text: str) -> None:
    """Write these lines into the pipeline file, and keep the confirmation."""
    path = project.root / BOOTSTRAP
    lines = [line for line in path.read_text().splitlines(keepends=True) if not line.startswith("  force_recreate_")]
    path.write_text("".join(lines).replace("variables:\n", text.lstrip()))


@pytest.mark.parametrize("way", ["parameter", "variable"])
def test_tables_are_recreated_with_a_new_schema_after_a_backup(project: Project, way: str) -> None:
    project.answer()
    with project.live() as live:
        live.fill("tenants")
        live.execute("CREATE TABLE tenants.notes AS SELECT 1 AS one")
        before, central = live.values("tenants"), live.values("organizations")
    changed(project)
    if way == "variable":
        with_variables(project, SCHEMA_UPDATE)
    flag = ["--var", "force_recreate_tables=true"] if way == "parameter" else []
    recreated = project.answer(*flag, *CONFIRMED)["steps"][0]["details"]["recreated"]
    assert {item["table"]: (item["outcome"], item["rows_before"]) for item in recreated["tables"]} == dict.fromkeys(
        TENANTS_TABLES, ("emptied", 3)
    )
    declared = load_dataset(project.root / "ps_templates", "setup/initial").alone()
    with project.live() as live:
        assert live.values("tenants") == EMPTY | {"notes": before["notes"]}
        assert diff(live.dataset("tenants"), declared).changes == ()
        assert str(live.dataset("tenants").table("tenant_usage_quotas").partition) == "MONTH on usage_date"
        assert live.values(recreated["backup"]) == {name: before[name] for name in TENANTS_TABLES}
        assert live.values("organizations")["org_profiles"] == central["org_profiles"]


def test_a_complete_reset_leaves_the_declared_tables_and_a_backup_of_all(project: Project) -> None:
    project.answer()
    with project.live() as live:
        live.fill("tenants")
        live.execute("CREATE TABLE tenants.notes AS SELECT 1 AS one")
        before = live.values("tenants")
    with_variables(project, COMPLETE_RESET)
    recreated = project.answer(*CONFIRMED)["steps"][0]["details"]["recreated"]
    assert recreated["mode"] == "dataset"
    with project.live() as live:
        assert live.values("tenants") == EMPTY
        assert live.values(recreated["backup"]) == before
    done = project.command("backup", "restore", recreated["backup"], "--as", "tenants_before")
    assert done.exit_code == 0
    with project.live() as live:
        assert live.values("tenants_before") == before
        audited = live.rows("FROM organizations.org_audit_logs")
    assert audited


def test_both_flags_create_what_is_not_there(project: Project) -> None:
    with_variables(project, COMPLETE_RESET)
    details = project.answer(*CONFIRMED)["steps"][0]["details"]
    assert (details["tables_created"], details["recreated"]) == (TENANTS_TABLES, None)


def test_a_schema_is_changed_without_losing_a_row(project: Project) -> None:
    project.answer()
    with project.live() as live:
        live.fill("tenants")
        before = live.values("tenants")
    changed(project)
    assert project.command("recreate", "tenants", "--with-data", "--confirm", "tenants").exit_code == 0
    with project.live() as live:
        after = live.values("tenants")
        assert str(live.dataset("tenants").table("tenant_usage_quotas").partition) == "MONTH on usage_date"
    assert {name: len(rows) for name, rows in after.items()} == dict.fromkeys(TENANTS_TABLES, 3)
    quotas = [
        {name: value for name, value in row.items() if name != "new_field"} for row in after["tenant_usage_quotas"]
    ]
    assert after | {"tenant_usage_quotas": quotas} == before


@pytest.mark.parametrize("flag", ["force_recreate_dataset", "force_recreate_tables"])
def test_in_production_recreation_needs_a_setting(project: Project, flag: str) -> None:
    project.answer()
    with project.live() as live:
        live.fill("tenants")
        before = live.values("tenants")
    words = ["--var", f"{flag}=true", *CONFIRMED]
    done = project.run(*words, CA_ENVIRONMENT="production")
    assert done.exit_code == 7
    assert "CA_ALLOW_RECREATE" in done.stdout
    with project.live() as live:
        assert live.values("tenants") == before
    assert project.run(*words, CA_ENVIRONMENT="production", CA_ALLOW_RECREATE="true").exit_code == 0


def test_a_dry_run_of_a_recreation_tells_and_changes_nothing(project: Project) -> None:
    project.answer()
    with project.live() as live:
        live.fill("tenants")
        before = live.values("tenants")
    done = project.run("--var", "force_recreate_tables=true", "--dry-run")
    assert done.exit_code == 0
    assert "~ table tenant_profiles would be emptied, rows before: 3" in done.stdout
    with project.live() as live:
        assert live.values("tenants") == before
        assert [name for name in live.schemas() if "backup" in name] == []


def test_it_fails_fast_on_a_wrong_schema_file(project: Project) -> None:
    (project.initial / "schemas/tenant_profiles.json").write_text('[{"name": "a", "type": "INTEGR"}]')
    done = project.run()
    assert done.exit_code == 7
    assert "tenant_profiles.json" in done.stdout
    assert "skip bootstrap_organizations" in done.stdout
    with project.live() as live:
        assert live.dataset("tenants") is None


def test_every_operation_is_in_the_log(project: Project) -> None:
    done = project.run(CA_LOG_LEVEL="DEBUG")
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    events = [line["event"] for line in lines]
    assert {"pipeline_run_started", "schemas_loaded", "dataset_created", "pipeline_run_ended"} <= {*events}
    made = [line for line in lines if line["event"] == "table_created"]
    assert [line["table"] for line in made] == TENANTS_TABLES
    assert {line["table"]: line["clustering"] for line in made if line["partition"]} == {
        name: list(clustering) for name, (_, clustering) in LAYOUT.items()
    }
    assert {(line["step_id"], line["organization"], line["attempt"]) for line in made} == {
        ("bootstrap_setup", "system", 1)
    }


def test_a_run_for_an_organization_is_read_in_its_own_view(project: Project) -> None:
    project.answer()
    (project.root / "onboard.yml").write_text(
        "pipeline: {id: onboard, name: Onboard}\n"
        "steps:\n"
        "  - {step_id: check, ps_type: setup.organizations.dryrun, config: &who "
        "{company_name: Acme Corporation, admin_email: admin@acme.com}}\n"
        "  - {step_id: onboard, ps_type: setup.organizations.onboarding, config: *who}\n"
        "  - {step_id: sync, ps_type: setup.organizations.sync}\n"
    )
    answer = project.answer(pipeline="onboard.yml", tenant="acme_corp")
    with project.live() as live:
        (run,) = live.rows("FROM acme_corp_prod.x_pipeline_exec_logs")
        assert (run["pipeline_logging_id"], run["status"]) == (answer["run_id"], "COMPLETED")
        steps = live.rows("FROM organizations.org_meta_step_logs WHERE org_slug = 'acme_corp' ORDER BY step_index")
        assert [(step["step_name"], step["status"]) for step in steps] == [
            (name, "COMPLETED") for name in ("check", "onboard", "sync")
        ]
        assert live.rows("FROM organizations.org_meta_pipeline_runs WHERE org_slug = 'system'") != []
