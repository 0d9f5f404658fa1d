"""The catalog against what deployments have: nothing renamed, tightened or laid out anew; additions may be NULL."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from cloudact.catalog.load import CatalogSource, load_dataset
from cloudact.catalog.model import Kind, Mode, Table, TimePartition
from tests.acme import ROOT

REFERENCE = ROOT.parent / "shared/reference"
CATALOG = CatalogSource(ROOT / "configs").load()
DATASETS = [CATALOG.central, CATALOG.organization, load_dataset(ROOT / "ps_templates", "setup/initial")]
EVERY_TABLE = pytest.mark.parametrize(
    ("dataset", "table"), [(item.name, table) for item in DATASETS for table in item.tables],
    ids=lambda value: value.name if isinstance(value, Table) else "",
)  # fmt: skip
ALIASES = {"INTEGER": "INT64", "BOOLEAN": "BOOL"}
# Money that was counted in binary, in whole units or to nine digits is declared exactly.
EXACT = {Kind.NUMERIC, Kind.BIGNUMERIC}
INEXACT = {"FLOAT64", "INTEGER", "NUMERIC"}
# FOCUS 1.3 allows no NULL there; a live column that does is looser than declared, and stays in sync.
SPECIFIED = {"contract_commitment_1_3"}
ORDERED_BY_FOCUS = {"contract_commitment_1_3", "cost_data_standard_1_3"}


def rows(name: str, dataset: str, table: str) -> list[dict[str, str]]:
    """Return what a table has in deployments; skips where that is not recorded."""
    path: Path = REFERENCE / name
    if not path.exists():
        pytest.skip("the record of existing deployments is not beside the project")
    with path.open(encoding="utf-8", newline="") as lines:
        return [row for row in csv.DictReader(lines) if (row["dataset"], row["table"]) == (dataset, table)]


@EVERY_TABLE
def test_no_column_is_renamed_or_tightened_and_what_is_new_may_be_null(dataset: str, table: Table) -> None:
    existing = {row["column"]: row for row in rows("existing_columns.csv", dataset, table.name)}
    if not existing:
        pytest.skip(f"no deployment has {table.name} yet")
    declared = {column.name: column for column in table.columns}
    assert [name for name in existing if name not in declared] == []
    tighter = [
        name
        for name, row in existing.items()
        if declared[name].mode.value != row["mode"]
        and not (row["mode"] == "REQUIRED" and declared[name].mode is Mode.NULLABLE)
    ]
    assert tighter == [] or table.name in SPECIFIED
    assert [name for name, item in declared.items() if name not in existing and item.mode is Mode.REQUIRED] == []


@EVERY_TABLE
def test_columns_keep_their_order_but_where_focus_sets_one(dataset: str, table: Table) -> None:
    existing = [row["column"] for row in rows("existing_columns.csv", dataset, table.name)]
    declared = [column.name for column in table.columns if column.name in existing]
    assert declared == existing or table.name in ORDERED_BY_FOCUS


@EVERY_TABLE
def test_no_type_changes_but_of_money_which_becomes_exact(dataset: str, table: Table) -> None:
    existing = {row["column"]: row["type"] for row in rows("existing_columns.csv", dataset, table.name)}
    kinds = {column.name: column.type.kind for column in table.columns}
    changed = {
        name: (type_, kinds[name].value)
        for name, type_ in existing.items()
        if ALIASES.get(type_, type_) != kinds[name].value and not (type_ in INEXACT and kinds[name] in EXACT)
    }
    assert changed == {}


@EVERY_TABLE
def test_no_table_is_laid_out_anew(dataset: str, table: Table) -> None:
    (row,) = rows("existing_layout.csv", dataset, table.name)
    partition = table.partition
    assert partition is None or isinstance(partition, TimePartition)
    found = (partition.granularity.value, partition.field) if partition else ("", "")
    assert found == (row["partition_type"], row["partition_field"])
    assert "|".join(table.clustering) == row["clustering"]
