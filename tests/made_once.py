"""What each test would make anew though it never differs, and takes longer to make than most tests do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import Any

import pytest
from httpx2 import create_ssl_context
from starlette.routing import Route
from typer.main import get_command

from cloudact.api.app import _Application
from cloudact.catalog.problems import Problems
from cloudact.catalog.yaml_file import parse_yaml

# Makes the OpenAPI document of an application anew.
describe = _Application.openapi
_DESCRIBED: dict[object, dict[str, Any]] = {}


@contextmanager
def made_once() -> Iterator[None]:
    """Keep the commands, what a client knows of certificates, the service's own document, and those of YAML files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("typer.testing._get_command", cache(get_command))
        patch.setattr("httpx2._transports.default.create_ssl_context", cache(create_ssl_context))
        patch.setattr("cloudact.catalog.yaml_file.parse_yaml", parsed)
        patch.setattr(_Application, "openapi", described)
        yield


def described(app: _Application) -> dict[str, Any]:
    """Return the OpenAPI document that the first application with the same routes had."""
    routes = tuple((route.path, frozenset(route.methods or ())) for route in app.routes if isinstance(route, Route))
    if routes not in _DESCRIBED:
        _DESCRIBED[routes] = describe(app)
    return _DESCRIBED[routes]


def parsed(text: str, problems: Problems) -> Any:
    """Return the document of a YAML file as `parse_yaml` does, for reading."""
    document = _document(text)
    return parse_yaml(text, problems) if document is None else document


@lru_cache(maxsize=256)
def _document(text: str) -> Any:
    problems = Problems()
    document = parse_yaml(text, problems)
    return None if problems.found else document
