"""Query and copy jobs: run once under the id that was chosen, remembered for ever, with their answer."""

from __future__ import annotations

import itertools
import threading
import uuid
from collections import deque
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Protocol

from tests.bigquery_fake.clock import Calendar, Clock
from tests.bigquery_fake.copies import Copies, check_copy
from tests.bigquery_fake.errors import STATUS_OF_REASON, GoogleError, duplicate, invalid, not_found, unsupported
from tests.bigquery_fake.limits import Limits
from tests.bigquery_fake.rules import Refusal
from tests.bigquery_fake.specs import Resource
from tests.bigquery_fake.sql.parameters import Parameters, parameters_of
from tests.bigquery_fake.sql.queries import Result
from tests.bigquery_fake.sql.scripts import Outcome, Script
from tests.bigquery_fake.sql.session import Session
from tests.bigquery_fake.tables import Tables

MINIMUM_BYTES_BILLED = 10 * 1024 * 1024  # rule 26
KEPT_RESULTS = 200
REQUEST_ID_SECONDS = 15 * 60  # rule 37
_JOB_KEYS = {"query", "copy", "labels", "dryRun", "jobType", "jobTimeoutMs"}
_QUERY_KEYS = {
    "query", "useLegacySql", "parameterMode", "queryParameters", "priority", "useQueryCache", "maximumBytesBilled",
    "defaultDataset",
}  # fmt: skip


class OpenSession(Protocol):
    """Opens a session for one job."""

    def __call__(
        self, project: str, location: str | None, parameters: Parameters, default_dataset: str | None
    ) -> AbstractContextManager[Session]: ...


@dataclass(slots=True)
class Job:
    """A query or copy job; `ended` is set when it is done, well or badly."""

    project: str
    id: str
    configuration: Resource
    location: str | None
    created: int
    number: int
    parent: str | None = None
    kind: str | None = None
    error: GoogleError | None = None
    outcomes: list[Outcome] = field(default_factory=list)
    children: list[Job] = field(default_factory=list)
    columns: list[Resource] | None = None
    processed: int = 0
    expired: bool = False
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def dry(self) -> bool:
        """Whether it only plans."""
        return bool(self.configuration.get("dryRun"))

    @property
    def billed(self) -> int:
        """Bytes billed."""
        return MINIMUM_BYTES_BILLED if self.processed and not self.dry else 0

    @property
    def result(self) -> Result | None:
        """The rows of the last query among its statements."""
        if self.expired:
            raise unsupported(f"the rows of job {self.id} any more: it keeps those of the last {KEPT_RESULTS} jobs")
        return next((item.result for item in reversed(self.outcomes) if item.result), None)

    def expire(self) -> None:
        """Forget the rows, as BigQuery does after a day."""
        self.expired = any(outcome.result for outcome in self.outcomes)
        self.outcomes = [replace(outcome, result=None) for outcome in self.outcomes]
        for child in self.children:
            child.expire()

    def raise_error(self) -> None:
        """Raise its error, if it failed, with the status that belongs to the reason."""
        if self.error:
            raise GoogleError(STATUS_OF_REASON.get(self.error.reason, 400), self.error.reason, self.error.message)


class Jobs:
    """Every job there ever was."""

    def __init__(self, open_session: OpenSession, tables: Tables, limits: Limits, clock: Clock, copies: Copies) -> None:
        self._open_session = open_session
        self._copies = copies
        self._tables = tables
        self._limits = limits
        self._clock = clock
        self._calendar = Calendar(clock)
        self._jobs: dict[tuple[str, str], Job] = {}
        self._requests: dict[tuple[str, str], tuple[float, Resource, Job]] = {}
        self._numbers = itertools.count(1)
        self._with_results: deque[Job] = deque()
        self._lock = threading.Lock()

    def insert(self, project: str, job_id: str | None, configuration: Resource, location: str | None) -> Job:
        """Run a job; raises 409 when its id was ever used (rule 37). A job that fails keeps its error."""
        _check(configuration)
        with self._lock:
            if job_id and (project, job_id) in self._jobs:
                raise duplicate(f"Job {project}:{location or 'US'}.{job_id}")
            job = self._new(project, job_id, configuration, location)
        self._perform(job, location)
        return job

    def query(self, project: str, request_id: str | None, configuration: Resource, location: str | None) -> Job:
        """Run a job, or return the one that the same request began in the last 15 minutes (rule 37)."""
        if request_id and len(request_id) > 36:
            raise invalid("requestId is longer than 36 characters")
        _check(configuration)
        with self._lock:
            began, asked, job = self._requests.get((project, request_id or ""), (-REQUEST_ID_SECONDS, {}, None))
            if job is None or began <= self._clock.now() - REQUEST_ID_SECONDS or asked != configuration:
                mine = job = self._new(project, None, configuration, location)
                if request_id:
                    self._requests[project, request_id] = (self._clock.now(), configuration, job)
            else:
                mine = None
        if mine:
            self._perform(job, location)
        job.ended.wait()
        job.raise_error()
        return job

    def get(self, project: str, job_id: str, location: str | None) -> Job:
        """Return a job; raises 404 for one of another location."""
        job = self._jobs.get((project, job_id))
        if job is None or (location and location.casefold() != (job.location or "US").casefold()):
            raise not_found(f"Job {project}:{job_id}", location)
        return job

    def list(self, project: str, parent: str | None) -> list[Job]:
        """Return the jobs of a project, newest first: those of a script, or those that are no part of one."""
        with self._lock:
            found = [job for job in self._jobs.values() if job.project == project and job.parent == parent]
        return sorted(found, key=lambda job: -job.number)

    def copies(self, project: str) -> Sequence[Job]:
        """Return the copy jobs of a project, newest first."""
        return [job for job in self.list(project, None) if "copy" in job.configuration]

    def _new(self, project: str, job_id: str | None, configuration: Resource, location: str | None) -> Job:
        """Make a job and, unless it is a dry run, remember it; the caller holds the lock."""
        number = next(self._numbers)
        job = Job(project, job_id or uuid.uuid4().hex, configuration, location, self._calendar.millis(), number)
        if not job.dry:
            self._jobs[project, job.id] = job
        return job

    def _perform(self, job: Job, location: str | None) -> None:
        """Run a job's statements; what the fake does not know is raised, as is any error of a dry run."""
        try:
            self._run(job, location)
        except GoogleError as error:
            job.error = error
        except Refusal as refusal:
            job.error = GoogleError(refusal.status, refusal.reason, refusal.message)
        finally:
            job.location = job.location or "US"
            job.ended.set()
        if job.error and (job.dry or job.error.status == 501):
            raise job.error
        with self._lock:
            self._with_results.append(job)
            if len(self._with_results) > KEPT_RESULTS:
                self._with_results.popleft().expire()

    def _run(self, job: Job, location: str | None) -> None:
        if "copy" in job.configuration:
            self._copies.run(job, location)
        else:
            self._run_query(job, location)

    def _run_query(self, job: Job, location: str | None) -> None:
        query = job.configuration["query"]
        parameters = parameters_of(query.get("parameterMode"), query.get("queryParameters") or [])
        default = query.get("defaultDataset", {}).get("datasetId")
        with self._open_session(job.project, location, parameters, default) as session:
            script = Script(session, self._tables, self._limits, query["query"])
            job.kind = script.kind
            maximum = query.get("maximumBytesBilled")
            if session.billed and maximum is not None and int(maximum) < MINIMUM_BYTES_BILLED:
                message = (
                    f"Query exceeded limit for bytes billed: {maximum}. {MINIMUM_BYTES_BILLED} or higher required."
                )
                raise GoogleError(400, "bytesBilledLimitExceeded", message)
            try:
                if job.dry:
                    job.columns = script.plan()
                else:
                    script.run()
            finally:
                job.location = session.location
                job.processed = MINIMUM_BYTES_BILLED if session.billed else 0
                job.outcomes = script.outcomes
                if script.kind == "SCRIPT":
                    self._add_children(job)

    def _add_children(self, job: Job) -> None:
        """Remember the statements of a script as jobs of their own."""
        for outcome in job.outcomes:
            configuration = job.configuration | {"query": {"query": outcome.step.text, "useLegacySql": False}}
            with self._lock:
                child = self._new(job.project, None, configuration, job.location)
            child.parent, child.kind, child.outcomes = job.id, outcome.step.kind, [outcome]
            child.processed = job.processed
            child.ended.set()
            job.children.append(child)


def _check(configuration: Resource) -> None:
    """Raise 501 for settings of a job that the fake does not know."""
    query = configuration.get("query")
    if "copy" in configuration:
        check_copy(configuration)
        return
    if query is not None and not query.get("query"):
        raise invalid("Required parameter is missing: query")
    if query is None:
        raise unsupported(f"a job of the configuration {sorted(configuration)}")
    unknown = (set(configuration) - _JOB_KEYS) | (set(query) - _QUERY_KEYS)
    if unknown:
        raise unsupported(f"the job settings {sorted(unknown)}")
    if query.get("useLegacySql") is not False:
        raise unsupported("legacy SQL, which a job without useLegacySql: false means")
