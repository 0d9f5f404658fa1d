"""`cloudact backup`: copies of datasets, beside them."""

from __future__ import annotations

from typing import Annotated

import typer

from cloudact.cli import render
from cloudact.cli.context import JsonOption, target
from cloudact.cli.recreation import answers

app = typer.Typer(no_args_is_help=True, help="Backups: list them, make one, restore one to a new name.")


@app.command("list")
def list_backups(
    *,
    dataset: Annotated[str | None, typer.Option("--dataset", help="Only backups of this dataset.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List backups, the newest first; one that was interrupted is marked INCOMPLETE.

    Example: cloudact backup list --dataset organizations
    """
    with target("list", as_json=as_json) as where:
        answer = where.backup_list(dataset)
    render.print_json(answer) if as_json else answers.backup_list(answer)


@app.command()
def create(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="Any dataset of the warehouse.")],
    *,
    table: Annotated[list[str] | None, typer.Option("--table", help="Only this table. May be repeated.")] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why, for whoever finds it later.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Copy a dataset's tables to a dataset beside it, and compare every copy with its table.

    Example: cloudact backup create organizations --reason "Before the migration"
    """
    with target(f"back up {dataset}", as_json=as_json) as where:
        answer = where.backup_create({"dataset": dataset, "tables": table or [], "reason": reason})
    render.print_json(answer) if as_json else answers.backup_made(answer)


@app.command()
def restore(
    backup: Annotated[str, typer.Argument(metavar="BACKUP", help="A name that `cloudact backup list` shows.")],
    *,
    name: Annotated[str, typer.Option("--as", metavar="DATASET", help="The dataset to make of it: a name not in use.")],
    as_json: JsonOption = False,
) -> None:
    """Make a dataset of a backup under a new name; what exists is left as it is.

    Interrupted, the same command finishes it.

    Example: cloudact backup restore organizations__backup_20260131120000 --as organizations_restored
    """
    with target(f"restore {backup}", as_json=as_json) as where:
        answer = where.backup_restore(backup, name)
    render.print_json(answer) if as_json else answers.restored(answer)
