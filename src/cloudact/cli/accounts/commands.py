"""`cloudact org suspend`, `reactivate`, `subscription`, `quota` and `locale`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from cloudact.cli import render
from cloudact.cli.accounts.labels import labels
from cloudact.cli.context import JsonOption, target
from cloudact.cli.org import CountryOption, LanguageOption, SlugArgument, app
from cloudact.cli.render import Answer
from cloudact.tenancy.plans import LIMITS
from cloudact.tenancy.subscriptions.locale import DECEMBER, JANUARY
from cloudact.tenancy.subscriptions.subscription import SubscriptionStatus

TrialEndOption = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="Last UTC day of the trial.")
]
EndOption = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="Last UTC day of the subscription.")
]
__all__ = ["app"]
UNLIMITED = "unlimited"
_COUNTED = {
    "daily": "pipeline runs today (UTC)",
    "monthly": "pipeline runs this month",
    "concurrent": "pipeline runs under way",
    "providers": "providers",
    "seats": "seats",
}


@app.command()
def subscription(
    slug: SlugArgument,
    *,
    plan: Annotated[str | None, typer.Option("--plan", help="Another plan of plans.yml.")] = None,
    status: Annotated[SubscriptionStatus | None, typer.Option(help="Another status.")] = None,
    trial_end: TrialEndOption = None,
    end: EndOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show an organization's subscription; with options change it, and leave what they do not name as it is.

    Example: cloudact org subscription acme_corp --plan SCALE
    """
    given = {
        "plan_name": plan,
        "status": status.value if status else None,
        "trial_end_date": trial_end.date().isoformat() if trial_end else None,
        "subscription_end_date": end.date().isoformat() if end else None,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    with target(f"subscription of {slug}", as_json=as_json) as where:
        answer = where.accounts.subscription(slug)
        if changes:
            before = {name: answer[name] for name in given}
            answer = where.accounts.change_subscription(slug, {**before, **changes})
    render.print_json(answer) if as_json else _subscription(answer)


@app.command()
def quota(slug: SlugArgument, *, as_json: JsonOption = False) -> None:
    """Show what an organization has used of its plan.

    Example: cloudact org quota acme_corp
    """
    with target(f"quota of {slug}", as_json=as_json) as where:
        answer = where.accounts.quota(slug)
    render.print_json(answer) if as_json else _quota(answer)


@app.command()
def suspend(slug: SlugArgument, *, as_json: JsonOption = False) -> None:
    """Refuse an organization's keys and start none of its pipelines; its data is kept.

    Example: cloudact org suspend acme_corp
    """
    with target(f"suspend {slug}", as_json=as_json) as where:
        answer = where.accounts.suspend(slug)
    render.print_json(answer) if as_json else _lifecycle(answer)


@app.command()
def reactivate(slug: SlugArgument, *, as_json: JsonOption = False) -> None:
    """End the suspension of an organization.

    Example: cloudact org reactivate acme_corp
    """
    with target(f"reactivate {slug}", as_json=as_json) as where:
        answer = where.accounts.reactivate(slug)
    render.print_json(answer) if as_json else _lifecycle(answer)


@app.command()
def locale(
    slug: SlugArgument,
    *,
    currency: Annotated[str | None, typer.Option("--currency", help="ISO 4217 code.")] = None,
    timezone: Annotated[str | None, typer.Option("--timezone", help="IANA name.")] = None,
    language: LanguageOption = None,
    country: CountryOption = None,
    fiscal_year: Annotated[
        int | None, typer.Option("--fiscal-year-start", min=JANUARY, max=DECEMBER, help="Its first month, 1 to 12.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show an organization's currency, time zone, language, country and fiscal year; with options change them.

    Example: cloudact org locale acme_corp --currency EUR --timezone Europe/Berlin
    """
    given = {
        "default_currency": currency,
        "default_timezone": timezone,
        "default_language": language,
        "default_country": country,
        "fiscal_year_start_month": fiscal_year,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    with target(f"locale of {slug}", as_json=as_json) as where:
        answer = where.accounts.locale(slug)
        if changes:
            before = {name: answer[name] for name in given}
            answer = where.accounts.change_locale(slug, {**before, **changes})
    render.print_json(answer) if as_json else _locale(answer)


app.command()(labels)


def _subscription(answer: Answer) -> None:
    console = render.answer_console()
    render.headline(console, answer["org_slug"], answer["status"], f"Plan {answer['plan_name']} {answer['message']}.")
    limits = ", ".join(f"{name} {_number(answer['limits'][name])}" for name in LIMITS)
    render.say(console, "", limits, style="dim")


def _quota(answer: Answer) -> None:
    rows = []
    for name, label in _COUNTED.items():
        used = answer[name]
        number = "not counted" if used["used"] is None else str(used["used"])
        rows.append((label, number, _number(used["limit"]), (used["starts_again_at"] or "")[:16].replace("T", " ")))
    render.columns(render.answer_console(), ("what is counted", "used", "limit", "starts again at (UTC)"), rows)


def _lifecycle(answer: Answer) -> None:
    console = render.answer_console()
    render.headline(console, answer["org_slug"], answer["organization_status"], answer["message"])


def _locale(answer: Answer) -> None:
    console = render.answer_console()
    for name, value in answer.items():
        render.say(console, "", f"{name}: {'not set' if value is None else value}")


def _number(limit: int | None) -> str:
    return UNLIMITED if limit is None else str(limit)
