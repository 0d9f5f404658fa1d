"""A copy has everything that the table has, and is made once however often it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from cloudact.catalog.model import Dataset, Kind
from cloudact.errors import WarehouseNotFound, WarehouseRefused
from cloudact.warehouse.driver import Row, TableName, Warehouse
from tests.contract.conftest import Bring
from tests.contract.datasets import ORDERS, SHOP, column

Live = Callable[[str], Dataset | None]
SOURCE, TARGET = TableName("shop", "orders"), TableName("shop_two", "kept_orders")
PLACED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ROWS: list[Row] = [
    {"id": "1", "placed_at": PLACED, "amount": Decimal("1.5"), "tags": ["a", "b"]},
    {"id": "1", "placed_at": PLACED, "amount": Decimal("1.5"), "tags": ["a", "b"]},
    {"id": "2", "placed_at": PLACED, "count": 9_007_199_254_740_993},
]


@pytest.fixture
def shop(bring: Bring, warehouse: Warehouse) -> Warehouse:
    """A shop with orders, and an empty dataset beside it."""
    bring(SHOP)
    bring(Dataset("shop_two", location="EU"))
    warehouse.run(lambda session: session.insert("shop", "orders", ROWS))
    return warehouse


def copy(warehouse: Warehouse, target: TableName = TARGET) -> None:
    warehouse.run(lambda session: session.copy_table(SOURCE, target))


def read(warehouse: Warehouse, table: TableName) -> list[str]:
    rows = warehouse.run(
        lambda session: session.select(table.dataset, table.table, ["id", "placed_at", "amount", "count", "tags"])
    )
    return sorted(map(repr, rows))


def test_a_copy_has_schema_layout_metadata_and_rows(shop: Warehouse, live: Live) -> None:
    copy(shop)
    assert live("shop_two") == Dataset("shop_two", (replace(ORDERS, name="kept_orders"),), location="EU")
    assert live("shop") == SHOP
    assert read(shop, TARGET) == read(shop, SOURCE)


def test_a_copy_is_made_once(shop: Warehouse, live: Live) -> None:
    copy(shop)
    before = live("shop_two")
    copy(shop)
    assert live("shop_two") == before
    assert len(read(shop, TARGET)) == len(ROWS)


def test_a_copy_beside_its_source_leaves_the_rest_of_the_dataset(shop: Warehouse, live: Live) -> None:
    copy(shop, TableName("shop", "orders_kept"))
    assert live("shop") == replace(SHOP, tables=(*SHOP.tables, replace(ORDERS, name="orders_kept")))


def test_a_copy_does_not_follow_its_source(shop: Warehouse) -> None:
    copy(shop)
    shop.run(lambda session: session.insert("shop", "orders", [{"id": "3", "placed_at": PLACED}]))
    assert len(read(shop, TARGET)) == len(ROWS)


def test_nothing_that_is_no_copy_is_touched(shop: Warehouse, live: Live) -> None:
    before = live("shop")
    with pytest.raises(WarehouseRefused, match=r"shop\.notes"):
        copy(shop, TableName("shop", "notes"))
    assert live("shop") == before


def test_a_table_that_has_moved_on_is_no_copy(shop: Warehouse) -> None:
    copy(shop)
    shop.run(lambda session: session.insert("shop_two", "kept_orders", [{"id": "3", "placed_at": PLACED}]))
    with pytest.raises(WarehouseRefused, match=r"shop_two\.kept_orders"):
        copy(shop)
    assert len(read(shop, TARGET)) == len(ROWS) + 1


@pytest.mark.parametrize(
    ("source", "target"),
    [(TableName("shop", "nothing_here"), TARGET), (SOURCE, TableName("nowhere", "orders"))],
)
def test_without_a_source_or_a_dataset_nothing_happens(
    shop: Warehouse, live: Live, source: TableName, target: TableName
) -> None:
    with pytest.raises(WarehouseNotFound, match=r"nothing_here|nowhere"):
        shop.run(lambda session: session.copy_table(source, target))
    assert live("shop_two") == Dataset("shop_two", location="EU")


def test_a_copied_dataset_can_be_brought_in_step(shop: Warehouse, bring: Bring, live: Live) -> None:
    copy(shop)
    kept = replace(ORDERS, name="kept_orders", columns=(*ORDERS.columns, column("note", Kind.STRING)))
    grown = Dataset("shop_two", (kept,), location="EU")
    bring(grown)
    assert live("shop_two") == grown
    assert len(read(shop, TARGET)) == len(ROWS)
