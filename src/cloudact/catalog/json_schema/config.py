"""The JSON Schema of `config.yml`, from the models that the loader reads it with."""

from __future__ import annotations

from cloudact.catalog.config_file import ConfigFile, PartitionConfig, TableConfig, ViewConfig
from cloudact.catalog.json_schema.dialect import Meanings, Schema, model_schema
from cloudact.catalog.rules import MAX_CLUSTERING

_LABELS = "Mapping of label to value, both in lower case: letters, digits, _ and -, at most 63 characters."
_MEANINGS: Meanings = {
    ConfigFile: {
        "dataset": "The dataset's name: letters, digits and _. For organizations it contains {org_slug} once.",
        "location": "Where the dataset is created, such as EU; fixed from then on. The warehouse's own if left out.",
        "description": "Description of the dataset, at most 16,384 characters.",
        "labels": _LABELS,
        "authorize_views": "On BigQuery: the central dataset authorizes each organization's dataset, so that people "
        "who may read only that one can read its views. It ends at 2,500 organizations.",
        "tables": "The tables: a mapping of name to entry, or a list of names and one-key mappings. Each has a schema "
        "file, schemas/{name}.json.",
        "views": "The views, written like the tables. Each has a file, views/{name}.sql unless `sql` says otherwise.",
    },
    TableConfig: {
        "description": "What one row is, who writes it, who reads it; at most 16,384 characters.",
        "partition": "How rows are partitioned; fixed when the table is created.",
        "clustering": "Up to four top-level columns, most filtered first. It may change at any time.",
        "labels": _LABELS,
    },
    PartitionConfig: {
        "type": "HOUR, DAY, MONTH or YEAR partition by time; RANGE by whole numbers.",
        "field": "By time a DATE, DATETIME or TIMESTAMP column; without it, the time of loading. With RANGE an INT64 "
        "column, and required.",
        "expiration_days": "Age in days at which a partition expires; not with RANGE.",
        "require_filter": "Whether a query must filter by the partition. It may change at any time.",
        "start": "First value, inclusive; required with RANGE, and only there.",
        "end": "Last value, exclusive, greater than start; required with RANGE, and only there.",
        "interval": "Width of a partition, above 0; required with RANGE, and only there.",
    },
    ViewConfig: {
        "description": "What one row is, and who reads it; at most 16,384 characters.",
        "sql": "The view's file, by its path within the folder; views/{name}.sql if left out.",
        "materialized": "How an engine with materialized views keeps it: shared (one for all organizations), own (one "
        "each) or never (a plain view). If left out, shared where it can be, otherwise never.",
        "clustering": "Up to four columns of the view; of a plain view they are ignored.",
        "refresh_interval_minutes": "How often the materialized view is refreshed, 1 to 10,080; 15 if left out.",
        "labels": _LABELS,
    },
}


def config_schema() -> Schema:
    """Return the JSON Schema of a `config.yml`."""
    made = model_schema(ConfigFile, "config.yml of a dataset", _MEANINGS)
    for key in ("tables", "views"):
        made["properties"][key] = _mapping_or_list(made["properties"][key])
    made["$defs"]["PartitionConfig"] |= _PARTITION_RULES
    made["$defs"]["TableConfig"]["properties"]["clustering"] |= {"maxItems": MAX_CLUSTERING, "uniqueItems": True}
    return made


_RANGE_KEYS = ("start", "end", "interval")
_PARTITION_RULES: Schema = {
    "if": {"properties": {"type": {"const": "RANGE"}}, "required": ["type"]},
    "then": {
        "required": ["field", *_RANGE_KEYS],
        "properties": {
            **{key: {"not": {"type": "null"}} for key in ("field", *_RANGE_KEYS)},
            "expiration_days": {"type": "null"},
        },
    },
    "else": {"properties": {key: {"type": "null"} for key in _RANGE_KEYS}},
}


def _mapping_or_list(mapping: Schema) -> Schema:
    """Return the schema of entries in any of the ways in which the loader takes them."""
    ((name, entry),) = mapping.pop("patternProperties").items()
    outside: Schema = {key: mapping.pop(key) for key in ("description", "default") if key in mapping}
    entries = {**mapping, "patternProperties": {name: {"anyOf": [entry, {"type": "null"}]}}}
    item = {"anyOf": [{"type": "string", "pattern": name}, {**entries, "minProperties": 1, "maxProperties": 1}]}
    return {**outside, "anyOf": [entries, {"type": "array", "items": item, "uniqueItems": True}]}
