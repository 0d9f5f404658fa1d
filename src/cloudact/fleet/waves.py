"""Which organizations come first: some by name, label or plan, or a share of them, and then the rest."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import assert_never

from cloudact.errors import InvalidRequest, Problem
from cloudact.tenancy.labels.rules import PROFILE_FIELDS

REST = "rest"
FORMS = "slug:NAME[,NAME...], label:KEY=VALUE, plan:NAME, N%, N, or rest"
LABEL_KEYS = f"{', '.join(PROFILE_FIELDS)} of the profile, and the organizations' own"
_NAMED_KEYS = 20


@dataclass(frozen=True, slots=True)
class Member:
    """What waves know of an organization; of its labels, and of what its profile says, as much as they ask for."""

    slug: str
    plan: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Named:
    """Organizations by their slugs, every one of which has to be there."""

    slugs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Labelled:
    """Organizations with this value of a label."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class OnPlan:
    """Organizations with this subscription plan."""

    name: str


@dataclass(frozen=True, slots=True)
class Share:
    """So many percent of all that are chosen, rounded up."""

    percent: float


@dataclass(frozen=True, slots=True)
class Number:
    """So many organizations."""

    count: int


@dataclass(frozen=True, slots=True)
class Rest:
    """Everybody that no earlier wave has."""


Selector = Named | Labelled | OnPlan | Share | Number | Rest


@dataclass(frozen=True, slots=True)
class Wave:
    """Organizations that are brought in step before those of the next wave; `number` counts from 1."""

    number: int
    selector: str
    slugs: tuple[str, ...]


def parse(text: str) -> Selector:
    """Return the selector that a text such as `5%` or `plan:STARTER` is; raises InvalidRequest for any other text."""
    kind, colon, value = text.strip().partition(":")
    match kind, colon:
        case ("slug", ":") if all(names := [name.strip() for name in value.split(",")]):
            return Named(tuple(dict.fromkeys(names)))
        case ("label", ":") if found := re.fullmatch(r"([^=]+)=(.*)", value):
            return Labelled(found[1].strip(), found[2].strip())
        case ("plan", ":") if value.strip():
            return OnPlan(value.strip())
        case ("rest", ""):
            return Rest()
    if found := re.fullmatch(r"(\d{1,3}(?:\.\d{1,3})?)%", kind + colon, re.ASCII):
        if 0 < float(found[1]) <= 100:
            return Share(float(found[1]))
    elif re.fullmatch(r"[1-9]\d{0,6}", kind + colon, re.ASCII):
        return Number(int(kind))
    problem = f"is no wave; a wave is {FORMS}, where N% is above 0 and at most 100"
    raise InvalidRequest(f"wave {text!r} {problem}", problems=[Problem("request", "waves", problem, "")])


def chosen(members: Iterable[Member], texts: Sequence[str]) -> frozenset[str]:
    """Return the slugs of the members that any of these selectors takes, or of all without one; raises as `divide`."""
    if not texts or REST in texts:
        return frozenset(member.slug for member in members)
    found = [wave for wave in divide(members, texts, field="only") if wave.selector != REST]
    return frozenset(slug for wave in found for slug in wave.slugs)


def divide(
    members: Iterable[Member], texts: Sequence[str], known: frozenset[str] = frozenset(), *, field: str = "waves"
) -> tuple[Wave, ...]:
    """Return the waves that these selectors make of the members; whoever none of them takes is the last wave.

    A slug may also be one of those that are `known`, who then are not in any wave. `field` is the request's that the
    selectors are of.

    A share or a number takes members in an order that is the same at every call and has nothing to do with their
    names, so that a canary is no sample of the letter a. Waves that nobody is in are left out. Raises InvalidRequest
    for a selector that is none, and for a slug that is not among the members.
    """
    selectors = [(text.strip(), parse(text)) for text in texts]
    left = {member.slug: member for member in sorted(members, key=_order)}
    total, known = len(left), known | frozenset(left)
    waves: list[Wave] = []
    for text, selector in [*selectors, (REST, Rest())]:
        if isinstance(selector, Named):
            _refuse_unknown(selector.slugs, known, field)
        chosen = _choose(selector, left, total)
        for slug in chosen:
            del left[slug]
        if chosen:
            waves.append(Wave(len(waves) + 1, text, tuple(chosen)))
    return tuple(waves)


def _order(member: Member) -> bytes:
    return hashlib.sha256(member.slug.encode()).digest()


def _choose(selector: Selector, left: Mapping[str, Member], total: int) -> list[str]:
    match selector:
        case Named(slugs=slugs):
            return [slug for slug in slugs if slug in left]
        case Labelled(key=key, value=value):
            return _meeting(left, lambda member: member.labels.get(key) == value)
        case OnPlan(name=name):
            return _meeting(left, lambda member: member.plan == name)
        case Share(percent=percent):
            return list(left)[: _rounded_up(total, percent)]
        case Number(count=count):
            return list(left)[:count]
        case Rest():
            return list(left)
        case _:
            assert_never(selector)


def _rounded_up(total: int, percent: float) -> int:
    # In thousandths of a percent, because 0.1 has no exact binary form.
    return -(-total * round(percent * 1000) // 100_000)


def _meeting(left: Mapping[str, Member], condition: Callable[[Member], bool]) -> list[str]:
    return [slug for slug, member in left.items() if condition(member)]


def refuse_unknown_keys(selectors: Iterable[Selector], in_use: Collection[str], field: str) -> None:
    """Raise InvalidRequest for a label that is no field of the profile, and that no organization carries."""
    keys = {item.key: None for item in selectors if isinstance(item, Labelled) and item.key not in PROFILE_FIELDS}
    if unknown := [key for key in keys if key not in in_use]:
        problem = f"a selector names labels that no organization carries: {', '.join(unknown)}"
        more = [f"and {len(in_use) - _NAMED_KEYS} more"] if len(in_use) > _NAMED_KEYS else []
        carried = ", ".join([*sorted(in_use)[:_NAMED_KEYS], *more])
        hint = (
            f"Carried are {carried or 'none'}; {', '.join(PROFILE_FIELDS)} are the profile's. "
            "`cloudact org labels ORG_SLUG KEY=VALUE` sets one."
        )
        raise InvalidRequest(f"{field}: {problem}", problems=[Problem("request", field, problem, "")], hint=hint)


def refuse_empty(selectors: Iterable[str], members: Collection[Member], field: str) -> None:
    """Raise InvalidRequest for a label or a plan that no organization has; a canary that is misspelled is no canary."""
    everybody = {member.slug: member for member in members}
    parsed = {text: parse(text) for text in map(str.strip, selectors)}
    by_profile = {text: found for text, found in parsed.items() if isinstance(found, Labelled | OnPlan)}
    if empty := [text for text, found in by_profile.items() if not _choose(found, everybody, len(everybody))]:
        problem = f"a selector takes nobody, whoever needs something: {', '.join(empty)}"
        hint = "`cloudact org list` has the plan of each organization, `cloudact org labels ORG_SLUG` its labels."
        raise InvalidRequest(f"{field}: {problem}", problems=[Problem("request", field, problem, "")], hint=hint)


def _refuse_unknown(slugs: Iterable[str], known: frozenset[str], field: str) -> None:
    if unknown := [slug for slug in slugs if slug not in known]:
        problem = f"a selector names organizations that do not exist: {', '.join(unknown)}"
        hint = "`cloudact org list` has those that do."
        raise InvalidRequest(f"{field}: {problem}", problems=[Problem("request", field, problem, "")], hint=hint)
