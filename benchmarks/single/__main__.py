"""Measure this project against raw DuckDB, side by side: bootstrap, onboard, status and sync on one file.

python -m benchmarks.single                                          the default, about a minute
python -m benchmarks.single --others 1 10 100 1000 --write docs/benchmarks.md
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.report import load, machine, markdown, place_for_figures, terminal, write_figures
from benchmarks.single.lines import HEADERS, lines
from benchmarks.single.measure import Case, Stopwatch, compare, in_process, whole_process
from benchmarks.single.operations import OPERATIONS
from benchmarks.single.scripts import write_scripts
from benchmarks.single.sides import Project, Raw, Side
from benchmarks.single.templates import made
from benchmarks.statements import extend_catalog

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
FIGURES = "single"


def main() -> None:
    """Measure, and print two tables."""
    options = _options()
    if options.write:
        place_for_figures(options.write, FIGURES)
    before = load()
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder, _progress() as progress:
        sides = _prepare(Path(folder), options.others, progress)
        processes = _measure(sides, options.others, whole_process, options.processes, progress)
        calls = _measure(sides, options.others, in_process, options.calls, progress)
    where = f"{machine()}; load average {before} at the start, {load()} at the end."
    tables = (
        (f"Whole processes: milliseconds, median of {options.processes} (smallest-largest)", processes),
        (f"Inside a running process: milliseconds, median of {options.calls} (smallest-largest)", calls),
    )
    # Wide enough for the tables where there is no terminal to ask.
    console = Console(highlight=False, soft_wrap=True, width=100)
    console.print(where)
    for title, cases in tables:
        console.print(f"\n[bold]{title}[/]")
        console.print(terminal(HEADERS, lines(cases)))
    console.print("\nAfter each operation both sides held the same tables, columns and numbers of rows.")
    if options.write:
        figures = [markdown(title, HEADERS, lines(cases)) for title, cases in tables]
        write_figures(options.write, FIGURES, "\n".join([f"{where}\n", *figures]))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    numbers = {"type": int, "metavar": "N"}
    parser.add_argument("--others", nargs="+", default=[1, 100], help="other organizations present", **numbers)
    parser.add_argument("--processes", default=2, help="repetitions of whole processes", **numbers)
    parser.add_argument("--calls", default=5, help="repetitions inside a running process", **numbers)
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the tables between the markers of this file")
    return parser.parse_args()


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def _prepare(folder: Path, others: Sequence[int], progress: Progress) -> list[tuple[Side, Path]]:
    """Return both sides, each with the folder of its templates."""
    extended = extend_catalog(CONFIGS, folder / "extended")
    write_scripts(CONFIGS, extended, folder)
    project, raw = Project(folder / "project.duckdb", CONFIGS, extended), Raw(folder / "raw.duckdb", folder)
    sides: list[tuple[Side, Path]] = [(project, folder / "project"), (raw, folder / "raw")]
    for side, templates in sides:
        task = progress.add_task(f"make databases, {templates.name}", total=len(others))
        for _ in made(side, others, templates):
            progress.advance(task)
    return sides


def _measure(
    sides: Sequence[tuple[Side, Path]],
    others: Sequence[int],
    stopwatch: Stopwatch,
    repetitions: int,
    progress: Progress,
) -> list[Case]:
    cells = [(operation, number) for operation in OPERATIONS for number in sorted(others)]
    task = progress.add_task(stopwatch.__name__.replace("_", " "), total=len(cells))
    cases: list[Case] = []
    for operation, number in cells:
        cases.append(compare(operation, number, sides, stopwatch, repetitions))
        progress.advance(task)
    return cases


if __name__ == "__main__":
    main()
