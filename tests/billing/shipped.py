"""The shipped exports, what is known of providers' files outside this repository, and a warehouse with one table."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from cloudact.catalog.exports import Export, load_exports
from cloudact.catalog.load import CatalogSource
from cloudact.catalog.model import Dataset, Table
from cloudact.planning.plan import make_plan
from cloudact.planning.policy import EVERYTHING
from cloudact.warehouse.driver import Session, Warehouse
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from tests.acme import ROOT

REFERENCE = ROOT.parent / "shared/reference"
CATALOG = CatalogSource(ROOT / "configs").load()
EXPORTS = {export.name: export for export in load_exports(ROOT / "configs", CATALOG)}
DATASET = "acme_corp_prod"
Lines = list[dict[str, str]]


def read_csv(name: str) -> Lines:
    """Return the rows of a reference file, or skip the test where it is absent."""
    path = REFERENCE / name
    if not path.is_file():
        pytest.skip(f"the reference file {path.name} is not on this machine")
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def bring(warehouse: Warehouse, table: Table) -> None:
    """Make a dataset that has this table."""

    def work(session: Session) -> None:
        session.apply(make_plan(session.inspect(DATASET), Dataset(DATASET, (table,), location="EU"), EVERYTHING))

    warehouse.run(work)


@contextmanager
def embedded(export: Export) -> Iterator[Warehouse]:
    """Lend a DuckDB warehouse that has the export's table."""
    warehouse = DuckDBWarehouse(None)
    try:
        bring(warehouse, export.table)
        yield warehouse
    finally:
        warehouse.close()
