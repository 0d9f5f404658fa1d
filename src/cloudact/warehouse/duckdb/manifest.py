"""What DuckDB has no place for, kept so that thousands of datasets stay cheap.

Each dataset has one macro, `cloudact_manifest()`, that returns a short JSON text: location, description, labels, and
for each table the digest of its definition. Definitions (every column with description, mode, GoogleSQL type) are
stored once per digest in `_cloudact.definitions`, however many datasets share them. Views carry their digest as a
comment, which DuckDB drops when someone replaces the view by hand. The definition of a view is its template, which all
organizations share; behind the digest the comment has the values it was rendered with: `0a1b...?org_slug=acme_corp`.

Why not comments on columns: for one dataset they cost several times its creation, and the catalog is held in memory and
written anew at each checkpoint. Figures: docs/decisions/0003-where-descriptions-live-on-duckdb.md.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlencode

from cloudact.catalog.model import (
    Dataset,
    Granularity,
    Labels,
    Materialized,
    Partition,
    RangePartition,
    Rendering,
    Table,
    TimePartition,
    UnrecordedPartition,
    View,
    labels_from,
)
from cloudact.catalog.problems import Problems
from cloudact.catalog.schema_file import column_to_json, columns_from_json
from cloudact.catalog.view_file import OWN_DATASET, fill
from cloudact.errors import WarehouseRefused
from cloudact.warehouse.identity import by_identity

MACRO = "cloudact_manifest"
INTERNAL = "_cloudact"
DEFINITIONS = "definitions"
CLAIMS = "claims"
VERSION = 1
_VIEW_COMMENT = re.compile(r"([0-9a-f]{32})(\?.*)?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Manifest:
    """The content of a dataset's macro: metadata, table name to digest, and how often it has been written."""

    location: str = ""
    description: str = ""
    labels: Labels = ()
    tables: Mapping[str, str] = field(default_factory=dict)
    revision: int = 0

    def to_text(self) -> str:
        """Return the JSON text that the macro returns."""
        return _canonical(
            {
                "version": VERSION,
                "location": self.location,
                "description": self.description,
                "labels": dict(self.labels),
                "tables": dict(self.tables),
                "revision": self.revision,
            }
        )

    @staticmethod
    def from_text(answer: object) -> Manifest:
        """Return the manifest that a macro's answer holds, which by hand can be made anything."""
        text = str(answer)
        try:
            raw = json.loads(text)
            known = raw["version"] == VERSION
            labels = labels_from(raw["labels"])
            manifest = Manifest(raw["location"], raw["description"], labels, dict(raw["tables"]), int(raw["revision"]))
        except (ValueError, LookupError, TypeError) as error:
            raise WarehouseRefused(
                f"a {MACRO}() macro does not hold what this project writes: {text[:80]!r}",
                hint="Somebody changed it by hand. Drop the macro, and the next sync writes it anew.",
            ) from error
        if not known:
            raise WarehouseRefused(
                f"a {MACRO}() macro was written by another version of this project: {text[:80]!r}",
                hint="Use the version that wrote it, or a newer one.",
            )
        return manifest

    @staticmethod
    def of(dataset: Dataset) -> Manifest:
        """Return the manifest of a dataset."""
        digests = {table.name: digest_of(table_to_text(table)) for table in dataset.tables}
        return Manifest(dataset.location, dataset.description, dataset.labels, digests)


@lru_cache(maxsize=4096)
def digest_of(text: str) -> str:
    """Return 128 bits of SHA-256 as hexadecimal digits: a name for a definition's text."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@by_identity
@lru_cache(maxsize=4096)
def table_to_text(table: Table) -> str:
    """Return a table's definition as canonical JSON."""
    return _canonical(
        {
            "name": table.name,
            "columns": [column_to_json(column) for column in table.columns],
            "description": table.description,
            "partition": _partition_to_json(table.partition),
            "clustering": table.clustering,
            "labels": dict(table.labels),
        }
    )


@lru_cache(maxsize=4096)
def table_from_text(text: str) -> Table:
    """Return the table that a definition describes."""
    raw = json.loads(text)
    return Table(
        name=raw["name"],
        columns=columns_from_json(raw["columns"], Problems()),
        description=raw["description"],
        partition=_partition_from_json(raw["partition"]),
        clustering=tuple(raw["clustering"]),
        labels=labels_from(raw["labels"]),
    )


def rendering_of(dataset: str, view: View) -> Rendering | None:
    """Return the template that a view of this dataset comes from, and its values; None when there is none."""
    made = view.rendering
    if made is None or fill(made.text, {OWN_DATASET: dataset, **dict(made.values)}) != view.query:
        return None
    return made


def view_record(dataset: str, view: View) -> tuple[str, str]:
    """Return the comment that a view of this dataset carries, and the definition that it names, as canonical JSON.

    A view that comes from no template is its own definition, and its comment the digest alone.
    """
    made = rendering_of(dataset, view)
    if made is None:
        text = _view_to_text(view)
        return digest_of(text), text
    text = _view_to_text(replace(view, query=made.text))
    return f"{digest_of(text)}?{urlencode(made.values)}", text


def digest_in(comment: str) -> str:
    """Return the digest that a view's comment begins with, or nothing when this project has not written it."""
    found = _VIEW_COMMENT.fullmatch(comment)
    return found[1] if found else ""


def view_from_record(dataset: str, comment: str, text: str) -> View:
    """Return the view of this dataset that has such a comment, from the definition that it names."""
    view = _view_from_text(text)
    _, template, values = comment.partition("?")
    if not template:
        return view
    return replace(view, query=fill(view.query, {OWN_DATASET: dataset, **dict(parse_qsl(values))}))


# Of views that are equal it is the same; `view_record` is not, because what a view was rendered from is not compared.
@lru_cache(maxsize=1024)
def _view_to_text(view: View) -> str:
    return _canonical(
        {
            "name": view.name,
            "query": view.query,
            "description": view.description,
            "materialized": view.materialized.value,
            "clustering": view.clustering,
            "refresh_interval_minutes": view.refresh_interval_minutes,
            "labels": dict(view.labels),
        }
    )


@lru_cache(maxsize=4096)
def _view_from_text(text: str) -> View:
    raw = json.loads(text)
    return View(
        name=raw["name"],
        query=raw["query"],
        description=raw["description"],
        materialized=Materialized(raw["materialized"]),
        clustering=tuple(raw["clustering"]),
        refresh_interval_minutes=raw["refresh_interval_minutes"],
        labels=labels_from(raw["labels"]),
    )


def _partition_to_json(partition: Partition | None) -> dict[str, Any] | None:
    match partition:
        case None:
            return None
        case TimePartition():
            return {
                "type": partition.granularity.value,
                "field": partition.field,
                "expiration_days": partition.expiration_days,
                "require_filter": partition.require_filter,
            }
        case UnrecordedPartition():
            return {"type": "UNRECORDED"}
        case RangePartition():
            return {
                "type": "RANGE",
                "field": partition.field,
                "start": partition.start,
                "end": partition.end,
                "interval": partition.interval,
                "require_filter": partition.require_filter,
            }


def _partition_from_json(raw: dict[str, Any] | None) -> Partition | None:
    if raw is None:
        return None
    if raw["type"] == "UNRECORDED":
        return UnrecordedPartition()
    if raw["type"] == "RANGE":
        return RangePartition(raw["field"], raw["start"], raw["end"], raw["interval"], raw["require_filter"])
    granularity = Granularity(raw["type"])
    return TimePartition(granularity, raw["field"], raw["expiration_days"], raw["require_filter"])
