"""The query of docs/genai-costs.md as GoogleSQL, word for word; test_genai_costs.py has what it answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from cloudact.catalog.load import CatalogSource
from cloudact.planning.policy import EVERYTHING
from cloudact.tenancy.sync import synchronize
from cloudact.warehouse.driver import Warehouse
from tests.acme import ROOT
from tests.catalog_content.genai import QUERY
from tests.contract.bigquery import bigquery_at
from tests.local_bigquery.fixtures import Service

DATASET = CatalogSource(ROOT / "configs").load().organization_dataset("acme_corp", location="EU")
PRICES, USAGE = "genai_payg_pricing", "genai_payg_usage_raw"
OPENAI = {"org_slug": "acme_corp", "provider": "OPENAI"}
DAY = {
    "usage_date": date(2026, 3, 14), "x_pipeline_id": "payg", "x_credential_id": "c", "x_run_id": "r",
    "x_pipeline_run_date": date(2026, 3, 15), "x_ingested_at": datetime(2026, 3, 15, tzinfo=UTC),
}  # fmt: skip


def rate(meter: str, amount: str, above: int | None = None, agreed: str | None = None) -> dict[str, object]:
    return {
        "meter": meter,
        "service_tier": None,
        "context_above_tokens": above,
        "price_per_1m": Decimal(amount),
        "override_per_1m": agreed and Decimal(agreed),
    }


def fill(warehouse: Warehouse) -> None:
    """Make the tables of prices and usage, with a model that has rates and one that has none."""
    tables = tuple(table for table in DATASET.tables if table.name in {PRICES, USAGE})
    synchronize(warehouse, replace(DATASET, tables=tables, views=()), EVERYTHING)
    offer = {**OPENAI, "region": "global", "status": "ACTIVE"}
    columns = {"input_per_1m": Decimal("0.15"), "output_per_1m": Decimal("0.6")}
    rates = [rate("INPUT", "3", agreed="2"), rate("OUTPUT", "15"), rate("INPUT", "6", above=200_000)]
    prices = [
        {**offer, **columns, "model": "gpt", "rates": rates, "is_override": True, "cached_discount_pct": None},
        {**offer, **columns, "model": "mini", "rates": [], "is_override": None, "cached_discount_pct": 50.0},
    ]
    gpt = {**OPENAI, **DAY, "model": "gpt", "input_tokens": 7, "output_tokens": 3}
    mini = {**OPENAI, **DAY, "model": "mini", "input_tokens": 7, "output_tokens": None, "context_above_tokens": None}
    usage = [
        {**gpt, "context_above_tokens": None, "reasoning_tokens": 2, "cached_input_tokens": None},
        {**gpt, "context_above_tokens": 200_000, "reasoning_tokens": None, "cached_input_tokens": None},
        {**mini, "reasoning_tokens": None, "cached_input_tokens": 3},
    ]
    for table, rows in ((PRICES, prices), (USAGE, usage)):
        warehouse.run(lambda session, table=table, rows=rows: session.insert(DATASET.name, table, rows))


@pytest.mark.slow
def test_the_query_prices_a_day_as_it_is_written(local_bigquery: Service) -> None:
    warehouse, _ = bigquery_at(local_bigquery.url, local_bigquery.project)
    fill(warehouse)
    warehouse.close()
    found = {
        (row["model"], row["context_above_tokens"]): (
            row["input_cost_usd"], row["cached_cost_usd"], row["output_cost_usd"], row["total_cost_usd"]
        )
        for row in local_bigquery.client().query_and_wait(QUERY)
    }  # fmt: skip
    assert found == {
        ("gpt", 0): (Decimal("0.000014"), None, Decimal("0.000045"), Decimal("0.000059")),
        ("gpt", 200_000): (Decimal("0.000042"), None, Decimal("0.000045"), Decimal("0.000087")),
        ("mini", 0): (Decimal("0.00000105"), Decimal("0.000000225"), None, Decimal("0.000001275")),
    }
