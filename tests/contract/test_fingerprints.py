"""Datasets have one fingerprint exactly when inspecting them gives the same, but for what they are called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloudact.catalog.load import CatalogSource
from cloudact.catalog.model import Column, Dataset, Granularity, Kind, Mode, Table, TimePartition, Type, View
from cloudact.planning.policy import EVERYTHING
from cloudact.tenancy.sync import synchronize
from cloudact.warehouse.driver import Warehouse
from cloudact.warehouse.fingerprints import Fingerprint, Naming
from tests.acme import ROOT
from tests.contract.conftest import DRIVERS, Bring, Hand
from tests.contract.datasets import LINE, ORDERS, SHOP, called, column, with_column, with_columns, with_table
from tests.strategies import datasets

TWO = called(SHOP, "shop_two")
SHOPS = Naming("shop", "", {"shop": "shop"})
ORGANIZATIONS = Naming("", "_prod")
Take = Callable[..., dict[str, Fingerprint]]


def taken(warehouse: Warehouse, naming: Naming = SHOPS, *locations: str) -> dict[str, Fingerprint]:
    return warehouse.run(lambda session: session.fingerprints(locations or ("EU",), naming).of)


@pytest.fixture
def take(warehouse: Warehouse) -> Take:
    """Take the fingerprints of the datasets that are meant."""
    return lambda *which: taken(warehouse, *which)


def test_the_same_dataset_under_two_names_has_one_fingerprint(bring: Bring, take: Take) -> None:
    bring(SHOP)
    bring(TWO)
    found = take()
    assert found.keys() == {"shop", "shop_two"}
    assert found["shop"] == found["shop_two"]
    assert len(found["shop"].digest) == 32
    assert take() == found


def test_only_what_is_meant_is_told(bring: Bring, take: Take) -> None:
    bring(SHOP)
    bring(TWO)
    assert take(Naming("shop_", "")).keys() == {"shop_two"}
    assert take(Naming("", "_two")).keys() == {"shop_two"}
    assert take(Naming("nowhere_", "", {"shop": "x", "gone": "y"})).keys() == {"shop"}
    assert take(Naming("shop_two", "")) == {}


def test_an_empty_warehouse_has_none(take: Take) -> None:
    assert take() == {}


def test_organizations_of_the_shipped_catalog_have_one_fingerprint(
    bring: Bring, take: Take, warehouse: Warehouse
) -> None:
    catalog = CatalogSource(ROOT / "configs", warehouse.engine).load()
    bring(catalog.central_dataset())
    for slug in ("acme_corp", "zeta_2"):
        bring(catalog.organization_dataset(slug))
    found = take(ORGANIZATIONS, catalog.central.location)
    assert found.keys() == {"acme_corp_prod", "zeta_2_prod"}
    assert len(set(found.values())) == 1


def test_views_of_another_organization_change_it(bring: Bring, take: Take, warehouse: Warehouse) -> None:
    catalog = CatalogSource(ROOT / "configs", warehouse.engine).load()
    bring(catalog.central_dataset())
    bring(catalog.organization_dataset("acme_corp"))
    bring(catalog.organization_dataset("acme_corp", name="zeta_2_prod"))
    found = take(ORGANIZATIONS, catalog.central.location)
    assert found["acme_corp_prod"] != found["zeta_2_prod"]
    told = take(Naming("", "_prod", {"zeta_2_prod": "acme_corp"}), catalog.central.location)
    assert told["acme_corp_prod"] == told["zeta_2_prod"]


def test_the_text_of_a_placeholder_is_no_value(bring: Bring, take: Take) -> None:
    def saying(text: str, dataset: str) -> Dataset:
        return Dataset(dataset, views=(View("v", f"SELECT '{text}' AS who"),), location="EU")

    bring(saying("shop", "shop"))
    bring(saying("{org_slug}", "shop_two"))
    found = take(Naming("shop", "", {"shop": "shop", "shop_two": "two"}))
    assert found["shop"] != found["shop_two"]


NOTE = Table("more", (column("text"),))
MONTHLY = TimePartition(Granularity.MONTH, "placed_at")
VIEW = SHOP.views[0]
CHANGED: dict[str, Dataset] = {
    "a column added": with_columns(SHOP, "notes", column("more")),
    "a column missing": with_table(SHOP, "orders", columns=ORDERS.columns[:-1]),
    "columns in another order": with_table(SHOP, "orders", columns=ORDERS.columns[::-1]),
    "a type": with_column(SHOP, "orders", column("count", Kind.NUMERIC)),
    "a type with a length": with_column(SHOP, "notes", Column("text", Type(Kind.STRING, max_length=9))),
    "a type that is stored alike": with_column(SHOP, "notes", column("text", Kind.GEOGRAPHY)),
    "a mode": with_column(SHOP, "orders", column("amount", Kind.NUMERIC, Mode.REQUIRED)),
    "a list": with_column(SHOP, "notes", column("text", mode=Mode.REPEATED)),
    "a default": with_column(SHOP, "notes", column("text", default="'none'")),
    "a description of a column": with_column(SHOP, "notes", column("text", description="Other.")),
    "a nested field": with_column(SHOP, "orders", replace(LINE, fields=LINE.fields[:1])),
    "a nested mode": with_column(
        SHOP, "orders", replace(LINE, fields=(replace(LINE.fields[0], mode=Mode.NULLABLE), LINE.fields[1]))
    ),
    "a nested description": with_column(
        SHOP, "orders", replace(LINE, fields=(replace(LINE.fields[0], description="Other."), LINE.fields[1]))
    ),
    "a description of a table": with_table(SHOP, "notes", description="Other."),
    "labels of a table": with_table(SHOP, "orders", labels=(("team", "other"),)),
    "partitioning": with_table(SHOP, "orders", partition=MONTHLY),
    "no partitioning": with_table(SHOP, "orders", partition=None),
    "an expiration": with_table(SHOP, "orders", partition=replace(MONTHLY, expiration_days=9.0)),
    "clustering": with_table(SHOP, "orders", clustering=("id", "count")),
    "a table added": replace(SHOP, tables=(*SHOP.tables, NOTE)),
    "a table missing": replace(SHOP, tables=(ORDERS,)),
    "a table by another name": replace(SHOP, tables=(ORDERS, replace(SHOP.tables[0], name="notes_2"))),
    "a view added": replace(SHOP, views=(VIEW, replace(VIEW, name="more"))),
    "a view missing": replace(SHOP, views=()),
    "a view by another name": replace(SHOP, views=(replace(VIEW, name="more"),)),
    "a query": replace(SHOP, views=(replace(VIEW, query=VIEW.query + " OR amount = 0"),)),
    "a description of a view": replace(SHOP, views=(replace(VIEW, description="Other."),)),
    "labels of a view": replace(SHOP, views=(replace(VIEW, labels=(("team", "shop"),)),)),
    "a description of the dataset": replace(SHOP, description="Other."),
    "no description": replace(SHOP, description=""),
    "labels of the dataset": replace(SHOP, labels=(("env", "other"),)),
    "no labels": replace(SHOP, labels=()),
    "nothing in it": Dataset("shop", location="EU"),
}


def test_whatever_differs_changes_it(bring: Bring, take: Take) -> None:
    """All of them in one warehouse: each differs from the shop, and any two of them differ as well."""
    bring(SHOP)
    for number, changed in enumerate(CHANGED.values()):
        bring(called(changed, f"shop_{number}"))
    found = take()
    assert len(found) == len(CHANGED) + 1
    told: dict[Fingerprint, list[str]] = {}
    for name, what in {"shop": "the shop", **{f"shop_{n}": what for n, what in enumerate(CHANGED)}}.items():
        told.setdefault(found[name], []).append(what)
    assert [names for names in told.values() if len(names) > 1] == []


def test_the_location_is_told_beside_it(bring: Bring, take: Take) -> None:
    bring(SHOP)
    bring(replace(TWO, location="US"))
    found = take(SHOPS, "EU", "us")
    assert {name: item.location for name, item in found.items()} == {"shop": "EU", "shop_two": "US"}
    assert found["shop"].digest == found["shop_two"].digest


@pytest.mark.parametrize(
    "done",
    [
        pytest.param(lambda hand: hand.create_table("shop_two", "by_hand", "text"), id="a table made"),
        pytest.param(lambda hand: hand.drop_table("shop_two", "notes"), id="a table dropped"),
        pytest.param(lambda hand: hand.add_text_column("shop_two", "notes", "by_hand"), id="a column added"),
        pytest.param(lambda hand: hand.drop_column("shop_two", "notes", "more"), id="a column dropped"),
        pytest.param(lambda hand: hand.make_text("shop_two", "orders", "count"), id="another type"),
        pytest.param(lambda hand: hand.replace_view("shop_two", "open_orders"), id="a view replaced"),
    ],
)
def test_what_a_hand_does_changes_it(bring: Bring, take: Take, hand: Hand, done: Callable[[Hand], None]) -> None:
    shop = with_columns(SHOP, "notes", column("more"))
    bring(shop)
    bring(called(shop, "shop_two"))
    before = take()
    done(hand)
    after = take()
    assert before["shop"] == before["shop_two"] == after["shop"]
    assert after["shop_two"] != after["shop"]


def test_what_is_brought_in_step_again_has_it_again(bring: Bring, take: Take, hand: Hand) -> None:
    shop = with_columns(SHOP, "notes", column("more"))
    bring(shop)
    bring(called(shop, "shop_two"))
    before = take()
    hand.drop_table("shop_two", "notes")
    hand.drop_column("shop", "notes", "more")
    hand.replace_view("shop_two", "open_orders")
    for name in ("shop", "shop_two"):
        bring(called(shop, name))
    assert take() == before


def test_the_way_a_dataset_came_about_makes_no_difference(bring: Bring, take: Take) -> None:
    grown = with_columns(with_column(SHOP, "orders", column("count", Kind.NUMERIC)), "notes", column("more"))
    grown = replace(grown, description="Other.", labels=(("env", "test"), ("kind", "more")))
    bring(SHOP)
    bring(replace(grown, views=(replace(VIEW, query=VIEW.query + " OR amount = 0"),)))
    bring(called(replace(grown, views=(replace(VIEW, query=VIEW.query + " OR amount = 0"),)), "shop_two"))
    found = take()
    assert found["shop"] == found["shop_two"]


def without_names(dataset: Dataset | None) -> Dataset:
    assert dataset is not None
    return replace(called(dataset, "named"), location="")


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["duckdb-memory", "bigquery-fake"])
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(before=datasets(name=st.just("any_one")), after=datasets(name=st.just("any_one")), alone=st.booleans())
def test_fingerprints_are_equal_exactly_when_datasets_are(
    request: pytest.FixtureRequest, engine: str, tmp_path_factory: pytest.TempPathFactory,
    before: Dataset, after: Dataset, alone: bool,
) -> None:  # fmt: skip
    """One was made as declared, the other was something else before, or still is."""
    warehouse, _ = DRIVERS[engine](request, tmp_path_factory.mktemp("any"))
    before, after = replace(before, location="EU"), replace(after, location="EU")
    synchronize(warehouse, before, EVERYTHING)
    if not alone:
        synchronize(warehouse, after, EVERYTHING)
    synchronize(warehouse, called(after, "any_two"), EVERYTHING)
    synchronize(warehouse, called(after, "any_three"), EVERYTHING)
    one, two = (warehouse.run(lambda session, name=name: session.inspect(name)) for name in ("any_one", "any_two"))  # type: ignore[misc]
    found = taken(warehouse, Naming("any_", ""))
    assert found["any_two"] == found["any_three"]
    assert (found["any_one"] == found["any_two"]) == (without_names(one) == without_names(two))
    warehouse.close()
