"""`cloudact hierarchy`: what it prints, how it ends, and that a service answers the same."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cloudact.wiring import Services
from tests.acme import ROOT_KEY
from tests.cli.command_line import CommandLine
from tests.prepared import SHIPPED, Prepared
from tests.reliability.world import acme_request

SLUG = "acme_corp"
ADDED = (
    ("DEPARTMENT", "D1", "Engineering"),
    ("DEPARTMENT", "D2", "Sales"),
    ("PROJECT", "P1", "Platform", "--parent", "D1", "--owner-name", "Ann"),
    ("TEAM", "T1", "Core", "--parent", "P1", "--metadata", '{"cost_center": 7}'),
)


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory, prepared: Prepared) -> CommandLine:
    """The command line after two departments, a project and a team were added, for tests that change nothing."""
    cli = CommandLine(SHIPPED, tmp_path_factory.mktemp("hierarchy") / "cli.duckdb", prepared)
    cli.onboard()
    for words in ADDED:
        cli.succeed("hierarchy", "add", SLUG, *words)
    return cli


@pytest.fixture
def filled(unchanged: CommandLine, tmp_path: Path) -> CommandLine:
    """The same over a file of its own."""
    own = tmp_path / "cli.duckdb"
    shutil.copyfile(unchanged.database, own)
    return replace(unchanged, database=own)


def test_a_hierarchy_is_shown_and_changed(filled: CommandLine) -> None:
    assert filled.succeed("hierarchy", "tree", SLUG) == (
        "Engineering  D1 (DEPARTMENT)\n"
        "└── Platform  P1 (PROJECT)\n"
        "    └── Core  T1 (TEAM)\n"
        "Sales  D2 (DEPARTMENT)\n"
        "4 entities\n"
    )
    moved = filled.succeed("hierarchy", "move", SLUG, "P1", "D2", "--version", "1")
    assert moved == "PROJECT P1 moved: D2/P1, version 2, with 1 entity below it\n"
    listed = filled.succeed("hierarchy", "list", SLUG, "--text", "o", "--level", "PROJECT").splitlines()
    assert [line.split() for line in listed] == [
        ["id", "level", "name", "path", "owner", "version"],
        ["P1", "PROJECT", "Platform", "D2/P1", "Ann", "2"],
        ["1", "entity"],
    ]
    assert filled.succeed("hierarchy", "list", SLUG, "--limit", "1").splitlines()[-1] == "1 of 4 entities, from 0"
    assert filled.succeed("hierarchy", "remove", SLUG, "T1") == "TEAM T1 removed: D2/P1/T1, version 2\n"
    assert filled.succeed("hierarchy", "tree", SLUG, "--root", "P1") == "Platform  P1 (PROJECT)\n1 entity\n"


@pytest.mark.parametrize(
    ("words", "exit_code", "code"),
    [
        (["move", SLUG, "P1", "D2", "--version", "7"], 5, "version_stale"),
        (["remove", SLUG, "D1"], 5, "entity_has_children"),
        (["remove", SLUG, "D9"], 5, "entity_not_found"),
        (["add", SLUG, "DEPARTMENT", "D1", "Again"], 5, "entity_exists"),
        (["add", SLUG, "TEAM", "T9", "Nine", "--parent", "D1"], 3, "invalid_request"),
        (["add", SLUG, "TEAM", "T9", "Nine", "--metadata", "[]"], 3, "invalid_request"),
        (["import", SLUG, "no-such-file.csv"], 3, "invalid_request"),
        (["tree", "nobody"], 5, "organization_not_found"),
    ],
)
def test_what_is_refused_says_why(unchanged: CommandLine, words: list[str], exit_code: int, code: str) -> None:
    refused, problem = unchanged.refusal("hierarchy", *words)
    assert (refused, problem["code"]) == (exit_code, code)
    assert [line.rsplit(",", 1)[1] for line in unchanged.succeed("hierarchy", "export", SLUG).split()[1:]] == ["1"] * 4


def test_a_file_goes_out_and_comes_back(filled: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "hierarchy.csv"
    filled.succeed("hierarchy", "export", SLUG, "--output", str(file))
    assert file.read_bytes() == filled.run("hierarchy", "export", SLUG).stdout_bytes
    assert filled.run("hierarchy", "export", SLUG, "--output", str(file)).exit_code == 3
    file.write_bytes(file.read_bytes().replace(b"Engineering", b"R&D") + b"DEPARTMENT,D3,New,,,,,,,,\r\n")
    preview = filled.succeed("hierarchy", "import", SLUG, str(file)).splitlines()
    assert preview == [
        "created DEPARTMENT D3 New",
        "changed DEPARTMENT D1 R&D",
        "    entity_name: Engineering -> R&D",
        "Preview, nothing was written: 1 created, 1 changed.",
        "Apply exactly this with --apply --revision 4.",
    ]
    done = filled.succeed("hierarchy", "import", SLUG, str(file), "--apply", "--revision", "4").splitlines()
    assert done[-1] == "1 created, 1 changed."
    assert filled.refusal("hierarchy", "import", SLUG, str(file), "--revision", "4")[1]["code"] == "version_stale"


def test_every_problem_of_a_file_is_printed(unchanged: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "wrong.csv"
    file.write_text("entity_type,entity_id,entity_name,parent_id\nDEPARTMENT,D1,,\nTEAM,T9,Nine,D1\n")
    refused = unchanged.run("hierarchy", "import", SLUG, str(file), "--apply")
    assert refused.exit_code == 3
    assert "csv:2: entity_name: is missing" in refused.stderr
    assert "csv:3: parent_id: 'D1' is a DEPARTMENT" in refused.stderr


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: item and "set" if name.endswith(("_at", "_by", "_date")) else _timeless(item)
            for name, item in value.items()
        }
    return [_timeless(item) for item in value] if isinstance(value, list) else value


@pytest.mark.slow
def test_a_service_answers_the_same(filled: CommandLine, services: Services, service_url: str, tmp_path: Path) -> None:
    """Every command, here and there; only times and who did it differ."""
    services.bootstrap.run()
    services.onboarding.onboard(acme_request())
    remote = {"CA_API_URL": service_url, "CA_ROOT_API_KEY": ROOT_KEY}
    for words in ADDED:
        filled.succeed("hierarchy", "add", SLUG, *words, **remote)
    file = tmp_path / "hierarchy.csv"
    filled.succeed("hierarchy", "export", SLUG, "--output", str(file), **remote)
    assert file.read_bytes() == filled.run("hierarchy", "export", SLUG).stdout_bytes
    for words in (
        ["list", SLUG, "--active"],
        ["tree", SLUG, "--root", "D1"],
        ["move", SLUG, "P1", "D2"],
        ["remove", SLUG, "T1", "--version", "2"],
        ["add", SLUG, "DEPARTMENT", "D3", "Three"],
    ):
        here, there = (filled.answer("hierarchy", *words, **where) for where in ({}, remote))
        assert _timeless(here) == _timeless(there)
    code, problem = filled.refusal("hierarchy", "remove", SLUG, "D9", **remote)
    assert (code, problem["code"]) == (6, "entity_not_found")
    assert (
        filled.refusal("hierarchy", "import", SLUG, str(file), "--revision", "0", **remote)[1]["code"]
        == "version_stale"
    )
    assert filled.run("hierarchy", "export", "nobody", **remote).exit_code == 6


def test_levels_that_somebody_else_wrote_are_named(filled: CommandLine) -> None:
    with filled.warehouse() as live:
        live.execute("UPDATE organizations.org_profiles SET hierarchy_levels = '[1]'")
    for words in (("tree", SLUG), ("export", SLUG), ("add", SLUG, "TEAM", "T2", "Edge", "--parent", "P1")):
        done = filled.run("hierarchy", *words)
        said = " ".join(done.stderr.split())
        assert (done.exit_code, done.stdout) == (6, "")
        assert "organizations.org_profiles.hierarchy_levels of organization acme_corp cannot be read" in said
        assert "or to NULL for DEPARTMENT, PROJECT, TEAM" in said
