"""Never more requests than a rate allows, in any window, whoever asks and when; and no waiting without need."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudact.warehouse.bigquery.transport import rates
from cloudact.warehouse.bigquery.transport.rates import Budget, Budgets, Rate
from tests.warehouse.bigquery.transport.virtual_time import VirtualTime

# With the margin of five per cent a window of 20 seconds lasts 21, so that every moment here is an exact number.
SECONDS, HELD = 20, 21.0
BUDGETS = ("method", "creations", "tables", "partitioned", "datasets")
Arrival = tuple[str, float]

arrivals = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 240).map(lambda quarters: quarters / 4)), min_size=1, max_size=14
)


@dataclass
class Clock:
    """Time for one thread: sleeping is all that makes it pass."""

    moment: float = 0.0

    def now(self) -> float:
        return self.moment

    def sleep(self, seconds: float) -> None:
        self.moment += seconds


def granted(count: int, requests: Sequence[Arrival]) -> dict[str, list[float]]:
    """When requests that come at these moments, each in a thread of its own, were let through, by key."""
    time = VirtualTime()
    budget = Budget(Rate(count, SECONDS), time.now, time.sleep)
    found: list[tuple[str, float]] = []
    told: list[tuple[str, float]] = []

    def request(key: str, at: float) -> None:
        time.sleep(at)
        told.append((key, at + budget.spend(key)))
        found.append((key, time.now()))

    time.run([partial(request, key, at) for key, at in requests])
    assert sorted(told) == sorted(found)
    return {key: sorted(moment for name, moment in found if name == key) for key, _ in found}


def earliest(count: int, requests: Sequence[Arrival]) -> dict[str, list[float]]:
    """When they could be let through at the earliest."""
    found: dict[str, list[float]] = defaultdict(list)
    for key, at in sorted(requests, key=lambda request: request[1]):
        moments = found[key]
        moments.append(max(at, moments[-count] + HELD) if len(moments) >= count else at)
    return dict(found)


@given(st.integers(1, 4), arrivals)
def test_no_window_holds_more_than_the_rate_allows(count: int, requests: Sequence[Arrival]) -> None:
    for moments in granted(count, requests).values():
        assert all(later - first > SECONDS for first, later in zip(moments, moments[count:], strict=False))


@given(st.integers(1, 4), arrivals)
def test_nobody_waits_longer_than_the_rate_demands(count: int, requests: Sequence[Arrival]) -> None:
    assert granted(count, requests) == earliest(count, requests)


@pytest.mark.parametrize(("count", "start"), [(1, 62.29), (5, 1022.0326186923368)])
def test_a_wait_that_is_rounded_lets_no_more_through(count: int, start: float) -> None:
    clock = Clock(start)
    budget = Budget(Rate(count, 10), clock.now, clock.sleep)
    moments = []
    for _ in range(2 * count + 1):
        budget.spend("a")
        moments.append(clock.moment)
    assert moments[2 * count] - moments[count] > 10


def test_what_was_waited_is_told() -> None:
    clock = Clock()
    budget = Budget(Rate(2, SECONDS), clock.now, clock.sleep)
    assert [budget.spend("a") for _ in range(5)] == [0, 0, HELD, 0, HELD]
    assert clock.moment == 2 * HELD


def test_a_key_says_nothing_about_another() -> None:
    clock = Clock()
    budget = Budget(Rate(1, SECONDS), clock.now, clock.sleep)
    assert [budget.spend(f"key{number}") for number in range(100)] == [0] * 100
    assert budget.spend("key7") == HELD


def test_threads_that_ask_at_the_same_moment_get_no_more_than_one_would() -> None:
    class Full(Exception):
        pass

    def refuse(_seconds: float) -> None:
        raise Full

    budget = Budget(Rate(1_000, SECONDS), lambda: 0.0, refuse)
    together = threading.Barrier(8)

    def ask(_number: int) -> int:
        together.wait()
        passed = 0
        for _ in range(200):
            try:
                budget.spend("a")
            except Full:
                continue
            passed += 1
        return passed

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, range(8))) == 1_000


def test_keys_that_were_idle_for_long_are_forgotten() -> None:
    clock = Clock()
    budget = Budget(Rate(1, SECONDS), clock.now, clock.sleep)
    for number in range(5_000):
        budget.spend(f"idle{number}")
    clock.moment = HELD - 1
    budget.spend("busy")
    clock.moment = HELD + 1
    budget.spend("another")
    assert set(budget._sent) == {"busy", "another"}
    assert budget.spend("busy") == HELD - 2


@pytest.mark.parametrize(
    ("rate", "count", "seconds"),
    [
        (rates.TABLE_CREATIONS, 10, 1),
        (rates.REQUESTS_PER_METHOD, 100, 1),
        (rates.TABLE_UPDATES, 5, 10),
        (rates.PARTITIONED_TABLE_UPDATES, 50, 10),
        (rates.DATASET_UPDATES, 5, 10),
    ],
)
def test_the_rates_are_those_of_the_documentation(rate: Rate, count: int, seconds: float) -> None:
    assert rate == Rate(count, seconds)


@pytest.mark.parametrize(
    ("name", "rate"),
    [
        ("method", rates.REQUESTS_PER_METHOD),
        ("creations", rates.TABLE_CREATIONS),
        ("tables", rates.TABLE_UPDATES),
        ("partitioned", rates.PARTITIONED_TABLE_UPDATES),
        ("datasets", rates.DATASET_UPDATES),
    ],
)
def test_each_kind_of_request_has_the_budget_of_its_rate(name: str, rate: Rate) -> None:
    assert getattr(Budgets(), name).rate == rate


def test_each_kind_of_request_is_paid_from_its_own_budget() -> None:
    clock = Clock()
    budgets = Budgets(**{name: Budget(Rate(1, SECONDS), clock.now, clock.sleep) for name in BUDGETS})
    assert [getattr(budgets, name).spend("a") for name in BUDGETS] == [0] * len(BUDGETS)
    assert [getattr(budgets, name).spend("a") for name in BUDGETS[:2]] == [HELD, 0]


def test_what_one_client_spends_no_other_has_spent() -> None:
    budgets = Budgets(), Budgets()
    assert len({id(getattr(item, name)) for item in budgets for name in BUDGETS}) == 2 * len(BUDGETS)
