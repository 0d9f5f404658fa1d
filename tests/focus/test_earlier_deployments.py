"""Deployments whose money has an earlier type: what a sync makes of their tables, with the rows in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from cloudact.catalog.model import Column, Dataset, Kind, Mode, Type
from tests.focus.facts import COST_AND_USAGE, TABLES
from tests.focus.organization import Organization
from tests.focus.samples import Row, generated, read_rows

PLAIN = Type(Kind.BIGNUMERIC)
NUMERIC, FLOAT64, OF_18_DECIMALS = Type(Kind.NUMERIC), Type(Kind.FLOAT64), Type(Kind.BIGNUMERIC, 38, 18)
COSTS = TABLES[COST_AND_USAGE]
# REQUIRED in deployments made before the catalog followed the exports that leave them out.
RELAXED = {"ContractedCost", "HostProviderName", "InvoiceIssuerName", "ServiceCategory", "ServiceProviderName"}
ADDED = "x_provider_columns"
DUCKDB = pytest.param("duckdb-file", id="duckdb")
BIGQUERY = pytest.param("bigquery-fake", id="bigquery", marks=pytest.mark.slow)

Fill = Callable[[Organization, Dataset], list[Row]]


def earlier(declared: Dataset, money: Type, mode: Mode | None = None) -> Dataset:
    """Return the dataset as an earlier catalog declared it; with `mode`, all money has that mode."""

    def column(now: Column) -> Column:
        if now.type != PLAIN:
            return replace(now, mode=Mode.REQUIRED) if now.name in RELAXED else now
        return replace(now, type=money, mode=mode or now.mode)

    tables = (
        replace(table, columns=tuple(column(item) for item in table.columns if item.name != ADDED))
        for table in declared.tables
    )
    return replace(declared, tables=tuple(tables))


def money_in(dataset: Dataset | None, declared: Dataset) -> dict[str, Type]:
    """Return the types that the columns declared as money have in a dataset, by table and column."""
    assert dataset is not None
    return {
        f"{table.name}.{column.name}": found.type
        for table in declared.tables
        for column in table.columns
        if column.type == PLAIN and (found := dataset.table(table.name).column(column.name))  # type: ignore[union-attr]
    }


@pytest.fixture
def fill(tmp_path: Path) -> Fill:
    """Make the tables of an earlier catalog, load rows as its money holds them, and return the rows as they are."""

    def made(organization: Organization, before: Dataset) -> list[Row]:
        organization.sync(before)
        (money,) = set(money_in(before, organization.declared).values())
        file = generated(tmp_path, "aws", rows=30, seed=9)[COST_AND_USAGE]
        rows = [_held_by(money, row) for row in read_rows(file, organization.table(COST_AND_USAGE))]
        organization.load(COST_AND_USAGE, rows)
        return in_order(organization)

    return made


def _held_by(money: Type, row: Row) -> Row:
    def held(value: Decimal) -> object:
        return float(value) if money == FLOAT64 else value.quantize(Decimal(1).scaleb(-9 if money == NUMERIC else -18))

    return {name: held(value) if isinstance(value, Decimal) else value for name, value in row.items()}


def in_order(organization: Organization) -> list[Row]:
    """Return the costs that are there; a charge is told by its description and cost."""
    names = ["BilledCost", "EffectiveCost", "ListUnitPrice", "PricingQuantity", "ChargePeriodStart", "SkuPriceId"]
    return sorted(organization.read(COST_AND_USAGE, names), key=repr)


def assert_widened(organization: Organization, rows: list[Row]) -> None:
    """A sync makes all money plain BIGNUMERIC, adds what is new, and leaves the rows and nothing to do."""
    applied = organization.sync()
    assert (applied.failed, applied.plan.conflicts) == ([], ())
    live = organization.live()
    assert set(money_in(live, organization.declared).values()) == {PLAIN}
    assert live is not None
    assert live.table(COSTS).column(ADDED) is not None  # type: ignore[union-attr]
    assert in_order(organization) == rows
    assert organization.sync().changes == ()


@pytest.mark.parametrize("anywhere", [DUCKDB, BIGQUERY], indirect=True)
def test_money_of_eighteen_decimals_widens_in_place(anywhere: Organization, fill: Fill) -> None:
    assert_widened(anywhere, fill(anywhere, earlier(anywhere.declared, OF_18_DECIMALS, Mode.NULLABLE)))


@pytest.mark.parametrize("anywhere", [DUCKDB, BIGQUERY], indirect=True)
def test_required_money_of_eighteen_decimals_widens_in_place(anywhere: Organization, fill: Fill) -> None:
    assert_widened(anywhere, fill(anywhere, earlier(anywhere.declared, OF_18_DECIMALS)))


@pytest.mark.parametrize("anywhere", [BIGQUERY], indirect=True)
def test_numeric_money_widens_in_place(anywhere: Organization, fill: Fill) -> None:
    assert_widened(anywhere, fill(anywhere, earlier(anywhere.declared, NUMERIC, Mode.NULLABLE)))


@pytest.mark.parametrize("anywhere", [BIGQUERY], indirect=True)
def test_required_numeric_money_widens_in_place(anywhere: Organization, fill: Fill) -> None:
    assert_widened(anywhere, fill(anywhere, earlier(anywhere.declared, NUMERIC)))


@pytest.mark.parametrize("anywhere", [DUCKDB], indirect=True)
def test_numeric_money_stays_where_the_engine_would_hold_fewer_digits(anywhere: Organization, fill: Fill) -> None:
    rows = fill(anywhere, earlier(anywhere.declared, NUMERIC))
    applied = anywhere.sync()
    live = anywhere.live()
    assert live is not None
    assert {str(item.change) for item in applied.failed} == {
        f"widen {name} from NUMERIC to BIGNUMERIC" for name in money_in(live, anywhere.declared)
    }
    assert set(money_in(live, anywhere.declared).values()) == {NUMERIC}
    assert live.table(COSTS).column(ADDED) is not None  # type: ignore[union-attr]
    assert {live.table(COSTS).column(name).mode for name in RELAXED} == {Mode.NULLABLE}  # type: ignore[union-attr]
    assert in_order(anywhere) == rows


@pytest.mark.parametrize("anywhere", [DUCKDB, BIGQUERY], indirect=True)
def test_money_in_floats_is_a_conflict_for_a_person(anywhere: Organization, fill: Fill) -> None:
    rows = fill(anywhere, earlier(anywhere.declared, FLOAT64))
    applied = anywhere.sync()
    live = anywhere.live()
    told = {finding.object for finding in applied.plan.conflicts if finding.code == "type_changed"}
    assert told == set(money_in(live, anywhere.declared))
    assert set(money_in(live, anywhere.declared).values()) == {FLOAT64}
    assert in_order(anywhere) == rows
