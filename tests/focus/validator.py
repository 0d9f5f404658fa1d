"""The FOCUS validator of the FinOps Foundation, run as a person runs it, on the rules of this project."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.acme import ROOT
from tests.focus.rules import VERSION, model

COMMAND = ROOT / ".venv-focus-validator/bin/focus-validator"
needs_validator = pytest.mark.skipif(
    not COMMAND.exists(), reason="the FOCUS validator is not installed: scripts/setup-focus-validator needs Python 3.12"
)
_TOTALS = re.compile(r"Total: (\d+) \| Pass: (\d+) \| Fail: (\d+) \| Skipped: (\d+)")
_FAILURE = re.compile(r"^- ([\w-]+): violations=", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the validator said: how many rules passed and were left out, and the names of those that failed."""

    passed: int
    skipped: int
    failed: frozenset[str]


def validate(file: Path, dataset: str, directory: Path) -> Verdict:
    """Return the verdict on a Parquet or CSV file; the rules and the validator's log are written to `directory`."""
    rules = directory / "rules"
    rules.mkdir(exist_ok=True)
    (rules / f"model-{VERSION}.json").write_text(json.dumps(model()), encoding="utf-8")
    command = [
        str(COMMAND),
        *("--data-file", str(file), "--focus-dataset", dataset),
        *("--validate-version", VERSION, "--rule-set-path", str(rules), "--block-download"),
    ]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False, timeout=120)
    # It returns 0 whether or not rules fail, so what it printed is the verdict.
    totals = _TOTALS.search(done.stdout)
    assert totals, f"the validator gave no verdict:\n{done.stdout}\n{done.stderr}"
    _, passed, failed, skipped = map(int, totals.groups())
    names = frozenset(_FAILURE.findall(done.stdout))
    assert len(names) == failed
    return Verdict(passed, skipped, names)
