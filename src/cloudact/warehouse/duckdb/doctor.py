"""What DuckDB needs to work: a folder that can be written, room on the disk, and a file that opens."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb

from cloudact.errors import CloudactError
from cloudact.warehouse.driver import Examination

# A checkpoint writes changed parts of the file anew before it frees the old ones.
MIN_FREE_BYTES = 2**30
_GIB = 2**30
_ELSEWHERE = "or name a file elsewhere in CA_WAREHOUSE_URL."


def examine(path: Path | None, ping: Callable[[], None]) -> list[Examination]:
    """Return what was found for the file, which is not made when it does not exist; None is memory."""
    if path is None:
        return [_answers("everything is in memory, and gone when the process ends", ping)]
    try:
        folder = _existing(path.absolute().parent)
        return [_folder(folder), _disk(folder), _file(path, ping)]
    except OSError as error:
        fix = f"Mend the permissions along that path, {_ELSEWHERE}"
        return [Examination("folder", passed=False, message=f"{path} cannot be looked at: {error.strerror}", fix=fix)]


def _existing(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that exists already."""
    return folder if folder.exists() else _existing(folder.parent)


def _folder(folder: Path) -> Examination:
    if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
        return Examination("folder", passed=True, message=f"{folder} is writable")
    fix = f"Let the process write in that folder, {_ELSEWHERE}"
    return Examination("folder", passed=False, message=f"{folder} is not a writable folder", fix=fix)


def _disk(folder: Path) -> Examination:
    free = shutil.disk_usage(folder).free
    passed = free >= MIN_FREE_BYTES
    fix = "" if passed else f"Free at least {MIN_FREE_BYTES / _GIB:.0f} GiB, {_ELSEWHERE}"
    return Examination("disk", passed, f"{free / _GIB:.1f} GiB free", fix)


def _file(path: Path, ping: Callable[[], None]) -> Examination:
    if not path.exists():
        fix = "Make it with `cloudact bootstrap run`, or check CA_WAREHOUSE_URL: three slashes make a path relative."
        return Examination("database", passed=False, message=f"{path.absolute()} does not exist", fix=fix)
    return _answers(f"{path.absolute()} opens and answers", ping)


def _answers(what: str, ping: Callable[[], None]) -> Examination:
    try:
        ping()
    except CloudactError as error:
        return Examination("database", passed=False, message=error.message, fix=error.hint)
    return Examination("database", passed=True, message=f"{what}; DuckDB {duckdb.__version__}")
