"""Decimals of more digits than DuckDB has keep those that it has."""

from __future__ import annotations

from decimal import Decimal

import pytest

from cloudact.catalog.model import Column, Dataset, Kind, Mode, Table, Type
from cloudact.errors import WarehouseError
from cloudact.planning.policy import EVERYTHING
from cloudact.tenancy.sync import plan_for
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse

MONEY = Type(Kind.BIGNUMERIC)
DECLARED = Dataset("d", (Table("t", (Column("x", MONEY), Column("many", MONEY, Mode.REPEATED))),), location="US")


@pytest.fixture
def warehouse() -> DuckDBWarehouse:
    found = DuckDBWarehouse(None)
    found.run(lambda session: session.apply(plan_for(session, DECLARED, EVERYTHING)))
    return found


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("12345678901234567890.1234567890123456785", "12345678901234567890.123456789012345679"),
        ("0.1234567890123456789012345678901234567890123", "0.123456789012345679"),
        ("-0.0000000000000000005000000000000000000000000", "-0.000000000000000001"),
        ("1E-45", "0"),
    ],
)
def test_a_decimal_is_rounded_at_the_columns_last_digit_and_nowhere_else(
    warehouse: DuckDBWarehouse, given: str, kept: str
) -> None:
    value = Decimal(given)
    warehouse.run(lambda session: session.insert("d", "t", [{"x": value, "many": [value, value]}]))
    rows = warehouse.run(lambda session: session.select("d", "t", ["x", "many"]))
    assert rows == [{"x": Decimal(kept), "many": [Decimal(kept)] * 2}]


@pytest.mark.parametrize("given", ["123456789012345678901", "1E+30", "123456789012345678901.000000000000000000001"])
def test_a_decimal_too_large_is_refused(warehouse: DuckDBWarehouse, given: str) -> None:
    with pytest.raises(WarehouseError):
        warehouse.run(lambda session: session.insert("d", "t", [{"x": Decimal(given), "many": []}]))
    assert warehouse.run(lambda session: session.count("d", "t")) == 0
