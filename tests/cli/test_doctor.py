"""`cloudact doctor`: a list for people, the service's answer for machines, and an exit code for both."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from cloudact.wiring import Services
from tests.acme import ROOT_KEY
from tests.api.catalog_files import CatalogFiles
from tests.cli.command_line import CommandLine

NOT_OURS = [b"{}", b'{"examinations": 5}', b'{"status": "HEALTHY"}']


@pytest.fixture
def ready(cli: CommandLine) -> CommandLine:
    """The command line after bootstrap."""
    cli.bootstrap()
    return cli


def test_with_everything_in_place_each_examination_is_a_line(ready: CommandLine) -> None:
    *lines, last = ready.succeed("doctor").splitlines()
    assert [line.split(":")[0] for line in lines] == [
        f"ok   {name}"
        for name in ("catalog", "sealing_key", "folder", "disk", "database", "central_dataset", "platform_secret")
    ]
    assert last == "HEALTHY  Everything is in place."


def test_what_is_missing_is_told_with_what_to_do_and_exit_code_1(cli: CommandLine) -> None:
    done = cli.run("doctor")
    assert (done.exit_code, done.stderr) == (1, "")
    lines = done.stdout.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("FAIL database: "))
    assert lines[at + 1].startswith("     Make it with `cloudact bootstrap run`")
    assert lines[-1] == "UNHEALTHY  1 examination of 5 failed. The central dataset was not looked at."
    assert not cli.database.exists()


def test_a_message_with_brackets_is_printed_as_it_is(cli: CommandLine, files: CatalogFiles) -> None:
    files.set_column("bootstrap", "org_profiles", "org_slug", type="[bold]TEXT[/]")
    assert "[bold]TEXT[/]" in cli.run("doctor").stdout


def test_as_json_it_is_the_whole_answer_and_the_exit_code_says_the_same(ready: CommandLine, cli: CommandLine) -> None:
    answer = ready.answer("doctor")
    assert [*answer] == ["status", "examinations", "message"]
    assert all([*item] == ["name", "passed", "message", "fix"] for item in answer["examinations"])
    ready.database.unlink()
    done = cli.run("doctor", "--json")
    assert (done.exit_code, json.loads(done.stdout)["status"]) == (1, "UNHEALTHY")


def test_a_running_service_examines_itself(
    cli: CommandLine, services: Services, service_url: str, files: CatalogFiles
) -> None:
    services.bootstrap.run()
    at_service = {"CA_API_URL": service_url, "CA_ROOT_API_KEY": ROOT_KEY}
    answer = cli.answer("doctor", **at_service)
    assert answer["status"] == "HEALTHY"
    assert not cli.database.exists()
    files.set_column("bootstrap", "org_profiles", "org_slug", type="TEXT")
    assert cli.run("doctor", **at_service).exit_code == 1


@pytest.mark.parametrize("body", NOT_OURS, ids=bytes.decode)
def test_an_answer_that_is_not_a_diagnosis_is_an_error_with_a_hint(
    cli: CommandLine, answering: Callable[[int, bytes], str], body: bytes
) -> None:
    code, problem = cli.refusal("doctor", CA_API_URL=answering(200, body))
    assert (code, problem["code"]) == (6, "service_error")
    assert "CA_API_URL" in problem["hint"]


def test_help_has_an_example(cli: CommandLine) -> None:
    assert "Example: cloudact doctor" in cli.succeed("doctor", "--help")
