"""`cloudact key`: keys of an organization."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

import typer
from rich.markup import escape

from cloudact.cli import render
from cloudact.cli.context import JsonOption, target
from cloudact.cli.org import SlugArgument
from cloudact.errors import InvalidRequest
from cloudact.tenancy.access.key_request import MAX_LIFE_SECONDS

app = typer.Typer(no_args_is_help=True, help="API keys of an organization: create, list, rotate, revoke.")

KeyArgument = Annotated[str, typer.Argument(metavar="KEY_ID", help="As `cloudact key list` shows it.")]
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@app.command()
def create(
    slug: SlugArgument,
    *,
    scope: Annotated[
        list[str] | None,
        typer.Option("--scope", help="org:read, org:write, hierarchy:read, ... May be repeated; see docs/security.md."),
    ] = None,
    expires_in: Annotated[
        str | None, typer.Option("--expires-in", metavar="TIME", help="Such as 12h or 90d; without it, never.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="What the key is for.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key beside those that there are. It is printed this once.

    Example: cloudact key create acme_corp --scope org:read --scope pipelines:read --expires-in 90d --name reporting
    """
    with target(f"make a key of {slug}", as_json=as_json) as where:
        lifetime = None if expires_in is None else _seconds("--expires-in", expires_in)
        answer = where.keys.create(slug, {"scopes": scope or None, "expires_in": lifetime, "name": name})
    render.print_json(answer) if as_json else _made(answer)


@app.command("list")
def list_keys(
    slug: SlugArgument,
    *,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 100,
    offset: Annotated[int, typer.Option(min=0)] = 0,
    as_json: JsonOption = False,
) -> None:
    """List keys, the oldest first: which they are and what they may be used for, never the keys themselves.

    Example: cloudact key list acme_corp
    """
    with target("list", as_json=as_json) as where:
        answer = where.keys.list(slug, {"limit": limit, "offset": offset})
    if as_json:
        render.print_json(answer)
        return
    _listed(answer["keys"])
    render.answer_console().print(f"{len(answer['keys'])} of {answer['total']} keys", style="dim")


@app.command()
def rotate(
    slug: SlugArgument,
    key_id: KeyArgument,
    *,
    grace: Annotated[
        str, typer.Option("--grace", metavar="TIME", help="How long the old key goes on working: 0s to 30d.")
    ] = "1h",
    as_json: JsonOption = False,
) -> None:
    """Make a key like this one, which works for a time of grace and then no more. The new one is printed this once.

    Example: cloudact key rotate acme_corp 5f0c3c1e-6a54-4f0e-9d43-2f6f3a9f0a11 --grace 24h
    """
    with target(f"rotate a key of {slug}", as_json=as_json) as where:
        answer = where.keys.rotate(slug, key_id, _seconds("--grace", grace))
    render.print_json(answer) if as_json else _made(answer)


@app.command()
def revoke(slug: SlugArgument, key_id: KeyArgument, *, as_json: JsonOption = False) -> None:
    """End a key for good; other processes refuse it within CA_KEY_CACHE_SECONDS.

    Example: cloudact key revoke acme_corp 5f0c3c1e-6a54-4f0e-9d43-2f6f3a9f0a11
    """
    with target(f"revoke a key of {slug}", as_json=as_json) as where:
        answer = where.keys.revoke(slug, key_id)
    render.print_json(answer) if as_json else _listed([answer])


def _seconds(option: str, text: str) -> int:
    found = re.fullmatch(r"([0-9]{1,9})([smhd])", text)
    seconds = int(found[1]) * _UNITS[found[2]] if found else MAX_LIFE_SECONDS + 1
    if seconds > MAX_LIFE_SECONDS:
        most = timedelta(seconds=MAX_LIFE_SECONDS).days
        raise InvalidRequest(
            f"{option} {text!r} is no time up to {most}d",
            hint="Write a whole number and its unit, s, m, h or d, such as 90d.",
        )
    return seconds


def _made(answer: dict[str, Any]) -> None:
    console = render.answer_console()
    console.print(f"[bold]API key:[/] {escape(answer['api_key'])}")
    _listed([answer["key"], *([answer["replaced"]] if answer["replaced"] else [])])
    render.say(console, "", answer["message"])


def _listed(keys: list[render.Answer]) -> None:
    """Each key has lines of its own, so that its id is in one piece on a narrow terminal."""
    console = render.answer_console()
    for item in keys:
        render.headline(console, item["key_id"], item["status"], item["name"] or "")
        render.say(console, "  ", ", ".join(item["scopes"]))
        told = [_time("expires", item["expires_at"]) or "does not expire", _time("last used", item["last_used_at"])]
        told.append(f"replaced by {item['replaced_by']}" if item["replaced_by"] else "")
        render.say(console, "  ", ", ".join(filter(None, told)), style="dim")


def _time(what: str, value: str | None) -> str:
    return f"{what} {value[:16].replace('T', ' ')} UTC" if value else ""
