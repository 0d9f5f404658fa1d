"""The application whose every answer is held against its document, and the world around it."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from cloudact.log import configure_logging
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from tests.api.catalog_files import CatalogFiles
from tests.api.documented import check_answer
from tests.api.live import Live


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """Everything written to standard error so far, down to the least severe log line."""
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    configure_logging("DEBUG")
    return written.getvalue


@pytest.fixture
def client(client: TestClient) -> TestClient:
    """The application as the administrator; an answer that is not as documented fails the test."""
    client.event_hooks = {"response": [check_answer]}
    return client


@pytest.fixture
def live(warehouse: DuckDBWarehouse) -> Live:
    """The warehouse beside the service."""
    return Live(warehouse)


@pytest.fixture
def files(config_dir: Path) -> CatalogFiles:
    """The catalog's files, for editing."""
    return CatalogFiles(config_dir)
