"""`diff(actual, desired)`: the changes that lead from one to the other, and what is in the way.

Names are matched ignoring case, order never matters, and an attribute that is not declared is never removed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from cloudact.catalog.model import Dataset, Partition, Table, UnrecordedPartition
from cloudact.planning.changes import (
    Change,
    CreateDataset,
    CreateTable,
    CreateView,
    ReplaceView,
    SetDatasetMetadata,
    SetTableMetadata,
)
from cloudact.planning.column_diff import compare_columns
from cloudact.planning.findings import Code, Finding, Severity
from cloudact.planning.rebuilding import is_by_load_time, may_expire


@dataclass(frozen=True, slots=True)
class Diff:
    """Everything two datasets differ in: what a plan may change, and what it must only tell."""

    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]


def diff(actual: Dataset | None, desired: Dataset) -> Diff:
    """Return the changes that turn `actual` into `desired`, in an order that can be applied, and the findings."""
    if actual is None:
        tables = (CreateTable(table) for table in desired.tables)
        return Diff((CreateDataset(desired), *tables, *(CreateView(view) for view in desired.views)), ())
    differences = [*_dataset(actual, desired), *_tables(actual, desired), *_views(actual, desired)]
    return Diff(
        tuple(item for item in differences if not isinstance(item, Finding)),
        tuple(item for item in differences if isinstance(item, Finding)),
    )


def _dataset(actual: Dataset, desired: Dataset) -> Iterator[Change | Finding]:
    if actual.location and actual.location.casefold() != desired.location.casefold():
        yield Finding(
            Severity.CONFLICT,
            Code.LOCATION_CHANGED,
            "",
            (),
            f"is in {actual.location}, declared in {desired.location}",
            "a dataset's location is fixed when it is created",
            "Declare the location it has, or copy the data to a new dataset.",
        )
    described = not desired.description or actual.description == desired.description
    placed = bool(actual.location) or not desired.location
    if not (described and placed and set(desired.labels) <= set(actual.labels)):
        yield SetDatasetMetadata(desired)


def _tables(actual: Dataset, desired: Dataset) -> Iterator[Change | Finding]:
    for table in desired.tables:
        live = actual.table(table.name)
        if live is not None:
            yield from _table(live, table)
        elif actual.view(table.name) is not None:
            yield _name_taken(table.name, "view", "table")
        else:
            yield CreateTable(table)
    for live in actual.tables:
        if desired.table(live.name) is None and desired.view(live.name) is None:
            yield _extra(live.name, Code.EXTRA_TABLE, "table")


def _views(actual: Dataset, desired: Dataset) -> Iterator[Change | Finding]:
    for view in desired.views:
        live = actual.view(view.name)
        if live is None and actual.table(view.name) is not None:
            yield _name_taken(view.name, "table", "view")
        elif live is None:
            yield CreateView(view)
        elif live != view:
            yield ReplaceView(view)
    for live in actual.views:
        if desired.view(live.name) is None and desired.table(live.name) is None:
            yield _extra(live.name, Code.EXTRA_VIEW, "view")


def _name_taken(name: str, live: str, declared: str) -> Finding:
    return Finding(
        Severity.CONFLICT,
        Code.NAME_TAKEN,
        name,
        (),
        f"is a {live}, declared as a {declared}",
        f"the {live} would have to be dropped first",
        f"Rename the declared {declared}, or rename the {live} in the warehouse.",
    )


def _extra(name: str, code: Code, kind: str) -> Finding:
    what, why = f"is a {kind} that the catalog does not declare", "nothing is ever dropped"
    return Finding(Severity.EXTRA, code, name, (), what, why, "Nothing to do; declare it to have it kept in step.")


def _table(live: Table, table: Table) -> Iterator[Change | Finding]:
    blocked: set[str] = set()
    for item in compare_columns(live, table):
        if isinstance(item, Finding) and item.severity is Severity.CONFLICT:
            blocked.add(item.path[0].casefold())
        yield item
    if not _same_partitioning(live.partition, table.partition):
        yield Finding(
            Severity.CONFLICT,
            Code.PARTITIONING_CHANGED,
            table.name,
            (),
            f"is partitioned by {live.partition or 'nothing'}, declared {table.partition or 'unpartitioned'}",
            "partitioning is fixed when a table is created, and a new expiration would delete rows",
            _RECREATE if _is_rebuildable(live, table) else _COPY_ROWS,
        )
    yield from _table_metadata(live, table, blocked)


_RECREATE = "Declare the partitioning it has, or run `cloudact recreate --with-data`, which keeps every row."
_COPY_ROWS = "Declare the partitioning it has, or copy the rows to a new table."


def _is_rebuildable(live: Table, table: Table) -> bool:
    by_load_time = is_by_load_time(live.partition) or is_by_load_time(table.partition)
    return not by_load_time and not may_expire(live.partition, table.partition)


def _same_partitioning(live: Partition | None, declared: Partition | None) -> bool:
    """Whether a query must filter on the partition can be changed at any time, so it makes no difference here."""
    if live is None or declared is None:
        return live is declared or isinstance(live, UnrecordedPartition)
    return isinstance(live, UnrecordedPartition) or _comparable(live) == _comparable(declared)


def _comparable(partition: Partition) -> Partition:
    if isinstance(partition, UnrecordedPartition) or partition.field is None:
        return replace(partition, require_filter=False)
    return replace(partition, require_filter=False, field=partition.field.casefold())


def _table_metadata(live: Table, table: Table, blocked: set[str]) -> Iterator[Change | Finding]:
    clustered = not table.clustering or _folded(live.clustering) == _folded(table.clustering)
    waiting = [] if clustered else [name for name in table.clustering if name.casefold() in blocked]
    if waiting:
        yield Finding(
            Severity.CONFLICT,
            Code.CLUSTERING_BLOCKED,
            table.name,
            (),
            f"cannot be clustered by {', '.join(waiting)}",
            "that column itself is in conflict",
            "Resolve the column's conflict first.",
        )
        clustered, table = True, replace(table, clustering=())
    described = not table.description or live.description == table.description
    labelled = set(table.labels) <= set(live.labels)
    if not (described and clustered and labelled and _filter_set(live, table)):
        yield SetTableMetadata(table)
    if live.clustering and not table.clustering and not waiting:
        yield Finding(
            Severity.LOOSER,
            Code.EXTRA_CLUSTERING,
            table.name,
            (),
            f"is clustered by {', '.join(live.clustering)}, declared without clustering",
            "what is not declared is never removed",
            "Nothing to do; declare the clustering to have it kept in step.",
        )


def _filter_set(live: Table, table: Table) -> bool:
    """Tell whether partitioning is on record, and its filter requirement as declared."""
    if live.partition is None or table.partition is None:
        return True
    return not isinstance(live.partition, UnrecordedPartition) and (
        live.partition.require_filter == table.partition.require_filter
    )


def _folded(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name.casefold() for name in names)
