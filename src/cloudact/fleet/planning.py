"""What a sync of the fleet would do: made once for each kind of dataset, and divided into waves."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cloudact.catalog.template import Catalog
from cloudact.fleet.diagnoses import Diagnosis, declared
from cloudact.fleet.request import SyncRequest
from cloudact.fleet.roster import Group
from cloudact.fleet.waves import Member, Wave, chosen, divide
from cloudact.planning.plan import make_plan
from cloudact.tenancy.sync import ConflictReport, counted

NAMED = 5
# Stands for any organization where the catalog as a whole is meant.
_ANY = "any_organization"


@dataclass(frozen=True, slots=True)
class PlannedGroup:
    """Organizations that need the same: the changes to each, what was not asked for, and what needs a person.

    One whose look was not confirmed is synced as well, whatever it takes.
    """

    fingerprint: str
    onboarded: bool
    confirmed: bool
    slugs: tuple[str, ...]
    changes: tuple[str, ...]
    not_requested: tuple[str, ...]
    conflicts: tuple[ConflictReport, ...]

    @property
    def needs(self) -> bool:
        """Whether a sync of these organizations has something to do."""
        return bool(self.changes) or not (self.onboarded and self.confirmed)

    @property
    def is_alike(self) -> bool:
        """Whether one plan does for all of them, and leaves nothing that is somebody's failure."""
        whole = self.onboarded and self.confirmed and not self.conflicts
        return whole and bool(self.fingerprint and self.changes)

    @property
    def is_blocked(self) -> bool:
        """Whether all that is left is for a person to do."""
        return not self.needs and bool(self.conflicts)


@dataclass(frozen=True, slots=True)
class PlanWave:
    """One wave as it is told: who chose it, how many are in it, and the first of them."""

    number: int
    selector: str
    organizations: int
    org_slugs: list[str]


@dataclass(frozen=True, slots=True)
class PlanGroup:
    """A group as it is told; the changes are those to each of its organizations."""

    organizations: int
    org_slugs: list[str]
    fingerprint: str
    onboarded: bool
    changes: list[str]
    not_requested: list[str]
    conflicts: list[ConflictReport]


@dataclass(frozen=True, slots=True)
class PlanAnswer:
    """A plan as it is told: everything a sync would do, under the hash by which it is applied."""

    plan_hash: str
    organizations: int
    selected: int
    needed: int
    blocked: int
    groups: list[PlanGroup]
    waves: list[PlanWave]
    request: dict[str, Any]
    message: str


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """Who needs what, in which waves; `catalog` is the digest of what is declared for each organization."""

    request: SyncRequest
    catalog: str
    organizations: int
    selected: int
    groups: tuple[PlannedGroup, ...]
    waves: tuple[Wave, ...]

    @property
    def needed(self) -> int:
        """How many organizations a sync has something to do for."""
        return sum(len(wave.slugs) for wave in self.waves)

    @property
    def not_requested(self) -> int:
        """How many organizations lack something that the request leaves out."""
        return sum(len(group.slugs) for group in self.groups if group.not_requested)

    def batches(self, wave: Wave, unit: int) -> Iterator[tuple[str, ...]]:
        """Yield everybody of a wave: together, up to so many, who need the same, and the others alone."""
        kind = {slug: group for group in self.groups if group.is_alike for slug in group.slugs} if unit > 1 else {}
        alike: dict[int, list[str]] = {}
        for slug in wave.slugs:
            if slug not in kind:
                yield (slug,)
                continue
            found = alike.setdefault(id(kind[slug]), [])
            found.append(slug)
            if len(found) == unit:
                yield tuple(found)
                found.clear()
        yield from (tuple(found) for found in alike.values() if found)

    def blocked(self) -> Iterator[tuple[str, PlannedGroup]]:
        """Yield the organizations for which only a person can do something."""
        return ((slug, group) for group in self.groups if group.is_blocked for slug in group.slugs)

    def facts(self) -> dict[str, Any]:
        """Return what the plan depends on, in a form that can be compared with that of another one."""
        return {
            "request": self.request.as_json(),
            "catalog": self.catalog,
            "groups": [_facts(group) for group in self.groups],
            "waves": [[wave.number, wave.selector, len(wave.slugs), _digest(wave.slugs)] for wave in self.waves],
        }

    def hash(self) -> str:
        """Return the hash that stands for the plan: the same for two that do the same to the same organizations."""
        return _digest(self.facts())

    def answer(self) -> PlanAnswer:
        """Return the plan as it is told."""
        told = [group for group in self.groups if group.needs or group.is_blocked or group.not_requested]
        blocked = sum(1 for _ in self.blocked())
        parts = [f"{counted(self.needed, 'organization')} of {self.organizations} to sync"]
        if self.waves:
            parts.append(f"in {counted(len(self.waves), 'wave')}")
        if blocked:
            parts.append(f"{blocked} left to a person")
        if self.not_requested:
            parts.append(f"{self.not_requested} with changes that were not asked for")
        return PlanAnswer(
            plan_hash=self.hash(),
            organizations=self.organizations,
            selected=self.selected,
            needed=self.needed,
            blocked=blocked,
            groups=[_told(group) for group in told],
            waves=[PlanWave(w.number, w.selector, len(w.slugs), list(w.slugs[:NAMED])) for w in self.waves],
            request=self.request.as_json(),
            message=", ".join(parts) + ".",
        )


@dataclass(frozen=True, slots=True)
class Continued:
    """What earlier runs, `run_id` the last of them, leave to this one.

    That is whom they came to, whom of these they brought in step, and whom alone to go on with, if not with everybody.
    """

    run_id: str = ""
    reached: frozenset[str] = frozenset()
    synced: frozenset[str] = frozenset()
    only: frozenset[str] | None = None


def make_fleet_plan(
    catalog: Catalog,
    request: SyncRequest,
    groups: Sequence[tuple[Group, Diagnosis]],
    candidates: Collection[Member],
    continued: Continued,
) -> FleetPlan:
    """Return the plan for the fleet as it was seen; raises InvalidRequest for a slug that nobody has.

    Waves are divided among those that need something and those that an earlier run came to, so that a run which goes
    on has the waves that its first part had.
    """
    everybody = frozenset(member.slug for member in candidates)
    # Whom an earlier run came to it had chosen, by labels that may be others since.
    selected = chosen(candidates, request.only) | (continued.reached & everybody)
    if continued.only is not None:
        selected &= continued.only
    planned = tuple(found for group, seen in groups if (found := _planned(catalog, request, group, seen, selected)))
    needed = {slug for group in planned if group.needs for slug in group.slugs}
    taking_part = [member for member in candidates if member.slug in needed or member.slug in continued.reached]
    return FleetPlan(
        request=request,
        catalog=digest_of(catalog),
        organizations=len(candidates),
        selected=len(selected),
        groups=planned,
        waves=tuple(_only(needed, divide(taking_part, request.waves, everybody))),
    )


def digest_of(catalog: Catalog) -> str:
    """Return what tells two catalogs apart as far as the datasets of organizations go."""
    return hashlib.sha256(repr(catalog.organization_dataset(_ANY)).encode()).hexdigest()


def moved(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return what differs between the facts of two plans, in words."""
    if before["catalog"] != now["catalog"]:
        # Which changes what every group needs.
        return ["the catalog was changed"]
    found = [f"{_named(group)} are not as they were" for group in before["groups"] if group not in now["groups"]]
    found += [f"{_named(group)} are a group now" for group in now["groups"] if group not in before["groups"]]
    if before["waves"] != now["waves"] and not found:
        found.append("the waves are made of other organizations")
    return found


def _named(group: Mapping[str, Any]) -> str:
    more = group["organizations"] - len(group["first"])
    return f"{', '.join(group['first'])}{f' and {more} more' if more else ''}"


def _facts(group: PlannedGroup) -> dict[str, Any]:
    """Return JSON that is the same for two groups of which a plan says the same, whoever made it and when."""
    return {
        "organizations": len(group.slugs),
        "first": list(group.slugs[:NAMED]),
        "digest": _digest(asdict(group)),
    }


def _planned(
    catalog: Catalog, request: SyncRequest, group: Group, seen: Diagnosis, selected: frozenset[str]
) -> PlannedGroup | None:
    slugs = tuple(member.org_slug for member in group.members if member.org_slug in selected)
    if not slugs:
        return None
    desired = declared(catalog, seen.member)
    plan = make_plan(seen.actual, desired, request.policy)
    # What a change names of its dataset is that of one organization; each has its own.
    named = catalog.organization.name
    return PlannedGroup(
        fingerprint=group.kind.fingerprint.digest if group.kind.fingerprint else "",
        onboarded=group.kind.onboarded,
        confirmed=seen.confirmed,
        slugs=slugs,
        changes=tuple(str(change).replace(desired.name, named) for change in plan.changes),
        not_requested=tuple(str(change).replace(desired.name, named) for change in plan.held_back),
        conflicts=tuple(map(ConflictReport.of, plan.conflicts)),
    )


def _only(needed: Collection[str], waves: Sequence[Wave]) -> Iterator[Wave]:
    number = 0
    for wave in waves:
        if slugs := tuple(slug for slug in wave.slugs if slug in needed):
            number += 1
            yield Wave(number, wave.selector, slugs)


def _told(group: PlannedGroup) -> PlanGroup:
    return PlanGroup(
        organizations=len(group.slugs),
        org_slugs=list(group.slugs[:NAMED]),
        fingerprint=group.fingerprint,
        onboarded=group.onboarded,
        changes=list(group.changes),
        not_requested=list(group.not_requested),
        conflicts=list(group.conflicts),
    )


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
