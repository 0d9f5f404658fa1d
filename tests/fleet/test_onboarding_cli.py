"""`cloudact fleet onboard`: what it prints, how it ends, and that no key is shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command_line import CommandLine
from tests.fleet.doomed import asked
from tests.fleet.fleets import Fleet


@pytest.fixture
def cli(small: Fleet) -> CommandLine:
    small.services.close()
    return CommandLine(small.files.root, small.files.root.parent / "warehouse.duckdb")


@pytest.fixture
def requests(tmp_path: Path) -> Path:
    file = tmp_path / "requests.jsonl"
    file.write_text("\n".join([*asked("new_1", "new_2"), *asked("org_01")]) + "\n")
    return file


def test_it_tells_who_failed_and_shows_no_key(cli: CommandLine, requests: Path, tmp_path: Path) -> None:
    keys = tmp_path / "keys.jsonl"
    done = cli.run("fleet", "onboard", str(requests), "--keys-out", str(keys))
    assert done.exit_code == 6
    assert f"3 requests: 2 onboarded, 0 were there already, 1 failed. Keys are in {keys}." in done.stdout
    assert (
        "line 3: org_01: Organization already exists: org_01, and differs in company_name, admin_email" in done.stdout
    )
    assert "_api_" not in done.stdout + done.stderr
    assert [json.loads(line)["org_slug"] for line in keys.read_text().splitlines()] == ["new_1", "new_2"]
    separator = asked("new_3", company_name="New\u2028Co")[0].replace("\\u2028", "\u2028")
    requests.write_text("\n".join([*asked("new_1", "new_2"), separator]), encoding="utf-8")
    answer = json.loads(cli.succeed("fleet", "onboard", str(requests), "--keys-out", str(keys), "--json"))
    assert {name: answer[name] for name in ("requests", "onboarded", "skipped", "failed")} == {
        "requests": 3,
        "onboarded": 1,
        "skipped": 2,
        "failed": [],
    }


def test_what_is_wrong_is_told_before_anything_is_done(cli: CommandLine, requests: Path, tmp_path: Path) -> None:
    keys = tmp_path / "keys.jsonl"
    assert cli.run("fleet", "onboard", str(tmp_path / "none"), "--keys-out", str(keys)).exit_code == 3
    requests.write_text("\n".join([*asked("new_1"), "{"]))
    done = cli.run("fleet", "onboard", str(requests), "--keys-out", str(keys))
    assert done.exit_code == 3
    assert "line 2" in done.stderr
    assert not keys.exists()
    assert cli.run("fleet", "onboard", str(requests), "--keys-out", "/dev/stdout").exit_code == 3
