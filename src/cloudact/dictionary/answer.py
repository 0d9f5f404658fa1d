"""The dictionary as JSON: lists, or one table or view with everything that is declared of it."""

from __future__ import annotations

from typing import Any

from cloudact.catalog.model import Column
from cloudact.catalog.schema_file import column_to_json
from cloudact.catalog.write.config_yaml import table_entry, view_entry
from cloudact.dictionary.entries import DatasetEntry, Dictionary, Entry, TableEntry, ViewColumn, ViewEntry

Answer = dict[str, Any]


def listed(dictionary: Dictionary) -> Answer:
    """Return the datasets with their tables and views, each with its layout and its number of columns."""
    return {"datasets": [_dataset(item) for item in dictionary.datasets]}


def described(dictionary: Dictionary, entry: Entry) -> Answer:
    """Return one table or view; columns of a table are as in a schema file, nested ones under `fields`."""
    if isinstance(entry, ViewEntry):
        columns = [_view_column(column) for column in entry.columns]
        return _head(entry) | {"columns": columns, "reads": list(map(str, entry.reads)), "query": entry.query}
    joins = [{"column": join.column.column, "to": str(join.target)} for join in dictionary.joins_of(entry)]
    columns = [column_to_json(column) for column in entry.table.columns]
    return _head(entry) | {"columns": columns, "joins": joins, "exports": _exports(entry)}


def _dataset(item: DatasetEntry) -> Answer:
    return {
        "dataset": item.name,
        "folder": item.folder,
        "setting": item.setting,
        "description": item.description,
        "labels": dict(item.labels),
        "tables": [_head(entry) | {"columns": entry.column_count} for entry in item.tables],
        "views": [_head(entry) | {"columns": entry.column_count} for entry in item.views],
    }


def _head(entry: Entry) -> Answer:
    """Return what is in every answer on a table or view; what `config.yml` may leave out is there and empty."""
    made: Answer = {"name": entry.address.name, "dataset": entry.address.dataset, "file": entry.path}
    if isinstance(entry, TableEntry):
        empty: Answer = {"description": "", "partition": None, "clustering": [], "labels": {}}
        return made | {"kind": "table"} | empty | table_entry(entry.table)
    empty = {"description": "", "clustering": [], "refresh_interval_minutes": None, "labels": {}}
    kept = {"kind": "view", "materialized": entry.materialized.value}
    return made | kept | empty | view_entry(entry.template.view)


def _view_column(column: ViewColumn) -> Answer:
    declared: Column | None = column.declared
    type_ = str(declared.type) if declared else None
    described = declared.description if declared else ""
    return {"name": column.name, "type": type_, "expression": column.expression, "description": described}


def _exports(entry: TableEntry) -> list[Answer]:
    return [
        {
            "export": export.name,
            "title": export.title,
            "columns": dict(export.columns),
            "maps": dict(export.maps),
            "others": export.others,
        }
        for export in entry.exports
    ]
