"""Where a keyring is kept: in a file that only its owner reads, or in an environment variable."""

from __future__ import annotations

import fcntl
import os
import stat
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from cloudact.errors import ConfigurationError, InvalidRequest, SealingUnavailable
from cloudact.sealing.keyring import Keyring, new_keyring, parse_keyring

_OWNER_ONLY = 0o600
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_Signature = tuple[int, int, int]


class KeySource(Protocol):
    """Where a keyring is kept."""

    @property
    def place(self) -> str:
        """Where, as CA_SEALING_KEY_URI says it."""

    def load(self) -> Keyring:
        """Return the keyring as it is now, made if need be; raises ConfigurationError when it cannot be used."""

    def peek(self) -> Keyring | None:
        """Return the keyring, or None when there is none and `load` would make one; changes nothing."""

    def rotate(self) -> Keyring:
        """Return the keyring after a new key was made the current one."""


@dataclass(frozen=True, slots=True)
class EnvironmentKeys:
    """A keyring in an environment variable, in the text of a key file; read whenever it is used."""

    name: str
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)

    @property
    def place(self) -> str:
        """See `KeySource`."""
        return f"env://{self.name}"

    def load(self) -> Keyring:
        """See `KeySource`."""
        text = self.environment.get(self.name, "")
        if not text:
            raise ConfigurationError(
                f"CA_SEALING_KEY_URI names the environment variable {self.name}, which is not set",
                hint="Set it to the text of a key file; `cloudact sealing create` makes one.",
            )
        return parse_keyring(text, self.place)

    def peek(self) -> Keyring:
        """See `KeySource`."""
        return self.load()

    def rotate(self) -> Keyring:
        """See `KeySource`."""
        raise InvalidRequest(
            f"The sealing keys are in the environment variable {self.name}, which a process cannot change",
            hint="Write its text to a file of mode 0600, run `cloudact sealing rotate` with CA_SEALING_KEY_URI naming "
            f"that file, set {self.name} to the file's new text, and restart every process.",
        )


class KeyFile:
    """A keyring in a file of mode 0600, read again whenever the file is another one.

    `strict`, which production is, never makes the file and refuses one that others may read.
    """

    def __init__(self, path: Path, *, strict: bool) -> None:
        self.path = path
        self._strict = strict
        self._lock = threading.Lock()
        self._read: tuple[_Signature, Keyring] | None = None

    @property
    def place(self) -> str:
        """See `KeySource`."""
        return f"local:///{self.path}"

    def load(self) -> Keyring:
        """See `KeySource`; a file that was there and is gone is an error, for what it held may be all there was."""
        found = self.peek()
        if found is None:
            made = self.create()
            found = self.peek() or made
        return found

    def peek(self) -> Keyring | None:
        """See `KeySource`; raises ConfigurationError for a missing file where it is never made."""
        with self._lock:
            try:
                signature = self._signature()
                if self._read is None or self._read[0] != signature:
                    self._read = signature, self._parsed()
                return self._read[1]
            except FileNotFoundError:
                self._refuse_missing()
                return None
            except OSError as error:
                raise _unusable(self.path, error) from error

    def create(self) -> Keyring:
        """Return the keyring, made unless it exists; of processes that do this at once, one makes it."""
        return self._written(lambda found: found or new_keyring())

    def rotate(self) -> Keyring:
        """See `KeySource`."""

        def rotated(found: Keyring | None) -> Keyring:
            if found is None:
                raise ConfigurationError(
                    f"There is no sealing key at {self.path} that could be followed by another one",
                    hint="Is CA_SEALING_KEY_URI its place? `cloudact sealing create` makes a first key.",
                )
            return found.with_new_key()

        return self._written(rotated)

    def _refuse_missing(self) -> None:
        if self._read is not None:
            raise SealingUnavailable(
                f"The sealing key {self.path} is gone",
                hint="Put it back: without it nothing that it sealed can be opened.",
            )
        if self._strict:
            raise ConfigurationError(
                f"There is no sealing key at {self.path}, and production makes none by itself",
                hint="Put the key of this warehouse there, or make a first one with `cloudact sealing create`.",
            )

    def _signature(self) -> _Signature:
        found = self.path.stat()
        if self._strict and found.st_mode & _OTHERS:
            raise ConfigurationError(
                f"The sealing key {self.path} can be read by others than its owner (mode "
                f"{stat.S_IMODE(found.st_mode):04o}), which production does not allow",
                hint=f"Run: chmod 600 {self.path}",
            )
        return found.st_ino, found.st_mtime_ns, found.st_size

    def _parsed(self) -> Keyring:
        try:
            return parse_keyring(self.path.read_text(encoding="utf-8"), self.place)
        except UnicodeDecodeError:
            return parse_keyring("", self.place)

    def _written(self, change: Callable[[Keyring | None], Keyring]) -> Keyring:
        """Replace the keyring by what it becomes, while no other process does, and for good before it is used."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with _exclusive(self.path.with_name(f"{self.path.name}.lock")):
                found = self._parsed() if self.path.exists() else None
                after = change(found)
                if after != found:
                    _replace(self.path, after.to_text())
                return after
        except OSError as error:
            raise _unusable(self.path, error) from error


@contextmanager
def _exclusive(lock: Path) -> Iterator[None]:
    """Hold a lock that the system releases when the process ends in any way."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, _OWNER_ONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _replace(path: Path, text: str) -> None:
    """Write the file whole or not at all; a copy that an interrupted attempt left is written over."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _unusable(path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"The sealing key {path} cannot be read or written: {error.strerror}",
        hint="CA_SEALING_KEY_URI names it; the process needs to own it, and to write to its directory to rotate it.",
    )
