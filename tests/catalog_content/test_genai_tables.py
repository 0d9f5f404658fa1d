"""GenAI costs in the tables around their query: readers from before rates, daily and unified costs, committed units."""

from __future__ import annotations

from decimal import Decimal

from tests.api.live import Live
from tests.catalog_content.genai import LINEAGE, LINEAGE_COLUMNS, keep_costs, price, put, used


def test_readers_from_before_rates_find_one_price_for_each_row_of_usage(live: Live) -> None:
    """Rates are inside the row, so that a join by model and region does not multiply usage."""
    rates = [("INPUT", tier, above, "1") for tier in ("STANDARD", "FLEX") for above in (None, 200_000)]
    price(live, "OPENAI", "gpt", *rates, input_per_1m=Decimal("0.25"))
    used(live, "OPENAI", "gpt", region="global", input_tokens=4)
    used(live, "OPENAI", "gpt", region="global", service_tier="FLEX", input_tokens=8)
    (row,) = live.rows(
        "SELECT count(*) AS rows, sum(input_tokens * input_per_1m * 0.000001) AS cost "
        "FROM acme_corp_prod.genai_payg_usage_raw "
        "JOIN acme_corp_prod.genai_payg_pricing USING (provider, model, region)"
    )
    assert row == {"rows": 2, "cost": Decimal("0.000003")}


def test_costs_add_up_in_the_daily_and_the_unified_tables(live: Live) -> None:
    price(live, "OPENAI", "gpt", ("INPUT", None, None, "0.15"), ("INPUT", "FLEX", None, "0.075"))
    used(live, "OPENAI", "gpt", input_tokens=1)
    used(live, "OPENAI", "gpt", service_tier="FLEX", input_tokens=1)
    keep_costs(live)
    live.execute(f"""
        INSERT INTO acme_corp_prod.genai_costs_daily_unified BY NAME
        SELECT cost_date, org_slug, 'PAYG' AS cost_type, provider, model, service_tier, input_cost_usd, total_cost_usd,
               {LINEAGE_COLUMNS} FROM acme_corp_prod.genai_payg_costs_daily
    """)
    put(
        live, "genai_costs_daily_unified", cost_date="2026-03-14", cost_type="COMMITMENT", provider="AZURE_OPENAI",
        service_tier="PROVISIONED", commitment_cost_usd=Decimal("24.000000000000000001"),
        total_cost_usd=Decimal("24.000000000000000001"), **LINEAGE,
    )  # fmt: skip
    found = live.rows(
        "SELECT service_tier, sum(total_cost_usd) AS cost "
        "FROM acme_corp_prod.genai_costs_daily_unified GROUP BY 1 ORDER BY 1"
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
        FROM acme_corp_prod.genai_commitment_usage_raw AS used JOIN acme_corp_prod.genai_commitment_pricing AS offered
          USING (provider, commitment_type, model, region)
        WHERE used.commitment_term_months IS NOT DISTINCT FROM offered.commitment_term_months
    """)
    assert {row["commitment_type"]: row["cost"] for row in found} == {
        "PTU": Decimal("3600.00000036"),
        "SCALE_TIER": Decimal("29850"),
        "DEDICATED_CLUSTER": Decimal("18000.0000000000000036"),
    }
