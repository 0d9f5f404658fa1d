"""`cloudact org`: organizations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Protocol

import typer

from cloudact.cli import render
from cloudact.cli.assignments import assignments
from cloudact.cli.bootstrap import ColumnsOption, TablesOption, ViewsOption, sync_flags
from cloudact.cli.context import ExitCodeOption, JsonOption, target
from cloudact.cli.errors import OUT_OF_SYNC, reported

app = typer.Typer(no_args_is_help=True, help="Organizations: onboard, compare, sync, list, subscribe, suspend.")

SlugArgument = Annotated[str, typer.Argument(metavar="ORG_SLUG", help="3 to 50 characters of a-z, 0-9 and underscore.")]
CompanyOption = Annotated[str, typer.Option("--company-name", help="In any script; stored as given.")]
EmailOption = Annotated[str, typer.Option("--admin-email", help="The administrator's e-mail address.")]
PlanOption = Annotated[str | None, typer.Option("--plan", help="A plan of plans.yml; STARTER when left out.")]
CurrencyOption = Annotated[str | None, typer.Option("--currency", help="ISO 4217 code; USD when left out.")]
TimezoneOption = Annotated[str | None, typer.Option("--timezone", help="IANA name; UTC when left out.")]
CountryOption = Annotated[str | None, typer.Option("--country", help="ISO 3166 two-letter code.")]
LanguageOption = Annotated[str | None, typer.Option("--language", help="BCP 47 tag, such as en or en-US.")]
LabelOption = Annotated[
    list[str] | None,
    typer.Option("--label", metavar="KEY=VALUE", help="A label, by which waves can go. May be repeated."),
]
PlanFilter = Annotated[str | None, typer.Option("--plan", help="Only this plan.")]
RegenerateOption = Annotated[
    bool, typer.Option("--regenerate-api-key-if-exists", help="Resync an existing organization and give it a new key.")
]
AdoptOption = Annotated[
    bool, typer.Option("--adopt-existing-dataset", help="Take over a dataset that exists, with every row in it.")
]


class _Act(Protocol):
    def __call__(self, fields: dict[str, Any], *, as_json: bool) -> None: ...


def _onboarding(act: _Act) -> Callable[..., None]:
    """Return a command that takes what onboarding takes: dry run and onboarding must not drift apart."""

    def command(  # noqa: PLR0913 - each is an option of the command line
        slug: SlugArgument,
        *,
        company: CompanyOption,
        email: EmailOption,
        plan: PlanOption = None,
        currency: CurrencyOption = None,
        timezone: TimezoneOption = None,
        country: CountryOption = None,
        language: LanguageOption = None,
        label: LabelOption = None,
        regenerate: RegenerateOption = False,
        adopt: AdoptOption = False,
        as_json: JsonOption = False,
    ) -> None:
        with reported(as_json=as_json):
            labels = assignments(label or [], "--label", "--label KEY=VALUE")
        fields = {
            "org_slug": slug,
            "company_name": company,
            "admin_email": email,
            "subscription_plan": plan,
            "default_currency": currency,
            "default_timezone": timezone,
            "default_country": country,
            "default_language": language,
            "labels": labels or None,
            "regenerate_api_key_if_exists": regenerate,
            "adopt_existing_dataset": adopt,
        }
        act({name: value for name, value in fields.items() if value is not None}, as_json=as_json)

    command.__doc__ = act.__doc__
    return command


def _dryrun(fields: dict[str, Any], *, as_json: bool) -> None:
    """Run every check that onboarding would fail on, writing nothing; exits with 2 when one fails.

    Example: cloudact org dryrun acme_corp --company-name "Acme Corporation" --admin-email admin@acme.com
    """
    with target("dry run", as_json=as_json) as where:
        answer = where.org_dryrun(fields)
    render.print_json(answer) if as_json else render.dry_run(answer)
    if answer["status"] != "READY":
        raise typer.Exit(OUT_OF_SYNC)


def _onboard(fields: dict[str, Any], *, as_json: bool) -> None:
    """Create an organization: profile, subscription, quota, API key and dataset.

    Example: cloudact org onboard acme_corp --company-name "Acme Corporation" --admin-email admin@acme.com
    """
    with target(f"onboard {fields['org_slug']}", as_json=as_json) as where:
        answer = where.org_onboard(fields)
    render.print_json(answer) if as_json else render.onboarded(answer)


app.command("dryrun")(_onboarding(_dryrun))
app.command("onboard")(_onboarding(_onboard))


@app.command()
def status(slug: SlugArgument, *, exit_code: ExitCodeOption = False, as_json: JsonOption = False) -> None:
    """Compare an organization's dataset with its declaration, changing nothing.

    Example: cloudact org status acme_corp --exit-code
    """
    with target("status", as_json=as_json) as where:
        answer = where.org_status(slug)
    render.print_json(answer) if as_json else render.dataset_status(answer)
    if exit_code and answer["status"] != "SYNCED":
        raise typer.Exit(OUT_OF_SYNC)


@app.command()
def sync(
    slug: SlugArgument,
    *,
    tables: TablesOption = True,
    columns: ColumnsOption = True,
    recreate_views: ViewsOption = False,
    exit_code: ExitCodeOption = False,
    as_json: JsonOption = False,
) -> None:
    """Add what an organization's dataset lacks; a deleted dataset is made anew, and nothing is ever dropped.

    Example: cloudact org sync acme_corp
    """
    with target(f"sync {slug}", as_json=as_json) as where:
        answer = where.org_sync(slug, sync_flags(tables=tables, columns=columns, views=recreate_views))
    render.print_json(answer) if as_json else render.sync_result(answer)
    if exit_code and answer["status"] != "SUCCESS":
        raise typer.Exit(OUT_OF_SYNC)


@app.command("list")
def list_organizations(
    *,
    status: Annotated[str | None, typer.Option(help="Only this profile status, for example ACTIVE.")] = None,
    plan: PlanFilter = None,
    search: Annotated[str | None, typer.Option(help="Text within the slug or the company name.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 50,
    offset: Annotated[int, typer.Option(min=0)] = 0,
    sync_status: Annotated[bool, typer.Option("--sync-status", help="Also tell where each dataset stands.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List organizations by slug, a page at a time.

    Example: cloudact org list --plan STARTER --limit 20 --sync-status
    """
    query = {"status": status, "subscription_plan": plan, "search": search, "limit": limit, "offset": offset}
    query["with_sync_status"] = sync_status
    with target("list", as_json=as_json) as where:
        answer = where.org_list(query)
    render.print_json(answer) if as_json else render.organization_list(answer)
