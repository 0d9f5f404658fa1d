"""Looking at the warehouse beside the service, and doing to it what a person could do."""

from __future__ import annotations

from typing import Any

from cloudact.catalog.model import Dataset
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from cloudact.warehouse.duckdb.type_map import quote
from cloudact.warehouse.metered import MeteredWarehouse
from cloudact.wiring import Services

Snapshot = tuple[list[tuple[Any, ...]], dict[str, list[str]]]

_OBJECTS = """
    SELECT 'schema' AS kind, schema_name, '' AS name, '' AS body FROM duckdb_schemas() WHERE NOT internal
    UNION ALL SELECT 'table', schema_name, table_name, sql FROM duckdb_tables()
    UNION ALL SELECT 'view', schema_name, view_name, sql || coalesce(comment, '') FROM duckdb_views() WHERE NOT internal
    UNION ALL SELECT 'macro', schema_name, function_name, macro_definition FROM duckdb_functions() WHERE NOT internal
    ORDER BY ALL
"""
# The estimate counts rows that are deleted as well, so that a table without any is none of these.
_FILLED = "SELECT schema_name, table_name FROM duckdb_tables() WHERE estimated_size > 0"
# One value for row i of each storage type; a list is empty and anything else NULL.
_VALUES = {
    "VARCHAR": "'row ' || i",
    "BIGINT": "i",
    "DOUBLE": "i / 3",
    "BOOLEAN": "i % 2 = 0",
    "DATE": "DATE '2026-01-01' + i::INTEGER",
    "TIMESTAMP": "TIMESTAMP '2026-01-01 12:00:00' + to_days(i::INTEGER)",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ '2026-01-01 12:00:00+00' + to_days(i::INTEGER)",
    "BLOB": "encode('row ' || i)",
    "JSON": "json_object('row', i)",
}


def duckdb_of(services: Services) -> DuckDBWarehouse:
    """The DuckDB warehouse behind the services."""
    metered = services.bootstrap.warehouse
    assert isinstance(metered, MeteredWarehouse)
    assert isinstance(metered.inner, DuckDBWarehouse)
    return metered.inner


class Live:
    """The datasets as they are, read without the service."""

    def __init__(self, warehouse: DuckDBWarehouse) -> None:
        self._warehouse = warehouse

    def dataset(self, name: str) -> Dataset | None:
        """The whole live dataset, or None."""
        return self._warehouse.run(lambda session: session.inspect(name))

    def rows(self, statement: str, *parameters: object) -> list[dict[str, Any]]:
        """What a statement returns, each row by column name."""
        with self._warehouse.connect() as connection:
            found = connection.execute(statement, list(parameters))
            names = [column[0] for column in found.description]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def execute(self, statement: str, *parameters: object) -> None:
        """Do something behind the service's back."""
        with self._warehouse.connect() as connection:
            connection.execute(statement, list(parameters))

    def schemas(self) -> set[str]:
        """The names of all datasets."""
        return {row["schema_name"] for row in self.rows("SELECT schema_name FROM duckdb_schemas() WHERE NOT internal")}

    def tables(self, dataset: str) -> list[str]:
        """The names of a dataset's tables, sorted."""
        found = self.rows("SELECT table_name AS name FROM duckdb_tables() WHERE schema_name = ? ORDER BY 1", dataset)
        return [row["name"] for row in found]

    def columns(self, dataset: str, table: str) -> list[str]:
        """The names of a table's columns, in order."""
        return [row["column_name"] for row in self.rows(f"DESCRIBE {quote(dataset)}.{quote(table)}")]

    def fill(self, dataset: str, *, rows: int = 3) -> None:
        """Append rows with a value in every plain column to every table."""
        for table in self.tables(dataset):
            name = f"{quote(dataset)}.{quote(table)}"
            values = [_value(row["column_type"]) for row in self.rows(f"DESCRIBE {name}")]
            self.execute(f"INSERT INTO {name} SELECT {', '.join(values)} FROM range({rows}) AS numbers(i)")

    def values(self, dataset: str) -> dict[str, list[dict[str, Any]]]:
        """Every row of every table of a dataset."""
        return {
            table: self.rows(f"FROM {quote(dataset)}.{quote(table)} ORDER BY ALL") for table in self.tables(dataset)
        }

    def snapshot(self) -> Snapshot:
        """Every object's definition and every row of the warehouse, for comparing before with after."""
        with self._warehouse.connect() as connection:
            objects = connection.execute(_OBJECTS).fetchall()
            names = [f"{quote(schema)}.{quote(name)}" for schema, name in connection.execute(_FILLED).fetchall()]
            rows = {name: sorted(map(repr, connection.execute(f"FROM {name}").fetchall())) for name in names}
        return objects, {name: found for name, found in rows.items() if found}


def _value(column_type: str) -> str:
    if column_type.startswith("DECIMAL"):
        return "i + 0.125"
    if column_type.endswith("[]"):
        return "[]"
    return _VALUES.get(column_type, "NULL")
