"""Between the model and BigQuery's REST resources; nothing here sends anything.

Source of the keys: BigQuery REST reference, Dataset, Table and TableFieldSchema.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudact.catalog.model import (
    Column,
    Dataset,
    Granularity,
    Kind,
    Materialized,
    Mode,
    Partition,
    RangePartition,
    Table,
    TimePartition,
    Type,
    View,
    labels_from,
)
from cloudact.catalog.schema_file import ALIASES, column_to_json

Resource = dict[str, Any]

VIEW_TYPES = frozenset({"VIEW", "MATERIALIZED_VIEW"})
_METADATA_KEYS = frozenset({"description", "defaultValueExpression", "roundingMode", "policyTags", "dataPolicies"})
_MICROSECONDS = "6"
_MS_PER_DAY = 86_400_000
_MS_PER_MINUTE = 60_000


def dataset_resource(project: str, dataset: Dataset) -> Resource:
    """Return the body of datasets.insert for an empty dataset."""
    return {
        "datasetReference": {"projectId": project, "datasetId": dataset.name},
        **({"location": dataset.location} if dataset.location else {}),
        **dataset_metadata(dataset),
    }


def dataset_metadata(dataset: Dataset) -> Resource:
    """Return the part of a dataset that can be patched; labels not named stay as they are."""
    body: Resource = {"labels": dict(dataset.labels)} if dataset.labels else {}
    return body | ({"description": dataset.description} if dataset.description else {})


def dataset_from(resource: Mapping[str, Any]) -> Dataset:
    """Return an empty dataset as a resource describes it."""
    return Dataset(
        name=resource["datasetReference"]["datasetId"],
        location=resource.get("location", ""),
        description=resource.get("description", ""),
        labels=labels_from(resource.get("labels", {})),
    )


def table_resource(project: str, dataset: str, table: Table) -> Resource:
    """Return the body of tables.insert for a table."""
    return {
        "tableReference": _reference(project, dataset, table.name),
        "schema": {"fields": [column_to_json(column) for column in table.columns]},
        **({"description": table.description} if table.description else {}),
        **({"labels": dict(table.labels)} if table.labels else {}),
        **({"clustering": {"fields": list(table.clustering)}} if table.clustering else {}),
        **_partitioning(table.partition),
    }


def view_resource(project: str, dataset: str, view: View) -> Resource:
    """Return the body of tables.insert for a view, logical or materialized."""
    body: Resource = {
        "tableReference": _reference(project, dataset, view.name),
        **({"description": view.description} if view.description else {}),
        **({"labels": dict(view.labels)} if view.labels else {}),
    }
    if view.materialized is not Materialized.OWN:
        return body | {"view": {"query": view.query, "useLegacySql": False}}
    definition: Resource = {"query": view.query, "enableRefresh": True}
    if view.refresh_interval_minutes:
        definition["refreshIntervalMs"] = str(view.refresh_interval_minutes * _MS_PER_MINUTE)
    clustering = {"clustering": {"fields": list(view.clustering)}} if view.clustering else {}
    return body | {"materializedView": definition} | clustering


def table_from(resource: Mapping[str, Any]) -> Table:
    """Return a table as a resource describes it."""
    return Table(
        name=resource["tableReference"]["tableId"],
        columns=tuple(column_from(item) for item in resource.get("schema", {}).get("fields", ())),
        description=resource.get("description", ""),
        partition=_partition_from(resource),
        clustering=tuple(resource.get("clustering", {}).get("fields", ())),
        labels=labels_from(resource.get("labels", {})),
    )


def view_from(resource: Mapping[str, Any]) -> View:
    """Return a view as a resource describes it; a shared one does not exist here, see catalog/sharing.py."""
    materialized = resource.get("materializedView")
    definition = materialized or resource.get("view", {})
    interval = int(materialized.get("refreshIntervalMs", 0)) // _MS_PER_MINUTE if materialized else 0
    return View(
        name=resource["tableReference"]["tableId"],
        query=definition.get("query", ""),
        description=resource.get("description", ""),
        materialized=Materialized.OWN if materialized else Materialized.NEVER,
        clustering=tuple(resource.get("clustering", {}).get("fields", ())) if materialized else (),
        refresh_interval_minutes=interval or None,
        labels=labels_from(resource.get("labels", {})),
    )


def column_metadata(column: Column) -> Resource:
    """Return what can be set on a field that exists, as far as it is declared."""
    return {key: value for key, value in column_to_json(column).items() if key in _METADATA_KEYS}


def column_from(field: Mapping[str, Any]) -> Column:
    """Return one column as a TableFieldSchema describes it."""
    return Column(
        name=field["name"],
        type=_type_from(field),
        mode=Mode(field.get("mode", "NULLABLE")),
        description=field.get("description", ""),
        default=field.get("defaultValueExpression"),
        fields=tuple(column_from(item) for item in field.get("fields", ())),
        collation=field.get("collation", ""),
        rounding_mode=field.get("roundingMode", "").removeprefix("ROUNDING_MODE_UNSPECIFIED"),
        policy_tags=tuple(field.get("policyTags", {}).get("names", ())),
        data_policies=tuple(item["name"] for item in field.get("dataPolicies", ())),
    )


def _type_from(field: Mapping[str, Any]) -> Type:
    kind = ALIASES.get(field["type"])
    if kind is None:
        return Type(Kind.NATIVE, native=field["type"])
    if str(field.get("timestampPrecision", _MICROSECONDS)) != _MICROSECONDS:
        return Type(Kind.NATIVE, native=f"{kind}({field['timestampPrecision']})")
    precision, length = field.get("precision"), field.get("maxLength")
    element = field.get("rangeElementType")
    return Type(
        kind,
        precision=int(precision) if precision else None,
        scale=int(field.get("scale", 0)) if precision else None,
        max_length=int(length) if length else None,
        element=Kind(element["type"]) if element else None,
    )


def _partitioning(partition: Partition | None) -> Resource:
    match partition:
        case TimePartition():
            spec: Resource = {"type": partition.granularity.value}
            if partition.field:
                spec["field"] = partition.field
            if partition.expiration_days:
                spec["expirationMs"] = str(round(partition.expiration_days * _MS_PER_DAY))
            return {"timePartitioning": spec, **_filter(partition)}
        case RangePartition():
            bounds = {"start": partition.start, "end": partition.end, "interval": partition.interval}
            range_ = {key: str(value) for key, value in bounds.items()}
            return {"rangePartitioning": {"field": partition.field, "range": range_}, **_filter(partition)}
        case _:
            return {}


def _filter(partition: Partition) -> Resource:
    return {"requirePartitionFilter": True} if partition.require_filter else {}


def _partition_from(resource: Mapping[str, Any]) -> Partition | None:
    required = bool(resource.get("requirePartitionFilter", False))
    if time := resource.get("timePartitioning"):
        expires = int(time.get("expirationMs", 0))
        days = expires / _MS_PER_DAY if expires else None
        return TimePartition(Granularity(time["type"]), time.get("field"), days, required)
    if spec := resource.get("rangePartitioning"):
        start, end, interval = (int(spec["range"][key]) for key in ("start", "end", "interval"))
        return RangePartition(spec["field"], start, end, interval, required)
    return None


def _reference(project: str, dataset: str, name: str) -> Resource:
    return {"projectId": project, "datasetId": dataset, "tableId": name}
