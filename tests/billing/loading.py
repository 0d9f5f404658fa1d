"""A small loader of export files, driven by the shipped exports and the rules of docs/billing-exports.md."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal

from cloudact.catalog.exports import Export
from cloudact.catalog.model import Column, Kind, Mode
from tests.billing.shipped import Lines

NOW = datetime(2026, 2, 28, 12, 30, tzinfo=UTC)
LINEAGE: dict[str, object] = {
    "org_slug": "acme_corp",
    "x_pipeline_id": "billing",
    "x_credential_id": "credential-1",
    "x_pipeline_run_date": NOW.date(),
    "x_run_id": "run-1",
    "x_ingested_at": NOW,
}
NUMBER = "x_run_id"  # rows are told apart by it when they are read back


def rows_of(export: Export, lines: Lines) -> list[dict[str, object]]:
    """Return the rows that the lines of a file become."""
    return [_row(export, line) | {NUMBER: f"{number:06}"} for number, line in enumerate(lines)]


def _row(export: Export, line: Mapping[str, str]) -> dict[str, object]:
    row: dict[str, object] = {}
    objects: dict[str, dict[str, str]] = {}
    for source, text in line.items():
        home = export.home_of(source)
        assert home is not None, f"{export.name}: {source} has no home"
        if home.key is None:
            row[home.path[0]] = value_of(text, export.column_at(home))
        else:
            objects.setdefault(home.path[0], {}).update({home.key: text} if text else {})
    row |= {name: json.dumps(found) if found else None for name, found in objects.items()}
    return row | _derived(export, row)


def _derived(export: Export, row: Mapping[str, object]) -> dict[str, object]:
    """Return what the table demands and no export column holds."""
    start = row.get("usage_start_time")
    made = {
        **LINEAGE,
        "provider": export.table.name.split("_")[1].upper(),
        "ingestion_timestamp": NOW,
        "ingestion_date": NOW.date(),
        "usage_date": start.date() if isinstance(start, datetime) else None,
    }
    columns = {column.name for column in export.table.columns if column.mode is Mode.REQUIRED}
    return {name: value for name, value in made.items() if name in columns and name not in row}


def value_of(text: str, column: Column) -> object:
    """Return the value that a field of a file means in a column."""
    if not text:
        return None
    match column.type.kind:
        case Kind.STRING:
            return text
        case Kind.BIGNUMERIC | Kind.NUMERIC:
            return Decimal(text)
        case Kind.BOOL:
            return {"true": True, "false": False}[text.lower()]
        case Kind.TIMESTAMP:
            return datetime.fromisoformat(text)
        case Kind.DATE:
            return date_of(text)
        case Kind.JSON:
            return json.dumps(json.loads(text if text.startswith("{") else f"{{{text}}}"))
        case kind:
            raise AssertionError(f"no rule for {kind}")


def date_of(text: str) -> date:
    """Return the day of `9/2/2023`, or of a time that is midnight UTC."""
    if "/" in text:
        return datetime.strptime(text, "%m/%d/%Y").replace(tzinfo=UTC).date()
    moment = datetime.fromisoformat(text).astimezone(UTC)
    assert moment.time() == datetime.min.time(), f"{text} is no midnight"
    return moment.date()
