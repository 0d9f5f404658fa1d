"""Every request to BigQuery goes through here: paid from a budget, retried by class, counted, its errors mapped.

The client library's own retries are not used for changes: they would not know the budgets, and they last ten minutes.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import requests
from google.api_core import exceptions
from google.api_core.retry import Retry
from google.auth.credentials import AnonymousCredentials, Credentials
from google.auth.transport.requests import AuthorizedSession
from google.cloud import bigquery
from requests.adapters import HTTPAdapter

from cloudact.errors import WarehouseError, WarehouseRefused
from cloudact.warehouse.bigquery.resources import Resource, dataset_from
from cloudact.warehouse.bigquery.transport import rates
from cloudact.warehouse.bigquery.transport.errors import (
    GOOGLE_ERRORS,
    Outcome,
    is_failed_job,
    is_transient,
    mapped,
    outcome_of,
)
from cloudact.warehouse.driver import TableName
from cloudact.warehouse.usage import record

T = TypeVar("T")
Job = TypeVar("Job", bigquery.QueryJob, bigquery.CopyJob)
EMULATOR = "BIGQUERY_EMULATOR_HOST"
SCOPES = ("https://www.googleapis.com/auth/bigquery",)
MAX_CONNECTIONS = 32
# On-demand rule: every query that reads a table is billed at least this much, in whole megabytes.
MIN_BYTES_BILLED = 10 * 2**20
_MEGABYTE = 2**20
_LABELS = {"cloudact": "true"}
_CALLER = "cloudact_caller"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to go on: `attempt` bounds one request, `total` all attempts at it, `first_wait` the first pause."""

    attempt: float = 30.0
    total: float = 120.0
    first_wait: float = 0.5
    longest_wait: float = 16.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a statement returned: rows in the order of `schema`, and how many rows it changed."""

    schema: tuple[bigquery.SchemaField, ...]
    rows: tuple[tuple[Any, ...], ...]
    affected: int


@dataclass(frozen=True, slots=True)
class JobEnd:
    """How a job ended that may run only once: whose it is, how many rows it changed, or what it failed with."""

    ours: bool
    affected: int
    failure: WarehouseError | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """A text and the parameters it names."""

    text: str
    parameters: tuple[Any, ...] = ()


class BigQueryClient:
    """One project, used by many threads; `location` is where statements run that name no other."""

    def __init__(
        self,
        project: str,
        location: str,
        *,
        endpoint: str | None = None,
        max_bytes_billed: int | None = None,
        patience: Patience | None = None,
        budgets: rates.Budgets | None = None,
    ) -> None:
        self.project = project
        self.location = location
        self._endpoint = endpoint
        self._max_bytes_billed = max_bytes_billed
        self._patience = patience or Patience()
        self._budgets = budgets or rates.Budgets()
        self._lock = threading.Lock()
        self._http = requests.Session()
        self._opened: bigquery.Client | None = None

    def close(self) -> None:
        """Close the connections; the next request opens new ones."""
        with self._lock:
            if self._opened is not None:
                self._opened.close()
                self._opened = None

    def ping(self) -> None:
        """Return when BigQuery answers a request for this project."""
        self._send("datasets.list", lambda client: list(client.list_datasets(max_results=1, **self._once)))

    def datasets(self) -> dict[str, str]:
        """Return every dataset of the project with its location."""

        def send(client: bigquery.Client) -> dict[str, str]:
            # The library has no name for the location of a dataset in a list.
            return {item.dataset_id: item._properties["location"] for item in client.list_datasets(**self._once)}

        return self._send("datasets.list", send)

    def get_dataset(self, name: str) -> Resource | None:
        """Return a dataset's resource, or None when there is none."""
        return self._found("datasets.get", lambda client: client.get_dataset(self._dataset(name), **self._once))

    def create_dataset(self, resource: Resource) -> Resource | None:
        """Create a dataset and return it; None when there is one of that name that somebody else made."""
        name = resource["datasetReference"]["datasetId"]
        lost = threading.Event()

        def send(client: bigquery.Client) -> bigquery.Dataset:
            self._budgets.datasets.spend(name)
            try:
                return client.create_dataset(bigquery.Dataset.from_api_repr(resource), **self._once)
            except GOOGLE_ERRORS as error:
                if is_transient(error):
                    lost.set()
                raise

        made, created = self._create("datasets.insert", send)
        if made and created is not None:
            return created.to_api_repr()
        # After an attempt whose answer was lost, "exists" may be about this very call's own.
        found = self.get_dataset(name) if lost.is_set() else None
        return found if found and _is_as_sent(found, resource) else None

    def patch_dataset(self, current: Resource, fields: Mapping[str, Any]) -> None:
        """Set fields of a dataset that is still as `current`; raises WarehouseBusy when it is not."""
        dataset = bigquery.Dataset.from_api_repr({**current, **fields})
        names = [_PROPERTIES.get(name, name) for name in fields]

        def send(client: bigquery.Client) -> object:
            self._budgets.datasets.spend(dataset.dataset_id)
            return client.update_dataset(dataset, names, **self._once)

        self._send("datasets.patch", send)

    def get_table(self, dataset: str, name: str) -> Resource | None:
        """Return the resource of a table or view, or None when there is none."""
        reference = self._dataset(dataset).table(name)
        return self._found("tables.get", lambda client: client.get_table(reference, **self._once))

    def create_table(self, resource: Resource) -> bool:
        """Create a table or view; False when there is something of that name, of whatever shape."""
        reference = resource["tableReference"]
        dataset, name = reference["datasetId"], reference["tableId"]

        def send(client: bigquery.Client) -> object:
            self._budgets.creations.spend(self.project)
            self._spend_update(dataset, name, resource)
            return client.create_table(bigquery.Table.from_api_repr(resource), **self._once)

        made, _ = self._create("tables.insert", send)
        return made

    def patch_table(self, current: Resource, fields: Mapping[str, Any]) -> None:
        """Set fields of a table that is still as `current`; raises WarehouseBusy when it is not."""
        table = bigquery.Table.from_api_repr({**current, **fields})
        names = [_PROPERTIES.get(name, name) for name in fields]

        def send(client: bigquery.Client) -> object:
            self._spend_update(table.dataset_id, table.table_id, current)
            return client.update_table(table, names, **self._once)

        self._send("tables.patch", send)

    def delete_table(self, current: Resource) -> None:
        """Delete a table; one that is gone already is no error."""
        reference = bigquery.TableReference.from_api_repr(current["tableReference"])

        def send(client: bigquery.Client) -> None:
            self._spend_update(reference.dataset_id, reference.table_id, current)
            client.delete_table(reference, not_found_ok=True, **self._once)

        self._send("tables.delete", send)

    def alter_table(self, current: Resource, statement: Statement, location: str) -> None:
        """Run a DDL statement on one table, within the budget of its updates."""
        reference = current["tableReference"]
        self._spend_update(reference["datasetId"], reference["tableId"], current)
        self.query(statement, location)

    def query(self, statement: Statement, location: str = "") -> Answer:
        """Run a statement and return its rows.

        A repeated request carries the same request id, for which BigQuery gives the answer of the first; a job that
        failed without effect is followed by another one.
        """
        config = self._config(statement)

        with mapped():
            self._count("jobs.query")
            rows = self._client().query_and_wait(
                statement.text,
                job_config=config,
                location=location or self.location,
                retry=self._retrying(is_transient, lambda: self._count("jobs.query")),
                job_retry=self._retrying(is_failed_job),
                wait_timeout=self._patience.total,
                api_timeout=self._patience.attempt,
            )
            found = tuple(row.values() for row in rows)
        # An answer of more than 10 MB comes in pages, which the library asks for one by one, the first one once more.
        pages = rows.page_number if rows.page_number > 1 else 0
        record(requests=pages, bytes_billed=_billed(rows.total_bytes_processed))
        return Answer(tuple(rows.schema or ()), found, int(rows.num_dml_affected_rows or 0))

    def run_job_once(self, job_id: str, statement: Statement, caller: str, location: str) -> JobEnd:
        """Have a job of this id run, whoever starts it, and return how it ended.

        BigQuery accepts a job id once, ever, so of simultaneous callers exactly one starts it.
        """
        config = self._config(statement, {_CALLER: caller})

        def start(client: bigquery.Client) -> bigquery.QueryJob:
            return client.query(
                statement.text,
                job_config=config,
                job_id=job_id,
                location=location or self.location,
                retry=None,  # type: ignore[arg-type]  # documented: None turns retries off
                job_retry=None,
                timeout=self._patience.attempt,
            )

        started, job = self._create("jobs.insert", start)
        if job is None:
            job = self._job(job_id, location, bigquery.QueryJob)
        return _end_of(job, started or job.labels.get(_CALLER) == caller, self._wait)

    def copy_once(self, job_id: str, source: TableName, target: TableName, caller: str, location: str) -> JobEnd:
        """Have a copy job of this id run, which makes a table that does not exist, and return how it ended."""
        config = bigquery.CopyJobConfig(
            labels={**_LABELS, _CALLER: caller},
            write_disposition=bigquery.WriteDisposition.WRITE_EMPTY,
            create_disposition=bigquery.CreateDisposition.CREATE_IF_NEEDED,
        )
        one, other = (self._dataset(name.dataset).table(name.table) for name in (source, target))

        def start(client: bigquery.Client) -> bigquery.CopyJob:
            self._budgets.tables.spend(str(target))
            return client.copy_table(one, other, job_id=job_id, location=location, job_config=config, **self._once)

        started, job = self._create("jobs.insert", start)
        if job is None:
            job = self._job(job_id, location, bigquery.CopyJob)
        return _end_of(job, started or job.labels.get(_CALLER) == caller, self._wait_for_copy)

    def session(self) -> requests.Session:
        """Return the authorized HTTP session, for the few requests the client library has no method for."""
        self._client()
        return self._http

    def _job(self, job_id: str, location: str, kind: type[Job]) -> Job:
        """Return a job that exists, though perhaps only since a moment ago."""

        def look(client: bigquery.Client) -> Job:
            found = client.get_job(job_id, location=location or self.location, **self._once)
            if not isinstance(found, kind):
                raise WarehouseRefused(
                    f"job {job_id} is not a {kind.__name__}", hint="Job ids beginning with cloudact- are ours."
                )
            return found

        return self._send("jobs.get", look, also=lambda error: outcome_of(error) is Outcome.NOT_FOUND)

    def _wait(self, job: bigquery.QueryJob) -> int:
        with mapped():
            self._count("jobs.getQueryResults")
            rows = job.result(
                max_results=0,
                retry=self._retrying(is_transient, lambda: self._count("jobs.getQueryResults")),
                job_retry=None,
                timeout=self._patience.total,
            )
        record(bytes_billed=_billed(rows.total_bytes_processed))
        return int(rows.num_dml_affected_rows or 0)

    def _wait_for_copy(self, job: bigquery.CopyJob) -> int:
        with mapped():
            self._count("jobs.get")
            job.result(
                retry=self._retrying(is_transient, lambda: self._count("jobs.get")), timeout=self._patience.total
            )
        return 0

    @property
    def _once(self) -> dict[str, Any]:
        return {"retry": None, "timeout": self._patience.attempt}

    def _dataset(self, name: str) -> bigquery.DatasetReference:
        return bigquery.DatasetReference(self.project, name)

    def _client(self) -> bigquery.Client:
        with self._lock, mapped():
            if self._opened is None:
                self._http, self._opened = open_client(self.project, self.location, self._endpoint)
            return self._opened

    def _config(self, statement: Statement, labels: Mapping[str, str] | None = None) -> bigquery.QueryJobConfig:
        config = bigquery.QueryJobConfig(
            query_parameters=list(statement.parameters), labels={**_LABELS, **(labels or {})}
        )
        if self._max_bytes_billed is not None:
            config.maximum_bytes_billed = self._max_bytes_billed
        return config

    def _spend_update(self, dataset: str, table: str, resource: Resource) -> None:
        partitioned = "timePartitioning" in resource or "rangePartitioning" in resource
        budget = self._budgets.partitioned if partitioned else self._budgets.tables
        budget.spend(f"{dataset}.{table}")

    def _count(self, method: str) -> None:
        self._budgets.method.spend(method)
        record(requests=1)

    def _retrying(
        self, predicate: Callable[[BaseException], bool], before_retry: Callable[[], None] | None = None
    ) -> Retry:
        return Retry(
            predicate=predicate,
            initial=self._patience.first_wait,
            maximum=self._patience.longest_wait,
            timeout=self._patience.total,
            on_error=(lambda _error: before_retry()) if before_retry else None,
        )

    def _send(
        self,
        method: str,
        send: Callable[[bigquery.Client], T],
        also: Callable[[BaseException], bool] = lambda _error: False,
    ) -> T:
        """Send one kind of request until it is answered; `also` names further errors that pass by themselves."""

        def once() -> T:
            self._count(method)
            return send(self._client())

        with mapped():
            result: T = self._retrying(lambda error: is_transient(error) or also(error))(once)()
            return result

    def _found(self, method: str, send: Callable[[bigquery.Client], Any]) -> Resource | None:
        def look(client: bigquery.Client) -> Resource | None:
            try:
                found = send(client)
            except exceptions.NotFound:
                return None
            resource: Resource = found.to_api_repr()
            return resource

        return self._send(method, look)

    def _create(self, method: str, send: Callable[[bigquery.Client], T]) -> tuple[bool, T | None]:
        """Create something once: whether this call did it, and what it got; neither when it exists already."""

        def create(client: bigquery.Client) -> tuple[bool, T | None]:
            try:
                return True, send(client)
            except exceptions.Conflict:
                return False, None

        return self._send(method, create)


# What the client library calls the fields that are patched.
_PROPERTIES = {
    "clustering": "clustering_fields",
    "requirePartitionFilter": "require_partition_filter",
    "view": "view_query",
    "access": "access_entries",
}


def open_client(project: str, location: str, endpoint: str | None) -> tuple[requests.Session, bigquery.Client]:
    """Return an HTTP session and the library's client over it.

    Credentials are the Application Default ones; an emulator, which an `endpoint` names, gets none.
    """
    emulator = endpoint or os.environ.get(EMULATOR)
    if emulator:
        credentials: Credentials = AnonymousCredentials()
        options = {"api_endpoint": emulator if "://" in emulator else f"http://{emulator}"}
    else:
        import google.auth  # noqa: PLC0415 - asks the environment, so only when it is needed

        credentials, _ = google.auth.default(scopes=SCOPES)
        options = {}
    session = AuthorizedSession(credentials)
    adapter = HTTPAdapter(pool_connections=4, pool_maxsize=MAX_CONNECTIONS)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    client = bigquery.Client(project, credentials, _http=session, location=location, client_options=options)
    return session, client


def _end_of(job: Job, ours: bool, wait: Callable[[Job], int]) -> JobEnd:  # noqa: FBT001 - a value of JobEnd
    try:
        return JobEnd(ours, wait(job))
    except WarehouseError as error:
        if job.error_result is None:
            raise
        return JobEnd(ours, 0, error)


def _is_as_sent(found: Resource, sent: Resource) -> bool:
    return dataset_from(found) == replace(dataset_from(sent), location=found.get("location", ""))


def _billed(processed: int | None) -> int:
    if not processed:
        return 0
    return max(MIN_BYTES_BILLED, -(-processed // _MEGABYTE) * _MEGABYTE)
