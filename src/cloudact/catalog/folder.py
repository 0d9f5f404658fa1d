"""One folder with a `config.yml`, its schema files and its view files, read into a template."""

from __future__ import annotations

import errno
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from io import FileIO
from pathlib import Path

from cloudact.catalog.config_file import ConfigFile, TableConfig
from cloudact.catalog.model import Table, View, labels_from
from cloudact.catalog.problems import Code, Problems
from cloudact.catalog.rules import check_clustering_names, check_table
from cloudact.catalog.schema_file import parse_schema
from cloudact.catalog.sharing import form_of
from cloudact.catalog.template import EMBEDDED, DatasetTemplate, ViewTemplate
from cloudact.catalog.view_file import parse_view
from cloudact.catalog.yaml_file import line_of, read_model

CONFIG = "config.yml"
FORMAT = "docs/catalog-format.md"

# What a file holds, or why it could not be read.
Content = bytes | OSError
Files = Mapping[str, Content]


def content_of(path: Path) -> Content | None:
    """Return what a file holds, or why it cannot be read, or None where there is none.

    A pipe or a device is refused unopened: reading it may never end.
    """
    try:
        mode = path.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            return OSError(errno.EINVAL, "it is not a regular file")
        with FileIO(path) as file:  # `read_bytes` takes five times as long, and a catalog is read at every request
            return file.readall()
    except FileNotFoundError:
        return None
    except OSError as error:
        return error
    except ValueError as error:  # a path with a NUL
        return OSError(errno.EINVAL, str(error))


def text_of(content: Content | None, problems: Problems, *, absent: str) -> str | None:
    """Return a file's text, or None after reporting why not; `absent` says what to do where there is no file."""
    if content is None:
        problems.add("", "does not exist", absent, code=Code.MISSING_FILE)
        return None
    if isinstance(content, OSError):
        fix = "name a file" if content.errno == errno.EINVAL else "mend its permissions, or the disk"
        what = f"cannot be read: {content.strerror}"
        problems.add("", what, fix, code=Code.UNREADABLE_FILE)
        return None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problems.add("", f"is not UTF-8 (byte {error.start})", "save it as UTF-8", code=Code.NOT_UTF8)
        return None


@dataclass(frozen=True, slots=True)
class Folder:
    """The files of one folder.

    `placeholders` are those its dataset's name has to use, each once; `location` is for a config that names none.
    """

    path: str
    files: Files
    problems: Problems
    placeholders: frozenset[str] = frozenset()
    location: str = EMBEDDED.location

    def parse(self) -> DatasetTemplate | None:
        """Return what the folder declares, or None after reporting why there is nothing to return."""
        where = self.problems.at(self._in(CONFIG))
        text, needed = self._text(where), "declare at least `dataset` and `tables`"
        config, document = None, None
        if text is not None:
            config, document = read_model(ConfigFile, text, where, needed=needed, page=FORMAT)
        if config is None:
            self._parse_loose_files()
            return None
        _check_names(config, where)
        self._check_dataset_name(config, where)
        self._check_orphans(config)
        tables = [self._table(name, entry) for name, entry in config.tables.items()]
        views = [self._view(name, config) for name in config.views]
        _add_lines(where, document)
        return DatasetTemplate(
            name=config.dataset,
            location=config.location or self.location,
            authorize_views=config.authorize_views,
            description=config.description,
            labels=labels_from(config.labels),
            tables=tuple(table for table in tables if table),
            views=tuple(view for view in views if view),
        )

    def _in(self, name: str) -> str:
        return f"{self.path}/{name}"

    def _text(self, where: Problems) -> str | None:
        return text_of(self.files.get(where.where), where, absent="write it, or remove what refers to it")

    def _parse_loose_files(self) -> None:
        """Without a config nothing says what belongs together, but each file can still be read for itself."""
        for path in sorted(set(self.files) - {self._in(CONFIG)}):
            where = self.problems.at(path)
            text = self._text(where)
            if text is not None and path.endswith(".sql"):
                parse_view(text, where)
            elif text is not None:
                check_table(Table("", parse_schema(text, where)), where, Problems())

    def _check_dataset_name(self, config: ConfigFile, where: Problems) -> None:
        used = re.findall(r"\{(\w*)\}", config.dataset)
        plain = re.sub(r"\{\w*\}", "", config.dataset)
        if sorted(used) == sorted(self.placeholders) and not {"{", "}"} & set(plain):
            return
        wanted = " and ".join(f"{{{name}}}" for name in sorted(self.placeholders))
        fix = f"use {wanted} once, for example {wanted}_prod" if wanted else "give it a plain name"
        where.add("dataset", f"is {config.dataset}", fix, code=Code.DATASET_NAME)

    def _check_orphans(self, config: ConfigFile) -> None:
        wanted = {self._in(f"schemas/{name}.json") for name in config.tables}
        wanted |= {self._in(_view_path(name, config)) for name in config.views}
        for path in sorted(set(self.files) - wanted - {self._in(CONFIG)}):
            kind = "tables" if path.endswith(".json") else "views"
            fix = f"add it to {self._in(CONFIG)}, or delete the file"
            what = f"is named by no entry under `{kind}`"
            self.problems.at(path).add("", what, fix, code=Code.UNDECLARED_FILE)

    def _table(self, name: str, entry: TableConfig) -> Table | None:
        where = self.problems.at(self._in(f"schemas/{name}.json"))
        text = self._text(where)
        if text is None:
            return None
        columns = parse_schema(text, where)
        # A column that could not be read is missing, which would be reported again as a layout problem.
        layout = Problems() if where.any_here() else self.problems.at(self._in(CONFIG))
        table = Table(
            name=name,
            columns=columns,
            description=entry.description,
            partition=entry.partition.to_model() if entry.partition else None,
            clustering=entry.clustering,
            labels=labels_from(entry.labels),
        )
        check_table(table, where, layout)
        return table

    def _view(self, name: str, config: ConfigFile) -> ViewTemplate | None:
        entry = config.views[name]
        path = self._in(_view_path(name, config))
        where = self.problems.at(path)
        text = self._text(where)
        query = parse_view(text, where) if text is not None else None
        if text is None or query is None:
            return None
        layout = self.problems.at(self._in(CONFIG))
        # Which columns a star stands for is not in the query, but how many it is clustered by is in the config.
        check_clustering_names(f"views.{name}.clustering", entry.clustering, query.outputs or None, layout)
        materialized, reason = form_of(entry.materialized, query)
        if reason:
            what = f"is {entry.materialized}, but the view's query {reason}"
            fix = "keep it in another way, or change the query"
            layout.add(f"views.{name}.materialized", what, fix, code=Code.NOT_MATERIALIZABLE)
        view = View(
            name=name,
            query="",
            description=entry.description,
            materialized=materialized,
            clustering=entry.clustering,
            refresh_interval_minutes=entry.refresh_interval_minutes,
            labels=labels_from(entry.labels),
        )
        return ViewTemplate(view, query, path, text)


def _view_path(name: str, config: ConfigFile) -> str:
    return config.views[name].sql or f"views/{name}.sql"


def _check_names(config: ConfigFile, problems: Problems) -> None:
    seen: dict[str, str] = {}
    for kind, name in _relations(config):
        other = seen.setdefault(name.casefold(), f"{kind}.{name}")
        if other != f"{kind}.{name}":
            what = f"has the same name as {other} (case does not count)"
            problems.add(f"{kind}.{name}", what, "rename one of them", code=Code.DUPLICATE_NAME)


def _relations(config: ConfigFile) -> Iterator[tuple[str, str]]:
    yield from (("tables", name) for name in config.tables)
    yield from (("views", name) for name in config.views)


def _add_lines(where: Problems, document: object) -> None:
    """Give layout problems the line of the key they speak of; rules know paths, not lines."""
    for index, problem in enumerate(where.found):
        if problem.where == where.where and not problem.line and problem.field:
            where.found[index] = replace(problem, line=line_of(document, problem.field.split(".")))
