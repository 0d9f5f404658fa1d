"""A process that seals everything anew, and is killed before or after one of its commits."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any

from cloudact.settings import Settings
from cloudact.tenancy.actor import Actor
from cloudact.tenancy.secrets import resealing, sealed_rows
from cloudact.warehouse.duckdb.transaction import Transaction
from cloudact.wiring import build_services
from tests.acme import ROOT

# A fork of a small clean process, so that a child neither inherits this one's threads nor imports everything anew.
CHILDREN = multiprocessing.get_context("forkserver")
CHILDREN.set_forkserver_preload([__name__])


def settings_of(database: Path, key: Path) -> Settings:
    """Settings over a DuckDB file and a key."""
    return Settings(
        warehouse_url=f"duckdb:///{database}", config_dir=ROOT / "configs", sealing_key_uri=f"local:///{key}"
    )


def killed_while_resealing(database: Path, key: Path, *, commit: int, before: bool) -> bool:
    """Reseal in a process that is killed around its commits; tell whether it was killed before it was done."""
    child = CHILDREN.Process(target=_reseal, args=(database, key, commit, before))
    child.start()
    child.join()
    assert child.exitcode in (0, -signal.SIGKILL)
    return child.exitcode != 0


def _reseal(database: Path, key: Path, commit: int, before: bool) -> None:
    sealed_rows.PAGE, resealing.BATCH = 3, 2
    services = build_services(settings_of(database, key))
    original, left = Transaction.commit, [None] * commit

    def counted(self: Any) -> None:
        left.pop()
        if not left and before:
            os.kill(os.getpid(), signal.SIGKILL)
        original(self)
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    Transaction.commit = counted  # type: ignore[method-assign]
    services.sealing.reseal(actor=Actor.system("a test"))
