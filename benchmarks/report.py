"""Figures as people read them: on a terminal, and between two markers of a Markdown file."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from pathlib import Path

import duckdb
from rich.table import Table

Row = Sequence[str]


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


def times(ratio: float) -> str:
    """Return a ratio as text."""
    return f"{ratio:.1f}x" if ratio >= 0.95 else f"{ratio:.2f}x"


def terminal(headers: Row, rows: Sequence[Row]) -> Table:
    """Return a table for the terminal; a row's first cell is left out where it repeats the one above."""
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for index, header in enumerate(headers):
        table.add_column(header, justify="right" if index else "left", no_wrap=True)
    previous = ""
    for cells in rows:
        table.add_row("" if cells[0] == previous else cells[0], *cells[1:])
        previous = cells[0]
    return table


def markdown(title: str, headers: Row, rows: Sequence[Row]) -> str:
    """Return a heading with a table for a Markdown file."""
    lines = [headers, ("---", *["---:"] * (len(headers) - 1)), *rows]
    return "\n".join([f"### {title}", "", *(f"| {' | '.join(cells)} |" for cells in lines), ""])


def place_for_figures(path: Path, name: str) -> tuple[str, str]:
    """Return what stands before and after the figures of that name; a file that is not there is all figures."""
    begin, end = _markers(name)
    content = path.read_text(encoding="utf-8") if path.exists() else f"{begin}\n{end}\n"
    head, found, rest = content.partition(begin)
    _, closed, tail = rest.partition(end)
    if not (found and closed):
        raise SystemExit(f"{path} has no place for figures: write the lines {begin} and {end} into it")
    return head, tail


def write_figures(path: Path, name: str, text: str) -> None:
    """Replace what stands between the two markers of that name, and nothing else."""
    head, tail = place_for_figures(path, name)
    begin, end = _markers(name)
    path.write_text(f"{head}{begin}\n{text}\n{end}{tail}", encoding="utf-8")


def _markers(name: str) -> tuple[str, str]:
    return f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
