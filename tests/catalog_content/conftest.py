"""The GenAI tables of an organization, and the emulator for queries that BigQuery runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from cloudact.catalog.load import CatalogSource
from cloudact.planning.policy import EVERYTHING
from cloudact.tenancy.sync import synchronize
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from tests.acme import ROOT
from tests.api.live import Live
from tests.local_bigquery.fixtures import local_bigquery, local_bigquery_process

__all__ = ["local_bigquery", "local_bigquery_process"]
DATASET = CatalogSource(ROOT / "configs").load().organization_dataset("acme_corp")


@pytest.fixture
def live() -> Iterator[Live]:
    """The GenAI tables of acme, empty."""
    warehouse = DuckDBWarehouse(None)
    tables = tuple(table for table in DATASET.tables if table.name.startswith("genai_"))
    synchronize(warehouse, replace(DATASET, tables=tables, views=()), EVERYTHING)
    yield Live(warehouse)
    warehouse.close()
