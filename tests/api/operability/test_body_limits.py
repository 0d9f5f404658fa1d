"""Bodies that are too long or too slow: refused in time, and nothing is done for them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from cloudact.api.operability.body_limits import BodyLimits
from cloudact.api.operability.protection import Protection
from tests.acme import ACME
from tests.api.operability.conftest import Protected
from tests.api.published import ONBOARD

LIMIT = Protection(max_body_bytes=1024)
LONG = json.dumps({**ACME, "company_name": "x" * 2000}).encode()
JSON = {"Content-Type": "application/json"}


def _chunks(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), 100):
        yield body[start : start + 100]


@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "in chunks"])
def test_a_body_that_is_too_long_is_not_read(bootstrapped: TestClient, protected: Protected, chunked: bool) -> None:
    client = protected(LIMIT)
    answer = client.post(ONBOARD, content=_chunks(LONG) if chunked else LONG, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (413, "request_too_large")
    assert answer.json()["detail"] == "The body is longer than 1024 bytes"
    assert answer.headers["Connection"] == "close"
    assert bootstrapped.get("/api/v1/organizations").json()["total"] == 0


@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "in chunks"])
def test_a_body_within_the_limit_is_read_whole(bootstrapped: TestClient, protected: Protected, chunked: bool) -> None:
    body = json.dumps(ACME).encode()
    answer = protected(LIMIT).post(ONBOARD, content=_chunks(body) if chunked else body, headers=JSON)
    assert answer.status_code == 201


def _answered(messages: list[dict[str, Any]], seconds: float) -> tuple[list[dict[str, Any]], list[str]]:
    """What is answered to a client that sends these messages and then nothing, and what the application reads."""
    sent: list[dict[str, Any]] = []
    seen: list[str] = []
    waiting = iter(messages)

    async def receive() -> dict[str, Any]:
        message = next(waiting, None)
        if message is None:
            await asyncio.Event().wait()
        return message or {}

    async def send(message: Any) -> None:
        sent.append(message)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            seen.append(message["type"])
            if message["type"] == "http.disconnect":
                break
        await send({"type": "http.response.start", "status": 400, "headers": []})

    headers = [(b"host", b"service")]
    scope = {"type": "http", "method": "POST", "path": "/x", "headers": headers, "query_string": b"", "state": {}}
    asyncio.run(BodyLimits(app, 1024, seconds)(scope, receive, send))
    return sent, seen


def test_a_body_that_does_not_arrive_is_not_waited_for() -> None:
    sent, seen = _answered([{"type": "http.request", "body": b"{", "more_body": True}], seconds=0.01)
    assert sent[0]["status"] == 408
    assert json.loads(sent[1]["body"])["code"] == "request_timeout"
    assert (len(sent), seen) == (2, ["http.request", "http.disconnect"])  # nothing after the refusal


def test_a_client_that_goes_away_is_answered_by_nobody_but_the_application() -> None:
    sent, seen = _answered([{"type": "http.disconnect"}], seconds=5)
    assert ([message["status"] for message in sent], seen) == ([400], ["http.disconnect"])
