"""A fake that becomes what another one holds has the same, and neither changes the other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from google.cloud import bigquery

from tests.bigquery_fake.clients import MakeTable, Queries, connected, rest
from tests.bigquery_fake.clock import ManualClock
from tests.bigquery_fake.server import Fake, running

ROWS = [("a", 1), ("b", 2)]
TABLES = "/projects/acme-test/datasets/shop/tables"


@pytest.fixture
def copied(fake: Fake, clock: ManualClock, client: bigquery.Client, table: MakeTable, sql: Queries) -> Iterator[Fake]:
    """A copy of a shop with two orders, a view and a materialized view over them, and a table that was deleted."""
    table("orders", "id STRING", "n INTEGER")
    table("former", "id STRING")
    client.delete_table("shop.former")
    sql.job("INSERT INTO shop.orders (id, n) VALUES ('a', 1), ('b', 2)")
    sql.job("CREATE VIEW shop.shown AS SELECT id FROM shop.orders")
    sql.job("CREATE MATERIALIZED VIEW shop.kept AS SELECT id, COUNT(*) AS n FROM shop.orders GROUP BY id")
    with running(clock) as made:
        made.limits.enabled = False
        made.state.become(fake.state)
        yield made


def test_resources_rows_and_views_are_the_same(client: bigquery.Client, copied: Fake) -> None:
    names = ("orders", "shown", "kept")
    before = [rest(client, "GET", f"{TABLES}/{name}") for name in names]
    with connected(copied.url) as other:
        assert [rest(other, "GET", f"{TABLES}/{name}") for name in names] == before
        queries = Queries(other)
        assert sorted(queries.rows("SELECT id, n FROM shop.orders")) == ROWS
        assert sorted(queries.rows("SELECT id FROM shop.shown")) == [("a",), ("b",)]
        assert sorted(queries.rows("SELECT id, n FROM shop.kept")) == [("a", 1), ("b", 1)]
        shown = queries.rows("SELECT table_name FROM shop.INFORMATION_SCHEMA.TABLES ORDER BY 1")
        assert shown == [("kept",), ("orders",), ("shown",)]


def test_neither_changes_the_other(client: bigquery.Client, sql: Queries, copied: Fake) -> None:
    with connected(copied.url) as other:
        theirs = Queries(other)
        theirs.job("DELETE FROM shop.orders WHERE id = 'a'")
        theirs.job("ALTER TABLE shop.orders ADD COLUMN added STRING")
        other.delete_table("shop.shown")
        sql.job("INSERT INTO shop.orders (id, n) VALUES ('c', 3)")
        client.delete_table("shop.kept")
        assert theirs.rows("SELECT id, n, added FROM shop.orders") == [("b", 2, None)]
        assert theirs.rows("SELECT id, n FROM shop.kept") == [("b", 1)]
    assert sorted(sql.rows("SELECT * FROM shop.orders")) == [*ROWS, ("c", 3)]
    assert len(sql.rows("SELECT id FROM shop.shown")) == 3
