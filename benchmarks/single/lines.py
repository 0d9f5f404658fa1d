"""The lines of the tables: medians with smallest and largest, ratio, and growth from a tenth as many others."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.report import times
from benchmarks.single.measure import Case, Sample

HEADERS = ("operation", "others", "cloudact", "raw DuckDB", "ratio", "growth", "raw growth")


def lines(cases: Sequence[Case]) -> list[tuple[str, ...]]:
    """Return the cells of each case."""
    known = {(case.operation, case.others): case for case in cases}
    return [_line(case, known.get((case.operation, case.others // 10))) for case in cases]


def _line(case: Case, smaller: Case | None) -> tuple[str, ...]:
    growth = ("", "")
    if smaller and smaller.others * 10 == case.others:
        growth = (times(case.project.median / smaller.project.median), times(case.raw.median / smaller.raw.median))
    return (case.operation, f"{case.others:,}", _sample(case.project), _sample(case.raw), times(case.ratio), *growth)


def _sample(sample: Sample) -> str:
    return f"{_ms(sample.median)} ({_ms(min(sample.seconds))}-{_ms(max(sample.seconds))})"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:,.0f}" if seconds >= 0.1 else f"{seconds * 1000:.1f}"
