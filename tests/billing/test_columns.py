"""Every column of the providers' current exports has a home that holds its values."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from cloudact.catalog.exports import Export, Home
from cloudact.catalog.model import Kind, Mode
from tests.billing.loading import LINEAGE
from tests.billing.shipped import CATALOG, EXPORTS, read_csv

COLUMNS = "raw_billing_columns.csv"
EXPORT_OF = {
    "GCP": "gcp_detailed",
    "GCP_FOCUS_EXPORT": "gcp_focus",
    "AWS": "aws_cur_2_0",
    "AZURE_EA": "azure_ea",
    "AZURE_MCA": "azure_mca",
    "OCI": "oci_cost_report",
}
HOLDS = {
    "string": Kind.STRING,
    "boolean": Kind.BOOL,
    "float": Kind.BIGNUMERIC,
    "double": Kind.BIGNUMERIC,
    "decimal": Kind.BIGNUMERIC,
    "numeric": Kind.BIGNUMERIC,
    "timestamp": Kind.TIMESTAMP,
    "date": Kind.DATE,
    "map<string,string>": Kind.JSON,
    "map<string,double>": Kind.JSON,
    "record": Kind.RECORD,
}
# What is more than its type in the export says: text that is a number or an object, times that are midnights.
MEANT = {
    ("string", "line_item_unblended_rate"): Kind.BIGNUMERIC,
    ("string", "line_item_blended_rate"): Kind.BIGNUMERIC,
    ("string", "line_item_net_unblended_rate"): Kind.BIGNUMERIC,
    ("string", "pricing_public_on_demand_rate"): Kind.BIGNUMERIC,
    ("string", "tags"): Kind.JSON,
    ("string", "additionalinfo"): Kind.JSON,
    ("timestamp", "bill_billing_period_start_date"): Kind.DATE,
    ("timestamp", "bill_billing_period_end_date"): Kind.DATE,
}
FILES = {
    "data/raw_aws_legacy_cur_anonymised.csv": ("aws_cur_legacy", 94),
    "data/raw_azure_ea_anonymised.csv": ("azure_ea", 55),
    "data/raw_oci_cost_report_redacted.csv": ("oci_cost_report", 33),
    "data/focus_1_0_real_anonymised_1000.csv": ("focus_cost_and_usage", 44),
    "data/focus_1_3_synthetic_cost_and_usage_gcp.csv": ("focus_cost_and_usage", 65),
    "data/focus_1_3_synthetic_contract_commitment_gcp.csv": ("focus_contract_commitment", 13),
}


# What a loader adds to every line.
ADDED = {"org_slug", "provider", "usage_date", "ingestion_date", "ingestion_timestamp", *LINEAGE}


def homeless(export: Export, source: str, type_: str, mode: str) -> str:
    """Return why a column of an export has no home that holds it, or nothing."""
    home = export.home_of(source)
    if home is None:
        return "has no home"
    column = export.column_at(home)
    wanted = MEANT.get((type_.lower(), source.casefold()), HOLDS[type_.lower()])
    if home.key is not None:
        wanted = Kind.JSON
    elif (column.mode is Mode.REPEATED) != (mode == "REPEATED"):
        return f"is {mode}, and {home} is {column.mode}"
    return "" if column.type.kind is wanted else f"is {type_}, and {home} is {column.type}"


@pytest.mark.parametrize("provider", EXPORT_OF)
def test_every_column_of_an_export_has_a_home_that_holds_it(provider: str) -> None:
    export = EXPORTS[EXPORT_OF[provider]]
    columns = [row for row in read_csv(COLUMNS) if row["provider"] == provider]
    assert columns
    # A record that is not repeated is taken apart: its fields have homes of their own.
    taken_apart = {row["column"] for row in columns if (row["type"], row["mode"]) == ("RECORD", "NULLABLE")}
    if export.others:
        taken_apart = set()
    found = {
        row["column"]: homeless(export, row["column"], row["type"], row["mode"])
        for row in columns
        if row["column"] not in taken_apart
    }
    assert {column: reason for column, reason in found.items() if reason} == {}


@pytest.mark.parametrize("provider", EXPORT_OF)
def test_no_two_columns_of_an_export_share_a_home(provider: str) -> None:
    export = EXPORTS[EXPORT_OF[provider]]
    columns = [row["column"] for row in read_csv(COLUMNS) if row["provider"] == provider]
    homes = Counter(export.home_of(column) for column in columns if export.home_of(column))
    assert [str(home) for home, count in homes.items() if count > 1] == []


@pytest.mark.parametrize("file", FILES)
def test_every_column_of_a_sample_has_a_home_of_its_own(file: str) -> None:
    name, count = FILES[file]
    header = list(read_csv(file)[0])
    homes = {column: EXPORTS[name].home_of(column) for column in header}
    assert (len(header), len(set(homes.values()))) == (count, count)
    assert [column for column, home in homes.items() if home is None] == []


def bare(name: str) -> str:
    """Return a name as it is in every spelling: `lineItem/UsageType` is `line_item_usage_type` in CUR 2.0."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


@pytest.mark.parametrize("name", EXPORTS)
def test_a_column_lands_in_the_one_of_its_name_or_in_one_that_says_so(name: str) -> None:
    """What the catalog says of its columns is written apart from the export files: two columns cannot be swapped."""
    export = EXPORTS[name]
    said = {
        item.name: {bare(word) for word in re.findall(r"[\w/.]+", item.description)} for item in export.table.columns
    }
    homes = [*export.columns, *export.maps]
    elsewhere = {source: home for source, home in homes if bare(source) not in {bare(home), *said[home]}}
    assert elsewhere == ({"Id": "x_source_record_id"} if name == "focus_cost_and_usage" else {})


@pytest.mark.parametrize("provider", ["gcp", "aws", "azure", "oci"])
def test_a_column_that_no_export_fills_says_what_does(provider: str) -> None:
    exports = [item for item in EXPORTS.values() if item.table.name == f"cloud_{provider}_billing_raw_daily"]
    filled = {home for item in exports for _, home in (*item.columns, *item.maps)}
    silent = [
        column.name
        for column in exports[0].table.columns
        if column.name not in filled | ADDED
        and not re.search(r"^Derived: |[Tt]ext form|of the Usage API", column.description)
    ]
    assert silent == []


def test_the_providers_own_columns_of_a_focus_export_land_under_their_names() -> None:
    for name in ("gcp_focus", "focus_cost_and_usage", "focus_contract_commitment"):
        assert EXPORTS[name].home_of("x_Credits") == Home(("x_provider_columns",), "x_Credits")


@pytest.mark.parametrize("provider", ["gcp", "aws", "azure", "oci"])
def test_a_raw_billing_table_ends_with_its_lineage(provider: str) -> None:
    table = CATALOG.organization_dataset("acme").table(f"cloud_{provider}_billing_raw_daily")
    assert table is not None
    names = [column.name for column in table.columns]
    lineage = ["x_pipeline_id", "x_credential_id", "x_pipeline_run_date", "x_run_id", "x_ingested_at"]
    assert names[-5:] == lineage
    assert {column.mode for column in table.columns[-5:]} == {Mode.REQUIRED}


@pytest.mark.parametrize("provider", ["gcp", "aws", "azure", "oci"])
def test_columns_that_deployments_have_keep_their_order_and_new_ones_may_be_left_out(provider: str) -> None:
    name = f"cloud_{provider}_billing_raw_daily"
    table = CATALOG.organization_dataset("acme").table(name)
    assert table is not None
    deployed = {
        row["column"]: row["mode"]
        for row in read_csv("existing_columns.csv")
        if row["table"] == name and "." not in row["column"]
    }
    assert deployed
    columns = [column for column in table.columns if column.name in deployed]
    assert [column.name for column in columns] == [*deployed]
    stricter = [item.name for item in columns if item.mode is Mode.REQUIRED and deployed[item.name] != "REQUIRED"]
    assert stricter == []
    assert {column.mode for column in table.columns if column.name not in deployed} <= {Mode.NULLABLE, Mode.REPEATED}
