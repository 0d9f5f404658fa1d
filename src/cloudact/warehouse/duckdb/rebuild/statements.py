"""Copies, digests and casts of whole tables: text in, text out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cloudact.catalog.model import Column, Kind, Mode, Table, Type
from cloudact.warehouse.driver import TableName
from cloudact.warehouse.duckdb.type_map import literal, quote, storage_of
from cloudact.warehouse.rebuild import DECIMALS, Pair, risks, text_pattern


def name_of(table: TableName) -> str:
    """Return a table's quoted name."""
    return f"{quote(table.dataset)}.{quote(table.table)}"


def copy_rows(source: TableName, target: TableName, columns: Iterable[Column]) -> str:
    """Return the statement that appends every row of one table to another with the same columns."""
    names = ", ".join(quote(column.name) for column in columns)
    return f"INSERT INTO {name_of(target)} ({names}) SELECT {names} FROM {name_of(source)}"


def cast_rows(source: TableName, target: TableName, columns: Iterable[Pair]) -> str:
    """Return the statement that appends every row of a table to its rebuilt form; columns without a source are NULL."""
    pairs = tuple(columns)
    names = ", ".join(quote(pair.declared.name) for pair in pairs)
    values = ", ".join(
        f"CAST({_source(pair.live, pair.declared)} AS {storage_of(pair.declared)})" if pair.live else "NULL"
        for pair in pairs
    )
    return f"INSERT INTO {name_of(target)} ({names}) SELECT {values} FROM {name_of(source)}"


def losses(table: TableName, columns: Iterable[Pair]) -> tuple[str, list[str]]:
    """Return the query that counts, for each risk, the rows that would not be kept, and what each risk is called."""
    found = list(risks(columns, quote, _is_changed))
    counts = ", ".join(f"count(*) FILTER (WHERE {condition})" for condition, _ in found)
    return f"SELECT {counts or 'count(*)'} FROM {name_of(table)}", [risk for _, risk in found]


def digest(table: TableName, live: Table, types: Mapping[str, Type]) -> str:
    """Return the query for the number of rows, and for two sums over 128 bits of a hash of each row."""
    wanted = {name.casefold(): type_ for name, type_ in types.items()}
    parts = [_digested(column, wanted.get(column.key)) for column in sorted(live.columns, key=lambda item: item.key)]
    row = f"concat({', '.join(parts)})"
    sums = ", ".join(f"coalesce(sum(md5_number_{half}(body)::HUGEINT), 0)" for half in ("upper", "lower"))
    return f"SELECT count(*), {sums} FROM (SELECT {row} AS body FROM {name_of(table)})"


def _is_changed(live: Column, declared: Column) -> str:
    value, after, before = quote(live.name), storage_of(declared), storage_of(live)
    cast = f"TRY_CAST({_source(live, declared)} AS {after})"
    limit = declared.type.max_length
    length = "octet_length" if declared.type.kind is Kind.BYTES else "length"
    too_long = f" OR {length}({cast}) > {limit}" if limit else ""
    pattern = text_pattern(declared) if live.type.kind is Kind.STRING else None
    if pattern:
        matches = f"regexp_full_match({value}, {literal(pattern)})"
        return f"{value} IS NOT NULL AND ({cast} IS NULL OR NOT {matches})"
    return f"TRY_CAST({cast} AS {before}) IS DISTINCT FROM {value}{too_long}"


def _source(live: Column, declared: Column) -> str:
    """Return what is cast: DuckDB computes the digits of a FLOAT64 with an error, and reads its text without one."""
    value = quote(live.name)
    if live.type.kind is Kind.FLOAT64 and declared.type.kind in DECIMALS and live.mode is not Mode.REPEATED:
        return f"CAST({value} AS VARCHAR)"
    return value


def _digested(column: Column, type_: Type | None) -> str:
    """Return what a column adds to its row: name and value as JSON, which no other value has, or nothing."""
    value = quote(column.name)
    if type_ and type_.kind is not Kind.RECORD and type_ != column.type:
        wanted = Column(column.name, type_, column.mode)
        value = f"CAST({_source(column, wanted)} AS {storage_of(wanted)})"
    empty = f"{value} IS NULL" + (f" OR len({value}) = 0" if column.mode is Mode.REPEATED else "")
    return f"CASE WHEN {empty} THEN '' ELSE concat({literal(column.key)}, ':', to_json({value})::VARCHAR, ',') END"
