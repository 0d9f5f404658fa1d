"""The page on central tables: each layout it names is the declared one, and every query runs and uses the layout."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import sqlglot
from sqlglot import exp

from cloudact.catalog.load import CatalogSource
from cloudact.catalog.model import Granularity, Table, TimePartition
from cloudact.planning.policy import EVERYTHING
from cloudact.tenancy.sync import synchronize
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from tests.acme import ROOT
from tests.docs_text import DOCS, Block, blocks, headings, prose

PAGE = DOCS / "central-tables.md"
CATALOG = CatalogSource(ROOT / "configs").load()
TABLES = [table.name for table in CATALOG.central.tables]
QUERIES = blocks(PAGE, "sql")
EVERY_TABLE = pytest.mark.parametrize("table", CATALOG.central.tables, ids=lambda table: table.name)


@pytest.fixture(scope="module")
def bootstrapped() -> Iterator[DuckDBWarehouse]:
    """A warehouse with the central dataset."""
    warehouse = DuckDBWarehouse(None)
    synchronize(warehouse, CATALOG.central_dataset(), EVERYTHING)
    yield warehouse
    warehouse.close()


def layout(table: Table) -> str:
    """Return how the page words a table's layout."""
    partition = table.partition
    assert partition is None or isinstance(partition, TimePartition)
    by = f"Partitioned by day of `{partition.field}`" if partition else "Not partitioned"
    assert partition is None or partition.granularity is Granularity.DAY
    return f"{by}; clustered by {', '.join(f'`{name}`' for name in table.clustering)}."


def used(query: str, *clauses: type[exp.Expression]) -> set[str]:
    """Return the columns in these clauses of a query."""
    found = sqlglot.parse_one(query, dialect="bigquery").find_all(*clauses)
    return {column.name for clause in found for column in clause.find_all(exp.Column)}


def laid_out_by(table: Table) -> set[str]:
    """Return the columns that a table is partitioned or clustered by."""
    partition = table.partition.field if isinstance(table.partition, TimePartition) else None
    return {*table.clustering, *([partition] if partition else [])}


def test_every_central_table_has_a_section_in_the_order_of_the_catalog() -> None:
    assert headings(PAGE)[2:] == TABLES
    assert f"The central dataset has {len(TABLES)} tables" in prose(PAGE)


@EVERY_TABLE
def test_a_section_names_the_declared_layout(table: Table) -> None:
    section = re.split(r"^## ", prose(PAGE), flags=re.MULTILINE)[2 + TABLES.index(table.name)]
    assert section.startswith(f"{table.name}\n")
    assert layout(table) in " ".join(section.split())


@EVERY_TABLE
def test_the_queries_of_a_table_use_its_layout(table: Table) -> None:
    queries = [block.text for block in QUERIES if block.heading == table.name]
    assert [query for query in queries if not used(query, exp.Where) & laid_out_by(table)] == []
    assert any(table.clustering[0] in used(query, exp.Where) for query in queries)
    clauses = (exp.Where, exp.Group, exp.Order)
    assert laid_out_by(table) <= {name for query in queries for name in used(query, *clauses)}


@pytest.mark.parametrize("block", QUERIES, ids=lambda block: block.heading)
def test_a_query_runs_on_its_table(block: Block, bootstrapped: DuckDBWarehouse) -> None:
    read = [table.name for table in sqlglot.parse_one(block.text, dialect="bigquery").find_all(exp.Table)]
    assert read == [block.heading]
    (query,) = sqlglot.transpile(block.text, read="bigquery", write="duckdb")
    with bootstrapped.connect() as connection:
        assert connection.execute(query).fetchall() == []


@EVERY_TABLE
def test_a_partitioned_table_is_asked_for_a_range_of_constants(table: Table) -> None:
    """A condition that BigQuery cannot prune partitions by would read all of them."""
    if not isinstance(table.partition, TimePartition):
        assert table.partition is None
        return
    field = table.partition.field
    conditions = [
        node
        for block in QUERIES
        if block.heading == table.name
        for node in sqlglot.parse_one(block.text, dialect="bigquery").find_all(exp.Predicate)
        if isinstance(node.this, exp.Column) and node.this.name == field
    ]
    assert conditions
    assert [node.sql() for node in conditions if [*node.find_all(exp.Column)] != [node.this]] == []
