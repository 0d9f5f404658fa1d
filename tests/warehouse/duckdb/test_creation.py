"""Tables of new datasets come from statements that are parsed once, and are what plain statements make of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from cloudact.catalog.load import CatalogSource
from cloudact.catalog.model import Column, Dataset, Kind, Mode, Table, Type
from cloudact.errors import ChangeFailed
from cloudact.planning.diff import diff
from cloudact.planning.plan import make_plan
from cloudact.planning.policy import EVERYTHING
from cloudact.warehouse.driver import Warehouse
from cloudact.warehouse.duckdb import ddl
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from cloudact.warehouse.duckdb.fleet.creation import Creation, Parsed
from tests.acme import ROOT

CATALOG = CatalogSource(ROOT / "configs").load()
SHAPE = "SELECT table_name, sql FROM duckdb_tables() WHERE schema_name = ? ORDER BY ALL"
VIEWS = "SELECT view_name, sql FROM duckdb_views() WHERE schema_name = ? ORDER BY ALL"
DEFAULTED = Column("made", Type(Kind.TIMESTAMP), Mode.NULLABLE, default="CURRENT_TIMESTAMP()")
ONE = Table("one", (Column("name", Type(Kind.STRING), Mode.REQUIRED), Column("raw", Type(Kind.JSON)), DEFAULTED))


@pytest.fixture
def warehouse() -> Iterator[DuckDBWarehouse]:
    with closing(DuckDBWarehouse(None)) as found:
        yield found


def bring(warehouse: Warehouse, *declared: Dataset) -> None:
    """Bring datasets in step, all in one unit."""
    warehouse.run(
        lambda session: [session.apply(make_plan(session.inspect(item.name), item, EVERYTHING)) for item in declared]
    )


def shape(connection: duckdb.DuckDBPyConnection, dataset: str) -> list[tuple[str, ...]]:
    """Return what DuckDB itself says of the tables and views of a dataset."""
    return [row for query in (SHAPE, VIEWS) for row in connection.execute(query, [dataset]).fetchall()]


def test_what_is_made_is_what_plain_statements_make(warehouse: DuckDBWarehouse) -> None:
    declared = [CATALOG.central_dataset(), *map(CATALOG.organization_dataset, ("acme_corp", "globex"))]
    bring(warehouse, *declared)
    with warehouse.connect() as made, duckdb.connect() as plain:
        for dataset in declared:
            for change in diff(None, dataset).changes:
                for statement in ddl.statements(dataset.name, change, None):
                    plain.execute(statement)
            assert len(shape(made, dataset.name)) == len(dataset.tables) + len(dataset.views)
            assert shape(made, dataset.name) == shape(plain, dataset.name)


def test_names_are_taken_as_they_are(tmp_path: Path) -> None:
    names = ["shop", 'it\'s "one".two']
    with closing(DuckDBWarehouse(tmp_path / 'a file\'s "own".name.duckdb')) as warehouse:
        bring(warehouse, *(Dataset(name, (replace(ONE, name=name),)) for name in names))
        with warehouse.connect() as connection:
            found = connection.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall()
    assert {(name, name) for name in names} <= set(found)


def test_a_table_that_is_declared_otherwise_by_then_is_made_as_it_is_declared(warehouse: DuckDBWarehouse) -> None:
    more = replace(ONE, columns=(*ONE.columns, Column("more", Type(Kind.INT64), Mode.NULLABLE)))
    bring(warehouse, Dataset("before", (ONE,)))
    bring(warehouse, Dataset("after", (more,)), Dataset("again", (ONE,)))
    with warehouse.connect() as connection:
        columns = "SELECT list(column_name) FROM duckdb_columns() WHERE schema_name = ?"
        found = [connection.execute(columns, [name]).fetchall() for name in ("before", "after", "again")]
    assert found == [[(["name", "raw", "made"],)], [(["name", "raw", "made", "more"],)], [(["name", "raw", "made"],)]]


def test_the_connection_looks_where_it_did_before() -> None:
    with duckdb.connect() as connection:
        creation, query = Creation(connection, Parsed()), "SELECT current_schema()"
        before = connection.execute(query).fetchall()
        for name in ("one", "two"):
            connection.execute(f"CREATE SCHEMA {name}")
            creation.table(name, ONE)
        assert connection.execute(query).fetchall() == [("two",)]
        creation.leave()
        assert connection.execute(query).fetchall() == before


def test_a_table_that_is_there_already_ends_the_unit(warehouse: DuckDBWarehouse) -> None:
    twice = Dataset("shop", (ONE, replace(ONE, name="two"), replace(ONE, name="ONE")))
    with pytest.raises(ChangeFailed, match="already exists"):
        bring(warehouse, Dataset("before", (ONE,)), twice)
    with warehouse.connect() as connection:
        assert shape(connection, "before") == shape(connection, "shop") == []
    bring(warehouse, Dataset("shop", (ONE,)))
    with warehouse.connect() as connection:
        assert len(shape(connection, "shop")) == 1


def test_what_was_parsed_outlives_the_open_file(tmp_path: Path) -> None:
    with closing(DuckDBWarehouse(tmp_path / "warehouse.duckdb")) as warehouse:
        bring(warehouse, Dataset("one", (ONE,)))
        warehouse.close()
        bring(warehouse, Dataset("two", (ONE,)))
        with warehouse.connect() as connection:
            one, two = shape(connection, "one"), shape(connection, "two")
    assert [(name, sql.replace("two.", "one.")) for name, sql in two] == one != []
