"""What ends with the process of a command, and what does not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command_line import CommandLine


def process(cli: CommandLine, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "cloudact", *words],
        env={
            **os.environ,
            "CA_CONFIG_DIR": str(cli.config_dir),
            "CA_WAREHOUSE_URL": f"duckdb:///{cli.database}",
            "NO_COLOR": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )


def log_of(file: Path) -> Path:
    return file.with_name(f"{file.name}.wal")


@pytest.mark.slow
def test_a_command_leaves_one_file_and_all_that_it_did(cli: CommandLine) -> None:
    """A copy of the file is a backup then, although its process gave no memory back."""
    done = process(cli, "bootstrap", "run")
    assert (done.returncode, done.stderr) == (0, "")
    assert "20 tables created" in done.stdout
    assert not log_of(cli.database).exists()
    assert cli.run("bootstrap", "status", "--exit-code").exit_code == 0


@pytest.mark.slow
def test_a_process_ends_with_the_exit_code_of_its_command(cli: CommandLine) -> None:
    assert process(cli, "bootstrap", "status", "--exit-code").returncode == 2
    assert process(cli, "fleet", "status").returncode == 5
    assert process(cli, "no-such-command").returncode == 2
