"""Onboarding an organization: its profile, subscription, quota, key and dataset, together or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cloudact.catalog.load import CatalogSource
from cloudact.catalog.model import Dataset
from cloudact.catalog.template import Catalog
from cloudact.errors import DatasetConflict, NotBootstrapped, OrganizationExists
from cloudact.planning.plan import Plan, creates_dataset, creations
from cloudact.planning.policy import Policy
from cloudact.tenancy.api_keys import make_key
from cloudact.tenancy.checks import Check, OnboardingRequest, field_checks, require
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.plans import load_plans
from cloudact.tenancy.store import NewId, Store
from cloudact.tenancy.sync import counted, plan_for
from cloudact.warehouse.driver import Session, Warehouse


@dataclass(frozen=True, slots=True)
class OnboardResult:
    """A new or resynced organization; `api_key` is the only copy of the key there will ever be."""

    status: str
    org_slug: str
    company_name: str
    subscription_plan: str
    api_key: str = field(repr=False)
    dataset: str = ""
    dataset_created: bool = False
    tables_created: list[str] = field(default_factory=list)
    views_created: list[str] = field(default_factory=list)
    already_existed: bool = False
    message: str = ""


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

    catalogs: CatalogSource
    plans_root: Path
    warehouse: Warehouse
    clock: Callable[[], datetime]
    new_id: NewId

    def onboard(self, request: OnboardingRequest) -> OnboardResult:
        """Create the organization, or resync it when the request says so; raises OrganizationExists otherwise."""
        catalog, plans = self.catalogs.load(), load_plans(self.plans_root)
        require(field_checks(request, plans))
        slug = OrgSlug(request.org_slug)
        plan_limits, key = plans[request.subscription_plan], make_key(slug)

        def work(session: Session) -> OnboardResult:
            store = self._store(session, catalog)
            desired = catalog.organization_dataset(slug)
            created = store.add_profile(slug, request, desired.name, desired.location)
            profile = store.profile(slug)
            if profile is None:
                raise NotBootstrapped(catalog.central_name)
            if not created:
                if not request.regenerate_api_key_if_exists:
                    raise OrganizationExists(slug)
                desired = catalog.organization_dataset(slug, location=profile.dataset_location)
                store.update_profile(slug, request)
            plan = _applied(session, desired)
            current = request.subscription_plan
            if created or "subscription_plan" in request.given:
                store.add_subscription(slug, current, plan_limits)
                store.change_plan(slug, current, plan_limits)
            elif profile.subscription_plan in plans:
                current = profile.subscription_plan
                store.add_subscription(slug, current, plans[current])
            store.add_quota(slug, plans[current])
            store.replace_keys(slug, key.hash)
            return _result(slug, request, current, key.text, plan, created=created)

        return self.warehouse.run(work)

    def dry_run(self, request: OnboardingRequest) -> DryRunResult:
        """Return every check that onboarding would make, without writing anything."""
        catalog, plans = self.catalogs.load(), load_plans(self.plans_root)
        checks = field_checks(request, plans)
        plan: Plan | None = None
        if all(check.passed for check in checks if check.name == "org_slug"):
            slug = OrgSlug(request.org_slug)

            def work(session: Session) -> tuple[list[Check], Plan | None]:
                return self._look(session, catalog, slug, request)

            found, plan = self.warehouse.run(work)
            checks += found
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

    def _look(
        self, session: Session, catalog: Catalog, slug: OrgSlug, request: OnboardingRequest
    ) -> tuple[list[Check], Plan | None]:
        central = catalog.central_dataset()
        live = session.inspect(central.name, among=[table.name for table in central.tables])
        missing = [table.name for table in central.tables if live is None or live.table(table.name) is None]
        if missing:
            error = NotBootstrapped(central.name, missing[0] if live else "")
            return [Check("bootstrapped", passed=False, message=f"{error.message}. {error.hint}")], None
        checks = [Check("bootstrapped", passed=True, message=f"dataset {central.name} is complete")]
        profile = self._store(session, catalog).profile(slug)
        allowed = profile is None or request.regenerate_api_key_if_exists
        message = f"{slug} is free" if profile is None else OrganizationExists(slug).message
        checks.append(Check("organization", allowed, message))
        location = profile.dataset_location if profile else None
        plan = plan_for(session, catalog.organization_dataset(slug, location=location), Policy())
        conflicts = "; ".join(str(finding) for finding in plan.conflicts)
        checks.append(Check("dataset", not conflicts, conflicts or _dataset_message(plan)))
        return checks, plan

    def _store(self, session: Session, catalog: Catalog) -> Store:
        return Store(session, catalog.central_name, self.clock(), self.new_id)


def _applied(session: Session, desired: Dataset) -> Plan:
    plan = plan_for(session, desired, Policy())
    if plan.conflicts:
        raise DatasetConflict(desired.name, [str(finding) for finding in plan.conflicts])
    session.apply(plan)
    return plan


def _dataset_message(plan: Plan) -> str:
    if plan.actual is None:
        return f"dataset {plan.dataset} would be created"
    return f"dataset {plan.dataset} exists; {counted(len(plan.changes), 'change')} would be applied"


def _result(
    slug: OrgSlug, request: OnboardingRequest, plan_name: str, key: str, plan: Plan, *, created: bool
) -> OnboardResult:
    tables, views = creations(plan.changes)
    what = "onboarded" if created else "resynced; earlier API keys no longer work"
    return OnboardResult(
        status="SUCCESS",
        org_slug=str(slug),
        company_name=request.company_name,
        subscription_plan=plan_name,
        api_key=key,
        dataset=plan.dataset,
        dataset_created=creates_dataset(plan.changes),
        tables_created=tables,
        views_created=views,
        already_existed=not created,
        message=f"Organization {slug} {what}. Keep the API key now: only its hash is stored.",
    )
