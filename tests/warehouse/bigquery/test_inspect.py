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
from tests.warehouse.bigquery.answers import PROJECT, ddl_of, live
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


def rows_of(name: str, options: Mapping[str, str], *relations: Table | View) -> tuple[tuple[str, ...], ...]:
    """What INFORMATION_SCHEMA says of a dataset in the EU."""
    return (
        (name, "dataset", "", "EU", ""),
        *((name, "option", key, "", value) for key, value in options.items()),
        *(
            (name, "table", item.name, live(item)["type"].replace("TABLE", "BASE TABLE"), ddl_of(item))
            for item in relations
        ),
    )


def client_of(options: Mapping[str, str], *live_datasets: Dataset) -> StubClient:
    """A client whose INFORMATION_SCHEMA has a dataset with these options, and whose datasets are these."""
    client = StubClient()
    client.answers = [Answer((), rows_of("shop", options), 0)]
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


NOTES = Table("notes", (Column("a", Type(Kind.INT64)),))
ALL_NOTES = View("all_notes", "SELECT a FROM `shop`.notes")


def test_many_datasets_are_read_in_one_query() -> None:
    client = StubClient()
    one, two = rows_of("one", OPTIONS, NOTES, ALL_NOTES), rows_of("two", {})
    # What is mixed up, and left of a dataset that is gone, as region-wide views have it.
    ghost = rows_of("gone", OPTIONS, NOTES)[1:]
    client.answers = [Answer((), (*one[::-1], *ghost, *two), 0)]
    found = Inspector(client).datasets(["two", "one", "gone", "nowhere"], "EU")
    assert found == {
        "one": Dataset("one", (NOTES,), (ALL_NOTES,), "EU", "d", (("a", "b"),)),
        "two": Dataset("two", location="EU"),
    }
    ((statement, location),) = client.statements
    assert statement.text == introspection(PROJECT, "EU")
    assert [item["value"] for item in statement.parameters[0].value["arrayValues"]] == ["gone", "nowhere", "one", "two"]
    assert location == "EU"
    assert client.looked_up == []


def test_a_table_among_many_datasets_that_cannot_be_read_is_asked_for() -> None:
    client = StubClient()
    unread = (("one", "table", "notes", "BASE TABLE", "CREATE TABLE `p.one.notes` (a GRAPH);"),)
    gone = (("two", "table", "notes", "BASE TABLE", None),)
    client.answers = [Answer((), (*rows_of("one", {}), *unread, *rows_of("two", {}), *gone), 0)]
    client.tables["one.notes"] = live(NOTES)
    found = Inspector(client).datasets(["one", "two"], "EU")
    assert found == {"one": Dataset("one", (NOTES,), location="EU"), "two": Dataset("two", location="EU")}
    assert client.looked_up == ["one.notes", "two.notes"]


def test_a_dataset_among_many_whose_options_cannot_be_read_is_asked_for() -> None:
    client = client_of(OPTIONS | {"description": "NULL"}, SHOP)
    assert Inspector(client).datasets(["shop"], "EU") == {"shop": SHOP}


@pytest.mark.parametrize(
    ("dataset", "scope"), [("select", "select"), ("", "region-europe-west1")], ids=["one dataset", "a region"]
)
def test_datasets_are_asked_for_in_one_query_of_their_region(dataset: str, scope: str) -> None:
    tree = parse_one(introspection("acme-analytics", "europe-West1", dataset), dialect="bigquery")
    assert {tuple(part.name for part in table.parts) for table in tree.find_all(exp.Table)} == {
        ("acme-analytics", "region-europe-west1", "INFORMATION_SCHEMA.SCHEMATA"),
        ("acme-analytics", "region-europe-west1", "INFORMATION_SCHEMA.SCHEMATA_OPTIONS"),
        ("acme-analytics", scope, "INFORMATION_SCHEMA.TABLES"),
    }
    assert len({len(select.expressions) for select in tree.find_all(exp.Select)}) == 1
    assert {mark.name for mark in tree.find_all(exp.Parameter)} == {"datasets"}
