"""The `cloudact` command: what there is by name, and its process.

The module of a command is imported when the command is asked for: to import all of them takes as long as most take.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, MutableMapping
from importlib import import_module
from types import MappingProxyType
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from cloudact import __version__
from cloudact.cli.targets.process import run_and_exit

# Where each is: a module of this package and its group, or the function that is the command.
COMMANDS = MappingProxyType(
    {
        "init": "init:init",
        "serve": "serve:serve",
        "doctor": "doctor:doctor",
        "recreate": "recreation.recreate:recreate",
        "bootstrap": "bootstrap:app",
        "org": "accounts.commands:app",  # which adds its commands to those of `org`
        "fleet": "fleet.commands:app",
        "hierarchy": "hierarchy.commands:app",
        "pipeline": "pipeline:app",
        "backup": "recreation.backup:app",
        "catalog": "catalog.commands:app",
        "key": "access.key:app",
        "audit": "audit.commands:app",
        "sealing": "secrets.sealing:app",
        "credential": "secrets.credential:app",
        "channel": "notifications.channel:app",
    }
)


class _Commands(MutableMapping[str, Any]):
    """The commands, each made when it is asked for."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = _make(name, COMMANDS[name])
        return self._made[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._made[name] = command

    def __delitem__(self, name: str) -> None:
        raise TypeError(f"{name} is a command, and stays one")

    def __contains__(self, name: object) -> bool:
        return name in COMMANDS

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class _Group(TyperGroup):
    """The group of all commands."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = _Commands()


def _make(name: str, place: str) -> Any:
    module, _, attribute = place.partition(":")
    found = getattr(import_module(f"cloudact.cli.{module}"), attribute)
    alone = typer.Typer(add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False)
    # With it, typer makes a group even of one command.
    alone.callback()(lambda: None)
    if isinstance(found, typer.Typer):
        alone.add_typer(found, name=name)
    else:
        alone.command(name)(found)
    group = get_command(alone)
    if not isinstance(group, TyperGroup):
        raise TypeError("typer makes a group of what has a callback")
    return group.commands[name]


app = typer.Typer(
    name="cloudact",
    cls=_Group,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Keep thousands of tenants' warehouse datasets in step with declared schemas, without losing a row.",
    epilog="Exit codes: 0 done, 1 unforeseen or unhealthy, 2 usage or (with --exit-code) out of sync, 3 invalid input "
    "or settings, 4 not allowed, 5 wrong state, 6 warehouse or service, 7 pipeline failed, 130 interrupted.",
)


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
