"""Copy jobs: one table to one other, in one location, at once.

Source: BigQuery REST reference, JobConfigurationTableCopy; documentation, Managing tables, Copy a table. That a copy
has the description and the labels of the table is not said there, so here it has none.
"""

from __future__ import annotations

from typing import Protocol

from tests.bigquery_fake.catalog import Catalog, Table
from tests.bigquery_fake.errors import GoogleError, duplicate, invalid, not_found, unsupported
from tests.bigquery_fake.specs import Resource
from tests.bigquery_fake.sql.concurrency import Concurrency
from tests.bigquery_fake.sql.row_store import RowStore
from tests.bigquery_fake.tables import Tables

_KEYS = {"sourceTable", "sourceTables", "destinationTable", "createDisposition", "writeDisposition"}
_JOB_KEYS = {"copy", "labels", "jobType"}
_WRITES = {"WRITE_EMPTY", "WRITE_TRUNCATE"}
_COPIED = ("schema", "timePartitioning", "rangePartitioning", "requirePartitionFilter", "clustering")


class CopyJob(Protocol):
    """What is needed of a job."""

    project: str
    configuration: Resource
    location: str | None


class Copies:
    """Runs copy jobs."""

    def __init__(self, catalog: Catalog, tables: Tables, rows: RowStore, concurrency: Concurrency) -> None:
        self._catalog = catalog
        self._tables = tables
        self._rows = rows
        self._concurrency = concurrency

    def run(self, job: CopyJob, location: str | None) -> None:
        """Copy a table whole, or raise and change nothing."""
        copy = job.configuration["copy"]
        source = self._existing(_reference(copy, "sourceTable", "sourceTables"))
        target = copy["destinationTable"]
        for project, dataset in ((source.dataset.project, source.dataset.name), _dataset_of(target)):
            found = self._catalog.find_dataset(project, dataset)
            if found is None or found.location.casefold() != (location or found.location).casefold():
                raise not_found(f"Dataset {project}:{dataset}", location or "US")
            location = found.location
        job.location = location
        if source.spec.kind != "TABLE":
            raise invalid(f"{source.full_name} is not a table, and only tables can be copied")
        with self._catalog.lock:
            self._write(source, target, copy)

    def _write(self, source: Table, target: dict[str, str], copy: Resource) -> None:
        dataset = self._catalog.dataset(*_dataset_of(target))
        found = dataset.tables.get(target["tableId"])
        if found is not None and found.spec.kind != "TABLE":
            raise invalid(f"{found.full_name} is not a table, and nothing can be copied to it")
        if found is not None and copy.get("writeDisposition", "WRITE_EMPTY") == "WRITE_TRUNCATE":
            raise unsupported("a copy in the place of a table")
        if found is not None and self._rows.count(found):
            raise duplicate(f"Table {found.full_name}")
        if found is not None:
            raise unsupported("a copy into an empty table that exists")
        if copy.get("createDisposition") == "CREATE_NEVER":
            raise not_found(f"Table {target['projectId']}:{dataset.name}.{target['tableId']}")
        resource = {key: source.spec.resource[key] for key in _COPIED if key in source.spec.resource}
        made = self._tables.create(target["projectId"], {"tableReference": target} | resource, job=True)
        with self._concurrency.alone(source):
            self._rows.copy(source, made)

    def _existing(self, reference: dict[str, str]) -> Table:
        dataset = self._catalog.find_dataset(*_dataset_of(reference))
        table = dataset.tables.get(reference["tableId"]) if dataset else None
        if table is None:
            raise not_found(f"Table {reference['projectId']}:{reference['datasetId']}.{reference['tableId']}")
        return table


def check_copy(configuration: Resource) -> None:
    """Raise 400 for a copy without a table, 501 for settings that the fake does not know."""
    copy = configuration["copy"]
    if unknown := (set(configuration) - _JOB_KEYS) | (set(copy) - _KEYS):
        raise unsupported(f"the settings {sorted(unknown)} of a copy job")
    if copy.get("writeDisposition", "WRITE_EMPTY") not in _WRITES:
        raise unsupported(f"the write disposition {copy['writeDisposition']}")
    _reference(copy, "destinationTable")
    _reference(copy, "sourceTable", "sourceTables")


def _reference(copy: Resource, *keys: str) -> dict[str, str]:
    found = next((copy[key] for key in keys if key in copy), None)
    if isinstance(found, list) and len(found) > 1:
        raise unsupported("a copy of several tables into one")
    reference = found[0] if isinstance(found, list) else found
    if not reference or set(reference) != {"projectId", "datasetId", "tableId"}:
        raise GoogleError(400, "required", f"Required parameter is missing: {keys[0]}")
    return dict(reference)


def _dataset_of(reference: dict[str, str]) -> tuple[str, str]:
    return reference["projectId"], reference["datasetId"]
