"""A process that recreates or backs up a shop, or restores it, and is killed at a chosen instant of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cloudact.tenancy.actor import Actor
from cloudact.tenancy.recreation.results import Mode, Recreation
from cloudact.wiring import Services
from tests.tenancy.recreation.setting import Setting
from tests.tenancy.recreation.test_recreations import changed

RESTORED = "shop_again"


def _recreate(services: Services, mode: Mode) -> None:
    desired = changed(Setting(services.bootstrap.warehouse))
    found = services.recreations.run(desired, Recreation(mode, confirm="shop"), actor=Actor.local("ann"))
    assert not found.failed, found.message


def _restore(services: Services) -> None:
    name = next(item.name for item in services.backups.list("shop") if item.complete)
    services.backups.restore(name, RESTORED, actor=Actor.local("ann"))


OPERATIONS: Mapping[str, Callable[[Services], object]] = {
    "with data": lambda services: _recreate(services, Mode.WITH_DATA),
    "tables": lambda services: _recreate(services, Mode.TABLES),
    "dataset": lambda services: _recreate(services, Mode.DATASET),
    "backup": lambda services: services.backups.create("shop", reason="", actor=Actor.local("ann")),
    "restore": _restore,
}


def carry_out(operation: str, services: Services) -> None:
    """Carry out one of OPERATIONS."""
    OPERATIONS[operation](services)
