"""Processes of the operating system over one warehouse: for how long a key works where it was not revoked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import httpx2
import pytest

from cloudact.settings import Settings
from cloudact.wiring import build_services
from tests.acme import ROOT_HEADERS, ROOT_KEY
from tests.tenancy.access.world import ACTOR, World
from tests.unlimited_bigquery import unlimited

pytestmark = pytest.mark.slow
URL = "bigquery://some-project?location=EU"
REMEMBERED_SECONDS = 3.0
OWN = "/api/v1/organizations/acme_corp"
Serve = Callable[[float], str]


@pytest.fixture
def acme_key(small_catalog: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The key of an organization in a BigQuery that every process reaches."""
    settings = Settings(warehouse_url=URL, config_dir=small_catalog)
    with unlimited(monkeypatch), closing(build_services(settings)) as services:
        services.bootstrap.run(actor=ACTOR)
        yield World(services).onboard()


@pytest.fixture
def serve(acme_key: str, small_catalog: Path) -> Iterator[Serve]:
    """Start `cloudact serve`, which remembers checked keys for so many seconds, and tell its address."""
    environment = {
        "CA_CONFIG_DIR": str(small_catalog),
        "CA_WAREHOUSE_URL": URL,
        "CA_ROOT_API_KEY": ROOT_KEY,
        "CA_SEALING_KEY_URI": os.environ["CA_SEALING_KEY_URI"],
        "BIGQUERY_EMULATOR_HOST": os.environ["BIGQUERY_EMULATOR_HOST"],
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    command = [sys.executable, "-m", "cloudact", "serve", "--port", "0"]
    with ExitStack() as processes:

        def start(seconds: float) -> str:
            settings = {**environment, "CA_KEY_CACHE_SECONDS": str(seconds)}
            process = processes.enter_context(
                subprocess.Popen(command, env=settings, stderr=subprocess.PIPE, text=True)
            )
            processes.callback(process.terminate)
            assert process.stderr
            lines = map(json.loads, process.stderr)
            return next(str(line["address"]) for line in lines if line["event"] == "serving")

        yield start


def test_a_revoked_key_works_in_no_process_longer_than_checks_are_remembered(acme_key: str, serve: Serve) -> None:
    here, elsewhere, forgetful = serve(60), serve(REMEMBERED_SECONDS), serve(0)

    def status(address: str) -> int:
        return httpx2.get(f"{address}{OWN}/status", headers={"X-API-Key": acme_key}, timeout=60).status_code

    assert [status(address) for address in (here, elsewhere, forgetful)] == [200, 200, 200]
    (key,) = httpx2.get(f"{here}{OWN}/keys", headers=ROOT_HEADERS, timeout=60).json()["keys"]
    assert status(elsewhere) == 200  # so that it is remembered there when it is revoked
    revoked = httpx2.delete(f"{here}{OWN}/keys/{key['key_id']}", headers=ROOT_HEADERS, timeout=60)
    assert revoked.json()["status"] == "REVOKED"
    assert [status(address) for address in (here, forgetful)] == [401, 401]
    time.sleep(REMEMBERED_SECONDS)
    assert status(elsewhere) == 401
