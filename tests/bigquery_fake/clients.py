"""The real client, pointed at the fake."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

PROJECT = "acme-test"
MakeTable = Callable[..., bigquery.Table]
ONCE: Any = None  # for `retry=`: None is allowed there, though the client's annotations leave it out


@contextmanager
def connected(url: str, location: str | None = "EU", project: str = PROJECT) -> Iterator[bigquery.Client]:
    """Give a client of the fake at `url`, closed at the end of the block."""
    options = {"api_endpoint": url}
    client = bigquery.Client(project, AnonymousCredentials(), client_options=options, location=location)  # type: ignore[no-untyped-call]
    try:
        yield client
    finally:
        client.close()  # type: ignore[no-untyped-call]


def rest(client: bigquery.Client, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Send a request of one's own, as the client would."""
    answer: dict[str, Any] = client._connection.api_request(method=method, path=path, data=body)  # type: ignore[no-untyped-call]
    return answer


class Queries:
    """Statements run without any retry of the client's, so that every answer of the fake is seen."""

    def __init__(self, client: bigquery.Client) -> None:
        self.client = client

    def job(self, sql: str, *parameters: Any, job_id: str | None = None, **settings: Any) -> bigquery.QueryJob:
        """Run a job to its end."""
        config = bigquery.QueryJobConfig(query_parameters=parameters, **settings)
        job = self.client.query(sql, job_config=config, job_id=job_id, retry=ONCE, job_retry=ONCE)
        job.result(retry=ONCE, job_retry=ONCE)
        return job

    def rows(self, sql: str, *parameters: Any, **settings: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        return [tuple(row) for row in self.job(sql, *parameters, **settings).result(retry=ONCE, job_retry=ONCE)]

    def one(self, sql: str, *parameters: Any) -> Any:
        """Return the only value of a query."""
        ((value,),) = self.rows(sql, *parameters)
        return value


def make_dataset(client: bigquery.Client, name: str, location: str = "EU") -> bigquery.Dataset:
    """Make a dataset."""
    made = bigquery.Dataset(f"{PROJECT}.{name}")
    made.location = location
    return client.create_dataset(made, retry=ONCE)


def scalar(name: str, kind: str, value: Any) -> bigquery.ScalarQueryParameter:
    """Return a named parameter."""
    return bigquery.ScalarQueryParameter(name, kind, value)
