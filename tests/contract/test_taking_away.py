"""Rows are taken away only while an exact copy has them, whatever is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from cloudact.catalog.model import Dataset, Granularity, Kind, Materialized, Table, TimePartition, View
from cloudact.errors import WarehouseNotFound, WarehouseRefused
from cloudact.warehouse.driver import Row, Session, TableName, Warehouse
from tests.contract.conftest import Bring
from tests.contract.datasets import ORDERS, SHOP, column

Live = Callable[[str], Dataset | None]
ORIGINAL, COPY = TableName("shop", "orders"), TableName("shop_two", "orders")
PLACED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ROWS: list[Row] = [{"id": "1", "placed_at": PLACED, "tags": ["a"]}, {"id": "2", "placed_at": PLACED}]
OTHER = Table("orders", (column("something_else", Kind.DATE),), partition=TimePartition(Granularity.DAY))
AWAY: dict[str, Callable[[Session, TableName], object]] = {
    "emptied": lambda session, copy: session.empty_table("shop", OTHER, copy),
    "removed": lambda session, copy: session.remove_table(ORIGINAL, copy),
}


@pytest.fixture
def shop(bring: Bring, warehouse: Warehouse) -> Warehouse:
    """A shop with two orders, and an empty dataset beside it."""
    bring(SHOP)
    bring(Dataset("shop_two", location="EU"))
    warehouse.run(lambda session: session.insert("shop", "orders", ROWS))
    return warehouse


def copy(warehouse: Warehouse) -> None:
    warehouse.run(lambda session: session.copy_table(ORIGINAL, COPY))


def ids(warehouse: Warehouse, table: TableName) -> list[object]:
    rows = warehouse.run(lambda session: session.select(table.dataset, table.table, ["id"]))
    return sorted(str(row["id"]) for row in rows)


def test_an_emptied_table_is_as_declared_without_a_row(shop: Warehouse, live: Live) -> None:
    copy(shop)
    shop.run(lambda session: session.empty_table("shop", OTHER, COPY))
    assert live("shop") == replace(SHOP, tables=(OTHER, SHOP.tables[0]))
    assert shop.run(lambda session: session.count("shop", "orders")) == 0
    assert ids(shop, COPY) == ["1", "2"]


def test_an_emptied_table_takes_rows(shop: Warehouse) -> None:
    copy(shop)
    shop.run(lambda session: session.empty_table("shop", ORDERS, COPY))
    shop.run(lambda session: session.insert("shop", "orders", [{"id": "3", "placed_at": PLACED}]))
    assert ids(shop, ORIGINAL) == ["3"]


def test_a_removed_table_is_gone_and_can_be_made_anew(shop: Warehouse, live: Live, bring: Bring) -> None:
    copy(shop)
    shop.run(lambda session: session.remove_table(ORIGINAL, COPY))
    assert live("shop") == replace(SHOP, tables=SHOP.tables[:1])
    assert ids(shop, COPY) == ["1", "2"]
    bring(SHOP)
    assert live("shop") == SHOP
    assert shop.run(lambda session: session.count("shop", "orders")) == 0


@pytest.mark.parametrize("how", AWAY)
def test_without_an_exact_copy_nothing_is_taken_away(shop: Warehouse, live: Live, how: str) -> None:
    def refuses(other: TableName) -> None:
        before = ids(shop, ORIGINAL)
        with pytest.raises(WarehouseRefused, match=rf"{other} is not an exact copy of shop\.orders"):
            shop.run(lambda session: AWAY[how](session, other))
        assert ids(shop, ORIGINAL) == before
        assert live("shop") == SHOP

    for other in (COPY, ORIGINAL, TableName("shop", "notes"), TableName("shop", "open_orders")):
        refuses(other)


@pytest.mark.parametrize("how", AWAY)
def test_a_copy_that_has_other_rows_by_now_is_none(shop: Warehouse, live: Live, how: str) -> None:
    copy(shop)
    shop.run(lambda session: session.insert("shop", "orders", [{"id": "3", "placed_at": PLACED}]))
    with pytest.raises(WarehouseRefused, match="not an exact copy"):
        shop.run(lambda session: AWAY[how](session, COPY))
    shop.run(lambda session: session.insert("shop_two", "orders", [{"id": "4", "placed_at": PLACED}]))
    with pytest.raises(WarehouseRefused, match="not an exact copy"):
        shop.run(lambda session: AWAY[how](session, COPY))
    assert ids(shop, ORIGINAL) == ["1", "2", "3"]
    assert live("shop") == SHOP


@pytest.mark.parametrize("how", AWAY)
def test_a_copy_of_other_columns_is_none(shop: Warehouse, bring: Bring, how: str) -> None:
    copy(shop)
    bring(replace(SHOP, tables=(replace(ORDERS, columns=(*ORDERS.columns, column("note"))), SHOP.tables[0])))
    with pytest.raises(WarehouseRefused, match="not an exact copy"):
        shop.run(lambda session: AWAY[how](session, COPY))
    assert ids(shop, ORIGINAL) == ["1", "2"]


def test_a_table_that_is_not_there_cannot_be_taken_away(shop: Warehouse) -> None:
    nothing = Table("nothing_here", OTHER.columns)
    with pytest.raises(WarehouseNotFound, match="nothing_here"):
        shop.run(lambda session: session.empty_table("shop", nothing, COPY))
    with pytest.raises(WarehouseNotFound, match="nothing_here"):
        shop.run(lambda session: session.remove_table(TableName("shop", "nothing_here"), COPY))


def test_what_would_be_refused_is_told_before(shop: Warehouse, live: Live) -> None:
    fewer = replace(ORDERS, columns=ORDERS.columns[:-1])
    with pytest.raises(WarehouseRefused, match="lines is not declared"):
        shop.run(lambda session: session.check_replacement("shop", fewer, keep_rows=True))
    short = replace(ORDERS, columns=(*ORDERS.columns, column("owner", mode=ORDERS.columns[0].mode)))
    with pytest.raises(WarehouseRefused, match=r"owner is REQUIRED .* 2 rows"):
        shop.run(lambda session: session.check_replacement("shop", short, keep_rows=True))
    for table in (fewer, short, OTHER, ORDERS):
        shop.run(lambda session, table=table: session.check_replacement("shop", table, keep_rows=False))
    shop.run(lambda session: session.check_replacement("shop", ORDERS, keep_rows=True))
    assert live("shop") == SHOP
    assert ids(shop, ORIGINAL) == ["1", "2"]


def test_views_are_valid_after_they_were_renewed(shop: Warehouse, bring: Bring, live: Live) -> None:
    query = "SELECT id, COUNT(*) AS n FROM `shop`.orders GROUP BY id"
    kind = Materialized.OWN if shop.engine.materializes else Materialized.NEVER
    totals = View("totals", query, "Orders by id.", materialized=kind, refresh_interval_minutes=30)
    wanted = replace(SHOP, views=(*SHOP.views, totals))
    bring(wanted)
    copy(shop)
    broken = shop.run(lambda session: session.empty_table("shop", ORDERS, COPY))
    assert shop.run(lambda session: session.renew_views("shop", ["orders", "notes"])) == broken
    assert shop.run(lambda session: session.renew_views("shop", ["orders", "notes"])) == ()
    assert shop.run(lambda session: session.count("shop", "totals")) == 0
    assert live("shop") == wanted


def test_datasets_are_found_by_a_part_of_their_name(shop: Warehouse) -> None:
    location = "EU" if shop.engine.materializes else ""
    assert shop.run(lambda session: session.find_datasets("hop")) == {"shop": location, "shop_two": location}
    assert shop.run(lambda session: session.find_datasets("p_t")) == {"shop_two": location}
    assert shop.run(lambda session: session.find_datasets("_prod")) == {}
