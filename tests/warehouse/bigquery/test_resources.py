"""Declared objects to REST resources and back, through what BigQuery makes of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudact.catalog.model import (
    Column,
    Dataset,
    Granularity,
    Kind,
    Materialized,
    Mode,
    Partition,
    RangePartition,
    Table,
    TimePartition,
    Type,
    View,
)
from cloudact.warehouse.bigquery.resources import (
    Resource,
    column_from,
    column_metadata,
    dataset_from,
    dataset_metadata,
    dataset_resource,
    table_from,
    table_resource,
    view_from,
    view_resource,
)
from tests.bigquery_fake.rules import new_dataset
from tests.strategies import datasets, tables, views
from tests.warehouse.bigquery.answers import DATASET, PROJECT, live

REFERENCE = {"projectId": PROJECT, "datasetId": DATASET, "tableId": "t"}


def answered(**keys: object) -> Resource:
    """A table as BigQuery answers it, with one column and these keys."""
    return {
        "tableReference": REFERENCE,
        "schema": {"fields": [{"name": "a", "type": "DATE", "mode": "NULLABLE"}]},
        **keys,
    }


@given(tables())
def test_any_table_comes_back_as_declared(table: Table) -> None:
    assert table_from(live(table)) == table


@given(st.data())
def test_any_view_comes_back_as_declared(data: st.DataObject) -> None:
    view = data.draw(views(DATASET, data.draw(st.lists(tables(), max_size=1))))
    assert view_from(live(view)) == view


@given(datasets())
@settings(max_examples=30)
def test_any_dataset_comes_back_as_declared_less_what_it_holds(dataset: Dataset) -> None:
    resource = dataset_resource(PROJECT, dataset)
    new_dataset(resource)
    assert dataset_from(resource) == replace(dataset, tables=(), views=())


def test_the_names_that_the_service_gives_types_are_understood() -> None:
    kinds = {"INTEGER": Kind.INT64, "FLOAT": Kind.FLOAT64, "BOOLEAN": Kind.BOOL, "RECORD": Kind.RECORD}
    assert {name: column_from({"name": "a", "type": name}).type for name in kinds} == {
        name: Type(kind) for name, kind in kinds.items()
    }


@pytest.mark.parametrize("name", ["FOREIGN", "GRAPH_ELEMENT", "TOKENLIST"])
def test_a_type_that_nobody_can_declare_is_native(name: str) -> None:
    field = {"name": "a", "type": name, "mode": "REPEATED", "description": "d"}
    assert column_from(field) == Column("a", Type(Kind.NATIVE, native=name), Mode.REPEATED, "d")
    inside = column_from({"name": "r", "type": "RECORD", "fields": [field]})
    assert inside.fields[0].type == Type(Kind.NATIVE, native=name)


@pytest.mark.parametrize("precision", ["12", 12])
@pytest.mark.parametrize("mode", list(Mode))
def test_a_timestamp_of_twelve_digits_is_not_a_usual_one(precision: object, mode: Mode) -> None:
    found = column_from({"name": "a", "type": "TIMESTAMP", "mode": mode.value, "timestampPrecision": precision})
    assert found == Column("a", Type(Kind.NATIVE, native="TIMESTAMP(12)"), mode)


@pytest.mark.parametrize("precision", ["6", 6])
def test_a_timestamp_of_six_digits_is_a_usual_one(precision: object) -> None:
    assert column_from({"name": "a", "type": "TIMESTAMP", "timestampPrecision": precision}).type == Type(Kind.TIMESTAMP)


def test_a_field_that_says_little_is_nullable_and_plain() -> None:
    assert column_from({"name": "a", "type": "STRING"}) == Column("a", Type(Kind.STRING))


def test_everything_that_a_field_says_is_read() -> None:
    field = {
        "name": "a", "type": "NUMERIC", "mode": "REQUIRED", "description": "d", "precision": "10", "scale": "2",
        "defaultValueExpression": "1", "roundingMode": "ROUND_HALF_EVEN", "policyTags": {"names": ["projects/p/t"]},
        "dataPolicies": [{"name": "projects/p/d"}],
    }  # fmt: skip
    assert column_from(field) == Column(
        "a",
        Type(Kind.NUMERIC, 10, 2),
        Mode.REQUIRED,
        "d",
        "1",
        (),
        "",
        "ROUND_HALF_EVEN",
        ("projects/p/t",),
        ("projects/p/d",),
    )


@pytest.mark.parametrize(
    ("key", "value"), [("roundingMode", "ROUNDING_MODE_UNSPECIFIED"), ("policyTags", {}), ("dataPolicies", [])]
)
def test_what_a_field_leaves_unspecified_is_not_declared(key: str, value: object) -> None:
    assert column_from({"name": "a", "type": "NUMERIC", key: value}) == Column("a", Type(Kind.NUMERIC))


@pytest.mark.parametrize(("scale", "expected"), [({}, 0), ({"scale": "0"}, 0), ({"scale": "3"}, 3)])
def test_a_decimal_with_a_precision_has_a_scale(scale: Resource, expected: int) -> None:
    assert column_from({"name": "a", "type": "NUMERIC", "precision": "5", **scale}).type == Type(
        Kind.NUMERIC, 5, expected
    )


def test_only_what_can_be_set_later_is_metadata_of_a_column() -> None:
    column = Column(
        "a",
        Type(Kind.NUMERIC, 10, 2),
        Mode.REQUIRED,
        "d",
        "1",
        (),
        "",
        "ROUND_HALF_EVEN",
        ("projects/p/t",),
        ("projects/p/d",),
    )
    assert column_metadata(column) == {
        "description": "d",
        "defaultValueExpression": "1",
        "roundingMode": "ROUND_HALF_EVEN",
        "policyTags": {"names": ["projects/p/t"]},
        "dataPolicies": [{"name": "projects/p/d"}],
    }
    assert column_metadata(Column("a", Type(Kind.RECORD), fields=(column,))) == {}


PARTITIONS: tuple[tuple[Partition, Resource], ...] = (
    (TimePartition(Granularity.HOUR), {"timePartitioning": {"type": "HOUR"}}),
    (
        TimePartition(Granularity.DAY, "a", 0.5, require_filter=True),
        {"timePartitioning": {"type": "DAY", "field": "a", "expirationMs": "43200000"}, "requirePartitionFilter": True},
    ),
    (
        RangePartition("a", -5, 2**53 + 1, 1, require_filter=True),
        {
            "rangePartitioning": {"field": "a", "range": {"start": "-5", "end": "9007199254740993", "interval": "1"}},
            "requirePartitionFilter": True,
        },
    ),
)


@pytest.mark.parametrize(("partition", "keys"), PARTITIONS, ids=lambda value: type(value).__name__)
def test_partitioning_is_sent_with_its_numbers_as_text(partition: Partition, keys: Resource) -> None:
    sent = table_resource(PROJECT, DATASET, Table("t", (Column("a", Type(Kind.DATE)),), partition=partition))
    assert sent == answered(**keys)
    assert table_from(answered(**keys)).partition == partition


def test_what_is_not_declared_is_not_sent() -> None:
    assert table_resource(PROJECT, DATASET, Table("t", (Column("a", Type(Kind.DATE)),))) == answered()
    assert dataset_resource(PROJECT, Dataset("d")) == {"datasetReference": {"projectId": PROJECT, "datasetId": "d"}}
    assert dataset_metadata(Dataset("d", location="EU")) == {}
    logical = {"tableReference": REFERENCE, "view": {"query": "SELECT 1", "useLegacySql": False}}
    assert view_resource(PROJECT, DATASET, View("t", "SELECT 1")) == logical
    materialized = {"tableReference": REFERENCE, "materializedView": {"query": "SELECT 1", "enableRefresh": True}}
    assert view_resource(PROJECT, DATASET, View("t", "SELECT 1", materialized=Materialized.OWN)) == materialized


def test_what_no_catalog_declares_makes_no_difference() -> None:
    unknown = {
        "etag": "x",
        "numRows": "7",
        "expirationTime": "1900000000000",
        "friendlyName": "T",
        "maxStaleness": "0-0 0 4:0:0",
        "streamingBuffer": {"estimatedRows": "1"},
        "resourceTags": {"p/a": "b"},
        "encryptionConfiguration": {"kmsKeyName": "k"},
    }
    assert table_from(answered(**unknown)) == table_from(answered())


def test_a_resource_without_a_schema_is_a_table_without_columns() -> None:
    assert table_from({"tableReference": REFERENCE}) == Table("t", ())


def test_a_logical_view_has_no_layout_of_its_own() -> None:
    view = {"query": "SELECT a FROM t", "useLegacySql": False}
    resource = {"tableReference": REFERENCE, "type": "VIEW", "view": view, "clustering": {"fields": ["a"]}}
    assert view_from(resource) == View("t", "SELECT a FROM t")
