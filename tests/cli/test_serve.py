"""`cloudact serve`: what it refuses to start with, and that it serves; and what every --help shows."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
from typer.main import get_command

from cloudact.cli.app import app
from tests.acme import ROOT_KEY
from tests.api.catalog_files import CatalogFiles
from tests.api.published import CENTRAL, CENTRAL_TABLES
from tests.cli.command_line import CommandLine
from tests.docs_shell import commands

COMMANDS = [path for path in commands(get_command(app)) if path in {("serve",)} or len(path) == 2]


@pytest.fixture
def environment(cli: CommandLine) -> dict[str, str]:
    """The environment of a process on the command line's file."""
    return {
        "CA_CONFIG_DIR": str(cli.config_dir),
        "CA_WAREHOUSE_URL": f"duckdb:///{cli.database}",
        "CA_ROOT_API_KEY": ROOT_KEY,
        "CA_SEALING_KEY_URI": os.environ["CA_SEALING_KEY_URI"],
        "PYTHONPATH": os.pathsep.join(sys.path),
    }


@pytest.fixture
def served(environment: dict[str, str]) -> Iterator[str]:
    """The address that `cloudact serve`, in a process of its own, says it listens at."""
    command = [sys.executable, "-m", "cloudact", "serve", "--port", "0"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        lines = map(json.loads, process.stderr)
        yield next(str(line["address"]) for line in lines if line["event"] == "serving")
        process.terminate()


@pytest.mark.slow
def test_a_service_says_where_it_listens_and_commands_work_through_it(cli: CommandLine, served: str) -> None:
    at_service = {"CA_API_URL": served, "CA_ROOT_API_KEY": ROOT_KEY}
    assert cli.answer("bootstrap", "run", **at_service)["tables_created"] == CENTRAL_TABLES
    assert cli.answer("bootstrap", "status", **at_service)["status"] == "SYNCED"


def test_a_command_in_a_process_of_its_own_prints_its_answer_alone(
    cli: CommandLine, environment: dict[str, str]
) -> None:
    command = [sys.executable, "-m", "cloudact", "bootstrap", "run", "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert (json.loads(done.stdout)["tables_created"], done.stderr) == (CENTRAL_TABLES, "")
    with cli.warehouse() as live:
        assert live.tables(CENTRAL) == CENTRAL_TABLES


@pytest.mark.parametrize("key", [{}, {"CA_ROOT_API_KEY": ""}], ids=["unset", "empty"])
def test_without_a_root_key_it_does_not_start(cli: CommandLine, key: dict[str, str]) -> None:
    done = cli.run("serve", **key)
    assert (done.exit_code, done.stdout) == (3, "")
    assert "CA_ROOT_API_KEY is not set" in done.stderr
    assert not cli.database.exists()


def test_with_a_broken_catalog_it_does_not_start(cli: CommandLine, files: CatalogFiles) -> None:
    files.path("organizations/config.yml").unlink()
    done = cli.run("serve", CA_ROOT_API_KEY=ROOT_KEY)
    assert done.exit_code == 3
    assert "organizations/config.yml" in done.stderr


def test_with_a_damaged_warehouse_it_does_not_start(cli: CommandLine) -> None:
    cli.database.write_bytes(b"not a database" * 1000)
    done = cli.run("serve", CA_ROOT_API_KEY=ROOT_KEY)
    assert (done.exit_code, done.stdout) == (6, "")


def test_where_something_else_listens_it_does_not_start(cli: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = cli.run("serve", "--port", str(port), CA_ROOT_API_KEY=ROOT_KEY)
    assert (done.exit_code, done.stdout) == (3, "")
    assert f"cannot listen on 127.0.0.1, port {port}: Address already in use" in done.stderr
    assert not cli.database.exists()


def test_what_is_no_address_is_told(cli: CommandLine) -> None:
    done = cli.run("serve", "--host", "192.0.2.1", "--port", "0", CA_ROOT_API_KEY=ROOT_KEY)
    assert done.exit_code == 3
    assert "cannot listen on 192.0.2.1, port 0: " in done.stderr


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_what_is_no_port_is_a_usage_error(cli: CommandLine, port: str) -> None:
    assert cli.run("serve", "--port", port, CA_ROOT_API_KEY=ROOT_KEY).exit_code == 2


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_explains_itself_with_an_example_of_itself(cli: CommandLine, path: tuple[str, ...]) -> None:
    text = " ".join(cli.succeed(*path, "--help").split())
    assert f"Usage: cloudact {' '.join(path)}" in text
    example = text.partition("Example: ")[2]
    assert f"cloudact {' '.join(path)}" in example
