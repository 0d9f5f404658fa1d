"""`cloudact audit`: the list, the verification with its exit code, and the checkpoint file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command_line import CommandLine

FORGED = ("/x\x1b[2J\x9b", "no\n#9    2026-01-01 00:00:00  SUCCESS  administrator")


def test_the_log_is_listed(cli: CommandLine) -> None:
    cli.onboard()
    assert "CREATE" in cli.succeed("audit", "list")
    shown = cli.succeed("audit", "list", "acme_corp", "--status", "success", "--since", "2020-01-31")
    assert "acme_corp: 1 row, times in UTC" in shown
    assert "CREATE ORGANIZATION acme_corp" in shown
    assert cli.answer("audit", "list", "acme_corp", "--resource-id", "acme_corp", "--user", "nobody")["logs"] == []
    answer = cli.answer("audit", "list", "acme_corp", "--limit", "1")
    assert answer["logs"][0]["resource_id"] == "acme_corp"
    assert cli.answer("audit", "list", "acme_corp", "--action", "DELETE")["logs"] == []
    code, problem = cli.refusal("audit", "list", "no_such_org")
    assert (code, problem["code"]) == (5, "organization_not_found")


def test_what_a_stranger_sent_does_not_reach_the_terminal(cli: CommandLine) -> None:
    cli.onboard()
    with cli.warehouse() as live:
        live.execute("UPDATE organizations.org_audit_logs SET resource_id = ?, error_message = ?", *FORGED)
    shown = cli.succeed("audit", "list", "acme_corp")
    assert "\x1b" not in shown
    assert r"CREATE ORGANIZATION /x\x1b[2J\x9b" in shown
    assert r"no\n#9" in shown


def test_an_edited_row_is_named_and_the_exit_code_says_so(cli: CommandLine) -> None:
    cli.onboard()
    cli.succeed("org", "sync", "acme_corp")
    assert "verified" in cli.succeed("audit", "verify")
    with cli.warehouse() as live:
        live.execute("UPDATE organizations.org_audit_logs SET status = 'FAILURE' WHERE org_slug = 'acme_corp'")
    done = cli.run("audit", "verify", "acme_corp")
    assert done.exit_code == 1
    assert "acme_corp: broken at 1, ALTERED" in done.stdout
    assert cli.run("audit", "verify", "system").exit_code == 0
    broken = json.loads(cli.run("audit", "verify", "--json").stdout)
    assert broken["status"] == "BROKEN"


def test_a_checkpoint_is_written_compared_and_kept_when_something_is_broken(cli: CommandLine, tmp_path: Path) -> None:
    cli.onboard()
    file = tmp_path / "checkpoint.json"
    assert "written" in cli.succeed("audit", "verify", "--checkpoint", str(file))
    first = json.loads(file.read_text())
    assert first.keys() == {"system", "acme_corp"}
    assert first["acme_corp"]["sequence"] == 1
    cli.succeed("org", "sync", "acme_corp")
    cli.succeed("audit", "verify", "acme_corp", "--checkpoint", str(file))
    second = json.loads(file.read_text())
    assert (second["acme_corp"]["sequence"], second["system"]) == (2, first["system"])
    with cli.warehouse() as live:
        live.execute("DELETE FROM organizations.org_audit_logs WHERE org_slug = 'acme_corp' AND sequence = 2")
        head = f"1:{first['acme_corp']['row_hash']}"
        live.execute("UPDATE organizations.org_profiles SET audit_head = ?", head)
    assert cli.run("audit", "verify").exit_code == 0
    done = cli.run("audit", "verify", "--checkpoint", str(file))
    assert (done.exit_code, "ROLLED_BACK" in done.stdout, "not written" in done.stdout) == (1, True, True)
    assert json.loads(file.read_text()) == second
    assert list(tmp_path.glob("*.part")) == []


@pytest.mark.parametrize("content", ["", "[]", '{"system": {"sequence": "1", "row_hash": "x"}}'])
def test_a_file_that_is_no_checkpoint_is_refused(cli: CommandLine, tmp_path: Path, content: str) -> None:
    file = tmp_path / "checkpoint.json"
    file.write_text(content)
    code, problem = cli.refusal("audit", "verify", "--checkpoint", str(file))
    assert (code, problem["code"]) == (3, "invalid_request")
    assert file.read_text() == content
