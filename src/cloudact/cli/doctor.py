"""`cloudact doctor`: whether everything is in place."""

from __future__ import annotations

import typer
from rich.console import Console
from rich.markup import escape

from cloudact.cli import render
from cloudact.cli.context import JsonOption, target

UNHEALTHY = 1


def doctor(*, as_json: JsonOption = False) -> None:
    """Examine whether everything is in place, changing nothing.

    Looks at the declared files, the warehouse with its credentials and limits, and the central dataset. What fails says
    how to mend it; the exit code is then 1.

    Example: cloudact doctor
    """
    with target("doctor", as_json=as_json) as where:
        answer = where.doctor()
    render.print_json(answer) if as_json else _print(answer)
    if answer["status"] != "HEALTHY":
        raise typer.Exit(UNHEALTHY)


def _print(answer: render.Answer) -> None:
    """Print each examination, and under a failed one what to do."""
    console = Console(highlight=False, soft_wrap=True, emoji=False)
    for item in answer["examinations"]:
        mark = "[green]ok  [/]" if item["passed"] else "[bold red]FAIL[/]"
        console.print(f"{mark} {escape(item['name'])}: {escape(item['message'])}")
        if item["fix"]:
            console.print(f"     {escape(item['fix'])}", style="dim")
    style = "bold green" if answer["status"] == "HEALTHY" else "bold red"
    console.print(f"[{style}]{escape(answer['status'])}[/]  {escape(answer['message'])}")
