"""Onboarding an organization: its profile, subscription, quota, key and dataset, together or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from cloudact.catalog.template import Catalog
from cloudact.errors import (
    CentralTableBlocked,
    ChangeFailed,
    CloudactError,
    DatasetConflict,
    DatasetExists,
    NotBootstrapped,
    OrganizationExists,
    WarehouseRefused,
)
from cloudact.planning.plan import Plan, creates_dataset, creations
from cloudact.planning.policy import Policy
from cloudact.tenancy.api_keys import make_key
from cloudact.tenancy.checks import Check, OnboardingRequest, field_checks, require
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.store import USED_COLUMNS, NewId, Profile, Store, declared_dataset, first_absent, first_unwritten
from cloudact.tenancy.sync import ConflictReport, counted, plan_for
from cloudact.warehouse.driver import Session, Warehouse


@dataclass(frozen=True, slots=True)
class OnboardResult:
    """A new or resynced organization; `api_key` is the only copy of the key there will ever be."""

    status: str
    org_slug: str
    company_name: str
    subscription_plan: str
    api_key: str = field(repr=False)
    dataset: str
    dataset_created: bool
    tables_created: list[str]
    views_created: list[str]
    already_existed: bool
    conflicts: list[ConflictReport]
    message: str


@dataclass(frozen=True, slots=True)
class DryRunResult:
    """Whether onboarding would succeed, check by check, and what it would make."""

    status: str
    org_slug: str
    dataset: str
    checks: list[Check]
    tables_to_create: list[str]
    views_to_create: list[str]
    message: str


@dataclass(frozen=True, slots=True)
class Onboarding:
    """Use cases that bring an organization into being."""

    catalogs: Declarations
    warehouse: Warehouse
    clock: Callable[[], datetime]
    new_id: NewId

    def onboard(self, request: OnboardingRequest) -> OnboardResult:
        """Create the organization, or resync it when the request says so; raises OrganizationExists otherwise."""
        catalog, plans = self.catalogs.load(), self.catalogs.plans()
        require(field_checks(request, plans))
        slug = OrgSlug(request.org_slug)
        key = make_key(slug)

        def work(session: Session) -> OnboardResult:
            store = self._store(session, catalog)
            declared = catalog.organization_dataset(slug)
            # The dataset is read before the profile is claimed, so that what another caller onboards in between is
            # met as a profile, and not as a dataset that belongs to nobody.
            plan = plan_for(session, declared, Policy())
            created = store.add_profile(slug, request, declared.name, declared.location)
            if created and (reason := _blocked(plan, request)):
                raise reason
            if not created:
                if not request.regenerate_api_key_if_exists:
                    raise OrganizationExists(slug)
                store.update_profile(slug, request)
            profile = store.existing_profile(slug)
            if not created:
                plan = plan_for(session, declared_dataset(catalog, slug, profile), Policy())
            session.apply(plan)
            # A plan may have been taken out of plans.yml since: then the limits on record stay as they are.
            limits = plans.get(profile.subscription_plan or "")
            if limits:
                store.ensure_subscription(slug, profile.subscription_plan or "", limits)
                store.ensure_quota(slug, limits)
            if not created and "subscription_plan" in request.given:
                store.change_plan(slug, request.subscription_plan, plans[request.subscription_plan])
            store.replace_keys(slug, key.hash)
            return _result(profile, key.text, plan, created=created)

        try:
            return self.warehouse.run(work)
        except (ChangeFailed, WarehouseRefused):
            # Rows go to central tables and views read them, so those are the usual cause, and one with a remedy.
            if obstacle := self.warehouse.run(lambda session: _obstacle(session, catalog)):
                raise obstacle from None
            raise

    def dry_run(self, request: OnboardingRequest) -> DryRunResult:
        """Return every check that onboarding would make, without writing anything."""
        catalog, plans = self.catalogs.load(), self.catalogs.plans()
        checks = field_checks(request, plans)
        valid_slug = all(check.passed for check in checks if check.name == "org_slug")

        def work(session: Session) -> tuple[list[Check], Plan | None]:
            if error := _obstacle(session, catalog):
                return [Check("bootstrapped", passed=False, message=f"{error.message}. {error.hint}")], None
            found = [Check("bootstrapped", passed=True, message=f"dataset {catalog.central_name} has what is needed")]
            if not valid_slug:
                return found, None
            more, plan = self._check_organization(session, catalog, request)
            return found + more, plan

        found, plan = self.warehouse.run(work)
        return _dry_run_result(request, checks + found, plan)

    def _check_organization(
        self, session: Session, catalog: Catalog, request: OnboardingRequest
    ) -> tuple[list[Check], Plan]:
        slug = OrgSlug(request.org_slug)
        profile = self._store(session, catalog).profile(slug)
        allowed = profile is None or request.regenerate_api_key_if_exists
        message = f"{slug} is free" if profile is None else OrganizationExists(slug).message
        plan = plan_for(session, declared_dataset(catalog, slug, profile), Policy())
        reason = None if profile else _blocked(plan, request)
        dataset = Check(
            "dataset", reason is None, f"{reason.message} {reason.hint}" if reason else _dataset_message(plan)
        )
        return [Check("organization", allowed, message), dataset], plan

    def _store(self, session: Session, catalog: Catalog) -> Store:
        return Store(session, catalog.central_name, self.clock(), self.new_id)


def _obstacle(session: Session, catalog: Catalog) -> CloudactError | None:
    """What onboarding itself reads and writes has to be there, and what the organization's views read."""
    needed = {table: set(columns) for table, columns in USED_COLUMNS.items()}
    declared = catalog.central_dataset()
    for item in catalog.organization.views:
        for _, name in item.query.tables:
            if table := declared.table(name):
                read = {column.name for column in table.columns if column.name in item.query.columns}
                needed.setdefault(table.name, set()).update(read)
    live = session.inspect(declared.name, among=needed.keys())
    missing = first_absent(live, {table: sorted(columns) for table, columns in needed.items()})
    if live is None or missing is not None:
        return NotBootstrapped(declared.name, missing or "")
    blocking = first_unwritten(live)
    return CentralTableBlocked(declared.name, blocking) if blocking else None


def _dry_run_result(request: OnboardingRequest, checks: list[Check], plan: Plan | None) -> DryRunResult:
    failed = sum(not check.passed for check in checks)
    tables, views = creations(plan.changes) if plan else ([], [])
    return DryRunResult(
        status="BLOCKED" if failed else "READY",
        org_slug=request.org_slug,
        dataset=plan.dataset if plan else "",
        checks=checks,
        tables_to_create=tables,
        views_to_create=views,
        message=f"{counted(failed, 'check')} failed." if failed else "Onboarding would succeed.",
    )


def _blocked(plan: Plan, request: OnboardingRequest) -> CloudactError | None:
    """A new organization gets a dataset of its own: rows that are there already may be somebody else's."""
    if plan.actual is None:
        return None
    if plan.conflicts:
        return DatasetConflict(plan.dataset, [str(finding) for finding in plan.conflicts])
    return None if request.adopt_existing_dataset else DatasetExists(plan.dataset)


def _dataset_message(plan: Plan) -> str:
    if plan.actual is None:
        return f"dataset {plan.dataset} would be created"
    return f"dataset {plan.dataset} exists; {counted(len(plan.changes), 'change')} would be applied"


def _result(profile: Profile, key: str, plan: Plan, *, created: bool) -> OnboardResult:
    tables, views = creations(plan.changes)
    what = "onboarded" if created else "resynced; earlier API keys no longer work"
    return OnboardResult(
        status="SUCCESS",
        org_slug=profile.org_slug,
        company_name=profile.company_name,
        subscription_plan=profile.subscription_plan or "",
        api_key=key,
        dataset=plan.dataset,
        dataset_created=creates_dataset(plan.changes),
        tables_created=tables,
        views_created=views,
        already_existed=not created,
        conflicts=[ConflictReport.of(finding) for finding in plan.conflicts],
        message=f"Organization {profile.org_slug} {what}. Keep the API key now: only its hash is stored.",
    )
