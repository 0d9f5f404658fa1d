"""Who is in the fleet: as much of each profile as comparing takes, and who is the same to a plan."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field

from cloudact.catalog.template import Catalog
from cloudact.catalog.view_file import SLUG
from cloudact.fleet.waves import Labelled
from cloudact.fleet.waves import Member as Candidate
from cloudact.tenancy.labels.rules import PROFILE_FIELDS, is_key
from cloudact.tenancy.store import LABELS, PROFILES, PROVISIONING, USED_COLUMNS, labels_of, named_when_missing
from cloudact.warehouse.driver import OneOf, Page, Session, Within
from cloudact.warehouse.fingerprints import Fingerprint, Naming

PAGE = 5_000
# Where each page is a query by itself: as many rows of these columns as an answer of 10 MB holds.
PAGE_OF_QUERY = 50_000
_COLUMNS = ("org_slug", "org_dataset_id", "dataset_location", "status")
_NONE: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Member:
    """An organization: its dataset and location on record, and whether its onboarding has finished."""

    org_slug: str
    dataset: str
    location: str | None
    onboarded: bool


def members(session: Session, catalog: Catalog) -> Iterator[Member]:
    """Yield every organization with a profile, by slug; raises NotBootstrapped without the table of profiles."""
    return map(_member, _profiles(session, catalog, _COLUMNS))


@dataclass(frozen=True, slots=True)
class Candidates:
    """What waves know of every organization with a profile, and the keys of the labels that any of them carries.

    The keys are read where a label is asked for that is none of the profile's.
    """

    members: list[Candidate]
    keys: frozenset[str]


def candidates(session: Session, catalog: Catalog, asked: Collection[Labelled], also: Sequence[str] = ()) -> Candidates:
    """Return everybody by slug, of whose labels only those are kept that are asked for; raises NotBootstrapped.

    `also` is as `with_labels` says.
    """
    fields = {item.key: PROFILE_FIELDS[item.key] for item in asked if item.key in PROFILE_FIELDS}
    own = also if any(item.key not in PROFILE_FIELDS for item in asked) else ()
    columns = (SLUG, "subscription_plan", *fields.values(), *own)
    found: list[Candidate] = []
    keys: set[str] = set()
    for row in _profiles(session, catalog, columns):
        labels: dict[str, object] = {**labels_of(row.get(LABELS))}
        keys.update(filter(is_key, labels))
        said = labels | {key: row[column] for key, column in fields.items()}
        kept = {item.key: item.value for item in asked if said.get(item.key) == item.value}
        plan = row["subscription_plan"]
        found.append(Candidate(str(row[SLUG]), None if plan is None else sys.intern(str(plan)), kept or _NONE))
    return Candidates(found, frozenset(keys))


def _profiles(session: Session, catalog: Catalog, columns: Sequence[str]) -> Iterator[dict[str, object]]:
    central, last = catalog.central_name, ""
    # Labels are as long as an operator makes them.
    size = PAGE if catalog.engine.transactional or LABELS in columns else PAGE_OF_QUERY
    while True:
        where = [Within(SLUG, at_least=last)] if last else []
        # The last one of a page is met again as the first one of the next.
        with named_when_missing(session, central, PROFILES, [*USED_COLUMNS[PROFILES], *columns]):
            rows = session.select(central, PROFILES, columns, where, Page((SLUG,), size + bool(last)))
        yield from (row for row in rows if row[SLUG] != last)
        if len(rows) < size + bool(last):
            return
        last = str(rows[-1][SLUG])


def known(session: Session, catalog: Catalog, slugs: Collection[str]) -> set[str]:
    """Return those of these organizations that have a profile by now."""
    central, wanted = catalog.central_name, sorted(slugs)
    found: set[str] = set()
    for start in range(0, len(wanted), PAGE):
        among = OneOf(SLUG, tuple(wanted[start : start + PAGE]))
        found |= {str(row[SLUG]) for row in session.select(central, PROFILES, [SLUG], [among])}
    return found


def naming(catalog: Catalog, roster: Collection[Member]) -> Naming:
    """Return which datasets are organizations': those named as the catalog says, and those on record beside them."""
    before, _, after = catalog.organization.name.partition(f"{{{SLUG}}}")
    others = {item.dataset: item.org_slug for item in roster if item.dataset != f"{before}{item.org_slug}{after}"}
    return Naming(before, after, others)


@dataclass(frozen=True, slots=True)
class Kind:
    """What a plan depends on: the dataset, where it is, where its profile says that it is, how far onboarding got.

    Without a dataset there is no fingerprint.
    """

    fingerprint: Fingerprint | None
    location: str | None
    onboarded: bool


@dataclass(slots=True)
class Group:
    """Organizations of one kind, by slug."""

    kind: Kind
    members: list[Member] = field(default_factory=list)


def grouped(roster: Iterable[Member], found: MutableMapping[str, Fingerprint]) -> list[Group]:
    """Return the groups, the largest first, and take out of `found` the datasets that belong to somebody."""
    groups: dict[Kind, Group] = {}
    for member in roster:
        kind = Kind(found.pop(member.dataset, None), member.location, member.onboarded)
        groups.setdefault(kind, Group(kind)).members.append(member)
    return sorted(groups.values(), key=lambda group: (-len(group.members), group.members[0].org_slug))


def _member(row: dict[str, object]) -> Member:
    slug, dataset, location, status = (row[name] for name in _COLUMNS)
    # Thousands of organizations are in one location.
    where = sys.intern(location) if isinstance(location, str) else None
    return Member(str(slug), str(dataset), where, status != PROVISIONING)
