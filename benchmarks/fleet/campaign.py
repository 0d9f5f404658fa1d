"""Every work on every side at every size, on fresh copies of the files that the sides have made."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.copies import copy
from benchmarks.fleet.files import check, complete, let_drift
from benchmarks.fleet.measure import Command, Run, measured, median
from benchmarks.fleet.sides import Side, Task
from benchmarks.fleet.work import Work

# A fleet of that size takes so long to make that it is made once.
MADE_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Cell:
    """One side of one work on a fleet of so many."""

    work: Work
    number: int
    side: str


# Where there is no figure, the reason.
Results = Mapping[Cell, Run | str]


@dataclass(frozen=True, slots=True)
class Campaign:
    """What is measured, how often, and after how many seconds a peer's work is broken off and extrapolated."""

    sides: Sequence[Side]
    tables: int
    folder: Path
    repetitions: int
    limit: float

    def run(self, numbers: Sequence[int], advance: Callable[[str], None]) -> Results:
        """Return what was found; `advance` is called with the name of each work before it begins."""
        results: dict[Cell, Run | str] = {}
        for number in sorted(numbers):
            for work in Work:
                advance(f"{work.title}, {number:,}")
                results |= self._work(work, number)
            for file in self.folder.glob("*.duckdb*"):
                file.unlink()
        return results

    def _work(self, work: Work, number: int) -> Results:
        runs: dict[Cell, list[Run]] = {}
        results: dict[Cell, Run | str] = {}
        repetitions = 1 if work is Work.CREATE and number >= MADE_ONCE else self.repetitions
        for repetition in range(repetitions):
            # Who is first changes, so that whatever else the machine does falls on all.
            for side in self.sides if repetition % 2 else reversed(self.sides):
                cell = Cell(work, number, side.name)
                if reason := side.missing(work):
                    results[cell] = reason
                elif repetition == 0 or runs[cell][0].quick(self.limit):
                    runs.setdefault(cell, []).append(self._measure(side, work, number))
        return results | {cell: median(found) for cell, found in runs.items()}

    def _measure(self, side: Side, work: Work, number: int) -> Run:
        """Measure the processes that a user starts, and where they do not tell the work alone, that as well."""
        run = self._once(side, work, number, side.whole)
        if work is Work.CREATE:
            self._make_templates(side, number)
        if run.inside is None:
            run = replace(run, inside=self._once(side, work, number, side.service).inside)
        return run

    def _once(self, side: Side, work: Work, number: int, commands: Callable[[Task], list[Command]]) -> Run:
        file, own = self._file(side), self.folder / side.name
        shutil.rmtree(own, ignore_errors=True)
        own.mkdir()
        if work is Work.CREATE:
            for left in self.folder.glob(f"{file.name}*"):
                left.unlink()
        else:
            copy(self._template(side, work), file)
        task = Task(work, number, file, own, self.limit)
        run = measured(commands(task), len(task.slugs))
        if run.complete:
            check(file, work, number, self.tables)
        return run

    def _make_templates(self, side: Side, number: int) -> None:
        complete(self._file(side), number)
        copy(self._file(side), self._template(side, Work.STATUS))
        copy(self._file(side), self._template(side, Work.DRIFT))
        let_drift(self._template(side, Work.DRIFT), number)

    def _file(self, side: Side) -> Path:
        return self.folder / f"{side.name.replace(' ', '_')}.duckdb"

    def _template(self, side: Side, work: Work) -> Path:
        kind = "drifted" if work is Work.DRIFT else "made"
        return self.folder / f"{side.name.replace(' ', '_')}-{kind}.duckdb"
