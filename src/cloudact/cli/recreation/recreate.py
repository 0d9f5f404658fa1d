"""`cloudact recreate`: tables made anew, after a backup."""

from __future__ import annotations

from typing import Annotated

import typer

from cloudact.cli import render
from cloudact.cli.context import JsonOption, target
from cloudact.cli.errors import OUT_OF_SYNC, PARTLY_DONE, reported
from cloudact.cli.recreation import answers
from cloudact.errors import InvalidRequest
from cloudact.tenancy.recreation.results import Mode, Outcome

_MODES = {"--with-data": Mode.WITH_DATA, "--empty-tables": Mode.TABLES, "--empty-dataset": Mode.DATASET}


def _mode(*chosen: bool) -> Mode:
    """Return the one mode that was chosen of the three; raises InvalidRequest for none or several."""
    named = [option for option, given in zip(_MODES, chosen, strict=True) if given]
    if len(named) != 1:
        raise InvalidRequest(
            f"{' and '.join(named)} exclude each other" if named else "what to make of the rows is not said",
            hint="Give one of --with-data (every row is kept), --empty-tables and --empty-dataset.",
        )
    return _MODES[named[0]]


def recreate(  # noqa: PLR0913 - each is an option of the command line
    dataset: Annotated[
        str, typer.Argument(metavar="DATASET", help="The central dataset, an organization's, or a template's.")
    ],
    *,
    with_data: Annotated[
        bool, typer.Option("--with-data", help="Make tables as declared, with every row of them.")
    ] = False,
    empty_tables: Annotated[bool, typer.Option("--empty-tables", help="Make tables as declared and empty.")] = False,
    empty_dataset: Annotated[
        bool, typer.Option("--empty-dataset", help="The same, and remove tables that are not declared.")
    ] = False,
    table: Annotated[list[str] | None, typer.Option("--table", help="Only this table. May be repeated.")] = None,
    confirm: Annotated[
        str | None,
        typer.Option("--confirm", metavar="DATASET", help="The dataset's name, once more; a dry run needs none."),
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why; the backup and the audit log keep it.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would be done, and change nothing.")] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="With --dry-run, exit with 2 when anything would be done.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make tables anew as they are declared, after a backup of what is there.

    With --with-data a table gets another partitioning or other types and keeps every row, or it stays as it is and the
    command says why. Exits with 6 when a table failed.

    Example: cloudact recreate organizations --with-data --dry-run
    """
    with reported(as_json=as_json):
        mode = _mode(with_data, empty_tables, empty_dataset)
    fields = {"mode": mode, "tables": table or [], "confirm": confirm, "reason": reason, "dry_run": dry_run}
    with target(f"recreate {dataset}", as_json=as_json) as where:
        answer = where.recreate(dataset, fields)
    render.print_json(answer) if as_json else answers.recreated(answer, planned=dry_run)
    if answer["failed"]:
        raise typer.Exit(PARTLY_DONE)
    if exit_code and dry_run and any(item["outcome"] != Outcome.UNCHANGED for item in answer["tables"]):
        raise typer.Exit(OUT_OF_SYNC)
