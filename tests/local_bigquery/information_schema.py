"""INFORMATION_SCHEMA as BigQuery shows it: of a region only its own datasets, and tables whatever they read."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlglot
from sqlglot import exp

from tests.bigquery_fake.rules import Refusal, Resource
from tests.local_bigquery.answers import not_found
from tests.local_bigquery.catalog import Catalog

_SCHEMA = "INFORMATION_SCHEMA."
_REGION = "region-"
# The column by which a view's rows belong to a dataset; views that are not here are left alone.
_DATASET_COLUMNS = {
    "SCHEMATA": "schema_name",
    "SCHEMATA_OPTIONS": "schema_name",
    **dict.fromkeys(
        (
            "COLUMNS", "COLUMN_FIELD_PATHS", "MATERIALIZED_VIEWS", "TABLES", "TABLE_OPTIONS", "TABLE_SNAPSHOTS",
            "TABLE_STORAGE", "VIEWS",
        ),
        "table_schema",
    ),
}  # fmt: skip
_TABLE_TYPES = {"TABLE": "BASE TABLE", "MATERIALIZED_VIEW": "MATERIALIZED VIEW"}


def is_region(dataset: str) -> bool:
    """Tell whether what stands in the place of a dataset is a region."""
    return dataset.lower().startswith(_REGION)


def region_of(dataset: str) -> str:
    """Return the location that a region's qualifier names."""
    return dataset[len(_REGION) :]


def rewritten(catalog: Catalog, project: str, tree: exp.Expr, location: str) -> exp.Expr | None:
    """Return a query whose INFORMATION_SCHEMA is BigQuery's, or None when it reads none. Raises Refusal."""
    after = tree.copy()
    tables = [table for table in after.find_all(exp.Table) if table.name.upper().startswith(_SCHEMA)]
    for table in tables:
        view = table.name[len(_SCHEMA) :]
        if not table.name.isupper():
            raise not_found(f"Table {table.name}: views of INFORMATION_SCHEMA are written in capitals")
        of_region = not table.db or is_region(table.db)
        if of_region and view == "PARTITIONS":
            raise Refusal("PARTITIONS cannot be asked of a region", rule="25", reason="invalidQuery")
        if view == "TABLES" or (view in _DATASET_COLUMNS and of_region):
            owner = table.catalog or project
            names = catalog.visible(owner, location) if of_region else [table.db]
            rows = _tables(catalog, owner, names) if view == "TABLES" else _of_datasets(table, view, names)
            # sqlglot gives a table without an alias one that may be its whole path.
            alias = table.alias if table.alias and "." not in table.alias else view
            table.replace(rows.subquery(alias))
    return after if tables else None


def _of_datasets(table: exp.Table, view: str, names: list[str]) -> exp.Select:
    bare = table.copy()
    bare.set("alias", None)
    condition = exp.column(_DATASET_COLUMNS[view]).isin(*names) if names else exp.false()
    return exp.select("*").from_(bare).where(condition)


def _tables(catalog: Catalog, project: str, names: list[str]) -> exp.Query:
    """Return TABLES as a query of literals.

    The emulator fails, or leaves the view out, when a view reads what is gone, and has no column `ddl`; here it is
    always NULL.
    """
    rows = [_row(item) for name in names for item in catalog.tables(project, name)]
    text = " UNION ALL ".join(rows) if rows else f"SELECT * FROM ({_row(_NOTHING)}) WHERE FALSE"
    query = sqlglot.parse_one(text, read="bigquery")
    assert isinstance(query, exp.Query)
    return query


_NOTHING: Resource = {
    "tableReference": {"projectId": "", "datasetId": "", "tableId": ""},
    "type": "TABLE",
    "creationTime": "0",
}


def _row(table: Resource) -> str:
    reference, kind = table["tableReference"], table["type"]
    created = datetime.fromtimestamp(int(table["creationTime"]) / 1000, UTC)
    values = {
        "table_catalog": reference["projectId"],
        "table_schema": reference["datasetId"],
        "table_name": reference["tableId"],
        "table_type": _TABLE_TYPES.get(kind, kind),
        "is_insertable_into": "YES" if kind == "TABLE" else "NO",
        "is_typed": "NO",
    }
    columns = [f"{exp.Literal.string(value).sql('bigquery')} AS {name}" for name, value in values.items()]
    columns += [f"TIMESTAMP '{created.isoformat()}' AS creation_time", "CAST(NULL AS STRING) AS ddl"]
    return f"SELECT {', '.join(columns)}"
