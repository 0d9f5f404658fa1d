"""The emulator local-bigquery as a process of its own, with the Python of its own virtual environment."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.acme import ROOT
from tests.bigquery_fake.rules import Resource
from tests.local_bigquery.answers import EmulatorRefused
from tests.local_bigquery.emulator import Emulator, dataset_path

HOST = "127.0.0.1"
PROJECT = "test-project"
PYTHON = ROOT / ".venv-local-bigquery" / "bin" / "python"
LAUNCHER = Path(__file__).with_name("launcher.py")
_START_SECONDS = 120
_STOP_SECONDS = 10
_DATASET_OF_ITS_OWN = "local"


class EmulatorDied(Exception):
    """The process ended, or never answered; the message ends with the last lines of its log."""


@dataclass(slots=True)
class LocalBigQuery:
    """A running emulator; `log` is what it has written."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def emulator(self) -> Emulator:
        """A way to send it requests."""
        return Emulator(HOST, self.port)

    def tail(self) -> str:
        """Return the end of the log, for error messages."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-30:])

    def empty(self, project: str = PROJECT) -> None:
        """Delete every dataset and job: what is left over slows all later requests, and job ids are for ever."""
        emulator = self.emulator
        for dataset in _pages(emulator, f"/projects/{project}/datasets?all=true", "datasets"):
            name = dataset["datasetReference"]["datasetId"]
            emulator.send("DELETE", f"/bigquery/v2{dataset_path(project, name)}?deleteContents=true")
        for job in _pages(emulator, f"/projects/{project}/jobs", "jobs"):
            emulator.send("DELETE", f"/bigquery/v2/projects/{project}/jobs/{job['jobReference']['jobId']}/delete")


def _pages(emulator: Emulator, path: str, key: str) -> list[Resource]:
    found = emulator.call("GET", path).get(key, [])
    return list(found)


def is_installed() -> bool:
    """Tell whether scripts/setup-local-bigquery has found a Python and installed the emulator."""
    return PYTHON.exists() and (PYTHON.parents[1] / "installed").exists()


@contextmanager
def running(folder: Path) -> Iterator[LocalBigQuery]:
    """Start an emulator that keeps everything below `folder`, and stop it afterwards."""
    started = _started(folder)
    try:
        yield started
    finally:
        _stop(started.process)


def _started(folder: Path) -> LocalBigQuery:
    home, data, log = folder / "home", folder / "data", folder / "emulator.log"
    home.mkdir(parents=True)
    port, grpc_port = _free_ports(2)
    command = [
        str(PYTHON), "-P", str(LAUNCHER), "serve", "--host", HOST, "--port", str(port), "--grpc-port", str(grpc_port),
        "--data-dir", str(data), "--project", PROJECT, "--dataset", _DATASET_OF_ITS_OWN,
    ]  # fmt: skip
    with log.open("wb") as output:
        # Its standard input ends when this process does, however that ends, and then so does the emulator.
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=output, stderr=output, env={"HOME": str(home)}, cwd=folder
        )
    made = LocalBigQuery(process, port, log)
    try:
        _wait(made)
    except BaseException:
        _stop(process)
        raise
    return made


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server((HOST, 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in sockets]
    for listener in sockets:
        listener.close()
    return ports


def _wait(made: LocalBigQuery) -> None:
    """Return when the emulator answers; a real project begins without datasets, so its own is deleted."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if made.process.poll() is not None:
            raise EmulatorDied(f"local-bigquery ended with status {made.process.returncode}:\n{made.tail()}")
        try:
            made.emulator.call("GET", "/projects")
        except OSError:
            time.sleep(0.05)
        except EmulatorRefused as error:
            raise EmulatorDied(f"local-bigquery does not work: {error}\n{made.tail()}") from error
        else:
            made.empty()
            return
    raise EmulatorDied(f"local-bigquery did not answer within {_START_SECONDS} s:\n{made.tail()}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdin:
        process.stdin.close()
