"""`cloudact catalog`: the declared schemas."""

from __future__ import annotations

import typer

from cloudact.cli.catalog.docs import docs
from cloudact.cli.catalog.json_schema import json_schema
from cloudact.cli.catalog.lint import lint
from cloudact.cli.catalog.pull import pull
from cloudact.cli.catalog.show import show

app = typer.Typer(
    no_args_is_help=True, help="The declared schemas: check them, read about them, take them from a live dataset."
)
app.command()(lint)
app.command()(show)
app.command()(docs)
app.command("json-schema")(json_schema)
app.command()(pull)


@app.callback()
def _group() -> None:
    pass
