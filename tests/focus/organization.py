"""The FOCUS tables of one organization, in a warehouse of a test's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cloudact.catalog.model import Dataset, Kind, Table
from cloudact.planning.policy import EVERYTHING
from cloudact.tenancy.sync import Applied, synchronize
from cloudact.warehouse.driver import Warehouse
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from cloudact.warehouse.duckdb.type_map import literal, quote
from tests.focus.facts import DECLARED, TABLES
from tests.focus.samples import Row

# BigQuery takes a statement's rows as one parameter, which has to fit into a request.
BATCH = 500


def focus_tables() -> Dataset:
    """Return the organization's dataset as declared, with its FOCUS tables only."""
    tables = tuple(table for table in DECLARED.tables if table.name in TABLES.values())
    return replace(DECLARED, tables=tables, views=(), location="EU")


@dataclass(frozen=True)
class Organization:
    """An organization's dataset in a warehouse."""

    warehouse: Warehouse
    declared: Dataset

    def sync(self, desired: Dataset | None = None) -> Applied:
        """Bring the dataset in step with what is declared, or with something else."""
        return synchronize(self.warehouse, desired or self.declared, EVERYTHING)

    def live(self) -> Dataset | None:
        """Return the live dataset."""
        return self.warehouse.run(lambda session: session.inspect(self.declared.name))

    def table(self, dataset: str) -> Table:
        """Return the table that holds a FOCUS dataset."""
        found = self.declared.table(TABLES[dataset])
        assert found is not None
        return found

    def load(self, dataset: str, rows: Sequence[Row]) -> None:
        """Append rows by column name."""
        for start in range(0, len(rows), BATCH):
            batch = rows[start : start + BATCH]
            self.warehouse.run(lambda session, batch=batch: session.insert(self.declared.name, TABLES[dataset], batch))

    def read(self, dataset: str, columns: Sequence[str]) -> list[dict[str, object]]:
        """Return these columns of all rows."""
        return self.warehouse.run(lambda session: session.select(self.declared.name, TABLES[dataset], columns))


def export(organization: Organization, dataset: str, file: Path, select: str = "SELECT *") -> Path:
    """Write a table of a DuckDB warehouse to a Parquet or CSV file, as docs/focus.md does; JSON as text.

    `select` is what to take of it, such as `SELECT * EXCLUDE (Tags)`.
    """
    assert isinstance(organization.warehouse, DuckDBWarehouse)
    table = organization.table(dataset)
    texts = [f"CAST({name} AS VARCHAR) AS {name}" for name in map(quote, _json_columns(table))]
    source = f"SELECT * REPLACE ({', '.join(texts)}) FROM {quote(organization.declared.name)}.{quote(table.name)}"
    with organization.warehouse.connect() as connection:
        connection.execute(f"COPY ({select} FROM ({source})) TO {literal(str(file))}")
    return file


def _json_columns(table: Table) -> list[str]:
    return [column.name for column in table.columns if column.type.kind is Kind.JSON]
