"""BigQuery JSON schema files: what `bq show --schema` prints, to columns and back.

Source of the keys and aliases: BigQuery REST reference, TableFieldSchema, and GoogleSQL data types.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Any

from cloudact.catalog.model import Column, Kind, Mode, Type
from cloudact.catalog.problems import Code, Problems

ALIASES: Mapping[str, Kind] = {
    **{kind.value: kind for kind in Kind if kind is not Kind.NATIVE},
    "INT": Kind.INT64,
    "INTEGER": Kind.INT64,
    "SMALLINT": Kind.INT64,
    "BIGINT": Kind.INT64,
    "TINYINT": Kind.INT64,
    "BYTEINT": Kind.INT64,
    "FLOAT": Kind.FLOAT64,
    "BOOLEAN": Kind.BOOL,
    "DECIMAL": Kind.NUMERIC,
    "BIGDECIMAL": Kind.BIGNUMERIC,
    "STRUCT": Kind.RECORD,
}
KEYS = frozenset(
    {
        "name", "type", "mode", "description", "fields", "precision", "scale", "maxLength",
        "defaultValueExpression", "rangeElementType", "collation", "roundingMode", "policyTags",
        "dataPolicies", "timestampPrecision",
    }
)  # fmt: skip
RANGE_ELEMENTS = frozenset({Kind.DATE, Kind.DATETIME, Kind.TIMESTAMP})
COLLATIONS = ("und:ci",)
ROUNDING_MODES = ("ROUND_HALF_AWAY_FROM_ZERO", "ROUND_HALF_EVEN")
MAX_DEPTH = 15
# (most digits after the point, most digits before it): GoogleSQL, parameterized decimal types
DECIMAL_LIMITS = {Kind.NUMERIC: (9, 29), Kind.BIGNUMERIC: (38, 38)}
# No text of JSON goes over a line, so a line that begins so is never within one.
_COMMENT = re.compile(r"^[ \t]*//.*$", re.MULTILINE)
_SURROGATE = re.compile("[\ud800-\udfff]")
# What a key may be, and the types that it goes with.
_CHOICES: Mapping[str, tuple[tuple[str, ...], Collection[Kind]]] = {
    "collation": (COLLATIONS, (Kind.STRING,)),
    "roundingMode": (ROUNDING_MODES, tuple(DECIMAL_LIMITS)),
}


class _DuplicateKeyError(ValueError):
    """A JSON object names a key twice; the standard parser would keep the last one silently."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    if twice := next((key for key in keys if keys.count(key) > 1), None):
        raise _DuplicateKeyError(twice)
    return dict(pairs)


def parse_schema(text: str, problems: Problems) -> tuple[Column, ...]:
    """Return the columns of a schema file's text, reporting everything wrong with it."""
    try:
        raw = json.loads(_COMMENT.sub("", text), object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        what, fix = f"is not JSON: {error.msg}", f"mend the syntax near column {error.colno}"
        problems.add("", what, fix, code=Code.SYNTAX, line=error.lineno)
        return ()
    except _DuplicateKeyError as error:
        problems.add("", f"an object has the key {error} twice", "keep one of them", code=Code.DUPLICATE_KEY)
        return ()
    except ValueError as error:
        problems.add("", f"is not JSON: {error}", "write numbers of a sensible length", code=Code.SYNTAX)
        return ()
    except RecursionError:
        problems.add("", "is nested beyond reason", f"nest RECORDs at most {MAX_DEPTH} deep", code=Code.DEEP_NESTING)
        return ()
    if isinstance(raw, dict) and set(raw) == {"fields"}:
        raw = raw["fields"]
    if not isinstance(raw, list) or not raw:
        fix = "write a JSON array with at least one column"
        problems.add("", "is not a list of columns", fix, code=Code.INVALID_COLUMN)
        return ()
    return columns_from_json(raw, problems)


def columns_from_json(raw: list[Any], problems: Problems, path: str = "", depth: int = 0) -> tuple[Column, ...]:
    """Return the columns that a decoded schema lists; `depth` counts the RECORDs around it."""
    columns = (_column(item, path, number, depth, problems) for number, item in enumerate(raw, 1))
    return tuple(column for column in columns if column)


def _column(raw: object, parent: str, number: int, depth: int, problems: Problems) -> Column | None:
    if not isinstance(raw, dict):
        fix = 'write {"name": ..., "type": ...}'
        problems.add(f"{parent}[{number}]", "is not an object", fix, code=Code.INVALID_COLUMN)
        return None
    name = raw.get("name")
    if not isinstance(name, str) or not name or not _encodes(name):
        where = f"{parent}[{number}].name"
        problems.add(where, "is missing or not text", "give the column a name", code=Code.INVALID_COLUMN)
        return None
    path = f"{parent}.{name}" if parent else name
    for key in sorted(set(raw) - KEYS):
        fix = f"use one of {', '.join(sorted(KEYS))}"
        problems.add(f"{path}.{key}", "is not a key of a schema file", fix, code=Code.INVALID_COLUMN)
    kind = _kind(raw, path, problems)
    if kind is None:
        return None
    return Column(
        name=name,
        type=_type(raw, kind, path, problems),
        mode=_mode(raw, path, problems),
        description=_text(raw, "description", path, problems) or "",
        default=_text(raw, "defaultValueExpression", path, problems),
        fields=_fields(raw, kind, path, depth, problems),
        collation=_choice(raw, "collation", kind, path, problems),
        rounding_mode=_choice(raw, "roundingMode", kind, path, problems),
        policy_tags=_policy_tags(raw, path, problems),
        data_policies=_data_policies(raw, path, problems),
    )


def _kind(raw: dict[str, Any], path: str, problems: Problems) -> Kind | None:
    given = raw.get("type")
    kind = ALIASES.get(given.upper()) if isinstance(given, str) else None
    if kind is None:
        valid = ", ".join(kind for kind in Kind if kind is not Kind.NATIVE)
        what = f"is {given!r}, which is not a BigQuery type"
        problems.add(f"{path}.type", what, f"use one of {valid}", code=Code.UNKNOWN_TYPE)
    return kind


def _mode(raw: dict[str, Any], path: str, problems: Problems) -> Mode:
    given = raw.get("mode")
    if given is None:
        return Mode.NULLABLE
    try:
        return Mode(str(given).upper())
    except ValueError:
        problems.add(f"{path}.mode", f"is {given!r}", f"use one of {', '.join(Mode)}", code=Code.INVALID_COLUMN)
        return Mode.NULLABLE


def _text(raw: dict[str, Any], key: str, path: str, problems: Problems) -> str | None:
    value = raw.get(key)
    if isinstance(value, str) and not _encodes(value):
        what, fix = "has half of a surrogate pair, which is no character", "write the character itself"
        problems.add(f"{path}.{key}", what, fix, code=Code.INVALID_COLUMN)
        return None
    if value is None or isinstance(value, str):
        return value
    problems.add(f"{path}.{key}", f"is {value!r}, not text", "write a JSON string", code=Code.INVALID_COLUMN)
    return None


def _encodes(text: str) -> bool:
    return _SURROGATE.search(text) is None


def _choice(raw: dict[str, Any], key: str, kind: Kind, path: str, problems: Problems) -> str:
    valid, kinds = _CHOICES[key]
    value = _text(raw, key, path, problems) or ""
    if value and kind not in kinds:
        fix = f"use {' or '.join(kinds)}, or leave it out"
        problems.add(f"{path}.{key}", f"does not go with {kind}", fix, code=Code.TYPE_PARAMETERS)
        return ""
    if value and value not in valid:
        problems.add(f"{path}.{key}", f"is {value!r}", f"use one of {', '.join(valid)}", code=Code.INVALID_COLUMN)
        return ""
    return value


def _whole(raw: dict[str, Any], key: str, path: str, problems: Problems) -> int | None:
    """Whole numbers come as numbers when written by hand and as text when BigQuery prints them."""
    value = raw.get(key)
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch("-?[0-9]{1,19}", value):
        return int(value)
    what = f"is {value!r}, not a whole number"
    problems.add(f"{path}.{key}", what, "write a whole number", code=Code.TYPE_PARAMETERS)
    return None


def _type(raw: dict[str, Any], kind: Kind, path: str, problems: Problems) -> Type:
    precision, scale = _whole(raw, "precision", path, problems), _whole(raw, "scale", path, problems)
    length = _whole(raw, "maxLength", path, problems)
    _check_timestamp_precision(raw, kind, path, problems)
    if kind in DECIMAL_LIMITS:
        precision, scale = _decimal(kind, precision, scale, path, problems)
    elif precision is not None or scale is not None:
        fix = "use NUMERIC or BIGNUMERIC, or leave it out"
        problems.add(f"{path}.precision", f"does not go with {kind}", fix, code=Code.TYPE_PARAMETERS)
        precision = scale = None
    if length is not None and kind not in {Kind.STRING, Kind.BYTES}:
        fix = "use STRING or BYTES, or leave it out"
        problems.add(f"{path}.maxLength", f"does not go with {kind}", fix, code=Code.TYPE_PARAMETERS)
        length = None
    if length is not None and length < 1:
        problems.add(f"{path}.maxLength", f"is {length}", "write at least 1", code=Code.TYPE_PARAMETERS)
    return Type(kind, precision, scale, length, _element(raw, kind, path, problems))


def _decimal(
    kind: Kind, precision: int | None, scale: int | None, path: str, problems: Problems
) -> tuple[int | None, int | None]:
    if precision is None:
        if scale is not None:
            what = "is given without precision"
            problems.add(f"{path}.scale", what, "give both, or neither", code=Code.TYPE_PARAMETERS)
        return None, None
    scale = scale or 0
    most_scale, most_whole = DECIMAL_LIMITS[kind]
    if not 0 <= scale <= most_scale or not max(1, scale) <= precision <= scale + most_whole:
        rule = f"scale 0 to {most_scale}, precision from the larger of 1 and scale, to scale + {most_whole}"
        what = f"{kind}({precision}, {scale}) does not exist"
        problems.add(f"{path}.precision", what, rule, code=Code.TYPE_PARAMETERS)
    return precision, scale


def _element(raw: dict[str, Any], kind: Kind, path: str, problems: Problems) -> Kind | None:
    given = raw.get("rangeElementType")
    if kind is not Kind.RANGE:
        if given is not None:
            what = f"does not go with {kind}"
            problems.add(f"{path}.rangeElementType", what, "leave it out", code=Code.TYPE_PARAMETERS)
        return None
    name = given.get("type") if isinstance(given, dict) else None
    element = ALIASES.get(name.upper()) if isinstance(name, str) else None
    if element not in RANGE_ELEMENTS:
        fix = 'write {"type": "DATE"}, or DATETIME, or TIMESTAMP'
        problems.add(f"{path}.rangeElementType", f"is {given!r}", fix, code=Code.TYPE_PARAMETERS)
        return Kind.DATE
    return element


def _fields(raw: dict[str, Any], kind: Kind, path: str, depth: int, problems: Problems) -> tuple[Column, ...]:
    given = raw.get("fields")
    if kind is not Kind.RECORD:
        if given is not None and given != []:
            fix = "make the type RECORD, or leave them out"
            problems.add(f"{path}.fields", f"do not go with {kind}", fix, code=Code.TYPE_PARAMETERS)
        return ()
    if depth >= MAX_DEPTH:
        what, fix = f"is a RECORD {depth + 1} levels deep", f"nest RECORDs at most {MAX_DEPTH} deep"
        problems.add(path, what, fix, code=Code.DEEP_NESTING)
        return ()
    if not isinstance(given, list) or not given:
        fix = "list at least one field"
        problems.add(f"{path}.fields", "a RECORD needs fields", fix, code=Code.TYPE_PARAMETERS)
        return ()
    return columns_from_json(given, problems, path, depth + 1)


def _policy_tags(raw: dict[str, Any], path: str, problems: Problems) -> tuple[str, ...]:
    given = raw.get("policyTags")
    if given is None:
        return ()
    names = given.get("names", []) if isinstance(given, dict) else None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        fix = 'write {"names": ["projects/..."]}'
        problems.add(f"{path}.policyTags", f"is {given!r}", fix, code=Code.INVALID_COLUMN)
        return ()
    return tuple(names)


def _data_policies(raw: dict[str, Any], path: str, problems: Problems) -> tuple[str, ...]:
    given = raw.get("dataPolicies")
    if given is None:
        return ()
    names = (
        [item.get("name") if isinstance(item, dict) else None for item in given] if isinstance(given, list) else [None]
    )
    if not all(isinstance(name, str) for name in names):
        fix = 'write [{"name": "projects/..."}]'
        problems.add(f"{path}.dataPolicies", f"is {given!r}", fix, code=Code.INVALID_COLUMN)
        return ()
    return tuple(str(name) for name in names)


def _check_timestamp_precision(raw: dict[str, Any], kind: Kind, path: str, problems: Problems) -> None:
    """Six digits of a second is what every TIMESTAMP has; twelve have no place on the other engine."""
    given = _whole(raw, "timestampPrecision", path, problems)
    if given not in (None, 6) or (given is not None and kind is not Kind.TIMESTAMP):
        what, fix = f"is {given} on {kind}", "write 6 on a TIMESTAMP, or leave it out"
        problems.add(f"{path}.timestampPrecision", what, fix, code=Code.TYPE_PARAMETERS)


def column_to_json(column: Column) -> dict[str, Any]:
    """Return the schema-file object of a column; absent attributes are left out."""
    optional: dict[str, Any] = {
        "precision": column.type.precision,
        "scale": column.type.scale,
        "maxLength": column.type.max_length,
        "rangeElementType": {"type": column.type.element.value} if column.type.element else None,
        "defaultValueExpression": column.default,
        "collation": column.collation or None,
        "roundingMode": column.rounding_mode or None,
        "dataPolicies": [{"name": name} for name in column.data_policies] or None,
        "policyTags": {"names": list(column.policy_tags)} if column.policy_tags else None,
        "fields": [column_to_json(item) for item in column.fields] or None,
    }
    required = {"name": column.name, "type": column.type.kind.value, "mode": column.mode.value}
    if column.description:
        required["description"] = column.description
    return required | {key: value for key, value in optional.items() if value is not None}
