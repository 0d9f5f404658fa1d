"""Jobs: ids, requests sent twice, pages, dry runs, costs."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import bigquery

from tests.bigquery_fake.clients import ONCE, PROJECT, MakeTable, Queries, connected, rest, scalar
from tests.bigquery_fake.clock import ManualClock
from tests.bigquery_fake.jobs import KEPT_RESULTS
from tests.bigquery_fake.server import Fake

INSERT = "INSERT INTO shop.t VALUES (1)"
TEN_MEGABYTES = 10 * 1024 * 1024


@pytest.fixture(autouse=True)
def numbers(table: MakeTable) -> bigquery.Table:
    """A table of numbers."""
    return table("t", "id INT64")


def test_a_job_id_is_used_once_for_ever(client: bigquery.Client, sql: Queries, clock: ManualClock) -> None:
    sql.job(INSERT, job_id="cloudact-1")
    clock.advance(365 * 86_400)
    with pytest.raises(exceptions.Conflict, match=r"Already Exists: Job acme-test:EU\.cloudact-1"):
        sql.job(INSERT, job_id="cloudact-1")
    assert sql.one("SELECT COUNT(*) FROM shop.t") == 1
    assert client.get_job("cloudact-1", retry=ONCE).state == "DONE"
    with pytest.raises(exceptions.NotFound):
        client.get_job("cloudact-1", location="US", retry=ONCE)


def test_a_failed_job_keeps_its_id_and_its_error(client: bigquery.Client, sql: Queries) -> None:
    with pytest.raises(exceptions.NotFound):
        sql.job("INSERT INTO shop.nope VALUES (1)", job_id="fails")
    with pytest.raises(exceptions.Conflict):
        sql.job(INSERT, job_id="fails")
    job = client.get_job("fails", retry=ONCE)
    assert (job.state, job.error_result["reason"]) == ("DONE", "notFound")
    with pytest.raises(exceptions.NotFound, match=r"shop\.nope was not found in location EU"):
        job.result(retry=ONCE)


def test_a_job_tells_what_it_was_asked_and_what_it_did(client: bigquery.Client, sql: Queries) -> None:
    sql.job("INSERT INTO shop.t VALUES (@id)", scalar("id", "INT64", 7), job_id="one", labels={"cloudact": "test"})
    job = client.get_job("one", retry=ONCE)
    assert isinstance(job, bigquery.QueryJob)
    assert (job.query, job.labels, job.statement_type) == (
        "INSERT INTO shop.t VALUES (@id)",
        {"cloudact": "test"},
        "INSERT",
    )
    assert [parameter.to_api_repr() for parameter in job.query_parameters] == [scalar("id", "INT64", 7).to_api_repr()]
    assert (job.num_dml_affected_rows, job.location, job.total_bytes_billed) == (1, "EU", TEN_MEGABYTES)
    assert [item.job_id for item in client.list_jobs(retry=ONCE)] == ["one"]


def test_a_bad_job_id_is_refused(sql: Queries) -> None:
    with pytest.raises(exceptions.BadRequest, match="rule 37"):
        sql.job(INSERT, job_id="no spaces")


def test_an_id_is_taken_while_its_job_runs(fake: Fake, sql: Queries) -> None:
    reached, released = threading.Event(), threading.Event()

    def stop(_: tuple[str, ...]) -> None:
        reached.set()
        assert released.wait(30)

    fake.concurrency.before_commit = stop
    with connected(fake.url) as client, ThreadPoolExecutor(1) as pool:
        first = pool.submit(Queries(client).job, INSERT, job_id="slow")
        assert reached.wait(30)
        with pytest.raises(exceptions.Conflict):
            sql.job(INSERT, job_id="slow")
        assert sql.client.get_job("slow", retry=ONCE).state == "RUNNING"
        released.set()
        assert first.result().num_dml_affected_rows == 1


def query(client: bigquery.Client, text: str, request_id: str, **settings: object) -> dict[str, object]:
    body = {"query": text, "useLegacySql": False, "requestId": request_id, "location": "EU", **settings}
    return rest(client, "POST", f"/projects/{PROJECT}/queries", body)


def test_a_request_id_gives_the_same_answer_for_15_minutes(
    client: bigquery.Client, sql: Queries, clock: ManualClock
) -> None:
    first = query(client, INSERT, "request-1")
    clock.advance(899)
    assert query(client, INSERT, "request-1") == first
    assert query(client, "INSERT INTO shop.t VALUES (2)", "request-1") != first
    clock.advance(901)
    assert query(client, INSERT, "request-1") != first
    assert sql.rows("SELECT id FROM shop.t ORDER BY id") == [(1,), (1,), (2,)]
    with pytest.raises(exceptions.BadRequest, match="36 characters"):
        query(client, INSERT, "x" * 37)


def test_one_request_sent_many_times_at_once_is_done_once(fake: Fake, sql: Queries) -> None:
    request_id = str(uuid.uuid4())

    def work(_: int) -> object:
        with connected(fake.url) as client:
            return query(client, INSERT, request_id)["numDmlAffectedRows"]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8))) == ["1"] * 8
    assert sql.one("SELECT COUNT(*) FROM shop.t") == 1


def test_the_client_may_query_without_inserting_a_job(fake: Fake, client: bigquery.Client) -> None:
    with fake.log.measured() as measured:
        rows = client.query_and_wait("SELECT x FROM UNNEST(GENERATE_ARRAY(1, 3)) AS x", retry=ONCE, job_retry=ONCE)
    assert [row.x for row in rows] == [1, 2, 3]
    assert measured.by_kind() == {"jobs.query": 1}


def test_results_come_in_pages(fake: Fake, client: bigquery.Client) -> None:
    job = client.query("SELECT x FROM UNNEST(GENERATE_ARRAY(1, 2500)) AS x", retry=ONCE, job_retry=ONCE)
    with fake.log.measured() as measured:
        rows = job.result(page_size=1000, retry=ONCE, job_retry=ONCE)
        assert rows.total_rows == 2500
        assert [row.x for row in rows] == list(range(1, 2501))
    assert measured.count("jobs.getQueryResults") == 3
    again = client.get_job(job.job_id, retry=ONCE)
    assert isinstance(again, bigquery.QueryJob)
    assert [row.x for row in again.result(max_results=2, start_index=10, retry=ONCE)] == [11, 12]


def test_a_large_result_is_cut_into_pages_by_its_size(fake: Fake, client: bigquery.Client) -> None:
    text = "SELECT x, @text AS filler FROM UNNEST(GENERATE_ARRAY(1, 300)) AS x"
    config = bigquery.QueryJobConfig(query_parameters=[scalar("text", "STRING", "x" * 100_000)])
    with fake.log.measured() as measured:
        rows = client.query_and_wait(text, job_config=config, retry=ONCE, job_retry=ONCE)
        assert sum(len(row.filler) for row in rows) == 30_000_000
    assert measured.count() >= 3


def test_a_dry_run_tells_columns_and_cost_and_does_nothing(client: bigquery.Client, sql: Queries) -> None:
    dry = bigquery.QueryJobConfig(dry_run=True)
    planned = client.query("SELECT id, 'a' AS a FROM shop.t", job_config=dry, retry=ONCE, job_retry=ONCE)
    assert [(field.name, field.field_type) for field in planned.schema or ()] == [("id", "INTEGER"), ("a", "STRING")]
    assert planned.total_bytes_processed
    for statement in (INSERT, "CREATE TABLE shop.u (id INT64)", "DROP TABLE shop.t"):
        client.query(statement, job_config=dry, retry=ONCE, job_retry=ONCE)
    for broken in ("SELECT nope FROM shop.t", "INSERT INTO shop.nope VALUES (1)"):
        with pytest.raises((exceptions.BadRequest, exceptions.NotFound)):
            client.query(broken, job_config=dry, retry=ONCE, job_retry=ONCE)
    assert [item.table_id for item in client.list_tables("shop", retry=ONCE)] == ["t"]
    assert sql.one("SELECT COUNT(*) FROM shop.t") == 0


@pytest.mark.parametrize(
    ("statement", "billed"),
    [
        ("SELECT 1", 0),
        ("SELECT COUNT(*) FROM shop.t", TEN_MEGABYTES),
        ("SELECT table_name FROM shop.INFORMATION_SCHEMA.TABLES", TEN_MEGABYTES),
        (INSERT, TEN_MEGABYTES),
        ("CREATE TABLE shop.u (id INT64)", 0),
    ],
)
def test_what_reads_anything_bills_ten_megabytes_at_least(sql: Queries, statement: str, billed: int) -> None:
    assert sql.job(statement).total_bytes_billed == billed


def test_a_maximum_below_ten_megabytes_is_refused(sql: Queries) -> None:
    with pytest.raises(exceptions.GoogleAPICallError, match="10485760 or higher required") as refused:
        sql.job(INSERT, maximum_bytes_billed=TEN_MEGABYTES - 1)
    assert refused.value.errors[0]["reason"] == "bytesBilledLimitExceeded"
    assert sql.job(INSERT, maximum_bytes_billed=TEN_MEGABYTES).num_dml_affected_rows == 1
    assert sql.job("SELECT 1", maximum_bytes_billed=1).total_bytes_billed == 0


def test_a_running_job_can_be_cancelled_and_stays_done(client: bigquery.Client, sql: Queries) -> None:
    sql.job(INSERT, job_id="done")
    client.cancel_job("done", retry=ONCE)
    assert client.get_job("done", retry=ONCE).state == "DONE"


@pytest.mark.parametrize(
    "settings", [{"destination": f"{PROJECT}.shop.out"}, {"use_legacy_sql": True}, {"create_session": True}]
)
def test_settings_the_fake_does_not_know_are_refused(sql: Queries, settings: dict[str, Any]) -> None:
    with pytest.raises(exceptions.MethodNotImplemented):
        sql.job("SELECT 1", **settings)


def test_too_long_a_query_is_refused(sql: Queries) -> None:
    with pytest.raises(exceptions.BadRequest, match="rule 8"):
        sql.job(f"SELECT '{'x' * (1 << 20)}'")


def test_old_results_are_forgotten_and_asking_for_them_is_refused(client: bigquery.Client, sql: Queries) -> None:
    sql.job("SELECT 1 AS one", job_id="old")
    for _ in range(KEPT_RESULTS):
        sql.job("SELECT 1 AS one")
    with pytest.raises(exceptions.MethodNotImplemented, match="last 200 jobs"):
        client.get_job("old", retry=ONCE).result(retry=ONCE)
