"""Measure fleets on DuckDB: this project beside the shortest raw program, alembic and dlt, doing the same work.

python -m benchmarks.fleet                            fleets of 1, 100 and 1,000
python -m benchmarks.fleet --organizations 1 1000 10000 --no-peers --figures large --write docs/benchmarks.md
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.fleet.campaign import Campaign
from benchmarks.fleet.declared import write_declared
from benchmarks.fleet.figures import MEMORY_HEADERS, TIME_HEADERS, Figures
from benchmarks.fleet.sides import ROOT, Peer, Side, all_sides
from benchmarks.fleet.targets import HEADERS, targets
from benchmarks.fleet.work import Work
from benchmarks.report import load, machine, markdown, place_for_figures, terminal, write_figures


def main() -> None:
    """Measure, and print the tables."""
    options = _options()
    if options.write:
        place_for_figures(options.write, options.figures)
    before = load()
    with tempfile.TemporaryDirectory(prefix="benchmark-", dir=options.folder) as name, _progress() as progress:
        folder = Path(name)
        declared = write_declared(ROOT / "configs", folder)
        sides = [side for side in all_sides(declared) if options.peers or not isinstance(side, Peer)]
        campaign = Campaign(sides, _tables(declared[False]), folder, options.repetitions, options.limit)
        task = progress.add_task("", total=len(Work) * len(options.organizations))
        results = campaign.run(options.organizations, lambda text: progress.update(task, description=text, advance=1))
    figures = Figures(results)
    where = f"{machine()}; load average {before} at the start, {load()} at the end.\n{_versions(sides)}"
    tables = (
        ("Whole processes: seconds", TIME_HEADERS, figures.times("whole")),
        ("Whole processes: seconds of a processor", TIME_HEADERS, figures.times("cpu")),
        ("With the file open: seconds", TIME_HEADERS, figures.times("inside")),
        ("Most memory of a process: MiB", MEMORY_HEADERS, figures.memory()),
        ("Targets", HEADERS, targets(figures)),
    )
    # Wide enough for the tables where there is no terminal to ask.
    console = Console(highlight=False, soft_wrap=True, width=160)
    console.print(where)
    for title, headers, rows in tables:
        console.print(f"\n[bold]{title}[/]")
        console.print(terminal(headers, rows))
    if options.write:
        write_figures(
            options.write, options.figures, "\n".join([f"{where}\n", *(markdown(*table) for table in tables)])
        )


def _tables(declared: Path) -> int:
    return len(json.loads(declared.read_text(encoding="utf-8"))["tables"])


def _versions(sides: Sequence[Side]) -> str:
    found = [f"{side.name}: {text}" for side in sides if (text := side.versions())]
    return f"Peers: {'; '.join(found)}." if found else "Without peers: scripts/setup-peers installs them."


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    numbers = {"type": int, "metavar": "N"}
    parser.add_argument("--organizations", nargs="+", default=[1, 100, 1000], help="sizes of fleets", **numbers)
    parser.add_argument("--repetitions", default=3, help="of what takes less than the limit", **numbers)
    parser.add_argument(
        "--limit", type=float, default=5.0, metavar="S", help="seconds until a peer is stopped, the rest extrapolated"
    )
    parser.add_argument("--no-peers", dest="peers", action="store_false", help="this project and raw DuckDB only")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="where databases are made")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the tables between the markers of this file")
    parser.add_argument("--figures", default="fleet", metavar="NAME", help="which markers those are")
    return parser.parse_args()


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


if __name__ == "__main__":
    main()
