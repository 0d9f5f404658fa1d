"""A service that is stopping takes nothing new on, whatever connection it comes by."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from cloudact.api.operability.protection import Protection
from cloudact.api.operability.shutdown import Shutdown
from tests.api.operability.conftest import Protected
from tests.api.published import BOOTSTRAP, BOOTSTRAP_STATUS


@pytest.fixture
def stopping(protected: Protected) -> TestClient:
    """An application that has been told to stop."""
    shutdown = Shutdown()
    client = protected(Protection(), shutdown)
    assert client.get(BOOTSTRAP_STATUS).status_code == 200
    shutdown.begin()
    return client


@pytest.mark.parametrize(("method", "path"), [("GET", BOOTSTRAP_STATUS), ("POST", BOOTSTRAP), ("GET", "/readyz")])
def test_new_requests_are_sent_elsewhere(stopping: TestClient, method: str, path: str) -> None:
    answer = stopping.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
    assert (answer.headers["Connection"], answer.headers["Retry-After"]) == ("close", "2")


def test_the_process_is_alive_until_it_is_not(stopping: TestClient) -> None:
    assert stopping.get("/healthz").status_code == 200


def test_a_run_that_begins_after_the_others_were_cancelled_is_cancelled_too() -> None:
    shutdown = Shutdown()
    with shutdown.run() as first:
        assert shutdown.cancel_runs("stopped") == 1
        assert first.reason == "stopped"
    with shutdown.run() as second:
        assert second.reason == "stopped"
    assert Shutdown().cancel_runs("nothing runs") == 0
