"""A process that carries out one real operation, and is killed at a chosen instant of it."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from fastapi.testclient import TestClient
from pydantic import SecretStr

from cloudact.api.app import create_app
from cloudact.planning.policy import EVERYTHING
from cloudact.settings import Settings
from cloudact.warehouse.driver import Observer, ignore
from cloudact.warehouse.duckdb.transaction import Transaction
from cloudact.wiring import Services, build_services
from tests.acme import ACME, ROOT_HEADERS, ROOT_KEY
from tests.forked import CHILDREN
from tests.reliability.world import ACME_SLUG, acme_request

ONBOARD_PATH = "/api/v1/organizations/onboard"
IDEMPOTENT = {"Idempotency-Key": "5f0c3c1e-6a54-4f0e-9d43-2f6f3a9f0a11"}


def _onboard_over_http(services: Services) -> None:
    client = TestClient(create_app(services, SecretStr(ROOT_KEY)), headers=ROOT_HEADERS)
    client.post(ONBOARD_PATH, json=ACME, headers=IDEMPOTENT)


OPERATIONS: Mapping[str, Callable[[Services], object]] = {
    "bootstrap": lambda services: services.bootstrap.run(),
    "bootstrap sync": lambda services: services.bootstrap.sync(EVERYTHING),
    "onboarding": lambda services: services.onboarding.onboard(acme_request()),
    "onboarding over HTTP": _onboard_over_http,
    "new key": lambda services: services.onboarding.onboard(acme_request(regenerate=True)),
    "sync": lambda services: services.organizations.sync(ACME_SLUG, EVERYTHING),
}
_CALLS = (
    "begin",
    "inspect",
    "check",
    "apply",
    "apply_alike",
    "insert",
    "insert_if_absent",
    "insert_each_if_absent",
    "ensure",
    "update",
    "compare_and_set",
    "expect",
    "expect_each",
    "select",
    "count",
    "copy_table",
    "digest",
    "check_replacement",
    "replace_table",
    "empty_table",
    "remove_table",
    "renew_views",
    "commit",
)


class Instant(StrEnum):
    """When a process can be killed; each is counted from 1."""

    CHANGE = "before change"
    CALL = "before session call"
    COMMITTING = "before commit"
    COMMITTED = "after commit"
    BYTE = "in the write of byte"


@dataclass(frozen=True)
class Death:
    """The instant at which a process is killed."""

    instant: Instant
    number: int


def carry_out(operation: str, services: Services) -> None:
    """Carry out one of OPERATIONS."""
    OPERATIONS[operation](services)


def dies(settings: Settings, work: Callable[[Services], None], death: Death) -> bool:
    """Do some work in a process of its own, which it has to be sent to; tell whether it was killed before the end."""
    child = CHILDREN.Process(target=_work, args=(settings, work, death))
    child.start()
    child.join()
    assert child.exitcode in (0, -signal.SIGKILL, -signal.SIGXFSZ)
    return child.exitcode != 0


def _work(settings: Settings, work: Callable[[Services], None], death: Death) -> None:
    services = build_services(settings, observer=armed(death))
    work(services)
    services.close()


def armed(death: Death) -> Observer:
    """Prepare this process for its death, and return what has to observe its changes."""
    count = _countdown(death.number)
    match death.instant:
        case Instant.CHANGE:
            return lambda _progress: count()
        case Instant.CALL:
            for name in _CALLS:
                _wrap(name, before=count)
        case Instant.COMMITTING:
            _wrap("commit", before=count)
        case Instant.COMMITTED:
            _wrap("commit", after=count)
        case Instant.BYTE:
            _die_when_a_file_reaches(death.number)
    return ignore


def _countdown(number: int) -> Callable[[], None]:
    left = number

    def count() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return count


def _go_on() -> None:
    """Do not die here."""


def _wrap(method: str, *, before: Callable[[], None] = _go_on, after: Callable[[], None] = _go_on) -> None:
    original = getattr(Transaction, method)

    def wrapped(self: Transaction, *arguments: Any, **options: Any) -> Any:
        before()
        result = original(self, *arguments, **options)
        after()
        return result

    setattr(Transaction, method, wrapped)


def _die_when_a_file_reaches(size: int) -> None:
    """The kernel writes up to this byte of any file, and kills at the next: a torn write at a known place."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
