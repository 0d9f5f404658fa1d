"""Writing a set of files where nothing is yet: all of them, or none, and never over anything."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from cloudact.errors import OutputRefused

Files = Mapping[str, str]
_NOTHING_WRITTEN = "Nothing was written."


def check_vacant(target: Path) -> None:
    """Raise OutputRefused unless the directory can be made: it does not exist, or is empty."""
    with _refusals(target):
        if not os.path.lexists(target):
            return
        if not target.is_dir():
            raise OutputRefused(f"{target} is not a directory", hint="Name a directory that does not exist.")
        if next(target.iterdir(), None):
            raise OutputRefused(
                f"{target} is not empty, and nothing is overwritten",
                hint="Name a directory that does not exist, or an empty one.",
            )
        if target.is_mount() or target.samefile(Path.cwd()):
            raise OutputRefused(
                f"{target} cannot be replaced in one step: it is in use",
                hint="Name a directory that does not exist, for example one inside it.",
            )


def write_directory(target: Path, files: Files) -> None:
    """Make the directory with these files in one step, so that a kill leaves no half of it.

    Raises OutputRefused when there is something already, or when the files cannot be written; nothing is left then.
    """
    check_vacant(target)
    _check_inside(files)
    with _refusals(target):
        target = target.resolve()
        with _made(target.parent), _staging(target) as staged:
            _write(staged, files)
            staged.rename(target)


def add_files(target: Path, files: Files) -> list[str]:
    """Write those of the files that are not there yet into a directory that exists, and return their paths.

    Raises OutputRefused listing each that is there with other content, before anything is written; and when one cannot
    be written, after removing those that were.
    """
    with _refusals(target):
        missing = {path: text for path, text in files.items() if not os.path.lexists(target / path)}
        taken = [path for path in sorted(files.keys() - missing.keys()) if not _holds(target / path, files[path])]
        if taken:
            listed = "\n".join(f"  {target / path}" for path in taken)
            raise OutputRefused(
                f"{len(taken)} files are there already, and nothing is overwritten:\n{listed}",
                hint="Move them away, or name another directory; nothing was written.",
            )
        _write(target, missing)
        return sorted(missing)


def _check_inside(files: Files) -> None:
    """The files may have been answered by a service, which has no say about any place but the directory."""
    for path in map(PurePosixPath, files):
        if path.is_absolute() or ".." in path.parts or not path.parts:
            raise OutputRefused(f"{path} is not a path within a directory", hint=_NOTHING_WRITTEN)


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()


def _write(root: Path, files: Files) -> None:
    """Write the files, none over another; on any failure remove what was made."""
    made: list[Path] = []
    try:
        for name, text in files.items():
            path = root / name
            _make_parents(path.parent, made)
            with path.open("xb") as file:
                made.append(path)
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())  # some file systems say only now that they are full
    except BaseException:
        _remove(made)
        raise


def _make_parents(folder: Path, made: list[Path]) -> None:
    """Make a folder and those around it that are missing, noting each in `made`."""
    for item in reversed([folder, *folder.parents]):
        if not item.exists():
            item.mkdir()
            made.append(item)


def _remove(made: list[Path]) -> None:
    """Remove what was made, except folders in which somebody else has put something since."""
    for path in reversed(made):
        with suppress(OSError):
            path.rmdir() if path.is_dir() else path.unlink()


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    made: list[Path] = []
    try:
        _make_parents(folder, made)
        yield
    except BaseException:
        _remove(made)
        raise


@contextmanager
def _staging(target: Path) -> Iterator[Path]:
    """Lend an empty directory beside the target, on the same file system; what is left of it goes away."""
    staged = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    staged.mkdir()
    try:
        yield staged
    finally:
        shutil.rmtree(staged, ignore_errors=True)


@contextmanager
def _refusals(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputRefused(
            f"{error.filename or target} cannot be written: {error.strerror or error}",
            hint="Mend its permissions, or the disk, or name another directory; nothing of it was left.",
        ) from error
