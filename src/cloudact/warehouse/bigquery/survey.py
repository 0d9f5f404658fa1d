"""Everything about a live dataset: one query for the names in it, and tables.get for each of them.

INFORMATION_SCHEMA keeps silent about policy tags and about what a declaration has no place for, so nothing but names
is taken from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from cloudact.catalog.model import Dataset, Table, View
from cloudact.catalog.write.query import Unwritable, localize, parse_query
from cloudact.errors import Problem
from cloudact.warehouse.bigquery.inspect import relation_from
from cloudact.warehouse.bigquery.resources import Resource, dataset_from
from cloudact.warehouse.bigquery.statements.rows import quote
from cloudact.warehouse.bigquery.transport.client import BigQueryClient, Statement
from cloudact.warehouse.bigquery.transport.concurrently import concurrently
from cloudact.warehouse.driver import Survey

_NAMES = "SELECT table_name FROM {scope}.INFORMATION_SCHEMA.TABLES ORDER BY table_name"
# What a table or view may have that no declaration says; a sync never touches it.
_BEYOND: Mapping[str, str] = {
    "tableConstraints": "primary and foreign keys",
    "expirationTime": "a time at which it deletes itself",
    "encryptionConfiguration": "an encryption key of its own",
    "maxStaleness": "a maximum staleness",
    "resourceTags": "resource tags",
}
_BEYOND_DATASET: Mapping[str, str] = {
    "defaultTableExpirationMs": "a default expiration of tables",
    "defaultPartitionExpirationMs": "a default expiration of partitions",
    "defaultEncryptionConfiguration": "a default encryption key",
    "defaultCollation": "a default collation",
    "maxTimeTravelHours": "a time travel window",
}
_LEGACY = Problem("", "", "is written in legacy SQL", "rewrite it in GoogleSQL, or keep it outside the catalog")


def survey(client: BigQueryClient, name: str) -> Survey | None:
    """Return what there is to know of a dataset, see `Session.survey`."""
    resource = client.get_dataset(name)
    if resource is None:
        return None
    query = Statement(_NAMES.format(scope=quote(client.project, name)))
    names = [str(row[0]) for row in client.query(query, resource["location"]).rows]
    found = concurrently(lambda table: client.get_table(name, table), names)
    resources = {table: item for table, item in zip(names, found, strict=True) if item is not None}
    relations = {table: relation_from(item) for table, item in resources.items()}
    legacy = [table for table, item in resources.items() if item.get("view", {}).get("useLegacySql")]
    views = (item for item in relations.values() if isinstance(item, View) and item.name not in legacy)
    dataset = replace(
        dataset_from(resource),
        tables=tuple(item for item in relations.values() if isinstance(item, Table)),
        views=tuple(_localized(view, name, relations, client.project) for view in views),
    )
    unsupported = tuple(replace(_LEGACY, where=f"{name}.{table}") for table in legacy)
    return Survey(dataset, unsupported, tuple(_notes(dataset, resource, resources)))


def _localized(view: View, dataset: str, relations: Mapping[str, object], project: str) -> View:
    """A query that names the project, or a table without its dataset, is written anew; any other one is kept."""
    try:
        tree = parse_query(view.query)
    except Unwritable:
        return view  # whoever needs the query says why it cannot be read
    before = tree.sql(dialect="bigquery")
    localize(tree, dataset, relations.keys(), project)
    after = tree.sql(dialect="bigquery")
    return view if after == before else replace(view, query=after)


def _notes(dataset: Dataset, resource: Resource, resources: Mapping[str, Resource]) -> Iterator[str]:
    for what in _kept(resource, _BEYOND_DATASET):
        yield f"{dataset.name}: keeps {what}, which is not declared"
    for name, table in resources.items():
        if relation_from(table) is None:
            kind = str(table.get("type", "")).lower().replace("_", " ")
            yield f"{dataset.name}.{name}: is of the kind {kind}, which is not declared"
        for what in _kept(table, _BEYOND):
            yield f"{dataset.name}.{name}: keeps {what}, which is not declared"


def _kept(resource: Mapping[str, Any], beyond: Mapping[str, str]) -> list[str]:
    return [what for key, what in beyond.items() if resource.get(key)]
