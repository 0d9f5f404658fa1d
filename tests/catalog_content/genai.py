"""The GenAI tables of acme_corp: the query of docs/genai-costs.md for DuckDB, and rows to price with it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.api.live import Live
from tests.docs_text import DOCS, blocks

LINEAGE = {
    "x_pipeline_id": "payg", "x_credential_id": "c", "x_pipeline_run_date": "2026-03-15", "x_run_id": "r",
    "x_ingested_at": "2026-03-15T01:00:00Z",
}  # fmt: skip
LINEAGE_COLUMNS = ", ".join(LINEAGE)

PAGE = DOCS / "genai-costs.md"
(QUERY,) = (block.text for block in blocks(PAGE, "sql"))
(TRANSLATION,) = (block.text for block in blocks(PAGE, "python"))


def _on_duckdb() -> str:
    """Return the page's query as its own program translates it."""
    names: dict[str, Any] = {}
    exec(TRANSLATION, names)
    return str(names["on_duckdb"](QUERY))


COSTS = _on_duckdb()


def put(live: Live, table: str, **row: Any) -> None:
    """Append a row of acme's."""
    row = {"org_slug": "acme_corp", **row}
    live.execute(
        f"INSERT INTO acme_corp_prod.{table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", *row.values()
    )


def price(live: Live, provider: str, model: str, *rates: tuple[Any, ...], **more: Any) -> None:
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
    parts = [f"{part}_cost_usd" for part in ("input", "cached", "cache_write", "output", "total")]
    rows = live.rows(COSTS)
    keys = [(row["model"], row["service_tier"], row["context_above_tokens"]) for row in rows]
    assert len({*keys}) == len(keys)
    return {key: tuple(row[part] for part in parts) for key, row in zip(keys, rows, strict=True)}


def keep_costs(live: Live) -> None:
    """Put the costs of the day into the table of daily costs."""
    own = ", ".join(f"'{value}' AS {name}" for name, value in LINEAGE.items() if name != "x_credential_id")
    live.execute(f"""
        INSERT INTO acme_corp_prod.genai_payg_costs_daily BY NAME
        SELECT *, DATE '2026-03-14' AS cost_date, 'acme_corp' AS org_slug, {own} FROM ({COSTS})
    """)


def exactly(*amounts: str | None) -> tuple[Decimal | None, ...]:
    """Return amounts as costs() does."""
    return tuple(None if amount is None else Decimal(amount) for amount in amounts)
