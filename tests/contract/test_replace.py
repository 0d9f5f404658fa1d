"""A table is made as declared in one step, with every row exactly as it was, or it stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from cloudact.catalog.model import (
    Column,
    Dataset,
    Granularity,
    Kind,
    Mode,
    RangePartition,
    Table,
    TimePartition,
    Type,
)
from cloudact.errors import WarehouseNotFound, WarehouseRefused
from cloudact.warehouse.driver import TableName, Warehouse
from tests.contract.conftest import Bring
from tests.contract.datasets import LINE, ORDERS, SHOP, column, with_table

Live = Callable[[str], Dataset | None]
PLACED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
READ = ["id", "placed_at", "amount", "count", "tags"]


@pytest.fixture
def shop(bring: Bring, warehouse: Warehouse) -> Warehouse:
    """A shop with two orders."""
    bring(SHOP)
    rows = [
        {"id": "1", "placed_at": PLACED, "amount": Decimal("1.5"), "count": 7, "tags": ["a", "b"]},
        {"id": "2", "placed_at": PLACED, "amount": None, "count": 2**53 + 1, "tags": []},
    ]
    warehouse.run(lambda session: session.insert("shop", "orders", rows))
    return warehouse


def put_table(warehouse: Warehouse, table: Table) -> None:
    warehouse.run(lambda session: session.replace_table("shop", table))


def read(warehouse: Warehouse, *names: str) -> list[dict[str, object]]:
    rows = warehouse.run(lambda session: session.select("shop", "orders", names or READ))
    return sorted(rows, key=lambda row: str(row[(names or ("id",))[0]]))


@pytest.mark.parametrize(
    "layout",
    [
        {"partition": TimePartition(Granularity.MONTH, "placed_at"), "clustering": ("count", "id")},
        {"partition": RangePartition("count", 0, 100, 10), "clustering": ()},
        {"partition": None, "clustering": ("id",)},
    ],
)
def test_another_layout_keeps_every_row(shop: Warehouse, live: Live, layout: dict[str, Any]) -> None:
    before = read(shop)
    declared = replace(ORDERS, **layout)
    put_table(shop, declared)
    assert live("shop") == with_table(SHOP, "orders", **layout)
    assert read(shop) == before


@pytest.mark.parametrize("layout", [(Granularity.DAY, 30), (Granularity.MONTH, 60)])
def test_no_row_is_put_where_it_would_expire(shop: Warehouse, live: Live, layout: tuple[Granularity, int]) -> None:
    granularity, days = layout
    before = read(shop)
    expiring = replace(ORDERS, partition=TimePartition(granularity, "placed_at", expiration_days=days))
    with pytest.raises(WarehouseRefused, match="declared to expire"):
        put_table(shop, expiring)
    assert live("shop") == SHOP
    assert read(shop) == before


def test_metadata_order_and_new_columns_are_as_declared(shop: Warehouse, live: Live) -> None:
    before = read(shop)
    sku = replace(LINE.fields[0], description="What is sold.")
    line = replace(LINE, fields=(sku, *LINE.fields[1:]))
    columns = (
        column("state", default="'new'"),
        *ORDERS.columns[4::-1],
        ORDERS.columns[5],
        replace(line, description="Says \"more\" than 'before'.\n"),
        column("scores", Kind.INT64, Mode.REPEATED),
    )
    declared = replace(ORDERS, columns=columns, description="", labels=(("team", "other"),))
    put_table(shop, declared)
    assert live("shop") == replace(SHOP, tables=(declared, SHOP.tables[0]))
    assert read(shop) == before
    assert read(shop, "state") == [{"state": None}] * 2


def test_a_rebuilt_table_takes_rows_as_declared(shop: Warehouse) -> None:
    put_table(shop, replace(ORDERS, columns=(*ORDERS.columns, column("state", default="'new'"))))
    shop.run(lambda session: session.insert("shop", "orders", [{"id": "3", "placed_at": PLACED}]))
    assert [row["state"] for row in read(shop, "id", "state")] == [None, None, "new"]
    with pytest.raises(WarehouseRefused):
        shop.run(lambda session: session.insert("shop", "orders", [{"id": None, "placed_at": PLACED}]))


CASTS = [
    (Kind.INT64, 7, Type(Kind.NUMERIC), Decimal(7)),
    (Kind.INT64, 2**53, Type(Kind.FLOAT64), float(2**53)),
    (Kind.INT64, -7, Type(Kind.STRING), "-7"),
    (Kind.FLOAT64, 1.5, Type(Kind.NUMERIC), Decimal("1.5")),
    (Kind.FLOAT64, -1234567.125, Type(Kind.BIGNUMERIC), Decimal("-1234567.125")),
    (Kind.FLOAT64, 3.0, Type(Kind.INT64), 3),
    (Kind.NUMERIC, Decimal("7.000"), Type(Kind.INT64), 7),
    (Kind.NUMERIC, Decimal("1.25"), Type(Kind.NUMERIC, 5, 2), Decimal("1.25")),
    (Kind.STRING, "+007", Type(Kind.INT64), 7),
    (Kind.STRING, "-1.500", Type(Kind.NUMERIC, 5, 1), Decimal("-1.5")),
    (Kind.STRING, "2026-01-02", Type(Kind.DATE), date(2026, 1, 2)),
    (Kind.STRING, "short", Type(Kind.STRING, max_length=5), "short"),
    (Kind.DATE, date(2026, 1, 2), Type(Kind.TIMESTAMP), datetime(2026, 1, 2, tzinfo=UTC)),
    (Kind.TIMESTAMP, datetime(2026, 1, 2, tzinfo=UTC), Type(Kind.DATE), date(2026, 1, 2)),
    (Kind.BOOL, True, Type(Kind.STRING), "true"),
]


LOSSES = [
    (Kind.INT64, 2**53 + 1, Type(Kind.FLOAT64)),
    (Kind.FLOAT64, 1 / 3, Type(Kind.NUMERIC)),
    (Kind.FLOAT64, 1e300, Type(Kind.NUMERIC)),
    (Kind.FLOAT64, float("nan"), Type(Kind.NUMERIC)),
    (Kind.FLOAT64, 1.5, Type(Kind.INT64)),
    (Kind.NUMERIC, Decimal("1.255"), Type(Kind.NUMERIC, 5, 2)),
    (Kind.NUMERIC, Decimal(12345), Type(Kind.NUMERIC, 5, 2)),
    (Kind.STRING, "1.5", Type(Kind.INT64)),
    (Kind.STRING, "1.0000000001", Type(Kind.NUMERIC)),
    (Kind.STRING, "no number", Type(Kind.NUMERIC)),
    (Kind.STRING, "", Type(Kind.INT64)),
    (Kind.STRING, "2026-02-30", Type(Kind.DATE)),
    (Kind.STRING, "longer", Type(Kind.STRING, max_length=5)),
    (Kind.TIMESTAMP, PLACED, Type(Kind.DATE)),
]


def values(*kinds: Type) -> Table:
    """Return a table with a column of each type."""
    columns = [Column(f"v{number:02}", type_) for number, type_ in enumerate(kinds)]
    return Table("orders", (column("id"), *columns))


def put_values(warehouse: Warehouse, bring: Bring, kinds: list[Kind], given: list[object]) -> list[str]:
    """Make a table with a value of each kind in one row and none in another; return the columns."""
    table = values(*map(Type, kinds))
    bring(Dataset("shop", (table,), location="EU"))
    names = [item.name for item in table.columns]
    rows = [dict(zip(names, ["1", *given], strict=True)), {"id": "2"}]
    warehouse.run(lambda session: session.insert("shop", "orders", rows))
    return names


def test_an_exact_cast_keeps_the_value(bring: Bring, warehouse: Warehouse, live: Live) -> None:
    kinds, given, after, expected = map(list, zip(*CASTS, strict=True))
    names = put_values(warehouse, bring, kinds, given)
    types = dict(zip(names[1:], after, strict=True))
    before = warehouse.run(lambda session: session.digest(TableName("shop", "orders"), types))
    put_table(warehouse, values(*after))
    assert live("shop") == Dataset("shop", (values(*after),), location="EU")
    kept, empty = read(warehouse, *names)
    assert list(kept.values()) == ["1", *expected]
    assert set(empty.values()) == {"2", None}
    assert warehouse.run(lambda session: session.digest(TableName("shop", "orders"))) == before


def test_a_value_that_would_change_refuses_the_whole_table(bring: Bring, warehouse: Warehouse, live: Live) -> None:
    kinds, given, after = map(list, zip(*LOSSES, strict=True))
    names = put_values(warehouse, bring, kinds, given)
    before = live("shop"), repr(read(warehouse, *names))
    with pytest.raises(WarehouseRefused) as refused:
        put_table(warehouse, values(*after))
    found = [f"column {name} does not fit {type_} in 1 row" for name, type_ in zip(names[1:], after, strict=True)]
    assert [text for text in found if text not in refused.value.message] == []
    assert (live("shop"), repr(read(warehouse, *names))) == before


ID, PLACED_AT, AMOUNT, COUNT, TAGS, BUYER, LINES = ORDERS.columns


REFUSED: list[tuple[tuple[Column, ...], str]] = [
    (ORDERS.columns[:-1], "column lines is not declared"),
    (
        (*ORDERS.columns[:2], replace(AMOUNT, mode=Mode.REQUIRED), *ORDERS.columns[3:]),
        "amount is REQUIRED .* 1 row",
    ),
    ((*ORDERS.columns, column("owner", mode=Mode.REQUIRED)), "owner is REQUIRED .* 2 rows"),
    ((*ORDERS.columns[:4], replace(TAGS, mode=Mode.NULLABLE), BUYER, LINES), "tags is REPEATED"),
    ((*ORDERS.columns[:4], replace(TAGS, type=Type(Kind.INT64)), BUYER, LINES), "tags is STRING"),
    ((*ORDERS.columns[:5], replace(BUYER, fields=BUYER.fields[:1]), LINES), r"buyer\.email is not declared"),
    (
        (*ORDERS.columns[:5], replace(BUYER, fields=(*BUYER.fields, column("phone"))), LINES),
        "buyer has no phone, which a sync adds",
    ),
    ((*ORDERS.columns[:5], replace(BUYER, fields=BUYER.fields[::-1]), LINES), "buyer has its fields in another"),
    ((replace(ID, type=Type(Kind.BYTES)), *ORDERS.columns[1:]), "id is STRING, and no cast to BYTES"),
]


def test_what_would_lose_a_value_is_refused(shop: Warehouse, live: Live) -> None:
    before = read(shop)
    for columns, reason in REFUSED:
        with pytest.raises(WarehouseRefused, match=reason):
            put_table(shop, replace(ORDERS, columns=columns))
    assert live("shop") == SHOP
    assert read(shop) == before


def test_a_table_that_does_not_exist_is_not_made(shop: Warehouse, live: Live) -> None:
    with pytest.raises(WarehouseNotFound, match="nothing_here"):
        put_table(shop, Table("nothing_here", (column("id"),)))
    assert live("shop") == SHOP


def test_the_load_time_of_rows_cannot_be_kept(shop: Warehouse, live: Live) -> None:
    with pytest.raises(WarehouseRefused, match="load time"):
        put_table(shop, replace(ORDERS, partition=TimePartition(Granularity.DAY)))
    assert live("shop") == SHOP


def test_a_table_that_is_as_declared_stays(shop: Warehouse, live: Live) -> None:
    before = read(shop)
    put_table(shop, ORDERS)
    assert live("shop") == SHOP
    assert read(shop) == before


def test_views_read_the_rebuilt_table(shop: Warehouse) -> None:
    put_table(shop, replace(ORDERS, partition=None))
    assert shop.run(lambda session: session.count("shop", "open_orders")) == 1
