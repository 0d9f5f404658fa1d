"""`cloudact backup`: what it prints, how it ends, and that a service answers the same."""

from __future__ import annotations

import re

import pytest

from tests.acme import ROOT_KEY
from tests.api.published import ACME_DATASET, CENTRAL
from tests.cli.command_line import CommandLine

TABLE = f"{ACME_DATASET}.subscription_plans"


def shown(text: str) -> list[str]:
    """The words of the command that an answer ends with."""
    return text.rpartition("\n  cloudact ")[2].replace("\\\n", " ").split()


@pytest.fixture
def filled(acme: CommandLine) -> CommandLine:
    """The command line after acme_corp got rows."""
    with acme.warehouse() as live:
        live.fill(ACME_DATASET, rows=2)
    return acme


def test_a_backup_is_made_listed_and_restored(filled: CommandLine) -> None:
    made = filled.succeed("backup", "create", ACME_DATASET, "--table", "subscription_plans", "--reason", "Before")
    first, *lines = made.splitlines()
    name = first.split()[0]
    assert re.fullmatch(rf"{ACME_DATASET}__backup_\d{{14}}", name)
    assert first == f"{name}  SUCCESS  1 table, 2 rows, each table compared with its copy."
    assert [line.split() for line in lines[:2]] == [["table", "rows"], ["subscription_plans", "2"]]
    assert shown(made) == ["backup", "restore", name, "--as", f"{ACME_DATASET}_restored"]
    listed = filled.succeed("backup", "list").splitlines()
    assert listed[0] == f"{name}  complete"
    assert re.fullmatch(r"  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC by .+, 1 table, 2 rows: Before", listed[1])
    assert listed[2] == "1 backup"
    restored = filled.succeed(*shown(made)).splitlines()
    assert restored[0] == f"{ACME_DATASET}_restored  SUCCESS  1 table, 2 rows of {name}."
    with filled.warehouse() as live:
        rows = live.rows(f"FROM {TABLE} ORDER BY ALL")
        assert live.values(f"{ACME_DATASET}_restored") == {"subscription_plans": rows}


@pytest.mark.slow
def test_backups_are_listed_by_dataset(filled: CommandLine) -> None:
    filled.succeed("backup", "create", ACME_DATASET)
    assert filled.succeed("backup", "list", "--dataset", CENTRAL) == "0 backups\n"
    assert len(filled.answer("backup", "list", "--dataset", ACME_DATASET)["backups"]) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "exit_code", "code"),
    [
        (["restore", "no_such", "--as", "another"], 5, "backup_not_found"),
        (["create", "no_such"], 5, "dataset_not_found"),
        (["create", ACME_DATASET, "--table", "no_such"], 3, "invalid_request"),
    ],
)
def test_what_is_not_there_is_named(filled: CommandLine, words: list[str], exit_code: int, code: str) -> None:
    found, problem = filled.refusal("backup", *words)
    assert (found, problem["code"]) == (exit_code, code)
    assert "no_such" in problem["detail"]
    assert filled.answer("backup", "list") == {"backups": []}


@pytest.mark.slow
def test_nothing_is_restored_over_what_exists(filled: CommandLine) -> None:
    name = filled.answer("backup", "create", ACME_DATASET, "--table", "subscription_plans")["name"]
    exit_code, problem = filled.refusal("backup", "restore", name, "--as", CENTRAL)
    assert (exit_code, problem["code"]) == (5, "dataset_name_taken")


@pytest.mark.slow
def test_a_new_name_is_needed(filled: CommandLine) -> None:
    done = filled.run("backup", "restore", "some_backup")
    assert done.exit_code == 2
    assert "--as" in done.stderr


@pytest.mark.slow
def test_a_service_answers_in_the_same_shape(filled: CommandLine, service_url: str) -> None:
    remote = {"CA_API_URL": service_url, "CA_ROOT_API_KEY": ROOT_KEY}
    filled.succeed("bootstrap", "run", **remote)
    words = ["backup", "create", CENTRAL, "--table", "org_hierarchy", "--reason", "Both"]
    here, there = filled.answer(*words), filled.answer(*words, **remote)
    fresh = ("name", "created_at", "created_by")
    assert {**here, **dict.fromkeys(fresh)} == {**there, **dict.fromkeys(fresh)}
    assert [*here] == [*there]
    assert filled.answer("backup", "list", "--dataset", CENTRAL, **remote) == {"backups": [there]}
    restored = filled.answer("backup", "restore", there["name"], "--as", "again", **remote)
    assert restored == {"dataset": "again", "backup": there["name"], "tables": there["tables"], "changed": []}
    exit_code, problem = filled.refusal("backup", "restore", "no such/backup", "--as", "another", **remote)
    assert (exit_code, problem["code"]) in {(6, "backup_not_found"), (6, "not_found")}
