"""Values given to columns: which types a column takes, and what is written for what was given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.bigquery_fake.errors import invalid_query, unsupported
from tests.bigquery_fake.googlesql import column_type
from tests.bigquery_fake.specs import Resource
from tests.bigquery_fake.sql.parameters import parse_scalar
from tests.bigquery_fake.sql.values import stored

_WIDENS = {
    "INTEGER": {"NUMERIC", "BIGNUMERIC", "FLOAT"},
    "NUMERIC": {"BIGNUMERIC", "FLOAT"},
    "BIGNUMERIC": {"FLOAT"},
}
_CONSTANT_BECOMES = {
    "STRING": {"DATE", "DATETIME", "TIME", "TIMESTAMP"},
    "FLOAT": {"NUMERIC", "BIGNUMERIC"},
}


def assign(column: Resource, source: Resource | None, values: Sequence[Any], *, constant: bool) -> list[Any]:
    """Return what is stored for each value of type `source`; raises 400 where BigQuery does not assign such a type.

    A `constant` (a literal or parameter) is coerced where a column or expression is not.
    """
    if source is None:
        raise unsupported(f"the type of what is assigned to {column['name']}")
    nothing = all(value is None or value == [] for value in values)
    if not (nothing and constant) and not _assignable(column, source, constant=constant):
        message = f"Value of type {column_type(source)} cannot be assigned to {column['name']}"
        raise invalid_query(f"{message}, which has type {column_type(column)} at [1:1]")
    return [stored(column, _converted(column, source, value)) for value in values]


def _assignable(column: Resource, source: Resource, *, constant: bool) -> bool:
    if (column["mode"] == "REPEATED") != (source["mode"] == "REPEATED"):
        return False
    target, given = column["type"], source["type"]
    if target == given == "RECORD":
        pairs = list(zip(column["fields"], source["fields"], strict=False))
        alike = len(column["fields"]) == len(source["fields"])
        return alike and all(_assignable(inner, other, constant=constant) for inner, other in pairs)
    if target == given:
        return bool(target != "RANGE" or column["rangeElementType"] == source["rangeElementType"])
    coerced = _CONSTANT_BECOMES.get(given, set()) if constant else set()
    return target in _WIDENS.get(given, set()) | coerced


def _converted(column: Resource, source: Resource, value: Any) -> Any:
    """Return a value of the source's type as one of the column's; structs are matched by position."""
    if value is None:
        return None
    if isinstance(value, list):
        return [_converted(column, source, item) for item in value]
    if column["type"] == "RECORD":
        members = zip(column["fields"], source["fields"], value.values(), strict=True)
        return {inner["name"]: _converted(inner, other, item) for inner, other, item in members}
    if source["type"] == "STRING" and column["type"] != "STRING":
        return parse_scalar(column, value)
    return value
