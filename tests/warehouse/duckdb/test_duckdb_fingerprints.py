"""Fingerprints of files that hands have been in: what is on record counts as far as `inspect` reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from cloudact.catalog.model import Column, Dataset, Kind, Mode, Type
from cloudact.planning.plan import make_plan
from cloudact.planning.policy import EVERYTHING
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from cloudact.warehouse.fingerprints import Naming
from tests.contract.datasets import SHOP, called, with_column

ONE, TWO = (replace(called(SHOP, name), location="") for name in ("shop_one", "shop_two"))
MANIFEST = '{"description":"%s","labels":{},"location":"%s","revision":7,"tables":{},"version":%s}'
Found = Callable[[], dict[str, str]]
Run = Callable[..., None]


@pytest.fixture
def warehouse() -> Iterator[DuckDBWarehouse]:
    made = DuckDBWarehouse(None)
    bring(made, ONE)
    bring(made, TWO)
    yield made
    made.close()


@pytest.fixture
def found(warehouse: DuckDBWarehouse) -> Found:
    """Return the digests of both shops."""

    def take() -> dict[str, str]:
        taken = warehouse.run(lambda session: session.fingerprints((), Naming("shop_", "")).of)
        return {name.removeprefix("shop_"): item.digest for name, item in taken.items()}

    return take


@pytest.fixture
def run(warehouse: DuckDBWarehouse) -> Run:
    """Run statements, in which `two` is the second shop, by hand."""

    def by_hand(*statements: str) -> None:
        with warehouse.connect() as connection:
            for statement in statements:
                connection.execute(statement.replace(" two.", " shop_two."))

    return by_hand


def bring(warehouse: DuckDBWarehouse, desired: Dataset) -> None:
    warehouse.run(lambda session: session.apply(make_plan(session.inspect(desired.name), desired, EVERYTHING)))


def manifest(description: str = "", location: str = "", version: str = "1") -> str:
    text = MANIFEST % (description, location, version)
    return f"CREATE OR REPLACE MACRO two.cloudact_manifest() AS '{text}'"


def test_how_often_a_dataset_was_changed_makes_no_difference(warehouse: DuckDBWarehouse, found: Found) -> None:
    bring(warehouse, replace(TWO, description="Other."))
    bring(warehouse, TWO)
    assert found()["one"] == found()["two"]


@pytest.mark.parametrize(
    "statement",
    [
        manifest(),
        manifest("Everything about orders."),
        manifest(version="2"),
        "CREATE OR REPLACE MACRO two.cloudact_manifest() AS 'nothing'",
        "CREATE OR REPLACE MACRO two.cloudact_manifest() AS 1 + 1",
        "DROP MACRO two.cloudact_manifest",
        "COMMENT ON VIEW two.open_orders IS 'Ours.'",
        "COMMENT ON VIEW two.open_orders IS '0123456789abcdef0123456789abcdef'",
        "ALTER TABLE two.notes ALTER COLUMN text SET DEFAULT 'x'",
        "ALTER TABLE two.notes ALTER COLUMN text SET NOT NULL",
        "ALTER TABLE two.notes RENAME TO memos",
        "ALTER VIEW two.open_orders RENAME TO others",
    ],
)
def test_what_is_changed_by_hand_changes_it(found: Found, run: Run, statement: str) -> None:
    before = found()
    run(statement)
    after = found()
    assert before["one"] == before["two"] == after["one"]
    assert after["two"] != after["one"]


def test_the_location_on_record_is_told_beside_it(warehouse: DuckDBWarehouse, run: Run) -> None:
    run(manifest(location="EU"))
    found = warehouse.run(lambda session: session.fingerprints((), Naming("shop_", "")).of)
    assert {name: item.location for name, item in found.items()} == {"shop_one": "", "shop_two": "EU"}


def test_a_dataset_without_a_manifest_is_one_with_an_empty_one(
    warehouse: DuckDBWarehouse, found: Found, run: Run
) -> None:
    bring(warehouse, Dataset("shop_three"))
    run("CREATE SCHEMA shop_four")
    assert found()["three"] == found()["four"]


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE two.notes; CREATE TABLE two.notes (text VARCHAR)",
        "INSERT INTO _cloudact.definitions SELECT * FROM _cloudact.definitions",
        "CREATE MACRO two.cloudact_manifest_of(x) AS x",
        "CREATE TEMP TABLE orders (id VARCHAR)",
    ],
)
def test_what_inspecting_does_not_show_makes_no_difference(found: Found, run: Run, statement: str) -> None:
    before = found()
    run(*statement.split("; "))
    assert found() == before
    assert before["one"] == before["two"]


def test_what_is_on_record_of_a_table_that_is_gone_does_not_count(
    warehouse: DuckDBWarehouse, found: Found, run: Run
) -> None:
    bring(warehouse, called(replace(ONE, tables=(ONE.tables[1],)), "shop_three"))
    run("DROP TABLE two.notes")
    assert found()["two"] == found()["three"]


def test_without_definitions_tables_are_what_they_look_like(warehouse: DuckDBWarehouse, found: Found, run: Run) -> None:
    spoken = with_column(ONE, "notes", Column("text", Type(Kind.GEOGRAPHY)))
    bring(warehouse, replace(called(ONE, "shop_three"), views=()))
    bring(warehouse, replace(called(spoken, "shop_four"), views=()))
    before = found()
    run("DROP SCHEMA _cloudact CASCADE")
    after = found()
    assert before["three"] != before["four"]
    assert after["three"] == after["four"] != before["three"]


def test_the_same_view_made_by_hand_in_both_makes_one_group(found: Found, run: Run) -> None:
    """A text of other hands differs by the dataset that it is in, and may read it."""
    before = found()
    for name in ("shop_one", "shop_two"):
        run(f"CREATE OR REPLACE VIEW {name}.open_orders AS SELECT id FROM {name}.orders")
    after = found()
    assert after["one"] == after["two"] != before["one"]


def test_names_of_every_kind(warehouse: DuckDBWarehouse, run: Run) -> None:
    odd = Column('"(', Type(Kind.STRING), Mode.REQUIRED)
    for name in ("1 'odd' (name)", "2 'odd' (name)"):
        tables = (replace(SHOP.tables[0], name="t (x"), replace(SHOP.tables[0], name="it's", columns=(odd,)))
        bring(warehouse, Dataset(name, tables=tables))
    found = warehouse.run(lambda session: session.fingerprints((), Naming("", " 'odd' (name)")).of)
    assert len(found) == 2
    assert len(set(found.values())) == 1
    run("""ALTER TABLE "2 'odd' (name)"."t (x" RENAME TO "t (y" """)
    after = warehouse.run(lambda session: session.fingerprints((), Naming("", " 'odd' (name)")).of)
    assert len(set(after.values())) == 2


def test_a_look_at_some_datasets_leaves_the_others_as_they_are_known(
    warehouse: DuckDBWarehouse, found: Found, run: Run
) -> None:
    """The names that it meets on its way are all that is known of them, until a unit changes some."""
    bring(warehouse, replace(TWO, name="another"))
    names = ("shop_one", "another", "by_hand", "no_tables")
    run("CREATE SCHEMA By_Hand", "CREATE TABLE By_Hand.MiXed (id BIGINT)", "CREATE SCHEMA no_tables")
    run("CREATE VIEW no_tables.one AS SELECT 1 AS one")
    known = warehouse.run(lambda session: session.inspect_many(names, ""))
    run()  # after which nothing is known
    assert found().keys() == {"one", "two"}
    assert warehouse.run(lambda session: session.inspect_many(names, "")) == known
    assert known.keys() == set(names)
