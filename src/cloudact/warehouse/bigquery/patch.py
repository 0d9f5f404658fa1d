"""One patch for all changes to one table: the resource as it is now, and the fields that differ after the changes.

BigQuery takes the whole schema or none of it, so the live fields are sent back as they came, with what was added.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any, assert_never

from cloudact.catalog.model import Column, Table
from cloudact.catalog.schema_file import column_to_json
from cloudact.errors import WarehouseBusy, WarehouseRefused
from cloudact.planning import changes as c
from cloudact.warehouse.bigquery.resources import Resource, column_from, column_metadata

TableChange = c.AddColumn | c.RelaxMode | c.SetColumnMetadata | c.SetTableMetadata


def patch_of(current: Resource, changes: Sequence[TableChange]) -> Resource:
    """Return the fields to patch, none when everything is so already.

    Raises WarehouseBusy when the table is no longer what the changes were planned for.
    """
    after = deepcopy(current)
    for change in changes:
        _apply(after, change)
    return {key: value for key, value in after.items() if value != current.get(key)}


def _apply(table: Resource, change: TableChange) -> None:
    fields: list[Resource] = table.get("schema", {}).get("fields", [])
    match change:
        case c.AddColumn(column=column, parent=parent):
            _add(_at(fields, parent, change).setdefault("fields", []) if parent else fields, column, change)
        case c.RelaxMode(path=path):
            field = _at(fields, path, change)
            if field.get("mode") == "REPEATED":
                raise _moved(change)
            if field.get("mode", "NULLABLE") != "NULLABLE":
                field["mode"] = "NULLABLE"
        case c.SetColumnMetadata(path=path, column=column):
            _set(_at(fields, path, change), column_metadata(column))
        case c.SetTableMetadata(table=declared):
            _set_table(table, declared)
        case _:
            assert_never(change)


def _add(fields: list[Resource], column: Column, change: c.AddColumn) -> None:
    if change.column.mode == "REQUIRED":
        raise WarehouseRefused(
            f"{change.table}.{'.'.join(change.path)}: a REQUIRED column cannot be added to an existing table",
            hint="Add it NULLABLE: rows may exist that have no value.",
        )
    live = _named(fields, column.name)
    if live is None:
        fields.append(column_to_json(column))
    elif not _is_the_same(column_from(live), column):
        raise _moved(change)


def _is_the_same(live: Column, column: Column) -> bool:
    """Tell whether a column that appeared meanwhile is the one to add, whatever is said of it."""
    if (live.type, live.mode, len(live.fields)) != (column.type, column.mode, len(column.fields)):
        return False
    pairs = ((live.field_named(item.name), item) for item in column.fields)
    return all(found is not None and _is_the_same(found, item) for found, item in pairs)


def _at(fields: list[Resource], path: c.Path, change: TableChange) -> Resource:
    """Return the field at this path."""
    found: Resource | None = None
    for name in path:
        found = _named(fields, name)
        if found is None:
            raise _moved(change)
        fields = found.get("fields", [])
    if found is None:
        raise _moved(change)
    return found


def _named(fields: list[Resource], name: str) -> Resource | None:
    return next((field for field in fields if field["name"].casefold() == name.casefold()), None)


def _set(field: Resource, values: dict[str, Any]) -> None:
    for key, value in values.items():
        if field.get(key) != value:
            field[key] = value


def _set_table(table: Resource, declared: Table) -> None:
    if declared.description:
        table["description"] = declared.description
    if declared.labels:
        table["labels"] = {**table.get("labels", {}), **dict(declared.labels)}
    if declared.clustering:
        table["clustering"] = {"fields": list(declared.clustering)}
    if declared.partition is not None and ("timePartitioning" in table or "rangePartitioning" in table):
        required = declared.partition.require_filter
        if required != bool(table.get("requirePartitionFilter", False)):
            table["requirePartitionFilter"] = required


def _moved(change: c.Change) -> WarehouseBusy:
    return WarehouseBusy(f"{change}: another caller changed the table meanwhile", hint="Repeat the call.")
