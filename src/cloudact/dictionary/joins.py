"""Which columns join to which, read from the phrase `joins to table.column` in their descriptions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from cloudact.dictionary.entries import Address, DatasetEntry, Entry, Join, TableEntry

# In the same dataset `table.column`, otherwise `dataset.table.column`; a point that ends the sentence is none of it.
_PHRASE = re.compile(r"\bjoins? to ([\w{}-]+(?:\.[\w-]+)+)", re.IGNORECASE)


def find_joins(datasets: Sequence[DatasetEntry]) -> tuple[Join, ...]:
    """Return the joins of every table's columns; a phrase that names no declared column is only prose."""
    known = {_folded(address): address for dataset in datasets for address in _columns(dataset)}
    found = (join for dataset in datasets for entry in dataset.tables for join in _joins(entry, known))
    return tuple(dict.fromkeys(found))


def _joins(entry: TableEntry, known: Mapping[str, Address]) -> Iterator[Join]:
    for path, column in entry.table.walk():
        for name in _PHRASE.findall(column.description):
            target = known.get(f"{entry.address.dataset}.{name}".casefold()) or known.get(name.casefold())
            if target:
                yield Join(Address(entry.address.dataset, entry.address.name, ".".join(path)), target)


def _columns(dataset: DatasetEntry) -> Iterator[Address]:
    for entry in dataset.entries:
        for name in _names(entry):
            yield Address(dataset.name, entry.address.name, name)


def _names(entry: Entry) -> list[str]:
    if isinstance(entry, TableEntry):
        return [".".join(path) for path, _ in entry.table.walk()]
    return [column.name for column in entry.columns]


def _folded(address: Address) -> str:
    return str(address).casefold()
