"""The fixtures of this folder: a client of an empty project, and two datasets in it."""

from __future__ import annotations

import pytest
from google.cloud import bigquery

from tests.local_bigquery.fixtures import Service, local_bigquery, local_bigquery_process, make_dataset

__all__ = ["local_bigquery", "local_bigquery_process"]


@pytest.fixture
def client(local_bigquery: Service) -> bigquery.Client:
    """The real client, without a location of its own."""
    return local_bigquery.client()


@pytest.fixture
def shop(client: bigquery.Client) -> bigquery.Dataset:
    """A dataset in the EU."""
    return make_dataset(client, "shop", "EU")


@pytest.fixture
def american(client: bigquery.Client) -> bigquery.Dataset:
    """A dataset in the US."""
    return make_dataset(client, "american", "US")
