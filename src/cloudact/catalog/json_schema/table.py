"""The JSON Schema of `schemas/{table}.json`, from the tables that the loader reads such a file with."""

from __future__ import annotations

from cloudact.catalog.json_schema.dialect import DRAFT, Schema, any_case
from cloudact.catalog.model import Kind, Mode
from cloudact.catalog.rules import MAX_DESCRIPTION, MAX_NAME, RESERVED_PREFIXES
from cloudact.catalog.schema_file import ALIASES, COLLATIONS, DECIMAL_LIMITS, RANGE_ELEMENTS, ROUNDING_MODES

# Whole numbers may be written as text, as BigQuery prints them.
_WHOLE: Schema = {"type": ["integer", "string", "null"], "pattern": "^-?[0-9]{1,19}$"}
_TEXT: Schema = {"type": ["string", "null"]}
_NONE: Schema = {"type": "null"}
_NO_CHOICE: Schema = {"enum": ["", None]}
_ABSENT_LIST: Schema = {"type": ["array", "null"], "maxItems": 0}
# Editors show this in place of the pattern; to everybody else the key means nothing.
_NAME_ERROR = (
    "Use letters, digits and underscores, and none of the prefixes that BigQuery reserves: "
    f"{', '.join(RESERVED_PREFIXES)}."
)
_MEANINGS = {
    "name": f"The column's name, at most {MAX_NAME} characters; case does not count.",
    "type": "A BigQuery type. Small and capital letters are alike.",
    "mode": "NULLABLE (the default), REQUIRED or REPEATED.",
    "description": f"What a value means, at most {MAX_DESCRIPTION:,} characters.",
    "fields": "The fields of a RECORD, each a column itself; at least one.",
    "precision": "Digits in all, of a NUMERIC or BIGNUMERIC.",
    "scale": "Digits after the point, of a NUMERIC or BIGNUMERIC; needs precision.",
    "maxLength": "Most characters of a STRING, or bytes of a BYTES; at least 1.",
    "defaultValueExpression": "GoogleSQL expression for rows that leave the column out, such as 'OPEN' or "
    "CURRENT_TIMESTAMP(); not for fields of a RECORD.",
    "rangeElementType": 'What a RANGE is over: {"type": "DATE"}, or DATETIME, or TIMESTAMP.',
    "collation": "Of a STRING: und:ci ignores case. Fixed when the column is created.",
    "roundingMode": "Of a NUMERIC or BIGNUMERIC: what happens to values with too many digits.",
    "policyTags": 'Policy tags: {"names": ["projects/..."]}.',
    "dataPolicies": 'Data policies: [{"name": "projects/..."}].',
    "timestampPrecision": "Of a TIMESTAMP: 6, which is what every TIMESTAMP has.",
}


def schema_file_schema() -> Schema:
    """Return the JSON Schema of a schema file."""
    columns = {"type": "array", "items": {"$ref": "#/$defs/column"}, "minItems": 1}
    wrapped = {"type": "object", "properties": {"fields": columns}, "required": ["fields"]}
    return {
        "$schema": DRAFT,
        "title": "schemas/{table}.json: the columns of a table",
        "description": "A BigQuery JSON schema, as `bq show --schema` prints it.",
        "$defs": {
            "column": _column("A column of the table.", _TEXT),
            "field": _column("A field of a RECORD.", _NONE),
        },
        "anyOf": [columns, {**wrapped, "additionalProperties": False}],
    }


def _column(description: str, default: Schema) -> Schema:
    properties = _properties(default)
    return {
        "type": "object",
        "description": description,
        "properties": {key: {**properties[key], "description": text} for key, text in _MEANINGS.items()},
        "required": ["name", "type"],
        "additionalProperties": False,
        "allOf": _type_rules(),
    }


def _properties(default: Schema) -> dict[str, Schema]:
    return {
        "name": {
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_NAME,
            "pattern": _name_pattern(),
            "patternErrorMessage": _NAME_ERROR,
        },
        "type": {"type": "string", **_one_of(*ALIASES)},
        "mode": {"type": ["string", "null"], "default": Mode.NULLABLE.value, **_one_of(*Mode, null=True)},
        "description": {**_TEXT, "maxLength": MAX_DESCRIPTION},
        "fields": {"type": ["array", "null"], "items": {"$ref": "#/$defs/field"}},
        "precision": _WHOLE,
        "scale": _WHOLE,
        "maxLength": {**_WHOLE, "minimum": 1},
        "defaultValueExpression": default,
        "rangeElementType": {"type": ["object", "null"]},
        "collation": {"enum": [*COLLATIONS, "", None]},
        "roundingMode": {"enum": [*ROUNDING_MODES, "", None]},
        "policyTags": {
            "type": ["object", "null"],
            "properties": {"names": {"type": "array", "items": {"type": "string"}}},
        },
        "dataPolicies": {
            "type": ["array", "null"],
            "items": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
        },
        "timestampPrecision": {"enum": [6, "6", None]},
    }


def _name_pattern() -> str:
    """Without reserved prefixes, whatever their case, and without what the loader forbids in names."""
    reserved = any_case(*RESERVED_PREFIXES).removesuffix("$").removeprefix("^")
    return rf'^(?!{reserved})[^!"$()*,./;?@\[\\\]\^`{{}}~\x00-\x1f]*$'


def _one_of(*words: str, null: bool = False) -> Schema:
    """Return these words for an editor to offer, and in any case to be accepted."""
    offered = {"enum": [*words, *([None] if null else [])]}
    return {"anyOf": [offered, {"pattern": any_case(*words), "type": "string"}]}


def _type_rules() -> list[Schema]:
    """Return what goes with which type, and what goes with no other."""
    element = {"type": {"type": "string", **_one_of(*sorted(RANGE_ELEMENTS))}}
    range_of = {"type": "object", "properties": element, "required": ["type"]}
    other_than_decimals = {"precision": _NONE, "scale": _NONE, "roundingMode": _NO_CHOICE}
    return [
        _for_types(
            {Kind.RECORD},
            {"properties": {"fields": {"type": "array", "minItems": 1}}, "required": ["fields"]},
            {"fields": _ABSENT_LIST},
        ),
        _for_types(
            {Kind.RANGE},
            {"properties": {"rangeElementType": range_of}, "required": ["rangeElementType"]},
            {"rangeElementType": _NONE},
        ),
        *(_for_types({kind}, _decimal(kind)) for kind in DECIMAL_LIMITS),
        _for_types(set(DECIMAL_LIMITS), {}, other_than_decimals),
        _for_types({Kind.STRING}, {}, {"collation": _NO_CHOICE}),
        _for_types({Kind.STRING, Kind.BYTES}, {}, {"maxLength": _NONE}),
        _for_types({Kind.TIMESTAMP}, {}, {"timestampPrecision": _NONE}),
    ]


def _for_types(kinds: set[Kind], then: Schema, others: dict[str, Schema] | None = None) -> Schema:
    names = [name for name, kind in ALIASES.items() if kind in kinds]
    rule: Schema = {"if": {"properties": {"type": {"type": "string", "pattern": any_case(*names)}}}, "then": then}
    return {**rule, "else": {"properties": others}} if others else rule


def _decimal(kind: Kind) -> Schema:
    """Return the limits of a decimal type's parameters, as far as each can be judged without the other."""
    most_scale, most_whole = DECIMAL_LIMITS[kind]
    scale = {"minimum": 0, "maximum": most_scale}
    precision = {"minimum": 1, "maximum": most_scale + most_whole}
    return {
        "properties": {"precision": precision, "scale": scale},
        "if": {"properties": {"scale": {"not": _NONE}}, "required": ["scale"]},
        "then": {"properties": {"precision": {"not": _NONE}}, "required": ["precision"]},
    }
