"""Onboarding an organization: its profile, subscription, quota, key and dataset.

Together or not at all where the warehouse has transactions; elsewhere the profile comes first and says PROVISIONING
until everything is there, each step can be repeated, and the next call or sync goes on from whatever is there.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from cloudact.catalog.model import Dataset
from cloudact.catalog.template import Catalog
from cloudact.errors import (
    CentralTableBlocked,
    ChangeFailed,
    CloudactError,
    DatasetConflict,
    DatasetExists,
    NotBootstrapped,
    OnboardingUnfinished,
    OrganizationExists,
    WarehouseError,
    WarehouseNotFound,
    WarehouseRefused,
)
from cloudact.planning.changes import Change
from cloudact.planning.plan import Plan, creates_dataset, creations, make_plan
from cloudact.planning.policy import Policy
from cloudact.tenancy.access.issuing import IssuedKey, KeyIssuer
from cloudact.tenancy.actor import UNATTENDED, Actor
from cloudact.tenancy.audit.event import Action, Event, ResourceType
from cloudact.tenancy.audit.rows import TRAIL_COLUMNS
from cloudact.tenancy.audit.trail import AuditTrail
from cloudact.tenancy.checks import Check, OnboardingRequest, field_checks, require
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.idempotency.operation import Operation
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.plans import SubscriptionPlan
from cloudact.tenancy.secrets.columns import CREDENTIAL
from cloudact.tenancy.secrets.platform import PLATFORM_COLUMNS
from cloudact.tenancy.store import (
    LABELS,
    PROFILES,
    PROVISIONING,
    USED_COLUMNS,
    NewId,
    Profile,
    Store,
    declared_dataset,
    first_absent,
    first_unwritten,
    may_be_a_strangers,
    updated,
)
from cloudact.tenancy.sync import ConflictReport, counted, plan_for
from cloudact.warehouse.driver import Session, Warehouse
from cloudact.warehouse.usage import measured

_Plans = Mapping[str, SubscriptionPlan]
# Much longer than a call lasts, even one that meets retries; a call that failed by itself releases its claim at once.
# One that takes longer still can be taken over: both finish the same work, and the later one's key works.
ABANDONED_AFTER = timedelta(minutes=5)


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
    bytes_billed: int
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
class _Call:
    """One onboarding that was asked for; when `resumed`, an earlier call may have done it."""

    request: OnboardingRequest
    slug: OrgSlug
    catalog: Catalog
    plans: _Plans
    actor: Actor
    key: IssuedKey
    began: datetime
    resumed: bool


@dataclass(frozen=True, slots=True)
class Onboarding:
    """Use cases that bring an organization into being."""

    catalogs: Declarations
    warehouse: Warehouse
    clock: Callable[[], datetime]
    new_id: NewId
    issuer: KeyIssuer
    trail: AuditTrail

    def onboard(
        self,
        request: OnboardingRequest,
        *,
        actor: Actor = UNATTENDED,
        operation: Operation | None = None,
        key: IssuedKey | None = None,
    ) -> OnboardResult:
        """Create the organization, or resync it when the request says so; raises OrganizationExists otherwise.

        Whatever an earlier attempt at the same `operation` has done is found again, the key that it made as well. A
        `key` of the organization is one that the caller has kept already.
        """
        catalog, plans = self.catalogs.load(), self.catalogs.plans()
        # What cannot be meant is no attempt at a change; it is refused as what no field can hold is.
        require(field_checks(request, plans))
        with self.trail.attempt(actor, wished_event(request)):
            return self._onboard(request, catalog, plans, actor, operation, key)

    def _onboard(
        self,
        request: OnboardingRequest,
        catalog: Catalog,
        plans: _Plans,
        actor: Actor,
        operation: Operation | None,
        made_key: IssuedKey | None,
    ) -> OnboardResult:
        slug = OrgSlug(request.org_slug)
        # A claim on the slug is known by its time, so that all attempts at one operation have the same claim.
        now = operation.begun_at if operation else self.clock()
        secret = operation.secret_for("api-key") if operation else None
        key = made_key or self.issuer.issue(slug, now, secret=secret)
        call = _Call(request, slug, catalog, plans, actor, key, now, resumed=bool(operation and operation.resumed))
        attempts = itertools.count()
        try:
            with measured() as usage:
                result = self.trail.run(lambda session: self._attempt(session, call, again=next(attempts) > 0))
            return replace(result, bytes_billed=usage.bytes_billed)
        except WarehouseError as error:
            # Also when the claim's own answer was lost: only a claim of exactly this call is released.
            self._release(catalog, slug, now)
            # Rows go to central tables and views read them, so those are the usual cause, and one with a remedy.
            refused = isinstance(error, ChangeFailed | WarehouseRefused | WarehouseNotFound)
            # To have none any more is written as well, where somebody exists.
            labelled = bool(request.labels) or LABELS in request.given
            if refused and (found := self.warehouse.run(lambda one: obstacle_to(one, catalog, labelled=labelled))):
                raise found from None
            raise
        finally:
            self.issuer.cache.forget(slug)

    def _attempt(self, session: Session, call: _Call, *, again: bool) -> OnboardResult:
        """Do what is left of an onboarding, in a unit of work that may have to be run `again`."""
        catalog, request, slug, key = call.catalog, call.request, call.slug, call.key
        store = Store(session, catalog.central_name, call.began, self.new_id)
        if call.resumed and store.has_key(slug, key.row):
            made_before = store.existing_profile(slug)
            plan = plan_for(session, declared_dataset(catalog, slug, made_before), Policy())
            return _result(made_before, key.text, plan, (), created=made_before.created_at == call.began)
        declared = catalog.organization_dataset(slug)
        plan = _plan_of_new(session, store, call, declared)
        profile = store.claim(slug, request, declared.name, declared.location)
        claimed, created = profile is not None, profile is not None
        if profile is None:
            found = store.existing_profile(slug)
            created = _take_over(store, found, request, claimed_at=call.began, now=self.clock())
            profile = updated(found, request)
            plan = plan_for(session, declared_dataset(catalog, slug, profile), Policy())
        made = session.apply(plan)
        if catalog.organization.authorize_views and not catalog.unreadable_views(profile.dataset_location):
            session.authorize(plan.dataset, catalog.central_name)
        done = done_event(wished_event(request), key.key_id, created=created)
        # A profile that an earlier attempt has claimed may have had rows added to its chain since.
        self.trail.record(session, call.actor, done, begins=claimed and not again)
        store.finish(slug)
        if not claimed:
            store.update_profile(slug, request)
        _write_limits(store, profile, request, call.plans, created=created)
        store.replace_keys(slug, key.row)
        return _result(profile, key.text, plan, made, created=created)

    def _release(self, catalog: Catalog, slug: OrgSlug, claimed_at: datetime) -> None:
        """Where a failed unit leaves its claim behind, the next call need not wait for it to be abandoned."""
        # The warehouse may be what failed; then the claim ends by its age.
        with suppress(CloudactError):
            self.warehouse.run(lambda session: self._store(session, catalog).release(slug, claimed_at))

    def dry_run(self, request: OnboardingRequest) -> DryRunResult:
        """Return every check that onboarding would make, without writing anything."""
        catalog, plans = self.catalogs.load(), self.catalogs.plans()
        checks = field_checks(request, plans)
        valid_slug = all(check.passed for check in checks if check.name == "org_slug")

        def work(session: Session) -> tuple[list[Check], Plan | None]:
            if error := obstacle_to(session, catalog, labelled=bool(request.labels)):
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
        organization = _organization_check(slug, profile, request, self.clock())
        desired = declared_dataset(catalog, slug, profile)
        plan = plan_for(session, desired, Policy())
        reason = _blocked(plan, request) if may_be_a_strangers(profile, plan.actual, desired) else None
        dataset = Check(
            "dataset", reason is None, f"{reason.message} {reason.hint}" if reason else _dataset_message(plan)
        )
        views = _views_check(session, plan, catalog.unreadable_views(desired.location), catalog.central.location)
        return [organization, dataset, views], plan

    def _store(self, session: Session, catalog: Catalog) -> Store:
        return Store(session, catalog.central_name, self.clock(), self.new_id)


def obstacle_to(session: Session, catalog: Catalog, *, labelled: bool) -> CloudactError | None:
    """Return what keeps every organization, or each that is `labelled`, from being onboarded, or None.

    What onboarding itself reads and writes has to be there, and what the organization's views read.
    """
    needed = {table: set(columns) for table, columns in USED_COLUMNS.items()}
    needed[CREDENTIAL.table] = set(PLATFORM_COLUMNS)  # the secret that keys are found by
    for name, columns in TRAIL_COLUMNS.items():
        needed.setdefault(name, set()).update(columns)
    if labelled:
        needed[PROFILES].add(LABELS)
    declared = catalog.central_dataset()
    for item in catalog.organization.views:
        for _, name in item.query.tables:
            if table := declared.table(name):
                read = {column.name for column in table.columns if column.name in item.query.columns}
                needed.setdefault(table.name, set()).update(read)
    shared = sorted(
        {name for item in catalog.organization.views for _, name in item.query.tables if declared.view(name)}
    )
    live = session.inspect(declared.name, [*needed, *shared], declared)
    missing = first_absent(live, {table: sorted(columns) for table, columns in needed.items()}, shared)
    if live is None or missing is not None:
        return NotBootstrapped(declared.name, missing or "")
    blocking = first_unwritten(live)
    return CentralTableBlocked(declared.name, blocking) if blocking else None


def wished_event(request: OnboardingRequest) -> Event:
    """Return what the audit trail says of an onboarding that was asked for."""
    names = ("company_name", "subscription_plan", "regenerate_api_key_if_exists", "adopt_existing_dataset")
    details = {"operation": "onboard", **{name: getattr(request, name) for name in names}}
    if LABELS in request.given or request.labels:
        details[LABELS] = dict(request.labels)
    return Event(Action.CREATE, ResourceType.ORGANIZATION, request.org_slug, request.org_slug, details)


def done_event(event: Event, key_id: str, *, created: bool) -> Event:
    """Return what the audit trail says of it once it is done."""
    action = Action.CREATE if created else Action.UPDATE
    return replace(event, action=action, details={**event.details, "org_api_key_id": key_id})


def _views_check(session: Session, plan: Plan, unreadable: tuple[str, ...], central: str) -> Check:
    try:
        session.check(plan)
    except WarehouseRefused as error:
        return Check("views", passed=False, message=f"{error.message}. {error.hint}")
    if unreadable:
        left_out = f"left out, because the central dataset is in {central} and no view reads across locations"
        return Check(
            "views", passed=True, message=f"{', '.join(unreadable)}: {left_out}; reads take the central tables"
        )
    return Check("views", passed=True, message="every view can be made")


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


def _plan_of_new(session: Session, store: Store, call: _Call, declared: Dataset) -> Plan:
    """Return the plan for a slug that nobody has; raises for a dataset that may be a stranger's.

    The dataset is read before the profile is claimed, so that what another caller onboards in between is met as a
    profile, and not as a dataset that belongs to nobody. Nothing is expected of it yet.
    """
    plan = make_plan(session.inspect(declared.name), declared, Policy())
    session.check(plan)
    reason = _blocked(plan, call.request)
    if reason and may_be_a_strangers(store.profile(call.slug), plan.actual, declared):
        raise reason
    return plan


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


def _organization_check(slug: OrgSlug, profile: Profile | None, request: OnboardingRequest, now: datetime) -> Check:
    if profile is None:
        return Check("organization", passed=True, message=f"{slug} is free")
    if profile.status == PROVISIONING:
        at_it = _is_claimed(profile, now)
        message = OnboardingUnfinished(slug).message if at_it else f"the onboarding of {slug} stopped, and is finished"
        return Check("organization", passed=not at_it, message=message)
    return Check("organization", request.regenerate_api_key_if_exists, OrganizationExists(slug).message)


def _is_claimed(profile: Profile, now: datetime) -> bool:
    return profile.updated_at is not None and now - profile.updated_at < ABANDONED_AFTER


def _take_over(
    store: Store, profile: Profile, request: OnboardingRequest, *, claimed_at: datetime, now: datetime
) -> bool:
    """Tell whether this call finishes an onboarding that stopped; raises when it may not, and is no resync either.

    Its own claim is as old as the first attempt at it; another one's age is told from `now`.
    """
    if profile.status != PROVISIONING:
        if not request.regenerate_api_key_if_exists:
            raise OrganizationExists(profile.org_slug)
        return False
    if profile.updated_at == claimed_at:
        return True  # by an earlier attempt of this very call
    if _is_claimed(profile, now) or not store.take_over(profile):
        raise OnboardingUnfinished(profile.org_slug)
    return True


def _write_limits(store: Store, profile: Profile, request: OnboardingRequest, plans: _Plans, *, created: bool) -> None:
    slug = OrgSlug(profile.org_slug)
    store.ensure_limits(slug, profile.subscription_plan or "", plans)
    if not created and "subscription_plan" in request.given:
        store.change_plan(slug, request.subscription_plan, plans[request.subscription_plan])


def _result(profile: Profile, key: str, plan: Plan, made: tuple[Change, ...], *, created: bool) -> OnboardResult:
    tables, views = creations(made)
    what = "onboarded" if created else "resynced; earlier API keys no longer work"
    return OnboardResult(
        status="SUCCESS",
        org_slug=profile.org_slug,
        company_name=profile.company_name,
        subscription_plan=profile.subscription_plan or "",
        api_key=key,
        dataset=plan.dataset,
        dataset_created=creates_dataset(made),
        tables_created=tables,
        views_created=views,
        already_existed=not created,
        conflicts=[ConflictReport.of(finding) for finding in plan.conflicts],
        bytes_billed=0,
        message=f"Organization {profile.org_slug} {what}. Keep the API key now: it is not told again.",
    )
