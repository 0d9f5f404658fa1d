"""Lines of the Google Cloud export, made here because no sample of them is public, keep their records and digits."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from cloudact.catalog.exports import Export
from cloudact.catalog.model import Column, Kind, Mode
from cloudact.warehouse.driver import Page, Warehouse
from tests.bigquery_fake.server import running
from tests.billing.loading import LINEAGE, NOW, NUMBER
from tests.billing.shipped import DATASET, EXPORTS, bring, embedded
from tests.contract.bigquery import bigquery_at

DETAILED = EXPORTS["gcp_detailed"]
START = datetime(2026, 2, 27, 23, tzinfo=UTC)
BYTE_SECONDS = Decimal("123456789012345678901234567.5")


def decimal_of(number: float) -> Decimal:
    """Return a FLOAT of the export by its shortest decimal text, which is how its digits are kept."""
    return Decimal(repr(number))


def made(column: Column, random_: random.Random, least: float) -> object:
    """Return a value for a column; numbers are doubles of 17 significant digits, `least` or greater."""
    if column.mode is Mode.REPEATED:
        return [
            {field.name: made(field, random_, least) for field in column.fields} for _ in range(random_.randint(0, 3))
        ]
    match column.type.kind:
        case Kind.BIGNUMERIC if column.type.precision:
            return BYTE_SECONDS
        case Kind.BIGNUMERIC:
            return decimal_of(random_.uniform(least, 10 * least)) * random_.choice([1, -1])
        case Kind.TIMESTAMP:
            return START + timedelta(microseconds=random_.randrange(10**10))
        case Kind.BOOL:
            return random_.random() < 0.5
        case _:
            return random_.choice(["", "ü 'quoted' \"text\"", f"{column.name}-{random_.randrange(10**6)}"])


def lines(export: Export, count: int, least: float) -> list[dict[str, object]]:
    """Return rows with a value for every column that the export fills."""
    random_ = random.Random(13)
    filled = [column for _, target in export.columns if (column := export.table.column(target))]
    own = {"ingestion_date": NOW.date(), **LINEAGE}
    return [
        {column.name: made(column, random_, least) for column in filled} | own | {NUMBER: f"{number:06}"}
        for number in range(count)
    ]


def read(warehouse: Warehouse, wanted: Mapping[str, object]) -> list[dict[str, object]]:
    page = Page((NUMBER,), 1_000)
    return warehouse.run(lambda session: session.select(DATASET, DETAILED.table.name, list(wanted), page=page))


def test_nested_values_and_all_digits_of_doubles_come_back() -> None:
    rows = lines(DETAILED, 50, least=1000.0)
    digits = [len(row["cost"].as_tuple().digits) for row in rows if isinstance(row["cost"], Decimal)]
    assert max(digits) == 17
    assert {len(row["credits"]) for row in rows if isinstance(row["credits"], list)} == {0, 1, 2, 3}
    with embedded(DETAILED) as warehouse:
        warehouse.run(lambda session: session.insert(DATASET, DETAILED.table.name, rows))
        assert read(warehouse, rows[0]) == rows


@pytest.mark.slow
def test_on_bigquery_the_digits_of_the_smallest_costs_come_back_too() -> None:
    rows = lines(DETAILED, 20, least=1e-20)
    with running() as fake:
        fake.limits.enabled = False
        warehouse, _ = bigquery_at(fake.url, "project-billing")
        bring(warehouse, DETAILED.table)
        warehouse.run(lambda session: session.insert(DATASET, DETAILED.table.name, rows))
        found = read(warehouse, rows[0])
        warehouse.close()
    assert found == rows
