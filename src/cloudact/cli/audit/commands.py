"""`cloudact audit`: what was done, by whom, and whether anybody has touched the record of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from cloudact.cli import render
from cloudact.cli.audit.checkpoint import read_checkpoint, write_checkpoint
from cloudact.cli.context import JsonOption, target
from cloudact.tenancy.actor import PLATFORM
from cloudact.tenancy.audit.event import Action, ResourceType, Status
from cloudact.tenancy.audit.logs import MAX_PAGE
from cloudact.tenancy.audit.verification import ChainStatus
from cloudact.tenancy.sync import counted

app = typer.Typer(no_args_is_help=True, help="The audit trail: list it, verify that nobody has changed it.")

BROKEN = 1
_STYLES = {Status.FAILURE: "yellow", Status.DENIED: "red"}
_TIME = "2026-01-31, 2026-01-31T09:30:00, or with an offset such as Z; UTC without one"
_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]


@app.command("list")
def list_logs(  # noqa: PLR0913 - one option for each filter
    organization: Annotated[
        str, typer.Argument(metavar="ORG_SLUG", help="Whose log; `system` is the platform's.")
    ] = PLATFORM,
    *,
    action: Annotated[Action | None, typer.Option(help="Only this action.", case_sensitive=False)] = None,
    resource_type: Annotated[
        ResourceType | None, typer.Option(help="Only objects of this kind.", case_sensitive=False)
    ] = None,
    status: Annotated[Status | None, typer.Option(help="Only what ended so.", case_sensitive=False)] = None,
    resource_id: Annotated[str | None, typer.Option(metavar="ID", help="Only this object.")] = None,
    api_key_id: Annotated[
        str | None, typer.Option("--key-id", metavar="ID", help="Only what was done with this key.")
    ] = None,
    user_id: Annotated[str | None, typer.Option("--user", metavar="NAME", help="Only what this user did.")] = None,
    since: Annotated[
        datetime | None, typer.Option(formats=_FORMATS, metavar="TIME", help=f"Only from this time on: {_TIME}.")
    ] = None,
    until: Annotated[datetime | None, typer.Option(formats=_FORMATS, metavar="TIME", help="Only before it.")] = None,
    limit: Annotated[int, typer.Option(metavar="ROWS", min=1, max=MAX_PAGE, help="At most so many rows.")] = 50,
    cursor: Annotated[str | None, typer.Option(metavar="CURSOR", help="Where the page before ended.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List what was done, the latest first.

    Example: cloudact audit list acme_corp --status DENIED --since 2026-01-31
    """
    query = {
        "action": action,
        "resource_type": resource_type,
        "status": status,
        "resource_id": resource_id,
        "api_key_id": api_key_id,
        "user_id": user_id,
        "since": since,
        "until": until,
        "limit": limit,
        "cursor": cursor,
    }
    with target("list", as_json=as_json) as where:
        answer = where.audit.list(organization, query)
    render.print_json(answer) if as_json else _listed(answer)


@app.command()
def verify(
    organization: Annotated[
        str | None, typer.Argument(metavar="ORG_SLUG", help="Whose chain; `system` is the platform's. All, without it.")
    ] = None,
    *,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Compare with what the chains were when this file was written, and write it anew when they are "
            "intact. Keep it away from the warehouse.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Read the whole trail and tell the first place where it is not as it was written; exit with 1 if there is one.

    Example: cloudact audit verify --checkpoint /var/lib/auditor/cloudact.json
    """
    with target("verify", as_json=as_json) as where:
        before = read_checkpoint(checkpoint) if checkpoint else {}
        # Without another chain's entry, an organization that is gone is no breach of the one that was asked for.
        asked = before if organization is None else {name: before[name] for name in {organization} & before.keys()}
        answer = where.audit.verify(organization, asked)
        intact = answer["status"] == ChainStatus.INTACT
        if checkpoint and intact:
            write_checkpoint(checkpoint, before, answer["checkpoint"])
    render.print_json(answer) if as_json else _verified(answer, checkpoint)
    if not intact:
        raise typer.Exit(BROKEN)


def _listed(answer: render.Answer) -> None:
    """A row takes some lines: an id or a path alone is half as wide as a terminal."""
    console = render.answer_console()
    console.print(f"{answer['organization']}: {counted(len(answer['logs']), 'row')}, times in UTC", style="dim")
    for item in answer["logs"]:
        number = "-" if item["sequence"] is None else f"#{item['sequence']}"
        when = datetime.fromisoformat(item["created_at"]).astimezone(UTC)
        line = Text(f"{number:<5} {when:%Y-%m-%d %H:%M:%S}  ").append(item["status"], _STYLES.get(item["status"], ""))
        render.say(console, "", line.append(f"  {render.visible(item['user_id'] or '')}"))
        done = f"{item['action']} {item['resource_type']} {item['resource_id'] or ''}".rstrip()
        with_key = f"with key {item['api_key_id']}" if item["api_key_id"] else ""
        for more in filter(None, (done, with_key, item["error_message"])):
            render.say(console, "      ", render.visible(more), style="" if more is done else "dim")
    if answer["next_cursor"]:
        console.print(f"More with --cursor {answer['next_cursor']}", style="dim")


def _verified(answer: render.Answer, checkpoint: Path | None) -> None:
    console = render.answer_console()
    for chain in answer["chains"]:
        if chain["status"] == ChainStatus.BROKEN:
            place = f"{chain['organization']}: broken at {chain['broken_at']}, {chain['breach']}"
            row = f" (row {chain['audit_id']})" if chain["audit_id"] else ""
            render.say(console, "", f"{place}{row}: {chain['message']}", style="red")
    render.say(console, "", answer["message"])
    if checkpoint:
        intact = answer["status"] == ChainStatus.INTACT
        render.say(console, "", f"{checkpoint}: {'written' if intact else 'not written'}.", style="dim")
