"""What is said of a table, view or column in the same words on a terminal and on a page, as plain text."""

from __future__ import annotations

import re
from typing import assert_never

from cloudact.catalog.model import Column, Labels, Materialized, Partition, RangePartition, TimePartition
from cloudact.catalog.sharing import DEFAULT_REFRESH_MINUTES, shared_name
from cloudact.dictionary.entries import DatasetEntry, Entry, TableEntry, ViewEntry

Facts = list[tuple[str, str]]
_SENTENCE = re.compile(r".+?[.!?](?=\s+[A-Z])", re.DOTALL)


def first_sentence(description: str) -> str:
    """Return the first sentence on one line."""
    found = _SENTENCE.match(description)
    return " ".join((found[0] if found else description).split())


def counted(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def facts(entry: Entry) -> Facts:
    """Return what is to know of a table or view beside its columns, each under a name."""
    found = _table_facts(entry) if isinstance(entry, TableEntry) else _view_facts(entry)
    return [(name, value) for name, value in found if value]


def dataset_facts(dataset: DatasetEntry) -> Facts:
    """Return where a dataset is declared and what it is labelled with."""
    found = [("declared in", f"{dataset.folder} of {dataset.setting}"), ("labels", _labels(dataset.labels))]
    return [(name, value) for name, value in found if value]


def partition_text(partition: Partition | None) -> str:
    """Return how rows are partitioned, or an empty text."""
    match partition:
        case TimePartition(field=field):
            parts = [f"by {partition.granularity} of {field or 'the time of loading'}"]
            if partition.expiration_days:
                parts.append(f"a partition expires after {partition.expiration_days:g} days")
        case RangePartition():
            parts = [f"by {partition.field} from {partition.start} to {partition.end}, {partition.interval} each"]
        case _:
            return ""
    return "; ".join([*parts, *(["queries must filter by it"] if partition.require_filter else [])])


def column_notes(column: Column) -> list[str]:
    """Return what is declared of a column beside its type, mode and description."""
    found = {
        "default": column.default,
        "collation": column.collation,
        "rounding": column.rounding_mode,
        "policy tags": ", ".join(column.policy_tags),
        "data policies": ", ".join(column.data_policies),
    }
    return [f"{name} {value}" for name, value in found.items() if value]


def _table_facts(entry: TableEntry) -> Facts:
    return [
        ("partition", partition_text(entry.table.partition)),
        ("clustering", ", ".join(entry.clustering)),
        ("labels", _labels(entry.table.labels)),
        ("file", entry.path),
        ("loaded from", "; ".join(f"{export.name}, {export.title}" for export in entry.exports)),
    ]


def _view_facts(entry: ViewEntry) -> Facts:
    return [
        ("reads", ", ".join(str(address) for address in entry.reads)),
        ("kept", _kept(entry)),
        ("clustering", ", ".join(entry.clustering)),
        ("labels", _labels(entry.template.view.labels)),
        ("file", entry.path),
    ]


def _kept(entry: ViewEntry) -> str:
    view = entry.template.view
    every = counted(view.refresh_interval_minutes or DEFAULT_REFRESH_MINUTES, "minute")
    match entry.materialized:
        case Materialized.SHARED:
            (source,) = {address.dataset for address in entry.reads}
            one = f"{source}.{shared_name(view.name)}"
            return f"shared: where views are materialized, one for all organizations, {one}, refreshed every {every}"
        case Materialized.OWN:
            return f"own: materialized where the engine can, refreshed every {every}"
        case Materialized.NEVER:
            return "never: a plain view"
        case _:
            assert_never(entry.materialized)


def _labels(labels: Labels) -> str:
    return ", ".join(f"{name}={value}" for name, value in labels)
