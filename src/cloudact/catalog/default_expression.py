"""Default value expressions: whether one is an expression at all, and not plainly of another type."""

from __future__ import annotations

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from cloudact.catalog.model import Column, Kind, Mode

_NUMBERS = frozenset({Kind.INT64, Kind.FLOAT64, Kind.NUMERIC, Kind.BIGNUMERIC})
_NOT_FROM_TEXT = _NUMBERS | {Kind.BOOL, Kind.RECORD}


def default_problem(column: Column) -> str:
    """Return why the column's default cannot be one, or an empty text; types are judged for plain literals only."""
    try:
        tree = sqlglot.parse_one(f"SELECT {column.default}", dialect="bigquery")
    except (SqlglotError, RecursionError):
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
