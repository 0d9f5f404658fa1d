"""What a method of the REST API is asked, and how it pages a list."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tests.bigquery_fake.errors import invalid, unsupported
from tests.bigquery_fake.specs import Resource

PROJECT = "/bigquery/v2/projects/(?P<project>[^/]+)"
DATASET = f"{PROJECT}/datasets/(?P<dataset>[^/:]+)"
TABLE = f"{DATASET}/tables/(?P<table>[^/]+)"
LISTING = ("maxResults", "pageToken")
_PAGE = 1_000  # how many items a list answers when nobody asks for fewer
_EVERYWHERE = {"prettyPrint", "alt", "fields"}


@dataclass(frozen=True, slots=True)
class Call:
    """One request: the parts of its path by name, its query parameters, body and If-Match."""

    parts: dict[str, str]
    query: dict[str, str] = field(default_factory=dict)
    body: Resource = field(default_factory=dict)
    if_match: str | None = None

    @property
    def project(self) -> str:
        """The project of the path."""
        return self.parts["project"]

    @property
    def dataset(self) -> str:
        """The dataset of the path."""
        return self.parts["dataset"]


Answer = Callable[[Call], Resource | None]


@dataclass(frozen=True, slots=True)
class Method:
    """A method of the API by its name, such as tables.get, with the query parameters it knows."""

    kind: str
    verb: str
    path: re.Pattern[str]
    function: Answer
    parameters: frozenset[str]

    def answer(self, call: Call) -> Resource | None:
        """Return what the method answers, None for nothing; raises 501 for parameters it does not know."""
        if unknown := set(call.query) - self.parameters - _EVERYWHERE:
            raise unsupported(f"the parameters {sorted(unknown)} of {self.kind}")
        answer = self.function(call)
        return _only(answer, call.query["fields"]) if answer and "fields" in call.query else answer


def _only(answer: Resource, fields: str) -> Resource:
    """Return the keys that a partial answer was asked for."""
    if not re.fullmatch(r"[\w,]+", fields):
        raise unsupported(f"the partial answer {fields!r}")
    return {key: value for key, value in answer.items() if key in fields.split(",")}


def method(kind: str, verb: str, path: str, function: Answer, parameters: Iterable[str] = ()) -> Method:
    """Return a method whose path is a regular expression."""
    return Method(kind, verb, re.compile(path), function, frozenset(parameters))


def page(call: Call, items: list[Resource], key: str) -> Resource:
    """Return the part of a list that `pageToken` and `maxResults` ask for."""
    token, limit = call.query.get("pageToken", "0"), call.query.get("maxResults", str(_PAGE))
    if not token.isdigit() or not limit.isdigit():
        raise invalid(f"Invalid page token {token!r} or maxResults {limit!r}")
    begin, end = int(token), int(token) + int(limit)
    answer: Resource = {"kind": f"bigquery#{key}List"}
    if items[begin:end]:
        answer[key] = items[begin:end]
    if end < len(items):
        answer["nextPageToken"] = str(end)
    return answer
