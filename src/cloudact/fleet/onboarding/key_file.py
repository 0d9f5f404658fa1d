"""The file that issued keys go to: only its owner reads it, and it has a key of every organization that was committed.

Keys are written to a file beside it, and to the disk, before what they are keys of is committed; then, once it is, to
the file itself. Whoever is killed in between leaves the first one behind, and the next run looks which of its keys
were committed. So neither is a committed key ever lost, nor is one in the file that was never committed.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cloudact.errors import InvalidRequest, Problem

HELD = ".uncommitted"
_OWNER_ONLY = 0o600
_OF_OTHERS = 0o077
_AGAIN = "mend that, then run it again with the same files: no key that was committed is lost"
_MOVE = "move it out of the way, or name another file"


class KeyFile:
    """An open file of keys, which no other run has open; made by `opened`. `slugs` are those that have a key in it."""

    def __init__(self, path: Path, file: int) -> None:
        self.path = path
        self._file = file
        self._beside = path.with_name(f"{path.name}{HELD}")
        self._written = frozenset(self._lines())
        self.slugs = {slug for slug, _ in map(_parsed, self._written)}

    def held(self) -> dict[str, str]:
        """Return the keys, by organization, that an earlier run was about to commit and that are not in the file."""
        lines = _held_in(self._beside)
        return dict(_parsed(line) for line in lines if line.endswith(b"\n") and line not in self._written)

    def hold(self, keys: Mapping[str, str]) -> None:
        """Write keys, by organization, that are about to be committed, in place of others; returns when on disk.

        Raises InvalidRequest, as `keep` does, where the disk does not take them.
        """
        with _refused(self._beside, _AGAIN):
            file = os.open(self._beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, _OWNER_ONLY)
            try:
                os.fchmod(file, _OWNER_ONLY)
                _write(file, keys)
            finally:
                os.close(file)
            _sync_folder(self.path)

    def keep(self, keys: Mapping[str, str]) -> None:
        """Add keys that were committed; returns when they are on disk."""
        if keys:
            with _refused(self.path, _AGAIN):
                _write(self._file, keys)
            self.slugs |= keys.keys()

    def release(self) -> None:
        """Forget the keys that were held: each was committed and kept, or is known not to have been."""
        with _refused(self._beside, _AGAIN):
            self._beside.unlink(missing_ok=True)
            _sync_folder(self.path)

    def _lines(self) -> Iterator[bytes]:
        """Yield the lines there are; of a last one that a kill has cut off, whose key is held, nothing is left."""
        content = self.path.read_bytes()
        lines = content.splitlines(keepends=True)
        if lines and not lines[-1].endswith(b"\n"):
            cut = lines.pop()
            if not any(line.startswith(cut) for line in _held_in(self._beside)):
                raise _refusal(self.path, "has a last line that is cut off", "mend or remove that line")
            os.ftruncate(self._file, len(content) - len(cut))
        _check(self.path, lines, "name a file that does not exist yet")
        yield from lines


@contextmanager
def opened(path: Path) -> Iterator[KeyFile]:
    """Lend the file, made if need be; raises InvalidRequest for one that others can read, or that is in use."""
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK
    with _refused(path, "name a file in a folder that exists"):
        file = os.open(path, flags, _OWNER_ONLY)
    try:
        mode = os.fstat(file).st_mode
        if not stat.S_ISREG(mode):
            raise _refusal(path, "is not a regular file", "name a file")
        if mode & _OF_OTHERS:
            raise _refusal(path, f"can be read by others (mode {mode & 0o777:o})", "run chmod 600 on it")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise _refusal(path, "is in use by another run", "wait for it to end, or name another file") from error
        _sync_folder(path)
        yield KeyFile(path, file)
    finally:
        os.close(file)


def _held_in(beside: Path) -> list[bytes]:
    """Return the lines of the file of keys that are held, of which the last may be cut off."""
    if not os.path.lexists(beside):
        return []
    with _refused(beside, _MOVE):
        file = os.open(beside, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise _refusal(beside, "is not a regular file", _MOVE)
        with os.fdopen(os.dup(file), "rb") as content:
            lines = content.read().splitlines(keepends=True)
    finally:
        os.close(file)
    _check(beside, [line for line in lines if line.endswith(b"\n")], _MOVE)
    return lines


def _check(path: Path, lines: Iterable[bytes], fix: str) -> None:
    try:
        for line in lines:
            _parsed(line)
    except (ValueError, KeyError, TypeError):
        raise _refusal(path, "holds something else than keys", fix) from None


@contextmanager
def _refused(path: Path, fix: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = "is a link" if error.errno == errno.ELOOP else f"cannot be used: {error.strerror}"
        raise _refusal(path, reason, fix) from error


def _write(file: int, keys: Mapping[str, str]) -> None:
    content = b"".join(_line(slug, key) for slug, key in keys.items())
    while content:
        content = content[os.write(file, content) :]
    os.fsync(file)


def _line(slug: str, key: str) -> bytes:
    return json.dumps({"org_slug": slug, "api_key": key}).encode() + b"\n"


def _parsed(line: bytes) -> tuple[str, str]:
    raw = json.loads(line)
    return str(raw["org_slug"]), str(raw["api_key"])


def _sync_folder(path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _refusal(path: Path, what: str, fix: str) -> InvalidRequest:
    return InvalidRequest(
        f"the file for keys {path} {what}",
        hint=f"{fix[0].upper()}{fix[1:]}.",
        problems=[Problem("request", "keys_out", what, fix)],
    )
