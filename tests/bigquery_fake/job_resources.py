"""Jobs and their results as the REST API answers them."""

from __future__ import annotations

import json
from typing import Any

from tests.bigquery_fake.errors import invalid
from tests.bigquery_fake.jobs import Job
from tests.bigquery_fake.resources import SERVICE
from tests.bigquery_fake.specs import Resource
from tests.bigquery_fake.sql.queries import Row
from tests.bigquery_fake.sql.values import cell

MAX_PAGE_BYTES = 10_000_000
INT64_TIMESTAMP = "formatOptions.useInt64Timestamp"
_SAMPLE = 50


def job_resource(job: Job) -> Resource:
    """Return the whole resource of a job."""
    reference = {"projectId": job.project, "jobId": job.id, "location": job.location or "US"}
    status: Resource = {"state": "DONE" if job.ended.is_set() else "RUNNING"}
    if job.error:
        status |= {"errorResult": job.error.proto(), "errors": [job.error.proto()]}
    configuration = {"jobType": "COPY" if "copy" in job.configuration else "QUERY", **job.configuration}
    return {
        "kind": "bigquery#job",
        "id": f"{job.project}:{job.location or 'US'}.{job.id}",
        "selfLink": f"{SERVICE}/projects/{job.project}/jobs/{job.id}",
        "user_email": "tests@example.com",
        "jobReference": reference,
        "configuration": configuration,
        "status": status,
        "statistics": _statistics(job),
    }


def _statistics(job: Job) -> Resource:
    moment = str(job.created)
    statistics: Resource = {"creationTime": moment, "startTime": moment, "totalBytesProcessed": str(job.processed)}
    if job.ended.is_set():
        statistics["endTime"] = moment
    if job.children:
        statistics["numChildJobs"] = str(len(job.children))
    if job.parent:
        statistics["parentJobId"] = job.parent
    if "copy" in job.configuration:
        return statistics
    query: Resource = {
        "totalBytesProcessed": str(job.processed),
        "totalBytesBilled": str(job.billed),
        "cacheHit": False,
        **({"statementType": job.kind} if job.kind else {}),
        **({"schema": {"fields": job.columns}} if job.columns else {}),
    }
    if job.kind != "SCRIPT" and job.outcomes:
        query |= _effect(job)
    return statistics | {"query": query}


def _effect(job: Job) -> Resource:
    """Return what the only statement of a job did."""
    outcome = job.outcomes[-1]
    effect: Resource = {}
    if affected := outcome.affected:
        effect["numDmlAffectedRows"] = str(affected.total)
        effect["dmlStats"] = {
            "insertedRowCount": str(affected.inserted),
            "updatedRowCount": str(affected.updated),
            "deletedRowCount": str(affected.deleted),
        }
    if done := outcome.done:
        effect["ddlOperationPerformed"] = done.operation
        if done.target:
            effect["ddlTargetTable"] = done.target
    return effect


def query_results(job: Job, query: dict[str, str], *, int64_timestamp: bool) -> Resource:
    """Return a page of the answer of jobs.query and jobs.getQueryResults."""
    answer: Resource = {
        "kind": "bigquery#queryResponse",
        "jobReference": {"projectId": job.project, "jobId": job.id, "location": job.location or "US"},
        "jobComplete": True,
        "totalBytesProcessed": str(job.processed),
        "totalBytesBilled": str(job.billed),
        "cacheHit": False,
    }
    if job.kind != "SCRIPT" and job.outcomes:
        answer |= {key: value for key, value in _effect(job).items() if key in {"numDmlAffectedRows", "dmlStats"}}
    if job.columns:
        return answer | {"schema": {"fields": job.columns}, "totalRows": "0"}
    result = job.result
    if result is None:
        return answer
    page = rows_page(result.fields, result.rows, query, int64_timestamp=int64_timestamp)
    return answer | {"schema": {"fields": result.fields}} | page


def rows_page(fields: list[Resource], rows: list[Row], query: dict[str, str], *, int64_timestamp: bool) -> Resource:
    """Return rows from `pageToken` or `startIndex` on: `maxResults` at most, and no more than fit into a page."""
    begin = _number(query.get("pageToken") or query.get("startIndex") or "0")
    limit = _number(query["maxResults"]) if "maxResults" in query else len(rows)

    def answered(row: Row) -> Resource:
        values = (cell(field, value, int64_timestamp=int64_timestamp) for field, value in zip(fields, row, strict=True))
        return {"f": [{"v": value} for value in values]}

    sample = [answered(row) for row in rows[begin : begin + min(limit, _SAMPLE)]]
    fit = MAX_PAGE_BYTES * len(sample) // max(1, len(json.dumps(sample))) if sample else 0
    end = min(len(rows), begin + limit, begin + max(len(sample), fit))
    page: dict[str, Any] = {"totalRows": str(len(rows))}
    if shown := sample + [answered(row) for row in rows[begin + len(sample) : end]]:
        page["rows"] = shown
    if end < len(rows):
        page["pageToken"] = str(end)
    return page


def _number(text: str) -> int:
    if not text.isdigit():
        raise invalid(f"Invalid page token or number {text!r}")
    return int(text)
