"""BigQuery under contract: a warehouse at an address, and a person's hand in it through Google's own client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from cloudact.warehouse.bigquery.driver import BigQueryWarehouse
from cloudact.warehouse.bigquery.transport.client import BigQueryClient, Patience
from cloudact.warehouse.bigquery.transport.rates import Budget, Budgets, Rate
from tests.local_bigquery.process import PROJECT as LOCAL_PROJECT

__all__ = ["LOCAL_PROJECT", "BigQueryHand", "bigquery_at"]
# A test that meets an error that passes should not sit and wait as long as production does.
QUICK = Patience(attempt=60, total=60, first_wait=0.01, longest_wait=0.1)
# The contract is about outcomes; tests/bigquery/test_rates.py is about rates.
PLENTY = Rate(100_000, 1)


def bigquery_at(url: str, project: str, location: str = "EU") -> tuple[BigQueryWarehouse, BigQueryHand]:
    """Return a warehouse at an address without credentials, and a hand in it."""
    client = bigquery.Client(
        project,
        AnonymousCredentials(),  # type: ignore[no-untyped-call]
        location=location,
        client_options={"api_endpoint": url},
    )
    budgets = Budgets(*(Budget(PLENTY) for _ in fields(Budgets)))
    warehouse = BigQueryWarehouse(
        BigQueryClient(project, location, endpoint=url, patience=QUICK, budgets=budgets), busy_timeout=10
    )
    return warehouse, BigQueryHand(client)


class BigQueryHand:
    """See `Hand` in conftest.py."""

    def __init__(self, client: bigquery.Client) -> None:
        self._client = client

    def datasets(self) -> frozenset[str]:
        """Return the names of all datasets."""
        return frozenset(item.dataset_id for item in self._client.list_datasets())

    def _table(self, dataset: str, table: str) -> bigquery.TableReference:
        return bigquery.DatasetReference(self._client.project, dataset).table(table)

    def create_table(self, dataset: str, table: str, column: str) -> None:
        schema = [bigquery.SchemaField(column, "STRING")]
        self._client.create_table(bigquery.Table(self._table(dataset, table), schema))

    def drop_table(self, dataset: str, table: str) -> None:
        self._client.delete_table(self._table(dataset, table))

    def add_text_column(self, dataset: str, table: str, column: str) -> None:
        live = self._client.get_table(self._table(dataset, table))
        live.schema = [*live.schema, bigquery.SchemaField(column, "STRING")]
        self._client.update_table(live, ["schema"])

    def drop_column(self, dataset: str, table: str, column: str) -> None:
        name = f"`{self._client.project}.{dataset}.{table}`"
        self._client.query_and_wait(f"ALTER TABLE {name} DROP COLUMN `{column}`")

    def make_text(self, dataset: str, table: str, column: str) -> None:
        """BigQuery changes no type to STRING, so a person would make the table anew."""
        live = self._client.get_table(self._table(dataset, table))
        resource = live.to_api_repr()
        for field in resource["schema"]["fields"]:
            if field["name"] == column:
                field["type"] = "STRING"
        kept = ("tableReference", "schema", "description", "labels", "timePartitioning", "clustering")
        self._client.delete_table(live)
        self._client.create_table(bigquery.Table.from_api_repr({key: resource[key] for key in kept if key in resource}))

    def replace_view(self, dataset: str, view: str) -> None:
        live = self._client.get_table(self._table(dataset, view))
        live.view_query = "SELECT 1 AS one"
        self._client.update_table(live, ["view_query"])

    def drop_dataset(self, dataset: str) -> None:
        self._client.delete_dataset(dataset, delete_contents=True)

    def forget_records(self, dataset: str) -> None:
        """BigQuery itself remembers everything that is declared, so there is nothing to take away."""


class _ThrowAway(BigQueryClient):
    """Datasets made by tests on the real service go away by themselves, should the test not get to it."""

    _MILLISECONDS = str(60 * 60 * 1000)

    def __init__(self, project: str, location: str) -> None:
        super().__init__(project, location)
        self.made: list[str] = []

    def create_dataset(self, resource: dict[str, Any]) -> dict[str, Any] | None:
        made = super().create_dataset({**resource, "defaultTableExpirationMs": self._MILLISECONDS})
        if made is not None:
            self.made.append(resource["datasetReference"]["datasetId"])
        return made


@contextmanager
def live_bigquery(project: str, names: frozenset[str]) -> Iterator[tuple[BigQueryWarehouse, BigQueryHand]]:
    """Lend the real service, in a project that has no dataset of the names that tests use."""
    client = _ThrowAway(project, "EU")
    hand = BigQueryHand(bigquery.Client(project, location="EU"))
    taken = names & hand.datasets()
    if taken:
        raise RuntimeError(f"project {project} has datasets that tests would change: {', '.join(sorted(taken))}")
    try:
        yield BigQueryWarehouse(client), hand
    finally:
        for name in set(client.made) & hand.datasets():
            hand.drop_dataset(name)
