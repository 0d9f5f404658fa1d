"""A process that runs a pipeline and is killed at a chosen commit."""

from __future__ import annotations

import os
import signal
from itertools import count
from pathlib import Path
from typing import Any

from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from cloudact.warehouse.duckdb.transaction import Transaction
from tests.pipeline.steps import World
from tests.reliability.doomed import CHILDREN


def run_in_a_process(database: Path, text: str, number: int, *, after: bool) -> bool:
    """Run the steps in a process that is killed before or after its `number`th commit; tell whether it was."""
    child = CHILDREN.Process(target=_carry_out, args=(database, text, number, after))
    child.start()
    child.join()
    assert child.exitcode in (0, -signal.SIGKILL)
    return child.exitcode != 0


def _carry_out(database: Path, text: str, number: int, after: bool) -> None:
    original, calls = Transaction.commit, count(1)

    def commit(self: Transaction, *arguments: Any) -> None:
        last = next(calls) == number
        if last and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        original(self, *arguments)
        if last:
            os.kill(os.getpid(), signal.SIGKILL)

    Transaction.commit = commit  # type: ignore[method-assign]
    World(DuckDBWarehouse(database)).run(text)
