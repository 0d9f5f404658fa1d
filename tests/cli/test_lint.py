"""`cloudact catalog lint`: what it prints, to whom, and its exit codes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.acme import ROOT
from tests.api.catalog_files import CatalogFiles
from tests.cli.command_line import CommandLine

PROFILES = "bootstrap/schemas/org_profiles.json"
LINT = ("catalog", "lint")


def add_column(files: CatalogFiles, **column: Any) -> None:
    path = files.path(PROFILES)
    path.write_text(json.dumps([*json.loads(path.read_text()), column]))


def undescribed(files: CatalogFiles) -> None:
    """Make one note and nothing worse."""
    add_column(files, name="seats", type="INT64")


def test_a_violation_is_one_line_as_compilers_write_it(cli: CommandLine, files: CatalogFiles) -> None:
    add_column(files, name="seats", type="INTEGR", description="Seats.")
    done = cli.run(*LINT)
    assert (done.exit_code, done.stderr) == (3, "")
    first, last = done.stdout.splitlines()
    assert first.startswith(f"{files.path(PROFILES)}:1: CA102 error: seats.type: is 'INTEGR', which is not a BigQuery ")
    assert last.startswith(f"The catalog in {cli.config_dir} is not valid: 1 error. More rules")


def test_a_note_is_told_and_the_catalog_is_valid(cli: CommandLine, files: CatalogFiles) -> None:
    undescribed(files)
    note, found, valid = cli.succeed(*LINT).splitlines()
    assert ": CA111 note: seats: " in note
    assert found == "Found 1 note."
    assert valid.startswith(f"The catalog in {cli.config_dir} is valid: 20 central tables, ")


@pytest.mark.parametrize(("level", "exit_code"), [("error", 0), ("warning", 0), ("note", 3)])
def test_the_exit_code_follows_the_level_asked_for(
    cli: CommandLine, files: CatalogFiles, level: str, exit_code: int
) -> None:
    undescribed(files)
    assert cli.run(*LINT, "--fail-on", level).exit_code == exit_code


def test_json_has_every_violation_and_what_is_declared(cli: CommandLine, files: CatalogFiles) -> None:
    undescribed(files)
    answer = cli.answer(*LINT)
    assert answer["central_tables"] == 20
    assert answer["summary"] == {"errors": 0, "warnings": 0, "notes": 1}
    (violation,) = answer["violations"]
    assert violation == {
        "code": "CA111",
        "name": "undescribed-columns",
        "level": "note",
        "file": files.path(PROFILES).as_posix(),
        "line": 1,
        "object": "seats",
        "message": violation["message"],
        "fix": "say in `description` what a value means",
    }


def test_json_of_a_catalog_that_cannot_be_loaded_is_a_report_as_well(cli: CommandLine, files: CatalogFiles) -> None:
    files.path("bootstrap/config.yml").unlink()
    (files.root / "plans.yml").write_text("plans: {}")
    done = cli.run(*LINT, "--json")
    assert (done.exit_code, done.stderr) == (3, "")
    answer = json.loads(done.stdout)
    assert {item["code"] for item in answer["violations"]} == {"CA001", "CA006"}
    assert (answer["central_tables"], answer["plans"]) == (0, 0)


def test_sarif_is_printed_or_written_beside_the_text(cli: CommandLine, files: CatalogFiles, tmp_path: Path) -> None:
    undescribed(files)
    printed = json.loads(cli.succeed(*LINT, "--sarif"))
    assert [result["ruleId"] for result in printed["runs"][0]["results"]] == ["CA111"]
    assert "CA111 note" in cli.succeed(*LINT, "--sarif", "--output", str(tmp_path / "lint.sarif"))
    assert json.loads((tmp_path / "lint.sarif").read_text()) == printed


def test_a_file_that_cannot_be_written_is_an_error(cli: CommandLine, tmp_path: Path) -> None:
    done = cli.run(*LINT, "--sarif", "--output", str(tmp_path / "no" / "lint.sarif"))
    assert (done.exit_code, done.stdout) == (3, "")
    assert "lint.sarif cannot be written: No such file or directory" in done.stderr


@pytest.mark.parametrize("words", [("--json", "--sarif"), ("--output", "x"), ("--fail-on", "fatal")], ids=" ".join)
def test_options_that_contradict_each_other_are_a_usage_error(cli: CommandLine, words: tuple[str, ...]) -> None:
    assert cli.run(*LINT, *words).exit_code == 2


def test_against_tells_what_it_compared_with(cli: CommandLine, files: CatalogFiles) -> None:
    add_column(files, name="seats", type="INT64", mode="REQUIRED", description="Seats.")
    done = cli.run(*LINT, "--against", str(ROOT / "configs"))
    assert done.exit_code == 3
    violation, compared, _ = done.stdout.splitlines()  # and no word of templates, which are beside it
    assert ": CA401 error: seats: " in violation
    assert compared == f"Compared with {ROOT / 'configs'}."


def test_against_tells_when_templates_could_not_be_compared(cli: CommandLine, config_dir: Path) -> None:
    alone = config_dir.parent / "elsewhere" / "configs"
    shutil.copytree(config_dir, alone)
    words = (*LINT, "--against", str(alone))
    settings = {"CA_TEMPLATES_DIR": str(shutil.copytree(ROOT / "ps_templates", config_dir.parent / "templates"))}
    assert cli.answer(*words, "--json", **settings)["against"] == {
        "name": str(alone), "exists": True, "templates": False
    }  # fmt: skip
    assert f"The pipeline templates were not compared: {alone} has none beside it." in cli.succeed(*words, **settings)


@pytest.mark.parametrize(
    ("warehouse", "exit_code"),
    [("duckdb:///:memory:", 3), ("duckdb:///no/such/place.duckdb", 3), ("bigquery://acme", 0)],
)
def test_what_duckdb_refuses_counts_where_it_holds_the_data(
    cli: CommandLine, files: CatalogFiles, warehouse: str, exit_code: int
) -> None:
    default = "FARM_FINGERPRINT('x')"
    add_column(files, name="hash", type="INT64", description="A number.", defaultValueExpression=default)
    done = cli.run(*LINT, CA_WAREHOUSE_URL=warehouse)
    assert done.exit_code == exit_code
    assert ("CA503 error: hash.defaultValueExpression: is refused by DuckDB" in done.stdout) == (exit_code == 3)


def test_against_nothing_that_exists_is_invalid_input(cli: CommandLine) -> None:
    exit_code, problem = cli.refusal(*LINT, "--against", "no-such-revision")
    assert (exit_code, problem["code"]) == (3, "invalid_request")


def test_templates_are_checked_and_may_be_absent(cli: CommandLine, tmp_path: Path) -> None:
    assert "is valid" in cli.succeed(*LINT, CA_TEMPLATES_DIR=str(tmp_path / "absent"))
    folder = tmp_path / "templates" / "setup" / "initial"
    folder.mkdir(parents=True)
    (folder / "config.yml").write_text("dataset: main\ntables: [lost]\n")
    done = cli.run(*LINT, CA_TEMPLATES_DIR=str(tmp_path / "templates"))
    assert done.exit_code == 3
    assert f"{folder}/schemas/lost.json: CA001 error: does not exist" in done.stdout


def test_templates_that_cannot_be_listed_are_a_violation(cli: CommandLine) -> None:
    done = cli.run(*LINT, CA_TEMPLATES_DIR="/proc/1/root")
    if "is valid" in done.stdout:
        pytest.skip("this process may look into the first one")
    assert "/proc/1/root: CA002 error: cannot be read: Permission denied" in done.stdout


@pytest.mark.slow
def test_the_installed_command_exits_with_what_it_found(config_dir: Path) -> None:
    command = [sys.executable, "-m", "cloudact", *LINT]
    environment = {"CA_CONFIG_DIR": str(config_dir), "PATH": ""}
    good = subprocess.run(command, env=environment, capture_output=True, cwd=config_dir, check=False)
    (config_dir / "plans.yml").unlink()
    bad = subprocess.run(command, env=environment, capture_output=True, cwd=config_dir, check=False)
    assert (good.returncode, bad.returncode) == (0, 3)


def test_the_shipped_catalog_has_nothing_to_mend(cli: CommandLine) -> None:
    assert cli.answer(*LINT, CA_TEMPLATES_DIR=str(ROOT / "ps_templates"))["violations"] == []
