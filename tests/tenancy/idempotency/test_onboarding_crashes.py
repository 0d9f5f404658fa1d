"""An onboarding that stops at any call is finished by its repeat: one organization, one key that works, all of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from cloudact.errors import OnboardingUnfinished, OrganizationExists, WarehouseUnavailable
from cloudact.planning.status import SyncStatus
from cloudact.settings import Settings
from cloudact.tenancy.access.caller import ADMINISTRATOR
from cloudact.tenancy.actor import Actor
from cloudact.tenancy.audit.logs import AuditFilter
from cloudact.tenancy.audit.verification import ChainStatus
from cloudact.tenancy.checks import OnboardingRequest
from cloudact.tenancy.idempotency.idempotency import Attempt
from cloudact.tenancy.idempotency.operation import Operation
from cloudact.tenancy.idempotency.record import Request
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.onboarding import OnboardResult
from cloudact.warehouse.driver import Equals
from cloudact.wiring import Services, build_services
from tests.acme import ACME, ROOT
from tests.api.catalog_files import CatalogFiles
from tests.tenancy.recreation.failing import Failing
from tests.unlimited_bigquery import unlimited

ACTOR = Actor(ADMINISTRATOR)
_OWN = {"org_profiles": {"status": "ACTIVE"}, "org_subscriptions": {}, "org_usage_quotas": {}}


@dataclass
class Town:
    """The services, and requests to onboard organizations under idempotency keys."""

    services: Services

    def begin(self, slug: str) -> Operation:
        """Begin, or begin again, as after the lease of whoever stopped."""
        begun = self.services.idempotency.begin(Request(ACTOR, slug, "POST", "/onboard", "", slug.encode()))
        assert isinstance(begun, Attempt)
        self.services.idempotency.release(begun)
        return begun.operation

    def onboard(self, slug: str, failing: Failing | None = None, *, regenerate: bool = False) -> OnboardResult:
        """Onboard an organization, over a warehouse that may fail."""
        fields = {**ACME, "org_slug": slug}
        request = OnboardingRequest(**fields, regenerate_api_key_if_exists=regenerate, given=frozenset(fields))
        use_case = self.services.onboarding
        if failing:
            use_case = replace(use_case, warehouse=failing, trail=self.services.trail.over(failing))
        return use_case.onboard(request, actor=ACTOR, operation=self.begin(slug))

    def assert_one_of_everything(self, slug: str, result: OnboardResult) -> None:
        """One organization, one key that works, a complete dataset, and one row that says that it was made."""
        caller = self.services.access.examine(result.api_key).caller
        assert caller
        assert caller.organization == slug
        for table, state in _OWN.items():
            where = [Equals("org_slug", slug), *(Equals(name, value) for name, value in state.items())]
            assert self.count(table, where) == self.count(table, where[:1]) == 1, table
        assert self.count("org_api_keys", [Equals("org_slug", slug), Equals("is_active", value=True)]) == 1
        assert self.services.organizations.status(OrgSlug(slug)).status is SyncStatus.SYNCED
        assert self.services.verifier.verify(slug).status is ChainStatus.INTACT

    def count(self, table: str, where: list[Equals]) -> int:
        """How many rows of a central table meet conditions."""
        warehouse = self.services.bootstrap.warehouse
        return warehouse.run(lambda session: session.count("organizations", table, where))

    def made(self, slug: str) -> list[str]:
        """What the trail says of an organization's onboarding, the first first."""
        logs = self.services.audit_logs.of_organization(OrgSlug(slug), AuditFilter(), limit=50).logs
        return [f"{item.action} {item.status}" for item in reversed(logs)]


@pytest.fixture(params=["duckdb", pytest.param("bigquery", marks=pytest.mark.slow)])
def town(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    """The services over a catalog whose organizations have one table and one view: soon made."""
    root = Path(shutil.copytree(ROOT / "configs", tmp_path / "configs"))
    files = CatalogFiles(root)
    with files.config("organizations") as config:
        config["tables"] = dict(list(config["tables"].items())[:1])
        config["views"] = {name: view for name, view in config["views"].items() if name == "x_org_hierarchy"}
    for kind, kept in (("schemas", config["tables"]), ("views", config["views"])):
        for path in files.path(f"organizations/{kind}").iterdir():
            if path.stem not in kept:
                path.unlink()
    if request.param == "duckdb":
        with closing(build_services(Settings(warehouse_url="duckdb:///:memory:", config_dir=root))) as services:
            services.bootstrap.run()
            yield Town(services)
        return
    with unlimited(monkeypatch):
        url = "bigquery://some-project?location=EU"
        with closing(build_services(Settings(warehouse_url=url, config_dir=root))) as services:
            services.bootstrap.run()
            yield Town(services)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_its_repeat_finishes_what_stopped_at_any_call(town: Town, after: bool) -> None:
    for number in count(1):
        slug = f"org_{number}"
        failing = Failing(town.services.bootstrap.warehouse, number, after=after)
        try:
            first = town.onboard(slug, failing)
        except WarehouseUnavailable:
            town.assert_one_of_everything(slug, town.onboard(slug))
            assert town.made(slug) == ["CREATE SUCCESS"]
        else:
            town.assert_one_of_everything(slug, first)
            break
    assert number > 10


def test_a_repeat_whose_first_answer_was_lost_gives_the_same_key(town: Town) -> None:
    first, again = town.onboard("acme_corp"), town.onboard("acme_corp")
    assert again.api_key == first.api_key
    assert (again.already_existed, again.dataset) == (False, first.dataset)
    town.assert_one_of_everything("acme_corp", again)
    assert town.made("acme_corp") == ["CREATE SUCCESS"]


def test_a_new_key_for_an_organization_that_exists_is_made_once(town: Town) -> None:
    town.services.onboarding.onboard(OnboardingRequest(**ACME, given=frozenset(ACME)))
    first, again = (town.onboard("acme_corp", regenerate=True) for _ in range(2))
    assert again.api_key == first.api_key
    assert (first.already_existed, again.already_existed) == (True, True)
    town.assert_one_of_everything("acme_corp", again)
    assert town.made("acme_corp") == ["CREATE SUCCESS", "UPDATE SUCCESS"]


def test_a_repeat_goes_on_once_another_callers_claim_is_abandoned(town: Town) -> None:
    """The age of a claim is told from the time of the repeat, not from that of the first attempt."""
    now = datetime.now(UTC)
    claim = {
        "org_slug": "acme_corp", "company_name": "A", "admin_email": "a@example.com", "status": "PROVISIONING",
        "org_dataset_id": "acme_corp_prod", "created_at": now, "updated_at": now,
    }  # fmt: skip
    town.services.bootstrap.warehouse.run(lambda session: session.insert("organizations", "org_profiles", [claim]))
    with pytest.raises(OnboardingUnfinished):
        town.onboard("acme_corp")
    onboarding = replace(town.services.onboarding, clock=lambda: now + timedelta(minutes=10))
    later = Town(replace(town.services, onboarding=onboarding))
    later.assert_one_of_everything("acme_corp", later.onboard("acme_corp"))


def test_another_key_stands_for_another_onboarding(town: Town) -> None:
    town.onboard("acme_corp")
    with pytest.raises((OrganizationExists, OnboardingUnfinished)):
        town.services.onboarding.onboard(OnboardingRequest(**ACME, given=frozenset(ACME)))
