"""`cloudact fleet`: what it prints, how it ends, and that a service answers the same."""

from __future__ import annotations

import re
from dataclasses import replace

import httpx2
import pytest
from pydantic import SecretStr

from cloudact.api.app import create_app
from cloudact.cli.fleet import calls
from cloudact.fleet.request import SyncRequest
from tests.acme import ROOT_HEADERS, ROOT_KEY
from tests.api.served import served
from tests.cli.command_line import A_TERMINAL, CommandLine
from tests.fleet.fleets import TWELVE, Fleet

GROUP = "12 organizations (org_01, org_02, org_03, org_04, org_05 and 7 more)"


@pytest.fixture
def cli(small: Fleet) -> CommandLine:
    """The command line over the twelve."""
    small.services.close()
    return CommandLine(small.files.root, small.files.root.parent / "warehouse.duckdb")


def run_id_of(text: str) -> str:
    found = re.search(r"run ([0-9a-f-]{36})", text)
    assert found
    return found[1]


def test_status_tells_who_lacks_what(small: Fleet, cli: CommandLine) -> None:
    assert cli.succeed("fleet", "status", "--exit-code").startswith("fleet  SYNCED  12 organizations in 1 group")
    small.declare()
    done = cli.run("fleet", "status", "--exit-code")
    assert done.exit_code == 2
    assert GROUP in done.stdout
    assert "subscription_plans.x_added: missing in 12 organizations" in done.stdout
    assert cli.answer("fleet", "status")["sync_status"] == {"OUT_OF_SYNC": 12}


def test_a_plan_is_printed_and_applied(small: Fleet, cli: CommandLine) -> None:
    small.declare()
    done = cli.run("fleet", "sync", "--plan", "--wave", "slug:org_03", "--exit-code")
    assert done.exit_code == 2
    assert "12 organizations of 12 to sync, in 2 waves." in done.stdout
    assert "+ add column subscription_plans.x_added (STRING)" in done.stdout
    assert "wave 1 (slug:org_03): 1 organization (org_03)" in done.stdout
    (command,) = re.findall(r"cloudact (fleet sync --apply [0-9a-f]{64})", done.stdout)
    applied = cli.run(*command.split())
    assert applied.exit_code == 0
    assert "12 of 12 brought in step." in applied.stdout
    assert applied.stderr.splitlines()[-1] == "wave 2 of 2 (rest): 11 of 11 in step, 0 failed"
    code, problem = cli.refusal(*command.split())
    assert (code, problem["code"]) == (5, "fleet_plan_stale")
    code, problem = cli.refusal(*command.split(), "--workers", "2")
    assert (code, problem["code"]) == (3, "invalid_request")
    assert "workers" in problem["detail"]
    assert cli.refusal("fleet", "sync", "--plan", "--apply", "0")[0] == 3


def test_failures_are_named_and_the_run_is_gone_on_with(small: Fleet, cli: CommandLine) -> None:
    small.declare()
    small.conflict("org_03")
    small.services.close()
    done = cli.run("fleet", "sync", "--wave", "slug:org_03,org_04", "--workers", "1")
    assert done.exit_code == 7
    assert "Stopped in wave 1: 1 of 2 failed" in done.stdout
    assert "! 1 organization (org_03): subscription_plans.plan_name" in done.stdout
    run_id = run_id_of(done.stdout)
    assert cli.succeed("fleet", "show", run_id).splitlines()[0] == done.stdout.splitlines()[0]
    again = cli.run("fleet", "resume", run_id, "--exit-code")
    assert again.exit_code == 2
    assert "1 left to a person" in again.stdout
    assert len(cli.answer("fleet", "runs")["runs"]) == 2
    assert run_id in cli.succeed("fleet", "runs")
    assert cli.run("fleet", "retry", run_id).exit_code == 0
    code, problem = cli.refusal("fleet", "abort", run_id)
    assert (code, problem["code"]) == (5, "fleet_run_not_open")
    assert cli.refusal("fleet", "show", "nobody")[1]["code"] == "fleet_run_not_found"


def test_a_terminal_has_a_bar_and_json_nothing(small: Fleet, cli: CommandLine) -> None:
    small.declare()
    done = cli.run("fleet", "sync", **A_TERMINAL)
    assert done.exit_code == 0
    assert "wave 1 of 1" in done.stderr
    assert cli.answer("fleet", "sync")["needed"] == 0


def test_a_run_whose_process_is_gone_is_called_so_and_nothing_is_written(small: Fleet, cli: CommandLine) -> None:
    small.declare()
    run_id = small.services.fleet_sync.begin(SyncRequest()).begun.run_id
    gone = replace(small.services, fleet_runs=replace(small.services.fleet_runs, alive=lambda _process: False))
    with served(create_app(gone, SecretStr(ROOT_KEY))) as url:
        remote = {"CA_API_URL": url, "CA_ROOT_API_KEY": ROOT_KEY}
        shown = cli.succeed("fleet", "show", run_id, **remote)
        listed = cli.answer("fleet", "runs", **remote)["runs"]
        followed = httpx2.get(f"{url}/api/v1/admin/fleet/runs/{run_id}/events", headers=ROOT_HEADERS)
    assert shown.startswith("fleet sync  INTERRUPTED  0 of 12 brought in step, 12 not reached. Interrupted: process ")
    assert f" is gone; `cloudact fleet resume {run_id}` goes on." in shown
    assert [(run["state"], run["status"]) for run in listed] == [("RUNNING", "INTERRUPTED")]
    assert followed.text.startswith("event: end\n")
    assert small.services.fleet_runs.show(run_id).status == "RUNNING"


def test_a_service_answers_the_same(small: Fleet, cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "_POLL_SECONDS", 0.02)
    small.declare()
    with served(create_app(small.services, SecretStr(ROOT_KEY))) as url:
        remote = {"CA_API_URL": url, "CA_ROOT_API_KEY": ROOT_KEY}
        assert cli.answer("fleet", "status", **remote)["sync_status"] == {"OUT_OF_SYNC": 12}
        plan = cli.answer("fleet", "sync", "--plan", **remote)
        run = cli.answer("fleet", "sync", "--apply", plan["plan_hash"], **remote)
        assert (run["state"], run["synced"]) == ("COMPLETED", 12)
        assert cli.answer("fleet", "resume", run["run_id"], **remote)["needed"] == 0
        assert cli.answer("fleet", "retry", run["run_id"], **remote)["needed"] == 0
        assert cli.answer("fleet", "runs", **remote)["total"] == 3
        assert cli.refusal("fleet", "abort", run["run_id"], **remote)[0] == 6
    assert small.in_step() == set(TWELVE)
