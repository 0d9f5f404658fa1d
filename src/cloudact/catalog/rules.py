"""What BigQuery demands of a table beyond its types, checked before any engine is asked.

Source: BigQuery documentation, pages Quotas and limits (Table limits), Specify a schema, Introduction to clustered
tables, Introduction to partitioned tables. Both engines fold case, so names that differ only by case are one name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

import sqlglot
from sqlglot import exp

from cloudact.catalog.model import Column, Granularity, Kind, Mode, Table, TimePartition
from cloudact.catalog.problems import Code, Problems, some_of
from cloudact.catalog.view_file import PARSER_ERRORS

MAX_COLUMNS = 10_000
MAX_NAME = 300
MAX_DESCRIPTION = 1_024
MAX_CLUSTERING = 4
MAX_PARTITIONS = 10_000
# Materialized views of one project over one table, and what one dataset authorizes: no request raises these.
MAX_MATERIALIZED_VIEWS = 100
MAX_AUTHORIZED = 2_500
CLUSTERABLE = frozenset(
    {
        Kind.BIGNUMERIC, Kind.BOOL, Kind.DATE, Kind.DATETIME, Kind.GEOGRAPHY, Kind.INT64, Kind.NUMERIC, Kind.RANGE,
        Kind.STRING, Kind.TIMESTAMP,
    }
)  # fmt: skip
PARTITIONABLE = frozenset({Kind.DATE, Kind.DATETIME, Kind.TIMESTAMP})
RESERVED_PREFIXES = (
    "_table_", "_file_", "_partition", "_row_timestamp", "__root__", "_colidentifier", "_change_sequence_number",
    "_change_type", "_change_timestamp",
)  # fmt: skip
_NUMBERS = frozenset({Kind.INT64, Kind.FLOAT64, Kind.NUMERIC, Kind.BIGNUMERIC})
_NOT_FROM_TEXT = _NUMBERS | {Kind.BOOL, Kind.RECORD}
_FORBIDDEN_IN_NAME = re.compile(r"[!\"$()*,./;?@\[\\\]^`{}~\x00-\x1f]")


def check_table(table: Table, problems: Problems, config: Problems) -> None:
    """Report what is wrong with the columns to `problems` and with the layout to `config`."""
    _check_columns(table, problems)
    _check_partition(table, config)
    path, names = f"tables.{table.name}.clustering", [column.name for column in table.columns]
    check_clustering_names(path, table.clustering, names, config)
    check_clustering_types(path, table, config)


def _check_columns(table: Table, problems: Problems) -> None:
    count = 0
    for path, column in table.walk():
        count += 1
        _check_column(".".join(path), column, problems)
        for name in _twice(item.name for item in column.fields):
            _twice_declared(f"{'.'.join(path)}.{name}", problems)
    for name in _twice(column.name for column in table.columns):
        _twice_declared(name, problems)
    if count > MAX_COLUMNS:
        what, fix = f"has {count} columns with nested ones", f"declare at most {MAX_COLUMNS}"
        problems.add("", what, fix, code=Code.TOO_MANY_COLUMNS)


def _twice_declared(path: str, problems: Problems) -> None:
    what = "is declared twice (case does not count)"
    problems.add(path, what, "keep one of them", code=Code.DUPLICATE_COLUMN)


def _twice(names: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for name in names:
        if name.casefold() in seen:
            yield name
        seen.add(name.casefold())


def _check_column(path: str, column: Column, problems: Problems) -> None:
    if len(column.name) > MAX_NAME:
        what = f"has a name of {len(column.name)} characters"
        problems.add(path, what, f"use at most {MAX_NAME}", code=Code.COLUMN_NAME)
    if bad := _FORBIDDEN_IN_NAME.search(column.name):
        fix = "use letters, digits and underscores"
        problems.add(path, f"has {bad[0]!r} in its name", fix, code=Code.COLUMN_NAME)
    if column.key.startswith(RESERVED_PREFIXES):
        what, fix = "begins with a prefix that BigQuery reserves", f"avoid {', '.join(RESERVED_PREFIXES)}"
        problems.add(path, what, fix, code=Code.RESERVED_COLUMN_NAME)
    if len(column.description) > MAX_DESCRIPTION:
        problems.add(
            path,
            f"has a description of {len(column.description)} characters",
            f"use at most {MAX_DESCRIPTION}",
            code=Code.LONG_DESCRIPTION,
        )
    if column.default is not None and "." in path:
        fix = "give the default to the top-level column"
        problems.add(path, "has a default inside a RECORD", fix, code=Code.INVALID_DEFAULT)
    elif column.default is not None and (reason := _default_problem(column)):
        where, fix = f"{path}.defaultValueExpression", "write a GoogleSQL expression of the column's type"
        problems.add(where, f"is {column.default}, which {reason}", fix, code=Code.INVALID_DEFAULT)


def _default_problem(column: Column) -> str:
    """Return why the column's default cannot be one, or an empty text; types are judged for plain literals only."""
    try:
        tree = sqlglot.parse_one(f"SELECT {column.default}", dialect="bigquery")
    except PARSER_ERRORS:
        return "is not an expression"
    clauses = {name for name, value in tree.args.items() if value}
    if clauses != {"expressions"} or len(tree.expressions) != 1:
        return "is not one expression"
    value = tree.expressions[0].unnest()
    if isinstance(value, exp.Alias | exp.Star) or value.find(
        exp.Query, exp.Column, exp.Parameter, exp.SessionParameter
    ):
        return "is not a plain expression"
    if isinstance(value, exp.Neg):
        value = value.this
    kind = column.type.kind
    wrong = (
        (isinstance(value, exp.Boolean) and kind is not Kind.BOOL)
        or (isinstance(value, exp.Literal) and value.is_string and kind in _NOT_FROM_TEXT)
        or (isinstance(value, exp.Literal) and not value.is_string and kind not in _NUMBERS)
        or (
            isinstance(value, exp.Array) != (column.mode is Mode.REPEATED)
            and isinstance(value, exp.Array | exp.Literal)
        )
    )
    return f"is not of type {column.type}" if wrong else ""


def _check_partition(table: Table, config: Problems) -> None:
    partition = table.partition
    if partition is None or partition.field is None:
        return
    path, field = f"tables.{table.name}.partition", partition.field
    allowed = PARTITIONABLE if isinstance(partition, TimePartition) else frozenset({Kind.INT64})
    column = table.column(field)
    if column is None:
        config.add(
            f"{path}.field",
            f"names {field}, which is not a column",
            f"name one of {some_of([item.name for item in table.columns])}",
            code=Code.PARTITION_FIELD,
        )
    elif column.type.kind not in allowed or column.mode is Mode.REPEATED:
        config.add(
            f"{path}.field",
            f"names {field}, which is {column.mode} {column.type}",
            f"name a top-level, non-repeated column of type {', '.join(sorted(allowed))}",
            code=Code.PARTITION_FIELD,
        )
    elif (
        isinstance(partition, TimePartition)
        and partition.granularity is Granularity.HOUR
        and column.type.kind is Kind.DATE
    ):
        what = f"is HOUR on {field}, which is a DATE"
        config.add(f"{path}.type", what, "use DAY, MONTH or YEAR", code=Code.PARTITION_GRANULARITY)


def check_clustering_names(path: str, fields: tuple[str, ...], known: Collection[str] | None, config: Problems) -> None:
    """Report what is wrong with a clustering, whatever the types: too many, twice, or not a column if any are known."""
    if len(fields) > MAX_CLUSTERING:
        what, fix = f"has {len(fields)} columns", f"cluster by at most {MAX_CLUSTERING}"
        config.add(path, what, fix, code=Code.CLUSTERING_COLUMNS)
    for name in _twice(fields):
        config.add(path, f"names {name} twice", "name each column once", code=Code.CLUSTERING_COLUMNS)
    if known is None:
        return
    folded = {name.casefold() for name in known}
    for name in fields:
        if name.casefold() not in folded:
            what, fix = f"names {name}, which is not a column", f"name some of {some_of(known)}"
            config.add(path, what, fix, code=Code.CLUSTERING_COLUMNS)


def check_clustering_types(path: str, table: Table, config: Problems) -> None:
    """Report clustering columns of a type that cannot be clustered by, or that hold lists."""
    for name in table.clustering:
        column = table.column(name)
        if column and (column.type.kind not in CLUSTERABLE or column.mode is Mode.REPEATED):
            what, types = f"names {name}, which is {column.mode} {column.type}", ", ".join(sorted(CLUSTERABLE))
            config.add(path, what, f"use non-repeated {types}", code=Code.CLUSTERING_TYPE)
