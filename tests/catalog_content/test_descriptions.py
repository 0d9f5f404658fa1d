"""What schema files say of their columns: names that lead somewhere, values that are complete, times in UTC."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from cloudact.catalog.load import CatalogSource, load_dataset
from cloudact.catalog.model import Column, Kind, Mode, Table
from cloudact.catalog.template import DatasetTemplate
from cloudact.tenancy.access.scopes import DEFAULT_SCOPES, Scope
from cloudact.tenancy.store import ACTIVE, PROVISIONING
from tests.acme import ROOT

CATALOG = CatalogSource(ROOT / "configs").load()
TENANTS = load_dataset(ROOT / "ps_templates", "setup/initial")
DATASETS = [CATALOG.central, CATALOG.organization, TENANTS]
EVERY_DATASET = pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset.name)
# Exports and specifications of others keep the values, and the types of times, that their authors chose.
FOREIGN = ("cloud_", "cost_data_standard_", "contract_commitment_")
OWN = [table for dataset in DATASETS for table in dataset.tables if not table.name.startswith(FOREIGN)]
GENAI = [table for table in OWN if table.name.startswith("genai_")]

_DOTTED = re.compile(r"\b[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
_NAME = re.compile(r"\b(?:org|genai|subscription|tenant|x)_[a-z0-9_]+\b")
_CAPITALS = re.compile(r"\b[A-Z][A-Z0-9_]*[A-Z0-9]\b")
_NOT_VALUES = {"NULL", "TRUE", "FALSE", "JSON", "UTC", "USD", "ISO", "IANA", "HTTP", "API", "YAML", "UUID"}

# Columns with a closed set of values end in one of these words.
_ENUMERATED = {
    "status", "state", "type", "action", "priority", "category", "unit", "method", "cycle", "tier", "period", "meter",
    "sections", "model",
}  # fmt: skip
# These end alike, and their values are the provider's, the vendor's or the organization's own.
_OPEN = {"step_type", "category", "payment_method", "model", "instance_type", "gpu_type"}
# Identifiers that join to no table here: who they belong to.
_ELSEWHERE = {
    "user_id": "identified by the calling application",
    "created_by_user_id": "identified by the calling application",
    "updated_by_user_id": "identified by the calling application",
    "owner_id": "identified by the calling application",
    "request_id": "service logs",
    "pipeline_id": "pipeline's YAML definition",
    "resource_id": "in the column that resource_type tells",
    "entity_id": "chosen by the organization",
    "pricing_id": "Vendor's",
    "instance_id": "Vendor's",
}
# The table of runs that this one refers to is not in the dataset.
_ELSEWHERE_OF = {("scheduled_pipeline_runs", "pipeline_logging_id"): "pipeline run log"}


def known(dataset: DatasetTemplate) -> dict[str, set[str]]:
    """Return the columns of each table and view of a dataset."""
    views = {item.view.name: set(item.query.outputs) for item in dataset.views}
    return {table.name: {column.name for column in table.columns} for table in dataset.tables} | views


COLUMNS = {dataset.name: known(dataset) for dataset in DATASETS}


def texts(dataset: DatasetTemplate) -> Iterator[tuple[str, str]]:
    """Yield every description of a dataset, with where it is."""
    yield dataset.name, dataset.description
    for item in (*dataset.tables, *(template.view for template in dataset.views)):
        yield item.name, item.description
    for table in dataset.tables:
        yield from ((f"{table.name}.{'.'.join(path)}", column.description) for path, column in table.walk())


def leads_somewhere(phrase: str, dataset: DatasetTemplate) -> bool | None:
    """Tell whether `[dataset.]table[.column]` names what is declared; None for a phrase that names no table.

    A name without a dataset is of the same dataset, or of the central one.
    """
    first, *rest = phrase.split(".")
    if first in COLUMNS:
        tables, table, column = COLUMNS[first], *rest[:2], *[""] * (2 - len(rest))
        return len(rest) <= 2 and table in tables and (not column or column in tables[table])
    for name in (dataset.name, CATALOG.central_name):
        if first in COLUMNS[name]:
            return len(rest) == 1 and rest[0] in COLUMNS[name][first]
    return False if any(first in tables for tables in COLUMNS.values()) else None


@EVERY_DATASET
def test_every_column_named_with_its_table_is_declared(dataset: DatasetTemplate) -> None:
    named = [(where, phrase) for where, text in texts(dataset) for phrase in _DOTTED.findall(text)]
    assert [found for found in named if leads_somewhere(found[1], dataset) is False] == []
    assert any(leads_somewhere(phrase, dataset) for _, phrase in named)


@EVERY_DATASET
def test_what_a_column_joins_to_is_a_declared_column(dataset: DatasetTemplate) -> None:
    joins = [(where, joined) for where, text in texts(dataset) for joined in re.findall(r"joins to ([\w.]*\w)", text)]
    assert joins
    assert [found for found in joins if "." not in found[1] or not leads_somewhere(found[1], dataset)] == []


@EVERY_DATASET
def test_tables_and_columns_named_alone_are_declared_somewhere(dataset: DatasetTemplate) -> None:
    tables = {name for columns in COLUMNS.values() for name in columns}
    fields = {field for columns in COLUMNS.values() for found in columns.values() for field in found}
    allowed = tables | fields | {"subscription_proration"}
    named = [(where, name) for where, text in texts(dataset) for name in _NAME.findall(text)]
    # A name that ends in _ stands for every name that begins so.
    assert [found for found in named if found[1] not in allowed and not found[1].endswith("_")] == []


def test_no_table_of_an_organization_has_the_name_of_a_central_one() -> None:
    assert set(COLUMNS[CATALOG.central.name]) & set(COLUMNS[CATALOG.organization.name]) == set()


def test_a_column_with_a_closed_set_of_values_names_them_all_in_capitals() -> None:
    found = {(table.name, *path): column for table in OWN for path, column in table.walk() if is_enumerated(column)}
    assert [path for path, column in found.items() if len(values(column)) < 2] == []
    # Words for an example: what follows them is no complete list.
    example = re.compile(r"(such as|for example) [A-Z]")
    assert [path for path, column in found.items() if example.search(column.description)] == []


def is_enumerated(column: Column) -> bool:
    last = column.name.split("_")[-1]
    return column.type.kind is Kind.STRING and last in _ENUMERATED and column.name not in _OPEN


def values(column: Column) -> set[str]:
    """Return the values that a description names."""
    return set(_CAPITALS.findall(column.description)) - _NOT_VALUES


def column(dataset: DatasetTemplate, table: str, name: str) -> Column:
    found = next(item for item in dataset.tables if item.name == table).column(name)
    assert found is not None
    return found


def test_the_values_named_are_those_that_the_service_writes() -> None:
    assert {PROVISIONING, ACTIVE} <= values(column(CATALOG.central, "org_profiles", "status"))
    assert ACTIVE in values(column(CATALOG.central, "org_subscriptions", "status"))
    others = [scope for scope in Scope if scope not in DEFAULT_SCOPES]
    for dataset, table, more in ((CATALOG.central, "org_api_keys", others), (TENANTS, "tenant_api_keys", [])):
        scopes = re.findall(r"\b[a-z]+:[a-z]+\b", column(dataset, table, "scopes").description)
        assert [*dict.fromkeys(scopes)] == ["resource:verb", *DEFAULT_SCOPES, *more]


def test_states_of_runs_are_the_same_everywhere() -> None:
    found = {
        f"{table.name}.{item.name}": values(item)
        for dataset in DATASETS
        for table in dataset.tables
        for item in table.columns
        if "TIMED_OUT" in item.description and item.type.kind is Kind.STRING
    }
    assert len(found) == 10
    assert len({frozenset(states) for states in found.values()}) == 1, found


def test_an_identifier_tells_what_it_joins_to_or_whose_it_is() -> None:
    columns = [(table, item) for table in OWN for item in table.columns if re.search(r"(^|_)ids?$", item.name)]
    silent = {
        (table.name, item.name): text
        for table, item in columns
        for name, text in [(item.name, item.description)]
        if "joins to" not in text
        and not text.startswith("Unique identifier")
        and (_ELSEWHERE_OF.get((table.name, name)) or _ELSEWHERE.get(name) or "?") not in text
    }
    assert silent == {}


@EVERY_DATASET
def test_times_are_timestamps_in_utc(dataset: DatasetTemplate) -> None:
    columns = [(table, path, item) for table in dataset.tables for path, item in table.walk()]
    assert [(table.name, path) for table, path, item in columns if item.type.kind is Kind.DATETIME] == []
    own = [entry for entry in columns if not entry[0].name.startswith(FOREIGN)]
    times = [entry for entry in own if entry[2].name.endswith(("_at", "_time"))]
    assert [(table.name, path) for table, path, item in times if item.type.kind is not Kind.TIMESTAMP] == []
    said = {Kind.TIMESTAMP: re.compile(r"\bUTC\b"), Kind.DATE: re.compile(r"\b([Dd]ay|date)\b")}
    timed = [(table.name, path, item) for table, path, item in own if item.type.kind in said]
    assert [(table, path) for table, path, item in timed if not said[item.type.kind].search(item.description)] == []


@pytest.mark.parametrize("table", GENAI, ids=lambda table: table.name)
def test_genai_money_is_a_decimal_without_a_limit_of_its_own(table: Table) -> None:
    money = re.compile(r"_usd$|_per_1m$|_rate$|rate_per_unit$|effective_rate_(in|out)put$")
    found = {".".join(path): item.type for path, item in table.walk() if money.search(item.name)}
    assert found or table.name.endswith(("usage_raw", "usage_daily_unified"))
    assert {path: str(type_) for path, type_ in found.items() if str(type_) != "BIGNUMERIC"} == {}


@EVERY_DATASET
def test_only_a_column_that_may_be_null_says_when_it_is(dataset: DatasetTemplate) -> None:
    said = re.compile(r"[;,] (?:and )?NULL (?:for|if|in|on|only|until|unless|when|where|while|without|except)\b")
    columns = [(f"{table.name}.{'.'.join(path)}", item) for table in dataset.tables for path, item in table.walk()]
    always = [name for name, item in columns if item.mode is not Mode.NULLABLE and said.search(item.description)]
    assert always == []
    assert any(said.search(item.description) for _, item in columns)
