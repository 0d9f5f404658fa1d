"""What processes of their own do to a key file, and how one is killed in the middle of it."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any

from cloudact.sealing.key_file import KeyFile
from cloudact.sealing.local import LocalSealer
from cloudact.sealing.sealer import Context

FILE_CALLS = ("flock", "open", "fsync", "replace")


def seal(given: tuple[Path, bytes, Context]) -> bytes:
    """Seal a secret with the key of a file that may not be there yet."""
    path, secret, context = given
    return LocalSealer(KeyFile(path, strict=False)).seal(secret, context)


def rotate(path: Path) -> str:
    """Make a new current key and return its id."""
    return LocalSealer(KeyFile(path, strict=False)).rotate().key_id


def killed_while_rotating(path: Path, *, before: str) -> bool:
    """Rotate in a process that is killed before a call to the system; tell whether it was."""
    child = multiprocessing.get_context("forkserver").Process(target=_rotate_and_die, args=(path, before))
    child.start()
    child.join()
    return child.exitcode == -signal.SIGKILL


def _rotate_and_die(path: Path, before: str) -> None:
    owner: Any = {"flock": fcntl, "open": os, "fsync": os, "replace": Path}[before]

    def die(*_: Any, **__: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, before, die)
    rotate(path)
