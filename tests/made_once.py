"""What each test would make anew though it never differs, and takes longer to make than most tests do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import Any

import pytest
from httpx2 import create_ssl_context
from typer.main import get_command

from cloudact.catalog.problems import Problems
from cloudact.catalog.yaml_file import parse_yaml


@contextmanager
def made_once() -> Iterator[None]:
    """Keep the commands, what a client knows of certificates, and the documents of YAML files that are in order."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("typer.testing._get_command", cache(get_command))
        patch.setattr("httpx2._transports.default.create_ssl_context", cache(create_ssl_context))
        patch.setattr("cloudact.catalog.yaml_file.parse_yaml", parsed)
        yield


def parsed(text: str, problems: Problems) -> Any:
    """Return the document of a YAML file as `parse_yaml` does, for reading."""
    document = _document(text)
    return parse_yaml(text, problems) if document is None else document


@lru_cache(maxsize=256)
def _document(text: str) -> Any:
    problems = Problems()
    document = parse_yaml(text, problems)
    return None if problems.found else document
