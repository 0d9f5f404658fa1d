"""The methods of datasets."""

from __future__ import annotations

import re

from tests.bigquery_fake.calls import DATASET, LISTING, PROJECT, Call, Method, method, page
from tests.bigquery_fake.catalog import Catalog
from tests.bigquery_fake.errors import unsupported
from tests.bigquery_fake.limits import Limits
from tests.bigquery_fake.resources import dataset_item, dataset_resource
from tests.bigquery_fake.specs import Resource


class DatasetMethods:
    """datasets.insert, list, get, patch, delete and undelete."""

    def __init__(self, catalog: Catalog, limits: Limits) -> None:
        self._catalog = catalog
        self._limits = limits

    def methods(self) -> list[Method]:
        """Return the methods."""
        every = f"{PROJECT}/datasets"
        return [
            method("datasets.insert", "POST", every, self._insert),
            method("datasets.list", "GET", every, self._list, ("all", "filter", *LISTING)),
            method("datasets.get", "GET", DATASET, self._get),
            method("datasets.patch", "PATCH", DATASET, self._patch),
            method("datasets.delete", "DELETE", DATASET, self._delete, ("deleteContents",)),
            method("datasets.undelete", "POST", f"{DATASET}:undelete", self._undelete),
        ]

    def _insert(self, call: Call) -> Resource:
        name = call.body.get("datasetReference", {}).get("datasetId")
        self._limits.dataset_update(f"{call.project}:{name}")
        return dataset_resource(self._catalog.create_dataset(call.project, call.body))

    def _list(self, call: Call) -> Resource:
        wanted = _labels(call.query.get("filter", ""))
        items = [
            dataset_item(dataset)
            for dataset in self._catalog.datasets(call.project)
            if wanted.items() <= dataset.resource.get("labels", {}).items()
            and (call.query.get("all") == "True" or not dataset.name.startswith("_"))
        ]
        return page(call, items, "datasets")

    def _get(self, call: Call) -> Resource:
        return dataset_resource(self._catalog.dataset(call.project, call.dataset))

    def _patch(self, call: Call) -> Resource:
        dataset = self._catalog.dataset(call.project, call.dataset)
        self._limits.dataset_update(dataset.full_name)
        self._catalog.patch_dataset(dataset, call.body, call.if_match)
        return dataset_resource(dataset)

    def _delete(self, call: Call) -> None:
        self._limits.dataset_update(f"{call.project}:{call.dataset}")
        contents = call.query.get("deleteContents") == "true"
        self._catalog.delete_dataset(call.project, call.dataset, contents=contents)

    def _undelete(self, call: Call) -> Resource:
        self._limits.dataset_update(f"{call.project}:{call.dataset}")
        if call.body:
            raise unsupported("datasets.undelete of a moment in time")
        return dataset_resource(self._catalog.undelete_dataset(call.project, call.dataset))


def _labels(text: str) -> dict[str, str]:
    """Return the labels that a filter asks for, such as `labels.team:shop labels.tier:gold`."""
    found = {}
    for item in text.split():
        match = re.fullmatch(r"labels\.([\w-]+):([\w-]+)", item)
        if match is None:
            raise unsupported(f"the filter {text!r}")
        found[match[1]] = match[2]
    return found
