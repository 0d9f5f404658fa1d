"""The `cloudact` command."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from cloudact import __version__
from cloudact.cli import bootstrap, catalog, org, pipeline
from cloudact.cli.access import key
from cloudact.cli.accounts import commands as accounts
from cloudact.cli.audit import commands as audit
from cloudact.cli.doctor import doctor
from cloudact.cli.fleet import commands as fleet
from cloudact.cli.hierarchy import commands as hierarchy
from cloudact.cli.init import init
from cloudact.cli.notifications import channel
from cloudact.cli.process import run_and_exit
from cloudact.cli.recreation import backup
from cloudact.cli.recreation.recreate import recreate
from cloudact.cli.secrets import credential, sealing
from cloudact.cli.serve import serve

app = typer.Typer(
    name="cloudact",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Keep thousands of tenants' warehouse datasets in step with declared schemas, without losing a row.",
    epilog="Exit codes: 0 done, 1 unforeseen or unhealthy, 2 usage or (with --exit-code) out of sync, 3 invalid input "
    "or settings, 4 not allowed, 5 wrong state, 6 warehouse or service, 7 pipeline failed, 130 interrupted.",
)
app.add_typer(bootstrap.app, name="bootstrap")
accounts.register(org.app)
app.add_typer(org.app, name="org")
app.add_typer(fleet.app, name="fleet")
app.add_typer(hierarchy.app, name="hierarchy")
app.add_typer(pipeline.app, name="pipeline")
app.add_typer(backup.app, name="backup")
app.add_typer(catalog.app, name="catalog")
app.add_typer(key.app, name="key")
app.add_typer(audit.app, name="audit")
app.add_typer(sealing.app, name="sealing")
app.add_typer(credential.app, name="credential")
app.add_typer(channel.app, name="channel")
app.command()(init)
app.command()(serve)
app.command()(doctor)
app.command()(recreate)


def _version(*, value: bool) -> None:
    if value:
        typer.echo(f"cloudact {__version__}")
        raise typer.Exit


@app.callback()
def options(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options of the command as a whole."""


def main() -> None:
    """Run the command line; an answer that cannot be written down is said to be so."""
    try:
        run_and_exit(app)
    except OSError as error:
        if error.filename is not None:  # it is about a file, not about where the answer goes
            raise
        sys.stderr.write(f"Error: the answer could not be written: {error.strerror}\n")
        os._exit(1)  # what is left in the buffer would be tried, and told, once more
