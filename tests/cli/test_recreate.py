"""`cloudact recreate`, and bootstrap's force flags: what they print, how they end, that a service answers the same."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.acme import ROOT_KEY
from tests.api.published import ACME_DATASET, CENTRAL, CENTRAL_TABLES
from tests.cli.command_line import A_TERMINAL, CommandLine
from tests.cli.test_backup import shown

PLANS = f"{ACME_DATASET}.subscription_plans"
EMPTY = ["recreate", ACME_DATASET, "--empty-tables", "--table", "subscription_plans", "--confirm", ACME_DATASET]


@pytest.fixture
def filled(acme: CommandLine) -> CommandLine:
    """The command line after acme_corp got rows."""
    with acme.warehouse() as live:
        live.fill(ACME_DATASET, rows=2)
    return acme


@pytest.fixture
def seats_are_text(filled: CommandLine) -> CommandLine:
    """The same after somebody changed the type of a column."""
    with filled.warehouse() as live:
        live.execute(f"ALTER TABLE {PLANS} ALTER seats SET DATA TYPE VARCHAR")
    return filled


PREVIEW = ["recreate", ACME_DATASET, "--with-data", "--dry-run"]
WITH_DATA = ["recreate", ACME_DATASET, "--with-data", "--confirm", ACME_DATASET]


def test_a_changed_type_is_mended_with_every_row(seats_are_text: CommandLine) -> None:
    text = seats_are_text.succeed(*WITH_DATA, "--table", "subscription_plans")
    first, head, *lines = text.splitlines()
    assert first.startswith(f"{ACME_DATASET}  SUCCESS  ")
    assert head.split() == ["table", "outcome", "rows", "before", "rows", "after"]
    assert lines[0].split() == ["subscription_plans", "rebuilt", "2", "2"]
    backup = shown(text)[2]
    assert shown(text) == ["backup", "restore", backup, "--as", f"{ACME_DATASET}_restored"]
    assert backup in first
    assert "SYNCED" in seats_are_text.succeed("org", "status", "acme_corp")
    with seats_are_text.warehouse() as live:
        assert [row["seats"] for row in live.rows(f"FROM {PLANS} ORDER BY ALL")] == [0, 1]
        assert live.tables(backup) == ["subscription_plans"]


def test_a_table_that_cannot_keep_its_rows_is_told_and_the_command_fails(seats_are_text: CommandLine) -> None:
    with seats_are_text.warehouse() as live:
        live.execute(f"UPDATE {PLANS} SET seats = 'many'")
        before = live.values(ACME_DATASET)
    done = seats_are_text.run(*WITH_DATA)
    assert (done.exit_code, done.stderr) == (6, "")
    assert done.stdout.startswith(f"{ACME_DATASET}  PARTIAL  ")
    assert "! subscription_plans: " in done.stdout
    with seats_are_text.warehouse() as live:
        assert live.values(ACME_DATASET) == before


@pytest.mark.slow
def test_on_a_terminal_lines_end_between_words(seats_are_text: CommandLine) -> None:
    with seats_are_text.warehouse() as live:
        live.execute(f"UPDATE {PLANS} SET seats = 'many'")
    page = {**A_TERMINAL, "COLUMNS": "80"}
    printed = {}
    for words in (WITH_DATA, EMPTY, ["backup", "create", CENTRAL], ["backup", "list"]):
        text = re.sub(r"\x1b\[[0-9;]*m", "", seats_are_text.run(*words, **page).stdout)
        printed[words[0]] = printed.get(words[0], "") + text
        assert max(map(len, text.splitlines())) <= 80
    assert "cannot be rebuilt as\n  declared with every row" in printed["recreate"]
    assert "each table\ncompared with its copy." in printed["backup"]


@pytest.mark.slow
def test_a_dry_run_changes_nothing_and_can_tell_by_its_exit_code(seats_are_text: CommandLine) -> None:
    with seats_are_text.warehouse() as live:
        before = live.snapshot()
    assert seats_are_text.succeed(*PREVIEW).startswith(f"{ACME_DATASET}  DRY RUN  ")
    assert seats_are_text.run(*PREVIEW, "--exit-code").exit_code == 2
    with seats_are_text.warehouse() as live:
        assert live.snapshot() == before
    seats_are_text.succeed(*WITH_DATA, "--exit-code")
    seats_are_text.succeed(*WITH_DATA, "--dry-run", "--exit-code")


@pytest.mark.slow
def test_a_table_is_emptied_and_its_backup_restored(filled: CommandLine) -> None:
    with filled.warehouse() as live:
        before = live.values(ACME_DATASET)
    text = filled.succeed(*EMPTY)
    assert "subscription_plans  emptied" in text
    filled.succeed(*shown(text))
    with filled.warehouse() as live:
        assert live.values(ACME_DATASET) == before | {"subscription_plans": []}
        assert live.values(f"{ACME_DATASET}_restored") == {"subscription_plans": before["subscription_plans"]}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "what to make of the rows is not said"),
        (["--with-data", "--empty-tables"], "--with-data and --empty-tables exclude each other"),
        (["--empty-dataset", "--table", "subscription_plans", "--confirm", ACME_DATASET], "tables"),
    ],
)
def test_one_mode_has_to_be_chosen(filled: CommandLine, words: list[str], said: str) -> None:
    exit_code, problem = filled.refusal("recreate", ACME_DATASET, *words)
    assert (exit_code, problem["code"]) == (3, "invalid_request")
    assert said in problem["detail"]


@pytest.mark.slow
@pytest.mark.parametrize("confirm", [[], ["--confirm", "acme_corp"]])
def test_without_confirmation_nothing_is_done(filled: CommandLine, confirm: list[str]) -> None:
    with filled.warehouse() as live:
        before = live.snapshot()
    exit_code, problem = filled.refusal("recreate", ACME_DATASET, "--empty-dataset", *confirm)
    assert (exit_code, problem["code"]) == (3, "destructive_refused")
    assert ACME_DATASET in problem["detail"] + problem["hint"]
    with filled.warehouse() as live:
        assert live.snapshot() == before


@pytest.mark.slow
def test_production_refuses_unless_it_is_allowed(filled: CommandLine) -> None:
    exit_code, problem = filled.refusal(*EMPTY, CA_ENVIRONMENT="production")
    assert (exit_code, problem["code"]) == (3, "destructive_refused")
    assert "CA_ALLOW_RECREATE" in problem["detail"] + problem["hint"]
    allowed = {"CA_ENVIRONMENT": "production", "CA_ALLOW_RECREATE": "true"}
    assert filled.answer(*EMPTY, **allowed)["failed"] is False


@pytest.mark.slow
def test_what_is_not_declared_is_named(filled: CommandLine) -> None:
    exit_code, problem = filled.refusal("recreate", "elsewhere", "--with-data", "--confirm", "elsewhere")
    assert (exit_code, problem["code"]) == (5, "dataset_not_declared")


# bootstrap


@pytest.mark.slow
def test_bootstrap_with_a_force_flag_empties_the_tables(acme: CommandLine) -> None:
    text = acme.succeed("bootstrap", "run", "--force-recreate-tables", "--confirm", CENTRAL)
    assert "org_profiles" in text
    assert "0 tables created, 20 existed already." in text
    (backup,) = acme.answer("backup", "list")["backups"]
    assert backup["name"] in text
    with acme.warehouse() as live:
        assert live.rows("FROM organizations.org_profiles") == []
        assert [row["org_slug"] for row in live.rows(f"FROM {backup['name']}.org_profiles")] == ["acme_corp"]


@pytest.mark.parametrize("flag", ["--force-recreate-tables", "--force-recreate-dataset"])
def test_bootstrap_with_a_force_flag_needs_the_name(acme: CommandLine, flag: str) -> None:
    exit_code, problem = acme.refusal("bootstrap", "run", flag)
    assert (exit_code, problem["code"]) == (3, "destructive_refused")
    assert f"--confirm {CENTRAL}" in problem["hint"]
    assert acme.answer("org", "list")["total"] == 1


@pytest.mark.slow
def test_a_bootstrap_that_could_not_empty_a_table_fails(acme: CommandLine) -> None:
    with acme.warehouse() as live:
        live.execute("DROP TABLE organizations.org_hierarchy")
        live.execute("CREATE VIEW organizations.org_hierarchy AS SELECT 1 AS one")
    done = acme.run("bootstrap", "run", "--force-recreate-tables", "--confirm", CENTRAL)
    assert (done.exit_code, done.stderr) == (6, "")
    assert "! org_hierarchy: " in done.stdout


# Through a service


def without_what_is_fresh(answer: dict[str, Any]) -> dict[str, Any]:
    """What does not differ from call to call."""
    return {name: value for name, value in answer.items() if name not in {"backup", "message"}}


@pytest.mark.slow
def test_a_service_answers_the_same(cli: CommandLine, service_url: str, config_dir: Path) -> None:
    remote = {"CA_API_URL": service_url, "CA_ROOT_API_KEY": ROOT_KEY}
    words = ["recreate", CENTRAL, "--empty-tables", "--table", "org_hierarchy", "--confirm", CENTRAL]
    for where in ({}, remote):
        cli.succeed("bootstrap", "run", **where)
    here, there = (cli.answer(*words, "--dry-run", **where) for where in ({}, remote))
    assert here == there
    here, there = (cli.answer(*words, **where) for where in ({}, remote))
    assert without_what_is_fresh(here) == without_what_is_fresh(there)
    refused = [cli.refusal(*words[:-2], **where)[1] for where in ({}, remote)]
    assert refused[0] == refused[1]
    force = ["bootstrap", "run", "--force-recreate-dataset", "--confirm", CENTRAL]
    here, there = (cli.answer(*force, **where) for where in ({}, remote))
    assert [*here] == [*there]
    assert here["tables_existed"] == there["tables_existed"] == CENTRAL_TABLES
    assert here["recreated"]["mode"] == there["recreated"]["mode"] == "dataset"
