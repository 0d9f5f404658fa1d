"""The dataset that results from applying changes: what a driver must have made true when it is done."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import assert_never

from cloudact.catalog.model import Column, Dataset, Partition, Table, UnrecordedPartition, labels_from
from cloudact.planning import changes as c


def evolve(actual: Dataset | None, name: str, changes: Iterable[c.Change]) -> Dataset:
    """Return `actual`, or an empty dataset called `name`, after these changes."""
    dataset = actual or Dataset(name)
    for change in changes:
        dataset = _apply(dataset, change)
    return dataset


def _apply(dataset: Dataset, change: c.Change) -> Dataset:
    match change:
        case c.CreateDataset(dataset=declared):
            empty = replace(declared, tables=(), views=())
            return replace(empty, tables=dataset.tables, views=dataset.views)
        case c.SetDatasetMetadata(dataset=declared):
            labels = labels_from(dict(dataset.labels) | dict(declared.labels))
            return replace(
                dataset,
                description=declared.description or dataset.description,
                labels=labels,
                location=dataset.location or declared.location,
            )
        case c.CreateTable(table=table):
            return replace(dataset, tables=(*dataset.tables, table))
        case c.CreateView(view=view) | c.ReplaceView(view=view):
            others = tuple(item for item in dataset.views if item.key != view.key)
            return replace(dataset, views=(*others, view))
        case c.SetTableMetadata(table=table):
            return _with_table(dataset, table.name, lambda live: _table_metadata(live, table))
        case c.AddColumn(table=name, parent=parent, column=column):
            return _with_table(dataset, name, lambda live: _added(live, parent, column))
        case c.RelaxMode(table=name, path=path):
            return _with_column(dataset, name, path, Column.as_nullable)
        case c.WidenType(table=name, path=path, after=after):
            return _with_column(dataset, name, path, lambda column: replace(column, type=after))
        case c.SetColumnMetadata(table=name, path=path, column=declared):
            return _with_column(dataset, name, path, lambda column: _column_metadata(column, declared))
        case _:
            assert_never(change)


def _table_metadata(live: Table, declared: Table) -> Table:
    return replace(
        live,
        description=declared.description or live.description,
        clustering=declared.clustering or live.clustering,
        labels=labels_from(dict(live.labels) | dict(declared.labels)),
        partition=_partition(live.partition, declared.partition),
    )


def _partition(live: Partition | None, declared: Partition | None) -> Partition | None:
    if isinstance(live, UnrecordedPartition):
        return declared
    if declared is None or live is None or isinstance(declared, UnrecordedPartition):
        return live
    return replace(live, require_filter=declared.require_filter)


def _column_metadata(live: Column, declared: Column) -> Column:
    return replace(
        live,
        description=declared.description or live.description,
        default=live.default if declared.default is None else declared.default,
        rounding_mode=declared.rounding_mode or live.rounding_mode,
        policy_tags=declared.policy_tags or live.policy_tags,
        data_policies=declared.data_policies or live.data_policies,
    )


def _with_table(dataset: Dataset, name: str, edit: Callable[[Table], Table]) -> Dataset:
    tables = tuple(edit(table) if table.key == name.casefold() else table for table in dataset.tables)
    return replace(dataset, tables=tables)


def _with_column(dataset: Dataset, table: str, path: c.Path, edit: Callable[[Column], Column]) -> Dataset:
    return _with_table(dataset, table, lambda live: replace(live, columns=_edited(live.columns, path, edit)))


def _edited(columns: tuple[Column, ...], path: c.Path, edit: Callable[[Column], Column]) -> tuple[Column, ...]:
    first, rest = path[0].casefold(), path[1:]

    def one(column: Column) -> Column:
        if column.key != first:
            return column
        return replace(column, fields=_edited(column.fields, rest, edit)) if rest else edit(column)

    return tuple(one(column) for column in columns)


def _added(table: Table, parent: c.Path, column: Column) -> Table:
    if not parent:
        return replace(table, columns=(*table.columns, column))
    grown = _edited(table.columns, parent, lambda record: replace(record, fields=(*record.fields, column)))
    return replace(table, columns=grown)
