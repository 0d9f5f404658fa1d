"""The fake: a small, strict BigQuery for tests, in this process or on its own.

with running() as fake:
    client = bigquery.Client("p", AnonymousCredentials(), client_options={"api_endpoint": fake.url})
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from tests.bigquery_fake.calls import Call, method
from tests.bigquery_fake.catalog import Catalog, Memo
from tests.bigquery_fake.clock import Calendar, Clock, SystemClock
from tests.bigquery_fake.copies import Copies
from tests.bigquery_fake.dataset_methods import DatasetMethods
from tests.bigquery_fake.faults import Faults
from tests.bigquery_fake.http_server import Application, Server
from tests.bigquery_fake.information_schema import InformationSchema
from tests.bigquery_fake.job_methods import JobMethods
from tests.bigquery_fake.jobs import Jobs
from tests.bigquery_fake.limits import Limits
from tests.bigquery_fake.request_log import RequestLog
from tests.bigquery_fake.specs import Resource
from tests.bigquery_fake.sql.concurrency import Concurrency
from tests.bigquery_fake.sql.parameters import Parameters
from tests.bigquery_fake.sql.row_store import RowStore
from tests.bigquery_fake.sql.session import Session, Warehouse
from tests.bigquery_fake.table_methods import TableMethods
from tests.bigquery_fake.tables import Tables

_PERMISSIONS_PATH = "/v1/projects/(?P<project>[^/:]+):testIamPermissions"


class State(NamedTuple):
    """The datasets, tables and rows of a fake, without its requests and jobs."""

    catalog: Catalog
    rows: RowStore

    def become(self, other: State) -> None:
        """Have copies of all that another state has, on a clock that tells the same time; this one is new."""
        memo: Memo = {}
        self.catalog.become(other.catalog, memo)
        self.rows.become(other.rows, memo)


class Fake:
    """A BigQuery of one's own. What a test changes or looks at is public; `url` is where a client finds it.

    `log` counts requests, `faults` and `limits` say what goes wrong, `clock` moves time, `catalog.seed` fills it,
    `concurrency` decides how simultaneous statements meet, `information_schema` how far behind it is.
    `permissions`: what testIamPermissions confirms, None for everything it is asked.
    """

    def __init__(self, clock: Clock | None = None, port: int = 0) -> None:
        self.clock: Clock = clock or SystemClock()
        self.log = RequestLog()
        self.faults = Faults()
        self.limits = Limits(self.clock)
        self.catalog = Catalog(self.clock)
        self.rows = RowStore()
        self.concurrency = Concurrency()
        self.information_schema = InformationSchema(self.catalog, self.rows)
        self.tables = Tables(self.catalog, self.limits, self._planning)
        copies = Copies(self.catalog, self.tables, self.rows, self.concurrency)
        self.jobs = Jobs(self._session, self.tables, self.limits, self.clock, copies)
        self.permissions: set[str] | None = None
        methods = [
            *DatasetMethods(self.catalog, self.limits).methods(),
            *TableMethods(self.catalog, self.tables, self.rows).methods(),
            *JobMethods(self.jobs).methods(),
            method("projects.testIamPermissions", "POST", _PERMISSIONS_PATH, self._test_permissions),
        ]
        application = Application(methods, self.log, self.faults, self.limits, Calendar(self.clock).seconds)
        self.failures = application.failures
        self._server = Server(port, application)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        """The address for `client_options={"api_endpoint": ...}`."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def state(self) -> State:
        """What it holds, for another one to become."""
        return State(self.catalog, self.rows)

    @property
    def lag(self) -> float:
        """How many seconds of its clock INFORMATION_SCHEMA is behind."""
        return self.information_schema.lag

    @lag.setter
    def lag(self, seconds: float) -> None:
        """Set how far INFORMATION_SCHEMA is behind."""
        self.information_schema.lag = seconds

    @property
    def snapshot_merges(self) -> bool:
        """Whether inserting statements that meet read the same snapshot; see Concurrency."""
        return self.concurrency.snapshot_merges

    @snapshot_merges.setter
    def snapshot_merges(self, value: bool) -> None:
        """Let inserting statements that meet read the same snapshot."""
        self.concurrency.snapshot_merges = value

    def freeze_information_schema(self) -> None:
        """Let INFORMATION_SCHEMA see nothing that is written from now on."""
        self.information_schema.frozen = self.catalog.writes

    def thaw_information_schema(self) -> None:
        """Let INFORMATION_SCHEMA see everything again, within its lag."""
        self.information_schema.frozen = None

    def start(self) -> None:
        """Serve requests in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop serving, close every connection, drop everything."""
        self._server.shutdown()
        self._thread.join()
        self._server.close_connections()
        self._server.server_close()
        self.rows.close()

    def _test_permissions(self, call: Call) -> Resource:
        asked = call.body.get("permissions", [])
        granted = [item for item in asked if self.permissions is None or item in self.permissions]
        return {"permissions": granted} if granted else {}

    @contextmanager
    def _session(
        self, project: str, location: str | None, parameters: Parameters, default_dataset: str | None
    ) -> Iterator[Session]:
        warehouse = Warehouse(self.catalog, self.rows, self.information_schema, self.concurrency)
        with self.rows.cursor() as cursor:
            yield Session(warehouse, cursor, project, location, parameters, default_dataset)

    @contextmanager
    def _planning(self, project: str, location: str | None) -> Iterator[Session]:
        with self._session(project, location, {}, None) as session:
            session.planning = True
            yield session


@contextmanager
def running(clock: Clock | None = None, port: int = 0) -> Iterator[Fake]:
    """Run a fake for as long as the block runs, on a free port for 0; raises at the end if the fake itself erred."""
    fake = Fake(clock, port)
    fake.start()
    try:
        yield fake
    finally:
        fake.stop()
    if fake.failures:
        raise AssertionError("bigquery_fake failed:\n" + "\n".join(fake.failures))
