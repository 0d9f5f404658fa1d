"""Onboarding everybody in a file of requests, many in a unit, so that it can be killed anywhere and run again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from cloudact.errors import (
    CentralTableBlocked,
    CloudactError,
    NotBootstrapped,
    OrganizationExists,
    SealBroken,
    SealingUnavailable,
    WarehouseDenied,
    WarehouseUnavailable,
)
from cloudact.fleet.onboarding.key_file import KeyFile, opened
from cloudact.fleet.onboarding.requests import FIELDS, Line, parse
from cloudact.fleet.onboarding.unit import Newcomer, Unit
from cloudact.tenancy.access.issuing import IssuedKey
from cloudact.tenancy.actor import UNATTENDED, Actor
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.onboarding import Onboarding, obstacle_to
from cloudact.tenancy.store import LABELS, PROVISIONING, Profile, Store, with_labels
from cloudact.warehouse.driver import Session, Warehouse

UNIT = 50
# Where a unit is one organization's, as many at a time.
_SIDE_BY_SIDE = 4
# What everybody meets who comes after.
_ENDS_ALL = (
    NotBootstrapped,
    CentralTableBlocked,
    WarehouseUnavailable,
    WarehouseDenied,
    SealingUnavailable,
    SealBroken,
)


@dataclass(frozen=True, slots=True)
class Failed:
    """Who was not onboarded, and why."""

    line: int
    org_slug: str
    code: str
    message: str
    hint: str


@dataclass(slots=True)
class FleetOnboarded:
    """What came of a file of requests, filled in while it is worked on.

    `skipped` exist as their line says already. Of them, those in `without_key` have no key in the file of keys.
    """

    requests: int
    onboarded: int = 0
    skipped: int = 0
    failed: list[Failed] = field(default_factory=list)
    without_key: list[str] = field(default_factory=list)

    @property
    def done(self) -> int:
        """How many lines have been worked on."""
        return self.onboarded + self.skipped + len(self.failed)


Notice = Callable[[FleetOnboarded], None]


def ignore(_so_far: FleetOnboarded) -> None:
    """Notice nothing."""


@dataclass(frozen=True, slots=True)
class FleetOnboarding:
    """The use case; `unit` is how many organizations one unit of work is for, where it is a transaction."""

    catalogs: Declarations
    warehouse: Warehouse
    onboarding: Onboarding
    unit: int = UNIT

    def onboard(
        self, lines: Iterable[str], keys_out: Path, *, actor: Actor = UNATTENDED, notice: Notice = ignore
    ) -> FleetOnboarded:
        """Onboard everybody who is not yet, writing each key to a file before it is committed that it is one.

        Raises InvalidRequest for a line or file that is not as it has to be, before anything is changed, or when a key
        can no longer be written, as on a full disk; and what would keep everybody from being onboarded. What keeps one
        from it is in the answer.
        """
        catalogs = self.catalogs.pinned()
        requests = parse(lines, catalogs.plans())
        labelled = any(line.request.labels for line in requests)
        if obstacle := self.warehouse.run(lambda session: obstacle_to(session, catalogs.load(), labelled=labelled)):
            raise obstacle
        with opened(keys_out) as keys:
            run = _Run(self.warehouse, replace(self.onboarding, catalogs=catalogs), keys, actor, len(requests))
            run.settle()
            for start in range(0, len(requests), self.unit):
                run.work_on(requests[start : start + self.unit])
                notice(run.so_far)
            keys.release()
        return run.so_far


class _Run:
    """A run under way, over declarations that stay as they are."""

    def __init__(self, warehouse: Warehouse, onboarding: Onboarding, keys: KeyFile, actor: Actor, lines: int) -> None:
        self._warehouse = warehouse
        self._onboarding = onboarding
        self._keys = keys
        self._actor = actor
        catalogs, trail, new_id = onboarding.catalogs, onboarding.trail, onboarding.new_id
        self._unit = Unit(catalogs.load(), catalogs.plans(), trail, actor, onboarding.clock, new_id)
        self.so_far = FleetOnboarded(lines)

    def settle(self) -> None:
        """Keep those keys that an earlier run held when it was killed, and that were committed."""
        held = self._keys.held()
        committed = self._committed(held)
        self._keys.keep({slug: key for slug, key in held.items() if slug in committed})

    def work_on(self, lines: Sequence[Line]) -> None:
        """Onboard those that are not there yet; what is not kept at the end of it, however it ends, is still held."""
        wanted = {line.request.org_slug: line for line in self._not_there(lines)}
        if not wanted:
            return
        newcomers = {slug: Newcomer(line.request, self._key(slug)) for slug, line in wanted.items()}
        keys = {slug: one.key.text for slug, one in newcomers.items()}
        self._keys.hold(keys)
        done: set[str] = set()
        failed: dict[str, CloudactError] = {}
        try:
            done |= self._together(list(newcomers.values()))
            self._one_by_one([one for slug, one in newcomers.items() if slug not in done], done, failed)
            # Also when only the answer was lost: who has the key is onboarded.
            done |= self._committed({slug: keys[slug] for slug in failed})
        finally:
            self._keys.keep({slug: key for slug, key in keys.items() if slug in done})
        self.so_far.onboarded += len(done)
        for slug, error in failed.items():
            if slug not in done:
                self.so_far.failed.append(Failed(wanted[slug].number, slug, error.code, error.message, error.hint))

    def _together(self, newcomers: Sequence[Newcomer]) -> frozenset[str]:
        """Return who was onboarded in one unit: nobody when one of them kept it from being done."""
        if not self._warehouse.engine.transactional:
            return frozenset()
        try:
            return self._onboarding.trail.run(lambda session: self._unit.onboard(session, newcomers))
        except _ENDS_ALL:
            raise
        except CloudactError:
            return frozenset()
        finally:
            for one in newcomers:
                self._onboarding.issuer.cache.forget(OrgSlug(one.slug))

    def _one_by_one(self, newcomers: Sequence[Newcomer], done: set[str], failed: dict[str, CloudactError]) -> None:
        def onboard(one: Newcomer) -> None:
            try:
                self._onboarding.onboard(one.request, actor=self._actor, key=one.key)
            except _ENDS_ALL:
                raise
            except CloudactError as error:
                failed[one.slug] = error
            else:
                done.add(one.slug)

        with ThreadPoolExecutor(1 if self._warehouse.engine.transactional else _SIDE_BY_SIDE) as pool:
            list(pool.map(onboard, newcomers))

    def _not_there(self, lines: Sequence[Line]) -> Iterator[Line]:
        """Yield the lines of those that are not there, or whose onboarding stopped; the others are done with."""
        slugs = [line.request.org_slug for line in lines]
        profiles = self._profiles(slugs, labelled=any(LABELS in line.request.given for line in lines))
        for line in lines:
            slug = line.request.org_slug
            profile = profiles.get(slug)
            if profile is None or profile.status == PROVISIONING:
                yield line
            elif others := _differences(line, profile):
                message = f"Organization already exists: {slug}, and differs in {', '.join(others)}"
                hint = "Take the line out, or make it say what the organization is."
                self.so_far.failed.append(Failed(line.number, slug, OrganizationExists.code, message, hint))
            else:
                self.so_far.skipped += 1
                if slug not in self._keys.slugs:
                    self.so_far.without_key.append(slug)

    def _profiles(self, slugs: Sequence[str], *, labelled: bool) -> dict[str, Profile]:
        def read(session: Session, also: Sequence[str]) -> dict[str, Profile]:
            return self._store(session).profiles_of(slugs, also if labelled else ())

        return with_labels(self._warehouse, read)

    def _key(self, slug: str) -> IssuedKey:
        return self._onboarding.issuer.issue(OrgSlug(slug), self._onboarding.clock())

    def _committed(self, keys: Mapping[str, str]) -> set[str]:
        """Return the organizations whose key, of these, is one of theirs."""
        if not keys:
            return set()
        keyed = {slug: self._onboarding.issuer.digests.keyed(key) for slug, key in keys.items()}
        found = self._warehouse.run(lambda session: self._store(session).key_hashes(keyed))
        return {slug for slug, digest in keyed.items() if digest in found}

    def _store(self, session: Session) -> Store:
        onboarding = self._onboarding
        return Store(session, onboarding.catalogs.load().central_name, onboarding.clock(), onboarding.new_id)


def _differences(line: Line, profile: Profile) -> list[str]:
    """Return what the line says otherwise; what it does not say may be anything by now."""
    said = [name for name in FIELDS if name in line.request.given]
    return [name for name in said if getattr(profile, name) != getattr(line.request, name)]
