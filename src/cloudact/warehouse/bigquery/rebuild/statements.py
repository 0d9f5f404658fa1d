"""Digests, casts and rebuilt tables: text in, text out.

Source: BigQuery documentation, Data definition language, CREATE TABLE; JSON functions, TO_JSON_STRING; Hash functions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from cloudact.catalog.model import Column, Granularity, Kind, Mode, RangePartition, Table, TimePartition, Type
from cloudact.errors import WarehouseRefused
from cloudact.warehouse.bigquery.statements.ddl import text
from cloudact.warehouse.bigquery.statements.rows import quote
from cloudact.warehouse.bigquery.transport.client import Statement
from cloudact.warehouse.driver import TableName
from cloudact.warehouse.rebuild import Pair, risks, text_pattern

_WHOLE_DIGITS = {Kind.NUMERIC: 29, Kind.BIGNUMERIC: 38}
_ANY_VALUE = {Kind.DATE: "DATE '2000-01-01'", Kind.DATETIME: "DATETIME '2000-01-01 00:00:00'", Kind.INT64: "0"}


def digest(project: str, name: TableName, live: Table, types: Mapping[str, Type]) -> Statement:
    """Return the query for the number of rows, and for two sums of a 64-bit fingerprint of each row.

    A sum ends after ten thousand million equal rows, for then NUMERIC overflows and the query fails.
    """
    wanted = {key.casefold(): type_ for key, type_ in types.items()}
    parts = [_digested(column, wanted.get(column.key)) for column in sorted(live.columns, key=lambda item: item.key)]
    sums = ", ".join(
        f"IFNULL(SUM(CAST(FARM_FINGERPRINT(CONCAT('{salt}', {', '.join(parts)})) AS NUMERIC)), 0)" for salt in "ab"
    )
    return Statement(f"SELECT COUNT(*), {sums} FROM {_source(project, name, live)}")


def losses(project: str, name: TableName, live: Table, columns: Iterable[Pair]) -> tuple[Statement, list[str]]:
    """Return the query that counts, for each risk, the rows that would not be kept, and what each risk is called."""
    found = list(risks(columns, quote, _is_changed))
    counts = ", ".join(f"COUNTIF({condition})" for condition, _ in found) or "COUNT(*)"
    return Statement(f"SELECT {counts} FROM {_source(project, name, live)}"), [risk for _, risk in found]


def replace_table(project: str, name: TableName, live: Table, declared: Table, columns: Iterable[Pair]) -> Statement:
    """Return the statement that puts another table in the place of one; without `columns` it is empty."""
    definitions = ", ".join(f"{quote(column.name)} {_definition(column)}" for column in declared.columns)
    statement = f"CREATE OR REPLACE TABLE {quote(project, name.dataset, name.table)} ({definitions})"
    if declared.partition is not None:
        statement += f"\nPARTITION BY {_partition(declared)}"
    if declared.clustering:
        statement += f"\nCLUSTER BY {', '.join(map(quote, declared.clustering))}"
    if options := ", ".join(_options(declared)):
        statement += f"\nOPTIONS ({options})"
    if values := ", ".join(map(_value, columns)):
        statement += f"\nAS SELECT {values} FROM {_source(project, name, live)}"
    return Statement(statement)


def _source(project: str, name: TableName, live: Table) -> str:
    """Return the table with, where it is not read without one, a filter on its partitions that every row meets."""
    source = quote(project, name.dataset, name.table)
    partition = live.partition
    if partition is None or not partition.require_filter:
        return source
    column = quote(partition.field) if partition.field else "_PARTITIONTIME"
    found = live.column(partition.field) if partition.field else None
    value = _ANY_VALUE.get(found.type.kind if found else Kind.TIMESTAMP, "TIMESTAMP '2000-01-01 00:00:00+00'")
    return f"{source} WHERE {column} < {value} OR {column} >= {value} OR {column} IS NULL"


def _digested(column: Column, type_: Type | None) -> str:
    """Return what a column adds to its row: name and value as JSON, which no other value has, or nothing."""
    value, wanted = quote(column.name), _plain(type_ or column.type)
    is_scalar = column.mode is not Mode.REPEATED and column.type.kind is not Kind.RECORD
    shown = f"CAST({value} AS {wanted})" if is_scalar and wanted != column.type else value
    empty = f"ARRAY_LENGTH({value}) = 0" if column.mode is Mode.REPEATED else f"{value} IS NULL"
    return f"IF({empty}, '', CONCAT({text(column.key)}, ':', TO_JSON_STRING({shown}), ','))"


def _is_changed(live: Column, declared: Column) -> str:
    """Return the condition under which a value would not be the same; types are without parameters in casts.

    The column's own parameters are looked at here: writing to it would round the digits that are too many.
    """
    value, before, after = quote(live.name), _plain(live.type), _plain(declared.type)
    cast = value if before == after else f"SAFE_CAST({value} AS {after})"
    conditions = list(_beyond(cast, declared.type))
    pattern = text_pattern(declared) if live.type.kind is Kind.STRING else None
    if pattern:
        conditions += [f"{cast} IS NULL", f"NOT REGEXP_CONTAINS({value}, r'^({pattern})$')"]
        return f"{value} IS NOT NULL AND ({' OR '.join(conditions)})"
    if before != after:
        conditions.append(f"SAFE_CAST({cast} AS {before}) IS DISTINCT FROM {value}")
    return " OR ".join(conditions) or "FALSE"


def _beyond(value: str, type_: Type) -> Iterator[str]:
    """Yield what is so of a value that a type's parameters refuse or round."""
    if type_.max_length is not None:
        length = "BYTE_LENGTH" if type_.kind is Kind.BYTES else "CHAR_LENGTH"
        yield f"{length}({value}) > {type_.max_length}"
    if type_.precision is not None:
        scale = type_.scale or 0
        yield f"ROUND({value}, {scale}) != {value}"
        if type_.precision - scale < _WHOLE_DIGITS[type_.kind]:
            yield f"ABS({value}) >= {type_.kind} '{10 ** (type_.precision - scale)}'"


def _plain(type_: Type) -> Type:
    return replace(type_, precision=None, scale=None, max_length=None)


def _value(pair: Pair) -> str:
    """Return what the rebuilt column holds; a value that was written since the rows were looked at fails it all."""
    declared, live = pair.declared, pair.live
    name = quote(declared.name)
    if live is None:
        none = "[]" if declared.mode is Mode.REPEATED else "NULL"
        return f"{none} AS {name}"
    value = quote(live.name)
    if not pair.is_cast:
        return f"{value} AS {name}"
    failure = text(f"a value of {declared.name} does not fit {declared.type}")
    return f"IF({_is_changed(live, declared)}, ERROR({failure}), CAST({value} AS {_plain(declared.type)})) AS {name}"


def _definition(column: Column) -> str:
    item = str(column.type)
    if column.type.kind is Kind.RECORD:
        item = f"STRUCT<{', '.join(f'{quote(field.name)} {_definition(field)}' for field in column.fields)}>"
    definition = f"ARRAY<{item}>" if column.mode is Mode.REPEATED else item
    if column.collation:
        definition += f" COLLATE {text(column.collation)}"
    if column.default is not None:
        definition += f" DEFAULT {column.default}"
    if column.mode is Mode.REQUIRED:
        definition += " NOT NULL"
    named = {"description": column.description, "rounding_mode": column.rounding_mode}
    options = ", ".join(f"{key} = {text(value)}" for key, value in named.items() if value)
    return f"{definition} OPTIONS ({options})" if options else definition


def _partition(table: Table) -> str:
    match table.partition:
        case RangePartition(field=field, start=start, end=end, interval=interval):
            return f"RANGE_BUCKET({quote(field)}, GENERATE_ARRAY({start}, {end}, {interval}))"
        case TimePartition(field=None, granularity=Granularity.DAY):
            return "_PARTITIONDATE"
        case TimePartition(field=None, granularity=granularity):
            return f"TIMESTAMP_TRUNC(_PARTITIONTIME, {granularity})"
        case TimePartition(field=str() as field, granularity=granularity):
            column = table.column(field)
            kind = column.type.kind if column else Kind.TIMESTAMP
            whole_days = kind is Kind.DATE and granularity is Granularity.DAY
            return quote(field) if whole_days else f"{kind}_TRUNC({quote(field)}, {granularity})"
        case other:
            raise WarehouseRefused(f"{table.name}: a table cannot be made with partitioning {other}")


def _options(table: Table) -> Iterator[str]:
    if table.description:
        yield f"description = {text(table.description)}"
    if table.labels:
        yield f"labels = [{', '.join(f'({text(key)}, {text(value)})' for key, value in table.labels)}]"
    if table.partition and table.partition.require_filter:
        yield "require_partition_filter = TRUE"
    if isinstance(table.partition, TimePartition) and table.partition.expiration_days:
        yield f"partition_expiration_days = {table.partition.expiration_days:g}"
