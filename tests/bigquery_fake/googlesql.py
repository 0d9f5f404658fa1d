"""GoogleSQL text: names of types, quoted names and literals, as BigQuery itself writes them."""

from __future__ import annotations

import re

from tests.bigquery_fake.specs import Resource

NAMES = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "RECORD": "STRUCT"}

# Reserved words of GoogleSQL: as a name each needs back quotes.
_RESERVED = frozenset(
    """all and any array as asc assert_rows_modified at between by case cast collate contains create cross cube current
    default define desc distinct else end enum escape except exclude exists extract false fetch following for from full
    graph_table group grouping groups hash having if ignore in inner intersect interval into is join lateral left like
    limit lookup merge natural new no not null nulls of on or order outer over partition preceding proto qualify range
    recursive respect right rollup rows select set some struct tablesample then to treat true unbounded union unnest
    using when where window with within""".split()  # noqa: SIM905
)
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def quoted(name: str) -> str:
    """Return a name, in back quotes unless it is a plain identifier."""
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) and name.casefold() not in _RESERVED:
        return name
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def string_literal(text: str) -> str:
    """Return a text literal in double quotes; only what must be is escaped."""
    return '"' + "".join(_ESCAPES.get(character, character) for character in text) + '"'


def scalar_type(field: Resource) -> str:
    """Return the type of one value with its parameters, leaving out REPEATED."""
    kind = str(field["type"])
    if kind == "RECORD":
        inner = ", ".join(f"{quoted(item['name'])} {column_type(item)}" for item in field["fields"])
        return f"STRUCT<{inner}>"
    if kind == "RANGE":
        return f"RANGE<{field['rangeElementType']['type']}>"
    name = NAMES.get(kind, kind)
    if "precision" in field:
        scale = f", {field['scale']}" if int(field.get("scale", 0)) else ""
        return f"{name}({field['precision']}{scale})"
    if "maxLength" in field:
        return f"{name}({field['maxLength']})"
    return name


def column_type(field: Resource) -> str:
    """Return the type of a column as INFORMATION_SCHEMA says it, without NOT NULL and descriptions."""
    inner = scalar_type(field)
    return f"ARRAY<{inner}>" if field["mode"] == "REPEATED" else inner
