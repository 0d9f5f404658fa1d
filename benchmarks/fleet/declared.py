"""What is declared, as the floor and the peers read it: plain SQL and one JSON file for each catalog."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.statements import COLUMN, TABLE, extend_catalog, statements
from cloudact.catalog.load import CatalogSource
from cloudact.catalog.model import Column, Dataset, Mode
from cloudact.tenancy.names import OrgSlug
from cloudact.warehouse.duckdb import ddl
from cloudact.warehouse.duckdb.type_map import storage_of

# Stands for each organization's slug in the statements.
PLACEHOLDER = OrgSlug("placeholder_slug")
DROPPED = "x_run_id"


def write_declared(configs: Path, folder: Path) -> dict[bool, Path]:
    """Write the declared fleet, and the one with a column more; returns the files by whether they have it."""
    extended = extend_catalog(configs, folder / "configs")
    files = {}
    for more, path in ((False, configs), (True, extended)):
        files[more] = folder / ("extended.json" if more else "declared.json")
        files[more].write_text(json.dumps(_declared(path)), encoding="utf-8")
    return files


def _declared(configs: Path) -> dict[str, Any]:
    catalog = CatalogSource(configs).load()
    organization = catalog.organization_dataset(PLACEHOLDER)
    return {
        "configs": str(configs),
        "placeholder": PLACEHOLDER,
        "central": statements(None, catalog.central_dataset()),
        "organization": statements(None, organization),
        "tables": {table.name: [_column(column) for column in table.columns] for table in organization.tables},
        "views": _views(organization),
        "table": TABLE,
        "added": COLUMN,
        "dropped": DROPPED,
    }


def _column(column: Column) -> dict[str, object]:
    return {"name": column.name, "type": str(storage_of(column)), "required": column.mode is Mode.REQUIRED}


def _views(dataset: Dataset) -> dict[str, str]:
    return {view.name: ddl.view_query(view.query) for view in dataset.views}
