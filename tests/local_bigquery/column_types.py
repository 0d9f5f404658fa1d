"""Columns of DDL statements as fields of a REST schema, and fields as types that the emulator understands."""

from __future__ import annotations

from sqlglot import exp

from tests.bigquery_fake.rules import Resource
from tests.local_bigquery.answers import not_modelled
from tests.local_bigquery.catalog import column_name

_PARAMETERS = {
    "STRING": ("maxLength",),
    "BYTES": ("maxLength",),
    "NUMERIC": ("precision", "scale"),
    "BIGNUMERIC": ("precision", "scale"),
}
_SQL_NAMES = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}


def field_of(column: exp.ColumnDef) -> Resource:
    """Return the field that a column definition describes."""
    field = {"name": column.name, **type_of(column.args["kind"])}
    for constraint in column.args.get("constraints", []):
        match constraint.kind:
            case exp.NotNullColumnConstraint():
                field["mode"] = "REQUIRED"
            case exp.DefaultColumnConstraint(this=default):
                field["defaultValueExpression"] = default.sql("bigquery")
            case exp.CollateColumnConstraint(this=collation):
                field["collation"] = collation.name
            case exp.Properties() as options:
                field |= column_options(options)
            case other:
                raise not_modelled(f"column {column.name} with {other.sql('bigquery')}")
    return field


def type_of(kind: exp.DataType) -> Resource:
    """Return the part of a field that its type says."""
    match kind.this:
        case exp.DataType.Type.ARRAY:
            return {**type_of(kind.expressions[0]), "mode": "REPEATED"}
        case exp.DataType.Type.STRUCT:
            return {"type": "RECORD", "fields": [field_of(item) for item in kind.expressions]}
        case exp.DataType.Type.RANGE:
            return {"type": "RANGE", "rangeElementType": {"type": kind.expressions[0].sql("bigquery")}}
    name = exp.DataType(this=kind.this).sql("bigquery")
    return {"type": name, **dict(zip(_PARAMETERS.get(name, ()), map(_text, kind.expressions), strict=False))}


def _text(parameter: exp.Expr) -> str:
    return parameter.name


def column_options(options: exp.Properties) -> Resource:
    """Return the part of a field that its OPTIONS say."""
    values = {item.name: item.args["value"] for item in options.expressions}
    found = {name: None if isinstance(value, exp.Null) else value.name for name, value in values.items()}
    if set(found) - {"description"}:
        raise not_modelled(f"column options {', '.join(found)}")
    return dict(found)


def definition(field: Resource) -> str:
    """Return a field as a column definition for the emulator, which keeps neither parameters nor nested NOT NULL."""
    required = " NOT NULL" if field["mode"] == "REQUIRED" else ""
    return f"{column_name(field['name'])} {type_text(field)}{required}"


def type_text(field: Resource) -> str:
    """Return a field's type without parameters: the emulator stores every NUMERIC alike when REST creates a table."""
    name: str = field["type"]
    text = _SQL_NAMES.get(name, name)
    if name == "RECORD":
        inner = ", ".join(f"{column_name(item['name'])} {type_text(item)}" for item in field["fields"])
        text = f"STRUCT<{inner}>"
    elif name == "RANGE":
        text = f"RANGE<{field['rangeElementType']['type']}>"
    return f"ARRAY<{text}>" if field["mode"] == "REPEATED" else text
