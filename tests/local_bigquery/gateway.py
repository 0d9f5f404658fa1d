"""The strict gateway: an HTTP server before the emulator that refuses what BigQuery refuses.

local-bigquery runs SQL faithfully, but takes nearly everything else: it answers 200 to a nested field that it does not
add, to five clustering columns, to a query in the wrong location. Here every write is checked by the rules against the
current resource, and answered with Google's error when BigQuery would refuse it.

What the emulator would lose or ignore is mended where that is possible without pretending: its own record is told
what REST and statements say of a resource (catalog.py, ddl.py), jobs get their locations (jobs.py), INFORMATION_SCHEMA
its regions (information_schema.py). What cannot be mended is answered 501: fields added to RECORDs that exist, defaults
that are functions for columns added later, BIGNUMERIC parameters with more than 18 digits after the point, ALTER
statements that are not understood here, uploads, updates by PUT. What BigQuery takes and the emulator refuses by itself
keeps the emulator's error, such as widening NUMERIC to BIGNUMERIC.

The gateway remembers only what the emulator has no place for: where each job ran, its text as it was sent, jobs that
failed by a rule, and the answer to each request id of jobs.query, for as long as the gateway lives.

Not shown: concurrency (requests go to the emulator one at a time, because its concurrent changes fail in ways that
BigQuery's do not), quotas, staleness, permissions, bytes billed, scale. `ddl` in INFORMATION_SCHEMA.TABLES is always
NULL, text may be longer than its column declares, and CREATE TABLE AS, LIKE, CLONE and COPY and CREATE SCHEMA are
passed on unchecked.
"""

from __future__ import annotations

import gzip
import json
import re
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from tests.bigquery_fake.rules import Refusal, Resource
from tests.local_bigquery.answers import Answer, EmulatorRefused, not_modelled, refused
from tests.local_bigquery.catalog import Catalog
from tests.local_bigquery.emulator import PREFIX, Emulator, Reference
from tests.local_bigquery.jobs import Jobs
from tests.local_bigquery.process import HOST
from tests.local_bigquery.tables import Tables

_RESOURCE = re.compile(rf"{PREFIX}/projects/(?P<project>[^/]+)(?P<rest>/.*)?")


class Request(NamedTuple):
    """One request of a client, and how it was answered."""

    method: str
    path: str
    status: int


class Gateway:
    """The gateway's address and log; `requests` are those of clients, in the order in which they were answered."""

    def __init__(self, emulator: Emulator) -> None:
        catalog = Catalog(emulator)
        self.requests: list[Request] = []
        self._emulator = emulator
        self._tables = Tables(emulator, catalog)
        self._jobs = Jobs(emulator, catalog)
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer((HOST, 0), _handler(self))

    @property
    def url(self) -> str:
        """Where clients send their requests."""
        return f"http://{HOST}:{self._server.server_port}"

    @contextmanager
    def serving(self) -> Iterator[Gateway]:
        """Answer requests until the block ends."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def answer(self, method: str, target: str, body: bytes, if_match: str | None) -> Answer:
        """Return the answer to one request, after those before it."""
        url = urlsplit(target)
        with self._lock:
            try:
                answer = self._routed(method, url.path, f"?{url.query}" if url.query else "", body, if_match)
            except Refusal as refusal:
                answer = refused(refusal)
            except EmulatorRefused as error:
                answer = error.answer
            except Exception:  # noqa: BLE001 - a client would repeat a request that ends without an answer
                answer = refused(not_modelled(f"the gateway failed:\n{traceback.format_exc()}"))
            self.requests.append(Request(method, url.path, answer.status))
        return answer

    def _routed(self, method: str, path: str, query: str, body: bytes, if_match: str | None) -> Answer:
        found = _RESOURCE.fullmatch(path)
        if method == "PUT" or path.startswith("/upload"):
            raise not_modelled(f"{method} {path}")
        if found is None:
            return self._emulator.send(method, path + query, body)
        project = unquote(found["project"])
        parts = [unquote(part) for part in (found["rest"] or "").split("/")[1:]]
        resource: Resource = json.loads(body) if body else {}
        answer = self._dataset_method(method, project, parts, query, resource, if_match)
        answer = answer or self._job_method(method, project, parts, query, resource)
        return answer or self._emulator.send(method, path + query, body)

    def _dataset_method(
        self, method: str, project: str, parts: list[str], query: str, body: Resource, if_match: str | None
    ) -> Answer | None:
        match method, parts:
            case "POST", ["datasets"]:
                return self._tables.insert_dataset(project, body)
            case "PATCH", ["datasets", dataset]:
                return self._tables.patch_dataset(project, dataset, body, if_match)
            case "DELETE", ["datasets", dataset]:
                return self._tables.delete_dataset(project, dataset, query)
            case "GET", ["datasets", dataset, "tables"]:
                return self._tables.list(project, dataset, query)
            case "POST", ["datasets", dataset, "tables"]:
                return self._tables.insert(project, dataset, body)
            case "GET", ["datasets", dataset, "tables", table]:
                return self._tables.get(Reference(project, dataset, table), query)
            case "PATCH", ["datasets", dataset, "tables", table]:
                return self._tables.patch(Reference(project, dataset, table), body, if_match)
            case "DELETE", ["datasets", dataset, "tables", table]:
                return self._tables.delete(Reference(project, dataset, table))
        return None

    def _job_method(self, method: str, project: str, parts: list[str], query: str, body: Resource) -> Answer | None:
        match method, parts:
            case "POST", ["queries"]:
                return self._jobs.query(project, body)
            case "POST", ["jobs"]:
                return self._jobs.insert(project, body)
            case "GET", ["jobs", job]:
                return self._jobs.get(project, job, query)
            case "GET", ["queries", job]:
                return self._jobs.results(project, job, query)
            case "POST", ["jobs", job, "cancel"]:
                return self._jobs.cancel(project, job, query)
        return None


def _handler(gateway: Gateway) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            answer = gateway.answer(self.command, self.path, body, self.headers.get("If-Match"))
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_request(self, code: object = "-", size: object = "-") -> None:
            """Requests are in `Gateway.requests`."""

    for method in ("GET", "POST", "PATCH", "PUT", "DELETE"):
        setattr(Handler, f"do_{method}", Handler._answer)
    return Handler
