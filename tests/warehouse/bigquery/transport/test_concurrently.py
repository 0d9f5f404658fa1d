"""Doing one thing to many objects at once: order, errors, and what is counted meanwhile."""

from __future__ import annotations

import threading
from contextvars import ContextVar, copy_context

import pytest

from cloudact.warehouse.bigquery.transport.concurrently import MAX_AT_ONCE, concurrently
from cloudact.warehouse.usage import Usage, measured, record

_who: ContextVar[str] = ContextVar("who", default="nobody")


@pytest.mark.parametrize("count", [0, 1, 2, MAX_AT_ONCE, 3 * MAX_AT_ONCE])
def test_results_come_in_the_order_of_the_items(count: int) -> None:
    assert concurrently(lambda number: number * number, iter(range(count))) == [n * n for n in range(count)]


def test_results_come_in_order_whoever_is_done_first() -> None:
    later = threading.Event()

    def work(number: int) -> int:
        if number == 0:
            assert later.wait(30)
        else:
            later.set()
        return number

    assert concurrently(work, [0, 1]) == [0, 1]


def test_as_many_go_at_once_as_are_allowed_and_no_more() -> None:
    together = threading.Barrier(MAX_AT_ONCE, timeout=30)
    lock = threading.Lock()
    running = most = 0

    def work(_number: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        together.wait()
        with lock:
            running -= 1

    concurrently(work, range(3 * MAX_AT_ONCE))
    assert most == MAX_AT_ONCE


def test_every_one_is_finished_before_the_first_error_is_raised() -> None:
    failed = threading.Event()
    done: list[int] = []

    def work(number: int) -> None:
        if number in {1, 3}:
            failed.set()
            raise LookupError(number)
        assert failed.wait(30)
        done.append(number)

    with pytest.raises(LookupError, match="1"):
        concurrently(work, range(6))
    assert sorted(done) == [0, 2, 4, 5]


def test_the_error_of_an_only_one_is_raised_as_it_is() -> None:
    error = LookupError("x")

    def work(_item: int) -> None:
        raise error

    with pytest.raises(LookupError) as caught:
        concurrently(work, [1])
    assert caught.value is error


@pytest.mark.parametrize("count", [1, 2, 40])
def test_each_works_in_the_context_of_the_caller(count: int) -> None:
    token = _who.set("caller")
    try:
        assert concurrently(lambda _number: _who.get(), range(count)) == ["caller"] * count
    finally:
        _who.reset(token)


def test_what_one_sets_in_its_context_no_other_sees() -> None:
    together = threading.Barrier(4, timeout=30)

    def work(number: int) -> str:
        _who.set(str(number))
        together.wait()
        return _who.get()

    assert concurrently(work, range(4)) == ["0", "1", "2", "3"]
    assert _who.get() == "nobody"


def test_use_is_counted_in_whichever_thread_it_happens() -> None:
    with measured() as usage:
        concurrently(lambda number: record(requests=1, bytes_billed=number), range(100))
    assert (usage.requests, usage.bytes_billed) == (100, sum(range(100)))


def test_a_part_is_counted_in_the_whole_and_by_itself() -> None:
    with measured() as whole:
        record(requests=1)
        with measured() as part:
            record(requests=2, bytes_billed=10)
        record(bytes_billed=5)
    record(requests=100, bytes_billed=100)
    assert (part.requests, part.bytes_billed) == (2, 10)
    assert (whole.requests, whole.bytes_billed) == (3, 15)


def test_what_failed_is_counted_and_what_comes_after_is_not() -> None:
    seen: list[Usage] = []

    def fail() -> None:
        with measured() as usage:
            seen.append(usage)
            record(requests=1)
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    record(requests=1)
    assert [usage.requests for usage in seen] == [1]


def test_operations_at_the_same_time_are_counted_apart() -> None:
    together = threading.Barrier(2, timeout=30)

    def operation(number: int) -> int:
        with measured() as usage:
            together.wait()
            record(requests=number)
            together.wait()
        return usage.requests

    assert concurrently(operation, [1, 2]) == [1, 2]


def test_a_thread_that_does_not_copy_the_context_is_not_counted() -> None:
    with measured() as usage:
        alone = threading.Thread(target=lambda: record(requests=1))
        alone.start()
        alone.join()
        copied = threading.Thread(target=copy_context().run, args=(lambda: record(requests=2),))
        copied.start()
        copied.join()
    assert usage.requests == 2
