"""Turns of this process's units at the end of a chain: those that wait need not be run again."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

# Longer than nearly every unit; without its turn a unit goes on all the same, and may have to be run again.
PATIENCE = 30.0


@dataclass  # slots would be common to all threads
class _Held(threading.local):
    """What the unit of this thread has taken; nothing outside of one."""

    stack: ExitStack | None = None
    chains: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Turns:
    """One lock for each chain, held from when a unit reads the chain's end until the unit has ended."""

    _locks: defaultdict[str, threading.Lock] = field(default_factory=lambda: defaultdict(threading.Lock))
    _held: _Held = field(default_factory=_Held)

    @contextmanager
    def of_unit(self) -> Iterator[None]:
        """Enclose a unit, which gives up its turns when it ends."""
        outer = self._held.stack, self._held.chains
        with ExitStack() as stack:
            self._held.stack, self._held.chains = stack, set()
            try:
                yield
            finally:
                self._held.stack, self._held.chains = outer

    def take(self, chain: str) -> None:
        """Wait until it is this unit's turn; a unit that is run again has it still."""
        stack, chains = self._held.stack, self._held.chains
        if stack is None or chain in chains:
            return
        chains.add(chain)
        lock = self._locks[chain]
        if lock.acquire(timeout=PATIENCE):
            stack.callback(lock.release)
