"""A file of onboarding requests, one JSON object on a line, checked as a whole before any of it is done."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields

from cloudact.errors import InvalidRequest, Problem
from cloudact.tenancy.checks import OnboardingRequest, field_checks
from cloudact.tenancy.plans import SubscriptionPlan
from cloudact.tenancy.store import LABELS

REQUIRED = ("org_slug", "company_name", "admin_email")
# What changes an organization that exists is asked for by itself, where its answer is read.
_NOT_FOR_MANY = ("regenerate_api_key_if_exists", "adopt_existing_dataset", "given")
# A file that is of another kind altogether has a problem on each of its lines.
_SHOWN = 100
FIELDS = tuple(item.name for item in fields(OnboardingRequest) if item.name not in _NOT_FOR_MANY)


@dataclass(frozen=True, slots=True)
class Line:
    """One request and the line it is on, counted from 1."""

    number: int
    request: OnboardingRequest


def parse(lines: Iterable[str], plans: Mapping[str, SubscriptionPlan]) -> list[Line]:
    """Return the requests, empty lines left out; raises InvalidRequest that names every problem by its line."""
    problems: list[Problem] = []
    found: list[Line] = []
    seen: dict[str, int] = {}
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        request = _request(text, f"line {number}", problems)
        if request is None:
            continue
        problems += _unmet(request, number, seen, plans)
        found.append(Line(number, request))
    if problems:
        head = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}; nobody was onboarded"
        more = [f"  and {len(problems) - _SHOWN} more; --json names all"] if len(problems) > _SHOWN else []
        text = "\n".join([head, *(f"  {problem}" for problem in problems[:_SHOWN]), *more])
        raise InvalidRequest(text, problems=problems, hint="Mend the lines that are named, then run it again.")
    return found


def _request(text: str, where: str, problems: list[Problem]) -> OnboardingRequest | None:
    try:
        raw = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        problems.append(Problem(where, "", f"is not JSON: {error}", "write one JSON object on each line"))
        return None
    if not isinstance(raw, dict):
        problems.append(Problem(where, "", "is not a JSON object", f"write {{...}} with {', '.join(FIELDS)}"))
        return None
    before = len(problems)
    for name in sorted(raw.keys() - set(FIELDS)):
        fix = "onboard it by itself" if name in _NOT_FOR_MANY else f"fields are {', '.join(FIELDS)}"
        # Half of a surrogate pair can be escaped in JSON, and cannot be printed.
        shown = name.encode(errors="backslashreplace").decode()
        problems.append(Problem(where, shown, "is not known here", fix))
    problems += [Problem(where, name, "is missing", "add it") for name in REQUIRED if raw.get(name) is None]
    given = {name: value for name, value in raw.items() if name in FIELDS and value is not None}
    for name, value in given.items():
        if name == LABELS:
            problems += _label_problems(value, where)
        elif not isinstance(value, str):
            problems.append(Problem(where, name, "is not a text", "write it in double quotes"))
    return OnboardingRequest(**given, given=frozenset(given)) if len(problems) == before else None


def _label_problems(labels: object, where: str) -> list[Problem]:
    """What a text can be is checked with the rest of the request."""
    if not isinstance(labels, dict):
        return [Problem(where, LABELS, "is not a JSON object", 'write {"key": "value"}')]
    wrong = [key for key, value in labels.items() if not isinstance(value, str)]
    return [Problem(where, LABELS, f"the value of {key!r} is not a text", "write it in double quotes") for key in wrong]


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return an object's fields; JSON may say one twice, and then nobody knows which is meant."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a field is there twice")
    return found


def _unmet(
    request: OnboardingRequest, number: int, seen: dict[str, int], plans: Mapping[str, SubscriptionPlan]
) -> Iterator[Problem]:
    where = f"line {number}"
    for check in field_checks(request, plans):
        if not check.passed:
            yield Problem(where, check.name, check.message, "")
    first = seen.setdefault(request.org_slug, number)
    if first != number:
        yield Problem(where, "org_slug", f"{request.org_slug!r} is on line {first} already", "leave one of them")
