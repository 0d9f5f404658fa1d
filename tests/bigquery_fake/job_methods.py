"""The methods of jobs and queries."""

from __future__ import annotations

import re

from tests.bigquery_fake.calls import LISTING, PROJECT, Call, Method, method, page
from tests.bigquery_fake.errors import invalid, unsupported
from tests.bigquery_fake.job_resources import INT64_TIMESTAMP, job_resource, query_results
from tests.bigquery_fake.jobs import Job, Jobs
from tests.bigquery_fake.specs import Resource

_JOB = f"{PROJECT}/jobs/(?P<job>[^/]+)"
# Keys of jobs.query that are settings of the job, by the part of its configuration they belong to.
_OF_QUERY = {
    "query", "useLegacySql", "parameterMode", "queryParameters", "useQueryCache", "maximumBytesBilled",
    "defaultDataset",
}  # fmt: skip
_OF_JOB = {"labels", "dryRun", "jobTimeoutMs"}
_OF_REQUEST = {"location", "requestId", "maxResults", "timeoutMs", "formatOptions", "jobCreationMode", "kind"}


class JobMethods:
    """jobs.insert, get, list, cancel, query and getQueryResults."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def methods(self) -> list[Method]:
        """Return the methods."""
        every, results = f"{PROJECT}/jobs", ("location", "timeoutMs", "startIndex", INT64_TIMESTAMP, *LISTING)
        return [
            method("jobs.insert", "POST", every, self._insert),
            method("jobs.get", "GET", _JOB, self._get, ("location", "projection")),
            method("jobs.cancel", "POST", f"{_JOB}/cancel", self._cancel, ("location", "projection")),
            method("jobs.list", "GET", every, self._list, ("projection", "parentJobId", *LISTING)),
            method("jobs.query", "POST", f"{PROJECT}/queries", self._query),
            method("jobs.getQueryResults", "GET", f"{PROJECT}/queries/(?P<job>[^/]+)", self._results, results),
        ]

    def _insert(self, call: Call) -> Resource:
        if unknown := set(call.body) - {"jobReference", "configuration"}:
            raise unsupported(f"the keys {sorted(unknown)} of a job")
        reference = call.body.get("jobReference", {})
        job_id = reference.get("jobId")
        if job_id is not None and not re.fullmatch(r"[A-Za-z0-9_-]{1,1024}", job_id):
            raise invalid(f"Invalid job ID {job_id!r} (rule 37)")
        return job_resource(
            self._jobs.insert(call.project, job_id, call.body["configuration"], reference.get("location"))
        )

    def _get(self, call: Call) -> Resource:
        return job_resource(self._job(call))

    def _cancel(self, call: Call) -> Resource:
        return {"kind": "bigquery#jobCancelResponse", "job": job_resource(self._job(call))}

    def _list(self, call: Call) -> Resource:
        jobs = self._jobs.list(call.project, call.query.get("parentJobId"))
        items = [job_resource(job) for job in jobs]
        listed = [item | {"state": item["status"]["state"]} for item in items]
        return page(call, listed, "jobs")

    def _query(self, call: Call) -> Resource:
        body = call.body
        if unknown := set(body) - _OF_QUERY - _OF_JOB - _OF_REQUEST:
            raise unsupported(f"the keys {sorted(unknown)} of jobs.query")
        options = body.get("formatOptions") or {}
        if unknown := set(options) - {"useInt64Timestamp"}:
            raise unsupported(f"the format options {sorted(unknown)}")
        configuration = {key: body[key] for key in _OF_JOB if key in body}
        configuration["query"] = {key: body[key] for key in _OF_QUERY if key in body}
        job = self._jobs.query(call.project, body.get("requestId"), configuration, body.get("location"))
        page_size = {"maxResults": str(body["maxResults"])} if "maxResults" in body else {}
        return query_results(job, page_size, int64_timestamp=bool(options.get("useInt64Timestamp")))

    def _results(self, call: Call) -> Resource:
        job = self._job(call)
        if not job.ended.wait(int(call.query.get("timeoutMs", "10000")) / 1000):
            reference = {"projectId": job.project, "jobId": job.id, "location": job.location or "US"}
            return {"kind": "bigquery#getQueryResultsResponse", "jobReference": reference, "jobComplete": False}
        job.raise_error()
        return query_results(job, call.query, int64_timestamp=call.query.get(INT64_TIMESTAMP) == "True")

    def _job(self, call: Call) -> Job:
        return self._jobs.get(call.project, call.parts["job"], call.query.get("location"))
