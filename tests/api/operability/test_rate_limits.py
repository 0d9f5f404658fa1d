"""Rate limits: per key and per address, on every route, and exactly as long as Retry-After says."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from limits import parse_many

from cloudact.api.operability.protection import Protection
from cloudact.api.operability.rates import ADDRESS, Rates
from cloudact.metrics import Metrics
from tests.acme import ACME
from tests.api.documented import operations
from tests.api.operability.conftest import Clock, Protected
from tests.api.published import BOOTSTRAP_STATUS, ONBOARD

LIMITED = [item for item in operations() if item.path not in ("/healthz", "/readyz")]
TWO = tuple(parse_many("2/minute"))
MANY = tuple(parse_many("1000/minute"))


def test_after_the_limit_a_key_waits_as_long_as_it_is_told(protected: Protected, clock: Clock) -> None:
    client = protected(Protection(per_key=TWO))
    client.get(BOOTSTRAP_STATUS)
    clock.now += 10
    client.get(BOOTSTRAP_STATUS)
    clock.now += 20.5
    refused = client.get(BOOTSTRAP_STATUS)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "30")
    assert refused.json()["code"] == "rate_limited"
    assert "after 30 s" in refused.json()["hint"]
    clock.now += 29
    assert client.get(BOOTSTRAP_STATUS).headers["Retry-After"] == "1"
    clock.now += 1
    assert client.get(BOOTSTRAP_STATUS).status_code == 200
    assert client.get(BOOTSTRAP_STATUS).headers["Retry-After"] == "10"  # then the second one has left the window
    clock.now += 10
    assert client.get(BOOTSTRAP_STATUS).status_code == 200


def test_a_request_on_the_second_waits_one_more(protected: Protected, clock: Clock) -> None:
    clock.now = float(int(clock.now))
    client = protected(Protection(per_key=tuple(parse_many("1/minute"))))
    client.get(BOOTSTRAP_STATUS)
    wait = int(client.get(BOOTSTRAP_STATUS).headers["Retry-After"])
    clock.now += wait - 1
    assert client.get(BOOTSTRAP_STATUS).status_code == 429
    clock.now += 1
    assert client.get(BOOTSTRAP_STATUS).status_code == 200


def test_a_request_that_one_limit_refuses_counts_for_none(protected: Protected, clock: Clock) -> None:
    client = protected(Protection(per_key=tuple(parse_many("3/hour;1/second")), per_address=MANY))
    codes = [client.get(BOOTSTRAP_STATUS).status_code for _ in range(5)]
    assert codes == [200, 429, 429, 429, 429]
    clock.now += 1.5
    assert client.get(BOOTSTRAP_STATUS).status_code == 200
    clock.now += 1.5
    assert client.get(BOOTSTRAP_STATUS).status_code == 200
    clock.now += 1.5
    assert int(client.get(BOOTSTRAP_STATUS).headers["Retry-After"]) > 3500


def test_another_key_is_not_concerned(protected: Protected, clock: Clock) -> None:
    client = protected(Protection(per_key=TWO))
    codes = [client.get(BOOTSTRAP_STATUS, headers={"X-CA-Root-Key": "wrong"}).status_code for _ in range(3)]
    assert codes == [401, 401, 429]
    assert client.get(BOOTSTRAP_STATUS).status_code == 200


def test_keys_are_not_guessed_faster_than_an_address_may_ask(protected: Protected, clock: Clock) -> None:
    client = protected(Protection(per_key=MANY, per_address=TWO))
    guesses = [client.get(BOOTSTRAP_STATUS, headers={"X-CA-Root-Key": f"guess {n}"}).status_code for n in range(3)]
    assert guesses == [401, 401, 429]
    assert client.get(BOOTSTRAP_STATUS).status_code == 429  # from the same address


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff:ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("fe80::1%eth0", "fe80::2%eth1", True),
    ],
)
def test_an_address_is_a_host_or_the_network_of_one(
    protected: Protected, clock: Clock, first: str, second: str, same: bool
) -> None:
    once = Protection(per_address=tuple(parse_many("1/minute")))
    client = protected(once, client=(first, 1))
    assert client.get(BOOTSTRAP_STATUS).status_code == 200
    other = TestClient(client.app, headers=client.headers, client=(second, 1))
    assert other.get(BOOTSTRAP_STATUS).status_code == (429 if same else 200)


def test_every_route_is_limited(protected: Protected, clock: Clock) -> None:
    client = protected(Protection(per_key=tuple(parse_many("1/hour"))))
    for number, operation in enumerate(LIMITED):
        stranger = {"X-CA-Root-Key": "", "X-API-Key": f"stranger {number}"}
        first, second = (client.request(operation.method, operation.url(), headers=stranger) for _ in range(2))
        assert (first.status_code, second.status_code) == (401, 429), operation


def test_an_onboarding_that_is_refused_makes_nothing(bootstrapped: TestClient, protected: Protected) -> None:
    client = protected(Protection(per_key=tuple(parse_many("1/hour"))))
    assert client.post(ONBOARD, json={"org_slug": "?"}).status_code == 422
    assert client.post(ONBOARD, json=ACME).status_code == 429
    assert bootstrapped.get("/api/v1/organizations").json()["total"] == 0


def test_probes_are_never_refused(protected: Protected, clock: Clock) -> None:
    client = protected(Protection(per_key=TWO, per_address=TWO))
    assert {client.get(path).status_code for path in ("/healthz", "/readyz") * 5} == {200}


def test_who_has_not_come_again_is_forgotten(clock: Clock) -> None:
    rates = Rates({ADDRESS: MANY}, Metrics())

    def count(number: int) -> None:
        rates.count((ADDRESS, f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"))

    for number in range(9_999):
        count(number)
    clock.now += 61
    rates._storage._MemoryStorage__expire_events()  # type: ignore[attr-defined]
    count(10_000)
    assert len(rates._storage.events) == 1
