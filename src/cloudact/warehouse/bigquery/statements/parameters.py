"""Query parameters: a value, and the type that BigQuery wants to know before it sees the column.

A value tells its own type nearly always; where it does not (text for a JSON column, a part of a record) the column has
to be known. Source of the shapes: BigQuery REST reference, QueryParameter.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from cloudact.catalog.model import Column, Kind, Mode
from cloudact.errors import WarehouseRefused
from cloudact.warehouse.driver import JsonText

_NUMERIC_WHOLE, _NUMERIC_FRACTION = 29, 9
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One named parameter, in the form in which the client library sends it."""

    name: str
    type: Json
    value: Json

    def to_api_repr(self) -> Json:
        """Return the REST resource."""
        return {"name": self.name, "parameterType": self.type, "parameterValue": self.value}


@dataclass(slots=True)
class Parameters:
    """The parameters of one statement or script; each value gets a name of its own."""

    found: list[Parameter] = field(default_factory=list)

    def add(self, value: object, column: Column | None = None) -> str:
        """Return the text that stands for a value: a parameter's name, or a literal for what has no type."""
        if value is None:
            return "NULL"
        if isinstance(value, Sequence) and not isinstance(value, str | bytes) and not value:
            return "[]"
        name = f"p{len(self.found)}"
        self.found.append(parameter(name, value, column))
        return f"@{name}"


def parameter(name: str, value: object, column: Column | None = None) -> Parameter:
    """Return a parameter with the type of the column, or with the one that the value itself has."""
    type_ = _type_of_column(column) if column else _type_of_value(value)
    return Parameter(name, type_, _value(value, type_))


def _type_of_column(column: Column) -> Json:
    kind = column.type.kind
    if kind is Kind.RECORD:
        fields = [{"name": item.name, "type": _type_of_column(item)} for item in column.fields]
        found: Json = {"type": "STRUCT", "structTypes": fields}
    elif column.type.element:
        found = {"type": "RANGE", "rangeElementType": {"type": column.type.element.value}}
    else:
        found = {"type": kind.value}
    return {"type": "ARRAY", "arrayType": found} if column.mode is Mode.REPEATED else found


def _type_of_value(value: object) -> Json:
    if isinstance(value, Mapping):
        fields = [{"name": name, "type": _type_of_value(item)} for name, item in value.items()]
        return {"type": "STRUCT", "structTypes": fields}
    if isinstance(value, list | tuple):
        return {"type": "ARRAY", "arrayType": _type_of_value(value[0] if value else "")}
    return {"type": _scalar_type(value)}


def _scalar_type(value: object) -> str:
    match value:
        case JsonText():
            return "JSON"
        case bool():
            return "BOOL"
        case int():
            return "INT64"
        case float():
            return "FLOAT64"
        case Decimal():
            return "NUMERIC" if _fits_numeric(value) else "BIGNUMERIC"
        case datetime():
            return "TIMESTAMP" if value.tzinfo else "DATETIME"
        case date():
            return "DATE"
        case time():
            return "TIME"
        case timedelta():
            return "INTERVAL"
        case bytes():
            return "BYTES"
        case _:
            return "STRING"


def _fits_numeric(value: Decimal) -> bool:
    """A NUMERIC parameter goes into a NUMERIC and a BIGNUMERIC column; a BIGNUMERIC one only into the latter."""
    parts = value.as_tuple()
    exponent = parts.exponent if isinstance(parts.exponent, int) else 0
    return len(parts.digits) + exponent <= _NUMERIC_WHOLE and -exponent <= _NUMERIC_FRACTION


def _value(value: object, type_: Json) -> Json:
    if value is None:
        return {"value": None}
    if type_["type"] == "ARRAY" and isinstance(value, list | tuple):
        return {"arrayValues": [_value(item, type_["arrayType"]) for item in value]}
    if type_["type"] == "STRUCT" and isinstance(value, Mapping):
        given = _parts(value, [item["name"] for item in type_["structTypes"]])
        parts = {
            item["name"]: _value(given.get(item["name"].casefold()), item["type"]) for item in type_["structTypes"]
        }
        return {"structValues": parts}
    if type_["type"] == "RANGE" and isinstance(value, Mapping):
        bounds = _parts(value, ["start", "end"])
        element = type_["rangeElementType"]
        return {"rangeValue": {name: _value(bound, element) for name, bound in bounds.items() if bound is not None}}
    return {"value": _text(value)}


def _parts(value: Mapping[Any, object], names: Sequence[str]) -> dict[str, object]:
    """Return the parts of a record by folded name; raises WarehouseRefused for one that has no place."""
    given = {str(name).casefold(): item for name, item in value.items()}
    unknown = sorted(given.keys() - {name.casefold() for name in names})
    if len(given) < len(value):
        raise WarehouseRefused(
            f"a record names a field twice, in different case: {', '.join(map(str, value))}", hint="Give each once."
        )
    if unknown:
        raise WarehouseRefused(
            f"a record has values for {', '.join(unknown)}, which its column has no field for",
            hint=f"Its fields are {', '.join(names)}; sync the dataset where others should be there.",
        )
    return given


def _text(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case Decimal():
            return f"{value:f}"
        case datetime():
            if value.tzinfo:
                return value.astimezone(UTC).isoformat(" ", "microseconds")
            return value.isoformat("T", "microseconds")
        case date():
            return value.isoformat()
        case time():
            return value.isoformat("microseconds")
        case timedelta():
            return _interval(value)
        case bytes():
            return base64.b64encode(value).decode()
        case _:
            return str(value)


def _interval(value: timedelta) -> str:
    """Return the canonical text `Y-M D H:M:S.F`; each part has a sign of its own."""
    sign, size = ("-", -value) if value < timedelta(0) else ("", value)
    minutes, seconds = divmod(size.seconds, 60)
    clock = f"{minutes // 60}:{minutes % 60}:{seconds}.{size.microseconds:06}"
    return f"0-0 {sign}{size.days} {sign}{clock}"
