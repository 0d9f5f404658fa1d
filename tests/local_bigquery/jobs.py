"""Queries and jobs: in the right place, once for each id, one after the other, and failed where BigQuery would fail."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from urllib.parse import parse_qs, quote

from tests.bigquery_fake.rules import Refusal, Resource
from tests.local_bigquery.answers import (
    Answer,
    EmulatorRefused,
    answered,
    error_proto,
    not_found,
    not_modelled,
    refusal_of,
    refused,
)
from tests.local_bigquery.catalog import MULTI_REGIONS, Catalog, canonical
from tests.local_bigquery.emulator import PREFIX, Emulator
from tests.local_bigquery.parameters import check_parameters
from tests.local_bigquery.statements import Prepared, prepare

_WAIT_MS = 10_000


@dataclass(frozen=True, slots=True)
class _Job:
    """What the emulator does not keep of a job: where it runs, its text as it was sent, and why it failed here."""

    location: str
    text: str
    failure: Refusal | None = None
    resource: Resource | None = None


class Jobs:
    """The methods of jobs; every query has ended when its request is answered."""

    def __init__(self, emulator: Emulator, catalog: Catalog) -> None:
        self._emulator = emulator
        self._catalog = catalog
        self._jobs: dict[tuple[str, str], _Job] = {}
        self._answers: dict[tuple[str, str], Answer] = {}

    def query(self, project: str, body: Resource) -> Answer:
        """jobs.query; a request id that was answered gets the same answer again."""
        key = (project, str(body.get("requestId") or uuid.uuid4()))
        if key not in self._answers:
            self._answers[key] = self._query(project, {**body, "requestId": key[1]})
        return self._answers[key]

    def _query(self, project: str, body: Resource) -> Answer:
        try:
            prepared = self._prepared(project, body, body.get("location"))
            sent = {**body, "query": prepared.text}
            answer = self._emulator.call("POST", _path(project, "queries"), sent)
            # A dry run makes no job.
            job = answer["jobReference"].get("jobId")
            if job:
                self._jobs[project, job] = _Job(prepared.location, body["query"])
                while not answer["jobComplete"]:
                    answer |= self._emulator.call("GET", f"{_path(project, 'queries', job)}?timeoutMs={_WAIT_MS}")
                prepared.finish()
        except Refusal as refusal:
            return refused(refusal)
        except EmulatorRefused as error:
            return error.answer
        return answered(_placed(answer, prepared.location))

    def insert(self, project: str, body: Resource) -> Answer:
        """jobs.insert; a query that cannot run is a job that has failed, and its id is spent."""
        configuration = body.get("configuration", {})
        if "copy" in configuration:
            raise not_modelled("a copy job: the emulator's copies have no REQUIRED columns and no layout")
        if "query" not in configuration:
            return self._emulator.send("POST", PREFIX + _path(project, "jobs"), json.dumps(body).encode())
        reference = {"jobId": str(uuid.uuid4()), **body.get("jobReference", {}), "projectId": project}
        job_id, query = reference["jobId"], configuration["query"]
        if (project, job_id) in self._jobs:
            return refused(
                Refusal(f"Already Exists: Job {project}:{job_id}", rule="37", status=409, reason="duplicate")
            )
        try:
            prepared = self._prepared(project, query, reference.get("location"))
        except (Refusal, EmulatorRefused) as error:
            if configuration.get("dryRun"):
                raise
            return self._failed(project, body | {"jobReference": reference}, error)
        sent = {**configuration, "query": {**query, "query": prepared.text}}
        job = self._emulator.call("POST", _path(project, "jobs"), {"jobReference": reference, "configuration": sent})
        if configuration.get("dryRun"):
            return answered(_placed(job, prepared.location))
        self._jobs[project, job_id] = _Job(prepared.location, query["query"])
        while job["status"]["state"] != "DONE":
            self._emulator.send("GET", f"{PREFIX}{_path(project, 'queries', job_id)}?maxResults=0&timeoutMs={_WAIT_MS}")
            job = self._emulator.call("GET", _path(project, "jobs", job_id))
        if "errorResult" not in job["status"]:
            try:
                prepared.finish()
            except (Refusal, EmulatorRefused) as error:
                return self._failed(project, self._presented(project, job), error)
        return answered(self._presented(project, job))

    def get(self, project: str, job_id: str, query: str) -> Answer:
        """jobs.get."""
        known = self._known(project, job_id, query)
        if known and known.resource:
            return answered(known.resource)
        return answered(self._presented(project, self._emulator.call("GET", _path(project, "jobs", job_id) + query)))

    def results(self, project: str, job_id: str, query: str) -> Answer:
        """jobs.getQueryResults."""
        known = self._known(project, job_id, query)
        if known and known.failure:
            raise known.failure
        found = self._emulator.call("GET", _path(project, "queries", job_id) + query)
        return answered(_placed(found, known.location) if known else found)

    def cancel(self, project: str, job_id: str, query: str) -> Answer:
        """jobs.cancel; the job has ended already."""
        return answered({"kind": "bigquery#jobCancelResponse", "job": self.get(project, job_id, query).resource})

    def _prepared(self, project: str, query: Resource, location: str | None) -> Prepared:
        if query.get("useLegacySql") is not False:
            raise not_modelled("legacy SQL, which a query is in without useLegacySql: false")
        check_parameters(query.get("queryParameters") or [])
        default = (query.get("defaultDataset") or {}).get("datasetId")
        return prepare(self._catalog, project, query["query"], location, default)

    def _known(self, project: str, job_id: str, query: str) -> _Job | None:
        """Return a job that ran here; raises Refusal (404) when it is asked for in another location (rule 40).

        Jobs in a multi-region are found without a location.
        """
        known = self._jobs.get((project, job_id))
        asked = parse_qs(query.removeprefix("?")).get("location", MULTI_REGIONS)
        if known and known.location not in map(canonical, asked):
            raise not_found(f"Job {project}:{asked[0]}.{job_id}")
        return known

    def _failed(self, project: str, job: Resource, error: Refusal | EmulatorRefused) -> Answer:
        refusal = error if isinstance(error, Refusal) else refusal_of(error.answer)
        reference = job["jobReference"]
        location = reference.get("location") or "US"
        proto = error_proto(refusal)
        resource = {
            "kind": "bigquery#job",
            "id": f"{project}:{location}.{reference['jobId']}",
            **job,
            "jobReference": {**reference, "location": location},
            "status": {"state": "DONE", "errorResult": proto, "errors": [proto]},
        }
        resource.setdefault("statistics", {})
        text = job["configuration"]["query"]["query"]
        self._jobs[project, reference["jobId"]] = _Job(location, text, refusal, resource)
        return answered(resource)

    def _presented(self, project: str, job: Resource) -> Resource:
        """Return a job as the client knows it: where it is, and with the text that was sent."""
        known = self._jobs.get((project, job["jobReference"].get("jobId", "")))
        if known is None:
            return job
        configuration = job["configuration"]
        query = {**configuration["query"], "query": known.text}
        return _placed({**job, "configuration": {**configuration, "query": query}}, known.location)


def _path(project: str, *parts: str) -> str:
    return "/".join(["", "projects", quote(project, safe=""), *(quote(part, safe="") for part in parts)])


def _placed(resource: Resource, location: str) -> Resource:
    placed = {**resource, "jobReference": {**resource["jobReference"], "location": location}}
    return placed | ({"location": location} if "location" in resource else {})
