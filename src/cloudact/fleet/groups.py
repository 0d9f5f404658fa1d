"""Organizations that are the same to a plan, put together by what the engine says of their datasets."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass, field

from cloudact.fleet.roster import Member
from cloudact.warehouse.fingerprints import Fingerprint


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
