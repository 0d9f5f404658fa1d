"""The catalog against what deployments have: nothing renamed, tightened or laid out anew; additions may be NULL."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import pytest

from cloudact.catalog.load import CatalogSource, load_dataset
from cloudact.catalog.model import Kind, Mode, Table, TimePartition
from tests.acme import ROOT

REFERENCE = ROOT.parent / "shared/reference"
CATALOG = CatalogSource(ROOT / "configs").load()
DATASETS = [CATALOG.central, CATALOG.organization, load_dataset(ROOT / "ps_templates", "setup/initial")]
TABLES = [(item.name, table) for item in DATASETS for table in item.tables]
ALIASES = {"INTEGER": "INT64", "BOOLEAN": "BOOL"}
# Money that was counted in binary, in whole units or to nine digits is declared exactly.
EXACT = {Kind.NUMERIC, Kind.BIGNUMERIC}
INEXACT = {"FLOAT64", "INTEGER", "NUMERIC"}
# FOCUS 1.3 allows no NULL there; a live column that does is looser than declared, and stays in sync.
SPECIFIED = {"contract_commitment_1_3"}
ORDERED_BY_FOCUS = {"contract_commitment_1_3", "cost_data_standard_1_3"}


@cache
def recorded(name: str) -> dict[tuple[str, str], list[dict[str, str]]]:
    """Return what each table has in deployments; skips where that is not recorded."""
    path: Path = REFERENCE / name
    if not path.exists():
        pytest.skip("the record of existing deployments is not beside the project")
    found: dict[tuple[str, str], list[dict[str, str]]] = {}
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            found.setdefault((row["dataset"], row["table"]), []).append(row)
    assert found.keys() <= {(dataset, table.name) for dataset, table in TABLES}
    return found


def existing(dataset: str, table: Table) -> dict[str, dict[str, str]]:
    """Return the columns that a table has in deployments, by name and in order; none of a table that is new."""
    return {row["column"]: row for row in recorded("existing_columns.csv").get((dataset, table.name), [])}


def test_no_column_is_renamed_or_tightened_and_what_is_new_may_be_null() -> None:
    for dataset, table in TABLES:
        live = existing(dataset, table)
        declared = {column.name: column for column in table.columns}
        assert [name for name in live if name not in declared] == [], table.name
        tighter = [
            name
            for name, row in live.items()
            if declared[name].mode.value != row["mode"]
            and not (row["mode"] == "REQUIRED" and declared[name].mode is Mode.NULLABLE)
        ]
        assert tighter == [] or table.name in SPECIFIED, table.name
        required = [name for name, item in declared.items() if name not in live and item.mode is Mode.REQUIRED]
        assert required == [] or not live, table.name


def test_columns_keep_their_order_but_where_focus_sets_one() -> None:
    for dataset, table in TABLES:
        live = [*existing(dataset, table)]
        declared = [column.name for column in table.columns if column.name in live]
        assert declared == live or table.name in ORDERED_BY_FOCUS, table.name


def test_no_type_changes_but_of_money_which_becomes_exact() -> None:
    for dataset, table in TABLES:
        kinds = {column.name: column.type.kind for column in table.columns}
        changed = {
            name: (row["type"], kinds[name].value)
            for name, row in existing(dataset, table).items()
            if ALIASES.get(row["type"], row["type"]) != kinds[name].value
            and not (row["type"] in INEXACT and kinds[name] in EXACT)
        }
        assert changed == {}, table.name


def test_no_table_is_laid_out_anew() -> None:
    for dataset, table in TABLES:
        (row,) = recorded("existing_layout.csv")[dataset, table.name]
        partition = table.partition
        assert partition is None or isinstance(partition, TimePartition)
        found = (partition.granularity.value, partition.field) if partition else ("", "")
        assert found == (row["partition_type"], row["partition_field"]), table.name
        assert "|".join(table.clustering) == row["clustering"], table.name
