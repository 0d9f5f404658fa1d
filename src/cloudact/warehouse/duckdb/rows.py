"""Statements on rows: identifiers quoted, values as parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import assert_never

from cloudact.warehouse.driver import Condition, Contains, Equals, OneOf, Page, Row, Within
from cloudact.warehouse.duckdb.type_map import quote

Statement = tuple[str, list[object]]
_MAX_DIGITS = 38
# Values that are the same in a list of their kind as each by itself.
_PLAIN = frozenset({str, bool, int, datetime})


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
    kinds = {str if isinstance(value, str) else type(value) for value in values if value is not None}
    return len(kinds) <= 1 and kinds <= _PLAIN


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
