"""The benchmarks at their smallest size, so that they still run when somebody needs them; nothing is said of times."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.acme import ROOT

SINGLE, FLEET = "benchmarks.single", "benchmarks.fleet"
OPERATIONS = ("bootstrap", "onboard", "status, in sync", "sync, nothing to do", "sync, one column")
WORKS = (
    "create all",
    "status, nothing to do",
    "sync, nothing to do",
    "sync, one drifted",
    "one column to all",
    "onboard one more",
)


def run_benchmark(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *arguments]
    environment = os.environ | {"COLUMNS": "200"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=240)


@pytest.mark.slow
def test_smallest_run_measures_every_operation_and_writes_only_between_the_markers(tmp_path):
    document = tmp_path / "benchmarks.md"
    document.write_text(
        "# Before\n<!-- single: begin -->\nold figures\n<!-- single: end -->\nAfter\n", encoding="utf-8"
    )

    done = run_benchmark(SINGLE, "--others", "1", "--processes", "1", "--calls", "1", "--write", str(document))

    assert (done.returncode, done.stderr.strip()) == (0, "")
    assert "both sides held the same tables, columns and numbers of rows" in done.stdout
    written = document.read_text(encoding="utf-8")
    assert written.startswith("# Before\n<!-- single: begin -->\n")
    assert written.endswith("\n<!-- single: end -->\nAfter\n")
    assert "old figures" not in written
    for operation in OPERATIONS:
        rows = re.findall(rf"^\| {operation} \| (\d+) \| .* \| ([\d.]+x) \|", written, re.MULTILINE)
        assert [others for others, _ in rows] == ["1", "1"]
        assert operation in done.stdout


@pytest.mark.slow
def test_smallest_fleet_is_measured_on_the_floor_and_checked(tmp_path):
    document = tmp_path / "benchmarks.md"

    done = run_benchmark(FLEET, "--organizations", "2", "--repetitions", "1", "--limit", "1", "--write", str(document))

    assert (done.returncode, done.stderr.strip()) == (0, "")
    written = document.read_text(encoding="utf-8")
    assert written.startswith("<!-- fleet: begin -->\n")
    for work in WORKS:
        cells = [line.split(" | ") for line in written.splitlines() if line.startswith(f"| {work} | 2 |")]
        assert len(cells) == 4, "whole processes, their processor time, with the file open, memory"
        assert all(float(row[3]) > 0 for row in cells), "the floor has a figure everywhere"


@pytest.mark.parametrize("benchmark", [SINGLE, FLEET])
def test_file_without_markers_is_refused_before_anything_is_measured(tmp_path, benchmark):
    document = tmp_path / "notes.md"
    document.write_text("nothing to replace here\n", encoding="utf-8")

    done = run_benchmark(benchmark, "--write", str(document))

    assert done.returncode == 1
    assert "has no place for figures" in done.stderr
    assert document.read_text(encoding="utf-8") == "nothing to replace here\n"
