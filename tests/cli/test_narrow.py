"""A terminal of 80 columns: every answer fits, and no id, name or number is broken in two."""

from __future__ import annotations

import re

import pytest
from rich.console import Console

from cloudact.cli import render
from tests.cli.command_line import A_TERMINAL, CommandLine
from tests.prepared import SHIPPED, Prepared

NARROW = {**A_TERMINAL, "COLUMNS": "80"}
ACME = "acme_corp"
QUICK = ("sealing status", f"credential list {ACME}", f"audit list {ACME}")
SHOWN = (
    "sealing reseal", f"key list {ACME}", "audit list", "audit verify", f"hierarchy list {ACME}",
    f"hierarchy tree {ACME}", f"org quota {ACME}", f"org subscription {ACME}", f"org locale {ACME}",
    f"org labels {ACME}", f"org reactivate {ACME}", "org list", "backup list",
)  # fmt: skip


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, prepared: Prepared) -> CommandLine:
    """The command line after an organization was given something of everything."""
    directory = tmp_path_factory.mktemp("narrow")
    cli = CommandLine(SHIPPED, directory / "cli.duckdb", prepared)
    cli.onboard()
    (directory / "secret").write_text("sk-0123456789012345678901234567")
    cli.succeed(
        "credential", "put", ACME, "openai", "--type", "SERVICE_ACCOUNT", "--secret-file", str(directory / "secret")
    )
    cli.succeed("key", "create", ACME, "--name", "for the reports of every month", "--expires-in", "90d")
    cli.succeed("hierarchy", "add", ACME, "DEPARTMENT", "D1", "Engineering and everything", "--owner-name", "Ann Lee")
    cli.succeed("hierarchy", "add", ACME, "PROJECT", "P-0001", "The platform of all", "--parent", "D1")
    cli.succeed("org", "labels", ACME, "tier=pilot", f"region={'of-the-north-and-of-the-south-' * 2}")
    cli.succeed("backup", "create", f"{ACME}_prod", "--table", "subscription_plans", "--reason", "before anything else")
    return cli


def words(text: str) -> list[str]:
    return sorted(re.sub(r"\x1b\[[0-9;]*m", "", text).split())


@pytest.mark.parametrize("command", [*QUICK, *(pytest.param(command, marks=pytest.mark.slow) for command in SHOWN)])
def test_answers_fit_and_keep_their_words(filled: CommandLine, command: str) -> None:
    wide, narrow = filled.run(*command.split()), filled.run(*command.split(), **NARROW)
    assert (wide.exit_code, narrow.exit_code) == (0, 0)
    lines = [line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", narrow.stdout).splitlines()]
    assert [line for line in lines if len(line) > 80 and len(line.split()) > 1] == []
    if not command.startswith("audit list"):  # each use of the command line is on the trail of the platform
        assert words(narrow.stdout) == words(wide.stdout)


def shown(width: int, titles: tuple[str, ...], *rows: tuple[str, ...], terminal: bool = True) -> list[str]:
    console = Console(width=width, force_terminal=terminal, color_system=None, soft_wrap=True, highlight=False)
    with console.capture() as captured:
        render.columns(console, titles, rows)
    return captured.get().splitlines()


def test_columns_that_fit_are_one_line_and_numbers_are_to_the_right() -> None:
    rows = (("a", "1"), ("long", "1,000"))
    assert shown(11, ("name", "rows"), *rows) == ["name   rows", "a         1", "long  1,000"]


def test_a_row_that_does_not_fit_goes_on_below_in_columns() -> None:
    rows = (("a", "bb", "x" * 12), ("c", "d", "y"))
    assert shown(20, ("1st", "2nd", "3rd"), *rows) == [
        "1st  2nd", "    3rd", "a    bb", "    xxxxxxxxxxxx", "c    d", "    y",
    ]  # fmt: skip


def test_a_wide_first_column_has_lines_of_its_own() -> None:
    assert shown(20, ("name", "n", "m"), ("x" * 18, "1", "22")) == ["name", "    n   m", "x" * 18, "    1  22"]


def test_long_texts_are_broken_between_words_only() -> None:
    assert shown(20, ("t",), ("one two three four five six",)) == ["t", "one two three four", "five six"]
    assert shown(20, ("t",), ("z" * 30,)) == ["t", "z" * 30]


def test_where_nobody_looks_a_row_is_one_line() -> None:
    assert shown(20, ("a", "b"), ("x" * 30, "y\nz"), terminal=False)[1] == f"{'x' * 30}  y z"


def test_without_rows_there_are_titles() -> None:
    assert shown(20, ("a", "b")) == ["a  b"]
