"""A process that is there for one command: what it spares because it ends with it."""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import Callable
from contextvars import ContextVar

# Python's own 700 make it look through all modules dozens of times while they are imported.
_OBJECTS_WHILE_IMPORTING = 20_000
_USUAL = gc.get_threshold()
_EXITING: ContextVar[bool] = ContextVar("exiting", default=False)


def exiting() -> bool:
    """Tell whether this process ends when the command has."""
    return _EXITING.get()


def run_and_exit(command: Callable[[], object]) -> None:
    """Run a command, and end the process with its exit code; raises what the command raises, but for SystemExit.

    What Python would take apart at its end, object by object, goes with the process.
    """
    gc.set_threshold(_OBJECTS_WHILE_IMPORTING)
    _EXITING.set(True)
    try:
        command()
    except SystemExit as end:
        if not isinstance(end.code, int | None) or _others_work():
            raise
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(end.code or 0)


def begin_work() -> None:
    """Have garbage collected as usual from now on, but for what is imported; rare collections keep memory long."""
    if exiting():
        gc.freeze()
        gc.set_threshold(*_USUAL)


def _others_work() -> bool:
    """Tell whether there is a thread that the end of a process waits for."""
    own = threading.current_thread()
    return any(thread is not own and not thread.daemon for thread in threading.enumerate())
