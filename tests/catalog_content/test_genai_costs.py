"""A day of GenAI usage, priced from the pricing table by plain SQL: tiers, batch, caches, long requests, modalities."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from cloudact.catalog.load import CatalogSource
from cloudact.planning.policy import EVERYTHING
from cloudact.tenancy.sync import synchronize
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from tests.acme import ROOT
from tests.api.live import Live

DATASET = CatalogSource(ROOT / "configs").load().organization_dataset("acme")
LINEAGE = {
    "x_pipeline_id": "payg", "x_credential_id": "c", "x_pipeline_run_date": "2026-03-15", "x_run_id": "r",
    "x_ingested_at": "2026-03-15T01:00:00Z",
}  # fmt: skip

# A row without rates is read through its price columns, as it was before there were rates.
PRICES = """
    SELECT provider, model, region, rate.meter, coalesce(rate.service_tier, 'STANDARD') AS tier,
           coalesce(rate.context_above_tokens, 0) AS above,
           CASE WHEN is_override AND rate.override_per_1m IS NOT NULL
                     AND DATE '2026-03-14' >= coalesce(override_effective_from, effective_from, DATE '1970-01-01')
                THEN rate.override_per_1m
                ELSE (rate.price_per_1m * (1 - coalesce(volume_discount_pct, 0)::DECIMAL(9, 6) * 0.01))::DECIMAL(38, 18)
           END AS per_1m
    FROM (SELECT *, unnest(CASE WHEN len(rates) > 0 THEN rates ELSE [
              {'meter': 'INPUT', 'service_tier': 'STANDARD', 'context_above_tokens': 0,
               'price_per_1m': input_per_1m, 'override_per_1m': override_input_per_1m},
              {'meter': 'OUTPUT', 'service_tier': 'STANDARD', 'context_above_tokens': 0,
               'price_per_1m': output_per_1m, 'override_per_1m': override_output_per_1m},
              {'meter': 'CACHED_INPUT', 'service_tier': 'STANDARD', 'context_above_tokens': 0,
               'price_per_1m': cached_input_per_1m, 'override_per_1m': NULL},
              {'meter': 'CACHE_WRITE', 'service_tier': 'STANDARD', 'context_above_tokens': 0,
               'price_per_1m': cached_write_per_1m, 'override_per_1m': NULL},
              {'meter': 'INPUT', 'service_tier': 'BATCH', 'context_above_tokens': 0,
               'price_per_1m': batch_input_per_1m, 'override_per_1m': NULL},
              {'meter': 'OUTPUT', 'service_tier': 'BATCH', 'context_above_tokens': 0,
               'price_per_1m': batch_output_per_1m, 'override_per_1m': NULL}] END) AS rate
          FROM acme_prod.genai_payg_pricing
          WHERE status = 'ACTIVE' AND DATE '2026-03-14' >= coalesce(effective_from, DATE '1970-01-01')
            AND DATE '2026-03-14' <= coalesce(effective_to, DATE '9999-12-31'))
"""
# Tokens by meter; a meter without a rate of its own is priced as another.
METERED = """
    SELECT id, provider, model, region, tier, above, unnest([
        {'meter': 'INPUT', 'otherwise': 'INPUT', 'part': 'input',
         'tokens': input_tokens - coalesce(audio_input_tokens, 0) - coalesce(image_input_tokens, 0)},
        {'meter': 'AUDIO_INPUT', 'otherwise': 'INPUT', 'part': 'input', 'tokens': audio_input_tokens},
        {'meter': 'IMAGE_INPUT', 'otherwise': 'INPUT', 'part': 'input', 'tokens': image_input_tokens},
        {'meter': 'CACHED_INPUT', 'otherwise': 'CACHED_INPUT', 'part': 'cached', 'tokens': cached_input_tokens},
        {'meter': 'CACHE_WRITE', 'otherwise': 'CACHE_WRITE', 'part': 'write',
         'tokens': cache_write_tokens - coalesce(cache_write_1h_tokens, 0)},
        {'meter': 'CACHE_WRITE_1H', 'otherwise': 'CACHE_WRITE_1H', 'part': 'write', 'tokens': cache_write_1h_tokens},
        {'meter': 'OUTPUT', 'otherwise': 'OUTPUT', 'part': 'output',
         'tokens': output_tokens - coalesce(reasoning_tokens, 0) - coalesce(audio_output_tokens, 0)
                   - coalesce(image_output_tokens, 0)},
        {'meter': 'REASONING', 'otherwise': 'OUTPUT', 'part': 'output', 'tokens': reasoning_tokens},
        {'meter': 'AUDIO_OUTPUT', 'otherwise': 'OUTPUT', 'part': 'output', 'tokens': audio_output_tokens},
        {'meter': 'IMAGE_OUTPUT', 'otherwise': 'OUTPUT', 'part': 'output', 'tokens': image_output_tokens}],
        recursive := true)
    FROM (SELECT *, row_number() OVER () AS id, coalesce(context_above_tokens, 0) AS above,
                 coalesce(service_tier, CASE WHEN is_batch THEN 'BATCH' ELSE 'STANDARD' END) AS tier
          FROM acme_prod.genai_payg_usage_raw WHERE usage_date = DATE '2026-03-14')
"""
COSTS = f"""
    WITH prices AS ({PRICES}), metered AS ({METERED}),
    priced AS (
        SELECT metered.*, metered.tokens * per_1m * 0.000001 AS cost
        FROM metered LEFT JOIN prices
          ON prices.provider = metered.provider AND prices.model = metered.model
         AND prices.region = coalesce(metered.region, 'global') AND prices.tier = metered.tier
         AND prices.meter IN (metered.meter, metered.otherwise) AND prices.above <= metered.above
        WHERE metered.tokens > 0
        QUALIFY row_number() OVER (PARTITION BY id, metered.meter
                                   ORDER BY prices.meter = metered.meter DESC, prices.above DESC) = 1)
    SELECT provider, model, tier, above, sum(cost) FILTER (part = 'input') AS input,
           sum(cost) FILTER (part = 'cached') AS cached, sum(cost) FILTER (part = 'write') AS write,
           sum(cost) FILTER (part = 'output') AS output, sum(cost) AS total
    FROM priced GROUP BY ALL HAVING count(*) = count(cost)
"""


@pytest.fixture
def live() -> Iterator[Live]:
    """The GenAI tables of acme, empty."""
    warehouse = DuckDBWarehouse(None)
    tables = tuple(table for table in DATASET.tables if table.name.startswith("genai_"))
    synchronize(warehouse, replace(DATASET, tables=tables, views=()), EVERYTHING)
    yield Live(warehouse)
    warehouse.close()


def put(live: Live, table: str, **row: Any) -> None:
    """Append a row of acme's."""
    row = {"org_slug": "acme", **row}
    live.execute(
        f"INSERT INTO acme_prod.{table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", *row.values()
    )


def price(live: Live, provider: str, model: str, *rates: tuple[str, str | None, int | None, str], **more: Any) -> None:
    """Append a pricing row with rates of meter, tier, context and price."""
    names = ("meter", "service_tier", "context_above_tokens", "price_per_1m", "override_per_1m")
    listed = [dict(zip(names, (*rate, None)[:5], strict=True)) for rate in rates]
    required = {"region": "global", "input_per_1m": Decimal(1), "output_per_1m": Decimal(1), "status": "ACTIVE"}
    put(live, "genai_payg_pricing", provider=provider, model=model, **{"rates": listed, **required, **more})


def used(live: Live, provider: str, model: str, **more: Any) -> None:
    """Append a row of the day's usage."""
    put(live, "genai_payg_usage_raw", usage_date="2026-03-14", provider=provider, model=model, **LINEAGE, **more)


def costs(live: Live) -> dict[tuple[str, str, int], tuple[Decimal | None, ...]]:
    """Return the costs of the day by model, tier and context: input, cached, written, output and total."""
    parts = ("input", "cached", "write", "output", "total")
    rows = live.rows(COSTS)
    assert len({(row["model"], row["tier"], row["above"]) for row in rows}) == len(rows)
    return {(row["model"], row["tier"], row["above"]): tuple(row[part] for part in parts) for row in rows}


def exactly(*amounts: str | None) -> tuple[Decimal | None, ...]:
    return tuple(None if amount is None else Decimal(amount) for amount in amounts)


def test_caches_and_long_requests_have_prices_of_their_own(live: Live) -> None:
    standard = {"INPUT": "3", "OUTPUT": "15", "CACHED_INPUT": "0.3", "CACHE_WRITE": "3.75", "CACHE_WRITE_1H": "6"}
    long = {"INPUT": "6", "OUTPUT": "22.5", "CACHED_INPUT": "0.6", "CACHE_WRITE": "7.5", "CACHE_WRITE_1H": "12"}
    rates = [(meter, None, None, amount) for meter, amount in standard.items()]
    price(live, "ANTHROPIC", "sonnet", *rates, *((meter, None, 200_000, amount) for meter, amount in long.items()))
    tokens = {
        "input_tokens": 1_000_001, "output_tokens": 200_000, "cached_input_tokens": 5_000_000,
        "cache_write_tokens": 300_000, "cache_write_1h_tokens": 100_000,
    }  # fmt: skip
    used(live, "ANTHROPIC", "sonnet", **tokens)
    used(live, "ANTHROPIC", "sonnet", context_above_tokens=200_000, **tokens)
    assert costs(live) == {
        # 1,000,001 x 3; 5,000,000 x 0.3; 200,000 x 3.75 + 100,000 x 6; 200,000 x 15, each per million
        ("sonnet", "STANDARD", 0): exactly("3.000003", "1.5", "1.35", "3", "8.850003"),
        ("sonnet", "STANDARD", 200_000): exactly("6.000006", "3", "2.7", "4.5", "16.200006"),
    }


def test_of_several_lengths_the_longest_reached_applies_and_one_price_serves_all_lengths(live: Live) -> None:
    bands = [(None, "1"), (128_000, "2"), (272_000, "4")]
    price(live, "GCP_VERTEX", "banded", *(("INPUT", None, above, amount) for above, amount in bands))
    price(live, "GCP_VERTEX", "flat", ("INPUT", "STANDARD", 0, "1"))
    for above in (None, 128_000, 200_000, 272_000):
        used(live, "GCP_VERTEX", "banded", context_above_tokens=above, input_tokens=1_000_000)
        used(live, "GCP_VERTEX", "flat", context_above_tokens=above, input_tokens=1_000_000)
    found = {(model, above): parts[-1] for (model, _, above), parts in costs(live).items()}
    assert [found["banded", above] for above in (0, 128_000, 200_000, 272_000)] == [1, 2, 2, 4]
    assert [found["flat", above] for above in (0, 128_000, 200_000, 272_000)] == [1, 1, 1, 1]


def test_each_tier_has_its_price_and_batch_may_be_said_either_way(live: Live) -> None:
    tiers = {"STANDARD": ("1.25", "10"), "PRIORITY": ("2.5", "20"), "FLEX": ("0.625", "5"), "BATCH": ("0.625", "5")}
    rates = [
        rate
        for tier, (input_, output) in tiers.items()
        for rate in (("INPUT", tier, None, input_), ("OUTPUT", tier, None, output))
    ]
    price(live, "OPENAI", "gpt", *rates, ("CACHED_INPUT", "FLEX", None, "0.0625"))
    for tier in ("STANDARD", "PRIORITY", "FLEX"):
        used(live, "OPENAI", "gpt", service_tier=tier, input_tokens=100, output_tokens=10)
    used(live, "OPENAI", "gpt", service_tier="FLEX", is_batch=False, input_tokens=0, cached_input_tokens=7)
    used(live, "OPENAI", "gpt", service_tier="BATCH", is_batch=True, input_tokens=100, output_tokens=10)
    used(live, "OPENAI", "gpt", is_batch=True, input_tokens=100, output_tokens=10)
    assert costs(live) == {
        ("gpt", "STANDARD", 0): exactly("0.000125", None, None, "0.0001", "0.000225"),
        ("gpt", "PRIORITY", 0): exactly("0.00025", None, None, "0.0002", "0.00045"),
        ("gpt", "FLEX", 0): exactly("0.0000625", "0.0000004375", None, "0.00005", "0.0001129375"),
        ("gpt", "BATCH", 0): exactly("0.000125", None, None, "0.0001", "0.000225"),
    }


def test_reasoning_audio_and_images_are_priced_apart_where_the_provider_does(live: Live) -> None:
    own = [
        ("REASONING", "3.5"),
        ("AUDIO_INPUT", "32"),
        ("AUDIO_OUTPUT", "64"),
        ("IMAGE_INPUT", "5"),
        ("IMAGE_OUTPUT", "40"),
    ]
    common = [("INPUT", None, None, "1"), ("OUTPUT", None, None, "2")]
    price(live, "OPENAI", "apart", *common, *((meter, None, None, amount) for meter, amount in own))
    price(live, "OPENAI", "alike", *common)
    tokens = {
        "input_tokens": 600, "audio_input_tokens": 200, "image_input_tokens": 100, "output_tokens": 1_000,
        "reasoning_tokens": 400, "audio_output_tokens": 50, "image_output_tokens": 150,
    }  # fmt: skip
    used(live, "OPENAI", "apart", **tokens)
    used(live, "OPENAI", "alike", **tokens)
    assert costs(live) == {
        # 300 x 1 + 200 x 32 + 100 x 5; 400 x 2 + 400 x 3.5 + 50 x 64 + 150 x 40, each per million
        ("apart", "STANDARD", 0): exactly("0.0072", None, None, "0.0114", "0.0186"),
        ("alike", "STANDARD", 0): exactly("0.0006", None, None, "0.002", "0.0026"),
    }


def test_a_row_without_rates_is_priced_by_its_columns(live: Live) -> None:
    amounts = {
        "input_per_1m": "0.15", "output_per_1m": "0.6", "cached_input_per_1m": "0.075", "batch_input_per_1m": "0.0375",
        "batch_output_per_1m": "0.3",
    }  # fmt: skip
    price(live, "OPENAI", "mini", **{name: Decimal(amount) for name, amount in amounts.items()})
    used(live, "OPENAI", "mini", input_tokens=1, output_tokens=3, cached_input_tokens=1)
    used(live, "OPENAI", "mini", input_tokens=1, output_tokens=3, is_batch=True)
    assert costs(live) == {
        ("mini", "STANDARD", 0): exactly("0.00000015", "0.000000075", None, "0.0000018", "0.000002025"),
        ("mini", "BATCH", 0): exactly("0.0000000375", None, None, "0.0000009", "0.0000009375"),
    }


def test_the_smallest_prices_and_negotiated_ones_keep_their_digits(live: Live) -> None:
    price(live, "OPENAI", "tiny", ("INPUT", None, None, "0.00013"), ("OUTPUT", None, None, "0.000000000007"))
    price(live, "OPENAI", "discounted", ("INPUT", None, None, "1.1"), volume_discount_pct=12.5)
    agreed = [("INPUT", None, None, "3", "2.123456789012345678"), ("OUTPUT", None, None, "9")]
    price(live, "OPENAI", "agreed", *agreed, is_override=True, override_effective_from="2026-03-14")
    later = {"is_override": True, "override_effective_from": "2026-03-15"}
    price(live, "OPENAI", "later", *agreed, **later)
    for model in ("tiny", "discounted", "agreed", "later"):
        used(live, "OPENAI", model, input_tokens=7, output_tokens=0 if model == "discounted" else 1)
    assert {model: parts[-1] for (model, _, _), parts in costs(live).items()} == {
        "tiny": Decimal("0.000000000910000007"),
        "discounted": Decimal("0.0000067375"),
        "agreed": Decimal("0.000023864197523086419746"),
        "later": Decimal("0.00003"),
    }


def test_usage_that_no_rate_prices_shows_instead_of_costing_nothing(live: Live) -> None:
    price(live, "OPENAI", "gpt", ("INPUT", None, None, "1"))
    used(live, "OPENAI", "gpt", input_tokens=5)
    used(live, "OPENAI", "gpt", service_tier="PRIORITY", input_tokens=5)
    used(live, "OPENAI", "unknown", input_tokens=5)
    assert [*costs(live)] == [("gpt", "STANDARD", 0)]


def test_readers_from_before_rates_find_one_price_for_each_row_of_usage(live: Live) -> None:
    """Rates are inside the row, so that a join by model and region does not multiply usage."""
    rates = [("INPUT", tier, above, "1") for tier in ("STANDARD", "FLEX") for above in (None, 200_000)]
    price(live, "OPENAI", "gpt", *rates, input_per_1m=Decimal("0.25"))
    used(live, "OPENAI", "gpt", region="global", input_tokens=4)
    used(live, "OPENAI", "gpt", region="global", service_tier="FLEX", input_tokens=8)
    (row,) = live.rows(
        "SELECT count(*) AS rows, sum(input_tokens * input_per_1m * 0.000001) AS cost "
        "FROM acme_prod.genai_payg_usage_raw JOIN acme_prod.genai_payg_pricing USING (provider, model, region)"
    )
    assert row == {"rows": 2, "cost": Decimal("0.000003")}


def test_costs_add_up_in_the_daily_and_the_unified_tables(live: Live) -> None:
    price(live, "OPENAI", "gpt", ("INPUT", None, None, "0.15"), ("INPUT", "FLEX", None, "0.075"))
    used(live, "OPENAI", "gpt", input_tokens=1)
    used(live, "OPENAI", "gpt", service_tier="FLEX", input_tokens=1)
    lineage = ", ".join(f"'{value}' AS {name}" for name, value in LINEAGE.items())
    live.execute(f"""
        INSERT INTO acme_prod.genai_payg_costs_daily BY NAME
        SELECT DATE '2026-03-14' AS cost_date, 'acme' AS org_slug, provider, model, tier AS service_tier,
               above AS context_above_tokens, input AS input_cost_usd, total AS total_cost_usd, {lineage} FROM ({COSTS})
    """)
    live.execute(f"""
        INSERT INTO acme_prod.genai_costs_daily_unified BY NAME
        SELECT cost_date, org_slug, 'PAYG' AS cost_type, provider, model, service_tier, input_cost_usd, total_cost_usd,
               {lineage} FROM acme_prod.genai_payg_costs_daily
    """)
    put(
        live, "genai_costs_daily_unified", cost_date="2026-03-14", cost_type="COMMITMENT", provider="AZURE_OPENAI",
        service_tier="PROVISIONED", commitment_cost_usd=Decimal("24.000000000000000001"),
        total_cost_usd=Decimal("24.000000000000000001"), **LINEAGE,
    )  # fmt: skip
    found = live.rows(
        "SELECT service_tier, sum(total_cost_usd) AS cost "
        "FROM acme_prod.genai_costs_daily_unified GROUP BY 1 ORDER BY 1"
    )
    assert found == [
        {"service_tier": "FLEX", "cost": Decimal("0.000000075")},
        {"service_tier": "PROVISIONED", "cost": Decimal("24.000000000000000001")},
        {"service_tier": "STANDARD", "cost": Decimal("0.00000015")},
    ]


def test_committed_units_are_priced_by_the_term_and_period_they_are_sold_by(live: Live) -> None:
    schemes = {
        "PTU": {"ptu_hourly_rate": Decimal("1.0000000001"), "commitment_term_months": 12},
        "SCALE_TIER": {"unit_rate": Decimal("110.25"), "rate_period": "DAY", "override_unit_rate": Decimal("99.5")},
        "DEDICATED_CLUSTER": {
            "ptu_hourly_rate": Decimal("6.5"),
            "override_hourly_rate": Decimal("5.000000000000000001"),
        },
    }
    for scheme, prices in schemes.items():
        offer = {"provider": "P", "commitment_type": scheme, "model": "ALL", "region": "global"}
        put(live, "genai_commitment_pricing", **offer, **prices, is_override=scheme != "PTU")
        term = {"commitment_term_months": prices.get("commitment_term_months")}
        day = {"usage_date": "2026-03-14", "provisioned_units": 300, "hours_active": 12.0}
        put(live, "genai_commitment_usage_raw", **offer, **term, **day, **LINEAGE)
    dearer = {"provider": "P", "commitment_type": "PTU", "model": "ALL", "region": "global"}
    put(live, "genai_commitment_pricing", **dearer, ptu_hourly_rate=Decimal(2), commitment_term_months=1)
    found = live.rows("""
        SELECT commitment_type, provisioned_units * CASE
                   WHEN rate_period = 'DAY' THEN coalesce(override_unit_rate, unit_rate)
                   ELSE coalesce(override_hourly_rate, ptu_hourly_rate) * hours_active::DECIMAL(4, 2) END AS cost
        FROM acme_prod.genai_commitment_usage_raw AS used JOIN acme_prod.genai_commitment_pricing AS offered
          USING (provider, commitment_type, model, region)
        WHERE used.commitment_term_months IS NOT DISTINCT FROM offered.commitment_term_months
    """)
    assert {row["commitment_type"]: row["cost"] for row in found} == {
        "PTU": Decimal("3600.00000036"),
        "SCALE_TIER": Decimal("29850"),
        "DEDICATED_CLUSTER": Decimal("18000.0000000000000036"),
    }
