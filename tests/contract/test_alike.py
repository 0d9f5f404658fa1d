"""One plan for many datasets: they end as if each had been brought in step by itself, and what is not alike is left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from cloudact.catalog.load import CatalogSource
from cloudact.catalog.model import Dataset, Rendering
from cloudact.planning.plan import make_plan
from cloudact.planning.policy import EVERYTHING
from cloudact.planning.status import compare
from cloudact.warehouse.driver import Session, Warehouse
from cloudact.warehouse.fingerprints import Naming
from tests.acme import ROOT
from tests.contract.conftest import Bring, Hand
from tests.contract.datasets import SHOP, called, column, with_columns

Live = Callable[[str], Dataset | None]
NAMES = [f"shop_{number}" for number in range(4)]
TEMPLATE = Rendering(SHOP.views[0].query.replace("`shop`", "`{dataset}`"))


def shop(name: str, base: Dataset = SHOP) -> Dataset:
    """Return the shop under a name, with views that come from a template."""
    named = called(base, name)
    return replace(named, views=tuple(replace(view, rendering=TEMPLATE) for view in named.views))


SHOPS = [shop(name) for name in NAMES]
GROWN = [shop(name, with_columns(SHOP, "orders", column("note", description="A note."))) for name in NAMES]


def together(warehouse: Warehouse, declared: Sequence[Dataset], first: Dataset | None = None) -> tuple[str, ...]:
    """Apply what the first one needs to all of them."""

    def work(session: Session) -> tuple[str, ...]:
        one = first or declared[0]
        return session.apply_alike(make_plan(session.inspect(one.name), one, EVERYTHING), declared)

    return warehouse.run(work)


def test_new_datasets_are_made_as_each_by_itself(warehouse: Warehouse, live: Live) -> None:
    assert together(warehouse, SHOPS) == ()
    assert [live(name) for name in NAMES] == SHOPS
    assert together(warehouse, SHOPS) == ()
    assert [live(name) for name in NAMES] == SHOPS


def test_a_dataset_that_exists_is_not_made_anew(warehouse: Warehouse, bring: Bring, live: Live) -> None:
    bring(Dataset(NAMES[1], SHOP.tables[:1], location="EU"))
    before = live(NAMES[1])
    assert together(warehouse, SHOPS, SHOPS[0]) == (NAMES[1],)
    assert live(NAMES[1]) == before
    assert [live(name) for name in (NAMES[0], *NAMES[2:])] == [SHOPS[0], *SHOPS[2:]]


def test_one_plan_changes_all_that_are_alike(warehouse: Warehouse, bring: Bring, live: Live) -> None:
    for dataset in SHOPS:
        bring(dataset)
    assert together(warehouse, GROWN) == ()
    assert [live(name) for name in NAMES] == GROWN


def test_only_what_is_named_is_changed(warehouse: Warehouse, bring: Bring, live: Live) -> None:
    for dataset in SHOPS[:2]:
        bring(dataset)
    assert together(warehouse, GROWN[1:2], GROWN[0]) == ()
    assert [live(name) for name in NAMES[:2]] == [SHOPS[0], GROWN[1]]


@pytest.mark.parametrize("what", ["has it", "is further", "has lost the table", "is gone"])
def test_what_is_not_alike_is_left_as_it_is(
    warehouse: Warehouse, bring: Bring, hand: Hand, live: Live, what: str
) -> None:
    for dataset in SHOPS[:3]:
        bring(dataset)
    match what:
        case "has it":
            hand.add_text_column(NAMES[1], "orders", "note")
        case "is further":
            bring(GROWN[1])
        case "has lost the table":
            hand.drop_table(NAMES[1], "orders")
        case "is gone":
            hand.drop_dataset(NAMES[1])
    before = live(NAMES[1])
    assert together(warehouse, GROWN[:3]) == (NAMES[1],)
    assert [live(name) for name in NAMES[:3]] == [GROWN[0], before, GROWN[2]]


@pytest.fixture
def of_template(warehouse: Warehouse, bring: Bring) -> list[Dataset]:
    """Two organizations of the shipped catalog, with one table each, made together."""
    catalog = CatalogSource(ROOT / "configs").load()
    bring(catalog.central_dataset())
    declared = [catalog.organization_dataset(slug) for slug in ("acme_corp", "zeta_2")]
    small = [replace(item, tables=item.tables[:1]) for item in declared]
    assert together(warehouse, small) == ()
    return small


def test_the_views_of_a_template_say_their_own_values(of_template: list[Dataset], live: Live) -> None:
    assert all(compare(live(item.name), item).in_sync for item in of_template)


@pytest.mark.usefixtures("of_template")
def test_those_made_together_have_one_fingerprint(warehouse: Warehouse) -> None:
    found = warehouse.run(lambda session: session.fingerprints(["EU", "US"], Naming("", "_prod"))).of
    assert found["acme_corp_prod"] == found["zeta_2_prod"]


def test_a_view_of_no_template_is_not_taken_over(warehouse: Warehouse, live: Live) -> None:
    """It may say the name of the first dataset, which nobody can tell."""
    assert together(warehouse, [called(SHOP, name) for name in NAMES[:2]]) == (NAMES[1],)
    assert [live(name) for name in NAMES[:2]] == [SHOPS[0], None]


def test_a_view_is_replaced_where_it_is_another_one(warehouse: Warehouse, bring: Bring, hand: Hand, live: Live) -> None:
    for dataset in SHOPS[:3]:
        bring(dataset)
    for name in NAMES[:2]:
        hand.replace_view(name, "open_orders")
    assert together(warehouse, SHOPS[:3]) == (NAMES[2],)
    assert [live(name) for name in NAMES[:3]] == SHOPS[:3]


def test_rows_stay(warehouse: Warehouse, bring: Bring) -> None:
    for dataset in SHOPS[:2]:
        bring(dataset)
        insert(warehouse, dataset.name)
    together(warehouse, [shop(name, with_columns(SHOP, "notes", column("more"))) for name in NAMES[:2]])
    assert [notes(warehouse, name) for name in NAMES[:2]] == [[{"text": name, "more": None}] for name in NAMES[:2]]


def insert(warehouse: Warehouse, name: str) -> None:
    warehouse.run(lambda session: session.insert(name, "notes", [{"text": name}]))


def notes(warehouse: Warehouse, name: str) -> list[dict[str, object]]:
    return warehouse.run(lambda session: session.select(name, "notes", ["text", "more"]))
