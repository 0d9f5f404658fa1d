"""What is known of a dataset while units commit: only those that they change have to be read anew."""

from __future__ import annotations

import duckdb
import pytest

from cloudact.warehouse.duckdb.listing import Listing, Names


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(
        "CREATE SCHEMA one; CREATE TABLE one.a (id BIGINT); CREATE SCHEMA two; CREATE TABLE two.b (id BIGINT)"
    )
    return connection


@pytest.fixture
def listing(connection: duckdb.DuckDBPyConnection) -> Listing:
    listing = Listing()
    assert listing.of("one", connection).tables == {"a"}
    return listing


def is_read(listing: Listing, dataset: str) -> bool:
    """Tell whether the catalog is read for the names in a dataset."""
    with duckdb.connect() as empty:
        return not listing.of(dataset, empty).tables


def test_only_what_a_unit_changes_is_unsettled_while_it_commits(listing: Listing) -> None:
    with listing.committing({"One": Names({"c"})}, {}):
        assert (is_read(listing, "one"), is_read(listing, "two")) == (True, False)
    assert (is_read(listing, "one"), is_read(listing, "two")) == (False, False)


def test_two_units_that_commit_at_once_are_both_unsettled(listing: Listing) -> None:
    with listing.committing({"one": Names({"c"})}, {}):
        with listing.committing({"one": Names({"d"}), "two": Names({"e"})}, {}):
            assert (is_read(listing, "one"), is_read(listing, "two")) == (True, True)
        assert (is_read(listing, "one"), is_read(listing, "two")) == (True, False)
    with duckdb.connect() as empty:
        assert listing.of("one", empty).tables == {"a", "c", "d"}
        assert listing.of("two", empty).tables == {"b", "e"}


def test_while_a_connection_is_lent_everything_is_read(listing: Listing, connection: duckdb.DuckDBPyConnection) -> None:
    with listing.lent():
        connection.execute("CREATE TABLE two.by_hand (id BIGINT)")
        assert listing.of("two", connection).tables == {"b", "by_hand"}
        assert is_read(listing, "two")
    assert listing.of("two", connection).tables == {"b", "by_hand"}
    assert not is_read(listing, "two")


def test_what_a_query_of_everything_tells_is_known(listing: Listing, connection: duckdb.DuckDBPyConnection) -> None:
    listing.forget()
    with listing.told(connection) as note:
        note("one", ["Told"])
    assert listing.of("ONE", connection).tables == {"Told"}


def test_what_was_told_while_a_unit_committed_is_not_kept(
    listing: Listing, connection: duckdb.DuckDBPyConnection
) -> None:
    listing.forget()
    with listing.told(connection) as note:
        note("one", ["before"])
        with listing.committing({"one": Names()}, {}):
            pass
    assert listing.of("one", connection).tables == {"a"}
