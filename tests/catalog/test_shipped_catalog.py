"""The catalog that ships: what it declares, and that it reads well."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from cloudact.catalog.load import CatalogSource, load_dataset
from cloudact.catalog.model import Column, Granularity, Kind, Materialized, Mode, Table, TimePartition, Type
from cloudact.catalog.template import DatasetTemplate
from tests.acme import ROOT

CATALOG = CatalogSource(ROOT / "configs").load()
TEMPLATE = load_dataset(ROOT / "ps_templates", "setup/initial")
CENTRAL_TABLES = [
    "org_profiles", "org_api_keys", "org_subscriptions", "org_usage_quotas", "org_integration_credentials",
    "org_pipeline_configs", "org_scheduled_pipeline_runs", "org_pipeline_execution_queue", "org_meta_pipeline_runs",
    "org_meta_step_logs", "org_meta_state_transitions", "org_meta_dq_results", "org_audit_logs", "org_cost_tracking",
    "org_idempotency_keys", "org_notification_channels", "org_notification_rules", "org_notification_summaries",
    "org_notification_history", "org_hierarchy",
]  # fmt: skip
ORGANIZATION_TABLES = [
    "subscription_plans", "subscription_plan_costs_daily", "cost_data_standard_1_3", "contract_commitment_1_3",
    "genai_payg_pricing", "genai_payg_usage_raw", "genai_payg_costs_daily", "genai_commitment_pricing",
    "genai_commitment_usage_raw", "genai_commitment_costs_daily", "genai_infrastructure_pricing",
    "genai_infrastructure_usage_raw", "genai_infrastructure_costs_daily", "genai_usage_daily_unified",
    "genai_costs_daily_unified", "cloud_gcp_billing_raw_daily", "cloud_aws_billing_raw_daily",
    "cloud_azure_billing_raw_daily", "cloud_oci_billing_raw_daily",
]  # fmt: skip
VIEWS = {
    "x_pipeline_exec_logs": "org_meta_pipeline_runs",
    "x_all_notifications": "org_notification_history",
    "x_notification_stats": "org_notification_history",
    "x_org_hierarchy": "org_hierarchy",
}
BY_DAY = Granularity.DAY
TEMPLATE_LAYOUT = {
    "tenant_profiles": (None, ()),
    "tenant_api_keys": (None, ()),
    "tenant_subscriptions": (None, ()),
    "tenant_usage_quotas": (TimePartition(BY_DAY, "usage_date"), ("tenant_id", "usage_date")),
    "tenant_cloud_credentials": (None, ()),
    "tenant_pipeline_configs": (None, ()),
    "scheduled_pipeline_runs": (TimePartition(BY_DAY, "scheduled_time"), ("tenant_id", "state", "config_id")),
    "pipeline_execution_queue": (TimePartition(BY_DAY, "scheduled_time"), ("state", "priority", "tenant_id")),
}
DATASETS = [CATALOG.central, CATALOG.organization, TEMPLATE]
TABLES = [table for dataset in DATASETS for table in dataset.tables]
MONEY = {"cost", "price", "rate", "usd", "amount", "savings", "credits"}
SENTENCE_ENDS_WITHIN = re.compile(r"[.!?]\s+[A-Z]|\n")


def organization_table(name: str) -> Table:
    found = CATALOG.organization_dataset("acme").table(name)
    assert found is not None
    return found


def words(name: str) -> list[str]:
    """Return the words of a name in snake or camel case, in lower case."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().split("_")


def test_the_central_dataset_has_its_twenty_tables() -> None:
    assert (len(CENTRAL_TABLES), CATALOG.central_name) == (20, "organizations")
    assert [table.name for table in CATALOG.central.tables] == CENTRAL_TABLES
    assert CATALOG.central.views == ()


def test_an_organization_gets_its_nineteen_tables() -> None:
    assert (len(ORGANIZATION_TABLES), CATALOG.organization_dataset_name("acme_corp")) == (19, "acme_corp_prod")
    assert [table.name for table in CATALOG.organization.tables] == ORGANIZATION_TABLES


def test_an_organization_gets_its_four_views_of_central_tables() -> None:
    read = {item.view.name: item.query.tables for item in CATALOG.organization.views}
    assert read == {view: (("{organizations}", table),) for view, table in VIEWS.items()}


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_is_kept_fresh_for_all_and_clustered_by_organization(name: str) -> None:
    view = CATALOG.organization_dataset("acme").view(name)
    assert view is not None
    assert (view.materialized, view.refresh_interval_minutes) == (Materialized.SHARED, 15)
    assert view.clustering[0] == "org_slug"
    assert "org_slug = 'acme'" in view.query


@pytest.mark.parametrize("template", DATASETS, ids=lambda item: item.name)
def test_datasets_tables_and_views_are_described(template: DatasetTemplate) -> None:
    views = [item.view for item in template.views]
    undescribed = [item.name for item in (template, *template.tables, *views) if not item.description.endswith(".")]
    assert undescribed == []


def test_every_column_is_described_in_one_sentence() -> None:
    texts = {(table.name, *path): column.description for table in TABLES for path, column in table.walk()}
    assert [path for path, text in texts.items() if not text.endswith(".") or SENTENCE_ENDS_WITHIN.search(text)] == []


def test_no_two_columns_of_a_table_are_described_alike() -> None:
    # A name may be declared by several datasets, so that a table is told by its place among them all.
    counted = Counter(
        (number, table.name, column.description) for number, table in enumerate(TABLES) for _, column in table.walk()
    )
    assert [text for text, count in counted.items() if count > 1] == []


def test_money_is_exact() -> None:
    columns = {f"{table.name}.{'.'.join(path)}": column for table in TABLES for path, column in table.walk()}
    amounts = {path for path, column in columns.items() if words(column.name)[-1] in MONEY and is_number(column)}
    assert [path for path in amounts if columns[path].type.kind not in {Kind.NUMERIC, Kind.BIGNUMERIC}] == []
    about_money = {path for path, column in columns.items() if MONEY & set(words(column.name)) or "_per_1m" in path}
    shares = {path for path in about_money if path.endswith("_pct")}
    assert [path for path in about_money - shares if columns[path].type.kind is Kind.FLOAT64] == []


def is_number(column: Column) -> bool:
    return column.type.kind in {Kind.INT64, Kind.FLOAT64, Kind.NUMERIC, Kind.BIGNUMERIC}


def decimals(table: Table) -> dict[str, Type]:
    return {
        f"{table.name}.{'.'.join(path)}": column.type
        for path, column in table.walk()
        if column.type.kind in {Kind.NUMERIC, Kind.BIGNUMERIC}
    }


def test_metered_money_keeps_all_its_digits() -> None:
    types = {name: type_ for table in TABLES for name, type_ in decimals(table).items()}
    limited = {name: str(type_) for name, type_ in types.items() if type_.precision is not None}
    assert limited == {"cloud_gcp_billing_raw_daily.usage_amount": "BIGNUMERIC(38, 9)"}
    agreed = {name.split(".")[0] for name, type_ in types.items() if type_.kind is Kind.NUMERIC}
    assert agreed == {"org_cost_tracking", "subscription_plans", "subscription_plan_costs_daily"}


def test_every_row_of_a_central_table_belongs_to_an_organization() -> None:
    slugs = {table.name: table.column("org_slug") for table in CATALOG.central.tables}
    assert [name for name, column in slugs.items() if column is None or column.mode is not Mode.REQUIRED] == []


def test_the_template_declares_the_eight_tenant_tables_with_their_layout() -> None:
    assert (TEMPLATE.name, TEMPLATE.location, TEMPLATE.views) == ("tenants", "US", ())
    assert {table.name: (table.partition, table.clustering) for table in TEMPLATE.tables} == TEMPLATE_LAYOUT


def test_every_row_of_a_tenant_table_belongs_to_a_tenant() -> None:
    slugs = {table.name: table.column("tenant_id") for table in TEMPLATE.tables}
    assert [name for name, column in slugs.items() if column is None or column.mode is not Mode.REQUIRED] == []
