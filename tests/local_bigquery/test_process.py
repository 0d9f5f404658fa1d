"""The emulator's process: started, found to be dead, ended with its caller."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.local_bigquery import process
from tests.local_bigquery.process import EmulatorDied, LocalBigQuery, is_installed, running

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not is_installed(), reason="local-bigquery is not installed (scripts/setup-local-bigquery)"),
]


def test_two_of_them_do_not_meet_and_end_with_their_caller(
    local_bigquery_process: LocalBigQuery, tmp_path: Path
) -> None:
    with running(tmp_path / "second") as second:
        second.emulator.call(
            "POST",
            f"/projects/{process.PROJECT}/datasets",
            {"datasetReference": {"projectId": process.PROJECT, "datasetId": "only_here"}},
        )
        here = local_bigquery_process.emulator.call("GET", f"/projects/{process.PROJECT}/datasets")
        assert "only_here" not in str(here)
        assert second.process.stdin is not None
        second.process.stdin.close()
        assert second.process.wait(timeout=30) == 0


def test_one_that_does_not_start_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("raise SystemExit('no disk')\n")
    monkeypatch.setattr(process, "LAUNCHER", broken)
    with pytest.raises(EmulatorDied, match=r"status 1:\nno disk"), running(tmp_path / "folder"):
        pass
