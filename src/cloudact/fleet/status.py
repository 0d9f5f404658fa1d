"""Where all organizations stand: one look at all datasets, and one comparison for each kind of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from cloudact.catalog.template import Catalog
from cloudact.fleet.diagnoses import Diagnoses, Diagnosis, declared
from cloudact.fleet.roster import Group, Member, grouped, known, members, naming
from cloudact.planning.status import SyncStatus
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.state import DatasetState, describe
from cloudact.tenancy.sync import counted
from cloudact.warehouse.driver import Warehouse
from cloudact.warehouse.fingerprints import Fingerprint, Naming

NAMED_OF_GROUP = 5
NAMED_OF_ORPHANS = 50
# A catalog that lags behind may not show yet what was just made, and one of a whole location not what the account may
# see by name only. So many are looked at one by one, and as many more for as long as any of them is there.
_LOOKED_FOR = 50


@dataclass(frozen=True, slots=True)
class FleetGroup:
    """Organizations whose datasets are the same: how many, the first of them, and how one of them stands.

    `fingerprint` is empty where there is no dataset. When two datasets of the group were found to differ, because they
    changed meanwhile, it is not `confirmed`.
    """

    status: SyncStatus
    organizations: int
    org_slugs: list[str]
    fingerprint: str
    onboarded: bool
    confirmed: bool
    state: DatasetState


@dataclass(frozen=True, slots=True)
class FleetState:
    """Every organization against its declaration, the largest group first.

    `missing` tells for each object that is declared how many organizations go without it. Of the datasets without a
    profile, which is how an onboarding ends that was undone by hand, the first are named.
    """

    organizations: int
    sync_status: dict[SyncStatus, int]
    groups: list[FleetGroup]
    missing: dict[str, int]
    datasets_without_profile: int
    without_profile: list[str]
    message: str


@dataclass(frozen=True, slots=True)
class Seen:
    """Every organization, by kind, and how each kind stands; `others` are datasets that are called like one's."""

    roster: list[Member]
    called: Naming
    groups: list[tuple[Group, Diagnosis]]
    others: dict[str, Fingerprint]


class FleetStatus:
    """The use case; one object serves many calls, and remembers what fingerprints stand for."""

    def __init__(self, catalogs: Declarations, warehouse: Warehouse) -> None:
        self._catalogs = catalogs
        self._warehouse = warehouse
        self._diagnoses = Diagnoses(warehouse)

    def look(self) -> FleetState:
        """Return where every organization stands, changing nothing; raises NotBootstrapped."""
        catalog = self._catalogs.load()
        seen = self.compare(catalog)
        roster, called, found = seen.roster, seen.called, seen.others
        groups = [self._described(catalog, group, diagnosis) for group, diagnosis in seen.groups]
        orphans = self._orphans(catalog, called, found)
        statuses, missing = Counter[SyncStatus](), Counter[str]()
        for group in groups:
            statuses[group.status] += group.organizations
            for item in _missing(group.state):
                missing[item] += group.organizations
        return FleetState(
            organizations=len(roster),
            sync_status=dict(statuses),
            groups=groups,
            missing=dict(missing.most_common()),
            datasets_without_profile=len(orphans),
            without_profile=orphans[:NAMED_OF_ORPHANS],
            message=_message(len(roster), statuses, len(groups), len(orphans)),
        )

    def compare(self, catalog: Catalog) -> Seen:
        """Return every organization by the kind of its dataset, each kind compared with the catalog."""
        roster = self._warehouse.run(lambda session: list(members(session, catalog)))
        called, locations = naming(catalog, roster), _locations(catalog, roster)
        known = self._diagnoses.known()
        look = self._warehouse.run(lambda session: session.fingerprints(locations, called, known))
        groups = [
            (group, self._diagnoses.of(catalog, group, look.in_full))
            for group in self._groups(catalog, roster, look.of)
        ]
        return Seen(roster, called, groups, look.of)

    def _groups(self, catalog: Catalog, roster: list[Member], found: dict[str, Fingerprint]) -> Iterator[Group]:
        for group in grouped(roster, found):
            if group.kind.fingerprint is not None:
                yield group
                continue
            there = self._looked_for(catalog, group.members)
            yield from (Group(group.kind, [member]) for member in there)
            named = {member.org_slug for member in there}
            if gone := [member for member in group.members if member.org_slug not in named]:
                yield Group(group.kind, gone)

    def _looked_for(self, catalog: Catalog, missed: list[Member]) -> list[Member]:
        """Return those whose datasets are there although the fingerprints do not tell of them."""
        there: list[Member] = []
        for start in range(0, len(missed), _LOOKED_FOR):
            some = missed[start : start + _LOOKED_FOR]
            found = [member for member in some if self._diagnoses.live(catalog, member) is not None]
            if not found:
                break
            there += found
        return there

    def _described(self, catalog: Catalog, group: Group, diagnosis: Diagnosis) -> FleetGroup:
        state, fingerprint = self._state(catalog, group, diagnosis), group.kind.fingerprint
        return FleetGroup(
            status=state.status,
            organizations=len(group.members),
            org_slugs=[member.org_slug for member in group.members[:NAMED_OF_GROUP]],
            fingerprint=fingerprint.digest if fingerprint else "",
            onboarded=group.kind.onboarded,
            confirmed=diagnosis.confirmed,
            state=state,
        )

    def _state(self, catalog: Catalog, group: Group, diagnosis: Diagnosis) -> DatasetState:
        member, drift = diagnosis.member, diagnosis.drift
        restore = "" if drift.exists else self._warehouse.how_to_restore(member.dataset)
        unreadable = catalog.unreadable_views(declared(catalog, member).location)
        remedy = f"{restore} {_REMEDY}".lstrip()
        state = describe(member.dataset, drift, absent=SyncStatus.PROFILE_ONLY, remedy=remedy, unreadable=unreadable)
        if group.kind.onboarded:
            return state
        status = SyncStatus.OUT_OF_SYNC if drift.exists else SyncStatus.PROFILE_ONLY
        return replace(state, status=status, message=f"{_UNFINISHED} {state.message}")

    def _orphans(self, catalog: Catalog, called: Naming, found: dict[str, Fingerprint]) -> list[str]:
        """Return the datasets that this project made for organizations which have no profile.

        Profiles are read before datasets: an onboarding that ended in between is seen by looking again. Others may
        have datasets that are called like an organization's; those of this project have its labels.
        """
        slugs = {name: called.value_of(name) or "" for name in found}
        have = self._warehouse.run(lambda session: known(session, catalog, set(slugs.values()))) if slugs else set()
        ours: dict[Fingerprint, bool] = {}
        orphans = []
        for name in sorted(name for name, slug in slugs.items() if slug not in have):
            if found[name] not in ours:
                ours[found[name]] = self._is_ours(catalog, name)
            if ours[found[name]]:
                orphans.append(name)
        return orphans

    def _is_ours(self, catalog: Catalog, name: str) -> bool:
        dataset = self._warehouse.run(lambda session: session.inspect(name))
        return dataset is not None and set(catalog.organization.labels) <= set(dataset.labels)


_REMEDY = "A sync of the organization brings it in step."
_UNFINISHED = "Onboarding has not finished; a sync finishes it."


def _locations(catalog: Catalog, roster: list[Member]) -> set[str]:
    return {catalog.organization.location, *(member.location for member in roster if member.location)}


def _missing(state: DatasetState) -> Iterator[str]:
    """Yield what a dataset goes without, each as a dotted name; of one that does not exist only that."""
    if not state.dataset_exists:
        yield "dataset"
        return
    yield from state.tables_missing
    yield from state.views_missing
    for table, diff in state.schema_diffs.items():
        yield from (f"{table}.{column}" for column in diff.missing_columns)


def _message(organizations: int, statuses: Counter[SyncStatus], groups: int, orphans: int) -> str:
    parts = [f"{number} {status}" for status, number in statuses.most_common()]
    told = f"{counted(organizations, 'organization')} in {counted(groups, 'group')}"
    message = f"{told}: {', '.join(parts)}." if parts else "No organization has been onboarded."
    return f"{message} {counted(orphans, 'dataset')} without a profile." if orphans else message
