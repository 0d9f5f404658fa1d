"""A process that carries out one real operation, and is killed when a chosen request arrives or has been done."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from functools import partial

from cloudact.planning.policy import EVERYTHING
from cloudact.settings import Settings
from cloudact.tenancy.actor import Actor
from cloudact.tenancy.recreation.results import Mode, Recreation
from cloudact.wiring import Services, build_services
from tests.bigquery.world import SLUG
from tests.bigquery_fake.server import Fake
from tests.forked import CHILDREN
from tests.reliability.world import acme_request
from tests.tenancy.recreation.setting import Setting
from tests.tenancy.recreation.test_recreations import changed


def _recreate(services: Services, mode: Mode) -> None:
    desired = changed(Setting(services.bootstrap.warehouse))
    services.recreations.run(desired, Recreation(mode, confirm=desired.name), actor=Actor.local("ann"))


OPERATIONS: Mapping[str, Callable[[Services], object]] = {
    "bootstrap": lambda services: services.bootstrap.run(),
    "bootstrap sync": lambda services: services.bootstrap.sync(EVERYTHING),
    "onboarding": lambda services: services.onboarding.onboard(acme_request()),
    "sync": lambda services: services.organizations.sync(SLUG, EVERYTHING),
    **{f"recreate {mode}": partial(_recreate, mode=mode) for mode in Mode},
}


def is_killed_at(fake: Fake, settings: Settings, operation: str, number: int, *, done: bool) -> bool:
    """Carry out an operation in a process that is killed at its `number`th request; tell whether it was."""
    child = CHILDREN.Process(target=_carry_out, args=(settings, operation, fake.url))
    first = len(fake.log.requests)

    def strike(request: int, _kind: str) -> None:
        if request == first + number and child.pid:
            os.kill(child.pid, signal.SIGKILL)

    fake.faults.on_request, fake.faults.on_done = (None, strike) if done else (strike, None)
    child.start()
    child.join()
    # What had arrived is carried out, whether or not anybody is left to hear of it.
    while any(request.ended is None for request in fake.log.requests):
        time.sleep(0.001)
    fake.faults.on_request = fake.faults.on_done = None
    assert child.exitcode in (0, -signal.SIGKILL)
    return child.exitcode != 0


def _carry_out(settings: Settings, operation: str, url: str) -> None:
    os.environ["BIGQUERY_EMULATOR_HOST"] = url
    services = build_services(settings)
    OPERATIONS[operation](services)
    services.close()
