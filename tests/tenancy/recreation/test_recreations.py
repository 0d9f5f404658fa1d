"""Tables are made anew as declared, with every row or with none, and what was there is in a backup."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from cloudact.catalog.model import Dataset, Granularity, Kind, Table, TimePartition, Type, View
from cloudact.catalog.model import Mode as ColumnMode
from cloudact.planning.policy import EVERYTHING
from cloudact.tenancy.recreation.results import Mode, Outcome, Recreation, TableRecreated
from cloudact.tenancy.sync import synchronize
from tests.contract.datasets import column, with_column, with_table
from tests.tenancy.recreation.setting import ORDERS, SHOP, Setting

EXACT = column("price", Kind.BIGNUMERIC)
BY_DAY = TimePartition(Granularity.DAY, "placed_at")


def outcomes(tables: tuple[TableRecreated, ...]) -> dict[str, str]:
    return {item.table: item.outcome.value for item in tables}


def changed(setting: Setting) -> Dataset:
    """The shop with another partitioning, another type, and a table more."""
    shop = with_table(with_column(setting.shop, "orders", EXACT), "orders", partition=BY_DAY, clustering=("id",))
    return replace(shop, tables=(*shop.tables, Table("later", (column("text"),))))


def test_new_partitioning_and_an_exact_type_keep_every_row(setting: Setting) -> None:
    desired, before = changed(setting), setting.rows("shop")
    found = setting.recreate(desired, Mode.WITH_DATA)
    assert outcomes(found.tables) == {"later": "created", "notes": "unchanged", "orders": "rebuilt"}
    assert found.tables[2] == TableRecreated("orders", Outcome.REBUILT, 3, 3)
    assert not found.failed
    old = replace(SHOP.tables[0], name="old")
    assert setting.live("shop") == replace(desired, tables=(*desired.tables, old))
    assert setting.rows("shop") == {**before, "later": []}
    (backup,) = setting.backups.list()
    assert found.backup == backup.name == "shop__backup_20260102030406"
    assert setting.rows(backup.name) == {"orders": before["orders"]}


def test_views_answer_after_it(setting: Setting) -> None:
    for mode, rows in ((Mode.WITH_DATA, {"cheap": 2, "totals": 3}), (Mode.TABLES, {"cheap": 0, "totals": 0})):
        setting.recreate(changed(setting), mode)
        counts = {view: setting.warehouse.run(lambda session, view=view: session.count("shop", view)) for view in rows}
        assert counts == rows


def test_a_value_that_would_change_leaves_its_table_and_no_other(setting: Setting) -> None:
    setting.put("shop", "orders", {"id": "9", "price": 0.1})
    notes = replace(SHOP.tables[0], clustering=("text",), columns=(column("text", mode=ColumnMode.REQUIRED),))
    shop = with_column(setting.shop, "orders", replace(EXACT, type=Type(Kind.NUMERIC, 5, 0)))
    desired, before = replace(shop, tables=(shop.tables[1], notes)), setting.rows("shop")
    found = setting.recreate(desired, Mode.WITH_DATA)
    assert found.failed
    assert outcomes(found.tables) == {"notes": "rebuilt", "orders": "failed"}
    assert "price does not fit NUMERIC(5) in 2 rows" in (found.tables[1].error or "")
    assert found.tables[1].fix
    assert setting.live("shop").table("orders") == ORDERS
    assert setting.live("shop").table("notes") == notes
    assert setting.rows("shop") == before
    assert setting.rows(found.backup or "") == {"notes": before["notes"]}


def test_every_table_is_empty_and_as_declared(setting: Setting) -> None:
    desired, before = changed(setting), setting.rows("shop")
    found = setting.recreate(desired, Mode.TABLES)
    assert outcomes(found.tables) == {"later": "created", "notes": "emptied", "orders": "emptied"}
    assert [(item.rows_before, item.rows_after) for item in found.tables] == [(0, 0), (2, 0), (3, 0)]
    assert setting.rows("shop") == {"later": [], "notes": [], "orders": [], "old": before["old"]}
    assert setting.live("shop").table("orders") == desired.table("orders")
    assert setting.rows(found.backup or "") == {"notes": before["notes"], "orders": before["orders"]}
    again = setting.recreate(desired, Mode.TABLES)
    assert set(outcomes(again.tables).values()) == {"unchanged"}
    assert again.backup is None


def test_only_named_tables_are_emptied(setting: Setting) -> None:
    before = setting.rows("shop")
    found = setting.recreate(setting.shop, Mode.TABLES, "NOTES")
    assert outcomes(found.tables) == {"notes": "emptied"}
    assert setting.rows("shop") == {**before, "notes": []}
    assert setting.rows(found.backup or "") == {"notes": before["notes"]}


def test_the_whole_dataset_loses_what_is_not_declared_but_views(setting: Setting) -> None:
    extra = View("by_hand", "SELECT text FROM `shop`.old")
    synchronize(setting.warehouse, replace(SHOP, tables=(), views=(extra,)), EVERYTHING)
    before = setting.rows("shop")
    found = setting.recreate(setting.shop, Mode.DATASET)
    assert outcomes(found.tables) == {"notes": "emptied", "orders": "emptied", "old": "removed"}
    assert found.views_left == ("by_hand",)
    assert setting.live("shop").tables == setting.shop.tables
    assert setting.rows("shop") == {"notes": [], "orders": []}
    assert setting.rows(found.backup or "") == before


def test_a_dry_run_tells_the_same_and_changes_nothing(setting: Setting) -> None:
    setting.put("shop", "orders", {"id": "9", "price": 0.1})
    desired = with_column(changed(setting), "notes", column("text", Kind.INT64))
    before = setting.rows("shop"), setting.live("shop")
    for mode in Mode:
        planned = setting.recreations.plan(desired, Recreation(mode, confirm="shop"))
        assert (setting.rows("shop"), setting.live("shop")) == before
        assert planned.backup is None
        assert setting.backups.list() == ()
    planned = setting.recreations.plan(desired, Recreation(Mode.WITH_DATA, confirm="shop"))
    done = setting.recreate(desired, Mode.WITH_DATA)
    assert planned.tables == done.tables
    assert planned.failed
    assert done.failed


def test_a_declared_table_that_is_a_view_stays_one(setting: Setting) -> None:
    desired = replace(setting.shop, tables=(*SHOP.tables, Table("cheap", (column("text"),))), views=())
    for mode in (Mode.WITH_DATA, Mode.TABLES):
        found = setting.recreate(desired, mode)
        assert outcomes(found.tables)["cheap"] == "failed"
        assert found.failed
    assert setting.live("shop").view("cheap") is not None


def test_a_table_that_differs_in_what_a_sync_does_is_left_to_it(embedded: Setting) -> None:
    more = replace(ORDERS, columns=(*ORDERS.columns, column("note")), description="Other words.")
    desired = replace(embedded.shop, tables=(more,))
    assert outcomes(embedded.recreate(desired, Mode.WITH_DATA).tables) == {"orders": "unchanged"}
    assert outcomes(embedded.recreate(desired, Mode.WITH_DATA, "orders").tables) == {"orders": "rebuilt"}
    assert embedded.live("shop").table("orders") == more


def test_numbers_are_the_same_after_they_changed_their_type(embedded: Setting) -> None:
    embedded.put("shop", "orders", {"id": "big", "price": 2.0**53})
    embedded.recreate(with_column(embedded.shop, "orders", column("price", Kind.BIGNUMERIC)), Mode.WITH_DATA)
    rows = embedded.warehouse.run(lambda session: session.select("shop", "orders", ["price"]))
    assert sorted(row["price"] for row in rows) == [0, Decimal("0.5"), 1, 2**53]
