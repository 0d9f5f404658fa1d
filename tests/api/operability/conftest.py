"""Applications with limits, and a clock for the limits of rates."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from cloudact.api.app import create_app
from cloudact.api.operability.protection import Protection
from cloudact.api.operability.shutdown import Shutdown
from cloudact.wiring import Services
from tests.acme import ROOT_HEADERS, ROOT_KEY
from tests.api.documented import check_answer

Protected = Callable[..., TestClient]


@dataclass
class Clock:
    """The time that rate limits go by."""

    now: float

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that stands still until a test moves it."""
    made = Clock(time.time())
    monkeypatch.setattr(time, "time", made)
    return made


@pytest.fixture
def protected(services: Services) -> Iterator[Protected]:
    """Make an application with limits; every answer of it has to be as documented."""
    with ExitStack() as clients:

        def make(protection: Protection, shutdown: Shutdown | None = None, **options: object) -> TestClient:
            app = create_app(services, SecretStr(ROOT_KEY), protection, shutdown)
            made = clients.enter_context(
                TestClient(app, headers=ROOT_HEADERS, raise_server_exceptions=False, **options)
            )
            made.event_hooks = {"response": [check_answer]}
            return made

        yield make
