"""Two processes want one file: the second is told who has it and what to do, and the first never notices."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from cloudact.errors import WarehouseUnavailable
from cloudact.planning.status import SyncStatus
from cloudact.settings import Settings
from cloudact.wiring import build_services
from tests.acme import ACME, ROOT_KEY
from tests.reliability.doomed import CHILDREN
from tests.reliability.world import ACME_DATASET, World

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def cloudact(process_settings: Settings, tmp_path: Path) -> Command:
    """The command line, in a process of its own, on the same file."""
    settings = {
        "CA_WAREHOUSE_URL": process_settings.warehouse_url,
        "CA_CONFIG_DIR": str(process_settings.config_dir),
        "CA_ROOT_API_KEY": ROOT_KEY,
        "PYTHONPATH": os.pathsep.join(sys.path),
    }

    def run(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "cloudact", *words]
        return subprocess.run(
            command, env={**settings, **more}, cwd=tmp_path, capture_output=True, text=True, check=False
        )

    return run


@pytest.fixture
def owner(process_settings: Settings) -> Iterator[BaseProcess]:
    """Another process, which has made the file and holds it until it is ended."""
    here, there = CHILDREN.Pipe()
    process = CHILDREN.Process(target=_own, args=(process_settings, there))
    process.start()
    there.close()
    here.recv()
    yield process
    process.kill()
    process.join()
    here.close()


def _own(settings: Settings, parent: Connection) -> None:
    services = build_services(settings)
    services.bootstrap.run()
    parent.send("the file is mine")
    parent.recv()


def test_the_second_process_is_told_to_use_the_service(world: World, owner: BaseProcess) -> None:
    with pytest.raises(WarehouseUnavailable, match="open in another process") as refused:
        world.services.bootstrap.status()
    assert "CA_API_URL" in refused.value.hint
    assert owner.is_alive()


def test_the_second_process_works_as_soon_as_the_first_is_gone(world: World, owner: BaseProcess) -> None:
    with pytest.raises(WarehouseUnavailable):
        world.services.ping()
    owner.kill()
    owner.join()
    assert world.services.bootstrap.status().status is SyncStatus.SYNCED


@pytest.mark.parametrize(
    "words",
    [
        ["bootstrap", "run"],
        ["org", "onboard", "other", "--company-name", "Other", "--admin-email", "admin@acme.com"],
    ],
    ids=" ".join,
)
def test_a_command_beside_a_process_that_has_the_file_exits_with_6(
    acme_world: World, cloudact: Command, words: list[str]
) -> None:
    before = acme_world.contents()
    done = cloudact(*words)
    assert done.returncode == 6
    assert "CA_API_URL" in done.stderr
    assert "Traceback" not in done.stderr
    assert acme_world.contents() == before


def test_a_refused_command_says_so_as_json(acme_world: World, cloudact: Command) -> None:
    done = cloudact("org", "status", "acme_corp", "--json")
    problem = json.loads(done.stderr)
    assert (done.returncode, done.stdout, problem["code"]) == (6, "", "warehouse_unavailable")
    assert "CA_API_URL" in problem["hint"]


def test_commands_work_through_the_service_that_has_the_file(world: World, service_url: str, cloudact: Command) -> None:
    asked = ["--company-name", ACME["company_name"], "--admin-email", ACME["admin_email"], "--json"]
    assert cloudact("bootstrap", "run", CA_API_URL=service_url).returncode == 0
    onboarded = cloudact("org", "onboard", "acme_corp", *asked, CA_API_URL=service_url)
    world.assert_whole(json.loads(onboarded.stdout)["api_key"])
    world.live.execute(f"DROP SCHEMA {ACME_DATASET} CASCADE")
    assert cloudact("org", "sync", "acme_corp", CA_API_URL=service_url).returncode == 0
    assert cloudact("org", "status", "acme_corp", "--exit-code", CA_API_URL=service_url).returncode == 0
    assert world.live.dataset(ACME_DATASET) == world.declared()
