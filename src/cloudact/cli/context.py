"""What every command needs: options in common, a target, and progress on standard error while it works."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cloudact.cli.errors import reported
from cloudact.cli.targets.process import begin_work, exiting
from cloudact.cli.targets.target import Target
from cloudact.log import configure_logging
from cloudact.settings import load_settings
from cloudact.wiring import ChangeProgress, build_services

JsonOption = Annotated[bool, typer.Option("--json", help="Print the answer as JSON, exactly as the service gives it.")]
ExitCodeOption = Annotated[bool, typer.Option("--exit-code", help="Exit with 2 when not in sync.")]


@contextmanager
def target(title: str, *, as_json: bool, quiet: str = "WARNING", bar: bool = True) -> Iterator[Target]:
    """Lend the target of a command; errors are reported, and changes are shown as they are applied.

    `quiet` is the least severe log line that is written where nothing else was asked for; without `bar` the command
    shows its progress itself.
    """
    with reported(as_json=as_json):
        settings = load_settings()
        # With --json, standard error holds one object and nothing else.
        least = "ERROR" if as_json else quiet
        configure_logging(least if settings.log_level == "INFO" else settings.log_level)
        console = Console(stderr=True, emoji=False)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        hidden = as_json or not bar or not console.is_terminal
        with Progress(*columns, console=console, transient=True, disable=hidden) as shown:
            task = shown.add_task(escape(title), total=None)
            if settings.api_url:
                from cloudact.cli.targets.remote import RemoteTarget  # noqa: PLC0415 - only one of the two is needed

                with closing(RemoteTarget(settings.api_url, settings)) as remote:
                    yield remote
                return

            from cloudact.cli.targets.local import LocalTarget  # noqa: PLC0415 - only one of the two is needed

            def observe(change: ChangeProgress) -> None:
                description = escape(f"{title}: {change.change}")
                shown.update(task, description=description, completed=change.number, total=change.total)

            services = build_services(settings, observer=observe, exiting=exiting())
            begin_work()
            try:
                yield LocalTarget(services)
            finally:
                services.close()
