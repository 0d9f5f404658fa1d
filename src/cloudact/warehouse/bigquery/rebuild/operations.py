"""Copies by copy jobs, digests by one query, rebuilt tables by one statement.

Source: BigQuery documentation, Managing tables, Copy a table; Job configuration; Data definition language.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Mapping
from dataclasses import replace

from cloudact.catalog.model import Table, Type
from cloudact.errors import WarehouseBusy, WarehouseNotFound, WarehouseRefused, WarehouseUnavailable
from cloudact.warehouse.bigquery.apply import EXPIRATIONS
from cloudact.warehouse.bigquery.inspect import relation_from
from cloudact.warehouse.bigquery.limits import views_on
from cloudact.warehouse.bigquery.rebuild import statements
from cloudact.warehouse.bigquery.resources import Resource
from cloudact.warehouse.bigquery.transport.client import BigQueryClient
from cloudact.warehouse.driver import Digest, TableName
from cloudact.warehouse.rebuild import pairs, refusal

_ATTEMPTS = 3
# What a copy job is not documented to take along, beside the rows, the types and the layout.
_METADATA = ("schema", "description", "labels", "clustering", "timePartitioning", "requirePartitionFilter")
# Attributes of a table that this model has no place for, so that the statement does not carry them.
_NOT_CARRIED = (
    "encryptionConfiguration",
    "tableConstraints",
    "resourceTags",
    "friendlyName",
    "expirationTime",
    "maxStaleness",
    "defaultCollation",
    "defaultRoundingMode",
)


def copy_table(client: BigQueryClient, source: TableName, target: TableName, caller: str) -> None:
    """See `Session.copy_table`."""
    original, resource = _existing(client, source)
    _refuse_buffer(source, resource)
    found = client.get_table(target.dataset, target.table)
    if found is not None:
        if not _is_copy(client, source, target, found, resource):
            raise _not_a_copy(source, target)
    else:
        found = _copied(client, source, target, caller, resource)
    fields = {key: resource[key] for key in _METADATA if key in resource and resource[key] != found.get(key)}
    if fields:
        client.patch_table(found, fields)
        found = client.get_table(target.dataset, target.table)
    if found is None or relation_from(found) != replace(original, name=target.table):
        raise WarehouseBusy(f"{target}: another caller changed it while it was copied")


def digest(client: BigQueryClient, table: TableName, types: Mapping[str, Type]) -> Digest:
    """See `Session.digest`."""
    live, _ = _existing(client, table)
    location = str(_dataset(client, table)["location"])
    answer = client.query(statements.digest(client.project, table, live, types), location)
    ((rows, one, other),) = answer.rows
    return Digest(int(rows), f"{int(one):x}{int(other):+x}")


def replace_table(client: BigQueryClient, dataset: str, table: Table, *, keep_rows: bool) -> tuple[str, ...]:
    """See `Session.replace_table`."""
    name = TableName(dataset, table.name)
    live, resource = _existing(client, name)
    if keep_rows and live == table:
        return ()
    _refuse_buffer(name, resource)
    _refuse_protected(name, live, table)
    if lost := [key for key in _NOT_CARRIED if resource.get(key)]:
        raise WarehouseRefused(
            f"{name} has {' and '.join(lost)}, which it would not have once rebuilt",
            hint="Rebuild it by hand, or take that away first.",
        )
    location = _keeping(client, name)
    columns = pairs(dataset, live, table) if keep_rows else ()
    if keep_rows:
        query, risks = statements.losses(client.project, name, live, columns)
        counts = client.query(query, location).rows[0]
        lost = [f"{risk} in {count} rows" for risk, count in zip(risks, counts, strict=False) if count]
        if lost:
            raise refusal(str(name), lost)
    broken = views_on(client, name, location)
    client.alter_table(resource, statements.replace_table(client.project, name, live, table, columns), location)
    return broken


def _copied(client: BigQueryClient, source: TableName, target: TableName, caller: str, resource: Resource) -> Resource:
    """Copy by jobs whose ids follow from the names, so that a request sent again starts no other copy."""
    location = _keeping(client, target)
    key = json.dumps([client.project, source.dataset, source.table, target.dataset, target.table, location.lower()])
    stem = hashlib.sha256(key.encode()).hexdigest()[:40]
    failed = 0
    for number in itertools.count(1):
        end = client.copy_once(f"cloudact-copy-{stem}-{number}", source, target, caller, location)
        # A job of an earlier call that succeeded made a table that may be gone since.
        found = client.get_table(target.dataset, target.table)
        if found is not None:
            if end.failure is not None and not _is_copy(client, source, target, found, resource):
                raise _not_a_copy(source, target)
            return found
        if end.ours and end.failure is not None:
            failed += 1
            if failed == _ATTEMPTS or not isinstance(end.failure, WarehouseBusy | WarehouseUnavailable):
                raise end.failure
    raise AssertionError("numbers do not end")


def _is_copy(client: BigQueryClient, source: TableName, target: TableName, found: Resource, resource: Resource) -> bool:
    """Tell whether a table has the columns, the layout and the rows of another one."""
    one, other = relation_from(resource), relation_from(found)
    if not isinstance(one, Table) or not isinstance(other, Table) or _shape(one) != _shape(other):
        return False
    return digest(client, source, {}) == digest(client, target, {})


def _shape(table: Table) -> object:
    columns = [(path, column.type, column.mode) for path, column in table.walk()]
    return columns, table.partition, table.clustering


def _existing(client: BigQueryClient, name: TableName) -> tuple[Table, Resource]:
    resource = client.get_table(name.dataset, name.table)
    if resource is None:
        raise WarehouseNotFound(f"table {name} does not exist", hint="Sync the dataset that should hold it.")
    found = relation_from(resource)
    if not isinstance(found, Table):
        raise WarehouseRefused(f"{name} is of type {resource.get('type')}", hint="Only tables hold rows of their own.")
    return found, resource


def _dataset(client: BigQueryClient, name: TableName) -> Resource:
    found = client.get_dataset(name.dataset)
    if found is None:
        raise WarehouseNotFound(f"dataset {name.dataset} does not exist", hint="Create it first.")
    return found


def _keeping(client: BigQueryClient, name: TableName) -> str:
    """Return the location of a dataset in which a new table keeps its rows."""
    resource = _dataset(client, name)
    if named := [key for key in EXPIRATIONS if resource.get(key)]:
        raise WarehouseRefused(
            f"dataset {name.dataset} has {' and '.join(named)}: {name} would lose its rows",
            hint="Take it away: bq update --default_table_expiration 0 --default_partition_expiration 0 "
            f"{client.project}:{name.dataset}.",
        )
    return str(resource["location"])


def _refuse_buffer(name: TableName, resource: Resource) -> None:
    """Neither a copy job nor a query in place of a table is sure to see rows that are still in the buffer."""
    if buffer := resource.get("streamingBuffer"):
        raise WarehouseRefused(
            f"{name} has about {buffer.get('estimatedRows', 'some')} rows in its streaming buffer, which would be lost",
            hint="Stop streaming into it, and repeat the call when the buffer is written, up to 90 minutes later.",
        )


def _refuse_protected(name: TableName, live: Table, declared: Table) -> None:
    """The statement that makes a table cannot protect its columns, so for a moment everybody could read them."""
    every = [column for table in (live, declared) for _, column in table.walk()]
    protected = sorted({column.name for column in every if column.policy_tags or column.data_policies})
    if protected:
        raise WarehouseRefused(
            f"{name} has policy tags on {', '.join(protected)}, and would be readable without them once rebuilt",
            hint="Rebuild it by hand where nobody reads it, or take the tags away first.",
        )


def _not_a_copy(source: TableName, target: TableName) -> WarehouseRefused:
    return WarehouseRefused(
        f"{target} exists, and is not an exact copy of {source}", hint="Copy it to a name that is not taken."
    )
