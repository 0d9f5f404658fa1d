"""Authorized datasets: the views of one dataset read another one, whatever the rights of who asks them.

A dataset that authorizes a dataset keeps one entry for all views in it, so one for each organization. Source: BigQuery
documentation, Quotas and limits, Dataset limits.
"""

from __future__ import annotations

import threading

from cloudact.catalog.rules import MAX_AUTHORIZED
from cloudact.errors import WarehouseBusy, WarehouseNotFound, WarehouseRefused
from cloudact.warehouse.bigquery.resources import Resource
from cloudact.warehouse.bigquery.transport.client import BigQueryClient

_ATTEMPTS = 5
_ONE_AT_A_TIME = threading.Lock()
_KINDS = ("view", "dataset", "routine")


def authorize(client: BigQueryClient, reader: str, source: str) -> None:
    """Have `source` authorize the views of `reader`; raises WarehouseBusy when others keep changing its access list.

    One thread at a time: a list that was read before waiting for another's turn would be out of date.
    """
    with _ONE_AT_A_TIME:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return _authorize(client, reader, source)
            except WarehouseBusy:
                if attempt == _ATTEMPTS:
                    raise
    return None


def _authorize(client: BigQueryClient, reader: str, source: str) -> None:
    current = client.get_dataset(source)
    if current is None:
        raise WarehouseNotFound(f"dataset {source} does not exist", hint="Run bootstrap first.")
    if "access" not in current:
        raise WarehouseRefused(
            f"the access list of dataset {source} cannot be read, so nothing is added to it",
            hint="Grant the service roles/bigquery.dataOwner, which holds datasets.getIamPolicy and setIamPolicy.",
        )
    access: list[Resource] = current["access"]
    if any(_covers(item, client.project, reader) for item in access):
        return
    authorized = authorized_by(current)
    if authorized >= MAX_AUTHORIZED:
        raise WarehouseRefused(
            f"dataset {source} authorizes {authorized} views, datasets and routines, and {MAX_AUTHORIZED} is the most",
            hint="No request raises this limit. Take authorize_views out of config.yml, so that only the service reads "
            "the central dataset, or authorize readers in another way.",
        )
    named = {"projectId": client.project, "datasetId": reader}
    client.patch_dataset(current, {"access": [*access, {"dataset": {"dataset": named, "targetTypes": ["VIEWS"]}}]})


def authorizes(client: BigQueryClient, reader: str, source: str) -> bool:
    """Tell whether `source` authorizes the views of `reader`; a list that cannot be read authorizes nobody."""
    current = client.get_dataset(source) or {}
    return any(_covers(item, client.project, reader) for item in current.get("access", []))


def authorized_by(dataset: Resource) -> int:
    """Return how many views, datasets and routines a dataset authorizes."""
    return sum(any(kind in entry for kind in _KINDS) for entry in dataset.get("access", []))


def _covers(entry: Resource, project: str, reader: str) -> bool:
    """Tell whether an entry authorizes the views of a dataset."""
    given = entry.get("dataset", {})
    named = given.get("dataset", {})
    whose = (named.get("projectId", project), named.get("datasetId"))
    return whose == (project, reader) and "VIEWS" in given.get("targetTypes", ())
