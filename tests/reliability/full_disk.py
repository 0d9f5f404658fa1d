"""Disks that are full when they are told to be, and have room again when they are told to."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

SMALL_DISK = 16 * 1024 * 1024


class Disk(Protocol):
    """Where a warehouse file is."""

    @property
    def directory(self) -> Path:
        """The directory on this disk."""

    @contextmanager
    def full(self, *, but_for: int = 0) -> Iterator[None]:
        """Within the block, no more than `but_for` bytes can be written."""


@dataclass(frozen=True)
class SizeLimit:
    """Every file of this process has a largest size: writing fails as on a full disk, on any machine.

    Changes the whole process, so it belongs in one of its own.
    """

    directory: Path

    @contextmanager
    def full(self, *, but_for: int = 0) -> Iterator[None]:
        """See `Disk`; the write-ahead log is what grows."""
        log = sum(path.stat().st_size for path in self.directory.glob("*.wal"))
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (log + but_for, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


@dataclass(frozen=True)
class SmallDisk:
    """A real file system of a few megabytes, filled with ballast."""

    directory: Path

    @contextmanager
    def full(self, *, but_for: int = 0) -> Iterator[None]:
        """See `Disk`."""
        found = os.statvfs(self.directory)
        ballast = self.directory / "ballast"
        ballast.write_bytes(bytes(found.f_bavail * found.f_frsize - but_for))
        try:
            yield
        finally:
            ballast.unlink()
