"""A day of GenAI usage, priced by the query of docs/genai-costs.md: tiers, batch, caches, long requests, modalities."""

from __future__ import annotations

from decimal import Decimal

import duckdb
import pytest

from tests.api.live import Live
from tests.catalog_content.genai import COSTS, costs, exactly, keep_costs, price, used


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
    price(live, "OPENAI", "long", ("OUTPUT", None, 200_000, "2"), ("REASONING", None, None, "3.5"))
    used(live, "OPENAI", "long", context_above_tokens=200_000, output_tokens=400, reasoning_tokens=400)
    assert costs(live) == {
        # 300 x 1 + 200 x 32 + 100 x 5; 400 x 2 + 400 x 3.5 + 50 x 64 + 150 x 40, each per million
        ("apart", "STANDARD", 0): exactly("0.0072", None, None, "0.0114", "0.0186"),
        ("alike", "STANDARD", 0): exactly("0.0006", None, None, "0.002", "0.0026"),
        ("long", "STANDARD", 200_000): exactly(None, None, None, "0.0014", "0.0014"),
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
    assert {key: parts[-1] for key, parts in costs(live).items()} == {
        ("gpt", "STANDARD", 0): Decimal("0.000005"),
        ("gpt", "PRIORITY", 0): None,
        ("unknown", "STANDARD", 0): None,
    }
    with pytest.raises(duckdb.ConstraintException, match="total_cost_usd"):
        keep_costs(live)


def test_a_region_or_version_of_its_own_goes_before_the_price_for_all_and_the_latest_before_older_ones(
    live: Live,
) -> None:
    standing = {"effective_from": "2026-01-01"}
    price(live, "OPENAI", "gpt", ("INPUT", None, None, "1"), ("OUTPUT", "FLEX", None, "9"))
    price(live, "OPENAI", "gpt", ("INPUT", None, None, "2"), region="eu", effective_to="2026-03-14")
    price(live, "OPENAI", "gpt", ("INPUT", None, None, "3"), region="eu", **standing)
    price(live, "OPENAI", "gpt", ("INPUT", None, None, "4"), model_version="2026-02-01", **standing)
    price(live, "OPENAI", "gpt", ("INPUT", None, None, "5"), model_version="2026-02-01", region="eu")
    price(live, "OPENAI", "gpt", ("INPUT", None, None, "6"), region="eu", effective_from="2026-03-15")
    price(live, "OPENAI", "gpt", ("INPUT", None, None, "7"), region="eu", effective_to="2026-03-13")
    price(
        live, "OPENAI", "gpt", ("INPUT", None, None, "8"), region="eu", status="INACTIVE", effective_from="2026-02-01"
    )
    for region, version, expected in (
        (None, None, 1), ("us", None, 1), ("eu", None, 3), ("us", "2026-02-01", 4), ("eu", "2026-02-01", 5),
        ("eu", "2025-12-24", 3),
    ):  # fmt: skip
        live.execute("DELETE FROM acme_corp_prod.genai_payg_usage_raw")
        used(live, "OPENAI", "gpt", region=region, model_version=version, input_tokens=1_000_000)
        assert costs(live)["gpt", "STANDARD", 0][-1] == expected, (region, version)
    live.execute("DELETE FROM acme_corp_prod.genai_payg_usage_raw")
    used(live, "OPENAI", "gpt", region="eu", service_tier="FLEX", output_tokens=1_000_000)
    assert costs(live)["gpt", "FLEX", 0][-1] == 9


def test_a_price_holds_from_its_first_day_to_its_last(live: Live) -> None:
    days = {"before": ("2026-03-01", "2026-03-13"), "of": ("2026-03-14", "2026-03-14"), "after": ("2026-03-15", None)}
    for model, (first, last) in days.items():
        price(live, "OPENAI", model, ("INPUT", None, None, "1"), effective_from=first, effective_to=last)
        used(live, "OPENAI", model, input_tokens=1_000_000)
    assert {model: parts[-1] for (model, _, _), parts in costs(live).items()} == {
        "before": None,
        "of": 1,
        "after": None,
    }


def test_discounts_make_the_cached_and_batch_prices_that_are_not_listed(live: Live) -> None:
    amounts = {"input_per_1m": Decimal(3), "output_per_1m": Decimal(15)}
    discounts = {"cached_discount_pct": 90.0, "batch_discount_pct": 50.0, "volume_discount_pct": 10.0}
    price(live, "OPENAI", "mini", **amounts, **discounts)
    used(live, "OPENAI", "mini", input_tokens=1_000_000, cached_input_tokens=1_000_000)
    used(live, "OPENAI", "mini", input_tokens=1_000_000, output_tokens=1_000_000, is_batch=True)
    assert costs(live) == {
        ("mini", "STANDARD", 0): exactly("2.7", "0.27", None, None, "2.97"),
        ("mini", "BATCH", 0): exactly("1.35", None, None, "6.75", "8.1"),
    }


def test_a_row_with_rates_is_not_priced_by_its_columns_too(live: Live) -> None:
    columns = {"output_per_1m": Decimal(7), "cached_input_per_1m": Decimal(7), "override_input_per_1m": Decimal(7)}
    price(live, "OPENAI", "gpt", ("INPUT", None, None, "1"), **columns, is_override=True)
    used(live, "OPENAI", "gpt", input_tokens=1_000_000)
    assert costs(live)["gpt", "STANDARD", 0][-1] == 1
    used(live, "OPENAI", "gpt", output_tokens=1)
    assert costs(live)["gpt", "STANDARD", 0][-1] is None


def test_negotiated_columns_are_of_the_standard_tier_and_apply_where_there_are_no_rates(live: Live) -> None:
    agreed = {"override_input_per_1m": Decimal("0.5"), "is_override": True, "volume_discount_pct": 50.0}
    price(live, "OPENAI", "mini", batch_input_per_1m=Decimal("0.8"), **agreed)
    used(live, "OPENAI", "mini", input_tokens=1_000_000, output_tokens=1_000_000)
    used(live, "OPENAI", "mini", input_tokens=1_000_000, is_batch=True)
    assert costs(live) == {
        ("mini", "STANDARD", 0): exactly("0.5", None, None, "0.5", "1"),
        ("mini", "BATCH", 0): exactly("0.4", None, None, None, "0.4"),
    }


def test_each_team_and_credential_has_a_row_of_its_own(live: Live) -> None:
    price(live, "OPENAI", "gpt", ("INPUT", None, None, "1"))
    for team in ("a", "b", None):
        used(live, "OPENAI", "gpt", hierarchy_team_id=team, input_tokens=1_000_000)
    found = sorted(live.rows(COSTS), key=lambda row: str(row["hierarchy_team_id"]))
    assert [(row["hierarchy_team_id"], row["total_cost_usd"]) for row in found] == [(None, 1), ("a", 1), ("b", 1)]
