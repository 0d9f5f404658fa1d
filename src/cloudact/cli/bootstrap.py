"""`cloudact bootstrap`: the central dataset."""

from __future__ import annotations

from typing import Annotated

import typer

from cloudact.cli import render
from cloudact.cli.context import ExitCodeOption, JsonOption, target
from cloudact.cli.errors import OUT_OF_SYNC, PARTLY_DONE
from cloudact.cli.recreation import answers

app = typer.Typer(no_args_is_help=True, help="The central dataset: create it, check it, keep it in step.")

TablesOption = Annotated[bool, typer.Option("--tables/--no-tables", help="Create tables (and views) that are missing.")]
ColumnsOption = Annotated[
    bool, typer.Option("--columns/--no-columns", help="Add columns that are missing; update descriptions.")
]
ViewsOption = Annotated[bool, typer.Option("--recreate-views", help="Also replace views whose definition is stale.")]

RecreateDatasetOption = Annotated[
    bool,
    typer.Option(
        "--force-recreate-dataset",
        help="Back up the dataset, empty its tables, and remove those that are not declared.",
    ),
]
RecreateTablesOption = Annotated[
    bool, typer.Option("--force-recreate-tables", help="Back up the declared tables and empty them.")
]
ConfirmOption = Annotated[
    str | None, typer.Option("--confirm", metavar="DATASET", help="The dataset's name, which a force flag needs.")
]


def sync_flags(*, tables: bool, columns: bool, views: bool) -> dict[str, bool]:
    """Return the flags of a sync as the service names them."""
    return {"sync_missing_tables": tables, "sync_missing_columns": columns, "recreate_views": views}


@app.command()
def run(
    *,
    recreate_dataset: RecreateDatasetOption = False,
    recreate_tables: RecreateTablesOption = False,
    confirm: ConfirmOption = None,
    as_json: JsonOption = False,
) -> None:
    """Create the central dataset and its tables.

    Safe to run again at any time: existing tables are left as they are, and what was interrupted is finished. With a
    force flag they are emptied, after a backup; exits with 6 when a table could not be.

    Example: cloudact bootstrap run
    """
    fields = {
        "force_recreate_dataset": recreate_dataset,
        "force_recreate_tables": recreate_tables,
        "confirm_dataset": confirm,
    }
    with target("bootstrap", as_json=as_json) as where:
        answer = where.bootstrap_run(fields)
    render.print_json(answer) if as_json else _result(answer)
    if answer["recreated"] and answer["recreated"]["failed"]:
        raise typer.Exit(PARTLY_DONE)


def _result(answer: render.Answer) -> None:
    if answer["recreated"]:
        answers.recreated(answer["recreated"], planned=False)
    render.bootstrap_result(answer)


@app.command()
def status(*, exit_code: ExitCodeOption = False, as_json: JsonOption = False) -> None:
    """Compare the central dataset with its declaration, changing nothing.

    Example: cloudact bootstrap status --exit-code
    """
    with target("status", as_json=as_json) as where:
        answer = where.bootstrap_status()
    render.print_json(answer) if as_json else render.dataset_status(answer)
    if exit_code and answer["status"] != "SYNCED":
        raise typer.Exit(OUT_OF_SYNC)


@app.command()
def sync(
    *,
    tables: TablesOption = True,
    columns: ColumnsOption = True,
    recreate_views: ViewsOption = False,
    exit_code: ExitCodeOption = False,
    as_json: JsonOption = False,
) -> None:
    """Add what the central dataset lacks; nothing is ever dropped, narrowed or rewritten.

    Example: cloudact bootstrap sync
    """
    with target("sync", as_json=as_json) as where:
        answer = where.bootstrap_sync(sync_flags(tables=tables, columns=columns, views=recreate_views))
    render.print_json(answer) if as_json else render.sync_result(answer)
    if exit_code and answer["status"] != "SUCCESS":
        raise typer.Exit(OUT_OF_SYNC)
