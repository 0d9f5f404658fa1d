"""`cloudact sealing`: the key that secrets are sealed with."""

from __future__ import annotations

from dataclasses import asdict

import typer

from cloudact.cli import render
from cloudact.cli.context import ExitCodeOption, JsonOption, target
from cloudact.cli.errors import OUT_OF_SYNC, PARTLY_DONE, reported
from cloudact.settings import load_settings
from cloudact.wiring import create_sealing_key

app = typer.Typer(no_args_is_help=True, help="The sealing key: which are needed, a new one, everything sealed anew.")


@app.command()
def status(*, exit_code: ExitCodeOption = False, as_json: JsonOption = False) -> None:
    """Show which keys there are and how many sealed values need each, opening and changing nothing.

    Example: cloudact sealing status
    """
    with target("sealing status", as_json=as_json) as where:
        answer = where.secrets.sealing_status()
    render.print_json(answer) if as_json else _state(answer)
    if exit_code and answer["status"] != "CURRENT":
        raise typer.Exit(OUT_OF_SYNC)


@app.command()
def create(*, as_json: JsonOption = False) -> None:
    """Make the key file that CA_SEALING_KEY_URI names, unless it exists; production never does that by itself.

    Example: CA_SEALING_KEY_URI=local:////etc/cloudact/sealing.key cloudact sealing create
    """
    with reported(as_json=as_json):
        answer = asdict(create_sealing_key(load_settings()))
    render.print_json(answer) if as_json else _key(answer)


@app.command()
def rotate(*, as_json: JsonOption = False) -> None:
    """Make a new key the current one; earlier keys are kept and still open what they sealed.

    Keys in Cloud KMS or in an environment variable are rotated there, and the command says how.

    Example: cloudact sealing rotate
    """
    with target("rotate", as_json=as_json) as where:
        answer = where.secrets.sealing_rotate()
    render.print_json(answer) if as_json else _key(answer)


@app.command()
def reseal(*, as_json: JsonOption = False) -> None:
    """Seal anew, with the current key, every value that another one sealed.

    Interrupted at any time, the same command does the rest. Exits with 6 when a value does not open; it stays as it is.

    Example: cloudact sealing reseal
    """
    with target("reseal", as_json=as_json) as where:
        answer = where.secrets.sealing_reseal()
    render.print_json(answer) if as_json else _resealed(answer)
    if answer["failed"]:
        raise typer.Exit(PARTLY_DONE)


def _key(answer: render.Answer) -> None:
    console = render.answer_console()
    render.headline(console, answer["place"], answer["key_id"], answer["message"])


def _state(answer: render.Answer) -> None:
    console = render.answer_console()
    render.headline(console, answer["place"], answer["status"], answer["message"])
    keys = [
        (key["key_id"], str(key["values"]), "current" if key["current"] else "" if key["available"] else "missing")
        for key in answer["keys"]
    ]
    counts = ("values", "current", "unreadable")
    values = [
        (f"{item['table']}.{item['column']}", *(str(item[what]) for what in counts)) for item in answer["columns"]
    ]
    for titles, rows in ((("key", "values", ""), keys), (("column", *counts), values)):
        if rows:
            render.columns(console, titles, rows)


def _resealed(answer: render.Answer) -> None:
    console = render.answer_console()
    render.headline(console, "reseal", answer["status"], answer["message"])
    counts = ("resealed", "already_current", "failed")
    rows = [(f"{item['table']}.{item['column']}", *(str(item[what]) for what in counts)) for item in answer["columns"]]
    render.columns(console, ("column", "sealed anew", "current already", "failed"), rows)
    for item in answer["failures"]:
        render.say(console, "  ! ", item["message"], lead_style="red")
