"""Tables over HTTP with the real client: what comes back, and what the rules refuse."""

from __future__ import annotations

import datetime

import pytest
from google.api_core import exceptions
from google.cloud import bigquery

from tests.bigquery_fake.clients import ONCE, PROJECT, MakeTable, Queries, make_dataset, rest
from tests.bigquery_fake.server import Fake

Field = bigquery.SchemaField


@pytest.fixture
def orders(client: bigquery.Client, dataset: bigquery.Dataset) -> bigquery.Table:
    """A table with some of everything."""
    fields = [
        Field("id", "INT64", "REQUIRED", description="The key."),
        Field("day", "DATE"),
        Field("amount", "NUMERIC", precision=20, scale=4),
        Field("note", "STRING", max_length=50, default_value_expression="'none'"),
        Field("lines", "RECORD", "REPEATED", fields=[Field("sku", "STRING", "REQUIRED"), Field("price", "FLOAT64")]),
    ]
    table = bigquery.Table(dataset.reference.table("orders"), schema=fields)
    table.time_partitioning = bigquery.TimePartitioning(field="day", expiration_ms=86_400_000)
    table.clustering_fields = ["id"]
    table.labels, table.description = {"a": "1", "b": "2"}, "Orders"
    return client.create_table(table, retry=ONCE)


def test_a_table_comes_back_as_it_was_made(client: bigquery.Client, orders: bigquery.Table) -> None:
    read = client.get_table("shop.orders", retry=ONCE)
    assert [(field.name, field.field_type, field.mode) for field in read.schema] == [
        ("id", "INTEGER", "REQUIRED"),
        ("day", "DATE", "NULLABLE"),
        ("amount", "NUMERIC", "NULLABLE"),
        ("note", "STRING", "NULLABLE"),
        ("lines", "RECORD", "REPEATED"),
    ]
    assert (read.schema[2].precision, read.schema[2].scale, read.schema[3].max_length) == (20, 4, 50)
    assert [field.mode for field in read.schema[4].fields] == ["REQUIRED", "NULLABLE"]
    assert read.schema[3].default_value_expression == "'none'"
    assert (read.schema[0].description, read.description) == ("The key.", "Orders")
    assert read.time_partitioning == bigquery.TimePartitioning(field="day", expiration_ms=86_400_000)
    assert (read.clustering_fields, read.labels) == (["id"], {"a": "1", "b": "2"})
    assert (read.table_type, read.location, read.num_rows, read.etag) == ("TABLE", "EU", 0, orders.etag)


def test_numbers_are_text_on_the_wire(client: bigquery.Client, orders: bigquery.Table) -> None:
    path = f"/projects/{PROJECT}/datasets/shop/tables/orders"
    resource = rest(client, "GET", path)
    assert resource["timePartitioning"]["expirationMs"] == "86400000"
    assert (resource["schema"]["fields"][2]["precision"], resource["numRows"]) == ("20", "0")
    assert resource["id"] == "acme-test:shop.orders"


def test_a_second_table_of_a_name_is_refused_and_case_makes_another(client: bigquery.Client, table: MakeTable) -> None:
    table("orders", "id INT64")
    with pytest.raises(exceptions.Conflict, match=r"Already Exists: Table acme-test:shop\.orders"):
        table("orders", "id INT64")
    table("Orders", "id INT64")
    assert [item.table_id for item in client.list_tables("shop", retry=ONCE)] == ["Orders", "orders"]


def test_what_is_not_there_is_not_found(client: bigquery.Client, dataset: bigquery.Dataset) -> None:
    with pytest.raises(exceptions.NotFound, match=r"Not found: Table acme-test:shop\.nope"):
        client.get_table("shop.nope", retry=ONCE)
    with pytest.raises(exceptions.NotFound):
        client.delete_table("shop.nope", retry=ONCE)
    with pytest.raises(exceptions.NotFound, match="Not found: Dataset acme-test:nope"):
        client.create_table(bigquery.Table(f"{PROJECT}.nope.t", schema=[Field("id", "INT64")]), retry=ONCE)


def test_a_patch_merges_what_it_names(client: bigquery.Client, orders: bigquery.Table) -> None:
    orders.labels = {"a": None, "c": "3"}
    orders.require_partition_filter = True
    client.update_table(orders, ["labels", "require_partition_filter"], retry=ONCE)
    read = client.get_table("shop.orders", retry=ONCE)
    assert (read.labels, read.require_partition_filter, read.description) == ({"b": "2", "c": "3"}, True, "Orders")
    assert read.schema == orders.schema
    assert read.etag != orders.etag


def test_a_stale_etag_is_refused_also_after_ddl(client: bigquery.Client, orders: bigquery.Table, sql: Queries) -> None:
    sql.rows("ALTER TABLE shop.orders ADD COLUMN late STRING")
    orders.description = "lost"
    with pytest.raises(exceptions.PreconditionFailed):
        client.update_table(orders, ["description"], retry=ONCE)
    assert client.get_table("shop.orders", retry=ONCE).description == "Orders"


def patched(client: bigquery.Client, *fields: bigquery.SchemaField) -> list[str]:
    table = client.get_table("shop.t", retry=ONCE)
    table.schema = list(fields)
    return [field.name for field in client.update_table(table, ["schema"], retry=ONCE).schema]


ID, NAME = Field("id", "INT64", "REQUIRED"), Field("name", "STRING")
ADDRESS = Field("address", "RECORD", fields=[Field("city", "STRING")])


@pytest.fixture
def plain(table: MakeTable) -> bigquery.Table:
    """A table for patches of its schema."""
    return table("t", ID, NAME, ADDRESS)


def test_added_columns_go_to_the_end_and_nested_ones_into_their_record(
    client: bigquery.Client, plain: bigquery.Table, sql: Queries
) -> None:
    sql.rows("INSERT INTO shop.t (id, name, address) VALUES (1, 'a', STRUCT('Rome'))")
    wider = Field("address", "RECORD", fields=[Field("city", "STRING"), Field("zip", "STRING")])
    assert patched(client, ID, Field("middle", "DATE"), NAME, wider) == ["id", "name", "address", "middle"]
    assert sql.rows("SELECT * FROM shop.t") == [(1, "a", {"city": "Rome", "zip": None}, None)]
    sql.rows("UPDATE shop.t SET address = STRUCT('Rome', '00100') WHERE id = 1")
    assert sql.one("SELECT address.zip FROM shop.t") == "00100"


def test_a_required_column_can_become_nullable(client: bigquery.Client, plain: bigquery.Table, sql: Queries) -> None:
    with pytest.raises(exceptions.BadRequest, match="Required field id cannot be null"):
        sql.rows("INSERT INTO shop.t (name) VALUES ('a')")
    patched(client, Field("id", "INT64"), NAME, ADDRESS)
    sql.rows("INSERT INTO shop.t (name) VALUES ('a')")
    assert sql.rows("SELECT id, name FROM shop.t") == [(None, "a")]


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        pytest.param((ID, NAME, ADDRESS, Field("x", "STRING", "REQUIRED")), "12", id="a REQUIRED column added"),
        pytest.param((ID, Field("name", "STRING", "REQUIRED"), ADDRESS), "14", id="NULLABLE made REQUIRED"),
        pytest.param((ID, Field("name", "STRING", "REPEATED"), ADDRESS), "14", id="NULLABLE made REPEATED"),
        pytest.param((Field("id", "NUMERIC", "REQUIRED"), NAME, ADDRESS), "15", id="widened by the API"),
        pytest.param((Field("id", "STRING", "REQUIRED"), NAME, ADDRESS), "15", id="another type"),
        pytest.param((ID, ADDRESS), "17", id="dropped"),
        pytest.param((ID, Field("label", "STRING"), ADDRESS), "17", id="renamed"),
        pytest.param(
            (ID, NAME, Field("address", "RECORD", fields=[Field("zip", "STRING")])), "17", id="nested dropped"
        ),
    ],
)
def test_a_patch_that_the_rules_forbid_is_refused(
    client: bigquery.Client, plain: bigquery.Table, fields: tuple[bigquery.SchemaField, ...], rule: str
) -> None:
    before = client.get_table("shop.t", retry=ONCE)
    with pytest.raises(exceptions.BadRequest, match=f"rule {rule}"):
        patched(client, *fields)
    assert client.get_table("shop.t", retry=ONCE).etag == before.etag


def test_bad_layouts_are_refused(client: bigquery.Client, dataset: bigquery.Dataset) -> None:
    def make(**settings: object) -> None:
        table = bigquery.Table(
            dataset.reference.table("bad"), schema=[Field(f"c{number}", "STRING") for number in range(6)]
        )
        for name, value in settings.items():
            setattr(table, name, value)
        client.create_table(table, retry=ONCE)

    with pytest.raises(exceptions.BadRequest, match="clustering"):
        make(clustering_fields=[f"c{number}" for number in range(5)])
    with pytest.raises(exceptions.BadRequest, match="clustering"):
        make(clustering_fields=["nope"])
    with pytest.raises(exceptions.BadRequest, match="partitioning"):
        make(time_partitioning=bigquery.TimePartitioning(field="c0"))


def test_partitioning_is_fixed_but_its_expiration_is_not(client: bigquery.Client, orders: bigquery.Table) -> None:
    orders.time_partitioning = bigquery.TimePartitioning(field="day", expiration_ms=172_800_000)
    orders = client.update_table(orders, ["time_partitioning"], retry=ONCE)
    assert orders.time_partitioning.expiration_ms == 172_800_000
    orders.time_partitioning = bigquery.TimePartitioning(type_="MONTH", field="day")
    with pytest.raises(exceptions.BadRequest, match="rule 19"):
        client.update_table(orders, ["time_partitioning"], retry=ONCE)


def test_a_dataset_hands_down_its_expirations(client: bigquery.Client) -> None:
    dataset = make_dataset(client, "short")
    dataset.default_table_expiration_ms, dataset.default_partition_expiration_ms = 3_600_000, 86_400_000
    client.update_dataset(dataset, ["default_table_expiration_ms", "default_partition_expiration_ms"], retry=ONCE)
    table = bigquery.Table(dataset.reference.table("t"), schema=[Field("day", "DATE")])
    table.time_partitioning = bigquery.TimePartitioning(field="day")
    made = client.create_table(table, retry=ONCE)
    assert made.expires - made.created == datetime.timedelta(hours=1)
    assert made.time_partitioning.expiration_ms == 86_400_000


def test_rows_can_be_listed_and_go_with_their_table(
    fake: Fake, client: bigquery.Client, table: MakeTable, sql: Queries
) -> None:
    table("t", "id INT64", "tags STRING REPEATED")
    sql.rows("INSERT INTO shop.t VALUES (1, ['a', 'b']), (2, NULL)")
    assert [tuple(row) for row in client.list_rows("shop.t", retry=ONCE)] == [(1, ["a", "b"]), (2, [])]
    assert client.get_table("shop.t", retry=ONCE).num_rows == 2
    client.delete_table("shop.t", retry=ONCE)
    table("t", "id INT64", "tags STRING REPEATED")
    assert list(client.list_rows("shop.t", retry=ONCE)) == []


def test_a_misspelled_key_is_refused(client: bigquery.Client, dataset: bigquery.Dataset) -> None:
    body = {"tableReference": dataset.reference.table("t").to_api_repr(), "scheme": {}}
    path = f"/projects/{PROJECT}/datasets/shop/tables"
    with pytest.raises(exceptions.BadRequest, match="Unknown name scheme"):
        rest(client, "POST", path, body)
