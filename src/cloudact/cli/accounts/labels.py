"""`cloudact org labels`."""

from __future__ import annotations

from typing import Annotated

import typer

from cloudact.cli import render
from cloudact.cli.assignments import assignments
from cloudact.cli.context import JsonOption, target
from cloudact.cli.errors import reported
from cloudact.cli.org import SlugArgument
from cloudact.cli.render import Answer
from cloudact.errors import InvalidRequest

LabelsArgument = Annotated[list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Labels to set.")]
RemoveOption = Annotated[
    list[str] | None, typer.Option("--remove", metavar="KEY", help="A label to take away. May be repeated.")
]


def labels(
    slug: SlugArgument, changes: LabelsArgument = None, *, remove: RemoveOption = None, as_json: JsonOption = False
) -> None:
    """Show an organization's labels, by which waves of a fleet sync can go; with arguments change them.

    Labels that are not named stay as they are, and to take away one that is not there changes nothing.

    Example: cloudact org labels acme_corp tier=pilot region=emea --remove beta
    """
    with reported(as_json=as_json):
        new, gone = assignments(changes or [], "label", "KEY=VALUE"), set(remove or [])
        if both := sorted(gone & new.keys()):
            raise InvalidRequest(f"label {both[0]} is set and taken away", hint="Ask for one of the two.")
    with target(f"labels of {slug}", as_json=as_json) as where:
        changed = {**new, **dict.fromkeys(gone)}
        answer = where.accounts.change_labels(slug, changed) if changed else where.accounts.labels(slug)
    render.print_json(answer) if as_json else _labels(answer)


def _labels(answer: Answer) -> None:
    console = render.answer_console()
    render.say(console, "", f"org_slug: {answer['org_slug']}")
    for key, value in answer["labels"].items():
        render.say(console, "", f"{key}={value}")
    if not answer["labels"]:
        render.say(console, "", "no labels")
