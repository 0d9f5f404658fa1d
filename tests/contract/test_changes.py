"""Each change does what it says to a table with rows in it, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from cloudact.catalog.model import Column, Dataset, Kind, Mode, Table, Type, View
from cloudact.errors import ChangeFailed
from cloudact.planning.changes import AddColumn, CreateTable, CreateView, WidenType
from cloudact.planning.plan import Plan, make_plan
from cloudact.planning.policy import EVERYTHING
from cloudact.tenancy.sync import synchronize
from cloudact.warehouse.driver import Equals, Row, Session, Warehouse
from tests.contract.conftest import Bring, Hand
from tests.contract.datasets import LINE, ORDERS, SHOP, column, with_column, with_columns, with_table

Live = Callable[[str], Dataset | None]
ORDER: Row = {
    "id": "o-1",
    "placed_at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    "amount": Decimal("12.345678901"),
    "count": 9_007_199_254_740_993,
    "tags": ["a", "b"],
}


@pytest.fixture
def shop(bring: Bring, warehouse: Warehouse) -> Bring:
    """The shop with one order in it."""
    bring(SHOP)
    warehouse.run(lambda session: session.insert("shop", "orders", [ORDER]))
    return bring


def orders(warehouse: Warehouse, *columns: str) -> list[dict[str, object]]:
    return warehouse.run(lambda session: session.select("shop", "orders", columns))


def test_added_columns_are_null_in_old_rows_and_lose_none(shop: Bring, live: Live, warehouse: Warehouse) -> None:
    grown = with_columns(SHOP, "orders", column("note"), column("scores", Kind.FLOAT64, Mode.REPEATED))
    shop(grown)
    assert live("shop") == grown
    assert orders(warehouse, *ORDER, "note") == [{**ORDER, "note": None}]


def test_a_default_applies_to_new_rows_only(shop: Bring, live: Live, warehouse: Warehouse) -> None:
    grown = with_columns(SHOP, "orders", column("state", default="'new'"))
    shop(grown)
    warehouse.run(lambda session: session.insert("shop", "orders", [{**ORDER, "id": "o-2"}]))
    assert live("shop") == grown
    states = {row["id"]: row["state"] for row in orders(warehouse, "id", "state")}
    assert states == {"o-1": None, "o-2": "new"}


def test_nested_fields_are_added_at_any_depth(shop: Bring, live: Live, warehouse: Warehouse) -> None:
    parts = LINE.fields[1]
    deeper = replace(parts, fields=(*parts.fields, column("weight", Kind.FLOAT64)))
    line = replace(LINE, fields=(LINE.fields[0], deeper, column("discount", Kind.NUMERIC)))
    grown = with_column(SHOP, "orders", line)
    plan = shop(grown)
    assert [str(change) for change in plan.changes] == [
        "add column orders.lines.parts.weight (FLOAT64)",
        "add column orders.lines.discount (NUMERIC)",
    ]
    assert live("shop") == grown
    assert orders(warehouse, "id") == [{"id": "o-1"}]


def test_a_whole_new_record_keeps_its_required_fields(shop: Bring, live: Live) -> None:
    record = column("payment", Kind.RECORD, fields=(column("method", mode=Mode.REQUIRED), column("reference")))
    grown = with_columns(SHOP, "orders", record)
    shop(grown)
    assert live("shop") == grown


def test_a_required_column_joins_a_table_as_nullable(shop: Bring, live: Live) -> None:
    plan = shop(with_columns(SHOP, "orders", column("owner", mode=Mode.REQUIRED)))
    found = live("shop")
    assert found == with_columns(SHOP, "orders", column("owner", mode=Mode.NULLABLE))
    assert [finding.code for finding in plan.findings] == ["required_is_nullable"]


def test_a_driver_refuses_a_required_addition_that_no_plan_would_hold(shop: Bring, warehouse: Warehouse) -> None:
    change = AddColumn("orders", (), column("owner", mode=Mode.REQUIRED))
    with pytest.raises(ChangeFailed, match="REQUIRED"):
        warehouse.run(lambda session: session.apply(Plan("shop", session.inspect("shop"), (change,), (), ())))


def test_required_is_relaxed_and_takes_null(shop: Bring, live: Live, warehouse: Warehouse) -> None:
    buyer = ORDERS.columns[5]
    relaxed_buyer = replace(buyer, fields=(buyer.fields[0], buyer.fields[1].as_nullable()))
    relaxed = with_column(with_column(SHOP, "orders", column("placed_at", Kind.TIMESTAMP)), "orders", relaxed_buyer)
    shop(relaxed)
    assert live("shop") == relaxed
    warehouse.run(lambda session: session.insert("shop", "orders", [{"id": "o-2", "placed_at": None}]))
    assert len(orders(warehouse, "id")) == 2


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("count", Type(Kind.INT64), Type(Kind.NUMERIC)),
        ("count", Type(Kind.INT64), Type(Kind.BIGNUMERIC, 38, 9)),
        ("amount", Type(Kind.NUMERIC), Type(Kind.BIGNUMERIC, 38, 9)),
    ],
)
def test_widening_keeps_every_digit(
    shop: Bring, live: Live, warehouse: Warehouse, name: str, before: Type, after: Type
) -> None:
    old = ORDERS.column(name)
    assert old is not None
    assert old.type == before
    wider = with_column(SHOP, "orders", replace(old, type=after))
    plan = shop(wider)
    assert [type(change) for change in plan.changes] == [WidenType]
    assert live("shop") == wider
    assert orders(warehouse, name) == [{name: ORDER[name]}]


def test_a_required_column_widens_and_stays_required(bring: Bring, live: Live, warehouse: Warehouse) -> None:
    key = Column("k", Type(Kind.INT64), Mode.REQUIRED)
    old = Dataset("keys", (Table("t", (key, column("note"))),), location="EU")
    bring(old)
    warehouse.run(lambda session: session.insert("keys", "t", [{"k": 7}]))
    wider = with_column(old, "t", replace(key, type=Type(Kind.NUMERIC)))
    assert [str(change) for change in bring(wider).changes] == ["widen t.k from INT64 to NUMERIC"]
    assert live("keys") == wider
    assert warehouse.run(lambda session: session.select("keys", "t", ["k"])) == [{"k": Decimal(7)}]


def test_a_longer_text_is_a_widening(bring: Bring, live: Live) -> None:
    short = Dataset("texts", (Table("t", (Column("c", Type(Kind.STRING, max_length=5)),)),), location="EU")
    bring(short)
    longer = replace(short, tables=(Table("t", (Column("c", Type(Kind.STRING)),)),))
    assert [str(change) for change in bring(longer).changes] == ["widen t.c from STRING(5) to STRING"]
    assert live("texts") == longer


def test_metadata_is_set_and_nothing_else_moves(shop: Bring, live: Live, warehouse: Warehouse) -> None:
    described = with_column(SHOP, "orders", replace(column("count", Kind.INT64), description="How many."))
    described = with_table(described, "orders", description="Orders.", clustering=("count", "id"))
    described = replace(described, description="The shop.", labels=(("env", "prod"),))
    shop(described)
    assert live("shop") == described
    assert orders(warehouse, *ORDER) == [dict(ORDER)]


def test_a_view_follows_its_definition_only_when_asked(shop: Bring, live: Live) -> None:
    view = replace(SHOP.views[0], query="SELECT id FROM `shop`.orders")
    changed = replace(SHOP, views=(view,))
    shop(changed)
    assert live("shop") == changed


def test_views_answer_from_their_tables(shop: Bring, warehouse: Warehouse) -> None:
    warehouse.run(lambda session: session.insert("shop", "orders", [{**ORDER, "id": "o-2", "amount": None}]))
    rows = warehouse.run(lambda session: session.select("shop", "open_orders", ["id"]))
    assert rows == [{"id": "o-2"}]


def test_a_refused_change_undoes_the_whole_unit(shop: Bring, live: Live, warehouse: Warehouse) -> None:
    bad = View("broken", "SELECT x FROM `shop`.no_such_table")
    good = Table("fine", (column("text"),))

    def work(session: Session) -> None:
        session.insert("shop", "notes", [{"text": "lost with the rest"}])
        plan = Plan("shop", session.inspect("shop"), (CreateTable(good), CreateView(bad)), (), ())
        session.apply(plan)

    with pytest.raises(ChangeFailed, match="create view broken") as caught:
        warehouse.run(work)
    assert caught.value.change == CreateView(bad)
    assert live("shop") == SHOP
    assert warehouse.run(lambda session: session.count("shop", "notes")) == 0


def test_rows_and_changes_of_one_unit_come_together(shop: Bring, warehouse: Warehouse) -> None:
    class Stop(Exception):
        pass

    def work(session: Session) -> None:
        session.insert("shop", "notes", [{"text": "never"}])
        raise Stop

    with pytest.raises(Stop):
        warehouse.run(work)
    assert warehouse.run(lambda session: session.count("shop", "notes", [Equals("text", "never")])) == 0


def test_a_plan_made_before_another_change_is_made_anew(shop: Bring, live: Live, warehouse: Warehouse) -> None:
    first, second = column("first"), column("second")
    attempts: list[Plan] = []

    def work(session: Session) -> None:
        plan = make_plan(session.inspect("shop"), with_columns(SHOP, "orders", first, second), EVERYTHING)
        attempts.append(plan)
        if len(attempts) == 1:
            shop(with_columns(SHOP, "orders", first))
        session.apply(plan)

    warehouse.run(work)
    assert live("shop") == with_columns(SHOP, "orders", first, second)
    assert [len(plan.changes) for plan in attempts] == [2, 1]


def test_what_was_dropped_by_hand_comes_back(shop: Bring, hand: Hand, live: Live) -> None:
    hand.drop_table("shop", "notes")
    hand.drop_column("shop", "orders", "amount")
    plan = shop(SHOP)
    assert {str(change) for change in plan.changes} == {
        "create table notes",
        "add column orders.amount (NUMERIC)",
    }
    found = live("shop")
    assert found is not None
    assert found.table("notes") == SHOP.table("notes")


def test_a_dropped_dataset_comes_back_as_it_was(shop: Bring, hand: Hand, live: Live) -> None:
    hand.drop_dataset("shop")
    assert live("shop") is None
    shop(SHOP)
    assert live("shop") == SHOP


def test_what_was_added_by_hand_stays_and_is_told(shop: Bring, hand: Hand, live: Live) -> None:
    hand.create_table("shop", "by_hand", "text")
    hand.add_text_column("shop", "orders", "extra")
    plan = shop(with_columns(SHOP, "orders", column("note")))
    assert {(finding.code, finding.object) for finding in plan.findings} == {
        ("extra_table", "by_hand"),
        ("extra_column", "orders.extra"),
    }
    found = live("shop")
    assert found is not None
    assert found.table("by_hand") is not None


def test_a_type_changed_by_hand_is_a_conflict(shop: Bring, hand: Hand) -> None:
    hand.make_text("shop", "orders", "count")
    plan = shop(SHOP)
    assert plan.changes == ()
    assert [(finding.code, finding.object) for finding in plan.conflicts] == [("type_changed", "orders.count")]


def test_a_view_replaced_by_hand_is_stale(shop: Bring, hand: Hand, live: Live) -> None:
    hand.replace_view("shop", "open_orders")
    assert live("shop") != SHOP
    assert [str(change) for change in shop(SHOP).changes] == ["replace view open_orders"]
    assert live("shop") == SHOP


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Type(Kind.BIGNUMERIC, 30, 25), Type(Kind.BIGNUMERIC)),
        (Type(Kind.BIGNUMERIC, 38, 20), Type(Kind.BIGNUMERIC, 39, 20)),
        (Type(Kind.NUMERIC), Type(Kind.BIGNUMERIC)),
    ],
)
def test_no_widening_ever_costs_a_digit(
    bring: Bring, live: Live, warehouse: Warehouse, before: Type, after: Type
) -> None:
    fraction = before.scale if before.scale is not None else 9
    value = Decimal("1234." + "1234567890123456789012345"[:fraction])
    bring(Dataset("digits", (Table("t", (Column("c", before),)),), location="EU"))
    warehouse.run(lambda session: session.insert("digits", "t", [{"c": value}]))
    wider = Dataset("digits", (Table("t", (Column("c", after),)),), location="EU")
    # An engine may widen, or refuse because it has no place for the wider type; it may not round.
    applied = synchronize(warehouse, wider, EVERYTHING)
    found = live("digits")
    assert found == (
        wider if not applied.failed else Dataset("digits", (Table("t", (Column("c", before),)),), location="EU")
    )
    assert warehouse.run(lambda session: session.select("digits", "t", ["c"])) == [{"c": value}]


def test_another_case_of_a_tables_name_changes_nothing(shop: Bring, live: Live) -> None:
    shouted = replace(SHOP, tables=tuple(replace(table, name=table.name.upper()) for table in SHOP.tables))
    assert shop(shouted).changes == ()
    assert live("shop") == SHOP


def test_a_dataset_whose_records_are_gone_is_recorded_anew(shop: Bring, hand: Hand, live: Live) -> None:
    hand.forget_records("shop")
    plan = shop(SHOP)
    assert plan.conflicts == ()
    found = live("shop")
    assert found is not None
    assert found.table("notes") == SHOP.table("notes")
    assert (found.location, found.description, found.labels) == (SHOP.location, SHOP.description, SHOP.labels)
    assert shop(SHOP).changes == ()
