"""Views and materialized views over HTTP with the real client."""

from __future__ import annotations

import datetime

import pytest
from google.api_core import exceptions
from google.cloud import bigquery

from tests.bigquery_fake.clients import ONCE, MakeTable, Queries, make_dataset
from tests.bigquery_fake.rules import MAX_MATERIALIZED_VIEWS_PER_BASE

BY_SHOP = "SELECT shop, COUNT(*) AS orders, SUM(amount) AS total FROM `acme-test.shop.orders` GROUP BY shop"


@pytest.fixture(autouse=True)
def orders(table: MakeTable, sql: Queries) -> None:
    """Orders of two shops."""
    table("orders", "shop STRING", "amount NUMERIC", "BilledOn DATE")
    sql.rows("INSERT INTO shop.orders (shop, amount) VALUES ('a', 1.5), ('a', 2), ('b', 10)")


def make_view(client: bigquery.Client, name: str, query: str) -> bigquery.Table:
    view = bigquery.Table(f"acme-test.shop.{name}")
    view.view_query = query
    return client.create_table(view, retry=ONCE)


def make_materialized(client: bigquery.Client, name: str, query: str = BY_SHOP, minutes: int = 15) -> bigquery.Table:
    view = bigquery.Table(f"acme-test.shop.{name}")
    view.mview_query = query
    view.mview_refresh_interval = datetime.timedelta(minutes=minutes)
    view.clustering_fields = ["shop"]
    return client.create_table(view, retry=ONCE)


def test_a_view_is_its_query_with_its_columns(client: bigquery.Client, sql: Queries) -> None:
    make_view(client, "of_a", "SELECT shop, amount, BilledOn FROM `acme-test.shop.orders` WHERE shop = 'a'")
    read = client.get_table("shop.of_a", retry=ONCE)
    assert (read.table_type, read.num_rows, read.view_use_legacy_sql) == ("VIEW", None, False)
    assert [(field.name, field.field_type) for field in read.schema] == [
        ("shop", "STRING"),
        ("amount", "NUMERIC"),
        ("BilledOn", "DATE"),
    ]
    assert sql.one("SELECT COUNT(*) FROM shop.of_a") == 2


def test_a_query_of_a_view_can_be_changed(client: bigquery.Client, sql: Queries) -> None:
    view = make_view(client, "v", "SELECT shop FROM `acme-test.shop.orders`")
    view.view_query = "SELECT DISTINCT shop, 1 AS one FROM `acme-test.shop.orders`"
    changed = client.update_table(view, ["view_query"], retry=ONCE)
    assert [field.name for field in changed.schema] == ["shop", "one"]
    assert sql.rows("SELECT * FROM shop.v ORDER BY shop") == [("a", 1), ("b", 1)]


def test_views_stand_on_views_and_see_new_rows(client: bigquery.Client, sql: Queries) -> None:
    make_view(client, "inner_view", "SELECT * FROM `acme-test.shop.orders`")
    make_view(client, "outer_view", "SELECT shop, BilledOn FROM `acme-test.shop.inner_view` WHERE amount > 1.5")
    sql.rows("INSERT INTO shop.orders (shop, amount) VALUES ('c', 3)")
    assert sql.rows("SELECT shop FROM shop.outer_view ORDER BY 1") == [("a",), ("b",), ("c",)]
    assert sql.job("SELECT * FROM shop.outer_view").result().schema[1].name == "BilledOn"


def test_a_view_on_what_is_not_there_is_refused(client: bigquery.Client) -> None:
    with pytest.raises(exceptions.NotFound, match=r"Table acme-test:shop\.nope was not found in location EU"):
        make_view(client, "v", "SELECT 1 AS one FROM `acme-test.shop.nope`")
    with pytest.raises(exceptions.BadRequest, match="Unrecognized name: nope"):
        make_view(client, "v", "SELECT nope FROM `acme-test.shop.orders`")
    assert "v" not in [item.table_id for item in client.list_tables("shop", retry=ONCE)]


def test_a_view_reads_its_own_location_only(client: bigquery.Client) -> None:
    make_dataset(client, "american", "US")
    view = bigquery.Table("acme-test.american.v")
    view.view_query = "SELECT shop FROM `acme-test.shop.orders`"
    with pytest.raises(exceptions.NotFound, match="was not found in location US"):
        client.create_table(view, retry=ONCE)


def test_a_materialized_view_comes_back_as_it_was_made(client: bigquery.Client, sql: Queries) -> None:
    make_materialized(client, "by_shop")
    read = client.get_table("shop.by_shop", retry=ONCE)
    assert (read.table_type, read.mview_query, read.clustering_fields) == ("MATERIALIZED_VIEW", BY_SHOP, ["shop"])
    assert (read.mview_enable_refresh, read.mview_refresh_interval) == (True, datetime.timedelta(minutes=15))
    assert [(field.name, field.field_type) for field in read.schema] == [
        ("shop", "STRING"),
        ("orders", "INTEGER"),
        ("total", "NUMERIC"),
    ]
    sql.rows("INSERT INTO shop.orders (shop, amount) VALUES ('b', 0.25)")
    assert sql.rows("SELECT shop, total FROM shop.by_shop ORDER BY shop") == [("a", 3.5), ("b", 10.25)]


def test_refresh_changes_by_patch_and_the_query_does_not(client: bigquery.Client) -> None:
    view = make_materialized(client, "by_shop")
    view.mview_refresh_interval = datetime.timedelta(minutes=60)
    view = client.update_table(view, ["mview_refresh_interval"], retry=ONCE)
    assert view.mview_refresh_interval == datetime.timedelta(minutes=60)
    view.mview_query = "SELECT shop FROM `acme-test.shop.orders` GROUP BY shop"
    with pytest.raises(exceptions.BadRequest, match="rule 21"):
        client.update_table(view, ["mview_query"], retry=ONCE)


def test_a_materialized_view_can_be_replaced_by_ddl(client: bigquery.Client, sql: Queries) -> None:
    make_materialized(client, "by_shop")
    sql.rows(
        "CREATE OR REPLACE MATERIALIZED VIEW shop.by_shop CLUSTER BY shop OPTIONS(refresh_interval_minutes=30) "
        "AS SELECT shop, MAX(amount) AS most FROM shop.orders GROUP BY shop"
    )
    assert sql.rows("SELECT * FROM shop.by_shop ORDER BY shop") == [("a", 2), ("b", 10)]
    assert client.get_table("shop.by_shop", retry=ONCE).mview_refresh_interval == datetime.timedelta(minutes=30)


def test_what_cannot_replace_a_materialized_view_leaves_it(client: bigquery.Client, sql: Queries) -> None:
    before = make_materialized(client, "by_shop")
    with pytest.raises(exceptions.NotFound):
        sql.rows("CREATE OR REPLACE MATERIALIZED VIEW shop.by_shop AS SELECT 1 AS x FROM shop.nope")
    assert client.get_table("shop.by_shop", retry=ONCE).etag == before.etag


def test_refresh_intervals_end_at_a_minute_and_a_week(client: bigquery.Client) -> None:
    with pytest.raises(exceptions.BadRequest, match="rule 20"):
        make_materialized(client, "v", minutes=0)
    with pytest.raises(exceptions.BadRequest, match="rule 20"):
        make_materialized(client, "v", minutes=7 * 24 * 60 + 1)
    make_materialized(client, "v", minutes=1)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT shop, CURRENT_DATE() AS day FROM `acme-test.shop.orders` GROUP BY shop",
        "SELECT shop, ROW_NUMBER() OVER (ORDER BY shop) AS n FROM `acme-test.shop.orders`",
        "SELECT shop FROM `acme-test.shop.orders` ORDER BY shop",
        "SELECT shop, SUM(amount) AS s FROM `acme-test.shop.orders` GROUP BY shop HAVING SUM(amount) > 1",
        "SELECT shop FROM `acme-test.shop.orders` UNION ALL SELECT shop FROM `acme-test.shop.orders`",
        "SELECT shop, total FROM `acme-test.shop.by_shop`",
        "SELECT a.shop FROM `acme-test.shop.orders` a JOIN `acme-test.shop.orders` b ON a.shop = b.shop",
        "SELECT amount FROM `acme-test.shop.orders`",  # without the clustering column
    ],
)
def test_queries_that_cannot_be_materialized_are_refused(client: bigquery.Client, query: str) -> None:
    make_materialized(client, "by_shop")
    with pytest.raises(exceptions.BadRequest, match="rule 21"):
        make_materialized(client, "another", query)


def test_the_101st_materialized_view_of_a_base_table_is_refused(client: bigquery.Client, table: MakeTable) -> None:
    for number in range(MAX_MATERIALIZED_VIEWS_PER_BASE):
        make_materialized(client, f"v{number}")
    with pytest.raises(exceptions.BadRequest, match="100 are the limit"):
        make_materialized(client, "one_more")
    table("others", "shop STRING", "amount NUMERIC")
    make_materialized(client, "of_others", BY_SHOP.replace("shop.orders", "shop.others"))
    client.delete_table("shop.v7", retry=ONCE)
    make_materialized(client, "one_more")


def test_a_materialized_view_breaks_with_its_base_for_good(client: bigquery.Client, sql: Queries) -> None:
    make_materialized(client, "by_shop")
    sql.rows("CREATE OR REPLACE TABLE shop.orders (shop STRING, amount NUMERIC)")
    with pytest.raises(exceptions.BadRequest, match="rule 22"):
        sql.rows("SELECT shop FROM shop.by_shop")
    sql.rows(f"CREATE OR REPLACE MATERIALIZED VIEW shop.by_shop AS {BY_SHOP}")
    assert sql.rows("SELECT shop FROM shop.by_shop") == []


def test_views_are_nested_fifteen_deep(client: bigquery.Client, sql: Queries) -> None:
    make_view(client, "v0", "SELECT shop FROM `acme-test.shop.orders`")
    for number in range(1, 16):
        make_view(client, f"v{number}", f"SELECT shop FROM `acme-test.shop.v{number - 1}`")
    assert sql.one("SELECT COUNT(*) FROM shop.v14") == 3
    with pytest.raises(exceptions.BadRequest, match="rule 24"):
        sql.rows("SELECT shop FROM shop.v15")


def test_views_are_not_written_to(client: bigquery.Client, sql: Queries) -> None:
    make_view(client, "v", "SELECT shop FROM `acme-test.shop.orders`")
    with pytest.raises(exceptions.BadRequest, match="DML over view"):
        sql.rows("INSERT INTO shop.v (shop) VALUES ('x')")
    with pytest.raises(exceptions.BadRequest, match="with DROP TABLE"):
        sql.rows("DROP TABLE shop.v")
