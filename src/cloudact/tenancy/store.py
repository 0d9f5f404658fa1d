"""Rows of the central dataset that the use cases read and write, all of them by organization."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from cloudact.catalog.model import Dataset, Mode
from cloudact.catalog.template import Catalog
from cloudact.errors import InvalidRequest, NotBootstrapped, OrganizationNotFound, WarehouseNotFound
from cloudact.tenancy.checks import OnboardingRequest
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.plans import LIMITS, SubscriptionPlan
from cloudact.warehouse.driver import Condition, Contains, Equals, JsonText, OneOf, Page, Row, Session, Warehouse

PROFILES = "org_profiles"
PROVISIONING = "PROVISIONING"
ACTIVE = "ACTIVE"
KEYS = "org_api_keys"
SUBSCRIPTIONS = "org_subscriptions"
QUOTAS = "org_usage_quotas"
# A column that catalogs of before do not have: it is read by `with_labels`, and written where labels are given.
LABELS = "labels"

_COUNTERS = (
    "pipelines_run_today", "pipelines_succeeded_today", "pipelines_failed_today", "pipelines_run_month",
    "concurrent_pipelines_running",
)  # fmt: skip
_PROFILE_COLUMNS = (
    "org_slug", "company_name", "admin_email", "org_dataset_id", "dataset_location", "status", "subscription_plan",
    "default_currency", "default_country", "default_language", "default_timezone", "created_at", "updated_at",
)  # fmt: skip
# Every column that is read or written here, so that a missing one can be named before and after the fact.
USED_COLUMNS: Mapping[str, tuple[str, ...]] = {
    PROFILES: _PROFILE_COLUMNS,
    KEYS: (
        "org_api_key_id", "org_slug", "org_api_key_hash", "encrypted_org_api_key", "scopes", "is_active", "expires_at",
        "created_at",
    ),
    SUBSCRIPTIONS: (
        "subscription_id", "org_slug", "plan_name", "status", *LIMITS, "max_pipelines_per_day", "trial_end_date",
        "created_at", "updated_at",
    ),
    QUOTAS: ("usage_id", "org_slug", "usage_date", *_COUNTERS, *LIMITS, "last_updated", "created_at"),
}  # fmt: skip
# Fields of a request that an existing profile takes over, when the request has them.
_UPDATABLE = (
    "subscription_plan", "default_currency", "default_country", "default_language", "default_timezone", LABELS,
)  # fmt: skip

# Requests have at most 200 levels and answers 255; pydantic-core, its recursion guard.
_MAX_NESTING = 220

NewId = Callable[[], str]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Profile:
    """One organization as the central dataset knows it; `labels` are there where they were read as well."""

    org_slug: str
    company_name: str
    admin_email: str
    org_dataset_id: str
    dataset_location: str | None
    status: str
    subscription_plan: str | None
    default_currency: str | None
    default_country: str | None
    default_language: str | None
    default_timezone: str | None
    created_at: datetime
    updated_at: datetime | None
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class ProfileFilter:
    """Which organizations to list: each given part must match."""

    status: str | None = None
    subscription_plan: str | None = None
    search: str | None = None

    def check(self) -> None:
        """Raise InvalidRequest for text that is none: a command line can hand over bytes of any kind."""
        for value in (self.status, self.subscription_plan, self.search):
            if value is not None and any(0xD800 <= ord(character) <= 0xDFFF for character in value):
                raise InvalidRequest(f"{value!r} is not text")

    def conditions(self) -> list[Condition]:
        """Return the conditions for the profile table."""
        exact = {"status": self.status, "subscription_plan": self.subscription_plan}
        found: list[Condition] = [Equals(column, value) for column, value in exact.items() if value is not None]
        if self.search:
            found.append(Contains(("org_slug", "company_name"), self.search))
        return found


class Store:
    """The central tables, within one unit of work; raises NotBootstrapped when a table is not there."""

    def __init__(self, session: Session, dataset: str, now: datetime, new_id: NewId) -> None:
        self._session = session
        self._dataset = dataset
        self._now = now
        self._new_id = new_id

    def profile(self, slug: OrgSlug) -> Profile | None:
        """Return the organization's profile, or None."""
        with self._table(PROFILES):
            where = [Equals("org_slug", slug)]
            found = self._session.select(self._dataset, PROFILES, _PROFILE_COLUMNS, where)
        return _profile(found[0]) if found else None

    def existing_profile(self, slug: OrgSlug) -> Profile:
        """Return the organization's profile; raises OrganizationNotFound when there is none."""
        profile = self.profile(slug)
        if profile is None:
            raise OrganizationNotFound(slug)
        return profile

    def profiles_of(self, slugs: Collection[str], also: Sequence[str] = ()) -> dict[str, Profile]:
        """Return the profiles of those organizations that have one, by slug; `also` as `with_labels` says."""
        columns = (*_PROFILE_COLUMNS, *also)
        with self._table(PROFILES, columns):
            found = self._session.select(self._dataset, PROFILES, columns, [OneOf("org_slug", tuple(slugs))])
        return {str(row["org_slug"]): _profile(row) for row in found}

    def profiles(
        self, wanted: ProfileFilter, limit: int, offset: int, also: Sequence[str] = ()
    ) -> tuple[list[Profile], int]:
        """Return one page of profiles ordered by slug, and how many there are in all; `also` as `with_labels` says."""
        where, columns = wanted.conditions(), (*_PROFILE_COLUMNS, *also)
        page = Page(("org_slug",), limit, offset)
        with self._table(PROFILES, columns):
            found = self._session.select(self._dataset, PROFILES, columns, where, page)
            total = self._session.count(self._dataset, PROFILES, where)
        return [_profile(row) for row in found], total

    def claim(self, slug: OrgSlug, request: OnboardingRequest, dataset: str, location: str) -> Profile | None:
        """Insert the profile unless the slug is taken; of simultaneous callers exactly one gets it.

        It is PROVISIONING until `finish`: where a unit of work is no transaction, others may see it before.
        """
        row = profile_row(slug, request, dataset, location, self._now)
        with self._table(PROFILES, row):
            claimed = self._session.insert_if_absent(self._dataset, PROFILES, row, ["org_slug"])
        return _profile(row) if claimed else None

    def finish(self, slug: OrgSlug) -> None:
        """Make a profile that is PROVISIONING active; every unit that adds rows of an organization calls this first."""
        own = [Equals("org_slug", slug), Equals("status", PROVISIONING)]
        with self._table(PROFILES):
            self._session.update(self._dataset, PROFILES, {"status": ACTIVE, "updated_at": self._now}, own)

    def take_over(self, profile: Profile) -> bool:
        """Claim an onboarding that stopped; of simultaneous callers exactly one gets it."""
        found = [
            Equals("org_slug", profile.org_slug),
            Equals("status", PROVISIONING),
            Equals("updated_at", profile.updated_at),
        ]
        with self._table(PROFILES):
            return self._session.compare_and_set(self._dataset, PROFILES, {"updated_at": self._now}, found)

    def release(self, slug: OrgSlug, claimed_at: datetime) -> None:
        """Let the next call go on with an onboarding at once that this one could not finish."""
        own = [Equals("org_slug", slug), Equals("status", PROVISIONING), Equals("updated_at", claimed_at)]
        with self._table(PROFILES):
            self._session.update(self._dataset, PROFILES, {"updated_at": None}, own)

    def update_profile(self, slug: OrgSlug, request: OnboardingRequest) -> None:
        """Take over what the request gives; what it leaves out stays."""
        values = {**_update(request), "updated_at": self._now}
        if LABELS in values:
            values[LABELS] = labels_column(request.labels)
        with self._table(PROFILES, values):
            self._session.update(self._dataset, PROFILES, values, [Equals("org_slug", slug)])

    def ensure_limits(self, slug: OrgSlug, plan_name: str, plans: Mapping[str, SubscriptionPlan]) -> None:
        """Insert the organization's subscription and today's usage row, unless it has them.

        A plan may have been taken out of plans.yml since: then the limits on record stay as they are.
        """
        if plan_name not in plans:
            return
        subscription = subscription_row(slug, plan_name, plans[plan_name], self._now, self._new_id())
        with self._table(SUBSCRIPTIONS):
            self._session.ensure(self._dataset, SUBSCRIPTIONS, subscription, ["org_slug"])
        quota = quota_row(slug, plans[plan_name], self._now, self._new_id())
        with self._table(QUOTAS):
            self._session.ensure(self._dataset, QUOTAS, quota, ["org_slug", "usage_date"])

    def change_plan(self, slug: OrgSlug, plan_name: str, plan: SubscriptionPlan) -> None:
        """Give the organization's subscription, and today's quota, another plan's limits."""
        own = Equals("org_slug", slug)
        values = {"plan_name": plan_name, **subscription_limits(plan), "updated_at": self._now}
        with self._table(SUBSCRIPTIONS):
            for status in ("TRIAL", "ACTIVE"):  # the others are history
                self._session.update(self._dataset, SUBSCRIPTIONS, values, [own, Equals("status", status)])
        with self._table(QUOTAS):
            today = Equals("usage_date", self._now.date())
            self._session.update(self._dataset, QUOTAS, {**plan.limits(), "last_updated": self._now}, [own, today])

    def has_key(self, slug: OrgSlug, row: Row) -> bool:
        """Tell whether this very key was inserted before, whatever its row is called."""
        same = [Equals("org_slug", slug), Equals("org_api_key_hash", row["org_api_key_hash"])]
        with self._table(KEYS):
            return self._session.count(self._dataset, KEYS, same) > 0

    def key_hashes(self, slugs: Collection[str]) -> frozenset[object]:
        """Return what is stored of the keys of these organizations to find them by."""
        with self._table(KEYS):
            where = [OneOf("org_slug", tuple(slugs))]
            found = self._session.select(self._dataset, KEYS, ["org_api_key_hash"], where)
        return frozenset(row["org_api_key_hash"] for row in found)

    def replace_keys(self, slug: OrgSlug, row: Row) -> None:
        """Deactivate the organization's keys and insert this one."""
        with self._table(KEYS):
            active = [Equals("org_slug", slug), Equals("is_active", value=True)]
            self._session.update(self._dataset, KEYS, {"is_active": False}, active)
            self._session.insert(self._dataset, KEYS, [row])

    @contextmanager
    def _table(self, table: str, columns: Iterable[str] = ()) -> Iterator[None]:
        with named_when_missing(self._session, self._dataset, table, [*USED_COLUMNS[table], *columns]):
            yield


def profile_row(
    slug: OrgSlug, request: OnboardingRequest, dataset: str, location: str, now: datetime
) -> dict[str, Any]:
    """Return the profile of an organization that is being onboarded."""
    return {
        "org_slug": str(slug),
        "company_name": request.company_name,
        "admin_email": request.admin_email,
        "org_dataset_id": dataset,
        "dataset_location": location,
        "status": PROVISIONING,
        "subscription_plan": request.subscription_plan,
        "default_currency": request.default_currency,
        "default_country": request.default_country,
        "default_language": request.default_language,
        "default_timezone": request.default_timezone,
        "created_at": now,
        "updated_at": now,
        **({LABELS: labels_column(request.labels)} if request.labels else {}),
    }


def subscription_row(
    slug: OrgSlug, plan_name: str, plan: SubscriptionPlan, now: datetime, new_id: str
) -> dict[str, Any]:
    """Return the subscription that an organization begins with."""
    trial_end = plan.trial_end(now.date())
    return {
        "subscription_id": new_id,
        "org_slug": str(slug),
        "plan_name": plan_name,
        "status": "TRIAL" if trial_end else "ACTIVE",
        **subscription_limits(plan),
        "trial_end_date": trial_end,
        "created_at": now,
        "updated_at": now,
    }


def quota_row(slug: OrgSlug, plan: SubscriptionPlan, now: datetime, new_id: str) -> dict[str, Any]:
    """Return a day's usage of an organization on this plan, of which there is none yet."""
    return {
        "usage_id": new_id,
        "org_slug": str(slug),
        "usage_date": now.date(),
        **dict.fromkeys(_COUNTERS, 0),
        **plan.limits(),
        "last_updated": now,
        "created_at": now,
    }


@contextmanager
def named_when_missing(session: Session, dataset: str, table: str, columns: Iterable[str]) -> Iterator[None]:
    """Raise NotBootstrapped naming what the central dataset lacks, where a statement on a table finds it missing."""
    try:
        yield
    except WarehouseNotFound as error:
        missing = first_absent(session.inspect(dataset, among=[table]), {table: columns})
        if missing is None:
            raise
        raise NotBootstrapped(dataset, missing) from error


def with_labels(warehouse: Warehouse, read: Callable[[Session, Sequence[str]], T]) -> T:
    """Return what a unit of work reads, which is told the columns of profiles to read beside those it needs.

    That is the one with labels; none where the live table does not have it yet, and nobody has any.
    """
    try:
        return warehouse.run(lambda session: read(session, (LABELS,)))
    except NotBootstrapped as error:
        if error.missing != f"{PROFILES}.{LABELS}":
            raise
    return warehouse.run(lambda session: read(session, ()))


def labels_column(labels: Mapping[str, str]) -> JsonText | None:
    """Return labels as the column of a profile holds them."""
    return JsonText(json.dumps(labels, sort_keys=True)) if labels else None


def labels_of(value: object) -> dict[str, str]:
    """Return the labels that a column of a profile holds, without what another program has written that is none.

    That is whatever is no text, or has what no answer and no terminal should get, such as half of a surrogate pair.
    """
    found = stored_object(value) or {}
    return {key: text for key, text in sorted(found.items()) if isinstance(text, str) and (key + text).isprintable()}


def may_be_a_strangers(profile: Profile | None, actual: Dataset | None, declared: Dataset) -> bool:
    """Tell whether nobody has said that this dataset is the organization's.

    An onboarding that stopped may have made it, which its labels then tell.
    """
    if profile is None:
        return True
    ours = bool(declared.labels) and actual is not None and set(declared.labels) <= set(actual.labels)
    return profile.status == PROVISIONING and not ours


def updated(profile: Profile, request: OnboardingRequest) -> Profile:
    """Return the profile as `Store.update_profile` leaves it."""
    return replace(profile, **_update(request))


def declared_dataset(catalog: Catalog, slug: OrgSlug, profile: Profile | None) -> Dataset:
    """Return an organization's declared dataset, under the name and in the location its profile has on record."""
    if profile is None:
        return catalog.organization_dataset(slug)
    return catalog.organization_dataset(slug, name=profile.org_dataset_id, location=profile.dataset_location)


def first_absent(live: Dataset | None, needed: Mapping[str, Iterable[str]], views: Iterable[str] = ()) -> str | None:
    """Return the first of these tables, `table.column` or views that the dataset lacks; "" when there is no dataset."""
    if live is None:
        return ""
    for name, columns in needed.items():
        table = live.table(name)
        if table is None:
            return name
        for column in columns:
            if table.column(column) is None:
                return f"{name}.{column}"
    return next((name for name in views if live.view(name) is None), None)


def first_unwritten(live: Dataset) -> str | None:
    """Return the first `table.column` that every row here would have to fill and none does."""
    for name, written in USED_COLUMNS.items():
        table = live.table(name)
        for column in table.columns if table else ():
            if column.mode is Mode.REQUIRED and column.default is None and column.key not in written:
                return f"{name}.{column.name}"
    return None


def _update(request: OnboardingRequest) -> dict[str, Any]:
    given = {name: getattr(request, name) for name in _UPDATABLE if name in request.given}
    return {"company_name": request.company_name, "admin_email": request.admin_email, **given}


def subscription_limits(plan: SubscriptionPlan) -> dict[str, int | None]:
    """Return a plan's limits; `max_pipelines_per_day` is the earlier name of `daily_limit`, and readers of it exist."""
    return {**plan.limits(), "max_pipelines_per_day": plan.daily_limit}


def _profile(row: dict[str, Any]) -> Profile:
    return Profile(**{**row, LABELS: labels_of(row.get(LABELS))})


def stored_json(value: object) -> Any:
    """Return what a column of JSON holds, which an engine may give as text.

    A text that is no JSON, or that is nested deeper than an answer can be, is returned as it is.
    """
    if not isinstance(value, str):
        return value
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return value if _is_deep(found) else found


def stored_object(value: object) -> dict[str, Any] | None:
    """Return the object that a column of JSON holds; None for anything else, which another program has written."""
    found = stored_json(value)
    return found if isinstance(found, dict) else None


def _is_deep(value: object) -> bool:
    items = [value]
    for _ in range(_MAX_NESTING):
        inner = (item.values() if isinstance(item, dict) else item for item in items if isinstance(item, dict | list))
        items = [item for each in inner for item in each]
        if not items:
            return False
    return True
