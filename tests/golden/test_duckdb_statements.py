"""The statements DuckDB is sent, kept as text: a change here is a change to what runs in production."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudact.catalog.load import CatalogSource
from cloudact.catalog.model import Dataset, Kind, Mode, Type
from cloudact.planning import changes as c
from cloudact.planning.plan import make_plan
from cloudact.planning.policy import EVERYTHING
from cloudact.warehouse.duckdb.ddl import statements
from tests.acme import ROOT
from tests.contract.datasets import SHOP, column, with_columns

FOLDER = Path(__file__).parent / "duckdb"
CATALOG = CatalogSource(ROOT / "configs").load()
ONE_OF_EACH: dict[str, c.Change] = {
    "add_column": c.AddColumn("orders", (), column("note")),
    "add_column_with_default": c.AddColumn("orders", (), column("state", default="'new'")),
    "add_field_in_list": c.AddColumn("orders", ("lines", "parts"), column("weight", Kind.FLOAT64)),
    "add_list_of_records": c.AddColumn(
        "orders", (), column("taxes", Kind.RECORD, Mode.REPEATED, fields=(column("rate", Kind.NUMERIC),))
    ),
    "relax_mode": c.RelaxMode("orders", ("id",)),
    "relax_nested_mode": c.RelaxMode("orders", ("buyer", "email")),
    "widen_type": c.WidenType("orders", ("count",), Type(Kind.INT64), Type(Kind.NUMERIC)),
    "set_default": c.SetColumnMetadata("orders", ("count",), column("count", Kind.INT64, default="0")),
    "set_table_metadata": c.SetTableMetadata(SHOP.tables[1]),
    "set_dataset_metadata": c.SetDatasetMetadata(SHOP),
    "create_view": c.CreateView(SHOP.views[0]),
    "replace_view": c.ReplaceView(SHOP.views[0]),
}


def text(dataset: Dataset, change: c.Change) -> str:
    found = statements(dataset.name, change, dataset)
    return "".join(f"{statement};\n" for statement in found) or "-- in the manifest only\n"


def script(desired: Dataset) -> str:
    plan = make_plan(None, desired, EVERYTHING)
    return "".join(f"{item};\n" for change in plan.changes for item in statements(desired.name, change, None))


SCRIPTS = {
    "bootstrap": lambda: script(CATALOG.central_dataset()),
    "onboard_acme_corp": lambda: script(CATALOG.organization_dataset("acme_corp")),
    "awkward_names": lambda: script(with_columns(Dataset('a "b"', SHOP.tables), "notes", column('it\'s; -- "x"'))),
}


@pytest.mark.parametrize("name", [*ONE_OF_EACH, *SCRIPTS])
def test_statements_are_as_recorded(name: str, update_golden: bool) -> None:
    path = FOLDER / f"{name}.sql"
    found = SCRIPTS[name]() if name in SCRIPTS else text(SHOP, ONE_OF_EACH[name])
    if update_golden:
        path.parent.mkdir(exist_ok=True)
        path.write_text(found)
    assert found == path.read_text()


def test_no_recorded_file_is_left_over() -> None:
    assert {path.stem for path in FOLDER.glob("*.sql")} == {*ONE_OF_EACH, *SCRIPTS}


def test_no_statement_drops_or_deletes() -> None:
    words = ("DROP TABLE", "DROP COLUMN", "DROP SCHEMA", "DROP VIEW", "DELETE", "TRUNCATE", "RENAME")
    found = [f"{path.name}: {word}" for path in FOLDER.glob("*.sql") for word in words if word in path.read_text()]
    assert found == []
