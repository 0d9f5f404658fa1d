"""The ratios that the project wants to reach, beside what was measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.fleet.figures import FLOOR, OURS, PEERS, Figures
from benchmarks.fleet.work import Work
from benchmarks.report import Row, times

HEADERS = ("target", "organizations", "wanted", "measured", "met")
_MEASURED = HEADERS.index("measured")


@dataclass(frozen=True, slots=True)
class Target:
    """A ratio of two figures, `whole` or `inside`, that should not exceed a limit."""

    text: str
    number: int
    over: tuple[Work, str]
    under: tuple[Work, str]
    kind: str
    most: float
    under_number: int | None = None


RAW = "against the raw program"
TARGETS = (
    Target(f"create all, {RAW}", 1000, (Work.CREATE, OURS), (Work.CREATE, FLOOR), "whole", 1.3),
    Target(f"one column to all, {RAW}", 1000, (Work.COLUMN, OURS), (Work.COLUMN, FLOOR), "whole", 1.3),
    Target(f"status, file open, {RAW}", 1000, (Work.STATUS, OURS), (Work.STATUS, FLOOR), "inside", 1.5),
    Target(f"status, file open, {RAW}", 10000, (Work.STATUS, OURS), (Work.STATUS, FLOOR), "inside", 1.5),
    Target("one drifted, whole processes, against status", 1000, (Work.DRIFT, OURS), (Work.STATUS, OURS), "whole", 1.2),
    Target("one drifted, file open, against status", 1000, (Work.DRIFT, OURS), (Work.STATUS, OURS), "inside", 1.2),
    Target("onboard one, file open, against 1", 10000, (Work.ONBOARD, OURS), (Work.ONBOARD, OURS), "inside", 2.0, 1),
)


def targets(figures: Figures) -> list[Row]:
    """Return each target of a size that was measured, and whether it is met."""
    rows = [*(_target(figures, target) for target in TARGETS), _memory(figures), *_peers(figures)]
    return [row for row in rows if row[_MEASURED]]


def _target(figures: Figures, target: Target) -> Row:
    work, side = target.over
    over = figures.figure(work, target.number, side, target.kind)
    work, side = target.under
    under = figures.figure(work, target.under_number or target.number, side, target.kind)
    return _row(target.text, target.number, over / under if over and under else None, target.most)


def _memory(figures: Figures) -> Row:
    """What status takes beyond the raw program that asks the same, at 10,000 against 1,000."""
    large, small = (_beyond(figures, number) for number in (10000, 1000))
    ratio = large / small if large and small else None
    return _row("memory of status beyond the raw program's, against 1,000", 10000, ratio, 1.5)


def _beyond(figures: Figures, number: int) -> float | None:
    ours, floor = (figures.figure(Work.STATUS, number, side, "peak") for side in (OURS, FLOOR))
    return ours - floor if ours and floor else None


def _peers(figures: Figures) -> Iterator[Row]:
    """Return every work against the fastest peer that does the same, at the largest size."""
    for work in Work:
        for kind, text in (("whole", "whole processes"), ("inside", "file open")):
            ours = figures.figure(work, figures.largest, OURS, kind)
            peers = [found for side in PEERS if (found := figures.figure(work, figures.largest, side, kind))]
            ratio = min(peers) / ours if ours and peers else None
            cells = ("", "") if ratio is None else (f"{times(ratio)} faster", "yes" if ratio >= 10 else "no")
            yield (f"{work.title}, {text}, against the fastest peer", f"{figures.largest:,}", "10x faster", *cells)


def _row(text: str, number: int, ratio: float | None, most: float) -> Row:
    cells = ("", "") if ratio is None else (times(ratio), "yes" if ratio <= most else "no")
    return (text, f"{number:,}", f"at most {most}x", *cells)
