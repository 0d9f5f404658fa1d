"""Who works on a request under an idempotency key, and what those who repeat it get."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from cloudact.errors import IdempotencyKeyInUse, IdempotencyKeyReused, InvalidRequest, SealBroken
from cloudact.sealing.uri import Surroundings, open_sealer
from cloudact.tenancy.access.caller import Caller, CallerKind
from cloudact.tenancy.actor import Actor
from cloudact.tenancy.idempotency.idempotency import Attempt
from cloudact.tenancy.idempotency.leases import Leases
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.secrets.resealing import reseal
from cloudact.tenancy.secrets.sealed_rows import SealedRows
from tests.tenancy.idempotency.desk import ANSWER, START, Desk

NOT_PRODUCTION = Surroundings(production=False)
MINE = Caller(CallerKind.ORGANIZATION, OrgSlug("acme_corp"), "mine")


def key_of(organization: str, key_id: str) -> Actor:
    return Actor(Caller(CallerKind.ORGANIZATION, OrgSlug(organization), key_id))


def test_a_repeat_gets_the_answer_for_a_day(desk: Desk) -> None:
    attempt = desk.attempt()
    assert not attempt.operation.resumed
    desk.idempotency.complete(attempt, ANSWER)
    desk.pass_time(hours=23, minutes=59)
    assert desk.begin() == ANSWER
    desk.pass_time(minutes=1)
    anew = desk.attempt(body=b"something else")
    assert not anew.operation.resumed
    assert anew.operation.record_id != attempt.operation.record_id
    desk.idempotency.complete(anew, ANSWER)
    assert desk.begin(body=b"something else") == ANSWER
    assert desk.row("created_at", "http_status") == {"created_at": START, "http_status": 201}


@pytest.mark.parametrize("what", [{"body": b"{ }"}, {"path": "/b"}, {"query": "a=1"}, {"method": "PUT"}])
def test_another_request_under_the_key_is_refused(desk: Desk, what: dict[str, object]) -> None:
    attempt = desk.attempt()
    with pytest.raises(IdempotencyKeyReused):
        desk.begin(**what)
    desk.idempotency.complete(attempt, ANSWER)
    with pytest.raises(IdempotencyKeyReused):
        desk.begin(**what)


def test_a_key_belongs_to_whoever_sent_it(desk: Desk) -> None:
    desk.idempotency.complete(desk.attempt(), ANSWER)
    for actor in (key_of("acme_corp", "key-1"), key_of("acme_corp", "key-2"), key_of("other_org", "key-3")):
        assert not desk.attempt(actor=actor, body=b"of its own").operation.resumed


def test_a_repeat_waits_while_the_first_is_worked_on(desk: Desk) -> None:
    desk.attempt()
    with pytest.raises(IdempotencyKeyInUse) as refused:
        desk.begin()
    assert refused.value.retry_after == 5
    desk.pass_time(seconds=59)
    with pytest.raises(IdempotencyKeyInUse) as refused:
        desk.begin()
    assert refused.value.retry_after == 1


def test_after_a_crash_a_repeat_goes_on_with_the_same_secrets(desk: Desk) -> None:
    first = desk.attempt()
    desk.pass_time(seconds=60)
    second = desk.attempt()
    assert second.operation.resumed
    assert second.operation.begun_at == first.operation.begun_at == START
    assert second.operation.secret_for("api-key") == first.operation.secret_for("api-key")
    assert second.operation.secret_for("api-key") != first.operation.secret_for("other")
    # Whoever was thought dead and was not keeps no answer.
    desk.idempotency.complete(first, ANSWER)
    with pytest.raises(IdempotencyKeyInUse):
        desk.begin()
    desk.idempotency.complete(second, ANSWER)
    assert desk.begin() == ANSWER


def test_a_request_that_failed_may_be_repeated_at_once(desk: Desk) -> None:
    attempt = desk.attempt()
    desk.idempotency.release(attempt)
    again = desk.attempt()
    assert again.operation.resumed
    assert again.operation.record_id == attempt.operation.record_id
    desk.idempotency.release(attempt)  # is nobody's any more
    with pytest.raises(IdempotencyKeyInUse):
        desk.begin()


def test_of_many_at_once_one_works(desk: Desk) -> None:
    together = threading.Barrier(8)

    def try_it(_: int) -> bool:
        together.wait()
        try:
            return isinstance(desk.begin(), Attempt)
        except IdempotencyKeyInUse:
            return False

    for _ in ("new", "after a crash", "expired"):
        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(try_it, range(8))) == 1
        desk.pass_time(seconds=60)
    desk.pass_time(days=1)
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(try_it, range(8))) == 1


def test_a_lease_is_renewed_while_somebody_works() -> None:
    renewed: list[str] = []
    often = threading.Event()

    def renew(name: str) -> None:
        renewed.append(name)
        if renewed.count("a") > 2 and renewed.count("b") > 2:
            often.set()

    leases: Leases[str] = Leases(renew, 0.001)
    with leases.held("a"), leases.held("b"):
        assert often.wait(10)
    with leases.held("c"):
        pass
    assert set(renewed) <= {"a", "b", "c"}


def test_a_renewed_lease_keeps_others_away(desk: Desk) -> None:
    attempt = desk.attempt()
    desk.pass_time(seconds=50)
    desk.idempotency.renew(attempt)
    desk.pass_time(seconds=50)
    with pytest.raises(IdempotencyKeyInUse):
        desk.begin()


def test_the_answer_is_sealed_for_its_own_row(desk: Desk) -> None:
    desk.idempotency.complete(desk.attempt(), ANSWER)
    row = desk.row("encrypted_response", "request_hash", "response_data")
    assert b"canary" not in row["encrypted_response"]
    assert row["response_data"] is None
    desk.set(record_id="moved")
    with pytest.raises(SealBroken):
        desk.begin()


@pytest.mark.parametrize("other", [MINE, replace(MINE, organization=OrgSlug("other_org"))], ids=["key", "organization"])
def test_an_answer_opens_for_nobody_else_even_in_a_row_of_theirs(desk: Desk, other: Caller) -> None:
    """Whoever can write to the table and has a key gives a row of its own the answer of another caller's."""
    victim, attacker = key_of("acme_corp", "victim"), Actor(other)
    desk.idempotency.complete(desk.attempt(actor=victim), ANSWER)
    own = desk.attempt(actor=attacker)
    theirs = desk.row("record_id", "encrypted_response", "request_hash", caller="victim")
    hashes = (theirs.pop("request_hash"), own.operation.request_hash)
    for request_hash, refused in zip(hashes, (IdempotencyKeyReused, SealBroken), strict=True):
        desk.set("mine", **theirs, request_hash=request_hash, status="COMPLETED")
        with pytest.raises(refused):
            desk.begin(actor=attacker)


@pytest.mark.parametrize("other", [MINE, replace(MINE, organization=OrgSlug("other_org"))], ids=["key", "organization"])
def test_no_other_caller_is_given_the_secrets_of_a_request(desk: Desk, other: Caller) -> None:
    """A key of one organization tells the bits of another's that was made of the same secret."""
    victim = desk.attempt(actor=key_of("acme_corp", "victim")).operation
    attacker = Actor(other)
    desk.attempt(actor=attacker)
    desk.set("mine", record_id=victim.record_id, begun_at=victim.begun_at, locked_until=None)
    forged = desk.attempt(actor=attacker).operation
    assert (forged.record_id, forged.begun_at, forged.resumed) == (victim.record_id, victim.begun_at, True)
    assert forged.secret_for("api-key") != victim.secret_for("api-key")
    assert forged.id_for("hierarchy") != victim.id_for("hierarchy")


def test_a_kept_answer_is_sealed_anew_with_the_others(desk: Desk, tmp_path: Path) -> None:
    old, new = (f"local:///{tmp_path}/{name}.key" for name in ("old", "new"))
    with closing(open_sealer(old, NOT_PRODUCTION)) as sealer:
        desk.sealed_by(sealer).complete(desk.attempt(), ANSWER)
    with closing(open_sealer(new, NOT_PRODUCTION, old)) as sealer:
        reseal(SealedRows(desk.parts.warehouse, "organizations"), sealer)
    with closing(open_sealer(new, NOT_PRODUCTION)) as sealer:
        assert desk.sealed_by(sealer).begin(desk.request()) == ANSWER


@pytest.mark.parametrize("key", ["", " a", "a ", "a\tb", "é", "a" * 256, "a\n"])
def test_a_key_that_is_none_is_refused(desk: Desk, key: str) -> None:
    with pytest.raises(InvalidRequest, match="1 to 255 printable"):
        desk.begin(idempotency_key=key)


@pytest.mark.parametrize("key", ["a", "a b", "~" * 255])
def test_any_printable_text_is_a_key(desk: Desk, key: str) -> None:
    assert desk.attempt(idempotency_key=key, body=desk.key.encode(), actor=key_of("acme_corp", desk.key))
