"""What an onboarding request must satisfy, each as a named check: dry run reports them, onboarding insists on them."""

from __future__ import annotations

import unicodedata
import zoneinfo
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

import pycountry
from email_validator import EmailNotValidError, validate_email

from cloudact.errors import InvalidRequest, Problem
from cloudact.tenancy.labels.rules import label_problems
from cloudact.tenancy.names import slug_problem
from cloudact.tenancy.plans import SubscriptionPlan

MAX_COMPANY_NAME = 255


@dataclass(frozen=True, slots=True)
class OnboardingRequest:
    """What is asked for; `given` names the optional fields that the caller wrote, as opposed to defaults."""

    org_slug: str
    company_name: str
    admin_email: str
    subscription_plan: str = "STARTER"
    default_currency: str = "USD"
    default_timezone: str = "UTC"
    default_country: str | None = None
    default_language: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    regenerate_api_key_if_exists: bool = False
    adopt_existing_dataset: bool = False
    given: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: its name, whether it holds, and what was found."""

    name: str
    passed: bool
    message: str


def field_checks(request: OnboardingRequest, plans: Mapping[str, SubscriptionPlan]) -> list[Check]:
    """Return a check for each field of the request, in the order of the fields."""
    rules: list[tuple[str, str | None, Callable[[str], str]]] = [
        ("org_slug", request.org_slug, slug_problem),
        ("company_name", request.company_name, lambda text: label_problem(text, MAX_COMPANY_NAME)),
        ("admin_email", request.admin_email, email_problem),
        ("subscription_plan", request.subscription_plan, lambda text: _plan_problem(text, plans)),
    ]
    given = [_check(name, value, rule) for name, value, rule in rules if value is not None]
    return given + locale_checks({name: getattr(request, name) for name in _LOCALE}) + label_checks(request.labels)


def locale_checks(values: Mapping[str, str | None]) -> list[Check]:
    """Return a check for each of these defaults of an organization that has a value."""
    return [_check(name, value, _LOCALE[name]) for name, value in values.items() if value is not None]


def label_checks(labels: Mapping[str, str]) -> list[Check]:
    """Return a check for each thing that is wrong with labels, or one that holds where there are any."""
    if problems := list(label_problems(labels)):
        return [failed("labels", problem) for problem in problems]
    shown = ", ".join(f"{key}={value}" for key, value in labels.items())
    return [Check("labels", passed=True, message=f"{shown} is valid")] if labels else []


def require(checks: list[Check]) -> None:
    """Raise InvalidRequest naming every check that failed."""
    unmet = [check for check in checks if not check.passed]
    if unmet:
        problems = [Problem("request", check.name, check.message, "") for check in unmet]
        raise InvalidRequest("; ".join(f"{check.name}: {check.message}" for check in unmet), problems=problems)


def failed(name: str, message: str) -> Check:
    """Return a check that does not hold, with words that need not repeat what was looked at."""
    return Check(name, passed=False, message=message)


def _check(name: str, value: str, rule: Callable[[str], str]) -> Check:
    problem = rule(value)
    return Check(name, not problem, f"{value!r} {problem}" if problem else f"{value} is valid")


def label_problem(text: str, most: int) -> str:
    """Return why a text cannot be shown as the name of something, or nothing."""
    if not text.strip():
        return "is empty"
    if len(text) > most:
        return f"has {len(text)} characters; at most {most} are allowed"
    if any(unicodedata.category(character) == "Cc" for character in text):
        return "has control characters"
    if any(0xD800 <= ord(character) <= 0xDFFF for character in text):
        return "has half of a surrogate pair, which is no character"
    return ""


def email_problem(text: str) -> str:
    """Return why a text is no e-mail address, or nothing."""
    try:
        validate_email(text, check_deliverability=False)
    except EmailNotValidError as error:
        return f"is not an e-mail address: {error}"
    return ""


def _plan_problem(text: str, plans: Mapping[str, SubscriptionPlan]) -> str:
    return "" if text in plans else f"is not a plan; plans are {', '.join(plans)}"


def _currency_problem(text: str) -> str:
    return "" if text in _currencies() else "is not an ISO 4217 currency code, such as USD, EUR or JPY"


def _timezone_problem(text: str) -> str:
    return "" if text in _timezones() else "is not an IANA time zone, such as UTC, Europe/Berlin or America/New_York"


def _country_problem(text: str) -> str:
    known = len(text) == 2 and pycountry.countries.get(alpha_2=text) is not None and text.isupper()
    return "" if known else "is not an ISO 3166 country code, such as US, DE or JP"


def _language_problem(text: str) -> str:
    language, _, region = text.partition("-")
    known = len(language) == 2 and language.islower() and pycountry.languages.get(alpha_2=language) is not None
    placed = "-" not in text or not _country_problem(region)
    return "" if known and placed else "is not a BCP 47 language tag, such as en, en-US or ja"


_LOCALE: Mapping[str, Callable[[str], str]] = {
    "default_currency": _currency_problem,
    "default_timezone": _timezone_problem,
    "default_country": _country_problem,
    "default_language": _language_problem,
}


@cache
def _currencies() -> frozenset[str]:
    return frozenset(currency.alpha_3 for currency in pycountry.currencies)


@cache
def _timezones() -> frozenset[str]:
    return frozenset(_named_zones())


def _named_zones() -> Iterator[str]:
    """The zone database also lists files that are not zones of any place."""
    yield from zoneinfo.available_timezones() - {"localtime", "Factory"}
