"""The rows of INFORMATION_SCHEMA views, apart from what is the same for every table of one specification."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.bigquery_fake.catalog import Dataset
from tests.bigquery_fake.ddl_text import MILLIS_PER_DAY, ddl_head, ddl_tail, table_options
from tests.bigquery_fake.googlesql import column_type, string_literal
from tests.bigquery_fake.specs import Resource, Spec

Row = tuple[Any, ...]
NO_VALUE = "NULL"  # collation_name and column_default are this text, not NULL, where there is none


@dataclass(frozen=True, slots=True)
class View:
    """An INFORMATION_SCHEMA view: its columns with GoogleSQL types in order, and the name column that a filter fixes.

    `of` says what one row is about: a dataset, a table, or a part of a specification (by `spec` or by `shape`).
    """

    name: str
    of: str
    columns: tuple[tuple[str, str], ...]

    @property
    def filter_column(self) -> str:
        """The column that holds the dataset's name."""
        return "schema_name" if self.of == "dataset" else "table_schema"

    @property
    def part_columns(self) -> tuple[tuple[str, str], ...]:
        """The columns that a table's specification decides."""
        return self.columns[len(_TABLE) :]


def _columns(text: str) -> tuple[tuple[str, str], ...]:
    pairs = (item.split(maxsplit=1) for item in text.split(","))
    return tuple((name, kind.strip()) for name, kind in pairs)


_TABLE = _columns("table_catalog STRING, table_schema STRING, table_name STRING")
VIEWS = {
    view.name: view
    for view in (
        View(
            "SCHEMATA",
            "dataset",
            _columns(
                "catalog_name STRING, schema_name STRING, schema_owner STRING, creation_time TIMESTAMP,"
                "last_modified_time TIMESTAMP, location STRING, ddl STRING, default_collation_name STRING"
            ),
        ),
        View(
            "SCHEMATA_OPTIONS",
            "dataset",
            _columns(
                "catalog_name STRING, schema_name STRING, option_name STRING, option_type STRING, option_value STRING"
            ),
        ),
        View(
            "TABLES",
            "table",
            _TABLE
            + _columns(
                "table_type STRING, is_insertable_into STRING, is_typed STRING, creation_time TIMESTAMP, ddl STRING,"
                "default_collation_name STRING"
            ),
        ),
        View(
            "COLUMNS",
            "shape",
            _TABLE
            + _columns(
                "column_name STRING, ordinal_position INT64, is_nullable STRING, data_type STRING, is_generated STRING,"
                "generation_expression STRING, is_stored STRING, is_hidden STRING, is_updatable STRING,"
                "is_system_defined STRING, is_partitioning_column STRING, clustering_ordinal_position INT64,"
                "collation_name STRING, column_default STRING, rounding_mode STRING, policy_tags ARRAY<STRING>"
            ),
        ),
        View(
            "COLUMN_FIELD_PATHS",
            "shape",
            _TABLE
            + _columns(
                "column_name STRING, field_path STRING, data_type STRING, description STRING, collation_name STRING,"
                "rounding_mode STRING, policy_tags ARRAY<STRING>"
            ),
        ),
        View(
            "TABLE_OPTIONS",
            "spec",
            _TABLE + _columns("option_name STRING, option_type STRING, option_value STRING"),
        ),
        View(
            "VIEWS",
            "spec",
            _TABLE + _columns("view_definition STRING, check_option STRING, use_standard_sql STRING"),
        ),
        View(
            "MATERIALIZED_VIEWS",
            "spec",
            _TABLE + _columns("last_refresh_time TIMESTAMP, refresh_watermark TIMESTAMP"),
        ),
    )
}
_OPTION_TYPES = {
    "labels": "ARRAY<STRUCT<STRING, STRING>>",
    "partition_expiration_days": "FLOAT64",
    "refresh_interval_minutes": "FLOAT64",
    "require_partition_filter": "BOOL",
    "enable_refresh": "BOOL",
    "allow_non_incremental_definition": "BOOL",
    "expiration_timestamp": "TIMESTAMP",
    "max_staleness": "INTERVAL",
    "default_table_expiration_days": "FLOAT64",
    "default_partition_expiration_days": "FLOAT64",
    "max_time_travel_hours": "INT64",
}
_TABLE_TYPES = {"TABLE": "BASE TABLE", "VIEW": "VIEW", "MATERIALIZED_VIEW": "MATERIALIZED VIEW"}


def dataset_rows(view: View, dataset: Dataset, resource: Resource) -> Iterator[Row]:
    """Yield the rows of SCHEMATA or SCHEMATA_OPTIONS for a dataset as `resource` says it is."""
    if view.name == "SCHEMATA":
        created, modified = (moment * 1000 for moment in (dataset.created, dataset.modified))
        collation = resource.get("defaultCollation", NO_VALUE)
        ddl = f"CREATE SCHEMA `{dataset.project}.{dataset.name}`"
        yield (dataset.project, dataset.name, None, created, modified, resource["location"], ddl, collation)
        return
    for name, value in _dataset_options(resource):
        yield (dataset.project, dataset.name, name, _OPTION_TYPES.get(name, "STRING"), value)


def _dataset_options(resource: Resource) -> Iterator[tuple[str, str]]:
    if description := resource.get("description"):
        yield "description", string_literal(description)
    if friendly := resource.get("friendlyName"):
        yield "friendly_name", string_literal(friendly)
    if labels := resource.get("labels"):
        yield "labels", _structs(labels)
    for key, name in (
        ("defaultTableExpirationMs", "default_table_expiration_days"),
        ("defaultPartitionExpirationMs", "default_partition_expiration_days"),
    ):
        if key in resource:
            yield name, repr(int(resource[key]) / MILLIS_PER_DAY)
    if hours := resource.get("maxTimeTravelHours"):
        yield "max_time_travel_hours", hours


def _structs(labels: dict[str, str]) -> str:
    pairs = (f"STRUCT({string_literal(key)}, {string_literal(value)})" for key, value in sorted(labels.items()))
    return f"[{', '.join(pairs)}]"


def spec_rows(view: View, spec: Spec) -> Iterator[Row]:
    """Yield the part of a view's rows that the specification of a table decides."""
    match view.name:
        case "TABLES":
            kind = _TABLE_TYPES[spec.kind]
            collation = spec.resource.get("defaultCollation", NO_VALUE)
            insertable = "YES" if spec.kind == "TABLE" else "NO"
            yield (kind, insertable, ddl_head(spec.kind), ddl_tail(spec), collation)
        case "COLUMNS":
            yield from _column_rows(spec)
        case "COLUMN_FIELD_PATHS":
            for field in spec.fields:
                yield from _path_rows(field, field["name"], "")
        case "TABLE_OPTIONS":
            for name, value in table_options(spec.resource):
                text = _structs(spec.resource["labels"]) if name == "labels" else value
                yield (name, _OPTION_TYPES.get(name, "STRING"), text)
        case "VIEWS" if spec.kind == "VIEW":
            yield (spec.query, None, "YES")
        case "MATERIALIZED_VIEWS" if spec.kind == "MATERIALIZED_VIEW":
            yield (None, None)


def _column_rows(spec: Spec) -> Iterator[Row]:
    clustering = {name.casefold(): number for number, name in enumerate(spec.clustering, 1)}
    partition = (spec.partition_column or "").casefold()
    for number, field in enumerate(spec.fields, 1):
        key = field["name"].casefold()
        yield (
            field["name"],
            number,
            "YES" if field["mode"] == "NULLABLE" else "NO",
            column_type(field),
            *("NEVER", None, None, "NO", None, "NO"),
            "YES" if key == partition else "NO",
            clustering.get(key),
            field.get("collation", NO_VALUE),
            field.get("defaultValueExpression", NO_VALUE),
            field.get("roundingMode"),
            list(field.get("policyTags", {}).get("names", [])),
        )


def _path_rows(field: Resource, column: str, prefix: str) -> Iterator[Row]:
    path = f"{prefix}{field['name']}"
    description, collation = field.get("description"), field.get("collation", NO_VALUE)
    tags = list(field.get("policyTags", {}).get("names", []))
    yield (column, path, column_type(field), description, collation, field.get("roundingMode"), tags)
    for inner in field.get("fields", []):
        yield from _path_rows(inner, column, f"{path}.")
