"""`cloudact catalog`: the declared schemas."""

from __future__ import annotations

import typer

from cloudact.cli import render
from cloudact.cli.context import JsonOption
from cloudact.cli.errors import reported
from cloudact.settings import load_settings
from cloudact.tenancy.declarations import Declarations

app = typer.Typer(no_args_is_help=True, help="The declared schemas, without a warehouse.")


@app.callback()
def _group() -> None:
    pass


@app.command()
def lint(*, as_json: JsonOption = False) -> None:
    """Check every file of the catalog and report all problems at once.

    Example: cloudact catalog lint
    """
    with reported(as_json=as_json):
        root = load_settings().config_dir
        declared = Declarations(root)
        catalog, plans = declared.load(), declared.plans()
    answer = {
        "central_tables": len(catalog.central.tables),
        "organization_tables": len(catalog.organization.tables),
        "organization_views": len(catalog.organization.views),
        "plans": len(plans),
    }
    if as_json:
        render.print_json(answer)
        return
    counts = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in answer.items())
    typer.echo(f"The catalog in {root} is valid: {counts}.")
