"""What files held at a commit, asked of git itself; nothing is written, in the work tree or elsewhere."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from cloudact.errors import InvalidRequest

VALID = "Name a directory with a catalog, or a commit, branch or tag of the repository that the catalog is in."
_SHALLOW = "This clone is shallow: get the commit first, for example with `git fetch origin main`."
_FILES = ("100644", "100755")
_LINK = "120000"
# A hook has these set for the repository as a whole, and not for the directory that is asked about.
_NOT_OURS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR")


def commit_named(directory: Path, name: str) -> str:
    """Return the full name of a commit of the repository that the directory is in; raises InvalidRequest."""
    if not name or name.startswith("-"):
        raise InvalidRequest(f"{name!r} is neither a directory nor a name of git's", hint=VALID)
    inside = _git(directory, "rev-parse", "--is-inside-work-tree")
    if inside.returncode or inside.stdout.strip() != b"true":
        raise InvalidRequest(
            f"{name} is no directory, and {directory} is in no work tree of git: {_said(inside)}", hint=VALID
        )
    if found := _resolved(directory, name):
        return found
    shallow = _git(directory, "rev-parse", "--is-shallow-repository").stdout.strip() == b"true"
    raise InvalidRequest(
        f"{name} is neither a directory nor a commit of the repository of {directory}",
        hint=f"{VALID} {_SHALLOW}" if shallow else VALID,
    )


def has_commit(directory: Path, commit: str) -> bool:
    """Tell whether the repository that the directory is in has this commit; False where it is in none."""
    return _resolved(directory, commit) == commit


def files_at(directory: Path, commit: str, wanted: Callable[[set[str]], set[str]]) -> Mapping[str, bytes]:
    """Return what files under the directory held at the commit; `wanted` chooses among their names."""
    prefix = _checked(_git(directory, "rev-parse", "--show-prefix")).rstrip(b"\n")
    found: dict[str, bytes] = {}
    for entry in filter(None, _checked(_git(directory, "ls-tree", "-r", "-z", "--full-name", commit)).split(b"\0")):
        about, _, path = entry.partition(b"\t")
        mode, _, oid = about.decode().split()
        if mode in _FILES:
            found[os.fsdecode(path.removeprefix(prefix))] = oid.encode()
        elif mode == _LINK:
            found[os.fsdecode(path.removeprefix(prefix))] = f"{commit}:".encode() + path
    names = sorted(wanted(set(found)))
    contents = _contents(directory, [found[name] for name in names])
    return {name: content for name, content in zip(names, contents, strict=True) if content is not None}


def _contents(directory: Path, objects: Sequence[bytes]) -> Iterator[bytes | None]:
    """Yield the content of each object in order, or None for a link that leads to no file of the repository.

    `cat-file --batch` answers `oid type size` and as many bytes, or of such a link, what is wrong, a size and the path.
    """
    asked = b"".join(b"%s\n" % item for item in objects)
    answer = _checked(_git(directory, "cat-file", "--batch", "--follow-symlinks", given=asked))
    position = 0
    for _ in objects:
        end = answer.index(b"\n", position)
        about = answer[position:end].split(b" ")
        size = int(about[-1])
        yield answer[end + 1 : end + 1 + size] if about[-2] == b"blob" else None
        position = end + 1 + size + 1


def _resolved(directory: Path, name: str) -> str:
    found = _git(directory, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    return "" if found.returncode else found.stdout.decode().strip()


def _git(directory: Path, *words: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = ("git", "-C", str(directory), *words)
    environment = {name: value for name, value in os.environ.items() if name not in _NOT_OURS}
    try:
        return subprocess.run(  # noqa: S603 - no shell
            command, input=given, capture_output=True, check=False, env=environment
        )
    except OSError as error:
        raise InvalidRequest(
            f"git cannot be run: {error.strerror}", hint="Install git, or compare with a directory."
        ) from error


def _checked(done: subprocess.CompletedProcess[bytes]) -> bytes:
    if done.returncode:
        raise InvalidRequest(f"git could not read the commit: {_said(done)}", hint=VALID)
    return done.stdout


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    return " ".join(done.stderr.decode("utf-8", "replace").split()) or "it said nothing"
