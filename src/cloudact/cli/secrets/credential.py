"""`cloudact credential`: credentials of an organization's integrations."""

from __future__ import annotations

from typing import Annotated

import typer

from cloudact.cli import render
from cloudact.cli.context import JsonOption, target
from cloudact.cli.org import SlugArgument
from cloudact.cli.secrets.secret_file import json_object, read_secret

app = typer.Typer(no_args_is_help=True, help="Credentials of integrations: store, list, validate, deactivate.")

ProviderArgument = Annotated[str, typer.Argument(metavar="PROVIDER", help="The provider's code, such as openai.")]
NameOption = Annotated[str, typer.Option("--name", help="Which of several credentials of the provider.")]
UNNAMED = "default"


@app.command()
def put(
    slug: SlugArgument,
    provider: ProviderArgument,
    *,
    credential_type: Annotated[
        str,
        typer.Option("--type", help="API_KEY, ACCESS_KEY, SERVICE_ACCOUNT, IAM_ROLE, CLIENT_SECRET or OAUTH_TOKEN."),
    ],
    secret_file: Annotated[
        str, typer.Option("--secret-file", metavar="FILE", help="Where the secret is; - reads standard input.")
    ],
    name: NameOption = UNNAMED,
    metadata: Annotated[
        str, typer.Option("--metadata", metavar="JSON", help="A JSON object of facts that are no secret.")
    ] = "{}",
    as_json: JsonOption = False,
) -> None:
    """Seal a secret and store it in the place of the active one of this name.

    The secret is read from a file or from standard input, because arguments are seen by every user of the machine. One
    line break at its end is left out.

    Example: cloudact credential put acme_corp openai --type API_KEY --secret-file openai.key
    """
    with target("credential put", as_json=as_json) as where:
        facts = json_object(metadata, "--metadata", '{"project": "production"}')
        fields = {"credential_type": credential_type, "secret": read_secret(secret_file), "metadata": facts}
        answer = where.secrets.credential_put(slug, provider, name, fields)
    render.print_json(answer) if as_json else _print([answer["credential"]])


@app.command("list")
def list_credentials(
    slug: SlugArgument,
    *,
    provider: Annotated[str | None, typer.Option("--provider", help="Only this provider's.")] = None,
    inactive: Annotated[bool, typer.Option("--inactive", help="Also those that were replaced or deactivated.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List an organization's credentials, masked.

    Example: cloudact credential list acme_corp
    """
    with target("credential list", as_json=as_json) as where:
        answer = where.secrets.credential_list(slug, {"provider": provider, "include_inactive": inactive})
    render.print_json(answer) if as_json else _print(answer["credentials"])


@app.command()
def validate(
    slug: SlugArgument, provider: ProviderArgument, *, name: NameOption = UNNAMED, as_json: JsonOption = False
) -> None:
    """Have the provider's validator check a credential; without an installed one its status stays as it is.

    Example: cloudact credential validate acme_corp openai
    """
    with target("credential validate", as_json=as_json) as where:
        answer = where.secrets.credential_validate(slug, provider, name)
    if as_json:
        render.print_json(answer)
        return
    _print([answer["credential"]])
    render.say(render.answer_console(), "", answer["message"])


@app.command()
def deactivate(
    slug: SlugArgument, provider: ProviderArgument, *, name: NameOption = UNNAMED, as_json: JsonOption = False
) -> None:
    """Take a credential out of use; its row is kept, sealed.

    Example: cloudact credential deactivate acme_corp openai
    """
    with target("credential deactivate", as_json=as_json) as where:
        answer = where.secrets.credential_deactivate(slug, provider, name)
    render.print_json(answer) if as_json else _print([answer])


def _print(credentials: list[render.Answer]) -> None:
    named = ("provider", "credential_name", "credential_type", "masked", "validation_status")
    rows = [
        (*(item[key] for key in named), "yes" if item["is_active"] else "no", item["credential_id"])
        for item in credentials
    ]
    titles = ("provider", "name", "type", "secret", "status", "active", "id")
    render.columns(render.answer_console(), titles, rows)
