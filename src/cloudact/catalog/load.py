"""Reading a catalog from files: everything at once, every problem reported, cached by content."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cloudact.catalog.folder import CONFIG, Content, Files, Folder, content_of
from cloudact.catalog.model import Materialized
from cloudact.catalog.problems import Code, Problems
from cloudact.catalog.resolution.columns import Tables, check_columns
from cloudact.catalog.sharing import check_clustering, materialized_form, shared_name
from cloudact.catalog.template import EMBEDDED, Catalog, DatasetTemplate, Engine
from cloudact.catalog.view_file import SLUG, ViewQuery
from cloudact.errors import CatalogError, Problem

CENTRAL = "setup/bootstrap"
ORGANIZATION = "setup/organizations"
_DATASET = "{dataset}"


def read_files(root: Path, folder: str) -> Files:
    """Return the content of every file that can matter in a dataset's folder, by path relative to `root`."""
    files: dict[str, Content] = {}
    for path in sorted({f"{folder}/{CONFIG}", *_listed(root, f"{folder}/schemas"), *_walked(root, folder)}):
        # Gone is as if it had never been listed: an editor that saves by renaming takes a file away for a moment.
        if is_declaration(path, folder) and (content := content_of(root / path)) is not None:
            files[path] = content
    return files


def _listed(root: Path, folder: str) -> list[str]:
    """Return the paths in a folder, which may be a link to one; none where it cannot be listed."""
    try:
        with os.scandir(root / folder) as entries:
            return [f"{folder}/{entry.name}" for entry in entries]
    except OSError:
        return []


def _walked(root: Path, folder: str) -> Iterator[str]:
    """Yield the paths in a folder and in those below it."""
    start = len(str(root / folder))
    for inner, folders, names in os.walk(root / folder):
        under = folder + inner[start:].replace(os.sep, "/")
        yield from (f"{under}/{name}" for name in (*folders, *names))


def folders_in(root: Path) -> list[str]:
    """Return the folders under `root` that declare a dataset: those with a config."""
    return sorted(config.parent.relative_to(root).as_posix() for config in root.rglob(CONFIG))


def is_declaration(path: str, folder: str) -> bool:
    """Tell whether `read_files` would read a file, for when there is none to be found by listing directories."""
    name = path.removeprefix(f"{folder}/")
    if name == path:
        return False
    return name == CONFIG or name.endswith(".sql") or bool(re.fullmatch(r"schemas/[^/]*\.json", name))


def load_dataset(root: Path, folder: str, engine: Engine = EMBEDDED) -> DatasetTemplate:
    """Return what one folder declares; raises CatalogError naming every problem in it."""
    return parse_dataset(folder, read_files(root, folder), engine)


def parse_dataset(folder: str, files: Files, engine: Engine = EMBEDDED) -> DatasetTemplate:
    """Return what one folder declares by itself: its views read its own tables only.

    Raises CatalogError naming every problem in it.
    """
    problems = Problems()
    template = Folder(folder, _under(folder, files), problems, location=engine.location).parse()
    if template:
        whole = not any(problem.where.endswith(".json") for problem in problems.found)
        _check_views_of(template, folder, _tables_as(template, {_DATASET, template.name}), problems, whole=whole)
        _check_no_values(template, problems)
    problems.raise_if_any()
    if template is None:
        raise AssertionError("a folder without problems has a template")
    return template


def parse_catalog(files: Files, engine: Engine = EMBEDDED) -> Catalog:
    """Return the whole catalog in the form the engine needs; raises CatalogError naming every problem in any file."""
    problems, where = Problems(), engine.location
    central = Folder(CENTRAL, _under(CENTRAL, files), problems, location=where).parse()
    organization = Folder(ORGANIZATION, _under(ORGANIZATION, files), problems, frozenset({SLUG}), where).parse()
    if central and organization:
        _check_central_name(central, organization, problems)
        _check_shared_names(central, organization, problems)
        _check_views(central, organization, problems)
    problems.raise_if_any()
    if central is None or organization is None:
        raise AssertionError("a catalog without problems has both halves")
    catalog = Catalog(central, organization, engine)
    return materialized_form(catalog) if engine.materializes else catalog


def _under(folder: str, files: Files) -> Files:
    return {path: content for path, content in files.items() if path.startswith(f"{folder}/")}


def _check_central_name(central: DatasetTemplate, organization: DatasetTemplate, problems: Problems) -> None:
    before, _, after = organization.name.partition(f"{{{SLUG}}}")
    if re.fullmatch(rf"{re.escape(before)}[a-z0-9_]{{3,50}}{re.escape(after)}", central.name):
        what = f"is {central.name}, which could be the dataset of an organization ({organization.name})"
        fix = "choose a name that no organization can have"
        problems.at(f"{CENTRAL}/{CONFIG}").add("dataset", what, fix, code=Code.DATASET_NAME)


def _check_shared_names(central: DatasetTemplate, organization: DatasetTemplate, problems: Problems) -> None:
    """On any engine, so that a catalog which is good here is good where views are materialized."""
    taken = {table.key: "table" for table in central.tables} | {item.view.key: "view" for item in central.views}
    for item in organization.views:
        name = shared_name(item.view.name)
        if item.view.materialized is Materialized.SHARED and name.casefold() in taken:
            what = f"is kept in {central.name} as {name}, which is a declared {taken[name.casefold()]} there"
            where = problems.at(f"{ORGANIZATION}/{CONFIG}")
            where.add(f"views.{item.view.name}", what, "rename one of them", code=Code.SHARED_NAME_TAKEN)


def _check_views(central: DatasetTemplate, organization: DatasetTemplate, problems: Problems) -> None:
    """A view over what nobody declares would fail in every organization, one by one.

    A view over another view is refused as well: materialized views cannot do that, and views need no order then.
    """
    names = central.central_names
    # A schema file that could not be read has no columns, which its own problem says.
    whole = not any(problem.where.endswith(".json") for problem in problems.found)
    shared = _tables_as(central, names)
    _check_views_of(central, CENTRAL, {**shared, **_tables_as(central, {_DATASET})}, problems, whole=whole)
    _check_views_of(
        organization, ORGANIZATION, {**shared, **_tables_as(organization, {_DATASET})}, problems, whole=whole
    )
    _check_no_values(central, problems)
    for item in organization.views:
        _check_scope(item.query, names, problems.at(item.path))


def _tables_as(template: DatasetTemplate, names: Collection[str]) -> Tables:
    return {(dataset, table.key): table for table in template.tables for dataset in names}


def _check_views_of(template: DatasetTemplate, folder: str, known: Tables, problems: Problems, *, whole: bool) -> None:
    for item in template.views:
        where = problems.at(item.path)
        _check_tables(item.query, known, where)
        if whole:
            check_columns(item.query, known, where)
            check_clustering(item, known, problems.at(f"{folder}/{CONFIG}"))


def _check_tables(query: ViewQuery, known: Tables, where: Problems) -> None:
    for dataset, table in query.tables:
        declared = known.get((dataset, table.casefold()))
        name = f"{dataset or '(no dataset)'}.{table}"
        if declared is None:
            fix = "write {organizations}.table or {dataset}.table with a table of the catalog"
            where.add(name, "is not a declared table", fix, code=Code.UNKNOWN_TABLE)
        elif declared.name != table:
            what = f"is declared as {declared.name}, and names of tables differ by case on BigQuery"
            where.add(name, what, f"write {declared.name}", code=Code.UNKNOWN_TABLE)


def _check_scope(query: ViewQuery, central: frozenset[str], where: Problems) -> None:
    """Without it, an organization's view of a central table would show it every organization's rows."""
    for name in query.unscoped(central, SLUG, SLUG):
        fix = f"add WHERE {SLUG} = {{{SLUG}}}, joined to other conditions by AND, in each SELECT that reads it"
        what = "is read without its organization, so the view would show all of them"
        where.add(name, what, fix, code=Code.UNSCOPED_VIEW)


def _check_no_values(template: DatasetTemplate, problems: Problems) -> None:
    for item in template.views:
        for name in sorted(item.query.literals):
            what, fix = f"has no value in {template.name}", "remove it; the view is not for one organization"
            problems.at(item.path).add(f"{{{name}}}", what, fix, code=Code.PLACEHOLDER)


@dataclass(frozen=True, slots=True)
class CatalogSource:
    """The catalog in a directory for an engine, read anew at each call and parsed only when a byte of it changed."""

    root: Path
    engine: Engine = EMBEDDED

    def load(self) -> Catalog:
        """Return the catalog as the files stand now; raises CatalogError when any of them is wrong."""
        return _PARSED.catalog({**read_files(self.root, CENTRAL), **read_files(self.root, ORGANIZATION)}, self.engine)


@dataclass(frozen=True, slots=True, eq=False)
class _Outcome:
    given: Mapping[str, bytes | str]
    engine: Engine
    outcome: Catalog | tuple[Problem, ...]


class _Parsed:
    """What came of the files parsed last in this process, by content: several services may be over the same files."""

    most = 8

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # The one used last is the first. To compare all bytes takes a tenth of the time of any digest of them.
        self._outcomes: list[_Outcome] = []

    def catalog(self, files: Files, engine: Engine) -> Catalog:
        """Return the catalog of these files, parsed now or before; raises CatalogError when any of them is wrong."""
        given = {path: content if isinstance(content, bytes) else repr(content) for path, content in files.items()}
        found = next((item for item in tuple(self._outcomes) if item.engine == engine and item.given == given), None)
        if found is None:
            found = _Outcome(given, engine, _outcome(files, engine))
        with self._lock:
            self._outcomes = [found, *(item for item in self._outcomes if item is not found)][: self.most]
        if isinstance(found.outcome, Catalog):
            return found.outcome
        raise CatalogError(found.outcome)


_PARSED = _Parsed()


def _outcome(files: Files, engine: Engine) -> Catalog | tuple[Problem, ...]:
    try:
        return parse_catalog(files, engine)
    except CatalogError as error:
        return error.problems
