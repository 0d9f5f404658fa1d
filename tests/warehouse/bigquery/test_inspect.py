"""What one query tells about a dataset, and what is asked for because the query did not tell it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from sqlglot import exp, parse_one

from cloudact.catalog.model import Column, Dataset, Kind, Materialized, Table, Type, View
from cloudact.warehouse.bigquery.inspect import Inspector, introspection, read_dataset, relation_from
from cloudact.warehouse.bigquery.resources import dataset_resource
from cloudact.warehouse.bigquery.transport.client import Answer
from tests.bigquery_fake.googlesql import string_literal
from tests.strategies import datasets
from tests.warehouse.bigquery.answers import PROJECT, live
from tests.warehouse.bigquery.stub_client import StubClient


@given(datasets())
@settings(max_examples=30)
def test_any_dataset_is_read_from_its_options(dataset: Dataset) -> None:
    options = {"default_table_expiration_days": "30.0"}
    if dataset.description:
        options["description"] = string_literal(dataset.description)
    if dataset.labels:
        pairs = (f"STRUCT({string_literal(key)}, {string_literal(value)})" for key, value in dataset.labels)
        options["labels"] = f"[{', '.join(pairs)}]"
    expected = Dataset(dataset.name, (), (), dataset.location, dataset.description, dataset.labels)
    assert read_dataset(dataset.name, dataset.location, options) == expected


UNREADABLE = {
    "a description in three quotes": {"description": '"""it\'s"""'},
    "a description without a value": {"description": "NULL"},
    "a label that is no pair": {"labels": '["ab"]'},
    "text without an end": {"description": '"d'},
}


@pytest.mark.parametrize("option", UNREADABLE.values(), ids=UNREADABLE)
def test_a_dataset_whose_options_cannot_be_read_is_not_read_at_all(option: dict[str, str]) -> None:
    options = {"description": '"d"', "labels": '[("a", "b")]'}
    assert read_dataset("shop", "EU", options) == Dataset("shop", (), (), "EU", "d", (("a", "b"),))
    assert read_dataset("shop", "EU", options | option) is None


SHOP = Dataset("shop", (), (), "EU", "d", (("a", "b"),))
OPTIONS = {"description": '"d"', "labels": '[("a", "b")]'}


def client_of(options: Mapping[str, str], *live_datasets: Dataset) -> StubClient:
    """A client whose INFORMATION_SCHEMA has a dataset with these options, and whose datasets are these."""
    rows = (("dataset", "shop", "EU", ""), *(("option", name, "", value) for name, value in options.items()))
    client = StubClient()
    client.answers = [Answer((), rows, 0)]
    client.datasets = {item.name: dataset_resource(PROJECT, item) for item in live_datasets}
    return client


def test_a_dataset_whose_options_can_be_read_is_not_asked_for() -> None:
    client = client_of(OPTIONS)
    assert Inspector(client).dataset("shop", SHOP) == SHOP
    assert client.looked_up == []


@pytest.mark.parametrize("option", UNREADABLE.values(), ids=UNREADABLE)
def test_a_dataset_whose_options_cannot_be_read_is_asked_for_once(option: dict[str, str]) -> None:
    client = client_of(OPTIONS | option, Dataset("shop", (), (), "EU", "it's", (("a", "c"),)))
    assert Inspector(client).dataset("shop", SHOP) == Dataset("shop", (), (), "EU", "it's", (("a", "c"),))
    assert client.looked_up == ["shop"]


def test_a_dataset_whose_options_cannot_be_read_and_that_is_gone_is_not_there() -> None:
    assert Inspector(client_of(OPTIONS | {"labels": "NULL"})).dataset("shop", SHOP) is None


def test_a_dataset_that_looks_different_is_asked_for_again() -> None:
    client = client_of(OPTIONS | {"description": '"old"'}, SHOP)
    assert Inspector(client).dataset("shop", SHOP) == SHOP
    assert client.looked_up == ["shop"]


@pytest.mark.parametrize(
    "relation",
    [
        Table("t", (Column("a", Type(Kind.INT64)),)),
        View("v", "SELECT 1 AS a"),
        View("m", "SELECT a FROM t", materialized=Materialized.OWN, refresh_interval_minutes=15),
    ],
    ids=lambda relation: relation.name,
)
def test_a_resource_says_whether_it_is_a_table_or_a_view(relation: Table | View) -> None:
    assert relation_from(live(relation)) == relation


def test_a_dataset_is_asked_for_in_one_query_of_its_region() -> None:
    tree = parse_one(introspection("acme-analytics", "select", "europe-West1"), dialect="bigquery")
    assert {tuple(part.name for part in table.parts) for table in tree.find_all(exp.Table)} == {
        ("acme-analytics", "region-europe-west1", "INFORMATION_SCHEMA.SCHEMATA"),
        ("acme-analytics", "region-europe-west1", "INFORMATION_SCHEMA.SCHEMATA_OPTIONS"),
        ("acme-analytics", "select", "INFORMATION_SCHEMA.TABLES"),
    }
    assert len({len(select.expressions) for select in tree.find_all(exp.Select)}) == 1
    assert {mark.name for mark in tree.find_all(exp.Parameter)} == {"dataset"}
