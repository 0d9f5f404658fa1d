"""Statements on rows: identifiers quoted, values as parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from typing import assert_never

from cloudact.warehouse.driver import Condition, Contains, Equals, OneOf, Page, Row, Within
from cloudact.warehouse.duckdb.type_map import quote

Statement = tuple[str, list[object]]
_MAX_DIGITS = 38
# Values that are the same in a list of their kind as each by itself.
_TEXTS = list[str]
_PLAIN = frozenset({str, bool, int, datetime, date, bytes, _TEXTS})


def insert(dataset: str, table: str, row: Row) -> Statement:
    """Return the statement that appends one row."""
    columns = ", ".join(quote(name) for name in row)
    marks = ", ".join("?" for _ in row)
    return f"INSERT INTO {_name(dataset, table)} ({columns}) VALUES ({marks})", [
        _bound(value) for value in row.values()
    ]


def inserts(dataset: str, table: str, new_rows: Sequence[Row]) -> Iterator[Statement]:
    """Yield the statements that append rows: one for all with the same columns where each has values of one plain type.

    A row by itself takes about a millisecond, of which a list of values for each column takes a twentieth.
    """
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in new_rows:
        groups.setdefault(tuple(row), []).append(row)
    for names, group in groups.items():
        values = [[row[name] for row in group] for name in names]
        if len(group) == 1 or not all(map(_are_alike, values)):
            yield from (insert(dataset, table, row) for row in group)
            continue
        columns, marks = ", ".join(map(quote, names)), ", ".join("unnest(?)" for _ in names)
        text = f"INSERT INTO {_name(dataset, table)} ({columns}) SELECT {marks}"
        yield text, [[_bound(value) for value in column] for column in values]


def update(dataset: str, table: str, values: Row, where: Sequence[Condition]) -> Statement:
    """Return the statement that sets columns in the rows meeting every condition."""
    assignments = ", ".join(f"{quote(name)} = ?" for name in values)
    condition, parameters = _where(where)
    return f"UPDATE {_name(dataset, table)} SET {assignments}{condition}", [*map(_bound, values.values()), *parameters]


def updates(
    dataset: str, table: str, pairs: Sequence[tuple[Row, Sequence[Equals]]]
) -> Iterator[tuple[Statement, Statement]]:
    """Yield statements that set columns in rows, each behind one that tells whether every pair finds exactly one row.

    Those that set and ask for the same columns are one statement, where each column has values of one plain type.
    """

    def shape(pair: tuple[Row, Sequence[Equals]]) -> tuple[object, ...]:
        values, where = pair
        return tuple(values), tuple((condition.column, condition.value is None) for condition in where)

    for _, group in groupby(pairs, shape):
        alike = list(group)
        if all(map(_are_alike, _columns_of(alike))):
            yield _updates_of(dataset, table, alike)
            continue
        for values, where in alike:
            text, parameters = count(dataset, table, where)
            yield (f"SELECT ({text}) = 1", parameters), update(dataset, table, values, where)


def _updates_of(dataset: str, table: str, pairs: Sequence[tuple[Row, Sequence[Equals]]]) -> tuple[Statement, Statement]:
    values, where = pairs[0]
    asked = [condition.column for condition in where if condition.value is not None]
    names = [f"v{number}" for number in range(len(values) + len(asked))]
    source = ", ".join(f"unnest(?) AS {name}" for name in ("number", *names))
    met = [f"old.{quote(column)} = new.{name}" for column, name in zip(asked, names[len(values) :], strict=True)]
    met += [f"old.{quote(condition.column)} IS NULL" for condition in where if condition.value is None]
    rows = f"FROM (SELECT {source}) AS new"
    found = f"SELECT count(*) = {len(pairs)} AND count(DISTINCT number) = {len(pairs)}"
    set_to = ", ".join(f"{quote(column)} = new.{name}" for column, name in zip(values, names, strict=False))
    lists = [[_bound(value) for value in column] for column in _columns_of(pairs)]
    parameters: list[object] = [list(range(len(pairs))), *lists]
    condition = " AND ".join(met)
    return (
        (f"{found} {rows}, {_name(dataset, table)} AS old WHERE {condition}", parameters),
        (f"UPDATE {_name(dataset, table)} AS old SET {set_to} {rows} WHERE {condition}", parameters),
    )


def _columns_of(pairs: Sequence[tuple[Row, Sequence[Equals]]]) -> list[tuple[object, ...]]:
    return list(zip(*([*values.values(), *_values(where)] for values, where in pairs), strict=True))


def _values(where: Sequence[Equals]) -> list[object]:
    return [condition.value for condition in where if condition.value is not None]


def select(
    dataset: str, table: str, columns: Sequence[str], where: Sequence[Condition], page: Page | None
) -> Statement:
    """Return the statement that reads rows."""
    condition, parameters = _where(where)
    wanted = ", ".join(quote(name) for name in columns)
    text = f"SELECT {wanted} FROM {_name(dataset, table)}{condition}"
    if page is None:
        return text, parameters
    order = ", ".join(f"{quote(name)} DESC" if page.descending else quote(name) for name in page.order_by)
    return f"{text} ORDER BY {order} LIMIT ? OFFSET ?", [*parameters, page.limit, page.offset]


def count(dataset: str, table: str, where: Sequence[Condition]) -> Statement:
    """Return the statement that counts rows."""
    condition, parameters = _where(where)
    return f"SELECT count(*) FROM {_name(dataset, table)}{condition}", parameters


def _are_alike(values: Sequence[object]) -> bool:
    kinds = {_kind(value) for value in values if value is not None}
    return len(kinds) <= 1 and kinds <= _PLAIN


def _kind(value: object) -> object:
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return _TEXTS
    return str if isinstance(value, str) else type(value)


def _bound(value: object) -> object:
    """Return a value as the client has to be given it.

    It takes a mapping of just `key` and `value` for a MAP, and then loses it: labels are records with these fields.
    Engine and client compare the names of fields without regard to case, and the client only knows the lower case.
    A decimal of more digits than DuckDB's DECIMAL has becomes a DOUBLE there; as text it is rounded to its column.
    """
    if isinstance(value, Mapping):
        is_pair = set(value) == {"key", "value"}
        return {name.upper() if is_pair else name: _bound(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_bound(item) for item in value]
    if isinstance(value, str):
        return str(value)  # the client is given no type of ours
    if isinstance(value, Decimal) and len(value.as_tuple().digits) > _MAX_DIGITS:
        return format(value, "f")
    return value


def _name(dataset: str, table: str) -> str:
    return f"{quote(dataset)}.{quote(table)}"


def _where(where: Sequence[Condition]) -> Statement:
    parts: list[str] = []
    parameters: list[object] = []
    for condition in where:
        match condition:
            case Equals(column=column, value=None):
                parts.append(f"{quote(column)} IS NULL")
            case Equals(column=column, value=value):
                parts.append(f"{quote(column)} = ?")
                parameters.append(value)
            case OneOf(column=column, values=values):
                parts.append(f"{quote(column)} IN ({', '.join('?' for _ in values)})" if values else "FALSE")
                parameters += values
            case Within(column=column, at_least=at_least, below=below):
                bounds = [(">=", at_least), ("<", below)]
                found = [(f"{quote(column)} {sign} ?", value) for sign, value in bounds if value is not None]
                parts += [text for text, _ in found] or [f"{quote(column)} IS NOT NULL"]
                parameters += [value for _, value in found]
            case Contains(columns=columns, text=text):
                parts.append("(" + " OR ".join(f"contains(lower({quote(name)}), lower(?))" for name in columns) + ")")
                parameters += [text] * len(columns)
            case _:
                assert_never(condition)
    return (f" WHERE {' AND '.join(parts)}" if parts else ""), parameters
