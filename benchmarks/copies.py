"""Copies of database files."""

from __future__ import annotations

import shutil
from pathlib import Path


def copy(source: Path, target: Path) -> None:
    """Put a fresh copy of a database somewhere, with its write-ahead log where it has one."""
    shutil.copy(source, target)
    log, copied = (file.with_name(f"{file.name}.wal") for file in (source, target))
    copied.unlink(missing_ok=True)
    if log.exists():
        shutil.copy(log, copied)
