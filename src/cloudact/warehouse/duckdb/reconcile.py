"""What a live table is: DuckDB's types, read together with the definition it was made from.

The live types decide. A definition only says what DuckDB has no place for (descriptions, nested modes, which of several
GoogleSQL types was meant, partitioning), and only as far as the live table still looks as the definition says.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from cloudact.catalog.model import Column, Kind, Mode, Table, UnrecordedPartition
from cloudact.warehouse.duckdb.type_map import Storage, inferred, parse_storage, storage_of


@dataclass(frozen=True, slots=True)
class LiveColumn:
    """One row of DESCRIBE."""

    name: str
    type: str
    nullable: bool
    default: str | None


def reconcile(name: str, live: tuple[LiveColumn, ...], definition: Table | None) -> Table:
    """Return the live table, with what the definition knows about the parts that still match it."""
    known = definition or Table(name, (), partition=UnrecordedPartition())
    columns = tuple(_top(column, known.column(column.name)) for column in live)
    return replace(known, name=name, columns=columns)


def _top(live: LiveColumn, known: Column | None) -> Column:
    column = _column(live.name, parse_storage(live.type), known)
    if column.mode is not Mode.REPEATED:
        column = replace(column, mode=Mode.NULLABLE if live.nullable else Mode.REQUIRED)
    if live.default is None:
        return replace(column, default=None)
    return column if column.default is not None else replace(column, default=live.default)


def _column(name: str, storage: Storage, known: Column | None) -> Column:
    if known is None:
        return inferred(name, storage)
    if storage == storage_of(known):
        return replace(known, name=name)
    both_records = bool(storage.fields) and known.type.kind is Kind.RECORD
    if both_records and storage.lists == int(known.mode is Mode.REPEATED):
        fields = tuple(_column(field, inner, known.field_named(field)) for field, inner in storage.fields)
        return replace(known, name=name, fields=fields)
    plain = inferred(name, storage)
    same_lists = (plain.mode is Mode.REPEATED) is (known.mode is Mode.REPEATED)
    if same_lists and plain.type.containing == known.type:
        return replace(known, name=name, type=plain.type)
    return replace(plain, description=known.description)
