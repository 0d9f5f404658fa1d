"""Many datasets in one transaction on DuckDB: all of them or none, and what happens beside it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cloudact.catalog.model import Dataset, Mode, Rendering
from cloudact.catalog.view_file import fill
from cloudact.errors import ChangeFailed, WarehouseBusy, WarehouseRefused
from cloudact.planning.changes import AddColumn
from cloudact.planning.plan import Plan, make_plan
from cloudact.planning.policy import EVERYTHING
from cloudact.warehouse.driver import Progress, Session
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from tests.contract.datasets import SHOP, column, with_columns
from tests.contract.test_alike import GROWN, NAMES, SHOPS, shop, together

MANIFEST = "SELECT {}.cloudact_manifest()"
# More than are read by one statement.
MANY = 60


@pytest.fixture
def warehouse() -> DuckDBWarehouse:
    warehouse = DuckDBWarehouse(None, busy_timeout=0.0)
    assert together(warehouse, SHOPS) == ()
    return warehouse


def manifests(warehouse: DuckDBWarehouse) -> list[str]:
    with warehouse.connect() as connection:
        return [str(connection.execute(MANIFEST.format(name)).fetchall()[0][0]) for name in NAMES]


def test_what_is_recorded_is_what_each_by_itself_records(warehouse: DuckDBWarehouse) -> None:
    assert together(warehouse, GROWN[:3]) == ()
    warehouse.run(lambda session: session.apply(make_plan(session.inspect(NAMES[3]), GROWN[3], EVERYTHING)))
    assert len(set(manifests(warehouse))) == 1


def test_a_refused_change_undoes_all_and_says_whose_it_was(warehouse: DuckDBWarehouse) -> None:
    before = manifests(warehouse)
    refused = AddColumn("orders", (), column("needed", mode=Mode.REQUIRED))
    changes = (AddColumn("orders", (), column("note")), refused)

    def work(session: Session) -> None:
        session.apply_alike(Plan(NAMES[0], session.inspect(NAMES[0]), changes, (), ()), SHOPS[1:])

    with pytest.raises(ChangeFailed) as failed:
        warehouse.run(work)
    assert (failed.value.target, failed.value.change) == (NAMES[1], refused)
    assert manifests(warehouse) == before
    assert [warehouse.run(lambda session, name=name: session.inspect(name)) for name in NAMES] == SHOPS


def bring(session: Session, number: int) -> None:
    session.apply(make_plan(session.inspect(NAMES[number]), GROWN[number], EVERYTHING))


def test_the_planned_dataset_has_to_be_as_it_was_read(warehouse: DuckDBWarehouse) -> None:
    plans: list[Plan] = []

    def work(session: Session) -> None:
        plans.append(make_plan(session.inspect(NAMES[0]), GROWN[0], EVERYTHING))
        warehouse.run(lambda other: bring(other, 0))
        session.apply_alike(plans[-1], GROWN)

    warehouse.run(work)
    assert [len(plan.changes) for plan in plans] == [1, 0]
    assert [warehouse.run(lambda session, name=name: session.inspect(name)) for name in NAMES] == [
        GROWN[0],
        *SHOPS[1:],
    ]


def test_of_two_that_change_one_dataset_at_once_one_is_refused(warehouse: DuckDBWarehouse) -> None:
    def work(session: Session) -> None:
        session.apply_alike(make_plan(session.inspect(NAMES[0]), GROWN[0], EVERYTHING), GROWN)
        with pytest.raises(WarehouseBusy):
            warehouse.run(lambda other: bring(other, 2))

    warehouse.run(work)
    assert [warehouse.run(lambda session, name=name: session.inspect(name)) for name in NAMES] == GROWN


def test_more_than_one_statement_reads(warehouse: DuckDBWarehouse) -> None:
    names = [f"shop_more_{number}" for number in range(MANY)]
    assert together(warehouse, [shop(name) for name in names]) == ()
    with warehouse.connect() as connection:
        connection.execute("ALTER TABLE shop_more_7.orders ADD COLUMN note BIGINT")
        connection.execute("DROP SCHEMA shop_more_57 CASCADE")
    grown = [shop(name, GROWN[0]) for name in names]
    assert together(warehouse, grown) == ("shop_more_7", "shop_more_57")


def test_every_change_of_every_dataset_is_told(warehouse: DuckDBWarehouse) -> None:
    told: list[Progress] = []
    watched = DuckDBWarehouse(None, observer=told.append)
    together(watched, SHOPS)
    per_dataset = len(SHOPS[0].tables) + len(SHOPS[0].views) + 1
    assert [(item.dataset, item.number) for item in told] == [
        (name, number + 1) for name in NAMES for number in range(per_dataset)
    ]


def test_what_is_known_of_a_column_stays_where_the_planned_dataset_has_lost_it() -> None:
    warehouse = DuckDBWarehouse(None)
    older = with_columns(SHOP, "orders", column("old", description="An old one."))
    assert together(warehouse, [shop(name, older) for name in NAMES]) == ()
    with warehouse.connect() as connection:
        connection.execute(f"ALTER TABLE {NAMES[0]}.orders DROP COLUMN old")
    before = warehouse.run(lambda session: session.inspect(NAMES[1]))
    assert together(warehouse, [described(dataset) for dataset in SHOPS]) == tuple(NAMES[1:])
    assert warehouse.run(lambda session: session.inspect(NAMES[0])) == described(SHOPS[0])
    assert warehouse.run(lambda session: session.inspect(NAMES[1])) == before


def test_what_the_unit_itself_has_changed_is_left(warehouse: DuckDBWarehouse) -> None:
    def work(session: Session) -> tuple[str, ...]:
        bring(session, 1)
        plan = make_plan(session.inspect(NAMES[0]), described(SHOPS[0]), EVERYTHING)
        return session.apply_alike(plan, [described(dataset) for dataset in SHOPS])

    assert warehouse.run(work) == (NAMES[1],)
    assert [warehouse.run(lambda session, name=name: session.inspect(name)) for name in NAMES[:3]] == [
        described(SHOPS[0]),
        GROWN[1],
        described(SHOPS[2]),
    ]


def test_who_has_other_things_on_record_is_left(warehouse: DuckDBWarehouse) -> None:
    other = replace(GROWN[2], description="Another one.")
    warehouse.run(lambda session: session.apply(make_plan(session.inspect(other.name), other, EVERYTHING)))
    with warehouse.connect() as connection:
        connection.execute(f"ALTER TABLE {NAMES[2]}.orders DROP COLUMN note")
    before = warehouse.run(lambda session: session.inspect(NAMES[2]))
    assert together(warehouse, GROWN) == (NAMES[2],)
    assert warehouse.run(lambda session: session.inspect(NAMES[2])) == before


@pytest.mark.parametrize("answer", ["NULL", "1", "'{}'", "'other revision'"])
def test_who_has_something_else_for_a_manifest_is_left(warehouse: DuckDBWarehouse, answer: str) -> None:
    other = manifests(warehouse)[2].replace('"revision":1', '"revision":"x"')
    made = answer.replace("other revision", other)
    with warehouse.connect() as connection:
        connection.execute(f"CREATE OR REPLACE MACRO {NAMES[2]}.cloudact_manifest() AS {made}")
    assert together(warehouse, GROWN) == (NAMES[2],)
    with pytest.raises(WarehouseRefused, match="does not hold what this project writes"):
        warehouse.run(lambda session: session.inspect(NAMES[2]))


def test_who_has_the_new_view_already_is_left(warehouse: DuckDBWarehouse) -> None:
    template = Rendering("SELECT `id` FROM `{dataset}`.`orders`")
    newer = [
        replace(
            one, views=(replace(one.views[0], query=fill(template.text, {"dataset": one.name}), rendering=template),)
        )
        for one in SHOPS
    ]
    warehouse.run(lambda session: session.apply(make_plan(session.inspect(NAMES[2]), newer[2], EVERYTHING)))
    before = manifests(warehouse)[2]
    assert together(warehouse, newer) == (NAMES[2],)
    assert manifests(warehouse)[2] == before
    assert [warehouse.run(lambda session, name=name: session.inspect(name)) for name in NAMES] == newer


@pytest.mark.parametrize(
    "statement",
    ["DROP TABLE {}.notes", "CREATE TABLE {}.own (x BIGINT)", "CREATE OR REPLACE VIEW {}.open_orders AS SELECT 1 AS x"],
)
def test_who_needs_more_than_the_plan_is_left(warehouse: DuckDBWarehouse, statement: str) -> None:
    """As it would be called in step after it."""
    with warehouse.connect() as connection:
        connection.execute(statement.format(NAMES[2]))
    assert together(warehouse, GROWN) == (NAMES[2],)


def described(dataset: Dataset) -> Dataset:
    """Return the dataset with another description of its orders."""
    tables = (replace(table, description="New.") if table.name == "orders" else table for table in dataset.tables)
    return replace(dataset, tables=tuple(tables))
