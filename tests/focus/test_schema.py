"""The two FOCUS tables have the columns, types and modes of FOCUS 1.3, then columns of our own."""

from __future__ import annotations

import csv
from collections import Counter

import pytest

from cloudact.catalog.model import Kind, Mode
from tests.acme import ROOT
from tests.focus.facts import CONTRACT_COMMITMENT, COST_AND_USAGE, DATASETS, TABLES, facts_of, read_facts, table_of
from tests.focus.samples import REAL_1_0, read_rows, sample

REFERENCE = ROOT.parent / "shared/reference"
TYPES = {"String": Kind.STRING, "Decimal": Kind.BIGNUMERIC, "Date/Time": Kind.TIMESTAMP, "JSON": Kind.JSON}
# Mandatory and not null by FOCUS 1.3, and NULLABLE here: docs/decisions/0013-required-where-every-export-has-it.md.
_REMOVED = "1.4 removes it, and a table outlives a version"
_ABSENT_FROM_GOOGLE = "Google's export does not have it"
NULLABLE_HERE = {
    "ContractedCost": "real FOCUS 1.0 exports have rows without it",
    "InvoiceIssuerName": _ABSENT_FROM_GOOGLE,
    "ProviderName": _REMOVED,
    "PublisherName": _REMOVED,
    "ServiceCategory": _ABSENT_FROM_GOOGLE,
    "ServiceProviderName": "1.3 introduced it, so no earlier export has it",
}
# What a reader of either table can ask a row besides its charge, and the columns that answer.
OWN_COLUMNS = {
    "organization": ["x_org_slug"],
    "source": ["x_source_system", "x_source_record_id", "x_provider_columns"],
    "lineage": ["x_pipeline_id", "x_credential_id", "x_pipeline_run_date", "x_run_id", "x_ingested_at"],
}
HIERARCHY = [f"x_hierarchy_{level}_{part}" for level in ("dept", "project", "team") for part in ("id", "name")]
APPLIED_KEYS = [
    "ContractId",
    "ContractCommitmentId",
    "ContractCommitmentAppliedCost",
    "ContractCommitmentAppliedQuantity",
    "ContractCommitmentAppliedUnit",
]


def reference(name: str) -> list[dict[str, str]]:
    path = REFERENCE / name
    if not path.is_file():
        pytest.skip(f"the reference file {name} is not on this machine")
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def mandatory(dataset: str) -> set[str]:
    return {fact.column for fact in facts_of(dataset) if fact.level == "Mandatory" and not fact.allows_nulls}


def required(dataset: str) -> set[str]:
    return {column.name for column in table_of(dataset).columns if column.mode is Mode.REQUIRED}


def test_the_facts_are_those_of_the_specification_as_counted_by_its_authors() -> None:
    levels = {dataset: Counter(fact.level for fact in facts_of(dataset)) for dataset in DATASETS}
    assert levels == {
        COST_AND_USAGE: {"Mandatory": 23, "Conditional": 37, "Recommended": 5},
        CONTRACT_COMMITMENT: {"Mandatory": 13},
    }
    nullable = [fact.column for fact in facts_of(CONTRACT_COMMITMENT) if fact.allows_nulls]
    assert len(nullable) == 5


def test_the_facts_are_those_read_in_the_specification() -> None:
    read = [
        (row["dataset"], row["column"], row["focus_type"], row["allows_nulls"] == "TRUE", row["feature_level"])
        for row in reference("focus_1_3_columns.csv")
    ]
    assert [(fact.dataset, fact.column, fact.type, fact.allows_nulls, fact.level) for fact in read_facts()] == read


@pytest.mark.parametrize("dataset", DATASETS)
def test_a_table_has_the_specified_columns_first_and_then_its_own(dataset: str) -> None:
    names, specified = [column.name for column in table_of(dataset).columns], [f.column for f in facts_of(dataset)]
    assert names[: len(specified)] == specified
    assert [name for name in names[len(specified) :] if not name.startswith("x_")] == []


@pytest.mark.parametrize("dataset", DATASETS)
def test_a_column_has_the_specified_type(dataset: str) -> None:
    table = table_of(dataset)
    found = {fact.column: str(table.column(fact.column).type) for fact in facts_of(dataset)}  # type: ignore[union-attr]
    assert found == {fact.column: str(TYPES[fact.type]) for fact in facts_of(dataset)}


def test_a_charge_is_required_to_have_what_every_export_has() -> None:
    assert required(COST_AND_USAGE) == mandatory(COST_AND_USAGE) - NULLABLE_HERE.keys()
    assert NULLABLE_HERE.keys() <= mandatory(COST_AND_USAGE)


def test_a_commitment_is_required_to_have_what_the_specification_requires() -> None:
    assert required(CONTRACT_COMMITMENT) == mandatory(CONTRACT_COMMITMENT)


def test_the_host_and_the_pricing_currency_may_be_unknown() -> None:
    names = [fact.column for fact in facts_of(COST_AND_USAGE) if fact.column.startswith(("Host", "PricingCurrency"))]
    assert len(names) == 5
    assert required(COST_AND_USAGE).isdisjoint(names)


def test_the_reasons_for_nullable_columns_are_found_in_the_real_export() -> None:
    rows = read_rows(sample(REAL_1_0), table_of(COST_AND_USAGE), {"Id": "x_source_record_id"})
    full = {name for name in rows[0] if all(row[name] is not None for row in rows)}
    assert required(COST_AND_USAGE) <= full
    assert mandatory(COST_AND_USAGE) - full == {"ContractedCost", "ServiceProviderName"}


def test_the_reasons_for_nullable_columns_are_found_in_googles_export() -> None:
    google = {row["column"] for row in reference("raw_billing_columns.csv") if row["provider"] == "GCP_FOCUS_EXPORT"}
    assert required(COST_AND_USAGE) <= google
    absent = {name for name, reason in NULLABLE_HERE.items() if reason == _ABSENT_FROM_GOOGLE}
    assert mandatory(COST_AND_USAGE) - google == {*absent, "ServiceProviderName"}


@pytest.mark.parametrize("dataset", DATASETS)
def test_what_a_deployment_has_is_still_declared_and_no_column_of_ours_is_required(dataset: str) -> None:
    table = table_of(dataset)
    existing = [row["column"] for row in reference("existing_columns.csv") if row["table"] == TABLES[dataset]]
    assert existing
    assert [name for name in existing if table.column(name) is None] == []
    assert [name for name in required(dataset) if name.startswith("x_")] == []


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("question", OWN_COLUMNS)
def test_a_row_says_whose_it_is_and_where_it_comes_from(dataset: str, question: str) -> None:
    names = {column.name for column in table_of(dataset).columns}
    assert [name for name in OWN_COLUMNS[question] if name not in names] == []


def test_a_charge_is_allocated_to_the_hierarchy() -> None:
    names = {column.name for column in table_of(COST_AND_USAGE).columns}
    assert [name for name in HIERARCHY if name not in names] == []


def test_the_keys_of_applied_contracts_are_spelled_as_the_errata_spell_them() -> None:
    column = table_of(COST_AND_USAGE).column("ContractApplied")
    assert column is not None
    before, _, after = column.description.partition("; readers also accept ")
    assert [key for key in APPLIED_KEYS if key not in before.replace(",", " ").split()] == []
    assert "ContractID and ContractCommitmentID" in after
