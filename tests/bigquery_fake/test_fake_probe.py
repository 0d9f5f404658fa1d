"""The probe of documented behaviour, where it is at hand: the fake fails what PROBE.md lists, no more, no less."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acme import ROOT
from tests.bigquery_fake.server import running

PROBE = ROOT.parent / "shared" / "reference" / "emulator_probe.py"
LISTED = set(re.findall(r"^\| ([A-Z]\d\d) \|", (Path(__file__).parent / "PROBE.md").read_text(), re.MULTILINE))


@pytest.mark.slow
@pytest.mark.skipif(not PROBE.exists(), reason="the probe is not part of the repository")
def test_the_probe_fails_what_is_listed(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    with running() as fake:
        fake.limits.enabled = False  # the probe does more than the limits allow, on purpose
        port = fake.url.rpartition(":")[2]
        command = [sys.executable, str(PROBE), "--attach", "--no-bench", "--port", port, "--json", str(report)]
        subprocess.run([*command, "--work-dir", str(tmp_path)], check=True, capture_output=True, timeout=240)
    checks = json.loads(report.read_text())["checks"]
    failed = {check["id"]: check["note"] for check in checks if check["status"] != "PASS"}
    assert set(failed) == LISTED, failed
    assert len(checks) > 130
