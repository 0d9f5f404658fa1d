"""`cloudact fleet onboard`: everybody in a file, many at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cloudact.cli import render
from cloudact.cli.context import JsonOption, target
from cloudact.cli.errors import PARTLY_DONE, reported
from cloudact.cli.fleet.calls import Watch
from cloudact.cli.render import Answer
from cloudact.errors import InvalidRequest, Problem

FileArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="One JSON object on each line, as `org onboard` takes it.")
]
KeysOption = Annotated[Path, typer.Option("--keys-out", metavar="FILE", help="Where keys go; only you may read it.")]
_NAMED = 20


def onboard(file: FileArgument, *, keys_out: KeysOption, as_json: JsonOption = False) -> None:
    """Onboard everybody in a file who is not yet, many at a time; the keys go to a file, never to the terminal.

    Every line is checked before anything is done. One organization's failure is its own, and ends with exit code 6.
    Killed anywhere, run it again with the same files: who is there is skipped, and no key of theirs is lost.

    Example: cloudact fleet onboard organizations.jsonl --keys-out keys.jsonl
    """
    with reported(as_json=as_json):
        lines = _lines(file)
    with target("fleet onboard", as_json=as_json, bar=False) as where, _watching(as_json=as_json) as watch:
        answer = where.fleet.onboard(lines, keys_out, watch)
    render.print_json(answer) if as_json else _print(answer, keys_out)
    if answer["failed"]:
        raise typer.Exit(PARTLY_DONE)


def _lines(file: Path) -> list[str]:
    try:
        # Nothing but a line feed ends a line: JSON may have other separators of lines inside a text.
        return file.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        what = "is not UTF-8" if isinstance(error, UnicodeDecodeError) else f"cannot be read: {error.strerror}"
        raise InvalidRequest(f"{file} {what}", problems=[Problem(str(file), "", what, "")]) from error


@contextmanager
def _watching(*, as_json: bool) -> Iterator[Watch]:
    console = Console(stderr=True, emoji=False, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=as_json or not console.is_terminal) as bar:
        task = bar.add_task("fleet onboard", total=None)

        def watch(so_far: Answer) -> None:
            failed = f"fleet onboard, {so_far['failed']} failed" if so_far["failed"] else "fleet onboard"
            bar.update(task, description=failed, completed=so_far["done"], total=so_far["requests"])

        yield watch


def _print(answer: Answer, keys_out: Path) -> None:
    console = Console(emoji=False, highlight=False, soft_wrap=True)
    failed, without = answer["failed"], answer["without_key"]
    counts = f"{answer['onboarded']} onboarded, {answer['skipped']} were there already, {len(failed)} failed"
    console.print(f"{answer['requests']} requests: {counts}. Keys are in {keys_out}.", markup=False)
    for item in failed[:_NAMED]:
        console.print(
            f"  line {item['line']}: {item['org_slug']}: {item['message']} {item['hint']}".rstrip(), markup=False
        )
    if len(failed) > _NAMED:
        console.print(f"  and {len(failed) - _NAMED} more; --json names all", markup=False)
    if without:
        named = ", ".join(without[:_NAMED]) + (", ..." if len(without) > _NAMED else "")
        console.print(f"{len(without)} were there already and have no key in that file: {named}", markup=False)
