"""Named, typed query parameters: from the request to a GoogleSQL type and a value that the engine binds."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from tests.bigquery_fake.errors import GoogleError, invalid, unsupported
from tests.bigquery_fake.specs import Resource
from tests.bigquery_fake.sql.values import decimal_text, json_text, rounded

_REST_NAMES = {"INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN", "STRUCT": "RECORD"}
_SCALARS = {
    "STRING", "BYTES", "INTEGER", "FLOAT", "NUMERIC", "BIGNUMERIC", "BOOLEAN", "TIMESTAMP", "DATE", "TIME", "DATETIME",
    "JSON", "INTERVAL", "GEOGRAPHY",
}  # fmt: skip
_INTERVAL = re.compile(r"(-?)(\d+)-(\d+) (-?\d+) (-?)(\d+):(\d+):(\d+)(\.\d{1,9})?")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter: a field that says its type, named after it, and its value as a column of that type stores it."""

    field: Resource
    value: Any


Parameters = dict[str, Parameter]


def parameters_of(mode: str | None, given: Sequence[Resource]) -> Parameters:
    """Return the parameters of a request by their names in lower case, as names are compared."""
    if given and mode != "NAMED":
        raise unsupported("positional query parameters")
    parameters = {}
    for item in given:
        name = str(item["name"])
        field = _field_of(name, item["parameterType"])
        parameters[name.casefold()] = Parameter(field, _value(field, item.get("parameterValue") or {}))
    return parameters


def _field_of(name: str, given: Resource) -> Resource:
    kind = str(given["type"]).upper()
    if kind == "ARRAY":
        element = _field_of(name, given["arrayType"])
        if element["mode"] == "REPEATED":
            raise invalid("An array of arrays is no type")
        return element | {"mode": "REPEATED"}
    kind = _REST_NAMES.get(kind, kind)
    field = {"name": name, "type": kind, "mode": "NULLABLE"}
    if kind == "RECORD":
        members = [_field_of(item.get("name", ""), item["type"]) for item in given["structTypes"]]
        return field | {"fields": members}
    if kind == "RANGE":
        return field | {"rangeElementType": {"type": given["rangeElementType"]["type"]}}
    if kind not in _SCALARS:
        raise invalid(f"Invalid parameter type {kind} of {name}")
    return field


def _value(field: Resource, given: Resource) -> Any:
    if field["mode"] == "REPEATED":
        single = field | {"mode": "NULLABLE"}
        if "arrayValues" not in given:
            return [] if "value" not in given else None
        return [_value(single, item) for item in given["arrayValues"]]
    if field["type"] == "RECORD":
        if "structValues" not in given:
            return None
        members = given["structValues"]
        return {item["name"]: _value(item, members.get(item["name"], {})) for item in field["fields"]}
    if field["type"] == "RANGE":
        return _range(field, given.get("rangeValue"))
    text = given.get("value")
    if text is None:
        return None
    return parse_scalar(field, str(text))


def parse_scalar(field: Resource, text: str) -> Any:
    """Return the value that a text stands for; raises 400 for a text that is none of the type."""
    try:
        return _scalar(field, text)
    except GoogleError as error:
        raise invalid(error.message) from error
    except (ValueError, InvalidOperation) as error:  # base64's error is a ValueError
        raise invalid(f"Invalid value for {field['name']}: {text!r} is no {field['type']}") from error


def _range(field: Resource, given: Resource | None) -> str | None:
    if given is None:
        return None
    element = {"name": field["name"], "type": field["rangeElementType"]["type"], "mode": "NULLABLE"}
    bounds = (_value(element, given.get(end) or {}) for end in ("start", "end"))
    return "[{}, {})".format(*("UNBOUNDED" if bound is None else bound.isoformat() for bound in bounds))


def _scalar(field: Resource, text: str) -> Any:
    match field["type"]:
        case "INTEGER":
            return _int64(text)
        case "FLOAT":
            return float(text)
        case "NUMERIC":
            return rounded(field, Decimal(text), field["name"])
        case "BIGNUMERIC":  # as text: it may have more digits than the engine's numbers
            return decimal_text(rounded(field, Decimal(text), field["name"]))
        case "BYTES":
            return base64.b64decode(text, validate=True)
        case "JSON":
            return json_text(text)
        case "INTERVAL":
            return _interval(text)
        case kind:
            return _PARSERS.get(kind, str)(text)


def _bool(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise ValueError(text)
    return text.lower() == "true"


def _int64(text: str) -> int:
    value = int(text)
    if not -(2**63) <= value < 2**63:
        raise ValueError(text)
    return value


def _timestamp(text: str) -> datetime:
    value = datetime.fromisoformat(text.strip().replace(" UTC", "+00:00"))
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _datetime(text: str) -> datetime:
    value = datetime.fromisoformat(text.strip())
    if value.tzinfo is not None:
        raise ValueError(text)
    return value


def _interval(text: str) -> str:
    """Return the canonical text of an interval: no zeros in front of a number or behind a fraction."""
    parts = _INTERVAL.fullmatch(text)
    if parts is None:
        raise ValueError(text)
    sign, years, months, days, clock_sign, hours, minutes, seconds, fraction = parts.groups("")
    sign = sign if int(years) or int(months) else ""
    fraction = fraction.rstrip("0").rstrip(".")
    clock_sign = clock_sign if int(hours) or int(minutes) or int(seconds) or fraction else ""
    clock = f"{clock_sign}{int(hours)}:{int(minutes)}:{int(seconds)}{fraction}"
    return f"{sign}{int(years)}-{int(months)} {int(days)} {clock}"


_PARSERS = {
    "BOOLEAN": _bool,
    "TIMESTAMP": _timestamp,
    "DATETIME": _datetime,
    "DATE": date.fromisoformat,
    "TIME": time.fromisoformat,
}
