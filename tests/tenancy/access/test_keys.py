"""Making, listing, rotating and revoking an organization's keys, on both engines."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest

from cloudact.errors import AccessDenied, InvalidRequest, KeyNotActive, KeyNotFound, OrganizationNotFound
from cloudact.tenancy.access.caller import ADMINISTRATOR
from cloudact.tenancy.access.key import KeyStatus
from cloudact.tenancy.access.key_request import KeyRequest
from cloudact.tenancy.access.scopes import DEFAULT_SCOPES, Scope
from cloudact.tenancy.idempotency.operation import Operation
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.secrets.columns import API_KEY
from cloudact.warehouse.driver import Equals
from tests.reliability.threads import together
from tests.tenancy.access.world import ACTOR, World

NOBODY = "no-such-key"


def rotate(world: World, key_id: str, grace: int = 60, **who: Any) -> Any:
    """Rotate a key in a process of its own."""
    caller = who.get("caller", ADMINISTRATOR)
    return world.process().keys.rotate(world.slug, key_id, grace, caller=caller, actor=ACTOR)


def a_keys_life(world: World) -> None:
    first, here = world.onboard(), world.process()
    made = world.create(here, scopes=["org:read", "keys:manage"], expires_in=3600, name="reporting")
    caller = world.caller(here, made.api_key)
    assert (caller.organization, caller.key_id) == (world.slug, made.key.key_id)
    assert caller.scopes == {Scope.ORG_READ, Scope.KEYS_MANAGE}
    rotated = here.keys.rotate(world.slug, made.key.key_id, 60, caller=caller, actor=ACTOR)
    assert (rotated.key.name, rotated.key.scopes) == ("reporting", made.key.scopes)
    assert rotated.replaced is not None
    assert rotated.replaced.replaced_by == rotated.key.key_id
    assert [here.opens(key) for key in (first, made.api_key, rotated.api_key)] == [world.slug] * 3
    world.pass_time(seconds=60)
    assert [here.opens(key) for key in (first, made.api_key, rotated.api_key)] == [world.slug, None, world.slug]
    here.keys.revoke(world.slug, rotated.key.key_id, actor=ACTOR)
    assert [here.opens(key) for key in (first, made.api_key, rotated.api_key)] == [world.slug, None, None]
    page = here.keys.page(world.slug, limit=10, offset=0)
    assert [key.status for key in page.keys] == [KeyStatus.ACTIVE, KeyStatus.EXPIRED, KeyStatus.REVOKED]
    here.access.examine(first)
    here.uses.flush()
    assert here.keys.page(world.slug, limit=1, offset=0).keys[0].last_used_at == world.minute


def test_a_key_is_made_rotated_and_revoked_on_duckdb(world: World) -> None:
    a_keys_life(world)


@pytest.mark.slow
def test_a_key_is_made_rotated_and_revoked_on_bigquery(cloud_world: World) -> None:
    a_keys_life(cloud_world)


def test_a_key_has_256_bits_and_is_stored_as_a_keyed_digest_and_a_sealed_copy(world: World) -> None:
    world.onboard()
    made = world.create(world.process())
    assert made.api_key.startswith("acme_corp_api_")
    assert len(made.api_key) == len("acme_corp_api_") + 43
    row = world.rows("org_api_keys", Equals("org_api_key_id", made.key.key_id))[0]
    assert row["org_api_key_hash"].startswith("hmac-sha256:")
    assert hashlib.sha256(made.api_key.encode()).hexdigest() not in row["org_api_key_hash"]
    place = API_KEY.context(world.slug, made.key.key_id)
    assert world.services.sealer.open(row["encrypted_org_api_key"], place).decode() == made.api_key
    assert made.api_key not in repr(made)
    assert made.api_key not in repr(world.process().keys.page(world.slug, limit=10, offset=0))


def test_a_key_of_an_earlier_version_still_opens_its_organization(world: World) -> None:
    key = world.onboard()
    digest = hashlib.sha256(key.encode()).hexdigest()
    world.change("org_api_keys", {"org_api_key_hash": digest, "encrypted_org_api_key": None})
    assert world.process().opens(key) == world.slug
    made = rotate(world, world.rows()[0]["org_api_key_id"])
    assert world.process().opens(made.api_key) == world.slug


def an_earlier_keys_use(world: World) -> None:
    used, other = world.onboard(), world.create(world.process()).api_key
    keyed = {row["org_api_key_id"]: row["org_api_key_hash"] for row in world.rows()}
    (first, _), (second, _) = keyed.items()
    plain = {first: hashlib.sha256(used.encode()).hexdigest(), second: hashlib.sha256(other.encode()).hexdigest()}
    for key_id, digest in plain.items():
        world.change("org_api_keys", {"org_api_key_hash": digest}, Equals("org_api_key_id", key_id))
    assert world.services.sealing.status().plain_key_digests == 2
    here, there = world.process(), world.process()
    assert {here.opens(used), here.opens(used), there.opens(used)} == {world.slug}
    assert {row["org_api_key_id"]: row["org_api_key_hash"] for row in world.rows()} == plain
    assert "update" not in here.warehouse.calls
    here.uses.flush()
    there.uses.flush()
    stored = {row["org_api_key_id"]: row["org_api_key_hash"] for row in world.rows()}
    assert stored == {first: keyed[first], second: plain[second]}
    status = world.services.sealing.status()
    assert status.plain_key_digests == 1
    assert "1 active API key with the digest of an earlier version" in status.message
    assert {process.opens(used) for process in (here, there, world.process())} == {world.slug}


def test_a_use_of_an_earlier_key_stores_its_keyed_digest_later_on_duckdb(world: World) -> None:
    an_earlier_keys_use(world)


@pytest.mark.slow
def test_a_use_of_an_earlier_key_stores_its_keyed_digest_later_on_bigquery(cloud_world: World) -> None:
    an_earlier_keys_use(cloud_world)


def test_a_digest_that_was_changed_meanwhile_stays(world: World) -> None:
    key = world.onboard()
    world.change("org_api_keys", {"org_api_key_hash": hashlib.sha256(key.encode()).hexdigest()})
    here = world.process()
    assert here.opens(key) == world.slug
    world.change("org_api_keys", {"org_api_key_hash": "another"})
    here.uses.flush()
    assert [row["org_api_key_hash"] for row in world.rows()] == ["another"]


def test_what_is_stored_opens_nothing_when_it_is_sent_as_a_key(world: World) -> None:
    key = world.onboard()
    (row,) = world.rows()
    here = world.process()
    for sent in (row["org_api_key_hash"], row["org_api_key_id"], f"acme_corp_api_{row['org_api_key_hash']}", f"{key} "):
        assert here.opens(sent) is None, sent


def test_without_scopes_a_key_has_those_of_a_first_key_and_never_more_than_its_maker(world: World) -> None:
    world.onboard()
    here = world.process()
    assert set(world.create(here).key.scopes) == set(DEFAULT_SCOPES)
    manager = world.caller(here, world.create(here, scopes=["keys:manage", "org:read"]).api_key)
    assert world.create(here, caller=manager).key.scopes == ["org:read"]
    bare = world.caller(here, world.create(here, scopes=["keys:manage"]).api_key)
    assert world.create(here, caller=bare).key.scopes == ["keys:manage"]


def test_a_caller_gives_no_key_a_scope_that_it_lacks(world: World) -> None:
    world.onboard()
    here = world.process()
    manager = world.caller(here, world.create(here, scopes=["keys:manage", "org:read"]).api_key)
    before = world.rows()
    with pytest.raises(AccessDenied, match="lacks org:write"):
        world.create(here, caller=manager, scopes=["org:read", "org:write"])
    with pytest.raises(AccessDenied, match="lacks org:write, hierarchy:read"):
        rotate(world, before[0]["org_api_key_id"], caller=manager)
    assert world.rows() == before


def test_what_no_key_can_be_is_refused_and_changes_nothing(world: World) -> None:
    world.onboard()
    before, here = world.rows(), world.process()
    past, naive = world.now - timedelta(days=1), world.now.replace(tzinfo=None)
    refused: list[tuple[dict[str, Any], str]] = [
        ({"scopes": []}, "at least one scope"),
        ({"scopes": ["org:read", "org:admin"]}, "no scope is called 'org:admin'; scopes are org:read, org:write"),
        ({"expires_in": 59}, "60 to"),
        ({"expires_in": 10**9}, "60 to"),
        ({"expires_in": -(10**30)}, "60 to"),
        ({"expires_in": 60, "expires_at": world.now}, "leave one of them out"),
        ({"expires_at": past}, "60 to"),
        ({"expires_at": naive}, "no time zone"),
        ({"name": " "}, "1 to 100 characters"),
        ({"name": "a" * 101}, "1 to 100 characters"),
        ({"name": "a\nb"}, "1 to 100 characters"),
        ({"name": "half of a pair \ud800"}, "1 to 100 characters"),
    ]
    for fields, told in refused:
        with pytest.raises(InvalidRequest, match=told):
            world.create(here, **fields)
    assert world.rows() == before


def test_a_time_of_grace_has_bounds(world: World) -> None:
    world.onboard()
    before = world.rows()
    for grace in (-1, 30 * 24 * 3600 + 1):
        with pytest.raises(InvalidRequest, match="grace_seconds"):
            rotate(world, before[0]["org_api_key_id"], grace)
    assert world.rows() == before


def test_rotating_without_grace_ends_the_old_key_at_once(world: World) -> None:
    key, here = world.onboard(), world.process()
    assert here.opens(key) == world.slug
    made = here.keys.rotate(world.slug, world.rows()[0]["org_api_key_id"], 0, caller=ADMINISTRATOR, actor=ACTOR)
    assert [here.opens(item) for item in (key, made.api_key)] == [None, world.slug]


def test_a_rotation_never_makes_a_key_live_longer(world: World) -> None:
    world.onboard()
    made = world.create(world.process(), expires_in=3600)
    rotated = rotate(world, made.key.key_id, 7200)
    assert rotated.replaced.expires_at == made.key.expires_at
    assert rotated.key.expires_at - rotated.key.created_at == timedelta(seconds=3600)


def test_a_key_that_does_not_work_or_was_rotated_is_not_rotated(world: World) -> None:
    world.onboard()
    here = world.process()
    revoked, expired, rotated = (world.create(here, expires_in=lifetime).key.key_id for lifetime in (None, 60, None))
    here.keys.revoke(world.slug, revoked, actor=ACTOR)
    rotate(world, rotated, 3600)
    world.pass_time(seconds=60)
    before = world.rows()
    for key_id in (revoked, expired, rotated):
        with pytest.raises(KeyNotActive, match=key_id):
            rotate(world, key_id)
    assert world.rows() == before


def test_of_rotations_of_one_key_at_the_same_time_exactly_one_makes_a_key(world: World) -> None:
    world.onboard()
    (key,) = world.rows()

    def attempt() -> bool:
        try:
            rotate(world, key["org_api_key_id"])
        except KeyNotActive:
            return False
        return True

    assert together(*[attempt] * 4).count(True) == 1
    assert len(world.rows()) == 2


def test_revoking_twice_is_revoking_once(world: World) -> None:
    world.onboard()
    (row,) = world.rows()
    keys = world.process().keys
    first = keys.revoke(world.slug, row["org_api_key_id"], actor=ACTOR)
    assert keys.revoke(world.slug, row["org_api_key_id"], actor=ACTOR) == first
    assert first.status is KeyStatus.REVOKED


def test_another_organizations_key_is_not_there(world: World) -> None:
    world.onboard()
    other = world.onboard("globex")
    here = world.process()
    caller = world.caller(here, other)
    before = world.rows()
    for key_id in (before[0]["org_api_key_id"], NOBODY):
        with pytest.raises(KeyNotFound, match="globex has no API key"):
            here.keys.revoke(OrgSlug("globex"), key_id, actor=ACTOR)
        with pytest.raises(KeyNotFound, match="globex has no API key"):
            here.keys.rotate(OrgSlug("globex"), key_id, 0, caller=caller, actor=ACTOR)
    assert world.rows() == before
    assert [key.org_slug for key in here.keys.page(OrgSlug("globex"), limit=10, offset=0).keys] == ["globex"]


def test_an_organization_that_is_not_there_gets_no_key(world: World) -> None:
    with pytest.raises(OrganizationNotFound):
        world.create(world.process())
    with pytest.raises(OrganizationNotFound):
        world.process().keys.page(world.slug, limit=10, offset=0)
    assert world.rows() == []


def test_keys_are_listed_by_age_a_page_at_a_time(world: World) -> None:
    world.onboard()
    here = world.process()
    for name in "abc":
        world.pass_time(seconds=1)
        world.create(here, name=name)
    pages = [here.keys.page(world.slug, limit=2, offset=offset) for offset in (0, 2, 4)]
    assert [[key.name for key in page.keys] for page in pages] == [[None, "a"], ["b", "c"], []]
    assert {page.total for page in pages} == {4}


def test_every_change_of_a_key_is_on_the_audit_trail_without_the_key(world: World) -> None:
    world.onboard()
    here = world.process()
    made = world.create(here, name="reporting")
    rotated = rotate(world, made.key.key_id)
    here.keys.revoke(world.slug, rotated.key.key_id, actor=ACTOR)
    with pytest.raises(KeyNotActive):
        rotate(world, rotated.key.key_id)
    rows = world.rows("org_audit_logs", Equals("resource_type", "API_KEY"))
    assert [(row["action"], row["resource_id"], row["status"]) for row in rows] == [
        ("CREATE", made.key.key_id, "SUCCESS"),
        ("ROTATE", made.key.key_id, "SUCCESS"),
        ("DELETE", rotated.key.key_id, "SUCCESS"),
        ("ROTATE", rotated.key.key_id, "FAILURE"),
    ]
    for key in (made.api_key, rotated.api_key):
        assert key not in repr(rows)
        assert key.removeprefix("acme_corp_api_") not in repr(rows)


def test_every_attempt_at_an_operation_answers_the_same_key_which_is_there_once(world: World) -> None:
    world.onboard()
    here = world.process()
    create, turn = (
        Operation(name, "digest", world.clock(), resumed=True, _key=bytes(32)) for name in ("create", "rotate")
    )
    made = [
        here.keys.create(world.slug, KeyRequest(), caller=ADMINISTRATOR, actor=ACTOR, operation=create)
        for _ in range(2)
    ]
    rotated = [
        here.keys.rotate(world.slug, made[0].key.key_id, 0, caller=ADMINISTRATOR, actor=ACTOR, operation=turn)
        for _ in range(2)
    ]
    assert made[0] == made[1]
    assert (rotated[0].api_key, rotated[0].key) == (rotated[1].api_key, rotated[1].key)
    assert rotated[0].replaced == rotated[1].replaced
    assert len(world.rows()) == 3
    assert [here.opens(key) for key in (made[0].api_key, rotated[0].api_key)] == [None, world.slug]
