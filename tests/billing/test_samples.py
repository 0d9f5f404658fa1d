"""The providers' sample files go into the table meant for them, and come out as they were."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, localcontext

import pytest

from cloudact.catalog.exports import Export, Home
from cloudact.warehouse.driver import Page, Warehouse
from tests.bigquery_fake.server import running
from tests.billing.loading import NUMBER, date_of, rows_of
from tests.billing.shipped import DATASET, EXPORTS, Lines, bring, embedded, read_csv
from tests.contract.bigquery import bigquery_at

SAMPLES = {
    "aws_cur_legacy": "data/raw_aws_legacy_cur_anonymised.csv",
    "azure_ea": "data/raw_azure_ea_anonymised.csv",
    "oci_cost_report": "data/raw_oci_cost_report_redacted.csv",
}
# A file's lines are much alike; the inner loop takes some of them, the whole suite all.
SOME = 40
# Where amounts land, said apart from the export files, by which rows are written and looked up.
COSTS = {
    "aws_cur_legacy": {
        "lineItem/UnblendedCost": "unblended_cost",
        "lineItem/BlendedCost": "blended_cost",
        "lineItem/UsageAmount": "usage_amount",
        "pricing/publicOnDemandCost": "public_on_demand_cost",
        "pricing/publicOnDemandRate": "pricing_public_on_demand_rate",
    },
    "azure_ea": {
        "CostInBillingCurrency": "cost_in_billing_currency",
        "Quantity": "usage_quantity",
        "EffectivePrice": "effective_price",
        "UnitPrice": "unit_price",
        "PayGPrice": "payg_price",
    },
    "oci_cost_report": {
        "cost/myCost": "cost",
        "usage/billedQuantity": "usage_quantity",
        "cost/unitPrice": "unit_price",
    },
}


def write_and_read(warehouse: Warehouse, export: Export, lines: Lines) -> list[dict[str, object]]:
    """Return the lines as they are read from the export's table after they were written there."""
    rows = rows_of(export, lines)
    warehouse.run(lambda session: session.insert(DATASET, export.table.name, rows))
    columns = [column.name for column in export.table.columns]
    page = Page((NUMBER,), len(lines) + 1)
    return warehouse.run(lambda session: session.select(DATASET, export.table.name, columns, page=page))


def is_as_written(text: str, home: Home, row: Mapping[str, object]) -> bool:
    """Tell whether a row holds what a field of the file says."""
    value = row[home.path[0]]
    if home.key is not None:
        return text == (json.loads(str(value)).get(home.key, "") if value is not None else "")
    match value:
        case None:
            return text == ""
        case bool():
            return text.lower() == str(value).lower()
        case Decimal():
            return Decimal(text) == value
        case datetime():
            return datetime.fromisoformat(text) == value
        case date():
            return date_of(text) == value
        case str() if value.startswith("{"):
            return json.loads(value) == json.loads(text if text.startswith("{") else f"{{{text}}}")
        case _:
            return text == value


def assert_landed(export: Export, lines: Lines, rows: list[dict[str, object]]) -> None:
    """Every field of every line is in its home, and costs add up to the same."""
    assert len(rows) == len(lines)
    homes = {source: home for source in lines[0] if (home := export.home_of(source))}
    assert homes.keys() == lines[0].keys()
    changed = [
        (number, source, line[source], row[home.path[0]])
        for number, (line, row) in enumerate(zip(lines, rows, strict=True))
        for source, home in homes.items()
        if not is_as_written(line[source], home, row)
    ]
    assert changed == []
    with localcontext(prec=100):
        for source, column in COSTS[export.name].items():
            stored = sum(Decimal(str(row[column] or 0)) for row in rows)
            assert stored == sum(Decimal(line[source] or 0) for line in lines) > 0, source


@pytest.mark.parametrize("name", SAMPLES)
def test_lines_of_a_sample_land_in_every_column(name: str) -> None:
    lines = read_csv(SAMPLES[name])
    some = lines[:: max(1, len(lines) // SOME)]
    with embedded(EXPORTS[name]) as warehouse:
        assert_landed(EXPORTS[name], some, write_and_read(warehouse, EXPORTS[name], some))


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLES)
def test_a_whole_sample_lands_in_every_column(name: str) -> None:
    lines = read_csv(SAMPLES[name])
    with embedded(EXPORTS[name]) as warehouse:
        assert_landed(EXPORTS[name], lines, write_and_read(warehouse, EXPORTS[name], lines))


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLES)
def test_lines_of_a_sample_land_on_bigquery(name: str) -> None:
    lines = read_csv(SAMPLES[name])[:SOME]
    with running() as fake:
        fake.limits.enabled = False
        warehouse, _ = bigquery_at(fake.url, "project-billing")
        bring(warehouse, EXPORTS[name].table)
        rows = write_and_read(warehouse, EXPORTS[name], lines)
        warehouse.close()
    assert_landed(EXPORTS[name], lines, rows)
