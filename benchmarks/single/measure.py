"""Timing of two sides in turn, so that whatever else the machine does falls on both."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.single.operations import Operation
from benchmarks.single.sides import Side
from benchmarks.single.templates import place, shape, template

Stopwatch = Callable[[Side, Operation], float]


@dataclass(frozen=True, slots=True)
class Sample:
    """Seconds of every repetition."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median in seconds."""
        return statistics.median(self.seconds)


@dataclass(frozen=True, slots=True)
class Case:
    """One operation beside a number of other organizations, on both sides."""

    operation: str
    others: int
    project: Sample
    raw: Sample

    @property
    def ratio(self) -> float:
        """How many times longer the project takes."""
        return self.project.median / self.raw.median


def whole_process(side: Side, operation: Operation) -> float:
    """Return the seconds from starting a process to its end."""
    command, environment = side.process(operation)
    started = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    elapsed = time.perf_counter() - started
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} exits with {done.returncode}: {done.stderr}")
    return elapsed


def in_process(side: Side, operation: Operation) -> float:
    """Return the seconds of the operation alone, with the file open and the catalog read."""
    with side.session(operation) as act:
        started = time.perf_counter()
        act()
        return time.perf_counter() - started


def compare(
    operation: Operation, others: int, sides: Sequence[tuple[Side, Path]], stopwatch: Stopwatch, repetitions: int
) -> Case:
    """Measure both sides alternately, each time on a fresh copy of its template; the first round is a warm-up."""
    samples: list[list[float]] = [[], []]
    for repetition in range(repetitions + 1):
        order = (0, 1) if repetition % 2 else (1, 0)
        for index in order:
            side, folder = sides[index]
            place(side, template(folder, others, operation.before))
            samples[index].append(stopwatch(side, operation))
    if shape(sides[0][0].file) != shape(sides[1][0].file):
        raise RuntimeError(f"{operation.name}: the two sides left different tables, columns or rows")
    project, raw = (Sample(tuple(seconds[1:])) for seconds in samples)
    return Case(operation.name, others, project, raw)
