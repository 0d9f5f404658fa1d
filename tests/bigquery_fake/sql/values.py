"""Values: as the engine stores them, as the REST API answers them, and as a column of a type accepts them.

Types with no exact counterpart in the engine are stored as their canonical text: INTERVAL, RANGE, GEOGRAPHY, and a
BIGNUMERIC of more than 38 digits. See `is_text_stored`.
"""

from __future__ import annotations

import base64
import json
import math
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal
from typing import Any

from tests.bigquery_fake.errors import invalid_query, unsupported
from tests.bigquery_fake.specs import Resource

EXACT = Context(prec=120)  # more digits than a BIGNUMERIC has
_STORAGE = {
    "STRING": "VARCHAR",
    "BYTES": "BLOB",
    "INTEGER": "BIGINT",
    "FLOAT": "DOUBLE",
    "BOOLEAN": "BOOLEAN",
    "TIMESTAMP": "TIMESTAMP WITH TIME ZONE",
    "DATETIME": "TIMESTAMP",
    "DATE": "DATE",
    "TIME": "TIME",
    "JSON": "JSON",
}
_DEFAULT_DIGITS = {"NUMERIC": (38, 9), "BIGNUMERIC": (77, 38)}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def is_text_stored(field: Resource) -> bool:
    """Tell whether values of this type are kept as text, so that the engine cannot compute with them."""
    if field["type"] == "BIGNUMERIC":
        return _digits(field)[0] > 38
    return field["type"] in {"INTERVAL", "RANGE", "GEOGRAPHY"}


def engine_type(field: Resource) -> str:
    """Return the engine's type for a column."""
    kind = field["type"]
    if kind == "RECORD":
        inner = ", ".join(f"{engine_name(item['name'])} {engine_type(item)}" for item in field["fields"])
        text = f"STRUCT({inner})"
    elif is_text_stored(field):
        text = "VARCHAR"
    elif kind in _DEFAULT_DIGITS:
        text = "DECIMAL({}, {})".format(*_digits(field))
    else:
        text = _STORAGE[kind]
    return f"{text}[]" if field["mode"] == "REPEATED" else text


def engine_name(name: str) -> str:
    """Return a name as the engine quotes it."""
    return '"' + name.replace('"', '""') + '"'


def _digits(field: Resource) -> tuple[int, int]:
    if "precision" not in field:
        return _DEFAULT_DIGITS[field["type"]]
    return int(field["precision"]), int(field.get("scale", 0))


def stored(field: Resource, value: Any, path: str = "") -> Any:
    """Return what is stored for `value` in a column; raises 400 for what the column does not accept."""
    path = f"{path}{field['name']}"
    if field["mode"] == "REPEATED":
        items = [] if value is None else value
        if None in items:
            raise invalid_query(f"Array cannot have a null element; error in writing field {path}")
        return [_stored_one(field, item, path) for item in items]
    if value is None:
        if field["mode"] == "REQUIRED":
            raise invalid_query(f"Required field {path} cannot be null")
        return None
    return _stored_one(field, value, path)


def _stored_one(field: Resource, value: Any, path: str) -> Any:
    match field["type"]:
        case "RECORD":
            return {item["name"]: stored(item, _member(value, item["name"]), f"{path}.") for item in field["fields"]}
        case "NUMERIC" | "BIGNUMERIC":
            number = rounded(field, value, path)
            return decimal_text(number) if is_text_stored(field) else number
        case "FLOAT":
            return float(value)
        case "JSON":
            return json_text(value)
        case "STRING" | "BYTES" if len(value) > int(field.get("maxLength", len(value))):
            raise invalid_query(f"Field {path}: {field['type']}({field['maxLength']}) has maximum length exceeded")
        case "INTEGER" if not -(2**63) <= value < 2**63:
            raise invalid_query(f"Field {path}: {value} is out of range of INT64")
        case _:
            return value


def _member(value: Any, name: str) -> Any:
    """Return a field of a struct, whose names come back from the engine in their own case."""
    if name in value:
        return value[name]
    return next((item for key, item in value.items() if key.casefold() == name.casefold()), None)


def rounded(field: Resource, value: Any, path: str) -> Decimal:
    """Return a number with the digits of the column; raises 400 when it is too large."""
    precision, scale = _digits(field)
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not number.is_finite():
        raise invalid_query(f"Field {path}: {value} is no {field['type']}")
    mode = ROUND_HALF_EVEN if field.get("roundingMode") == "ROUND_HALF_EVEN" else ROUND_HALF_UP
    number = number.quantize(Decimal(1).scaleb(-scale), rounding=mode, context=EXACT)
    if not _fits(number, field, precision - scale):
        raise invalid_query(f"Field {path}: {value} is out of range of {field['type']}({precision}, {scale})")
    return number


def _fits(number: Decimal, field: Resource, whole_digits: int) -> bool:
    if field["type"] == "BIGNUMERIC" and "precision" not in field:  # its last whole digit is partial: 2**255 at most
        return -(2**255) <= int(number.scaleb(38, context=EXACT)) < 2**255
    return number == 0 or number.adjusted() < whole_digits


def decimal_text(number: Decimal) -> str:
    """Return a number as BigQuery writes it: no exponent, no zeros at the end."""
    text = f"{number:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in {"-0", ""} else text


def json_text(text: str) -> str:
    """Return JSON text as BigQuery keeps it: keys in order, no space; raises 400 for what is no JSON.

    A number that a FLOAT64 would change is refused, as PARSE_JSON does.
    """
    try:
        value = json.loads(text, parse_float=_exact_float, parse_int=_exact_int, parse_constant=_no_constant)
    except ValueError as error:
        raise invalid_query(f"Invalid JSON: {error}") from error
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _exact_float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value) or Decimal(repr(value)) != Decimal(text):
        raise ValueError(f"the number {text} cannot be kept exactly")
    return value


def _exact_int(text: str) -> int:
    value = int(text)
    if not -(2**63) <= value < 2**64:
        raise ValueError(f"the number {text} cannot be kept exactly")
    return value


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is no JSON")


def cell(field: Resource, value: Any, *, int64_timestamp: bool) -> Any:
    """Return a value as it stands in a row of a result."""
    if field["mode"] == "REPEATED":
        single = field | {"mode": "NULLABLE"}
        return [{"v": cell(single, item, int64_timestamp=int64_timestamp)} for item in value or ()]
    if value is None:
        return None
    if field["type"] == "RECORD":
        members = [(item, _member(value, item["name"])) for item in field["fields"]]
        return {"f": [{"v": cell(item, inner, int64_timestamp=int64_timestamp)} for item, inner in members]}
    if field["type"] == "TIMESTAMP":
        return _timestamp_text(value, int64_timestamp=int64_timestamp)
    if field["type"] == "RANGE" and field["rangeElementType"]["type"] == "TIMESTAMP":
        return _timestamps(value, int64_timestamp=int64_timestamp)
    return _scalar_text(field["type"], value)


def _timestamp_text(value: datetime, *, int64_timestamp: bool) -> str:
    micros = micros_of(value)
    return str(micros) if int64_timestamp else repr(micros / 1e6)


def _timestamps(text: str, *, int64_timestamp: bool) -> str:
    bounds = (
        _timestamp_text(datetime.fromisoformat(bound), int64_timestamp=int64_timestamp)
        if bound != "UNBOUNDED"
        else bound
        for bound in text[1:-1].split(", ")
    )
    return "[{}, {})".format(*bounds)


def micros_of(value: datetime) -> int:
    """Return microseconds since 1970."""
    delta = value.astimezone(UTC) - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def _scalar_text(kind: str, value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case bytes():
            return base64.b64encode(value).decode()
        case Decimal():
            return decimal_text(value)
        case float() if kind == "FLOAT":
            return _float_text(value)
        case datetime():
            return value.isoformat(timespec="microseconds" if value.microsecond else "seconds")
        case date() | time():
            return value.isoformat()
        case str() | int():
            return str(value)
        case _:
            raise unsupported(f"how to answer {value!r} as {kind}")


def _float_text(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(value)


def as_bound(value: Any) -> Any:
    """Return a value as the engine's client has to be given it: a record of `key` and `value` it takes for a MAP."""
    if isinstance(value, dict):
        is_pair = set(value) == {"key", "value"}
        return {name.upper() if is_pair else name: as_bound(item) for name, item in value.items()}
    return [as_bound(item) for item in value] if isinstance(value, list) else value
