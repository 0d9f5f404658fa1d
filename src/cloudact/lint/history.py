"""The catalog that an edit started from: in another directory, or as it was in a commit of git.

Nothing in the work tree is touched: the files of the commit are written to a directory of their own.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cloudact.catalog.folder import CONFIG
from cloudact.catalog.load import CENTRAL, ORGANIZATION, parse_catalog, read_files
from cloudact.catalog.template import Catalog, Engine
from cloudact.errors import CatalogError, InvalidRequest

_FILE_MODES = ("100644", "100755")
_VALID = "Name a directory with a catalog, or a commit, branch or tag of the repository that the catalog is in."


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a catalog is compared with; `catalog` is None where there was none yet, so that everything is new."""

    name: str
    catalog: Catalog | None


def load_baseline(root: Path, against: str, engine: Engine) -> Baseline:
    """Return the catalog of a directory or, where there is none of that name, of a commit.

    Raises InvalidRequest when there is neither, or when its catalog has problems.
    """
    directory = Path(against)
    if against and directory.is_dir():
        if not any(_configs(directory)):
            raise InvalidRequest(f"directory {against} holds no catalog: it has no {CENTRAL}/{CONFIG}", hint=_VALID)
        return Baseline(against, _load(directory, against, engine))
    commit = _commit(root, against)
    name = f"{against} ({commit[:12]})"
    with tempfile.TemporaryDirectory(prefix="cloudact-") as made:
        _write_files(root, commit, Path(made))
        return Baseline(name, _load(Path(made), name, engine) if any(_configs(Path(made))) else None)


def _configs(root: Path) -> Iterator[Path]:
    yield from (path for path in (root / CENTRAL / CONFIG, root / ORGANIZATION / CONFIG) if path.is_file())


def _load(root: Path, name: str, engine: Engine) -> Catalog:
    try:
        return parse_catalog({**read_files(root, CENTRAL), **read_files(root, ORGANIZATION)}, engine)
    except CatalogError as error:
        listed = "\n".join(f"  {problem}" for problem in error.problems)
        count = f"{len(error.problems)} problem{'s' if len(error.problems) != 1 else ''}"
        raise InvalidRequest(
            f"the catalog to compare with, {name}, has {count} itself:\n{listed}",
            problems=error.problems,
            hint="Compare with a revision that loads.",
        ) from error


def _commit(root: Path, against: str) -> str:
    if not against or against.startswith("-"):
        raise InvalidRequest(f"{against!r} is neither a directory nor a name of git's", hint=_VALID)
    inside = _git(root, "rev-parse", "--is-inside-work-tree")
    if inside.returncode or inside.stdout.strip() != b"true":
        raise InvalidRequest(
            f"{against} is no directory, and {root} is in no work tree of git: {_said(inside)}", hint=_VALID
        )
    found = _git(root, "rev-parse", "--verify", "--quiet", f"{against}^{{commit}}")
    if found.returncode:
        raise InvalidRequest(f"{against} is neither a directory nor a commit of the repository of {root}", hint=_VALID)
    return found.stdout.decode().strip()


def _write_files(root: Path, commit: str, target: Path) -> None:
    """Write what was under `root` at the commit; `ls-tree` speaks of the directory it runs in."""
    listed = _checked(_git(root, "ls-tree", "-r", "-z", commit, "--", CENTRAL, ORGANIZATION))
    entries = []
    for entry in filter(None, listed.split(b"\0")):
        about, _, name = entry.partition(b"\t")
        mode, _, oid = about.decode().split()
        if mode in _FILE_MODES:  # not links and other repositories, which hold no text of their own
            entries.append((oid, os.fsdecode(name)))
    contents = _contents(root, [oid for oid, _ in entries])
    for (_, path), content in zip(entries, contents, strict=True):
        file = target / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def _contents(root: Path, oids: Sequence[str]) -> Iterator[bytes]:
    """Yield the content of each object, in order; `cat-file --batch` answers `oid type size`, then as many bytes."""
    answer = _checked(_git(root, "cat-file", "--batch", given="".join(f"{oid}\n" for oid in oids).encode()))
    position = 0
    for _ in oids:
        end = answer.index(b"\n", position)
        size = int(answer[position:end].split()[2])
        yield answer[end + 1 : end + 1 + size]
        position = end + 1 + size + 1


def _git(root: Path, *words: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = ("git", "-C", str(root), "--literal-pathspecs", *words)
    try:
        return subprocess.run(command, input=given, capture_output=True, check=False)  # noqa: S603 - no shell
    except OSError as error:
        raise InvalidRequest(
            f"git cannot be run: {error.strerror}", hint="Install git, or compare with a directory."
        ) from error


def _checked(done: subprocess.CompletedProcess[bytes]) -> bytes:
    if done.returncode:
        raise InvalidRequest(f"git could not read the commit: {_said(done)}", hint=_VALID)
    return done.stdout


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    return " ".join(done.stderr.decode("utf-8", "replace").split()) or "it said nothing"
