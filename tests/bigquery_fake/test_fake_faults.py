"""Faults, hooks and the log."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from google.api_core import exceptions
from google.cloud import bigquery

from tests.bigquery_fake.clients import ONCE, MakeTable, Queries, connected
from tests.bigquery_fake.faults import Fault, Faults
from tests.bigquery_fake.request_log import LoggedRequest, depth_of
from tests.bigquery_fake.server import Fake


@pytest.mark.parametrize(
    ("fault", "error", "reason"),
    [
        (Fault.TOO_MANY_REQUESTS, exceptions.TooManyRequests, "rateLimitExceeded"),
        (Fault.BACKEND_ERROR, exceptions.ServiceUnavailable, "backendError"),
        (Fault.INTERNAL_ERROR, exceptions.InternalServerError, "internalError"),
        (Fault.RATE_LIMIT_EXCEEDED, exceptions.Forbidden, "rateLimitExceeded"),
        (Fault.QUOTA_EXCEEDED, exceptions.Forbidden, "quotaExceeded"),
        (Fault.ACCESS_DENIED, exceptions.Forbidden, "accessDenied"),
        (Fault.PRECONDITION, exceptions.PreconditionFailed, "conditionNotMet"),
    ],
)
def test_errors_come_before_anything_is_done(
    fake: Fake, client: bigquery.Client, table: MakeTable, fault: Fault, error: type[Exception], reason: str
) -> None:
    fake.faults.add("tables.insert", fault, at=[2])
    table("first", "id INT64")
    with pytest.raises(error) as struck:
        table("second", "id INT64")
    assert struck.value.errors[0]["reason"] == reason  # type: ignore[attr-defined]
    table("third", "id INT64")
    assert [item.table_id for item in client.list_tables("shop", retry=ONCE)] == ["first", "third"]


@pytest.mark.parametrize(
    ("fault", "done"), [(Fault.RESET, False), (Fault.LOST, True), (Fault.TRUNCATED, True)], ids=str
)
def test_broken_connections(fake: Fake, client: bigquery.Client, table: MakeTable, fault: Fault, done: bool) -> None:
    fake.faults.add("tables.insert", fault, at=[1])
    with pytest.raises(requests.exceptions.RequestException):
        table("t", "id INT64")
    assert [item.table_id for item in client.list_tables("shop", retry=ONCE)] == (["t"] if done else [])
    if done:
        with pytest.raises(exceptions.Conflict):
            table("t", "id INT64")
    else:
        table("t", "id INT64")


def test_a_job_whose_answer_was_lost_was_done_once(
    fake: Fake, client: bigquery.Client, table: MakeTable, sql: Queries
) -> None:
    table("t", "id INT64")
    fake.faults.add("jobs.insert", Fault.LOST, at=[1])
    with pytest.raises(requests.exceptions.ConnectionError):
        sql.job("INSERT INTO shop.t VALUES (1)", job_id="lost")
    with pytest.raises(exceptions.Conflict):
        sql.job("INSERT INTO shop.t VALUES (1)", job_id="lost")
    job = client.get_job("lost", retry=ONCE)
    assert isinstance(job, bigquery.QueryJob)
    assert job.num_dml_affected_rows == 1


def test_the_clients_own_retry_survives_a_burst(fake: Fake, client: bigquery.Client, table: MakeTable) -> None:
    table("t", "id INT64")
    fake.faults.add("tables.get", Fault.BACKEND_ERROR, at=[1])
    assert client.get_table("shop.t").table_id == "t"
    assert fake.log.count("tables.get") == 2


def test_a_rate_is_the_same_for_the_same_seed() -> None:
    def struck(seed: int, rate: float = 0.05) -> list[int]:
        faults = Faults()
        faults.seed = seed
        faults.add("*", Fault.BACKEND_ERROR, rate=rate)
        return [number for number in range(2_000) if faults.choose("tables.get")]

    assert struck(1) == struck(1) != struck(2)
    assert 60 < len(struck(1)) < 140
    assert struck(1, rate=0.0) == []


def test_kinds_are_struck_apart_and_faults_are_cleared() -> None:
    faults = Faults()
    faults.add("tables.get", Fault.RESET, at=[1, 3])
    faults.add("tables.get", Fault.LOST, rate=1.0)
    assert [faults.choose("tables.get") for _ in range(3)] == [Fault.RESET, Fault.LOST, Fault.RESET]
    assert faults.choose("jobs.insert") is None
    faults.clear()
    assert faults.choose("tables.get") is None


def test_hooks_see_every_request_before_and_after_its_effect(
    fake: Fake, client: bigquery.Client, table: MakeTable
) -> None:
    seen: list[tuple[str, int, str, bool]] = []

    def there() -> bool:
        dataset = fake.catalog.find_dataset("acme-test", "shop")
        return dataset is not None and "t" in dataset.tables

    fake.faults.on_request = lambda number, kind: seen.append(("before", number, kind, there()))
    fake.faults.on_done = lambda number, kind: seen.append(("after", number, kind, there()))
    table("t", "id INT64")
    assert seen == [("before", 2, "tables.insert", False), ("after", 2, "tables.insert", True)]


def test_latency_is_added_to_each_request(fake: Fake, client: bigquery.Client, dataset: bigquery.Dataset) -> None:
    fake.faults.latency = 0.05
    began = time.perf_counter()
    client.get_dataset("shop", retry=ONCE)
    client.get_dataset("shop", retry=ONCE)
    assert time.perf_counter() - began >= 0.1


def test_the_log_counts_and_measures(fake: Fake, client: bigquery.Client, table: MakeTable) -> None:
    table("t", "id INT64")
    with fake.log.measured() as measured:
        client.get_table("shop.t", retry=ONCE)
        client.get_table("shop.t", retry=ONCE)
        with pytest.raises(exceptions.NotFound):
            client.get_table("shop.nope", retry=ONCE)
    assert (measured.count(), measured.count("tables.get"), measured.depth()) == (3, 3, 3)
    assert measured.by_kind() == {"tables.get": 3}
    assert [request.status for request in measured.requests] == [200, 200, 404]
    assert measured.requests[2].path.startswith("/bigquery/v2/projects/acme-test/datasets/shop/tables/nope")
    assert (fake.log.count("tables.insert"), fake.log.count(), fake.log.depth()) == (1, 5, 5)


def test_requests_at_the_same_time_are_one_deep(fake: Fake, table: MakeTable) -> None:
    table("t", "id INT64")
    together = threading.Barrier(4)

    def wait(_: int, kind: str) -> None:
        if kind == "tables.get":
            together.wait(30)

    fake.faults.on_request = wait

    def work(_: int) -> None:
        with connected(fake.url) as client:
            client.get_table("shop.t", retry=ONCE)

    with fake.log.measured() as measured, ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert (measured.count(), measured.depth()) == (4, 1)


def test_depth_is_the_longest_chain() -> None:
    def request(started: float, ended: float | None) -> LoggedRequest:
        return LoggedRequest(0, "k", "/", started, ended)

    assert depth_of([]) == 0
    assert depth_of([request(0, 10), request(1, 2), request(3, 4), request(3, 9), request(5, None)]) == 3
