"""sqlglot's data types as columns of the REST API, and back."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlglot import exp

from tests.bigquery_fake.googlesql import column_type
from tests.bigquery_fake.specs import Resource
from tests.bigquery_fake.sql.values import engine_type

_Type = exp.DataType.Type
_KINDS: dict[Any, str] = {
    _Type.TEXT: "STRING",
    _Type.VARCHAR: "STRING",
    _Type.CHAR: "STRING",
    _Type.BINARY: "BYTES",
    _Type.VARBINARY: "BYTES",
    _Type.BIGINT: "INTEGER",
    _Type.INT: "INTEGER",
    _Type.INT128: "INTEGER",
    _Type.DOUBLE: "FLOAT",
    _Type.FLOAT: "FLOAT",
    _Type.DECIMAL: "NUMERIC",
    _Type.BIGDECIMAL: "BIGNUMERIC",
    _Type.BOOLEAN: "BOOLEAN",
    _Type.TIMESTAMPTZ: "TIMESTAMP",
    _Type.TIMESTAMP: "DATETIME",
    _Type.DATETIME: "DATETIME",
    _Type.DATE: "DATE",
    _Type.TIME: "TIME",
    _Type.JSON: "JSON",
    _Type.INTERVAL: "INTERVAL",
    _Type.GEOGRAPHY: "GEOGRAPHY",
    _Type.STRUCT: "RECORD",
    _Type.RANGE: "RANGE",
}


def field_of(name: str, data_type: exp.DataType | None) -> Resource | None:
    """Return a column of this type; None where the type is not known. A plain NULL is an INT64."""
    if data_type is None or data_type.this is _Type.UNKNOWN:
        return None
    if data_type.this is _Type.NULL:
        return {"name": name, "type": "INTEGER", "mode": "NULLABLE"}
    if data_type.this is _Type.ARRAY:
        element = field_of(name, data_type.expressions[0] if data_type.expressions else None)
        return element and element | {"mode": "REPEATED"}
    kind = _KINDS.get(data_type.this)
    if kind is None:
        return None
    field = {"name": name, "type": kind, "mode": "NULLABLE"}
    if kind == "RECORD":
        members = [field_of(_name(item), _kind(item)) for item in data_type.expressions]
        return None if None in members else field | {"fields": members}
    if kind == "RANGE":
        element = field_of(name, data_type.expressions[0])
        return element and field | {"rangeElementType": {"type": element["type"]}}
    return field | _parameters(kind, data_type)


def _name(member: exp.Expr) -> str:
    return str(member.name) if isinstance(member, exp.ColumnDef) else ""


def _kind(member: exp.Expr) -> exp.DataType | None:
    kind = member.args.get("kind") if isinstance(member, exp.ColumnDef) else member
    return kind if isinstance(kind, exp.DataType) else None


def _parameters(kind: str, data_type: exp.DataType) -> Resource:
    numbers = [item.name for item in data_type.expressions]
    if not numbers:
        return {}
    if kind in {"STRING", "BYTES"}:
        return {"maxLength": numbers[0]}
    return {"precision": numbers[0]} | ({"scale": numbers[1]} if len(numbers) > 1 else {})


@lru_cache(maxsize=4096)
def _built(text: str, dialect: str) -> exp.DataType:
    return exp.DataType.build(text, dialect=dialect, udt=True)


def data_type_of(field: Resource) -> exp.DataType:
    """Return the type of a column for the analysis of a statement."""
    return _built(column_type(field), "bigquery").copy()


def engine_data_type(field: Resource) -> exp.DataType:
    """Return the type that the engine stores a column's values in."""
    return _built(engine_type(field), "duckdb").copy()
