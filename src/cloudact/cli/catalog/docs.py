"""`cloudact catalog docs`: the data dictionary as pages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from cloudact.cli.errors import OUT_OF_SYNC, reported
from cloudact.dictionary.files import Comparison, compare, write
from cloudact.dictionary.load import load_dictionary
from cloudact.dictionary.pages import pages
from cloudact.settings import load_settings

OutOption = Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the pages are, or will be.")]
CheckOption = Annotated[
    bool, typer.Option("--check", help="Write nothing; exit with 2 when the pages are not current.")
]


def docs(*, out: OutOption, check: CheckOption = False) -> None:
    """Write the data dictionary as Markdown: an index, and a page for each dataset with an entity diagram.

    Only pages that differ are written. A file that this command did not write is never replaced, and nothing is
    deleted: a page of a dataset that is no longer declared is named.

    Example: cloudact catalog docs --out docs/catalog
    """
    with reported(as_json=False):
        settings = load_settings()
        made = pages(load_dictionary(settings.config_dir, settings.templates_dir))
        differing = compare(made, out) if check else write(made, out)
    _print(differing, len(made), out, check=check)
    if check and not differing.is_current:
        raise typer.Exit(OUT_OF_SYNC)


def _print(differing: Comparison, count: int, out: Path, *, check: bool) -> None:
    console = Console(highlight=False, soft_wrap=True, emoji=False)
    for mark, names, what in (("+", differing.missing, "missing"), ("~", differing.stale, "not current")):
        for name in names:
            console.print(f"  [yellow]{mark}[/] {escape(name)}{f' is {what}' if check else ''}")
    for name in differing.vanished:
        console.print(f"  [red]![/] {escape(name)} is of a dataset that is not declared; delete it")
    written = len(differing.missing) + len(differing.stale)
    where = escape(str(out))
    if check:
        verdict = "is current" if differing.is_current else f"is not current: run cloudact catalog docs --out {where}"
        console.print(f"The data dictionary in {where} {verdict}.")
    else:
        console.print(f"The data dictionary in {where} has {count} pages; {written} written.")
