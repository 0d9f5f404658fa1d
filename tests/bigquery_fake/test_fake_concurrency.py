"""Simultaneous statements: what waits, what is aborted, and what both do as BigQuery lets them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from google.api_core import exceptions
from google.cloud import bigquery

from tests.bigquery_fake.clients import ONCE, MakeTable, Queries, connected
from tests.bigquery_fake.server import Fake
from tests.bigquery_fake.sql.concurrency import Conflicts

MERGE = (
    "MERGE shop.t T USING (SELECT 'acme' AS slug) S ON T.slug = S.slug "
    "WHEN NOT MATCHED THEN INSERT (slug, n) VALUES (S.slug, 0)"
)
INCREMENT = "UPDATE shop.t SET n = n + 1 WHERE slug = 'acme'"


@pytest.fixture(autouse=True)
def slugs(table: MakeTable) -> bigquery.Table:
    """The table the statements meet on."""
    return table("t", "slug STRING", "n INT64")


def at_once(fake: Fake, count: int, statement: str) -> list[int | None]:
    """Run a statement from so many clients at the same time; return what each affected, None for an aborted one."""
    barrier = threading.Barrier(count)

    def work(_: int) -> int | None:
        with connected(fake.url) as client:
            barrier.wait()
            try:
                return Queries(client).job(statement).num_dml_affected_rows
            except exceptions.BadRequest:
                return None

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(work, range(count)))


def test_by_default_one_of_many_merges_inserts(fake: Fake, sql: Queries) -> None:
    assert sorted(at_once(fake, 8, MERGE), key=str) == [0] * 7 + [1]
    assert sql.one("SELECT COUNT(*) FROM shop.t") == 1


@pytest.mark.parametrize(
    "statement",
    [
        MERGE,
        "INSERT INTO shop.t (slug) SELECT 'acme' FROM (SELECT 1 AS one) WHERE NOT EXISTS (SELECT 1 FROM shop.t)",
        "BEGIN TRANSACTION; ASSERT NOT EXISTS (SELECT 1 FROM shop.t); INSERT INTO shop.t (slug) VALUES ('acme'); "
        "COMMIT TRANSACTION",
    ],
)
def test_two_inserts_on_one_snapshot_both_insert(fake: Fake, sql: Queries, statement: str) -> None:
    fake.snapshot_merges = True
    fake.concurrency.overlap_seconds = 10
    at_once(fake, 2, statement)
    assert sql.rows("SELECT slug FROM shop.t") == [("acme",), ("acme",)]
    fake.concurrency.overlap_seconds = 0
    if statement is MERGE:
        assert sql.job(MERGE).num_dml_affected_rows == 0


def test_updates_wait_for_each_other(fake: Fake, sql: Queries) -> None:
    sql.rows(MERGE)
    assert at_once(fake, 8, INCREMENT) == [1] * 8
    assert sql.one("SELECT n FROM shop.t") == 8


def test_updates_wait_for_each_other_on_a_snapshot_too(fake: Fake, sql: Queries) -> None:
    sql.rows(MERGE)
    fake.snapshot_merges = True
    assert at_once(fake, 8, INCREMENT) == [1] * 8
    assert sql.one("SELECT n FROM shop.t") == 8


def held(fake: Fake, statement: str, during: Callable[[], object]) -> None:
    """Call `during` while a statement has done its work and is about to commit."""
    reached, released = threading.Event(), threading.Event()

    def stop(tables: tuple[str, ...]) -> None:
        fake.concurrency.before_commit = None
        reached.set()
        assert released.wait(30)

    fake.concurrency.before_commit = stop
    with connected(fake.url) as client, ThreadPoolExecutor(1) as pool:
        running = pool.submit(Queries(client).job, statement)
        assert reached.wait(30)
        try:
            during()
        finally:
            released.set()
        running.result()


def test_an_update_is_aborted_by_another_one_where_a_test_asks_for_it(fake: Fake, sql: Queries) -> None:
    sql.rows(MERGE)
    fake.concurrency.conflicts = Conflicts.ABORT

    def during() -> None:
        with pytest.raises(exceptions.BadRequest, match="aborted due to concurrent update against table") as aborted:
            sql.job(INCREMENT)
        assert aborted.value.errors[0]["reason"] == "invalidQuery"
        with pytest.raises(exceptions.BadRequest, match="aborted"):
            sql.job(f"BEGIN TRANSACTION; {INCREMENT}; COMMIT TRANSACTION")
        assert sql.one("SELECT n FROM shop.t") == 0  # reading waits for nobody, and sees what is committed

    held(fake, INCREMENT, during)
    assert sql.one("SELECT n FROM shop.t") == 1


def test_an_insert_does_not_wait_for_an_insert_on_a_snapshot(fake: Fake, sql: Queries) -> None:
    fake.snapshot_merges = True
    fake.concurrency.overlap_seconds = 0
    insert = "INSERT INTO shop.t (slug) VALUES ('{}')"
    held(fake, insert.format("a"), lambda: sql.rows(insert.format("b")))
    assert sql.rows("SELECT slug FROM shop.t ORDER BY slug") == [("a",), ("b",)]


def test_a_schema_change_waits_for_nothing_and_loses_no_row(
    fake: Fake, client: bigquery.Client, slugs: bigquery.Table, sql: Queries
) -> None:
    def during() -> None:
        slugs.schema = [*slugs.schema, bigquery.SchemaField("extra", "STRING")]
        client.update_table(slugs, ["schema"], retry=ONCE)

    held(fake, "INSERT INTO shop.t (slug) VALUES ('a')", during)
    assert sql.rows("SELECT * FROM shop.t") == [("a", None, None)]


def test_transactions_on_two_tables_do_not_lock_each_other_out(fake: Fake, table: MakeTable, sql: Queries) -> None:
    table("u", "slug STRING", "n INT64")
    sql.rows("INSERT INTO shop.t VALUES ('acme', 0); INSERT INTO shop.u VALUES ('acme', 0)")
    there, back = ("shop.t", "shop.u"), ("shop.u", "shop.t")

    def work(tables: tuple[str, str]) -> None:
        with connected(fake.url) as client:
            updates = "; ".join(f"UPDATE {name} SET n = n + 1 WHERE TRUE" for name in tables)
            for _ in range(5):
                Queries(client).job(f"BEGIN TRANSACTION; {updates}; COMMIT TRANSACTION")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, [there, back, there, back]))
    assert sql.rows("SELECT t.n, u.n AS m FROM shop.t AS t JOIN shop.u AS u ON t.slug = u.slug") == [(20, 20)]


def test_one_of_many_creations_wins(fake: Fake, dataset: bigquery.Dataset) -> None:
    def work(_: int) -> str:
        table = bigquery.Table(dataset.reference.table("race"), schema=[bigquery.SchemaField("id", "INT64")])
        with connected(fake.url) as client:
            try:
                client.create_table(table, retry=ONCE)
            except exceptions.Conflict:
                return "lost"
            return "won"

    with ThreadPoolExecutor(16) as pool:
        assert sorted(pool.map(work, range(16))) == ["lost"] * 15 + ["won"]


def test_no_label_is_lost_by_compare_and_set(fake: Fake) -> None:
    def work(number: int) -> None:
        with connected(fake.url) as client:
            while True:
                table = client.get_table("shop.t", retry=ONCE)
                table.labels = {**table.labels, f"l{number}": "set"}
                try:
                    client.update_table(table, ["labels"], retry=ONCE)
                except exceptions.PreconditionFailed:
                    continue
                return

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    with connected(fake.url) as client:
        assert sorted(client.get_table("shop.t", retry=ONCE).labels) == [f"l{number}" for number in range(8)]


@pytest.mark.parametrize("snapshot", [False, True])
def test_many_clients_do_everything_at_once(fake: Fake, sql: Queries, snapshot: bool) -> None:
    rounds = range(5)
    fake.snapshot_merges = snapshot
    fake.concurrency.overlap_seconds = 0

    def work(number: int) -> None:
        with connected(fake.url) as client:
            own, queries = f"shop.own{number}", Queries(client)
            queries.job(f"CREATE TABLE {own} (id INT64)")
            for turn in rounds:
                queries.job(f"INSERT INTO shop.t (slug) VALUES ('a'); INSERT INTO {own} (id) VALUES ({turn})")
                table = client.get_table(own, retry=ONCE)
                table.schema = [*table.schema, bigquery.SchemaField(f"x{turn}", "STRING")]
                client.update_table(table, ["schema"], retry=ONCE)
                queries.rows("SELECT table_name, column_name FROM shop.INFORMATION_SCHEMA.COLUMNS")
                queries.rows("SELECT * FROM shop.t")
                shared = client.get_table("shop.t", retry=ONCE)
                shared.schema = [*shared.schema, bigquery.SchemaField(f"x{number}_{turn}", "STRING")]
                with suppress(exceptions.PreconditionFailed):
                    client.update_table(shared, ["schema"], retry=ONCE)
            if number % 2:
                client.delete_table(own, retry=ONCE)

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(work, range(12)))
    assert sql.one("SELECT COUNT(*) FROM shop.t") == 12 * len(rounds)
    assert sql.rows("SELECT * FROM shop.own2 ORDER BY id") == [(turn, *[None] * len(rounds)) for turn in rounds]
