"""A client that answers from lists in place of BigQuery, and keeps what it was asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from google.cloud import bigquery

from cloudact.errors import WarehouseError
from cloudact.warehouse.bigquery.resources import Resource
from cloudact.warehouse.bigquery.transport.client import Answer, BigQueryClient, JobEnd, Statement
from tests.bigquery_fake.rules import new_table
from tests.warehouse.bigquery.answers import PARENT, PROJECT

T = TypeVar("T")
WRITTEN = Answer((), (), 1)


def counted(rows: int) -> Answer:
    """Return the answer to a query for a number of rows."""
    return Answer((bigquery.SchemaField("f0_", "INTEGER"),), ((rows,),), 0)


class StubClient(BigQueryClient):
    """Each statement and each job gets the next answer of its list, where an error is raised."""

    def __init__(self, *, ends: list[JobEnd | WarehouseError] | None = None) -> None:
        super().__init__(PROJECT, "EU")
        self.ends = ends or []
        self.answers: list[Answer | WarehouseError] = []
        self.datasets: dict[str, Resource] = {}
        self.tables: dict[str, Resource] = {}
        self.jobs: list[tuple[str, Statement, str, str]] = []
        self.statements: list[tuple[Statement, str]] = []
        self.looked_up: list[str] = []

    def run_job_once(self, job_id: str, statement: Statement, caller: str, location: str) -> JobEnd:
        """Return the next of `ends`."""
        self.jobs.append((job_id, statement, caller, location))
        return _given(self.ends.pop(0))

    def query(self, statement: Statement, location: str = "") -> Answer:
        """Return the next of `answers`."""
        self.statements.append((statement, location))
        return _given(self.answers.pop(0))

    def get_dataset(self, name: str) -> Resource | None:
        """Return what is in `datasets`."""
        self.looked_up.append(name)
        return self.datasets.get(name)

    def get_table(self, dataset: str, name: str) -> Resource | None:
        """Return what is in `tables`."""
        self.looked_up.append(f"{dataset}.{name}")
        return self.tables.get(f"{dataset}.{name}")

    def create_table(self, resource: Resource) -> bool:
        """Put a table into `tables`."""
        reference = resource["tableReference"]
        self.tables[f"{reference['datasetId']}.{reference['tableId']}"] = new_table(resource, dataset=PARENT)
        return True

    def patch_table(self, current: Resource, fields: Mapping[str, Any]) -> None:
        """Change a table in `tables`."""
        reference = current["tableReference"]
        self.tables[f"{reference['datasetId']}.{reference['tableId']}"] = {**current, **fields}


def _given(item: T | WarehouseError) -> T:
    if isinstance(item, WarehouseError):
        raise item
    return item
