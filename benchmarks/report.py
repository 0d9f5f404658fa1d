"""Figures as people read them: on a terminal, and between two markers of a Markdown file."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from pathlib import Path

import duckdb
from measure import Case, Sample
from rich.table import Table

HEADERS = ("operation", "others", "cloudact", "raw DuckDB", "ratio", "growth", "raw growth")
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def machine() -> str:
    """Return what the figures depend on most."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB of memory, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, DuckDB {duckdb.__version__}"
    )


def load() -> str:
    """Return the load average: well above 1, other work was done beside this, and spreads are wide."""
    return f"{os.getloadavg()[0]:.1f}"


def lines(cases: Sequence[Case]) -> list[tuple[str, ...]]:
    """Return a table's cells: medians with smallest and largest, ratio, and growth from a tenth as many others."""
    known = {(case.operation, case.others): case for case in cases}
    return [_line(case, known.get((case.operation, case.others // 10))) for case in cases]


def _line(case: Case, smaller: Case | None) -> tuple[str, ...]:
    growth = ("", "")
    if smaller and smaller.others * 10 == case.others:
        growth = (_times(case.project.median / smaller.project.median), _times(case.raw.median / smaller.raw.median))
    return (case.operation, f"{case.others:,}", _sample(case.project), _sample(case.raw), _times(case.ratio), *growth)


def _sample(sample: Sample) -> str:
    return f"{_ms(sample.median)} ({_ms(min(sample.seconds))}-{_ms(max(sample.seconds))})"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:,.0f}" if seconds >= 0.1 else f"{seconds * 1000:.1f}"


def _times(ratio: float) -> str:
    return f"{ratio:.1f}x" if ratio >= 0.95 else f"{ratio:.2f}x"


def terminal(cases: Sequence[Case]) -> Table:
    """Return a table for the terminal."""
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for index, header in enumerate(HEADERS):
        table.add_column(header, justify="right" if index else "left", no_wrap=True)
    previous = ""
    for cells in lines(cases):
        table.add_row("" if cells[0] == previous else cells[0], *cells[1:])
        previous = cells[0]
    return table


def markdown(title: str, cases: Sequence[Case]) -> str:
    """Return a table for a Markdown file."""
    rows = [HEADERS, ("---", *["---:"] * (len(HEADERS) - 1)), *lines(cases)]
    return "\n".join([f"### {title}", "", *(f"| {' | '.join(row)} |" for row in rows), ""])


def place_for_figures(path: Path) -> tuple[str, str]:
    """Return what stands before and after the figures in a file; a file that is not there is all figures."""
    content = path.read_text(encoding="utf-8") if path.exists() else f"{BEGIN}\n{END}\n"
    head, begin, rest = content.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"{path} has no place for figures: write the lines {BEGIN} and {END} into it")
    return head, tail


def write_figures(path: Path, text: str) -> None:
    """Replace what stands between the two markers, and nothing else."""
    head, tail = place_for_figures(path)
    path.write_text(f"{head}{BEGIN}\n{text}\n{END}{tail}", encoding="utf-8")
