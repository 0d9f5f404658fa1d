"""What a fingerprint stands for, found out by looking at datasets that have it, and remembered.

A fingerprint says all of a dataset that matters, so what was seen once holds for any organization and any catalog. What
is remembered was seen the same twice: a dataset that somebody changed between the fingerprint and the look would else
stand for all others.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from cloudact.catalog.model import Dataset
from cloudact.catalog.template import Catalog
from cloudact.fleet.roster import Group, Member
from cloudact.planning.status import Drift, compare
from cloudact.warehouse.driver import Warehouse
from cloudact.warehouse.fingerprints import Fingerprint

_REMEMBERED = 64


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """How the datasets of a group differ from their declaration, told of `member`'s; confirmed by a second one."""

    member: Member
    actual: Dataset | None
    drift: Drift
    confirmed: bool


class Diagnoses:
    """Looks at one or two datasets of a group, or at none where their fingerprint is known; for many threads."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._lock = threading.Lock()
        self._known: OrderedDict[Fingerprint, tuple[Member, Dataset]] = OrderedDict()

    def known(self) -> tuple[Fingerprint, ...]:
        """Return the fingerprints for which no dataset has to be looked at."""
        with self._lock:
            return tuple(self._known)

    def of(self, catalog: Catalog, group: Group, in_full: Mapping[str, Dataset]) -> Diagnosis:
        """Return how the datasets of a group differ from what the catalog declares of them.

        `in_full` are datasets that came with the fingerprints, by name.
        """
        fingerprint = group.kind.fingerprint
        if fingerprint and (remembered := self._remembered(fingerprint)):
            member, dataset = remembered
            placed = Member(member.org_slug, member.dataset, group.kind.location, member.onboarded)
            return Diagnosis(placed, dataset, compare(dataset, declared(catalog, placed)), confirmed=True)
        first, *others = sorted(group.members, key=lambda member: member.dataset not in in_full)[:2]
        actual = self.live(catalog, first, in_full.get(first.dataset))
        drift = compare(actual, declared(catalog, first))
        confirmed = all(
            compare(self.live(catalog, item, in_full.get(item.dataset)), declared(catalog, item)) == drift
            for item in others
        )
        if others and confirmed and actual and fingerprint:
            self._remember(fingerprint, first, actual)
        return Diagnosis(first, actual, drift, confirmed)

    def live(self, catalog: Catalog, member: Member, seen: Dataset | None = None) -> Dataset | None:
        """Return an organization's dataset as it is now; `seen` is what its fingerprint came with."""
        desired = declared(catalog, member)
        return self._warehouse.run(lambda session: session.inspect(desired.name, expected=desired, seen=seen))

    def _remembered(self, fingerprint: Fingerprint) -> tuple[Member, Dataset] | None:
        with self._lock:
            if fingerprint in self._known:
                self._known.move_to_end(fingerprint)
            return self._known.get(fingerprint)

    def _remember(self, fingerprint: Fingerprint, member: Member, dataset: Dataset) -> None:
        with self._lock:
            self._known[fingerprint] = (member, dataset)
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)


def declared(catalog: Catalog, member: Member) -> Dataset:
    """Return the declared dataset of an organization, under the name and in the location on record."""
    return catalog.organization_dataset(member.org_slug, name=member.dataset, location=member.location)
