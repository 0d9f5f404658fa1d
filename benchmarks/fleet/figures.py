"""The tables: whole processes, the work with the file open, memory, and the targets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.fleet.campaign import Cell, Results
from benchmarks.fleet.measure import Run
from benchmarks.fleet.work import Work
from benchmarks.report import Row, times

OURS, FLOOR, PEERS = "cloudact", "raw DuckDB", ("alembic", "dlt")
TIME_HEADERS = ("work", "organizations", OURS, FLOOR, "ratio", "growth", "raw growth", *PEERS)
MEMORY_HEADERS = ("work", "organizations", OURS, FLOOR, *PEERS)


@dataclass(frozen=True, slots=True)
class Figures:
    """What was found, as rows of tables."""

    results: Results

    def times(self, kind: str) -> list[Row]:
        """Return seconds for each work: `whole` and `cpu` of whole processes, or `inside`, with the file open."""
        return [self._times(work, number, kind) for work, number in self._lines()]

    def memory(self) -> list[Row]:
        """Return the most memory that a process took, in MiB."""
        sides = (OURS, FLOOR, *PEERS)
        return [
            (work.title, f"{number:,}", *(self._text(work, number, side, "peak") for side in sides))
            for work, number in self._lines()
        ]

    @property
    def largest(self) -> int:
        """The largest fleet."""
        return max(cell.number for cell in self.results)

    def figure(self, work: Work, number: int, side: str, kind: str) -> float | None:
        """Return `whole`, `inside`, `cpu` or `peak` of a cell, where it was measured."""
        run = self.results.get(Cell(work, number, side))
        return getattr(run, kind) if isinstance(run, Run) else None

    def _lines(self) -> Iterator[tuple[Work, int]]:
        numbers = sorted({cell.number for cell in self.results})
        return ((work, number) for work in Work for number in numbers)

    def _times(self, work: Work, number: int, kind: str) -> Row:
        ours, floor = (self.figure(work, number, side, kind) for side in (OURS, FLOOR))
        ratio = times(ours / floor) if ours and floor else ""
        growth = [self._growth(work, number, side, kind) for side in (OURS, FLOOR)]
        texts = {side: self._text(work, number, side, kind) for side in (OURS, FLOOR, *PEERS)}
        peers = [self._beside(texts[side], self.figure(work, number, side, kind), ours) for side in PEERS]
        return (work.title, f"{number:,}", texts[OURS], texts[FLOOR], ratio, *growth, *peers)

    def _growth(self, work: Work, number: int, side: str, kind: str) -> str:
        now, smaller = (self.figure(work, count, side, kind) for count in (number, number // 10))
        return times(now / smaller) if now and smaller and number % 10 == 0 else ""

    def _text(self, work: Work, number: int, side: str, kind: str) -> str:
        run = self.results.get(Cell(work, number, side), "")
        if isinstance(run, str):
            return run
        value = getattr(run, kind)
        if value is None:
            return ""
        if kind == "peak":
            return f"{'' if run.complete else '>'}{value:,.0f}"
        return _seconds(value) if run.complete else f"~{_seconds(value)} (from {run.done:,})"

    @staticmethod
    def _beside(text: str, peer: float | None, ours: float | None) -> str:
        return f"{text}, {times(peer / ours)}" if peer and ours else text


def _seconds(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.3g}"
