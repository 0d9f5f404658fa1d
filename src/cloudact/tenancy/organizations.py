"""Organizations that exist: where they stand, bringing them in step, listing them, and whose key a key is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import datetime

from cloudact.catalog.model import Dataset
from cloudact.catalog.template import Catalog
from cloudact.errors import InvalidRequest, NotBootstrapped
from cloudact.planning.policy import Policy
from cloudact.planning.status import SyncStatus, compare
from cloudact.tenancy.api_keys import hash_key
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.state import DatasetState, describe
from cloudact.tenancy.store import NewId, Profile, ProfileFilter, Store, declared_dataset
from cloudact.tenancy.sync import SyncResult, report, synchronize
from cloudact.warehouse.driver import Session, Warehouse

MAX_PAGE = 500
MAX_OFFSET = 2**31


@dataclass(frozen=True, slots=True)
class OrganizationState(DatasetState):
    """How an organization's dataset stands, and whether the organization has a profile."""

    org_slug: str
    profile_exists: bool


@dataclass(frozen=True, slots=True)
class OrganizationPage:
    """One page of organizations by slug, and how many match in all."""

    organizations: list[Profile]
    total: int
    limit: int
    offset: int


@dataclass(frozen=True, slots=True)
class Organizations:
    """Use cases on organizations that exist, or may."""

    catalogs: Declarations
    warehouse: Warehouse
    clock: Callable[[], datetime]
    new_id: NewId

    def status(self, slug: OrgSlug) -> OrganizationState:
        """Return where an organization stands; an unknown one is NOT_FOUND, not an error."""
        catalog = self.catalogs.load()

        def work(session: Session) -> tuple[Profile | None, Dataset | None, Dataset]:
            profile = self._store(session, catalog).profile(slug)
            desired = declared_dataset(catalog, slug, profile)
            return profile, session.inspect(desired.name), desired

        try:
            profile, actual, desired = self.warehouse.run(work)
        except NotBootstrapped as error:
            if error.missing:
                raise
            state = self._without_profile(catalog.organization_dataset(slug))
            message = f"{error.message}. {error.hint}"
            state = replace(state, status=SyncStatus.NOT_BOOTSTRAPPED, message=message)
            return _state(slug, state, profile_exists=False)
        if profile is None and actual is not None:
            # Rows are read before the dataset: an onboarding that ended in between is seen by looking again.
            profile, actual, desired = self.warehouse.run(work)
        drift = compare(actual, desired)
        if profile is None:
            left = f" A dataset {desired.name} exists without a profile." if drift.exists else ""
            message = f"Organization not found: {slug}.{left} {_ONBOARD}"
            state = describe(desired.name, drift, absent=SyncStatus.NOT_FOUND, remedy="")
            state = replace(state, status=SyncStatus.NOT_FOUND, message=message)
            return _state(slug, state, profile_exists=False)
        remedy = f"Run POST /api/v1/organizations/{slug}/sync."
        state = describe(desired.name, drift, absent=SyncStatus.PROFILE_ONLY, remedy=remedy)
        return _state(slug, state, profile_exists=True)

    def sync(self, slug: OrgSlug, policy: Policy) -> SyncResult:
        """Bring an organization's dataset in step; a deleted dataset is made anew as it was onboarded."""
        catalog = self.catalogs.load()
        profile = self.warehouse.run(lambda session: self._store(session, catalog).existing_profile(slug))
        desired = declared_dataset(catalog, slug, profile)
        return report(synchronize(self.warehouse, desired, policy))

    def page(self, wanted: ProfileFilter, *, limit: int, offset: int) -> OrganizationPage:
        """Return one page of organizations, ordered by slug."""
        catalog = self.catalogs.load()
        wanted.check()
        if offset > MAX_OFFSET:
            raise InvalidRequest(f"offset {offset} is more than {MAX_OFFSET}")

        def work(session: Session) -> tuple[list[Profile], int]:
            return self._store(session, catalog).profiles(wanted, limit, offset)

        found, total = self.warehouse.run(work)
        return OrganizationPage(found, total, limit, offset)

    def owner_of_key(self, key: str) -> OrgSlug | None:
        """Return the organization that a key opens, or None."""
        catalog = self.catalogs.load()
        digest = hash_key(key)
        try:
            return self.warehouse.run(lambda session: self._store(session, catalog).owner_of_key(digest))
        except NotBootstrapped:
            return None

    def _without_profile(self, desired: Dataset) -> DatasetState:
        actual = self.warehouse.run(lambda session: session.inspect(desired.name))
        return describe(desired.name, compare(actual, desired), absent=SyncStatus.NOT_FOUND, remedy="")

    def _store(self, session: Session, catalog: Catalog) -> Store:
        return Store(session, catalog.central_name, self.clock(), self.new_id)


_ONBOARD = "Onboard it with POST /api/v1/organizations/onboard."


def _state(slug: OrgSlug, state: DatasetState, *, profile_exists: bool) -> OrganizationState:
    values = {item.name: getattr(state, item.name) for item in fields(state)}
    return OrganizationState(**values, org_slug=str(slug), profile_exists=profile_exists)
