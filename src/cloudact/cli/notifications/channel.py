"""`cloudact channel`: where messages of an organization may go; nothing is sent."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cloudact.cli import render
from cloudact.cli.context import JsonOption, target
from cloudact.cli.org import SlugArgument
from cloudact.cli.secrets.secret_file import json_object, read_secret
from cloudact.errors import InvalidRequest
from cloudact.tenancy.notifications.channel import ChannelType, WebhookMethod

app = typer.Typer(no_args_is_help=True, help="Notification channels: put, list, show, deactivate. Nothing is sent.")

ChannelArgument = Annotated[str, typer.Argument(metavar="CHANNEL_ID", help="As `cloudact channel list` shows it.")]


@app.command()
def put(  # noqa: PLR0913 - one option for each field
    slug: SlugArgument,
    *,
    channel_type: Annotated[
        ChannelType, typer.Option("--type", case_sensitive=False, help="A channel keeps its type.")
    ],
    name: Annotated[str, typer.Option("--name", help="What people choose it by.")],
    channel_id: Annotated[
        str | None, typer.Option("--id", metavar="CHANNEL_ID", help="Replace this one; without it, another is made.")
    ] = None,
    is_default: Annotated[
        bool, typer.Option("--default", help="Preselected among those of its type, in the place of the one so far.")
    ] = False,
    to: Annotated[list[str] | None, typer.Option(metavar="ADDRESS", help="EMAIL; may be repeated.")] = None,
    cc: Annotated[list[str] | None, typer.Option(metavar="ADDRESS", help="EMAIL; may be repeated.")] = None,
    subject_prefix: Annotated[str | None, typer.Option(help="EMAIL: put before each subject.")] = None,
    url_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="SLACK, WEBHOOK: where the URL is; - reads standard input.")
    ] = None,
    slack_channel: Annotated[str | None, typer.Option(help="SLACK: for people to see, such as #finops.")] = None,
    mention: Annotated[
        list[str] | None, typer.Option(metavar="MEMBER", help="SLACK: id of a member; may be repeated.")
    ] = None,
    mention_channel: Annotated[
        bool, typer.Option("--mention-channel", help="SLACK: critical alerts mention everyone.")
    ] = False,
    headers_file: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="WEBHOOK: where headers are, as a JSON object; - reads standard input."),
    ] = None,
    method: Annotated[
        WebhookMethod | None, typer.Option(case_sensitive=False, help="WEBHOOK: POST without it.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Store a channel, its URL and headers sealed. Nothing is sent to it.

    URL and headers are read from files or from standard input, because arguments are seen by every user of the machine.
    With --id everything of a channel is replaced: what is left out is emptied, but for the URL and headers, which stay
    as they are. A headers file with {} removes the headers.

    Example: cloudact channel put acme_corp --type SLACK --name "FinOps on call" --url-file slack.url
    """
    fields = {
        "channel_type": channel_type,
        "name": name,
        "is_default": is_default,
        "email_recipients": to or [],
        "email_cc_recipients": cc or [],
        "email_subject_prefix": subject_prefix,
        "slack_channel": slack_channel,
        "slack_mention_users": mention or [],
        "slack_mention_channel": mention_channel,
        "webhook_method": method,
    }
    with target(f"store a channel of {slug}", as_json=as_json) as where:
        fields.update(_secrets(channel_type, url_file, headers_file))
        if channel_id is None:
            answer = where.channels.create(slug, fields)
        else:
            answer = where.channels.replace(slug, channel_id, fields)
    render.print_json(answer) if as_json else _print([answer])


@app.command("list")
def list_channels(
    slug: SlugArgument,
    *,
    channel_type: Annotated[
        ChannelType | None, typer.Option("--type", case_sensitive=False, help="Only this type.")
    ] = None,
    inactive: Annotated[bool, typer.Option("--inactive", help="Also those that were deactivated.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 100,
    offset: Annotated[int, typer.Option(min=0)] = 0,
    as_json: JsonOption = False,
) -> None:
    """List an organization's channels, masked, the oldest first.

    Example: cloudact channel list acme_corp --type SLACK
    """
    query = {"channel_type": channel_type, "include_inactive": inactive, "limit": limit, "offset": offset}
    with target("list", as_json=as_json) as where:
        answer = where.channels.list(slug, query)
    if as_json:
        render.print_json(answer)
        return
    _print(answer["channels"])
    render.answer_console().print(f"{len(answer['channels'])} of {answer['total']} channels", style="dim")


@app.command()
def show(slug: SlugArgument, channel_id: ChannelArgument, *, as_json: JsonOption = False) -> None:
    """Show one channel, masked.

    Example: cloudact channel show acme_corp 5f0c3c1e-6a54-4f0e-9d43-2f6f3a9f0a11
    """
    with target("show a channel", as_json=as_json) as where:
        answer = where.channels.show(slug, channel_id)
    render.print_json(answer) if as_json else _print([answer])


@app.command()
def deactivate(slug: SlugArgument, channel_id: ChannelArgument, *, as_json: JsonOption = False) -> None:
    """Take a channel out of use for good; its row is kept, sealed.

    Example: cloudact channel deactivate acme_corp 5f0c3c1e-6a54-4f0e-9d43-2f6f3a9f0a11
    """
    with target(f"deactivate a channel of {slug}", as_json=as_json) as where:
        answer = where.channels.deactivate(slug, channel_id)
    render.print_json(answer) if as_json else _print([answer])


def _secrets(channel_type: ChannelType, url_file: str | None, headers_file: str | None) -> dict[str, Any]:
    """Return what files hold; a type without a URL is told so by the name of another one's field."""
    if url_file == headers_file == "-":
        raise InvalidRequest("--url-file and --headers-file cannot both read standard input")
    found: dict[str, Any] = {}
    if url_file is not None:
        found["slack_webhook_url" if channel_type is ChannelType.SLACK else "webhook_url"] = read_secret(url_file)
    if headers_file is not None:
        found["webhook_headers"] = _headers(read_secret(headers_file))
    return found


def _headers(text: str) -> dict[str, str]:
    example = """{"Authorization": "Bearer ..."}"""
    headers = json_object(text, "--headers-file", example)
    if not all(isinstance(value, str) for value in headers.values()):
        raise InvalidRequest("--headers-file has a value that is not text", hint=f"Write it as '{example}'.")
    return headers


def _print(channels: list[render.Answer]) -> None:
    """Each channel has lines of its own, so that its id is in one piece on a narrow terminal."""
    console = render.answer_console()
    for item in channels:
        state = "ACTIVE" if item["is_active"] else "INACTIVE"
        render.headline(console, item["channel_id"], state, item["name"])
        leads_to = item["masked_url"] or ", ".join(item["email_recipients"])
        told = [item["channel_type"], "default" if item["is_default"] else "", leads_to, item["slack_channel"] or ""]
        told.append("with headers" if item["masked_headers"] else "")
        render.say(console, "  ", ", ".join(filter(None, told)), style="dim")
