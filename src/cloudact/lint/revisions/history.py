"""The catalog and the templates that an edit started from: in another directory, or in a commit of git."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TypeVar

from cloudact.catalog.folder import CONFIG
from cloudact.catalog.load import (
    CENTRAL,
    ORGANIZATION,
    CatalogSource,
    folders_in,
    is_declaration,
    load_dataset,
    parse_catalog,
    parse_dataset,
)
from cloudact.catalog.template import Catalog, DatasetTemplate, Engine
from cloudact.errors import CatalogError, InvalidRequest
from cloudact.lint.revisions.git import VALID, commit_named, files_at, has_commit

T = TypeVar("T")
Templates = Mapping[str, DatasetTemplate]


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a catalog is compared with.

    `catalog` is None where there was none yet, so that everything is new. `templates` are those beside it, by folder;
    None where there is no telling what they were.
    """

    name: str
    catalog: Catalog | None
    templates: Templates | None


def load_baseline(root: Path, templates: Path | None, against: str, engine: Engine) -> Baseline:
    """Return the catalog in a directory or, where there is none in one of that name, in a commit.

    The templates are the directory beside that one with the name of `templates`, or what was in `templates` at the
    commit. Raises InvalidRequest when there is no base, or when it has problems.
    """
    if _holds_catalog(against):
        return _in_directory(templates, against, engine)
    try:
        commit = commit_named(root, against)
    except InvalidRequest as error:
        if against and _is_directory(Path(against)):
            what = f"directory {against} holds no catalog: it has no {CENTRAL}/{CONFIG}"
            raise InvalidRequest(what, hint=VALID) from error
        raise
    return _at_commit(root, templates, f"{against} ({commit[:12]})", commit, engine)


def _in_directory(templates: Path | None, against: str, engine: Engine) -> Baseline:
    base = Path(against)
    catalog = _whole(against, CatalogSource(base, engine).load)
    if not (templates and _is_directory(templates)):
        return Baseline(against, catalog, {})
    beside = base.absolute().parent / templates.absolute().name
    if not _is_directory(beside):
        return Baseline(against, catalog, None)
    loaded = {folder: _whole(against, partial(load_dataset, beside, folder, engine)) for folder in folders_in(beside)}
    return Baseline(against, catalog, loaded)


def _at_commit(root: Path, templates: Path | None, name: str, commit: str, engine: Engine) -> Baseline:
    files = files_at(root, commit, lambda names: _declarations(names, (CENTRAL, ORGANIZATION)))
    configs = {f"{CENTRAL}/{CONFIG}", f"{ORGANIZATION}/{CONFIG}"}
    catalog = _whole(name, partial(parse_catalog, files, engine)) if configs & files.keys() else None
    if not (templates and _is_directory(templates)):
        return Baseline(name, catalog, {})
    if not has_commit(templates, commit):
        return Baseline(name, catalog, None)
    found = files_at(templates, commit, lambda names: _declarations(names, _folders(names)))
    loaded = {folder: _whole(name, partial(parse_dataset, folder, found, engine)) for folder in _folders(found)}
    return Baseline(name, catalog, loaded)


def _folders(names: Collection[str]) -> tuple[str, ...]:
    paths = map(PurePosixPath, names)
    return tuple(sorted(path.parent.as_posix() for path in paths if path.name == CONFIG))


def _declarations(names: Collection[str], folders: Collection[str]) -> set[str]:
    return {name for name in names if any(is_declaration(name, folder) for folder in folders)}


def _whole(name: str, load: Callable[[], T]) -> T:
    try:
        return load()
    except CatalogError as error:
        listed = "\n".join(f"  {problem}" for problem in error.problems)
        count = f"{len(error.problems)} problem{'s' if len(error.problems) != 1 else ''}"
        raise InvalidRequest(
            f"the catalog to compare with, {name}, has {count} itself:\n{listed}",
            problems=error.problems,
            hint="Compare with a revision that loads.",
        ) from error


def _holds_catalog(directory: str) -> bool:
    if not directory or not _is_directory(Path(directory)):
        return False
    return any((Path(directory) / folder / CONFIG).is_file() for folder in (CENTRAL, ORGANIZATION))


def _is_directory(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that no file can have, such as one that is too long
        return False
