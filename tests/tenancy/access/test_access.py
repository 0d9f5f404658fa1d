"""The check of a key: what it answers, what it costs, and for how long an answer is remembered."""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudact.errors import WarehouseUnavailable
from cloudact.tenancy.access import key_text
from cloudact.tenancy.access.cache import CheckedKey, KeyCache, Outcome
from cloudact.tenancy.access.caller import ADMINISTRATOR, Caller, CallerKind
from cloudact.tenancy.access.key_text import claimed_slug, make_text
from cloudact.tenancy.access.scopes import Scope
from cloudact.tenancy.names import OrgSlug
from cloudact.warehouse.driver import Equals
from tests.tenancy.access.world import ACTOR, CACHED_SECONDS, World

SLUGS = st.from_regex(r"[a-z0-9][a-z0-9_]{2,49}", fullmatch=True).filter(
    lambda text: claimed_slug(f"{text}_api_" + "a" * 43) is not None
)


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often keys were hashed, and in which way."""
    counted: Counter[str] = Counter()

    def counting(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            counted[name] += 1
            return function(*arguments)

        return call

    hashes = SimpleNamespace(sha256=counting("sha256", hashlib.sha256))
    monkeypatch.setattr(key_text, "hashlib", hashes)
    monkeypatch.setattr(
        key_text,
        "hmac",
        SimpleNamespace(new=counting("hmac", lambda key, text, _: hmac.new(key, text, hashlib.sha256))),
    )
    return counted


def all_kinds(world: World) -> dict[Outcome, list[str]]:
    """Keys of every kind there is."""
    good = world.onboard()
    here = world.process()
    revoked = world.create(here)
    here.keys.revoke(world.slug, revoked.key.key_id, actor=ACTOR)
    expired = world.create(here, expires_in=60)
    suspended = world.onboard("globex")
    world.slug, own = OrgSlug("globex"), world.slug
    world.change("org_profiles", {"status": "SUSPENDED"})
    world.slug = own
    world.pass_time(seconds=60)
    nobody = [make_text(OrgSlug(slug)) for slug in ("acme_corp", "globex", "nobody")]
    return {
        Outcome.ACCEPTED: [good],
        Outcome.REVOKED: [revoked.api_key],
        Outcome.EXPIRED: [expired.api_key],
        Outcome.SUSPENDED: [suspended],
        Outcome.UNKNOWN: [
            *nobody,
            good[:-1],
            f"{good}x",
            good.replace("acme_corp", "globex"),
            "junk",
            "ключ",
            "x" * 9_000,
        ],
    }


def test_every_key_costs_the_same_to_check_and_only_a_good_one_opens_anything(
    world: World, hashed: Counter[str]
) -> None:
    kinds = all_kinds(world)
    costs = []
    here = world.process()
    for outcome, keys in kinds.items():
        for key in keys:
            for _ in range(2):  # looked up, and then remembered
                here.warehouse.calls.clear()
                hashed.clear()
                assert (here.access.examine(key).caller is not None) == (outcome is Outcome.ACCEPTED), key
                assert here.outcomes.pop() is outcome
                costs.append((dict(here.warehouse.calls), dict(hashed)))
    looked_up = ({"run": 1, "select": 2}, {"hmac": 1, "sha256": 1})
    remembered = ({}, {"hmac": 1, "sha256": 1})
    assert costs == [looked_up, remembered] * (len(costs) // 2)


def test_a_key_without_the_tables_it_is_looked_up_in_opens_nothing(world: World) -> None:
    key, here = world.onboard(), world.process()
    for table in ("org_api_keys", "org_profiles"):
        world.live.execute(f"DROP TABLE organizations.{table}")
        assert here.opens(key) is None
    assert here.outcomes == [Outcome.UNKNOWN] * 2


def test_a_warehouse_that_does_not_answer_says_nothing_about_the_key(world: World) -> None:
    key, here = world.onboard(), world.process()

    def fail() -> None:
        raise WarehouseUnavailable("not now")

    here.warehouse.before_unit = fail
    with pytest.raises(WarehouseUnavailable):
        here.access.examine(key)
    here.warehouse.before_unit = lambda: None
    assert here.opens(key) == world.slug


def test_a_revoked_key_works_nowhere_longer_than_checks_are_remembered(world: World) -> None:
    key, here, elsewhere = world.onboard(), world.process(), world.process()
    assert here.opens(key) == elsewhere.opens(key) == world.slug
    here.keys.revoke(world.slug, world.rows()[0]["org_api_key_id"], actor=ACTOR)
    assert here.opens(key) is None
    world.pass_time(seconds=CACHED_SECONDS - 0.5)
    assert elsewhere.opens(key) == world.slug
    world.pass_time(seconds=0.5)
    assert elsewhere.opens(key) is None


def test_with_nothing_remembered_a_revoked_key_works_nowhere_at_once(world: World) -> None:
    key, here, elsewhere = world.onboard(), world.process(), world.process(seconds=0)
    assert elsewhere.opens(key) == world.slug
    here.keys.revoke(world.slug, world.rows()[0]["org_api_key_id"], actor=ACTOR)
    assert elsewhere.opens(key) is None


def test_a_remembered_key_ends_at_its_expiry_all_the_same(world: World) -> None:
    world.onboard()
    here = world.process()
    key = world.create(here, expires_in=60).api_key
    world.pass_time(seconds=59)
    assert here.opens(key) == world.slug
    world.pass_time(seconds=1)
    assert here.opens(key) is None


def test_a_key_that_is_revoked_while_it_is_looked_up_is_not_remembered(world: World) -> None:
    key, here = world.onboard(), world.process()
    key_id = world.rows()[0]["org_api_key_id"]
    found = CheckedKey(Outcome.ACCEPTED, world.slug, key_id)

    def look_up() -> CheckedKey:
        here.keys.revoke(world.slug, key_id, actor=ACTOR)
        return found  # as it was read before

    digest = here.access.digests.keyed(key)
    assert here.access.cache.find(digest, look_up) is found
    assert here.opens(key) is None


def test_callers_who_need_a_key_at_the_same_time_share_one_look(world: World) -> None:
    key, here = world.onboard(), world.process()
    threads = 8
    arrived, looking = Barrier(threads + 1), Barrier(2)

    def wait() -> None:
        looking.wait(30)

    def opens() -> OrgSlug | None:
        arrived.wait(30)
        return here.opens(key)

    here.warehouse.before_unit = wait
    with ThreadPoolExecutor(threads) as pool:
        found = [pool.submit(opens) for _ in range(threads)]
        arrived.wait(30)
        looking.wait(30)
        assert {item.result(30) for item in found} == {world.slug}
    assert here.warehouse.calls["run"] == 1


def test_a_look_that_failed_is_not_remembered_and_everybody_who_shared_it_is_told(world: World) -> None:
    cache = KeyCache(60, lambda: 0.0)

    def fail() -> CheckedKey:
        raise WarehouseUnavailable("not now")

    with pytest.raises(WarehouseUnavailable):
        cache.find("digest", fail)
    good = CheckedKey(Outcome.ACCEPTED, world.slug, "1")
    assert cache.find("digest", lambda: good) is good
    assert cache.find("digest", fail) is good


def test_a_suspended_organization_is_shut_out_and_let_in_at_once_where_that_is_said(world: World) -> None:
    key, here = world.onboard(), world.process()
    assert here.opens(key) == world.slug
    for status, opened in (("SUSPENDED", None), ("ACTIVE", world.slug)):
        world.change("org_profiles", {"status": status})
        here.access.forget(world.slug)
        assert here.opens(key) == opened


def test_onboarding_again_takes_the_earlier_keys_away_at_once(world: World) -> None:
    key = world.onboard()
    access = world.services.access
    assert access.examine(key).caller
    again = world.onboard(regenerate_api_key_if_exists=True)
    assert [bool(access.examine(item).caller) for item in (key, again)] == [False, True]


def test_whoever_tries_many_keys_drives_out_no_good_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloudact.tenancy.access.cache._MOST", 3)
    cache = KeyCache(60, lambda: 0.0)
    good = CheckedKey(Outcome.ACCEPTED, OrgSlug("acme_corp"), "1")
    cache.find("good", lambda: good)
    for number in range(10):
        cache.find(f"bad {number}", lambda: CheckedKey(Outcome.UNKNOWN, None))

    def look_up() -> CheckedKey:
        raise AssertionError

    assert cache.find("good", look_up) is good
    assert cache.find("bad 9", look_up).outcome is Outcome.UNKNOWN
    with pytest.raises(AssertionError):
        cache.find("bad 0", look_up)


def test_a_key_cannot_be_stored_under_another_organization(world: World) -> None:
    """A row that is moved by hand is found for neither."""
    key = world.onboard()
    world.onboard("globex")
    world.change("org_api_keys", {"org_slug": "globex"}, Equals("is_active", value=True))
    assert world.process().opens(key) is None


@given(slug=SLUGS, secret=st.binary(min_size=32, max_size=32))
def test_a_key_names_its_organization_whatever_the_slug_and_the_bits(slug: str, secret: bytes) -> None:
    assert claimed_slug(make_text(OrgSlug(slug), secret)) == slug


@given(text=st.text())
def test_text_that_is_no_key_names_nobody_or_a_slug(text: str) -> None:
    claimed = claimed_slug(text)
    assert claimed is None or text.startswith(f"{claimed}_api_")


def test_a_caller_may_what_its_scopes_and_its_organization_allow() -> None:
    acme = OrgSlug("acme_corp")
    reader = Caller(CallerKind.ORGANIZATION, acme, "1", frozenset({Scope.ORG_READ}))
    assert reader.may(Scope.ORG_READ, "acme_corp")
    assert not reader.may(Scope.ORG_WRITE, "acme_corp")
    assert not reader.may(Scope.ORG_READ, "globex")
    assert ADMINISTRATOR.may(Scope.KEYS_MANAGE, "anything")
    assert reader.lacks(Scope) == set(Scope) - {Scope.ORG_READ}
    assert ADMINISTRATOR.lacks(Scope) == frozenset()
