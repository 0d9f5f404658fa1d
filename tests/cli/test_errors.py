"""Errors: the exit code of each, one JSON object or two lines for people, and never a traceback."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer

from cloudact import errors
from cloudact.cli.errors import EXIT_CODE, reported
from tests.acme import ROOT_KEY
from tests.api.catalog_files import CatalogFiles
from tests.api.unaudited import added, snapshot, trail
from tests.cli.command_line import A_TERMINAL, CommandLine, fields

ONBOARD = ["org", "onboard", "acme_corp", *fields()]
Arrange = Callable[[CommandLine, CatalogFiles], None]


def every_error(kind: type[errors.CloudactError] = errors.CloudactError) -> Iterator[type[errors.CloudactError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from every_error(below)


def test_every_error_has_an_exit_code_and_every_exit_code_an_error() -> None:
    of_the_project = {kind for kind in every_error() if kind.__module__.startswith("cloudact.")}
    assert set(EXIT_CODE) == of_the_project
    assert set(EXIT_CODE.values()) == {1, 3, 4, 5, 6, 130}


# What a command can meet


def bootstrap(cli: CommandLine, files: CatalogFiles) -> None:
    cli.bootstrap()


def onboard(cli: CommandLine, files: CatalogFiles) -> None:
    cli.onboard()


def break_catalog(cli: CommandLine, files: CatalogFiles) -> None:
    files.path("bootstrap/schemas/org_profiles.json").write_text("{")
    (files.root / "plans.yml").unlink()


def block_table(cli: CommandLine, files: CatalogFiles) -> None:
    bootstrap(cli, files)
    with cli.warehouse() as live:
        live.execute("ALTER TABLE organizations.org_profiles ADD COLUMN tax_number VARCHAR")
        live.execute("ALTER TABLE organizations.org_profiles ALTER COLUMN tax_number SET NOT NULL")


def leave_unfinished(cli: CommandLine, files: CatalogFiles) -> None:
    cli.onboard()
    with cli.warehouse() as live:
        live.execute("UPDATE organizations.org_profiles SET status = 'PROVISIONING', updated_at = now()")


def occupy_dataset(cli: CommandLine, files: CatalogFiles) -> None:
    bootstrap(cli, files)
    with cli.warehouse() as live:
        live.execute("CREATE SCHEMA acme_corp_prod")


def occupy_table(cli: CommandLine, files: CatalogFiles) -> None:
    occupy_dataset(cli, files)
    with cli.warehouse() as live:
        live.execute("CREATE VIEW acme_corp_prod.subscription_plans AS SELECT 1 AS one")


def damage_file(cli: CommandLine, files: CatalogFiles) -> None:
    cli.database.write_bytes(b"not a database" * 1000)


def nothing(cli: CommandLine, files: CatalogFiles) -> None:
    """Leave everything as it is."""


MET: list[tuple[Arrange, list[str], int, str]] = [
    (break_catalog, ["bootstrap", "run"], 3, "catalog_invalid"),
    (bootstrap, ["org", "status", "A"], 3, "invalid_request"),
    (bootstrap, [*ONBOARD, "--plan", "NONE"], 3, "invalid_request"),
    (bootstrap, ["org", "list", "--search", "\udcff"], 3, "invalid_request"),
    (bootstrap, ["org", "list", "--offset", "9" * 20], 3, "invalid_request"),
    (nothing, ONBOARD, 5, "not_bootstrapped"),
    (nothing, ["org", "list"], 5, "not_bootstrapped"),
    (damage_file, ["bootstrap", "status"], 6, "warehouse_unavailable"),
]


@pytest.mark.parametrize(("arrange", "words", "exit_code", "code"), MET)
def test_what_a_command_can_meet_has_its_exit_code_and_changes_nothing(
    cli: CommandLine, files: CatalogFiles, arrange: Arrange, words: list[str], exit_code: int, code: str
) -> None:
    arrange(cli, files)
    before = cli.database.read_bytes() if cli.database.exists() else b""
    found, problem = cli.refusal(*words)
    assert (found, problem["code"]) == (exit_code, code)
    assert problem["detail"]
    if before:
        assert cli.database.read_bytes() == before


FAILED: list[tuple[Arrange, list[str], str, str]] = [
    (block_table, ONBOARD, "central_table_blocked", "CREATE ORGANIZATION FAILURE"),
    (onboard, ONBOARD, "organization_exists", "CREATE ORGANIZATION FAILURE"),
    (leave_unfinished, ONBOARD, "onboarding_unfinished", "CREATE ORGANIZATION FAILURE"),
    (bootstrap, ["org", "sync", "acme_corp"], "organization_not_found", "SYNC ORGANIZATION FAILURE"),
    (occupy_dataset, ONBOARD, "dataset_exists", "CREATE ORGANIZATION FAILURE"),
    (occupy_table, [*ONBOARD, "--adopt-existing-dataset"], "dataset_conflict", "CREATE ORGANIZATION FAILURE"),
]


@pytest.mark.parametrize(("arrange", "words", "code", "audited"), FAILED)
def test_a_change_that_fails_has_its_exit_code_and_leaves_nothing_but_its_audit_row(
    cli: CommandLine, files: CatalogFiles, arrange: Arrange, words: list[str], code: str, audited: str
) -> None:
    arrange(cli, files)
    with cli.warehouse() as live:
        before, rows = snapshot(live), trail(live)
    found, problem = cli.refusal(*words)
    assert (found, problem["code"]) == (5, code)
    assert problem["detail"]
    with cli.warehouse() as live:
        assert added(live, rows) == [audited]
        assert snapshot(live) == before


def test_a_broken_catalog_has_every_problem_told_at_once(cli: CommandLine, files: CatalogFiles) -> None:
    break_catalog(cli, files)
    done = cli.run("bootstrap", "run")
    assert (done.exit_code, done.stdout) == (3, "")
    assert "2 problems" in done.stderr
    assert "org_profiles.json" in done.stderr
    assert "plans.yml" in done.stderr
    _, problem = cli.refusal("bootstrap", "run")
    assert [item["code"] for item in problem["errors"]] == ["CA001", "CA004"]


def test_for_people_an_error_is_what_happened_and_then_what_to_do(cli: CommandLine) -> None:
    done = cli.run("org", "list")
    assert (done.exit_code, done.stdout) == (5, "")
    happened, to_do = done.stderr.splitlines()
    assert happened == "Error: Organizations dataset does not exist"
    assert "cloudact bootstrap run" in to_do


@pytest.mark.parametrize(
    ("kind", "exit_code"),
    [
        (errors.CloudactError, 1),
        (errors.DestructiveRefused, 3),
        (errors.Unauthenticated, 4),
        (errors.AccessDenied, 4),
        (errors.NotReady, 6),
        (errors.WarehouseError, 6),
        (errors.WarehouseBusy, 6),
        (errors.WarehouseNotFound, 6),
        (errors.WarehouseRefused, 6),
    ],
)
def test_what_a_command_hardly_ever_meets_has_its_exit_code_too(
    capsys: pytest.CaptureFixture[str], kind: type[errors.CloudactError], exit_code: int
) -> None:
    with pytest.raises(typer.Exit) as ended, reported(as_json=True):
        raise kind("what happened", hint="what to do")
    assert ended.value.exit_code == exit_code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert json.loads(printed.err) == {"code": kind.code, "detail": "what happened", "hint": "what to do", "errors": []}


# Settings

NO_WAREHOUSE = [
    "",
    "warehouse.duckdb",
    "/tmp/warehouse.duckdb",
    "postgres://localhost/warehouse",
    "duckdb:",
    "duckdb:///",
    "duckdb://relative.duckdb",
    "duckdb://[host/warehouse.duckdb",
    "duckdb:///warehouse.duckdb?access_mode=read_only",
    "duckdb:///warehouse.duckdb#main",
    "duckdb:///%00",
]


@pytest.mark.parametrize("url", NO_WAREHOUSE)
def test_what_names_no_warehouse_is_told_with_the_setting(cli: CommandLine, url: str) -> None:
    code, problem = cli.refusal("bootstrap", "status", CA_WAREHOUSE_URL=url)
    assert (code, problem["code"]) == (3, "configuration_invalid")
    assert "CA_WAREHOUSE_URL" in problem["detail"]
    assert problem["hint"]


def test_a_warehouse_in_memory_works_for_one_command(cli: CommandLine) -> None:
    assert "SUCCESS" in cli.succeed("bootstrap", "run", CA_WAREHOUSE_URL="duckdb:///:memory:")


def test_a_relative_path_is_within_the_directory_and_is_made(
    cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    cli.succeed("bootstrap", "run", CA_WAREHOUSE_URL="duckdb:///some%20where/new.duckdb")
    assert (tmp_path / "some where" / "new.duckdb").is_file()


def test_wrong_settings_are_named_together(cli: CommandLine) -> None:
    code, problem = cli.refusal("catalog", "lint", CA_ENVIRONMENT="moon", CA_LOG_LEVEL="LOUD")
    assert (code, problem["code"]) == (3, "configuration_invalid")
    assert "CA_ENVIRONMENT" in problem["detail"]
    assert "CA_LOG_LEVEL" in problem["detail"]


@pytest.mark.parametrize("command", [["catalog", "lint"], ["bootstrap", "run"], ["org", "list"]], ids=" ".join)
def test_production_refuses_a_short_root_key(cli: CommandLine, command: list[str]) -> None:
    key = ROOT_KEY[:31]
    code, problem = cli.refusal(*command, CA_ENVIRONMENT="production", CA_ROOT_API_KEY=key)
    assert (code, problem["code"]) == (3, "configuration_invalid")
    assert "CA_ROOT_API_KEY is shorter than 32" in problem["detail"]
    assert key not in problem["detail"]


def test_production_takes_a_root_key_of_32_characters_and_development_any(cli: CommandLine) -> None:
    cli.succeed("catalog", "lint", CA_ENVIRONMENT="production", CA_ROOT_API_KEY=ROOT_KEY[:32])
    cli.succeed("catalog", "lint", CA_ROOT_API_KEY="short")


@pytest.mark.parametrize("key", ["schlüssel" * 4, "two words" * 4, "line\nbreak" * 4], ids=repr)
def test_a_root_key_that_no_header_can_carry_is_refused(cli: CommandLine, key: str) -> None:
    code, problem = cli.refusal("bootstrap", "status", CA_ROOT_API_KEY=key)
    assert (code, problem["code"]) == (3, "configuration_invalid")
    assert "CA_ROOT_API_KEY" in problem["detail"]
    assert key not in problem["detail"]


# Usage and text


@pytest.mark.parametrize(
    "words", [["org", "status"], ["org", "list", "--limit", "0"], ["org", "onboard", "acme_corp"], ["nonsense"]]
)
def test_a_command_that_was_not_understood_exits_with_2(cli: CommandLine, words: list[str]) -> None:
    done = cli.run(*words)
    assert (done.exit_code, done.stdout) == (2, "")


LITERAL = ["[red]x[/]", "x[/]", "[link=http://a.b]x", ":cat:", "[", "x\\"]


@pytest.mark.parametrize("text", LITERAL)
@pytest.mark.parametrize("command", ["status", "sync", "onboard"])
@pytest.mark.parametrize("terminal", [{}, A_TERMINAL], ids=["pipe", "terminal"])
def test_a_slug_that_is_refused_is_repeated_literally(
    cli: CommandLine, command: str, text: str, terminal: dict[str, str]
) -> None:
    asked = fields() if command == "onboard" else []
    done = cli.run("org", command, text, *asked, **terminal)
    assert done.exit_code == 3
    assert repr(text) in done.stderr


@pytest.mark.parametrize("text", LITERAL)
def test_a_company_name_is_printed_literally(cli: CommandLine, text: str) -> None:
    name = f"Acme {text}"
    cli.onboard(company_name=name)
    assert f"  {name}  " in cli.succeed("org", "list")
    assert f"company_name: {name} is valid" in cli.run("org", "dryrun", "other", *fields(company_name=name)).stdout
    assert cli.answer("org", "list")["organizations"][0]["company_name"] == name
