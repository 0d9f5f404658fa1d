"""Rate limits on a clock that the test moves."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from google.api_core import exceptions
from google.cloud import bigquery

from tests.bigquery_fake.clients import ONCE, MakeTable, Queries, connected, make_dataset
from tests.bigquery_fake.clock import ManualClock
from tests.bigquery_fake.server import Fake


@pytest.fixture(autouse=True)
def limited(fake: Fake, table: MakeTable) -> Iterator[None]:
    """Two tables, one of them partitioned, made before the limits count."""
    table("t", "id INT64")
    day = bigquery.Table("acme-test.shop.parts", schema=[bigquery.SchemaField("day", "DATE")])
    day.time_partitioning = bigquery.TimePartitioning(field="day")
    with connected(fake.url) as client:
        client.create_table(day, retry=ONCE)
        fake.limits.enabled = True
        yield


def reason(error: exceptions.GoogleAPICallError) -> tuple[int, str]:
    return int(error.code or 0), error.errors[0]["reason"]


def test_ten_tables_are_inserted_in_a_second(clock: ManualClock, table: MakeTable) -> None:
    for number in range(10):
        table(f"t{number}", "id INT64")
    with pytest.raises(exceptions.Forbidden, match=r"tables\.insert") as refused:
        table("t10", "id INT64")
    assert reason(refused.value) == (403, "rateLimitExceeded")
    clock.advance(1)
    table("t10", "id INT64")


def describe(client: bigquery.Client, name: str) -> None:
    described = client.get_table(f"shop.{name}", retry=ONCE)
    described.description = "again"
    client.update_table(described, ["description"], retry=ONCE)


@pytest.mark.parametrize(("name", "limit"), [("t", 5), ("parts", 50)])
def test_a_table_is_changed_so_often_in_ten_seconds(
    client: bigquery.Client, clock: ManualClock, name: str, limit: int
) -> None:
    for _ in range(limit):
        describe(client, name)
    with pytest.raises(exceptions.Forbidden) as refused:
        describe(client, name)
    assert reason(refused.value) == (403, "rateLimitExceeded")
    clock.advance(10)
    describe(client, name)


def test_statements_and_the_name_of_a_deleted_table_count_too(
    client: bigquery.Client, clock: ManualClock, sql: Queries
) -> None:
    sql.job("ALTER TABLE shop.t ADD COLUMN a STRING, ADD COLUMN b STRING")
    describe(client, "t")
    sql.job("DROP TABLE shop.t")
    sql.job("CREATE TABLE shop.t (id INT64)")
    sql.job("ALTER TABLE shop.t ADD COLUMN a STRING")
    with pytest.raises(exceptions.GoogleAPICallError) as refused:
        sql.job("ALTER TABLE shop.t ADD COLUMN b STRING")
    assert refused.value.errors[0]["reason"] == "jobRateLimitExceeded"
    clock.advance(10)
    sql.job("ALTER TABLE shop.t ADD COLUMN b STRING")


def test_a_dataset_is_changed_five_times_in_ten_seconds(client: bigquery.Client, clock: ManualClock) -> None:
    make_dataset(client, "busy")
    for number in range(4):
        dataset = client.get_dataset("busy", retry=ONCE)
        dataset.labels = {"n": str(number)}
        client.update_dataset(dataset, ["labels"], retry=ONCE)
    with pytest.raises(exceptions.Forbidden):
        client.delete_dataset("busy", retry=ONCE)
    clock.advance(10)
    client.delete_dataset("busy", retry=ONCE)


def test_a_method_is_called_a_hundred_times_in_a_second(client: bigquery.Client, clock: ManualClock) -> None:
    for _ in range(100):
        client.get_table("shop.t", retry=ONCE)
    with pytest.raises(exceptions.Forbidden, match=r"tables\.get"):
        client.get_table("shop.t", retry=ONCE)
    client.get_dataset("shop", retry=ONCE)
    clock.advance(1)
    client.get_table("shop.t", retry=ONCE)


def test_dml_is_limited_per_table(sql: Queries, clock: ManualClock) -> None:
    for _ in range(25):
        sql.job("INSERT INTO shop.t VALUES (1)")
    with pytest.raises(exceptions.GoogleAPICallError) as refused:
        sql.job("INSERT INTO shop.t VALUES (1)")
    assert refused.value.errors[0]["reason"] == "jobRateLimitExceeded"
    clock.advance(10)
    sql.job("INSERT INTO shop.t VALUES (1)")


def test_two_and_twenty_changing_statements_at_once(fake: Fake) -> None:
    fake.limits.dml_statements_per_10_seconds = None
    fake.limits.mutating_statements_at_once = 3  # as 22, with fewer threads
    reached, released = threading.Event(), threading.Event()

    def stop(_: tuple[str, ...]) -> None:
        reached.set()
        assert released.wait(30)

    def work(_: int) -> str:
        with connected(fake.url) as client:
            try:
                Queries(client).job("UPDATE shop.t SET id = 1 WHERE TRUE")
            except exceptions.GoogleAPICallError as error:
                released.set()  # everybody else is waiting
                return str(error.errors[0]["reason"])
            return "done"

    fake.concurrency.before_commit = stop
    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(work, range(4))) == ["done", "done", "done", "jobRateLimitExceeded"]


def test_requests_at_once_are_limited(fake: Fake, client: bigquery.Client) -> None:
    fake.limits.concurrent_requests = 0
    with pytest.raises(exceptions.Forbidden, match="concurrent requests"):
        client.get_table("shop.t", retry=ONCE)


def test_a_limit_can_be_lifted(fake: Fake, table: MakeTable) -> None:
    fake.limits.table_inserts_per_second = None
    for number in range(20):
        table(f"t{number}", "id INT64")
