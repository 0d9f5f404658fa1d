"""The REST interface of the emulator, for the gateway's own requests as well as for those it passes on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http.client import HTTPConnection
from typing import NamedTuple
from urllib.parse import quote

from tests.bigquery_fake.rules import Resource
from tests.local_bigquery.answers import Answer, EmulatorRefused

PREFIX = "/bigquery/v2"
_TIMEOUT_SECONDS = 300


class Reference(NamedTuple):
    """The full name of a table or view."""

    project: str
    dataset: str
    table: str

    @property
    def path(self) -> str:
        """The path of its resource, below the service's prefix."""
        return f"{dataset_path(self.project, self.dataset)}/tables/{quote(self.table, safe='')}"


def dataset_path(project: str, dataset: str) -> str:
    """Return the path of a dataset's resource, below the service's prefix."""
    return f"/projects/{quote(project, safe='')}/datasets/{quote(dataset, safe='')}"


class Emulator:
    """Requests to one emulator; the caller sees to it that there is one at a time."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port

    def send(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a request to a full path and return the answer, whatever it is."""
        connection = HTTPConnection(self._host, self._port, timeout=_TIMEOUT_SECONDS)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json", **(headers or {})})
            response = connection.getresponse()
            return Answer(response.status, response.read(), response.getheader("Content-Type", "application/json"))
        finally:
            connection.close()

    def call(self, method: str, path: str, resource: Resource | None = None) -> Resource:
        """Send a request to a path below the prefix and return the resource; raises EmulatorRefused."""
        answer = self.send(method, PREFIX + path, None if resource is None else json.dumps(resource).encode())
        if answer.status >= 400:
            raise EmulatorRefused(answer)
        return answer.resource

    def find(self, path: str) -> Resource | None:
        """Return the resource at a path, or None when there is none."""
        answer = self.send("GET", PREFIX + path)
        if answer.status == 404:
            return None
        if answer.status >= 400:
            raise EmulatorRefused(answer)
        return answer.resource

    def run(self, project: str, *statements: str) -> None:
        """Run statements of the gateway's own, in one job that has ended when this returns."""
        if statements:
            # Without a limit of its own it answers after ten seconds, with the job still at work.
            limit = {"timeoutMs": _TIMEOUT_SECONDS * 1000}
            query = {"query": ";\n".join(statements), "useLegacySql": False, **limit}
            answer = self.call("POST", f"/projects/{quote(project, safe='')}/queries", query)
            if not answer["jobComplete"]:
                raise TimeoutError(f"{len(statements)} statements took more than {_TIMEOUT_SECONDS} s")
