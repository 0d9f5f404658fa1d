"""Of simultaneous changes none is lost, whatever they meet: every one that was answered is in the table."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from cloudact.errors import EntityExists, EntityHasChildren, EntityNotFound, InvalidRequest, VersionStale
from tests.tenancy.hierarchy.world import Ground

T = TypeVar("T")


def at_once(threads: int, work: Callable[[int], T]) -> list[T]:
    barrier = threading.Barrier(threads)

    def run(number: int) -> T:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, range(threads)))


def write_many(ground: Ground, threads: int, each: int) -> None:
    """Every thread adds teams of its own, and all rename the department above them."""
    ground.add("DEPARTMENT", "D1")
    ground.add("PROJECT", "P1", "D1")

    def work(thread: int) -> int:
        for number in range(each):
            ground.add("TEAM", f"T{thread}-{number}", "P1")
            ground.change("D1", entity_name=f"Renamed by {thread}, {number}")
        return each

    at_once(threads, work)
    current = ground.current()
    assert sorted(current) == sorted(
        ["D1", "P1", *(f"T{thread}-{number}" for thread in range(threads) for number in range(each))]
    )
    assert current["D1"]["version"] == 1 + threads * each
    assert ground.hierarchies.levels(ground.slug).revision == 2 + 2 * threads * each
    ground.assert_sound()


def test_eight_threads_lose_no_update(duckdb_ground: Ground) -> None:
    write_many(duckdb_ground, 8, 1)


@pytest.mark.slow
def test_eight_threads_that_go_on_lose_no_update(duckdb_ground: Ground) -> None:
    write_many(duckdb_ground, 8, 10)


@pytest.mark.slow
def test_eight_threads_lose_no_update_on_bigquery(bigquery_ground: Ground) -> None:
    write_many(bigquery_ground, 8, 2)


def test_of_changes_of_one_version_one_wins(ground: Ground) -> None:
    ground.add("DEPARTMENT", "D1")

    def change(thread: int) -> bool:
        try:
            ground.change("D1", 1, entity_name=f"by {thread}")
        except VersionStale:
            return False
        return True

    assert at_once(4, change).count(True) == 1
    assert ground.current()["D1"]["version"] == 2


def test_an_id_is_given_once(ground: Ground) -> None:
    def add(_thread: int) -> bool:
        try:
            ground.add("DEPARTMENT", "D1")
        except EntityExists:
            return False
        return True

    assert at_once(4, add).count(True) == 1
    ground.assert_sound()


def test_a_parent_is_not_removed_from_under_a_new_child(ground: Ground) -> None:
    ground.add("DEPARTMENT", "D1")

    def meet(thread: int) -> bool:
        try:
            ground.remove("D1") if thread else ground.add("PROJECT", "P1", "D1")
        except (EntityHasChildren, EntityNotFound, InvalidRequest):
            return False
        return True

    assert at_once(2, meet).count(True) == 1
    ground.assert_sound()
