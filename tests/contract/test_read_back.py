"""What was created is what was declared."""

from __future__ import annotations

from collections.abc import Callable

from cloudact.catalog.load import CatalogSource
from cloudact.catalog.model import Dataset
from cloudact.warehouse.driver import Warehouse
from tests.acme import ROOT
from tests.contract.conftest import Bring, Hand
from tests.contract.datasets import SHOP

Live = Callable[[str], Dataset | None]


def test_a_dataset_that_does_not_exist_is_none(live: Live) -> None:
    assert live("nowhere") is None


def test_one_of_everything_reads_back_equal(bring: Bring, live: Live) -> None:
    bring(SHOP)
    assert live("shop") == SHOP


def test_the_shipped_catalog_reads_back_equal(bring: Bring, live: Live, warehouse: Warehouse) -> None:
    catalog = CatalogSource(ROOT / "configs", warehouse.engine).load()
    central, acme = catalog.central_dataset(), catalog.organization_dataset("acme_corp")
    bring(central)
    bring(acme)
    assert live(central.name) == central
    assert live(acme.name) == acme


def test_bringing_it_in_step_again_changes_nothing(bring: Bring) -> None:
    bring(SHOP)
    again = bring(SHOP)
    assert (again.changes, again.held_back, again.findings) == ((), (), ())


def test_datasets_do_not_see_each_other(bring: Bring, live: Live) -> None:
    bring(SHOP)
    bring(Dataset("shop_two", SHOP.tables, location="EU"))
    assert live("shop") == SHOP


def test_looking_among_names_still_finds_what_the_project_made(bring: Bring, warehouse: Warehouse) -> None:
    bring(SHOP)
    assert warehouse.run(lambda session: session.inspect("shop", among=())) == SHOP


def test_looking_among_names_finds_a_named_table_made_by_hand(bring: Bring, hand: Hand, warehouse: Warehouse) -> None:
    bring(SHOP)
    hand.create_table("shop", "by_hand", "text")
    found = warehouse.run(lambda session: session.inspect("shop", among=["by_hand"]))
    assert found is not None
    assert found.table("by_hand") is not None


def test_a_dataset_made_by_hand_can_be_read(bring: Bring, hand: Hand, live: Live) -> None:
    bring(Dataset("bare", location="EU"))
    hand.create_table("bare", "Mixed Case", "some text")
    found = live("bare")
    assert found is not None
    assert [table.name for table in found.tables] == ["Mixed Case"]


def test_many_datasets_are_read_at_once(bring: Bring, warehouse: Warehouse) -> None:
    two = Dataset("shop_two", SHOP.tables, location="EU")
    bring(SHOP)
    bring(two)
    found = warehouse.run(lambda session: session.inspect_many(["shop", "shop_two", "nowhere"], "EU"))
    assert found == {"shop": SHOP, "shop_two": two}
