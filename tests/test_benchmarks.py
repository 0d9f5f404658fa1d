"""The benchmark at its smallest size, so that it still runs when somebody needs it; nothing is said about times."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.acme import ROOT

OPERATIONS = ("bootstrap", "onboard", "status, in sync", "sync, nothing to do", "sync, one column")


def run_benchmark(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "benchmarks/duckdb_single.py", *arguments]
    environment = os.environ | {"COLUMNS": "200"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=240)


@pytest.mark.slow
def test_smallest_run_measures_every_operation_and_writes_only_between_the_markers(tmp_path):
    document = tmp_path / "benchmarks.md"
    document.write_text(
        "# Before\n<!-- measured: begin -->\nold figures\n<!-- measured: end -->\nAfter\n", encoding="utf-8"
    )

    done = run_benchmark("--others", "1", "10", "--processes", "1", "--calls", "1", "--write", str(document))

    assert (done.returncode, done.stderr.strip()) == (0, "")
    assert "both sides held the same tables, columns and numbers of rows" in done.stdout
    written = document.read_text(encoding="utf-8")
    assert written.startswith("# Before\n<!-- measured: begin -->\n")
    assert written.endswith("\n<!-- measured: end -->\nAfter\n")
    assert "old figures" not in written
    for operation in OPERATIONS:
        rows = re.findall(rf"^\| {operation} \| (\d+) \| .* \| ([\d.]+x) \|", written, re.MULTILINE)
        assert [others for others, _ in rows] == ["1", "10", "1", "10"]
        assert operation in done.stdout


def test_file_without_markers_is_refused_before_anything_is_measured(tmp_path):
    document = tmp_path / "notes.md"
    document.write_text("nothing to replace here\n", encoding="utf-8")

    done = run_benchmark("--write", str(document))

    assert done.returncode == 1
    assert "has no place for figures" in done.stderr
    assert document.read_text(encoding="utf-8") == "nothing to replace here\n"
