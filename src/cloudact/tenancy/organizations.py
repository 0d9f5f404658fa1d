"""Organizations that exist: where they stand, bringing them in step, and listing them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime

from cloudact.catalog.model import Dataset
from cloudact.catalog.template import Catalog
from cloudact.errors import DatasetExists, InvalidRequest, NotBootstrapped
from cloudact.planning.plan import Plan
from cloudact.planning.policy import Policy
from cloudact.planning.status import Drift, SyncStatus, compare
from cloudact.tenancy.actor import UNATTENDED, Actor
from cloudact.tenancy.audit.event import Action, Event, ResourceType
from cloudact.tenancy.audit.trail import AuditTrail
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.state import DatasetState, describe
from cloudact.tenancy.store import (
    PROVISIONING,
    NewId,
    Profile,
    ProfileFilter,
    Store,
    declared_dataset,
    may_be_a_strangers,
    with_labels,
)
from cloudact.tenancy.sync import Applied, SyncOutcome, SyncResult, plan_for, report, synchronize
from cloudact.warehouse.driver import Session, Warehouse
from cloudact.warehouse.usage import measured

MAX_PAGE = 500
MAX_OFFSET = 2**31


@dataclass(frozen=True, slots=True)
class OrganizationState(DatasetState):
    """How an organization's dataset stands, whether it has a profile, and whether its onboarding has finished."""

    org_slug: str
    profile_exists: bool
    onboarded: bool
    organization_status: str | None


@dataclass(frozen=True, slots=True)
class OrganizationPage:
    """One page of organizations by slug, how many match in all, and where each stands when that was asked for."""

    organizations: list[Profile]
    total: int
    limit: int
    offset: int
    sync_status: dict[str, SyncStatus]


@dataclass(frozen=True, slots=True)
class Organizations:
    """Use cases on organizations that exist, or may."""

    catalogs: Declarations
    warehouse: Warehouse
    clock: Callable[[], datetime]
    new_id: NewId
    trail: AuditTrail

    def status(self, slug: OrgSlug) -> OrganizationState:
        """Return where an organization stands; an unknown one is NOT_FOUND, not an error."""
        catalog = self.catalogs.load()

        def work(session: Session) -> tuple[Profile | None, Dataset | None, Dataset]:
            profile = self._store(session, catalog).profile(slug)
            desired = declared_dataset(catalog, slug, profile)
            return profile, session.inspect(desired.name, expected=desired), desired

        try:
            profile, actual, desired = self.warehouse.run(work)
        except NotBootstrapped as error:
            if error.missing:
                raise
            state = self._without_profile(catalog.organization_dataset(slug))
            message = f"{error.message}. {error.hint}"
            state = replace(state, status=SyncStatus.NOT_BOOTSTRAPPED, message=message)
            return _state(slug, state, None)
        if profile is None and actual is not None:
            # Rows are read before the dataset: an onboarding that ended in between is seen by looking again.
            profile, actual, desired = self.warehouse.run(work)
        drift = compare(actual, desired)
        if profile is None:
            left = f" A dataset {desired.name} exists without a profile." if drift.exists else ""
            message = f"Organization not found: {slug}.{left} {_ONBOARD}"
            state = describe(desired.name, drift, absent=SyncStatus.NOT_FOUND, remedy="")
            state = replace(state, status=SyncStatus.NOT_FOUND, message=message)
            return _state(slug, state, None)
        return self._of_profile(slug, profile, drift, catalog.unreadable_views(desired.location))

    def _of_profile(
        self, slug: OrgSlug, profile: Profile, drift: Drift, unreadable: tuple[str, ...]
    ) -> OrganizationState:
        dataset = profile.org_dataset_id
        restore = "" if drift.exists else self.warehouse.how_to_restore(dataset)
        remedy = f"{restore} Run POST /api/v1/organizations/{slug}/sync.".lstrip()
        state = describe(dataset, drift, absent=SyncStatus.PROFILE_ONLY, remedy=remedy, unreadable=unreadable)
        if profile.status == PROVISIONING:
            status = SyncStatus.OUT_OF_SYNC if drift.exists else SyncStatus.PROFILE_ONLY
            message = f"Onboarding has not finished. {state.message} {_FINISH.format(slug=slug)}"
            state = replace(state, status=status, message=message)
        return _state(slug, state, profile)

    def sync(self, slug: OrgSlug, policy: Policy, *, actor: Actor = UNATTENDED) -> SyncResult:
        """Bring an organization's dataset in step; a deleted dataset is made anew as it was onboarded."""
        catalog = self.catalogs.load()
        event = Event(Action.SYNC, ResourceType.ORGANIZATION, slug, slug, asdict(policy))
        with measured() as usage, self.trail.around(actor, event) as record:
            profile = self.warehouse.run(lambda session: self._store(session, catalog).existing_profile(slug))
            desired = declared_dataset(catalog, slug, profile)
            if profile.status == PROVISIONING:
                self.warehouse.run(lambda session: _refuse_strangers(session, profile, desired))
            applied = synchronize(self.warehouse, desired, policy, record=record)
            result = report(applied)
            readable = not catalog.unreadable_views(desired.location)
            if catalog.organization.authorize_views and readable and (applied.plan.actual or result.dataset_created):
                self.warehouse.run(lambda session: session.authorize(desired.name, catalog.central_name))
            notes = [*result.notes, *self._given_up(desired.name, result)]
            if profile.status == PROVISIONING:
                notes.append(self._finish(slug, profile) if _is_complete(result) else _NOT_FINISHED)
        return replace(result, notes=notes, bytes_billed=usage.bytes_billed)

    def plan(self, slug: OrgSlug, policy: Policy) -> SyncResult:
        """Return what a sync would do, changing nothing; raises what would keep the sync from beginning."""
        catalog = self.catalogs.load()

        def work(session: Session) -> tuple[Profile, Plan]:
            profile = self._store(session, catalog).existing_profile(slug)
            desired = declared_dataset(catalog, slug, profile)
            if profile.status == PROVISIONING:
                _refuse_strangers(session, profile, desired)
            return profile, plan_for(session, desired, policy)

        profile, plan = self.warehouse.run(work)
        result = report(Applied(plan, plan.changes), planned=True)
        if profile.status != PROVISIONING:
            return result
        return replace(result, notes=[*result.notes, _WOULD_FINISH if _is_complete(result) else _NOT_FINISHED])

    def _finish(self, slug: OrgSlug, profile: Profile) -> str:
        """Write the rows that an onboarding which stopped has not written; a key is for `onboard` to hand out."""
        catalog, plans = self.catalogs.load(), self.catalogs.plans()
        if profile.subscription_plan not in plans:
            return (
                f"Onboarding is not finished: plans.yml has no plan {profile.subscription_plan}. Declare it, then sync."
            )

        def work(session: Session) -> None:
            store = self._store(session, catalog)
            store.finish(slug)
            store.ensure_limits(slug, profile.subscription_plan or "", plans)

        self.warehouse.run(work)
        return _FINISHED

    def _given_up(self, dataset: str, result: SyncResult) -> list[str]:
        if not result.dataset_created or not self.warehouse.how_to_restore(dataset):
            return []
        return [f"{dataset}: was made anew; an earlier dataset of that name can no longer be restored"]

    def page(
        self, wanted: ProfileFilter, *, limit: int, offset: int, with_sync_status: bool = False
    ) -> OrganizationPage:
        """Return one page of organizations, ordered by slug; where each stands costs a look at all their datasets."""
        catalog = self.catalogs.load()
        wanted.check()
        if offset > MAX_OFFSET:
            raise InvalidRequest(f"offset {offset} is more than {MAX_OFFSET}")

        def work(session: Session, also: Sequence[str]) -> OrganizationPage:
            found, total = self._store(session, catalog).profiles(wanted, limit, offset, also)
            statuses = _sync_statuses(session, catalog, found) if with_sync_status else {}
            return OrganizationPage(found, total, limit, offset, statuses)

        return with_labels(self.warehouse, work)

    def _without_profile(self, desired: Dataset) -> DatasetState:
        actual = self.warehouse.run(lambda session: session.inspect(desired.name, expected=desired))
        return describe(desired.name, compare(actual, desired), absent=SyncStatus.NOT_FOUND, remedy="")

    def _store(self, session: Session, catalog: Catalog) -> Store:
        return Store(session, catalog.central_name, self.clock(), self.new_id)


def _is_complete(result: SyncResult) -> bool:
    return result.status is SyncOutcome.SUCCESS and not result.not_requested


def _refuse_strangers(session: Session, profile: Profile, desired: Dataset) -> None:
    """An onboarding that stopped before it made its dataset does not make another one its own."""
    actual = session.inspect(desired.name, expected=desired)
    if actual is not None and may_be_a_strangers(profile, actual, desired):
        raise DatasetExists(desired.name)


def _sync_statuses(session: Session, catalog: Catalog, profiles: list[Profile]) -> dict[str, SyncStatus]:
    """One look at the datasets of each location; only what seems to differ is looked at by itself."""
    desired = {item.org_slug: declared_dataset(catalog, OrgSlug(item.org_slug), item) for item in profiles}
    by_location: dict[str, list[str]] = {}
    for dataset in desired.values():
        by_location.setdefault(dataset.location, []).append(dataset.name)
    live: dict[str, Dataset] = {}
    for location, names in by_location.items():
        live |= session.inspect_many(names, location)
    return {item.org_slug: _sync_status(session, item, live, desired[item.org_slug]) for item in profiles}


def _sync_status(session: Session, profile: Profile, live: dict[str, Dataset], desired: Dataset) -> SyncStatus:
    if not compare(live.get(desired.name), desired).in_sync:
        drift = compare(session.inspect(desired.name, expected=desired), desired)
        if not drift.in_sync:
            return SyncStatus.OUT_OF_SYNC if drift.exists else SyncStatus.PROFILE_ONLY
    return SyncStatus.OUT_OF_SYNC if profile.status == PROVISIONING else SyncStatus.SYNCED


_ONBOARD = "Onboard it with POST /api/v1/organizations/onboard."


_FINISH = "POST /api/v1/organizations/{slug}/sync finishes it."
_NOT_FINISHED = "Onboarding is not finished: it takes a sync that leaves nothing out, no conflict and no stale view."
_WOULD_FINISH = "The onboarding that stopped would be finished."
_FINISHED = (
    "Onboarding is finished. No API key was issued: onboard again with regenerate_api_key_if_exists: true to get one."
)


def _state(slug: OrgSlug, state: DatasetState, profile: Profile | None) -> OrganizationState:
    values = {item.name: getattr(state, item.name) for item in fields(state)}
    status = profile.status if profile else None
    return OrganizationState(
        **values,
        org_slug=str(slug),
        profile_exists=profile is not None,
        onboarded=status not in (None, PROVISIONING),
        organization_status=status,
    )
