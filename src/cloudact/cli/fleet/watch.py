"""How far a run of the fleet has come: a bar with live counts on a terminal, else a line for each wave."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cloudact.cli.fleet.calls import Watch
from cloudact.cli.render import Answer


@contextmanager
def watching(*, as_json: bool) -> Iterator[Watch]:
    """Lend what shows progress on standard error; with --json there is none."""
    console = Console(stderr=True, emoji=False, highlight=False, soft_wrap=True)
    if as_json:
        yield lambda _run: None
    elif console.is_terminal:
        with _bar(console) as watch:
            yield watch
    else:
        yield _lines(console)


@contextmanager
def _bar(console: Console) -> Iterator[Watch]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("fleet sync", total=None)

        def watch(run: Answer) -> None:
            failed = f", {run['failed']} failed" if run["failed"] else ""
            description = f"wave {run['wave']} of {len(run['waves'])}{failed}"
            done = run["synced"] + run["failed"]
            bar.update(task, description=escape(description), completed=done, total=run["needed"])

        yield watch


def _lines(console: Console) -> Watch:
    told: set[tuple[int, bool]] = set()

    def watch(run: Answer) -> None:
        for wave in run["waves"][: run["wave"]]:
            done = wave["synced"] + wave["failed"] == wave["organizations"]
            if (wave["number"], done) in told:
                continue
            told.add((wave["number"], done))
            counts = f"{wave['synced']} of {wave['organizations']} in step, {wave['failed']} failed"
            console.print(f"wave {wave['number']} of {len(run['waves'])} ({wave['selector']}): {counts}", markup=False)

    return watch
