"""Jobs through the gateway, with the real client: locations, ids that are spent once, request ids, failures."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import bigquery
from google.cloud.bigquery import Client, Dataset, QueryJob, SchemaField, Table

from tests.local_bigquery.emulator import PREFIX, Emulator
from tests.local_bigquery.fixtures import ONCE, QUERY_ONCE, Service
from tests.local_bigquery.process import HOST, PROJECT

pytestmark = pytest.mark.slow


@pytest.fixture
def orders(client: Client, shop: Dataset) -> Table:
    """An empty table in the EU."""
    return client.create_table(Table(f"{PROJECT}.shop.orders", schema=[SchemaField("id", "INTEGER")]))


def start(client: Client, text: str, job_id: str, location: str | None = None) -> QueryJob:
    return client.query(text, job_id=job_id, location=location, **QUERY_ONCE)


def refused(call: Callable[[], object]) -> tuple[int, str]:
    with pytest.raises(exceptions.GoogleAPICallError) as caught:
        call()
    return int(caught.value.code or 0), caught.value.errors[0]["reason"]


def post(service: Service, method: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    gateway = Emulator(HOST, int(service.url.rpartition(":")[2]))
    answer = gateway.send("POST", f"{PREFIX}/projects/{PROJECT}/{method}", json.dumps(body).encode())
    return answer.status, answer.resource


def test_a_job_runs_where_its_datasets_are(client: Client, orders: Table) -> None:
    job = start(client, "SELECT COUNT(*) FROM shop.orders", "where-it-is")
    assert [row.values() for row in job.result()] == [(0,)]
    assert job.location == "EU"
    assert client.get_job("where-it-is", location="eu").location == "EU"
    assert client.get_job("where-it-is").location == "EU"
    assert refused(lambda: client.get_job("where-it-is", location="US", **ONCE)) == (404, "notFound")


def test_a_query_in_the_wrong_location_is_not_found(client: Client, orders: Table, american: Dataset) -> None:
    query = "SELECT id FROM shop.orders"
    assert refused(lambda: client.query_and_wait(query, location="US", **QUERY_ONCE)) == (404, "notFound")
    both = f"{query} UNION ALL SELECT id FROM american.orders"
    assert refused(lambda: client.query_and_wait(both, **QUERY_ONCE)) == (404, "notFound")
    job = start(client, query, "in-the-wrong-place", "US")
    assert (job.state, job.error_result["reason"]) == ("DONE", "notFound")
    assert refused(lambda: job.result(**ONCE)) == (404, "notFound")


def test_an_id_is_spent_once_and_its_work_is_done_once(client: Client, orders: Table) -> None:
    insert = "INSERT INTO shop.orders (id) VALUES (1)"
    first = start(client, insert, "spent-once", "EU")
    first.result()
    assert refused(lambda: start(client, insert, "spent-once", "EU")) == (409, "duplicate")
    again = client.get_job("spent-once", location="EU")
    assert isinstance(again, QueryJob)
    assert (again.state, again.error_result, again.num_dml_affected_rows) == ("DONE", None, 1)
    assert [row.values() for row in client.query_and_wait("SELECT id FROM shop.orders")] == [(1,)]


def test_a_refused_statement_is_a_job_that_failed(client: Client, orders: Table) -> None:
    statement = "ALTER TABLE shop.orders ADD COLUMN x STRING NOT NULL"
    job = start(client, statement, "refused", "EU")
    assert (job.state, job.error_result["reason"], job.query) == ("DONE", "invalidQuery", statement)
    assert refused(lambda: job.result(**ONCE)) == (400, "invalidQuery")
    assert client.get_job("refused", location="EU").error_result == job.error_result
    assert refused(lambda: start(client, "SELECT 1", "refused", "EU")) == (409, "duplicate")


def test_a_job_is_answered_when_it_has_ended_with_its_own_text(client: Client, orders: Table) -> None:
    text = "SELECT table_name, ddl FROM shop.INFORMATION_SCHEMA.TABLES"
    config = bigquery.QueryJobConfig(labels={"cloudact": "true"})
    job = client.query(text, job_config=config, job_id="its-own-text", **QUERY_ONCE)
    assert job.state == "DONE"
    found = client.get_job("its-own-text", location="EU")
    assert isinstance(found, QueryJob)
    assert (found.query, found.labels) == (text, {"cloudact": "true"})
    assert [row.values() for row in found.result()] == [("orders", None)]
    assert client.cancel_job("its-own-text", location="EU").state == "DONE"


def test_results_come_in_pages(client: Client, orders: Table) -> None:
    client.query_and_wait("INSERT INTO shop.orders (id) SELECT x FROM UNNEST(GENERATE_ARRAY(1, 5)) AS x")
    job = start(client, "SELECT id FROM shop.orders ORDER BY id", "in-pages")
    pages = [[row.values() for row in page] for page in job.result(page_size=2).pages]
    assert pages == [[(1,), (2,)], [(3,), (4,)], [(5,)]]


def test_a_repeated_request_id_gets_the_first_answer(local_bigquery: Service, client: Client, orders: Table) -> None:
    body = {"query": "INSERT INTO shop.orders (id) VALUES (1)", "useLegacySql": False, "requestId": "the-same"}
    first, second = post(local_bigquery, "queries", body), post(local_bigquery, "queries", body)
    assert first == second
    assert (first[0], first[1]["numDmlAffectedRows"], first[1]["jobReference"]["location"]) == (200, "1", "EU")
    assert [row.values() for row in client.query_and_wait("SELECT COUNT(*) FROM shop.orders")] == [(1,)]


def test_a_dry_run_changes_nothing_and_is_checked(client: Client, orders: Table) -> None:
    config = bigquery.QueryJobConfig(dry_run=True)
    client.query("ALTER TABLE shop.orders ADD COLUMN x STRING", job_config=config)
    assert [field.name for field in client.get_table("shop.orders").schema] == ["id"]
    statement = "ALTER TABLE shop.orders ADD COLUMN x STRING NOT NULL"
    assert refused(lambda: client.query(statement, job_config=config, **ONCE)) == (400, "invalidQuery")


def test_legacy_sql_is_not_implemented(local_bigquery: Service) -> None:
    status, answer = post(local_bigquery, "queries", {"query": "SELECT 1"})
    assert (status, answer["error"]["errors"][0]["reason"]) == (501, "notImplemented")
