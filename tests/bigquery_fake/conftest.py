"""A fake on a clock that stands still, without limits, and a client of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from google.cloud import bigquery

from tests.bigquery_fake.clients import ONCE, MakeTable, Queries, connected, make_dataset
from tests.bigquery_fake.clock import ManualClock
from tests.bigquery_fake.server import Fake, running

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The server is a tool of the tests: what it promises is looked at by the whole suite, not by the inner loop."""
    for item in items:
        if item.path.parent == HERE and item.path.name.startswith("test_fake_"):
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def clock() -> ManualClock:
    """The fake's clock."""
    return ManualClock()


@pytest.fixture
def fake(clock: ManualClock) -> Iterator[Fake]:
    """A fake of the test's own."""
    with running(clock) as made:
        made.limits.enabled = False
        yield made


@pytest.fixture
def client(fake: Fake) -> Iterator[bigquery.Client]:
    """A client in the EU."""
    with connected(fake.url) as made:
        yield made


@pytest.fixture
def sql(client: bigquery.Client) -> Queries:
    """Statements in the EU."""
    return Queries(client)


@pytest.fixture
def dataset(client: bigquery.Client) -> bigquery.Dataset:
    """The dataset `shop` in the EU."""
    return make_dataset(client, "shop")


def _field(name: str, kind: str, mode: str = "NULLABLE") -> bigquery.SchemaField:
    return bigquery.SchemaField(name, kind, mode)


@pytest.fixture
def table(client: bigquery.Client, dataset: bigquery.Dataset) -> MakeTable:
    """Make tables in `shop`: a name, then columns as `name TYPE MODE`."""

    def make(name: str, *columns: str | bigquery.SchemaField) -> bigquery.Table:
        fields = [_field(*item.split()) if isinstance(item, str) else item for item in columns]
        return client.create_table(bigquery.Table(dataset.reference.table(name), schema=fields), retry=ONCE)

    return make
