"""A policy chooses among safe changes, and a status says what a plan would do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cloudact.catalog.model import Dataset, Kind, Materialized
from cloudact.planning.evolve import evolve
from cloudact.planning.plan import make_plan
from cloudact.planning.policy import BOOTSTRAP, EVERYTHING, Policy
from cloudact.planning.status import ViewState, compare
from tests.contract.datasets import SHOP, column, with_column, with_columns

WANTED = replace(with_columns(SHOP, "notes", column("added")), views=(replace(SHOP.views[0], query="SELECT 1 AS one"),))


@pytest.mark.parametrize(
    ("policy", "applied", "held"),
    [
        (Policy(), {"create table orders", "add column notes.added (STRING)", "create view open_orders"}, set()),
        (BOOTSTRAP, {"create table orders", "create view open_orders"}, {"add column notes.added (STRING)"}),
        (
            Policy(sync_missing_tables=False),
            {"add column notes.added (STRING)"},
            {"create table orders", "create view open_orders"},
        ),
        (
            Policy(sync_missing_tables=False, sync_missing_columns=False),
            set(),
            {"create table orders", "add column notes.added (STRING)", "create view open_orders"},
        ),
        (
            Policy(sync_missing_tables=False, sync_missing_columns=False, recreate_views=True),
            {"create view open_orders"},
            {"create table orders", "add column notes.added (STRING)"},
        ),
    ],
)
def test_what_a_policy_leaves_out_is_held_back_and_named(policy: Policy, applied: set[str], held: set[str]) -> None:
    live = replace(SHOP, tables=tuple(table for table in SHOP.tables if table.name == "notes"), views=())
    plan = make_plan(live, WANTED, policy)
    assert {str(change) for change in plan.changes} == applied
    assert {str(change) for change in plan.held_back} == held


def test_stale_views_are_replaced_only_on_request() -> None:
    assert [str(change) for change in make_plan(SHOP, WANTED, Policy()).held_back] == ["replace view open_orders"]
    assert make_plan(SHOP, WANTED, EVERYTHING).held_back == ()


def test_nothing_can_be_put_into_a_dataset_that_may_not_be_created() -> None:
    plan = make_plan(None, SHOP, Policy(sync_missing_tables=False, recreate_views=True))
    assert plan.changes == ()
    assert "create dataset shop" in [str(change) for change in plan.held_back]


def test_evolving_by_a_plan_leaves_nothing_to_change() -> None:
    wanted = with_column(WANTED, "notes", column("text", description="Other.", default="'x'"))
    plan = make_plan(SHOP, wanted, EVERYTHING)
    assert make_plan(evolve(SHOP, "shop", plan.changes), wanted, EVERYTHING).changes == ()
    assert evolve(None, "shop", make_plan(None, SHOP, EVERYTHING).changes) == SHOP


@pytest.mark.parametrize(
    ("live", "in_sync"),
    [
        (None, False),
        (SHOP, True),
        (with_columns(SHOP, "notes", column("extra")), True),
        (replace(SHOP, description="Other."), True),
        (with_column(SHOP, "notes", replace(column("text"), description="Other.")), True),
        (replace(SHOP, views=()), False),
        (replace(SHOP, views=(replace(SHOP.views[0], query="SELECT 1 AS x"),)), True),
        (replace(SHOP, tables=SHOP.tables[:1]), False),
        (with_column(SHOP, "notes", column("text", Kind.BOOL)), False),
        (replace(SHOP, location="US"), False),
    ],
)
def test_in_sync_means_that_everything_declared_is_there(live: Dataset | None, in_sync: bool) -> None:
    assert compare(live, SHOP).in_sync is in_sync


def test_a_drift_names_each_difference_under_its_table() -> None:
    live = with_columns(with_column(SHOP, "notes", column("text", Kind.BOOL)), "notes", column("extra"))
    drift = compare(live, with_columns(SHOP, "notes", column("added")))
    notes = drift.schema_diffs["notes"]
    assert (notes.missing_columns, notes.extra_columns) == (("added",), ("extra",))
    assert [finding.object for finding in notes.conflicts] == ["notes.text"]
    assert set(drift.schema_diffs) == {"notes"}
    assert (drift.tables_existing, drift.tables_missing) == (("notes", "orders"), ())


@pytest.mark.parametrize(
    ("live", "exists", "current"),
    [
        (None, False, False),
        (replace(SHOP, views=()), False, False),
        (replace(SHOP, views=(replace(SHOP.views[0], query="SELECT 1 AS x"),)), True, False),
        (SHOP, True, True),
    ],
)
def test_a_drift_tells_of_each_declared_view_whether_it_exists_and_is_current(
    live: Dataset | None, exists: bool, current: bool
) -> None:
    assert compare(live, SHOP).views == {"open_orders": ViewState(Materialized.NEVER, exists, current)}


def test_a_view_is_kept_as_the_catalog_says_whatever_form_the_engine_is_given() -> None:
    given = replace(SHOP, views=(replace(SHOP.views[0], declared_as=Materialized.SHARED),))
    assert compare(SHOP, given).views == {"open_orders": ViewState(Materialized.SHARED, exists=True, current=True)}
    assert compare(SHOP, given).in_sync
