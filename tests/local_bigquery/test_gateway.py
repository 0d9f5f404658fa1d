"""Datasets, tables and views by REST, with the real client: what is refused, what is mended, what is kept."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import bigquery
from google.cloud.bigquery import Client, Dataset, SchemaField, Table

from tests.bigquery_fake.rules import MAX_MATERIALIZED_VIEWS_PER_BASE
from tests.local_bigquery.emulator import PREFIX, Emulator
from tests.local_bigquery.fixtures import ONCE, QUERY_ONCE, Service, make_dataset
from tests.local_bigquery.gateway import Request
from tests.local_bigquery.process import HOST, PROJECT, LocalBigQuery

pytestmark = pytest.mark.slow

ORDERS = (
    SchemaField("id", "INTEGER", mode="REQUIRED", description="The order's number."),
    SchemaField("day", "DATE"),
    SchemaField("note", "STRING", max_length=10),
    SchemaField("tags", "STRING", mode="REPEATED"),
    SchemaField("line", "RECORD", mode="REPEATED", fields=[SchemaField("sku", "STRING", mode="REQUIRED")]),
)


def make(client: Client, *fields: SchemaField, name: str = "orders", **properties: Any) -> Table:
    table = Table(f"{PROJECT}.shop.{name}", schema=fields or ORDERS)
    for key, value in properties.items():
        setattr(table, key, value)
    return client.create_table(table, **ONCE)


def make_view(client: Client, name: str, query: str, **properties: Any) -> Table:
    view = Table(f"{PROJECT}.shop.{name}")
    view.view_query = query
    for key, value in properties.items():
        setattr(view, key, value)
    return client.create_table(view, **ONCE)


def make_materialized_view(client: Client, name: str, query: str) -> Table:
    resource = {
        "tableReference": {"projectId": PROJECT, "datasetId": "shop", "tableId": name},
        "materializedView": {"query": query, "enableRefresh": True, "refreshIntervalMs": "900000"},
        "clustering": {"fields": ["note"]},
        "labels": {"team": "shop"},
        "description": "Orders by note.",
    }
    return client.create_table(Table.from_api_repr(resource), **ONCE)


def refused(call: Callable[[], object]) -> tuple[int, str, str]:
    """Return the status, the reason and the message of a refusal."""
    with pytest.raises(exceptions.GoogleAPICallError) as caught:
        call()
    [error] = caught.value.errors
    return int(caught.value.code or 0), error["reason"], error["message"]


def patched_schema(client: Client, table: Table, *fields: SchemaField) -> Table:
    table.schema = list(fields)
    return client.update_table(table, ["schema"], **ONCE)


def names(table: Table) -> list[str]:
    return [field.name for field in table.schema]


def values(client: Client, query: str) -> list[tuple[object, ...]]:
    return [row.values() for row in client.query_and_wait(query, **QUERY_ONCE)]


def test_a_dataset_is_kept_as_sent_and_a_bad_one_is_refused(client: Client) -> None:
    dataset = Dataset(f"{PROJECT}.shop")
    dataset.location, dataset.labels, dataset.description = "eu", {"team": "shop"}, "A shop."
    client.create_dataset(dataset)
    found = client.get_dataset("shop")
    assert (found.location, found.labels, found.description) == ("EU", {"team": "shop"}, "A shop.")
    dataset = Dataset(f"{PROJECT}.other")
    dataset.labels = {"Team": "shop"}
    assert refused(lambda: client.create_dataset(dataset, **ONCE))[:2] == (400, "invalid")


def test_a_dataset_patch_merges_labels_and_a_stale_one_is_refused(client: Client, shop: Dataset) -> None:
    stale = client.get_dataset("shop")
    shop.labels = {"a": "1", "b": "2"}
    client.update_dataset(shop, ["labels"])
    stale.labels = {"c": "3"}
    assert refused(lambda: client.update_dataset(stale, ["labels"], **ONCE))[:2] == (412, "conditionNotMet")
    fresh = client.get_dataset("shop")
    fresh.labels = {"a": None, "c": "3"}
    assert client.update_dataset(fresh, ["labels"]).labels == {"b": "2", "c": "3"}


def test_errors_have_the_format_of_google(local_bigquery: Service) -> None:
    gateway = Emulator(HOST, int(local_bigquery.url.rpartition(":")[2]))
    body = b'{"datasetReference": {"datasetId": "with-dash"}}'
    answer = gateway.send("POST", f"{PREFIX}/projects/{PROJECT}/datasets", body)
    message = "Dataset id 'with-dash' is not 1 to 1,024 letters, digits and underscores (rule numbers)"
    assert answer.status == 400
    assert answer.resource == {
        "error": {
            "code": 400,
            "message": message,
            "errors": [{"reason": "invalid", "message": message, "domain": "global"}],
            "status": "INVALID_ARGUMENT",
        }
    }


def test_a_table_of_every_type_is_answered_as_it_was_sent(client: Client, shop: Dataset) -> None:
    scalars = ["BOOLEAN", "BYTES", "DATE", "DATETIME", "FLOAT", "GEOGRAPHY", "INTERVAL", "JSON", "TIME", "TIMESTAMP"]
    fields = [
        *ORDERS,
        SchemaField("price", "NUMERIC", precision=20, scale=4),
        SchemaField("exact", "BIGNUMERIC", precision=50, scale=30, description="Exact."),
        SchemaField("span", "RANGE", range_element_type="DATE"),
        SchemaField("text", "STRING", default_value_expression="'x'"),
        *(SchemaField(f"c_{kind}", kind) for kind in scalars),
    ]
    layout = bigquery.TimePartitioning(field="day", expiration_ms=86_400_000)
    made = make(
        client,
        *fields,
        description="Orders.",
        labels={"team": "shop"},
        time_partitioning=layout,
        clustering_fields=["id", "note"],
        require_partition_filter=True,
    )
    found = client.get_table(made)
    assert found.schema == fields
    assert (found.description, found.labels, found.clustering_fields) == ("Orders.", {"team": "shop"}, ["id", "note"])
    assert (found.time_partitioning, found.require_partition_filter, found.location) == (layout, True, "EU")
    assert (found.etag, found.to_api_repr()) == (made.etag, made.to_api_repr())


@pytest.mark.parametrize(
    "properties",
    [
        {"clustering_fields": ["id", "day", "note", "nope"]},
        {"clustering_fields": ["tags"]},
        {"time_partitioning": bigquery.TimePartitioning(field="note")},
        {"time_partitioning": bigquery.TimePartitioning(field="nope")},
        {"schema": [SchemaField("a", "STRING"), SchemaField("A", "STRING")]},
        {"schema": [SchemaField("_PARTITION_x", "STRING")]},
        {"schema": [SchemaField(f"c{number}", "STRING") for number in range(5)], "clustering_fields": list("abcde")},
        {"labels": {"Team": "shop"}},
    ],
)
def test_a_table_that_bigquery_refuses_is_not_made(client: Client, shop: Dataset, properties: dict[str, Any]) -> None:
    assert refused(lambda: make(client, **properties))[:2] == (400, "invalid")
    assert list(client.list_tables(shop)) == []


def test_a_table_is_made_once_and_only_in_a_dataset(client: Client, shop: Dataset) -> None:
    make(client)
    assert refused(lambda: make(client))[:2] == (409, "duplicate")
    lost = Table(f"{PROJECT}.nowhere.orders", schema=ORDERS)
    assert refused(lambda: client.create_table(lost, **ONCE))[:2] == (404, "notFound")
    assert refused(lambda: client.get_table("shop.nothing", **ONCE))[:2] == (404, "notFound")


def test_a_patch_adds_at_the_end_relaxes_and_describes(client: Client, shop: Dataset) -> None:
    table = make(client)
    relaxed = SchemaField("id", "INTEGER", description="Number.")
    first = SchemaField("first", "STRING", description="Added.")
    record = SchemaField("buyer", "RECORD", fields=[SchemaField("name", "STRING", mode="REQUIRED")])
    after = patched_schema(client, table, first, relaxed, *ORDERS[1:], record)
    assert after.schema == [relaxed, *ORDERS[1:], first, record]
    assert client.get_table(table).schema == after.schema
    client.query_and_wait("INSERT INTO shop.orders (first, id) VALUES ('x', NULL)")
    assert values(client, "SELECT first, id, buyer FROM shop.orders") == [("x", None, None)]


@pytest.mark.parametrize(
    "fields",
    [
        (*ORDERS, SchemaField("x", "STRING", mode="REQUIRED")),
        ORDERS[:-1],
        (SchemaField("id", "NUMERIC", mode="REQUIRED"), *ORDERS[1:]),
        (ORDERS[0], SchemaField("day", "DATE", mode="REQUIRED"), *ORDERS[2:]),
        (*ORDERS[:3], SchemaField("tags", "STRING"), ORDERS[4]),
        (*ORDERS[:4], SchemaField("line", "RECORD", mode="REPEATED", fields=[SchemaField("other", "STRING")])),
    ],
)
def test_a_patch_that_bigquery_refuses_changes_nothing(
    client: Client, shop: Dataset, fields: tuple[SchemaField, ...]
) -> None:
    table = make(client)
    assert refused(lambda: patched_schema(client, table, *fields))[:2] == (400, "invalid")
    assert client.get_table(table).schema == list(ORDERS)


def test_partitioning_stays_as_it_was_made(client: Client, shop: Dataset) -> None:
    table = make(client, time_partitioning=bigquery.TimePartitioning(field="day"))
    table.time_partitioning = bigquery.TimePartitioning(type_="MONTH", field="day")
    assert refused(lambda: client.update_table(table, ["time_partitioning"], **ONCE))[:2] == (400, "invalid")
    table.time_partitioning = bigquery.TimePartitioning(field="day", expiration_ms=1000)
    assert client.update_table(table, ["time_partitioning"]).time_partitioning.expiration_ms == 1000


def test_a_field_added_to_a_record_is_not_implemented_instead_of_ignored(client: Client, shop: Dataset) -> None:
    table = make(client)
    line = SchemaField("line", "RECORD", mode="REPEATED", fields=[*ORDERS[4].fields, SchemaField("count", "INTEGER")])
    status, reason, message = refused(lambda: patched_schema(client, table, *ORDERS[:4], line))
    assert (status, reason) == (501, "notImplemented")
    assert "line.count" in message
    assert client.get_table(table).schema == list(ORDERS)


def test_a_stale_patch_is_refused_and_the_newer_state_stays(client: Client, shop: Dataset) -> None:
    make(client)
    first, second = client.get_table("shop.orders"), client.get_table("shop.orders")
    first.labels = {"a": "1"}
    assert client.update_table(first, ["labels"]).etag != second.etag
    second.labels = {"b": "2"}
    assert refused(lambda: client.update_table(second, ["labels"], **ONCE))[:2] == (412, "conditionNotMet")
    assert client.get_table("shop.orders").labels == {"a": "1"}


def test_rows_get_the_defaults_of_their_columns(client: Client, shop: Dataset) -> None:
    written = SchemaField("at", "TIMESTAMP", default_value_expression="CURRENT_TIMESTAMP()")
    table = make(client, SchemaField("id", "INTEGER"), written)
    table = patched_schema(client, table, *table.schema, SchemaField("a", "STRING", default_value_expression="'x'"))
    assert [field.default_value_expression for field in table.schema] == [None, "CURRENT_TIMESTAMP()", "'x'"]
    client.query_and_wait("INSERT INTO shop.orders (id) VALUES (1)")
    client.query_and_wait(
        "MERGE INTO shop.orders AS t USING (SELECT 2 AS id) AS s ON t.id = s.id"
        " WHEN NOT MATCHED THEN INSERT (id) VALUES (s.id)"
    )
    query = "SELECT id, a, at IS NULL FROM shop.orders ORDER BY id"
    assert values(client, query) == [(1, "x", False), (2, "x", False)]
    patched_schema(client, table, SchemaField("id", "INTEGER"), written, SchemaField("a", "STRING"))
    client.query_and_wait("INSERT INTO shop.orders (id) VALUES (3)")
    assert values(client, query)[2] == (3, None, False)
    function = SchemaField("f", "STRING", default_value_expression="GENERATE_UUID()")
    fresh = client.get_table(table)
    added = refused(lambda: patched_schema(client, fresh, *fresh.schema, function))
    assert added[:2] == (501, "notImplemented")


def test_a_view_gets_another_query_by_patch_and_keeps_the_rest(client: Client, shop: Dataset) -> None:
    make(client)
    client.query_and_wait("INSERT INTO shop.orders (id, note) VALUES (1, 'a')")
    view = make_view(client, "v", f"SELECT id  FROM `{PROJECT}.shop.orders`", labels={"team": "shop"})
    view.view_query = f"SELECT note FROM `{PROJECT}.shop.orders`  -- as written"
    after = client.update_table(view, ["view_query"])
    assert values(client, "SELECT * FROM shop.v") == [("a",)]
    assert (after.view_query, after.labels, after.created) == (view.view_query, {"team": "shop"}, view.created)
    assert after.etag == client.get_table("shop.v").etag != view.etag


def test_a_view_reads_only_its_own_location(client: Client, shop: Dataset, american: Dataset) -> None:
    client.create_table(Table(f"{PROJECT}.american.orders", schema=ORDERS))
    status, reason, message = refused(lambda: make_view(client, "v", f"SELECT id FROM `{PROJECT}.american.orders`"))
    assert (status, reason) == (404, "notFound")
    assert "location EU" in message


def test_a_view_that_is_no_query_is_refused(client: Client, shop: Dataset) -> None:
    assert refused(lambda: make_view(client, "v", "SELECT FROM WHERE"))[:2] == (400, "invalidQuery")
    assert refused(lambda: make_view(client, "v", f"SELECT 1 FROM `{PROJECT}.shop.nothing`"))[:2] == (404, "notFound")


def test_a_materialized_view_has_its_settings_and_its_rows(client: Client, shop: Dataset) -> None:
    make(client)
    client.query_and_wait("INSERT INTO shop.orders (id, note) VALUES (1, 'a'), (2, 'a')")
    query = f"SELECT note,  COUNT(*) AS number FROM `{PROJECT}.shop.orders` GROUP BY note"
    made = make_materialized_view(client, "mv", query)
    assert values(client, "SELECT note, number FROM shop.mv") == [("a", 2)]
    found = client.get_table("shop.mv").to_api_repr()
    assert found == made.to_api_repr()
    assert found["materializedView"] == {"query": query, "enableRefresh": True, "refreshIntervalMs": "900000"}
    assert (found["type"], found["location"], found["labels"]) == ("MATERIALIZED_VIEW", "EU", {"team": "shop"})
    assert (found["clustering"], found["description"]) == ({"fields": ["note"]}, "Orders by note.")
    assert refused(lambda: make_materialized_view(client, "mv", query))[:2] == (409, "duplicate")


def test_of_a_materialized_view_only_the_refresh_can_be_patched(client: Client, shop: Dataset) -> None:
    make(client)
    view = make_materialized_view(client, "mv", "SELECT note, COUNT(*) AS n FROM shop.orders GROUP BY note")
    changed = Table.from_api_repr(view.to_api_repr() | {"materializedView": {"refreshIntervalMs": "60000"}})
    after = client.update_table(changed, ["mview_refresh_interval"]).to_api_repr()["materializedView"]
    assert after == view.to_api_repr()["materializedView"] | {"refreshIntervalMs": "60000"}
    other = Table.from_api_repr(client.get_table("shop.mv").to_api_repr())
    other.mview_query = "SELECT note FROM shop.orders"
    assert refused(lambda: client.update_table(other, ["mview_query"], **ONCE))[:2] == (400, "invalid")


def test_a_materialized_view_reads_tables_only_and_can_be_kept_up_to_date(client: Client, shop: Dataset) -> None:
    make(client)
    make_materialized_view(client, "mv", "SELECT note, COUNT(*) AS n FROM shop.orders GROUP BY note")
    make_view(client, "v", f"SELECT note FROM `{PROJECT}.shop.orders`")
    for base in ("mv", "v"):
        query = f"SELECT note, COUNT(*) AS n FROM shop.{base} GROUP BY note"
        assert refused(lambda query=query: make_materialized_view(client, "x", query))[:2] == (400, "invalid")  # type: ignore[misc]
    for column in ("CURRENT_DATE() AS day", "ROW_NUMBER() OVER (ORDER BY note) AS n"):
        query = f"SELECT note, {column} FROM shop.orders"
        assert refused(lambda query=query: make_materialized_view(client, "x", query))[:2] == (400, "invalid")  # type: ignore[misc]


def test_the_101st_materialized_view_of_a_table_is_refused(
    client: Client, shop: Dataset, local_bigquery_process: LocalBigQuery
) -> None:
    make(client)
    make(client, name="others")
    make_dataset(client, "elsewhere", "EU")
    # One by one they would take their time; they count wherever they are in the project.
    local_bigquery_process.emulator.run(
        PROJECT,
        *(
            f"CREATE MATERIALIZED VIEW elsewhere.mv_{number} AS SELECT note FROM `{PROJECT}`.shop.orders"
            for number in range(MAX_MATERIALIZED_VIEWS_PER_BASE)
        ),
    )
    query = f"SELECT note FROM `{PROJECT}.shop.orders`"
    status, reason, message = refused(lambda: make_materialized_view(client, "mv", query))
    assert (status, reason) == (400, "invalid")
    assert "100 materialized views" in message
    statement = f"CREATE MATERIALIZED VIEW shop.mv AS {query}"
    assert refused(lambda: client.query_and_wait(statement, **QUERY_ONCE))[:2] == (400, "invalidQuery")
    assert make_materialized_view(client, "mv", query.replace("orders", "others")).table_id == "mv"


def test_what_the_gateway_does_not_model_is_not_implemented(local_bigquery: Service, client: Client) -> None:
    gateway = Emulator(HOST, int(local_bigquery.url.rpartition(":")[2]))
    for method, path in (("PUT", f"{PREFIX}/projects/p/datasets/d"), ("POST", f"/upload{PREFIX}/projects/p/jobs")):
        assert gateway.send(method, path, b"{}").resource["error"]["status"] == "UNIMPLEMENTED"


def test_what_the_emulator_does_not_support_has_its_own_error(local_bigquery: Service, shop: Dataset) -> None:
    gateway = Emulator(HOST, int(local_bigquery.url.rpartition(":")[2]))
    answer = gateway.send("POST", f"{PREFIX}/projects/{PROJECT}/datasets/shop:undelete", b"{}")
    assert answer.status == 501
    assert "undelete is not implemented yet" in answer.resource["error"]["message"]


def test_every_request_is_on_record(local_bigquery: Service, client: Client, shop: Dataset) -> None:
    local_bigquery.gateway.requests.clear()
    make(client)
    refused(lambda: client.get_table("shop.nothing", **ONCE))
    tables = f"{PREFIX}/projects/{PROJECT}/datasets/shop/tables"
    assert local_bigquery.gateway.requests == [Request("POST", tables, 200), Request("GET", f"{tables}/nothing", 404)]


def test_simultaneous_changes_are_made_one_after_the_other(client: Client, shop: Dataset) -> None:
    make(client)

    def add(number: int) -> None:
        client.query_and_wait(f"ALTER TABLE shop.orders ADD COLUMN c{number} STRING", **QUERY_ONCE)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(8)))
    assert sorted(names(client.get_table("shop.orders"))[len(ORDERS) :]) == [f"c{number}" for number in range(8)]
