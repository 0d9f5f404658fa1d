"""Fixtures for tests on local-bigquery (import both where they are used), and what tests with them need."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from tests.local_bigquery.gateway import Gateway
from tests.local_bigquery.process import PROJECT, LocalBigQuery, is_installed, running

# What is refused is not to be asked again; the library takes None for that, and its annotations do not.
ONCE: dict[str, Any] = {"retry": None}
QUERY_ONCE: dict[str, Any] = {"retry": None, "job_retry": None}


@dataclass(frozen=True, slots=True)
class Service:
    """An empty project behind a gateway."""

    url: str
    project: str
    gateway: Gateway
    client: Callable[..., bigquery.Client] = field(repr=False)


@pytest.fixture(scope="session")
def local_bigquery_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalBigQuery]:
    """The emulator of this test process."""
    if not is_installed():
        pytest.skip("local-bigquery is not installed (scripts/setup-local-bigquery needs Python 3.13 or newer)")
    with running(tmp_path_factory.mktemp("local-bigquery")) as started:
        yield started


@pytest.fixture
def local_bigquery(local_bigquery_process: LocalBigQuery) -> Iterator[Service]:
    """A gateway before an emulator without datasets and jobs, its address, and what makes clients of it."""
    with ExitStack() as stack:
        stack.callback(local_bigquery_process.empty)
        gateway = stack.enter_context(Gateway(local_bigquery_process.emulator).serving())

        def client(location: str | None = None) -> bigquery.Client:
            made = bigquery.Client(
                PROJECT,
                AnonymousCredentials(),  # type: ignore[no-untyped-call]
                location=location,
                client_options=ClientOptions(api_endpoint=gateway.url),
            )
            stack.callback(made.close)
            return made

        yield Service(gateway.url, PROJECT, gateway, client)


def make_dataset(client: bigquery.Client, name: str, location: str) -> bigquery.Dataset:
    """Make a dataset and return it as the service answers it."""
    dataset = bigquery.Dataset(f"{client.project}.{name}")
    dataset.location = location
    return client.create_dataset(dataset)
