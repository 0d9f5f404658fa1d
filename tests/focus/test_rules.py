"""FOCUS 1.3's presence, type and nullability rules on what the tables export, empty and loaded.

The rules are this project's own reading of the specification; test_validator.py has the FOCUS validator judge by them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from cloudact.warehouse.duckdb.type_map import literal
from tests.docs_text import DOCS, blocks, prose
from tests.focus.facts import CONTRACT_COMMITMENT, COST_AND_USAGE, DATASETS
from tests.focus.organization import Organization, export
from tests.focus.rules import broken, model
from tests.focus.samples import generated, read_rows

# What is wrong with an export, and the rules that it breaks.
DEFECTS = {
    "a column is dropped": (
        "SELECT * EXCLUDE (SkuId)",
        {"SkuId-Presence", "SkuId-Type"},
    ),
    "a required column is dropped": (
        "SELECT * EXCLUDE (BilledCost)",
        {"BilledCost-Presence", "BilledCost-Type", "BilledCost-Nullability"},
    ),
    "a cost is text": ("SELECT * REPLACE (CAST(ListCost AS VARCHAR) AS ListCost)", {"ListCost-Type"}),
    "a name is a number": ("SELECT * REPLACE (5 AS ServiceName)", {"ServiceName-Type"}),
    "a time is text": (
        "SELECT * REPLACE (CAST(ChargePeriodEnd AS VARCHAR) AS ChargePeriodEnd)",
        {"ChargePeriodEnd-Type"},
    ),
    "tags are no object": ("SELECT * REPLACE ('[1]' AS Tags)", {"Tags-Type"}),
    "tags are no JSON": ("SELECT * REPLACE ('a=b' AS Tags)", {"Tags-Type"}),
    "a required cost is null": (
        "SELECT * REPLACE (CASE WHEN SkuId IS NOT NULL THEN BilledCost END AS BilledCost)",
        {"BilledCost-Nullability"},
    ),
}
# Those that the schema of a file shows, with rows in it or not.
OF_THE_SCHEMA = [name for name in DEFECTS if name.endswith(("dropped", "text", "number"))]


@pytest.fixture
def loaded(organization: Organization, tmp_path: Path) -> Organization:
    """The tables with generated data."""
    for dataset, file in generated(tmp_path, "aws", rows=40, seed=3).items():
        organization.load(dataset, read_rows(file, organization.table(dataset)))
    return organization


def test_there_are_as_many_rules_as_the_specification_has_facts() -> None:
    datasets = model()["ModelDatasets"]
    counted = {dataset: len(datasets[dataset]["ModelRules"]) for dataset in DATASETS}
    # presence and type of each column, and what is never null
    assert counted == {COST_AND_USAGE: 65 + 65 + 20, CONTRACT_COMMITMENT: 13 + 13 + 8}
    assert f"{sum(counted.values())} rules" in prose(DOCS / "focus.md")


def test_an_empty_table_conforms(organization: Organization, tmp_path: Path) -> None:
    for dataset in DATASETS:
        assert broken(export(organization, dataset, tmp_path / f"{dataset}.parquet"), dataset) == set()


def test_a_loaded_table_conforms(loaded: Organization, tmp_path: Path) -> None:
    for dataset in DATASETS:
        assert broken(export(loaded, dataset, tmp_path / f"{dataset}.parquet"), dataset) == set()


def test_the_documented_statement_exports_what_conforms(loaded: Organization, tmp_path: Path) -> None:
    (statement,) = [block.text for block in blocks(DOCS / "focus.md", "sql")]
    file = tmp_path / "focus.parquet"
    assert isinstance(loaded.warehouse, DuckDBWarehouse)
    with loaded.warehouse.connect() as connection:
        connection.execute(statement.replace("'focus.parquet'", literal(str(file))))
        types = {kind for _, kind, *_ in connection.execute(f"DESCRIBE FROM {literal(str(file))}").fetchall()}
    assert broken(file, COST_AND_USAGE) == set()
    assert "JSON" not in types


def test_a_defect_breaks_its_rules_and_no_other(loaded: Organization, tmp_path: Path) -> None:
    for defect, (select, expected) in DEFECTS.items():
        file = export(loaded, COST_AND_USAGE, tmp_path / f"{defect}.parquet", select)
        assert broken(file, COST_AND_USAGE) == {f"{COST_AND_USAGE}-{name}" for name in expected}, defect


def test_a_defect_of_the_schema_is_found_without_rows(organization: Organization, tmp_path: Path) -> None:
    for defect in OF_THE_SCHEMA:
        select, expected = DEFECTS[defect]
        file = export(organization, COST_AND_USAGE, tmp_path / f"{defect}.parquet", select)
        assert broken(file, COST_AND_USAGE) == {f"{COST_AND_USAGE}-{name}" for name in expected}, defect
