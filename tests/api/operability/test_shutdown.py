"""A real process that is told to stop: what runs is finished, or ended and recorded as such."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from tests.acme import ROOT_KEY
from tests.api.live import Live
from tests.prepared import Prepared

pytestmark = pytest.mark.slow
WAIT = """
pipeline: {id: wait, name: Wait, organizations: true}
variables: {heeds: true}
steps:
  - {step_id: wait, ps_type: test.wait, config: {heeds: "${heeds}"}}
"""
RUN = "/api/v1/organizations/acme_corp/pipelines/run"


@dataclass
class Service:
    """A process of `cloudact serve`, and a folder through which its steps are told to go on."""

    process: subprocess.Popen[str]
    folder: Path
    url: str
    key: str
    log: list[dict[str, Any]] = field(default_factory=list)

    def run(self, **variables: object) -> httpx2.Response:
        """Run the pipeline that waits, and wait for the answer."""
        body = {"pipeline": "wait", "variables": variables}
        return httpx2.post(self.url + RUN, json=body, headers={"X-API-Key": self.key}, timeout=60)

    def has_begun(self) -> None:
        """Return once the step has begun."""
        while not (self.folder / "begun").exists():
            time.sleep(0.01)

    def stop(self) -> None:
        """Send SIGTERM, and return once the process has said that it stops."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.stderr
        for line in self.process.stderr:
            self.log.append(json.loads(line))
            if self.log[-1]["event"] == "stopping":
                return

    def ended(self) -> None:
        """Return once the process is gone."""
        assert self.process.stderr
        self.log += map(json.loads, self.process.stderr)
        self.process.wait(30)

    def rows(self, statement: str) -> list[dict[str, Any]]:
        """What the file holds after the process."""
        with closing(DuckDBWarehouse(self.folder / "warehouse.duckdb")) as warehouse:
            return Live(warehouse).rows(statement)


Start = Callable[[int], Service]


@pytest.fixture
def start(tmp_path: Path, config_dir: Path, prepared: Prepared) -> Iterator[Start]:
    """Start a service that stops within so many seconds."""
    shutil.copyfile(prepared.onboarded, tmp_path / "warehouse.duckdb")
    (config_dir / "setup" / "wait.yml").write_text(WAIT)
    started: list[subprocess.Popen[str]] = []

    def make(seconds: int) -> Service:
        environment = {
            "CA_CONFIG_DIR": str(config_dir),
            "CA_WAREHOUSE_URL": f"duckdb:///{tmp_path / 'warehouse.duckdb'}",
            "CA_ROOT_API_KEY": ROOT_KEY,
            "CA_SHUTDOWN_SECONDS": str(seconds),
            "CA_SEALING_KEY_URI": os.environ["CA_SEALING_KEY_URI"],
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        command = [sys.executable, "-m", "tests.api.operability.slow_service", str(tmp_path)]
        process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stderr
        lines = map(json.loads, process.stderr)
        url = next(str(line["address"]) for line in lines if line["event"] == "serving")
        return Service(process, tmp_path, url, prepared.api_key)

    yield make
    for process in started:
        process.kill()
        process.wait()
        if process.stderr:
            process.stderr.close()


def test_what_runs_is_finished_and_nothing_new_is_begun(start: Start) -> None:
    service = start(60)
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(service.run)
        service.has_begun()
        service.stop()
        with pytest.raises(httpx2.TransportError):
            httpx2.get(service.url + "/healthz")
        (service.folder / "go").touch()
        assert running.result().json()["state"] == "COMPLETED"
    service.ended()
    assert service.process.returncode == -signal.SIGTERM
    assert [line["event"] for line in service.log if line["event"].startswith("stop")] == ["stopping", "stopped"]
    assert service.rows("SELECT status FROM organizations.org_meta_pipeline_runs") == [{"status": "COMPLETED"}]
    (key,) = service.rows("SELECT last_used_at FROM organizations.org_api_keys")
    assert key["last_used_at"] is not None


def test_what_takes_too_long_is_cancelled_and_recorded(start: Start) -> None:
    service = start(0)
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(service.run)
        service.has_begun()
        service.stop()
        assert running.result().json()["state"] == "CANCELLED"
    service.ended()
    (run,) = service.rows("FROM organizations.org_meta_pipeline_runs")
    (step,) = service.rows("FROM organizations.org_meta_step_logs")
    assert (run["status"], step["status"]) == ("CANCELLED", "CANCELLED")
    (quota,) = service.rows("FROM organizations.org_usage_quotas WHERE usage_date = current_date")
    assert (quota["pipelines_run_today"], quota["concurrent_pipelines_running"]) == (1, 0)


def test_what_heeds_nothing_is_abandoned_and_recorded(start: Start) -> None:
    service = start(0)
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(service.run, heeds=False)
        service.has_begun()
        service.stop()
        answer = running.result().json()
    service.ended()
    assert (answer["state"], answer["steps"][0]["abandoned"]) == ("CANCELLED", True)
    assert service.rows("SELECT status FROM organizations.org_meta_pipeline_runs") == [{"status": "CANCELLED"}]


def test_a_killed_process_is_found_out_and_its_run_is_counted_down(start: Start) -> None:
    service = start(0)
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(service.run)
        service.has_begun()
        service.process.kill()
        assert isinstance(running.exception(), httpx2.TransportError)
    service.ended()
    open_runs = "SELECT concurrent_pipelines_running AS open FROM organizations.org_usage_quotas"
    assert {"open": 1} in service.rows(f"{open_runs} WHERE usage_date = current_date")
    (service.folder / "go").touch()
    again = start(60)
    assert again.run().json()["state"] == "COMPLETED"  # one at a time is allowed, and the killed one is over
    again.stop()
    again.ended()
    (quota,) = again.rows("FROM organizations.org_usage_quotas WHERE usage_date = current_date")
    counted = ("pipelines_run_today", "pipelines_succeeded_today", "pipelines_failed_today")
    assert [quota[name] for name in counted] == [2, 1, 1]
    assert quota["concurrent_pipelines_running"] == 0
