"""One process, or several in turn, with what the operating system says about them."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LAUNCH = Path(__file__).with_name("launch.py")


@dataclass(frozen=True, slots=True)
class Command:
    """What to start; `reports` says that it prints its own times as JSON."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    reports: bool = True


@dataclass(frozen=True, slots=True)
class Run:
    """Seconds and mebibytes of a work; `inside` is the work alone, with the file open, where it was told."""

    whole: float
    cpu: float
    peak: float
    inside: float | None
    done: int
    of: int

    @property
    def complete(self) -> bool:
        """Whether the work was done for all, and not only until the time limit."""
        return self.done == self.of

    def quick(self, limit: float) -> bool:
        """Whether it may be repeated."""
        return self.complete and self.whole < limit


def measured(commands: Sequence[Command], organizations: int) -> Run:
    """Run the commands; where a time limit ended the work, the rest is extrapolated to all the organizations."""
    seconds, cpu, peak, done = 0.0, 0.0, 0.0, organizations
    inside: float | None = None
    for command in commands:
        counted, report = _process(command)
        seconds, cpu = seconds + counted["seconds"], cpu + counted["cpu"]
        peak = max(peak, counted["peak"])
        if command.reports:
            inside, done = report["seconds"], report["done"]
    if inside is not None and done < organizations:
        rest = inside * (organizations / done - 1)
        # As much of it on a processor as of what was seen.
        seconds, cpu, inside = seconds + rest, cpu * (1 + rest / seconds), inside + rest
    return Run(seconds, cpu, peak, inside, done, organizations)


def median(runs: Sequence[Run]) -> Run:
    """Return the medians of several runs of the same work."""
    inside = [run.inside for run in runs if run.inside is not None]
    return Run(
        statistics.median(run.whole for run in runs),
        statistics.median(run.cpu for run in runs),
        statistics.median(run.peak for run in runs),
        statistics.median(inside) if inside else None,
        runs[0].done,
        runs[0].of,
    )


def _process(command: Command) -> tuple[dict[str, float], dict[str, Any]]:
    with tempfile.NamedTemporaryFile("r", suffix=".json") as counted:
        launch = [sys.executable, "-I", "-S", str(LAUNCH), counted.name, *command.arguments]
        done = subprocess.run(launch, env=command.environment, capture_output=True, text=True, check=False)
        if done.returncode:
            text = " ".join(command.arguments)[:200]
            raise RuntimeError(f"{text} exits with {done.returncode}: {done.stderr[-2000:]}")
        return json.load(counted), json.loads(done.stdout.splitlines()[-1]) if command.reports else {}
