"""The FOCUS validator itself judges what the tables export, by the rules of this project.

It decides a type by the values there are, so the schema of a file without rows is for test_rules.py; of text where a
number belongs it reports what it could not read as missing.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from tests.focus.facts import CONTRACT_COMMITMENT, COST_AND_USAGE, DATASETS
from tests.focus.organization import Organization, export, focus_tables
from tests.focus.rules import rules_of
from tests.focus.samples import PROVIDERS, generated, read_rows, synthetic
from tests.focus.validator import Verdict, needs_validator, validate

pytestmark = [pytest.mark.slow, needs_validator]

PASSES = {dataset: Verdict(len(list(rules_of(dataset))), 0, frozenset()) for dataset in DATASETS}
# What is wrong with an export, and the rules that fail.
DEFECTS = {
    "a column is dropped": ("SELECT * EXCLUDE (SkuId)", {"SkuId-Presence", "SkuId-Type"}),
    "a time is text that is no time": (
        "SELECT * REPLACE ('last week' AS ChargePeriodEnd)",
        {"ChargePeriodEnd-Presence", "ChargePeriodEnd-Type", "ChargePeriodEnd-Nullability"},
    ),
    "a cost is text that is no number": ("SELECT * REPLACE ('n/a' AS ListCost)", {"ListCost-Nullability"}),
    "tags are no JSON": ("SELECT * REPLACE ('a=b' AS Tags)", {"Tags-Type"}),
    "a required name is null": (
        "SELECT * REPLACE (CASE WHEN SkuId IS NOT NULL THEN ServiceName END AS ServiceName)",
        {"ServiceName-Nullability"},
    ),
}


def loaded_with_generated(organization: Organization, directory: Path) -> None:
    for dataset, file in generated(directory, "gcp", rows=60, seed=5).items():
        organization.load(dataset, read_rows(file, organization.table(dataset)))


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_an_empty_table_passes(organization: Organization, dataset: str, form: str, tmp_path: Path) -> None:
    file = export(organization, dataset, tmp_path / f"empty.{form}")
    assert validate(file, dataset, tmp_path) == PASSES[dataset]


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_synthetic_export_passes_once_loaded(
    organization: Organization, dataset: str, provider: str, tmp_path: Path
) -> None:
    organization.load(dataset, read_rows(synthetic(dataset, provider), organization.table(dataset)))
    assert validate(export(organization, dataset, tmp_path / "loaded.parquet"), dataset, tmp_path) == PASSES[dataset]


@pytest.mark.parametrize("dataset", DATASETS)
def test_generated_data_passes_once_loaded(organization: Organization, dataset: str, tmp_path: Path) -> None:
    loaded_with_generated(organization, tmp_path)
    assert validate(export(organization, dataset, tmp_path / "loaded.parquet"), dataset, tmp_path) == PASSES[dataset]


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defect_fails_its_rules_and_no_other(organization: Organization, defect: str, tmp_path: Path) -> None:
    select, expected = DEFECTS[defect]
    loaded_with_generated(organization, tmp_path)
    file = export(organization, COST_AND_USAGE, tmp_path / "defect.parquet", select)
    assert validate(file, COST_AND_USAGE, tmp_path).failed == {f"{COST_AND_USAGE}-{name}" for name in expected}


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_table_of_a_new_organization_passes(
    onboarded: TestClient, warehouse: DuckDBWarehouse, dataset: str, tmp_path: Path
) -> None:
    organization = Organization(warehouse, focus_tables())
    assert organization.read(dataset, ["BillingCurrency"]) == []
    assert validate(export(organization, dataset, tmp_path / "new.parquet"), dataset, tmp_path) == PASSES[dataset]


def test_an_empty_table_without_a_column_fails(organization: Organization, tmp_path: Path) -> None:
    file = export(organization, CONTRACT_COMMITMENT, tmp_path / "empty.parquet", "SELECT * EXCLUDE (ContractId)")
    assert f"{CONTRACT_COMMITMENT}-ContractId-Presence" in validate(file, CONTRACT_COMMITMENT, tmp_path).failed
