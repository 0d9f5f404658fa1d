"""The two names under `src/core` that users were given: they lead to the same code, and nothing else is there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acme import ROOT

CORE = ROOT / "src" / "core"
DOORS = {"pipeline/executor.py", "processors/setup/initial/onetime_bootstrap_processor.py"}


def door(*words: str, database: Path) -> subprocess.CompletedProcess[str]:
    """Run the published command from the repository root, as its documentation says."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CA_")}
    environment |= {"CA_WAREHOUSE_URL": f"duckdb:///{database}", "COLUMNS": "200", "NO_COLOR": "1"}
    environment["CA_SEALING_KEY_URI"] = os.environ["CA_SEALING_KEY_URI"]
    command = [sys.executable, "-m", "src.core.pipeline.executor", *words]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_there_are_two_doors_and_nothing_behind_them() -> None:
    files = {path.relative_to(CORE).as_posix() for path in CORE.rglob("*") if path.is_file()}
    assert {name for name in files if "__pycache__" not in name} == DOORS
    for name in DOORS:
        assert len((CORE / name).read_text().splitlines()) <= 15


def test_the_processor_is_importable_where_it_was_published() -> None:
    from cloudact.processors.setup.initial import onetime_bootstrap_processor as own  # noqa: PLC0415
    from src.core.processors.setup.initial import onetime_bootstrap_processor as published  # noqa: PLC0415

    assert published.OnetimeBootstrapProcessor is own.OnetimeBootstrapProcessor


@pytest.mark.slow
def test_the_command_is_the_one_of_the_command_line(tmp_path: Path) -> None:
    words = ["--pipeline", "configs/setup/bootstrap_system.yml", "--tenant-id", "system"]
    done = door(*words, "--json", database=tmp_path / "w.duckdb")
    assert (done.returncode, done.stderr) == (0, "")
    answer = json.loads(done.stdout)
    assert (answer["pipeline_id"], answer["state"], answer["recorded"]) == ("system_bootstrap", "COMPLETED", True)


@pytest.mark.slow
def test_the_command_says_what_it_takes(tmp_path: Path) -> None:
    done = door("--help", database=tmp_path / "w.duckdb")
    assert done.returncode == 0
    assert all(option in done.stdout for option in ("--pipeline", "--tenant-id", "--var", "--dry-run", "--json"))
    assert door("--tenant-id", "system", database=tmp_path / "w.duckdb").returncode == 2
