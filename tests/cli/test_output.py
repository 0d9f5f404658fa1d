"""An answer that cannot be written down is no success."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.acme import ROOT

FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="this system has no device that is always full")
def test_a_full_disk_behind_the_output_is_told() -> None:
    with FULL.open("w") as full:
        command = [sys.executable, "-m", "cloudact", "catalog", "lint"]
        done = subprocess.run(command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "Error: the answer could not be written: No space left on device\n"
