"""Datasets and tables as the REST API answers them."""

from __future__ import annotations

from tests.bigquery_fake.catalog import Dataset, Table, etag_of
from tests.bigquery_fake.specs import Resource

SERVICE = "https://bigquery.googleapis.com/bigquery/v2"


def dataset_resource(dataset: Dataset) -> Resource:
    """Return the whole resource of a dataset."""
    return {
        **dataset.resource,
        "kind": "bigquery#dataset",
        "etag": etag_of(dataset),
        "id": dataset.full_name,
        "selfLink": f"{SERVICE}/projects/{dataset.project}/datasets/{dataset.name}",
        "creationTime": str(dataset.created),
        "lastModifiedTime": str(dataset.modified),
        "type": "DEFAULT",
    }


def dataset_item(dataset: Dataset) -> Resource:
    """Return a dataset as it stands in a list."""
    reference = {"projectId": dataset.project, "datasetId": dataset.name}
    item = {"kind": "bigquery#dataset", "id": dataset.full_name, "datasetReference": reference}
    kept = {key: dataset.resource[key] for key in ("labels", "friendlyName", "location") if key in dataset.resource}
    return item | kept


def table_resource(table: Table, statistics: dict[str, str]) -> Resource:
    """Return the whole resource of a table; `statistics` says how much it holds."""
    dataset = table.dataset
    path = f"projects/{dataset.project}/datasets/{dataset.name}/tables/{table.name}"
    return {
        **table.spec.resource,
        **statistics,
        **({"streamingBuffer": {"estimatedRows": str(table.streaming)}} if table.streaming else {}),
        "kind": "bigquery#table",
        "etag": etag_of(table),
        "id": table.full_name,
        "selfLink": f"{SERVICE}/{path}",
        "tableReference": table.reference(),
        "creationTime": str(table.created),
        "lastModifiedTime": str(table.modified),
    }


def table_item(table: Table) -> Resource:
    """Return a table as it stands in a list: without its schema."""
    resource = table.spec.resource
    shown = ("type", "labels", "friendlyName", "expirationTime", "timePartitioning", "rangePartitioning", "clustering")
    return {
        "kind": "bigquery#table",
        "id": table.full_name,
        "tableReference": table.reference(),
        "creationTime": str(table.created),
        **{key: resource[key] for key in shown if key in resource},
    }
