"""Refused callers, who wait for their row on the trail: how many there can be, and that nobody else waits with them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import ExitStack

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from limits import parse_many
from pydantic import SecretStr

from cloudact.api.app import create_app
from cloudact.api.operability.protection import Protection
from cloudact.wiring import Services
from tests.acme import ROOT_KEY
from tests.api.live import Live
from tests.api.published import ACME_STATUS, ORGANIZATIONS

# More than there are worker threads.
STRANGERS = 60


def denied(live: Live) -> int:
    return len(live.rows("SELECT 1 FROM organizations.org_audit_logs WHERE status = 'DENIED'"))


@pytest.mark.parametrize("headers", [{}, {"X-CA-Root-Key": "wrong"}, {"X-API-Key": "wrong"}], ids=str)
def test_the_rate_limit_bounds_the_rows_of_whoever_tries_keys(
    services: Services, acme_key: str, live: Live, headers: dict[str, str]
) -> None:
    limited = Protection(refused=tuple(parse_many("3/hour")))
    with TestClient(create_app(services, SecretStr(ROOT_KEY), limited)) as client:
        # A key of its own for each attempt, as whoever guesses would send.
        sent = [{name: f"{value} {number}" for name, value in headers.items()} for number in range(10)]
        answers = [client.get(ACME_STATUS, headers=item).status_code for item in sent]
        assert answers == [401] * 3 + [429] * 7
        assert denied(live) == 3
        # Others of the same address, behind the same proxy for instance, are not locked out by it.
        assert client.get(ACME_STATUS, headers={"X-API-Key": acme_key}).status_code == 200
        assert client.get(ACME_STATUS, headers={"X-CA-Root-Key": ROOT_KEY}).status_code == 200


def test_a_good_key_for_something_else_leaves_no_more_rows_either(
    services: Services, acme_key: str, live: Live
) -> None:
    limited = Protection(refused=tuple(parse_many("2/hour")))
    with TestClient(create_app(services, SecretStr(ROOT_KEY), limited)) as client:
        other, own = f"{ORGANIZATIONS}/other_org/status", {"X-API-Key": acme_key}
        answers = [client.get(other, headers=own) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [403, 403, 429, 429]
        assert answers[2].json()["detail"] == "Too many requests from this address were refused for their key"
        assert 3590 <= int(answers[2].headers["Retry-After"]) <= 3601
        assert denied(live) == 2
        assert client.get(ACME_STATUS, headers=own).status_code == 200


@pytest.mark.slow
def test_however_many_are_refused_a_good_key_is_answered_meanwhile(
    services: Services, acme_key: str, live: Live
) -> None:
    app = create_app(services, SecretStr(ROOT_KEY))
    turns = services.trail._turns
    with ExitStack() as unit:
        unit.enter_context(turns.of_unit())
        turns.take("system")  # so that no row of a stranger can be written until this ends
        answers = asyncio.run(_ask(app, acme_key, unit.close))
    assert answers == [401] * STRANGERS
    assert denied(live) == STRANGERS


async def _ask(app: FastAPI, key: str, let_go: Callable[[], None]) -> list[int]:
    waiting = app.state.cloudact.recording
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://service") as client:
        strangers = [asyncio.create_task(client.get(ORGANIZATIONS)) for _ in range(STRANGERS)]
        for _ in range(1_000):
            if waiting.statistics().tasks_waiting + waiting.borrowed_tokens == STRANGERS:
                break
            await asyncio.sleep(0.01)
        own = await client.get(ACME_STATUS, headers={"X-API-Key": key})
        assert own.status_code == 200
        assert not any(task.done() for task in strangers)
        let_go()
        return [answer.status_code for answer in await asyncio.gather(*strangers)]


def test_a_key_that_is_sent_as_the_id_of_one_is_kept_nowhere(
    onboarded: TestClient, acme_key: str, live: Live, log: Callable[[], str]
) -> None:
    keys = f"{ORGANIZATIONS}/acme_corp/keys/{acme_key}"
    assert onboarded.delete(keys).status_code == 404
    assert onboarded.post(f"{keys}/rotate").status_code == 404
    assert onboarded.delete(keys, headers={"X-CA-Root-Key": "wrong"}).status_code == 401
    rows = live.rows("SELECT * FROM organizations.org_audit_logs WHERE status <> 'SUCCESS'")
    assert len(rows) == 3
    assert all("acme_corp_api_***" in row["resource_id"] for row in rows)
    lines = [json.loads(line) for line in log().splitlines()]
    assert [line["path"] for line in lines if line["event"] == "request"]
    secret = acme_key.removeprefix("acme_corp_api_")
    assert secret not in repr(rows)
    assert secret not in log()
