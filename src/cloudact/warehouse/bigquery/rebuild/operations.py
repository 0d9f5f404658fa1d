"""Copies by copy jobs, digests by one query, rebuilt tables by one statement.

Source: BigQuery documentation, Managing tables, Copy a table; Job configuration; Data definition language.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Collection, Mapping
from dataclasses import replace

from cloudact.catalog.model import Table, Type
from cloudact.errors import (
    WarehouseBusy,
    WarehouseDenied,
    WarehouseNotFound,
    WarehouseRefused,
    WarehouseUnavailable,
)
from cloudact.warehouse.bigquery.apply import EXPIRATIONS
from cloudact.warehouse.bigquery.inspect import relation_from
from cloudact.warehouse.bigquery.limits import views_on
from cloudact.warehouse.bigquery.rebuild import statements
from cloudact.warehouse.bigquery.resources import Resource, view_from
from cloudact.warehouse.bigquery.statements.ddl import replace_materialized_view
from cloudact.warehouse.bigquery.statements.rows import quote
from cloudact.warehouse.bigquery.transport.client import BigQueryClient, Statement
from cloudact.warehouse.driver import Digest, TableName
from cloudact.warehouse.rebuild import Pair, no_copy, pairs, refuse_losses

_ATTEMPTS = 3
# What of a resource is another one after its rows or its columns have changed.
_VERSION = ("etag", "lastModifiedTime", "numRows")
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
# The doctor does not ask for it, because nothing else does.
_NEEDS_DELETE = "Grant bigquery.tables.delete, which only the removal of tables needs, or remove the table by hand."


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
    location = str(_dataset(client, table.dataset)["location"])
    answer = client.query(statements.digest(client.project, table, live, types), location)
    ((rows, one, other),) = answer.rows
    return Digest(int(rows), f"{int(one):x}{int(other):+x}")


def check_replacement(client: BigQueryClient, dataset: str, table: Table, *, keep_rows: bool) -> None:
    """See `Session.check_replacement`."""
    name = TableName(dataset, table.name)
    live, resource = _existing(client, name)
    if not keep_rows or live != table:
        location = _replaceable(client, name, live, table, resource)
        if keep_rows:
            _kept_exactly(client, name, live, table, location)


def replace_table(client: BigQueryClient, dataset: str, table: Table) -> tuple[str, ...]:
    """See `Session.replace_table`."""
    name = TableName(dataset, table.name)
    live, resource = _existing(client, name)
    if live == table:
        return ()
    location = _replaceable(client, name, live, table, resource)
    columns = _kept_exactly(client, name, live, table, location)
    broken = views_on(client, [name], location)
    client.alter_table(resource, statements.replace_table(client.project, name, live, table, columns), location)
    return broken


def empty_table(client: BigQueryClient, dataset: str, table: Table, copy: TableName) -> tuple[str, ...]:
    """See `Session.empty_table`."""
    name = TableName(dataset, table.name)
    live, resource = _existing(client, name)
    location = _replaceable(client, name, live, table, resource)
    broken = views_on(client, [name], location)
    _insist(client, name, resource, copy)
    client.alter_table(resource, statements.replace_table(client.project, name, live, table, ()), location)
    return broken


def remove_table(client: BigQueryClient, name: TableName, copy: TableName) -> None:
    """See `Session.remove_table`."""
    _, resource = _existing(client, name)
    _insist(client, name, resource, copy)
    try:
        client.delete_table(resource)
    except WarehouseDenied as error:
        raise WarehouseDenied(error.message, hint=_NEEDS_DELETE) from error


def renew_views(client: BigQueryClient, dataset: str, tables: Collection[str]) -> tuple[str, ...]:
    """See `Session.renew_views`; those that can be renewed are, whatever becomes of the others."""
    location = str(_dataset(client, dataset)["location"])
    renewed, refused = [], []
    for view in views_on(client, [TableName(dataset, table) for table in tables], location):
        if _is_valid(client, view, location):
            continue
        try:
            _renew(client, view, location)
            renewed.append(view)
        except (WarehouseRefused, WarehouseNotFound) as error:
            refused.append(f"{view}: {error.message}")
    if refused:
        raise WarehouseRefused(
            f"materialized views are invalid, and cannot be made anew: {'; '.join(refused)}",
            hint="Declare each so that it reads columns that its table has, and sync; or drop it by hand.",
        )
    return tuple(renewed)


def _is_valid(client: BigQueryClient, view: str, location: str) -> bool:
    """Whether a view is valid shows only when it is read."""
    try:
        client.query(Statement(f"SELECT 1 FROM {quote(client.project, *view.split('.'))} LIMIT 0"), location)
    except (WarehouseRefused, WarehouseNotFound):
        return False
    return True


def _renew(client: BigQueryClient, view: str, location: str) -> None:
    dataset, _, name = view.partition(".")
    resource = client.get_table(dataset, name)
    if resource is not None:
        statement = replace_materialized_view(client.project, dataset, view_from(resource))
        client.alter_table(resource, statement, location)


def _replaceable(client: BigQueryClient, name: TableName, live: Table, table: Table, resource: Resource) -> str:
    """Return where another table can be put in the place of this one; raises WarehouseRefused when it cannot."""
    _refuse_buffer(name, resource)
    _refuse_protected(name, live, table)
    if lost := [key for key in _NOT_CARRIED if resource.get(key)]:
        raise WarehouseRefused(
            f"{name} has {' and '.join(lost)}, which it would not have once rebuilt",
            hint="Rebuild it by hand, or take that away first.",
        )
    return _keeping(client, name)


def _kept_exactly(
    client: BigQueryClient, name: TableName, live: Table, table: Table, location: str
) -> tuple[Pair, ...]:
    """Return where the columns come from; raises WarehouseRefused when a row would not be kept."""
    columns = pairs(name.dataset, live, table)
    query, risks = statements.losses(client.project, name, live, columns)
    refuse_losses(str(name), risks, client.query(query, location).rows[0])
    return columns


def _insist(client: BigQueryClient, name: TableName, resource: Resource, copy: TableName) -> None:
    """Raise unless another table, which does not expire, has everything that this one has at this moment."""
    _refuse_buffer(name, resource)
    found = client.get_table(copy.dataset, copy.table)
    if copy == name or found is None or found.get("expirationTime"):
        raise no_copy(name, copy)
    if not _is_copy(client, name, copy, found, resource):
        raise no_copy(name, copy)
    now = client.get_table(name.dataset, name.table)
    if now is None or any(now.get(key) != resource.get(key) for key in _VERSION):
        raise WarehouseBusy(f"{name}: it was changed while it was compared with its copy", hint="Repeat the call.")


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


def _dataset(client: BigQueryClient, name: str) -> Resource:
    found = client.get_dataset(name)
    if found is None:
        raise WarehouseNotFound(f"dataset {name} does not exist", hint="Create it first.")
    return found


def _keeping(client: BigQueryClient, name: TableName) -> str:
    """Return the location of a dataset in which a new table keeps its rows."""
    resource = _dataset(client, name.dataset)
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
