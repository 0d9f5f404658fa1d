"""Onboarding everybody in a file: who is onboarded, who is told why not, and where the keys are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace

import pytest

from cloudact.errors import InvalidRequest, NotBootstrapped, WarehouseRefused, WarehouseUnavailable
from cloudact.fleet.onboarding import unit as units
from cloudact.fleet.onboarding.key_file import HELD, KeyFile
from cloudact.fleet.onboarding.onboarding import FleetOnboarded
from cloudact.planning.status import SyncStatus
from cloudact.tenancy.audit.verification import ChainStatus
from cloudact.tenancy.checks import OnboardingRequest
from cloudact.tenancy.names import OrgSlug
from cloudact.warehouse.driver import Session
from cloudact.wiring import Services
from tests.fleet.doomed import NEW, asked, key_file_of, onboard_fleet
from tests.fleet.fleets import TWELVE, Fleet
from tests.reliability.world import acme_request

PROFILES = "SELECT * FROM organizations.org_profiles WHERE org_slug = ?"


def onboard(fleet: Fleet, lines: Iterable[str], unit: int = 50) -> FleetOnboarded:
    use_case = replace(fleet.services.fleet_onboarding, unit=unit)
    return use_case.onboard(lines, key_file_of(fleet.services))


def keys_in(services: Services) -> dict[str, str]:
    """The keys in the file, of each organization one."""
    lines = [json.loads(line) for line in key_file_of(services).read_text().splitlines()]
    assert len({line["org_slug"] for line in lines}) == len(lines)
    return {line["org_slug"]: line["api_key"] for line in lines}


def assert_onboarded(fleet: Fleet, slugs: Iterable[str]) -> None:
    """Check that these are onboarded as by themselves, that each has a key that works, and nothing is left held."""
    found = keys_in(fleet.services)
    for slug in slugs:
        assert fleet.services.organizations.status(OrgSlug(slug)).status is SyncStatus.SYNCED
        assert len(fleet.live.rows(PROFILES, slug)) == 1
        assert found[slug].startswith(f"{slug}_api_")
        caller = fleet.services.access.examine(found[slug]).caller
        assert caller is not None
        assert caller.organization == slug
        query = "SELECT count(*) AS keys FROM organizations.org_api_keys WHERE org_slug = ? AND is_active"
        assert fleet.live.rows(query, slug) == [{"keys": 1}]
    assert fleet.services.verifier.verify().status is ChainStatus.INTACT
    assert not key_file_of(fleet.services).with_name(f"keys.jsonl{HELD}").exists()


def normal(row: dict[str, object]) -> dict[str, object]:
    """A row without what differs for everybody, or from moment to moment."""
    return {
        name: value
        for name, value in row.items()
        if not name.endswith(("_id", "_at", "_hash", "_head")) and name not in {"encrypted_org_api_key", "last_updated"}
    }


def text_of(rows: list[dict[str, object]]) -> str:
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "an id", json.dumps(rows, default=str))


def test_many_are_onboarded_as_each_by_itself(small: Fleet) -> None:
    small.services.onboarding.onboard(OnboardingRequest("alone", "New Co", "admin@new.example"))
    done = onboard(small, asked("many_1", "many_2"))
    assert (done.requests, done.onboarded, done.skipped, done.failed) == (2, 2, 0, [])
    assert_onboarded(small, ["many_1", "many_2"])
    for table in ("org_profiles", "org_api_keys", "org_subscriptions", "org_usage_quotas", "org_audit_logs"):
        query = f"SELECT * FROM organizations.{table} WHERE org_slug = ?"
        alone, *many = ([normal(row) for row in small.live.rows(query, slug)] for slug in ("alone", "many_1", "many_2"))
        for slug, rows in zip(("many_1", "many_2"), many, strict=True):
            assert text_of(rows).replace(slug, "alone") == text_of(alone)


def test_units_of_any_size_do_the_same(small: Fleet) -> None:
    done = onboard(small, [*asked(*NEW[:3]), "", *asked(NEW[3])], unit=3)
    assert done.onboarded == 4
    assert_onboarded(small, NEW[:4])


def test_run_again_it_skips_who_is_there(small: Fleet) -> None:
    onboard(small, asked(*NEW[:2]))
    before = keys_in(small.services)
    done = onboard(small, asked(*NEW[:3]))
    assert (done.onboarded, done.skipped, done.failed, done.without_key) == (1, 2, [], [])
    assert keys_in(small.services).items() >= before.items()
    assert_onboarded(small, NEW[:3])


def test_who_was_there_before_without_a_key_in_the_file_is_named(small: Fleet) -> None:
    company, email = acme_request().company_name, acme_request().admin_email
    done = onboard(small, asked(*TWELVE[:2], company_name=company, admin_email=email))
    assert (done.skipped, done.without_key) == (2, list(TWELVE[:2]))


def test_one_that_cannot_be_onboarded_harms_nobody(small: Fleet) -> None:
    small.live.execute("CREATE SCHEMA new_2_prod")
    done = onboard(small, [*asked(*NEW[:3]), *asked(TWELVE[0])])
    assert done.onboarded == 2
    assert {(item.line, item.org_slug, item.code) for item in done.failed} == {
        (2, "new_2", "dataset_exists"),
        (4, "org_01", "organization_exists"),
    }
    assert_onboarded(small, ["new_1", "new_3"])
    assert "new_2" not in keys_in(small.services)
    assert small.live.rows(PROFILES, "new_2") == []


def test_a_unit_that_is_refused_is_undone_and_done_one_by_one(small: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    original = units.Unit.onboard

    def refused(self: units.Unit, session: Session, newcomers: list[units.Newcomer]) -> frozenset[str]:
        original(self, session, newcomers)
        raise WarehouseRefused("the engine refuses one of them")

    monkeypatch.setattr(units.Unit, "onboard", refused)
    small.live.execute("CREATE SCHEMA new_2_prod")
    done = onboard(small, asked(*NEW[:3]))
    assert (done.onboarded, [item.org_slug for item in done.failed]) == (2, ["new_2"])
    assert_onboarded(small, ["new_1", "new_3"])


def test_everybody_is_checked_before_anybody_is_onboarded(small: Fleet) -> None:
    lines = [
        *asked("new_1"),
        "no json",
        "[]",
        '{"org_slug": "x"}',
        *asked("New Co"),
        *asked("new_1"),
        *asked("new_6", subscription_plan="NONE"),
        *asked("new_7", regenerate_api_key_if_exists=True),
        *asked("new_8", admin_email=7),
        asked("new_9")[0].replace("{", '{"org_slug": "new_10", '),
        asked("new_11")[0].replace("{", '{"\\ud800": 1, '),
    ]
    with pytest.raises(InvalidRequest) as refused:
        onboard(small, lines)
    assert [(problem.where, problem.field) for problem in refused.value.problems] == [
        ("line 2", ""),
        ("line 3", ""),
        ("line 4", "company_name"),
        ("line 4", "admin_email"),
        ("line 5", "org_slug"),
        ("line 6", "org_slug"),
        ("line 7", "subscription_plan"),
        ("line 8", "regenerate_api_key_if_exists"),
        ("line 9", "admin_email"),
        ("line 10", ""),
        ("line 11", "\\ud800"),
    ]
    assert "a field is there twice" in refused.value.message
    assert small.live.rows(PROFILES, "new_1") == []
    assert not key_file_of(small.services).exists()


def test_of_thousands_of_problems_the_message_shows_some(small: Fleet) -> None:
    with pytest.raises(InvalidRequest, match="1001 problems; nobody was onboarded") as refused:
        onboard(small, ["no json"] * 1001)
    assert len(refused.value.problems) == 1001
    assert refused.value.message.splitlines()[-1] == "  and 901 more; --json names all"


def test_without_what_onboarding_needs_nothing_is_begun(small: Fleet) -> None:
    small.live.execute("DROP TABLE organizations.org_usage_quotas")
    with pytest.raises(NotBootstrapped):
        onboard(small, asked("new_1"))
    assert not key_file_of(small.services).exists()


class Killed(BaseException):
    """What no code expects."""


@pytest.mark.slow
@pytest.mark.parametrize("method", ["hold", "keep", "release"])
@pytest.mark.parametrize("after", [False, True])
def test_ended_around_a_write_of_keys_it_is_finished_by_running_it_again(
    small: Fleet, monkeypatch: pytest.MonkeyPatch, method: str, after: bool
) -> None:
    original, number = getattr(KeyFile, method), 0
    for number in range(1, 9):
        with monkeypatch.context() as patched:
            calls: list[int] = []

            def once(self: KeyFile, *arguments: object, number: int = number, calls: list[int] = calls) -> None:
                calls.append(1)
                if len(calls) == number and not after:
                    raise Killed
                original(self, *arguments)
                if len(calls) == number:
                    raise Killed

            patched.setattr(KeyFile, method, once)
            try:
                onboard_fleet(small.services)
            except Killed:
                continue
            break
    onboard_fleet(small.services)
    assert_onboarded(small, NEW)
    assert number > 1


def test_when_the_warehouse_is_gone_what_was_done_is_kept(small: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    original, calls = units.Unit.onboard, []

    def fails(self: units.Unit, session: Session, newcomers: list[units.Newcomer]) -> frozenset[str]:
        calls.append(1)
        if len(calls) == 2:
            raise WarehouseUnavailable("the disk is full")
        return original(self, session, newcomers)

    monkeypatch.setattr(units.Unit, "onboard", fails)
    with pytest.raises(WarehouseUnavailable):
        onboard_fleet(small.services)
    assert keys_in(small.services).keys() == {"new_1", "new_2"}
    onboard_fleet(small.services)
    assert_onboarded(small, NEW)


def test_no_key_is_in_what_is_shown(small: Fleet) -> None:
    seen: list[str] = []
    use_case = small.services.fleet_onboarding
    done = use_case.onboard(
        asked("new_1"), key_file_of(small.services), notice=lambda so_far: seen.append(repr(so_far))
    )
    assert "_api_" not in "".join([repr(done), *seen])
