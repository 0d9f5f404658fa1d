"""GoogleSQL types as DuckDB stores them, and back.

DuckDB has fewer types, so several GoogleSQL types share one storage type; which one was meant is remembered in the
dataset's manifest (see manifest.py), and the live storage type decides whether that memory still holds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from sqlglot import exp

from cloudact.catalog.model import Column, Kind, Mode, Type
from cloudact.planning.widening import NUMERIC_STORAGE, decimal_digits

_SINGLE, _DOUBLE = "'", '"'


@dataclass(frozen=True, slots=True)
class Storage:
    """A DuckDB type: a scalar's text, or a STRUCT's fields, and how many lists are around it."""

    name: str
    fields: tuple[tuple[str, Storage], ...] = ()
    lists: int = 0

    def __str__(self) -> str:
        inner = self.name
        if self.fields:
            inner = f"STRUCT({', '.join(f'{quote(name)} {field}' for name, field in self.fields)})"
        return inner + "[]" * self.lists


def quote(name: str) -> str:
    """Return an identifier in double quotes."""
    return f'"{name.replace(_DOUBLE, _DOUBLE * 2)}"'


def literal(text: str) -> str:
    """Return a text literal in single quotes."""
    return f"'{text.replace(_SINGLE, _SINGLE * 2)}'"


def storage_of(column: Column) -> Storage:
    """Return the DuckDB type that holds this column's values."""
    lists = 1 if column.mode is Mode.REPEATED else 0
    if column.type.kind is Kind.RECORD:
        return Storage("STRUCT", tuple((field.name, storage_of(field)) for field in column.fields), lists)
    if column.type.element:
        bound = Storage(_scalar(Type(column.type.element)))
        return Storage("STRUCT", (("start", bound), ("end", bound)), lists)
    if column.type.kind is Kind.NATIVE and column.type.native.endswith("[]"):
        return parse_storage(column.type.native)  # lists of lists, all of them in the type
    return Storage(_scalar(column.type), (), lists)


_SCALARS = {
    Kind.STRING: "VARCHAR",
    Kind.GEOGRAPHY: "VARCHAR",
    Kind.BYTES: "BLOB",
    Kind.INT64: "BIGINT",
    Kind.FLOAT64: "DOUBLE",
    Kind.BOOL: "BOOLEAN",
    Kind.TIMESTAMP: "TIMESTAMP WITH TIME ZONE",
    Kind.DATETIME: "TIMESTAMP",
    Kind.DATE: "DATE",
    Kind.TIME: "TIME",
    Kind.JSON: "JSON",
    Kind.INTERVAL: "INTERVAL",
}


def _scalar(type_: Type) -> str:
    if type_.native:
        return type_.native
    match type_.kind:
        case Kind.NUMERIC | Kind.BIGNUMERIC:
            return "DECIMAL({},{})".format(*decimal_digits(type_))
        case kind:
            return _SCALARS[kind]


# GEOGRAPHY shares VARCHAR with STRING: without a definition the plainer one is assumed.
_KINDS = {storage: kind for kind, storage in _SCALARS.items() if kind is not Kind.GEOGRAPHY}
# What nobody declares, and tables made by hand have. Each holds a part of a GoogleSQL type's values and refuses the
# others: so FLOAT, TIMESTAMP_S and TIMESTAMP_MS are none of these, for they round what is written.
_PARTS = {
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT", "UINTEGER"), Type(Kind.INT64)),
    "UBIGINT": Type(Kind.NUMERIC, 20, 0),
    "UUID": Type(Kind.STRING),
    "ENUM": Type(Kind.STRING),
}
# The names that DESCRIBE gives to what sqlglot calls otherwise.
_OWN_NAMES = {"INT": "INTEGER", "INT128": "HUGEINT", "UINT128": "UHUGEINT", "REAL": "FLOAT"}


@lru_cache(maxsize=4096)
def parse_storage(text: str) -> Storage:
    """Return the type that DuckDB's own type text describes."""
    return _storage(exp.DataType.build(text, dialect="duckdb", udt=True), text)


def _storage(node: exp.DataType, text: str) -> Storage:
    lists = 0
    while node.is_type(exp.DataType.Type.ARRAY, exp.DataType.Type.LIST) and not node.args.get("values"):
        node, lists = node.expressions[0], lists + 1
    if node.is_type(exp.DataType.Type.STRUCT):
        fields = tuple((field.name, _storage(field.args["kind"], text)) for field in node.expressions)
        return Storage("STRUCT", fields, lists)
    return Storage(_scalar_text(node), (), lists)


def _scalar_text(node: exp.DataType) -> str:
    if node.is_type(exp.DataType.Type.DECIMAL):
        return f"DECIMAL({','.join(item.name for item in node.expressions)})"
    if node.is_type(exp.DataType.Type.TIMESTAMPTZ):
        return "TIMESTAMP WITH TIME ZONE"
    if node.is_type(exp.DataType.Type.TEXT, exp.DataType.Type.VARCHAR):
        return "VARCHAR"
    text = node.sql(dialect="duckdb")
    return _OWN_NAMES.get(text, text)


def inferred(name: str, storage: Storage, *, required: bool = False) -> Column:
    """Return the plainest column that would be stored so; a type whose values GoogleSQL cannot hold becomes NATIVE."""
    mode = Mode.REPEATED if storage.lists else Mode.REQUIRED if required else Mode.NULLABLE
    if storage.lists > 1:
        return Column(name, Type(Kind.NATIVE, native=str(storage)), mode)
    if storage.fields:
        fields = tuple(inferred(field, inner) for field, inner in storage.fields)
        return Column(name, Type(Kind.RECORD), mode, fields=fields)
    return Column(name, _inferred_type(storage.name), mode)


def _inferred_type(text: str) -> Type:
    if kind := _KINDS.get(text):
        return Type(kind)
    if text.startswith("DECIMAL("):
        precision, scale = (int(part) for part in text.removeprefix("DECIMAL(").rstrip(")").split(","))
        if (precision, scale) == NUMERIC_STORAGE:
            return Type(Kind.NUMERIC)
        fits = scale <= 9 and precision <= scale + 29
        return Type(Kind.NUMERIC if fits else Kind.BIGNUMERIC, precision, scale)
    if part := _PARTS.get(text.partition("(")[0]):
        return replace(part, native=text)
    return Type(Kind.NATIVE, native=text)
