"""The service's own OpenAPI document, and holding answers against it."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx2
from jsonschema import Draft202012Validator
from pydantic import SecretStr

from cloudact.api.app import create_app
from cloudact.settings import Settings
from cloudact.wiring import build_services
from tests.acme import ROOT
from tests.made_once import describe

PROBLEM = "application/problem+json"
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path, as the document describes it."""

    method: str
    path: str
    spec: Json

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def url(self, slug: str = "acme_corp") -> str:
        """The path for an organization, a dataset that is there once it is bootstrapped, or for what is not there."""
        there = {"org_slug": slug, "dataset": "organizations", "provider": "openai", "credential_name": "default"}
        return re.sub(r"{(\w+)}", lambda found: there.get(found[1], f"no-such-{found[1]}"), self.path)

    @property
    def body(self) -> Json | None:
        """The schema of the request body's object, or None when none is taken, or one that is no JSON."""
        content = self.spec.get("requestBody", {}).get("content", {})
        if "application/json" not in content:
            return None
        schema = content["application/json"]["schema"]
        reference = next(item["$ref"] for item in schema.get("anyOf", [schema]) if "$ref" in item)
        return document()["components"]["schemas"][reference.rpartition("/")[2]]


@cache
def document() -> Json:
    """The OpenAPI document; making it touches no warehouse."""
    settings = Settings(config_dir=Path(ROOT / "configs"), warehouse_url="duckdb:///:memory:")
    return describe(create_app(build_services(settings), SecretStr("unused")))


def operations() -> Iterator[Operation]:
    """Every operation of the document."""
    for path, methods in document()["paths"].items():
        for method, spec in methods.items():
            yield Operation(method.upper(), path, spec)


def check_answer(response: httpx2.Response) -> None:
    """Fail unless an answer is what the document says; every error must be a problem document."""
    response.read()
    problem = response.json() if response.status_code >= 400 and response.request.method != "HEAD" else None
    if problem is not None:
        assert response.headers["content-type"] == PROBLEM
        _validate(problem, {"$ref": "#/components/schemas/Problem"})
        assert problem["status"] == response.status_code
        assert problem["type"] == f"urn:cloudact:problem:{problem['code']}"
        assert problem["detail"]
        assert problem["request_id"]
    operation = _operation_of(response.request)
    if operation is not None:
        described = operation.spec["responses"]
        assert str(response.status_code) in described, f"{operation}: {response.status_code} is not documented"
        content = described[str(response.status_code)]["content"][response.headers["content-type"]]
        for value in _values(response):
            _validate(value, content["schema"])


def _values(response: httpx2.Response) -> list[Any]:
    """What the answer holds that its schema describes: of a stream, each event."""
    media_type = response.headers["content-type"].partition(";")[0]
    if media_type != "text/event-stream":
        return [response.json() if "json" in media_type else response.text]
    events = [event.splitlines() for event in response.text.split("\n\n") if event and not event.startswith(":")]
    return [dict(line.split(": ", 1) for line in event) for event in events]


def _operation_of(request: httpx2.Request) -> Operation | None:
    for pattern, operation in _patterns():
        if operation.method == request.method and pattern.fullmatch(request.url.path):
            return operation
    return None


@cache
def _patterns() -> list[tuple[re.Pattern[str], Operation]]:
    """What the path of a call of each operation looks like; every answer of every test is held against them."""
    return [
        (re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(operation.path))), operation) for operation in operations()
    ]


def _validate(value: Any, schema: Json) -> None:
    Draft202012Validator({**schema, "components": _closed_components()}).validate(value)


@cache
def _closed_components() -> Json:
    """The document's schemas, refusing fields that they do not describe."""
    components: Json = copy.deepcopy(document()["components"])
    for schema in components["schemas"].values():
        if "properties" in schema:
            schema["additionalProperties"] = False
    return components
