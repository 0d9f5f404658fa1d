"""`cloudact pipeline`: what it prints, how it ends, and that a service answers the same."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cloudact.cli import render_runs
from tests.acme import ROOT, ROOT_KEY
from tests.cli.command_line import A_TERMINAL, CommandLine

STEP = "pipeline: {{id: {id}, name: A pipeline}}\nsteps: [{{step_id: only, ps_type: {ps_type}, config: {config}}}]\n"
BROKEN = """\
pipeline: {id: broken, name: Broken}
steps:
  - {step_id: a, ps_type: no.such}
  - {step_id: a, ps_type: setup.organizations.sync, config: {drop: true}}
"""


@pytest.fixture
def bootstrap(config_dir: Path) -> list[str]:
    return ["pipeline", "run", "--pipeline", str(config_dir / "setup/bootstrap_system.yml"), "--tenant-id", "system"]


def written(config_dir: Path, ps_type: str, config: str = "{}", name: str = "mine") -> list[str]:
    """Write a pipeline of one step, and return the words that run it."""
    (config_dir / f"{name}.yml").write_text(STEP.format(id=name, ps_type=ps_type, config=config))
    return ["pipeline", "run", "--pipeline", str(config_dir / f"{name}.yml"), "--tenant-id"]


def test_a_run_tells_what_each_step_made(cli: CommandLine, bootstrap: list[str]) -> None:
    first, *lines = cli.succeed(*bootstrap).splitlines()
    assert first.startswith("system_bootstrap  COMPLETED  run ")
    assert lines[0].startswith("  ok   bootstrap_setup: ")
    assert lines[0].endswith("dataset tenants created, 8 tables created, 0 skipped because they existed")
    assert [line.strip() for line in lines[1:9]] == [f"+ table {name}" for name in sorted_tables(cli)]
    again = cli.succeed(*bootstrap)
    assert "0 tables created, 8 skipped because they existed" in again
    assert "+ table" not in again


def sorted_tables(cli: CommandLine) -> list[str]:
    with cli.warehouse() as live:
        return live.tables("tenants")


def test_a_dry_run_changes_nothing(cli: CommandLine, bootstrap: list[str]) -> None:
    shown = cli.succeed(*bootstrap, "--dry-run")
    assert shown.startswith("system_bootstrap  COMPLETED  dry run, ")
    assert "dataset tenants would be created, 8 tables would be created" in shown
    with cli.warehouse() as live:
        assert (live.dataset("tenants"), live.dataset("organizations")) == (None, None)


def test_a_failed_step_ends_the_command_with_its_own_exit_code(cli: CommandLine, bootstrap: list[str]) -> None:
    done = cli.run(*bootstrap, "--var", "force_recreate_tables=true")
    assert (done.exit_code, done.stderr) == (7, "")
    assert "FAIL bootstrap_setup: " in done.stdout
    assert "force_recreate_tables: refused" in done.stdout
    assert "--var confirm_dataset=tenants" in done.stdout  # the hint
    assert "skip bootstrap_organizations: step bootstrap_setup ended as FAILED" in done.stdout
    assert "! the run is not recorded: " in done.stdout


def test_what_a_step_could_not_do_is_told(acme: CommandLine, config_dir: Path) -> None:
    with acme.warehouse() as live:
        live.execute("ALTER TABLE acme_corp_prod.subscription_plans ALTER seats SET DATA TYPE VARCHAR")
        live.execute("ALTER TABLE acme_corp_prod.subscription_plans DROP COLUMN currency")
        live.execute("CREATE SCHEMA tenants")
        live.execute("CREATE VIEW tenants.tenant_profiles AS SELECT 1 AS one")
    synced = acme.run(*written(config_dir, "setup.organizations.sync"), "acme_corp")
    assert synced.exit_code == 7
    assert "+ column subscription_plans.currency" in synced.stdout
    assert "! subscription_plans.seats: " in synced.stdout
    made = acme.run(*written(config_dir, "setup.initial.onetime_bootstrap"), "system")
    assert made.exit_code == 7
    assert "! table tenant_profiles: is a view, declared as a table" in made.stdout


def test_every_problem_of_a_file_is_told_at_once(cli: CommandLine, config_dir: Path) -> None:
    (config_dir / "broken.yml").write_text(BROKEN)
    words = ["pipeline", "run", "--pipeline", str(config_dir / "broken.yml"), "--tenant-id", "system"]
    exit_code, problem = cli.refusal(*words)
    assert (exit_code, problem["code"]) == (3, "pipeline_invalid")
    places = [item["field"].rpartition("/")[2] for item in problem["errors"]]
    assert places == [
        "broken.yml:3:steps.0.ps_type",
        "broken.yml:4:steps.1.config.drop",
        "broken.yml:4:steps.1.step_id",
    ]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--var", "force_recreate"], "is no assignment"),
        (["--var", "=1"], "is no assignment"),
        (["--var", "a=1", "--var", "a=2"], "is given twice"),
        (["--var", "no_such=1"], "is not a variable of the pipeline"),
        (["--var", "force_recreate_tables=perhaps"], "'perhaps' is not one of"),
        (["--tenant-id", "Not A Slug"], "must be 3 to 50 characters"),
        (["--pipeline", "no_such.yml"], "does not exist"),
    ],
)
def test_what_cannot_be_meant_is_refused(cli: CommandLine, bootstrap: list[str], more: list[str], said: str) -> None:
    exit_code, problem = cli.refusal(*bootstrap, *more)
    assert exit_code == 3
    assert said in problem["detail"]
    with cli.warehouse() as live:
        assert live.dataset("tenants") is None


def test_runs_are_listed_and_shown(cli: CommandLine, bootstrap: list[str], config_dir: Path) -> None:
    run_id = cli.answer(*bootstrap)["run_id"]
    assert cli.run(*written(config_dir, "setup.organizations.sync"), "globex_inc").exit_code == 7
    listed = cli.succeed("pipeline", "list").splitlines()
    assert [line.split()[3] for line in listed[1:5:2]] == ["FAILED", "COMPLETED"]
    assert listed[2:5:2] == [
        "  mine for globex_inc: Organization not found: globex_inc",
        "  system_bootstrap for system",
    ]
    assert re.fullmatch(rf"{run_id}  \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d  COMPLETED  .*", listed[3])
    assert listed[-1] == "1 to 2 of 2"
    assert cli.answer("pipeline", "list", "--tenant-id", "system")["total"] == 1
    shown = cli.succeed("pipeline", "show", run_id)
    assert shown.startswith(f"system_bootstrap  COMPLETED  run {run_id}\n  for system, started 2")
    assert "\n  ok   bootstrap_setup: setup.initial.onetime_bootstrap, 2" in shown
    assert "dataset tenants created" in shown
    assert "\n       + table tenant_profiles\n" in shown
    failed = cli.answer("pipeline", "list", "--status", "FAILED")["runs"][0]["pipeline_logging_id"]
    assert "Organization not found: globex_inc" in cli.succeed("pipeline", "show", failed)


def test_a_terminal_of_80_columns_breaks_no_word(cli: CommandLine, bootstrap: list[str]) -> None:
    cli.succeed("bootstrap", "run")
    narrow = {**A_TERMINAL, "COLUMNS": "80"}
    shown = [cli.run(*bootstrap, "--var", "force_recreate_tables=true", **narrow).stdout]
    run_id = cli.answer("pipeline", "list")["runs"][0]["pipeline_logging_id"]
    shown += [cli.run("pipeline", *words, **narrow).stdout for words in (["list"], ["show", run_id])]
    for text in shown:
        lines = re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()
        assert max(map(len, lines)) <= 80
        assert "of tenants would be emptied and confirm_dataset is missing" in " ".join(" ".join(lines).split())


def test_details_of_a_stranger_are_passed_over(capsys: pytest.CaptureFixture[str]) -> None:
    step = {
        "step_id": "count", "state": "COMPLETED", "duration_ms": 1, "attempts": 1, "summary": "3 rows", "reason": "",
        "failure": None,
        "details": {
            "tables_created": 3, "views_created": None, "columns_added": ["a"], "notes": {}, "errors": "none",
            "tables_failed": {"x": 1}, "conflicts": [1, {"object": "t"}], "recreated": {"tables": [{}, 2]},
        },
    }  # fmt: skip
    run = {"pipeline_id": "acme_count", "run_id": "run-1", "state": "COMPLETED", "duration_ms": 2, "dry_run": False}
    render_runs.run_report({**run, "steps": [step], "interrupted": [], "recorded": True, "record_problem": ""})
    said = capsys.readouterr().out
    assert said == "acme_count  COMPLETED  run run-1, 2 ms\n  ok   count: 1 ms, 3 rows\n"


def test_records_that_are_not_there(cli: CommandLine) -> None:
    exit_code, problem = cli.refusal("pipeline", "list")
    assert (exit_code, problem["code"]) == (5, "not_bootstrapped")
    cli.succeed("bootstrap", "run")
    exit_code, problem = cli.refusal("pipeline", "show", "some-id")
    assert (exit_code, problem["code"]) == (5, "run_not_found")
    assert cli.succeed("pipeline", "list").splitlines()[-1] == "0 to 0 of 0"


def test_a_service_answers_the_same(cli: CommandLine, bootstrap: list[str], service_url: str) -> None:
    remote = {"CA_API_URL": service_url, "CA_ROOT_API_KEY": ROOT_KEY}
    here, there = cli.answer(*bootstrap), cli.answer(*bootstrap, **remote)
    for answer in (here, there):
        for part in (answer, *answer["steps"]):
            for fresh in ("run_id", "started_at", "ended_at", "duration_ms"):
                part.pop(fresh, None)
    assert here == there
    assert cli.answer("pipeline", "list", **remote)["total"] == 1
    (run,) = cli.answer("pipeline", "list", **remote)["runs"]
    shown = cli.answer("pipeline", "show", run["pipeline_logging_id"], **remote)
    assert (shown["run"], len(shown["steps"])) == (run, 2)


def test_a_pipeline_of_the_catalog_is_listed_and_run_by_its_id(
    cli: CommandLine, config_dir: Path, service_url: str
) -> None:
    (config_dir / "bad.yml").write_text(BROKEN)
    assert [line.partition(": is ")[0] for line in cli.succeed("pipeline", "available").splitlines()] == [
        "broken  Broken",
        "  bad.yml: cannot be run",
        "  ! bad.yml:3:steps.0.ps_type",
        "  ! bad.yml:4:steps.1.config.drop",
        "  ! bad.yml:4:steps.1.step_id",
        "system_bootstrap  One-Time System Bootstrap",
        "  setup/bootstrap_system.yml: bootstrap_setup, bootstrap_organizations",
        "organization_sync  Bring an Organization's Dataset in Step",
        "  setup/organization_sync.yml: sync",
    ]
    remote = {"CA_API_URL": service_url, "CA_ROOT_API_KEY": ROOT_KEY}
    assert cli.answer("pipeline", "available", **remote) == cli.answer("pipeline", "available")
    words = ["pipeline", "run", "--pipeline", "system_bootstrap", "--tenant-id", "system", "--dry-run"]
    for where, refused in (({}, 3), (remote, 6)):
        shown = cli.succeed(*words, **where)
        assert shown.startswith("system_bootstrap  COMPLETED  dry run, ")
        assert shown.endswith("on the warehouse as it is, without what earlier steps would do\n")
        exit_code, problem = cli.refusal(*words[:3], "no_such", *words[4:], **where)
        assert (exit_code, problem["code"]) == (refused, "invalid_request")
        assert "name one of broken, organization_sync, system_bootstrap" in problem["detail"]


def test_a_service_runs_only_the_files_of_its_catalog(cli: CommandLine, service_url: str, tmp_path: Path) -> None:
    words = written(tmp_path, "setup.organizations.sync")
    remote = {"CA_API_URL": service_url, "CA_ROOT_API_KEY": ROOT_KEY}
    exit_code, problem = cli.refusal(*words, "acme_corp", **remote)
    assert (exit_code, problem["code"]) == (3, "invalid_request")
    assert "unset CA_API_URL" in problem["hint"]


WAITING = """
import time
from cloudact.processors import registry
from cloudact.processors.setup.organizations.sync_processor import SyncProcessor
from cloudact.cli.app import main

class Waiting(SyncProcessor):
    def run(self, config, context):
        print("waiting", flush=True)
        while not context.cancellation.wait(60):
            pass
        context.cancellation.check()

registry.SHIPPED = {**registry.SHIPPED, "setup.organizations.sync": Waiting}
main()
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_says_so_and_is_recorded(cli: CommandLine, config_dir: Path, number: signal.Signals) -> None:
    cli.succeed("bootstrap", "run")
    environment = {
        **os.environ,
        "CA_CONFIG_DIR": str(config_dir),
        "CA_WAREHOUSE_URL": f"duckdb:///{cli.database}",
        "NO_COLOR": "1",
    }
    words = [*written(config_dir, "setup.organizations.sync"), "acme_corp"]
    command = [sys.executable, "-c", WAITING, *words]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(number)
        shown = process.stdout.read()
    assert process.returncode == 130
    assert shown.startswith("mine  CANCELLED  run ")
    (run,) = cli.answer("pipeline", "list")["runs"]
    assert run["status"] == "CANCELLED"
