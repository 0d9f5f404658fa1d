"""Reading a catalog from files: everything at once, every problem reported, cached by content."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from cloudact.catalog.config_file import ConfigFile, TableConfig
from cloudact.catalog.model import Table, View, labels_from
from cloudact.catalog.problems import Problems
from cloudact.catalog.rules import check_table
from cloudact.catalog.schema_file import parse_schema
from cloudact.catalog.template import Catalog, DatasetTemplate, ViewTemplate
from cloudact.catalog.view_file import parse_view
from cloudact.catalog.yaml_file import line_of, parse_yaml, validate

CENTRAL = "setup/bootstrap"
ORGANIZATION = "setup/organizations"
CONFIG = "config.yml"

Files = Mapping[str, bytes]


def read_files(root: Path, folder: str) -> Files:
    """Return the content of every file that can matter in a dataset's folder, by path relative to `root`."""
    base = root / folder
    paths = [base / CONFIG, *sorted(base.glob("schemas/*.json")), *sorted(base.glob("views/*.sql"))]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths if path.is_file()}


def load_dataset(root: Path, folder: str) -> DatasetTemplate:
    """Return what one folder declares; raises CatalogError naming every problem in it."""
    problems = Problems()
    template = parse_dataset(read_files(root, folder), folder, problems)
    problems.raise_if_any()
    if template is None:
        raise AssertionError("a folder without problems has a template")
    return template


def parse_dataset(files: Files, folder: str, problems: Problems) -> DatasetTemplate | None:
    """Return what a folder's files declare, or None after reporting why there is nothing to return."""
    where = problems.at(f"{folder}/{CONFIG}")
    text = _decode(files, f"{folder}/{CONFIG}", where)
    document = parse_yaml(text, where) if text is not None else None
    config = validate(ConfigFile, document, where) if document is not None else None
    if text is not None and document is None and not problems.found:
        where.add("", "is empty", "declare at least `dataset` and `tables`")
    if config is None:
        return None
    _check_names(config, where)
    _check_orphans(config, files, folder, problems)
    tables = [_table(name, entry, files, folder, problems) for name, entry in config.tables.items()]
    views = [_view(name, config, files, folder, problems) for name in config.views]
    _add_lines(where, document)
    return DatasetTemplate(
        name=config.dataset,
        location=config.location,
        description=config.description,
        labels=labels_from(config.labels),
        tables=tuple(table for table in tables if table),
        views=tuple(view for view in views if view),
    )


def _decode(files: Files, path: str, problems: Problems) -> str | None:
    if path not in files:
        problems.add("", "does not exist", "write it, or remove what refers to it")
        return None
    try:
        return files[path].decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problems.add("", f"is not UTF-8 (byte {error.start})", "save it as UTF-8")
        return None


def _check_names(config: ConfigFile, problems: Problems) -> None:
    seen: dict[str, str] = {}
    for kind, name in [
        *(("tables", name) for name in config.tables),
        *(("views", name) for name in config.views),
    ]:
        other = seen.setdefault(name.casefold(), f"{kind}.{name}")
        if other != f"{kind}.{name}":
            problems.add(f"{kind}.{name}", f"has the same name as {other} (case does not count)", "rename one of them")


def _check_orphans(config: ConfigFile, files: Files, folder: str, problems: Problems) -> None:
    wanted = {f"{folder}/schemas/{name}.json" for name in config.tables}
    wanted |= {f"{folder}/{entry.sql or f'views/{name}.sql'}" for name, entry in config.views.items()}
    present = {path for path in files if path.startswith(f"{folder}/")}
    for path in sorted(present - wanted - {f"{folder}/{CONFIG}"}):
        kind = "tables" if path.endswith(".json") else "views"
        problems.at(path).add(
            "", f"is named by no entry under `{kind}`", f"add it to {folder}/{CONFIG}, or delete the file"
        )


def _table(name: str, entry: TableConfig, files: Files, folder: str, problems: Problems) -> Table | None:
    path = f"{folder}/schemas/{name}.json"
    where, config = problems.at(path), problems.at(f"{folder}/{CONFIG}")
    text = _decode(files, path, where)
    if text is None:
        return None
    before = len(problems.found)
    columns = parse_schema(text, where)
    table = Table(
        name=name,
        columns=columns,
        description=entry.description,
        partition=entry.partition.to_model() if entry.partition else None,
        clustering=entry.clustering,
        labels=labels_from(entry.labels),
    )
    # A column that could not be read is missing below, which would be reported again as a layout problem.
    layout = config if len(problems.found) == before else Problems()
    check_table(table, where, layout)
    return table


def _view(name: str, config: ConfigFile, files: Files, folder: str, problems: Problems) -> ViewTemplate | None:
    entry = config.views[name]
    path = f"{folder}/{entry.sql or f'views/{name}.sql'}"
    where = problems.at(path)
    text = _decode(files, path, where)
    query = parse_view(text, where) if text is not None else None
    if query is None:
        return None
    view = View(
        name=name,
        query="",
        description=entry.description,
        materialized=entry.materialized,
        clustering=entry.clustering,
        refresh_interval_minutes=entry.refresh_interval_minutes,
        labels=labels_from(entry.labels),
    )
    return ViewTemplate(view, query)


def _add_lines(where: Problems, document: object) -> None:
    """Give layout problems the line of the key they speak of; rules know paths, not lines."""
    for index, problem in enumerate(where.found):
        if problem.where == where.where and not problem.line and problem.field:
            where.found[index] = replace(problem, line=line_of(document, problem.field.split(".")))


def parse_catalog(files: Files) -> Catalog:
    """Return the whole catalog; raises CatalogError naming every problem in any file."""
    problems = Problems()
    central = parse_dataset(files, CENTRAL, problems)
    organization = parse_dataset(files, ORGANIZATION, problems)
    if central and organization:
        _check_dataset_names(central, organization, problems)
        _check_sources(central, organization, problems)
    problems.raise_if_any()
    if central is None or organization is None:
        raise AssertionError("a catalog without problems has both halves")
    return Catalog(central, organization)


def _check_dataset_names(central: DatasetTemplate, organization: DatasetTemplate, problems: Problems) -> None:
    if "{" in central.name or "}" in central.name:
        problems.at(f"{CENTRAL}/{CONFIG}").add("dataset", f"is {central.name}", "give the central dataset a plain name")
    rest = organization.name.replace("{org_slug}", "", 1)
    if rest == organization.name or "{" in rest or "}" in rest:
        problems.at(f"{ORGANIZATION}/{CONFIG}").add(
            "dataset", f"is {organization.name}", "use {org_slug} once, for example {org_slug}_prod"
        )


def _check_sources(central: DatasetTemplate, organization: DatasetTemplate, problems: Problems) -> None:
    """A view over a table nobody declares would fail in every organization, one by one.

    A view over another view is refused as well: materialized views cannot do that, and views need no order then.
    """
    known = {("{organizations}", table.key) for table in central.tables}
    known |= {(central.name, table.key) for table in central.tables}
    known |= {("{dataset}", table.key) for table in organization.tables}
    for item in organization.views:
        for dataset, table in item.query.tables:
            if (dataset, table.casefold()) not in known:
                problems.at(f"{ORGANIZATION}/views/{item.view.name}.sql").add(
                    f"{dataset or '(no dataset)'}.{table}",
                    "is not a declared table",
                    "write {organizations}.table or {dataset}.table with a table of the catalog",
                )


@dataclass(slots=True)
class CatalogSource:
    """The catalog in a directory, read anew at each call and parsed only when a byte of it changed."""

    root: Path
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _cached: tuple[bytes, Catalog] | None = field(default=None, repr=False)

    def load(self) -> Catalog:
        """Return the catalog as the files stand now; raises CatalogError when any of them is wrong."""
        files = {**read_files(self.root, CENTRAL), **read_files(self.root, ORGANIZATION)}
        digest = _digest(files)
        with self._lock:
            if self._cached and self._cached[0] == digest:
                return self._cached[1]
        catalog = parse_catalog(files)
        with self._lock:
            self._cached = (digest, catalog)
        return catalog


def _digest(files: Files) -> bytes:
    whole = hashlib.sha256()
    for path in sorted(files):
        whole.update(f"{path}\0{len(files[path])}\0".encode())
        whole.update(files[path])
    return whole.digest()


__all__ = ["Catalog", "CatalogSource", "load_dataset", "parse_catalog", "parse_dataset", "read_files"]
