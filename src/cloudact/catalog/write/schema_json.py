"""Schema files as people read them: one column per line, what identifies it first and its description last."""

from __future__ import annotations

import json
from collections.abc import Sequence

from cloudact.catalog.model import Column
from cloudact.catalog.schema_file import column_to_json


def schema_text(columns: Sequence[Column]) -> str:
    """Return the schema file of a table with these columns."""
    return f"[\n{_lines(columns, 1)}\n]\n"


def _lines(columns: Sequence[Column], depth: int) -> str:
    return ",\n".join("  " * depth + _column(column, depth) for column in columns)


def _column(column: Column, depth: int) -> str:
    keys = column_to_json(column)
    keys.pop("fields", None)
    last = {name: keys.pop(name) for name in ("description",) if name in keys}
    text = json.dumps(keys | last, ensure_ascii=False)
    if not column.fields:
        return text
    return f'{text[:-1]}, "fields": [\n{_lines(column.fields, depth + 1)}\n{"  " * depth}]}}'
