"""`exports/*.yml`: in which column of a table each column of a provider's billing export lands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from cloudact.catalog.folder import content_of, text_of
from cloudact.catalog.model import Column, Kind, Table
from cloudact.catalog.problems import Code, Problems
from cloudact.catalog.template import Catalog
from cloudact.catalog.yaml_file import line_of, read_model

FOLDER = "exports"
_NamedText = Annotated[str, Field(min_length=1)]


class ExportFile(BaseModel):
    """One export format; an entry of `columns` without a value lands in the column of the same name."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    title: _NamedText
    table: _NamedText
    columns: dict[_NamedText, _NamedText | None] = Field(min_length=1)
    maps: dict[_NamedText, _NamedText] = {}
    others: _NamedText | None = None


@dataclass(frozen=True, slots=True)
class Home:
    """Where an export column lands: a column or nested field by its path and, in a JSON object, the key."""

    path: tuple[str, ...]
    key: str | None = None

    def __str__(self) -> str:
        name = ".".join(self.path)
        return name if self.key is None else f"{name}[{self.key!r}]"


@dataclass(frozen=True, slots=True)
class Export:
    """One export format and the table it is loaded into.

    `columns` pairs export columns with table columns, `maps` pairs prefixes of export columns with JSON columns, and
    `others` is the JSON column of everything else.
    """

    name: str
    title: str
    table: Table
    columns: tuple[tuple[str, str], ...]
    maps: tuple[tuple[str, str], ...] = ()
    others: str | None = None

    def home_of(self, source: str) -> Home | None:
        """Return where an export column or nested field `a.b` lands, ignoring case, or None where it has no home.

        A field of a RECORD that lands as a whole is the field of the same name. Of two prefixes the longer one counts;
        the key in the JSON object is the rest of the name, and under `others` all of it.
        """
        folded = source.casefold()
        for name, target in self.columns:
            if name.casefold() == folded:
                return Home((target,))
            if folded.startswith(f"{name.casefold()}.") and (path := self._field(target, source[len(name) + 1 :])):
                return Home(path)
        for prefix, target in sorted(self.maps, key=lambda item: -len(item[0])):
            if folded.startswith(prefix.casefold()) and len(source) > len(prefix):
                return Home((target,), source[len(prefix) :])
        return Home((self.others,), source) if self.others else None

    def column_at(self, home: Home) -> Column:
        """Return the column or nested field that a home of this export names."""
        return dict(self.table.walk())[home.path]

    def _field(self, target: str, nested: str) -> tuple[str, ...] | None:
        wanted = f"{target}.{nested}".casefold()
        return next((path for path, _ in self.table.walk() if ".".join(path).casefold() == wanted), None)


def load_exports(root: Path, catalog: Catalog) -> tuple[Export, ...]:
    """Return every export format of a catalog by name; raises CatalogError naming every problem of every file."""
    problems = Problems()
    paths = sorted((root / FOLDER).glob("*.yml"))
    found = [_load(path, problems.at(f"{FOLDER}/{path.name}"), catalog) for path in paths]
    problems.raise_if_any()
    return tuple(export for export in found if export)


def _load(path: Path, problems: Problems, catalog: Catalog) -> Export | None:
    text = text_of(content_of(path), problems, absent="write it anew")
    if text is None:
        return None
    needed = "declare `title`, `table` and `columns`"
    file, document = read_model(ExportFile, text, problems, needed=needed, page="docs/billing-exports.md")
    if file is None:
        return None
    tables = {table.key: table for table in catalog.organization.tables}
    table = tables.get(file.table.casefold())
    if table is None:
        names = ", ".join(item.name for item in tables.values())
        what, fix = f"is {file.table}, which is not a table of an organization", f"name one of {names}"
        problems.add("table", what, fix, code=Code.EXPORT_TARGET, line=line_of(document, ["table"]))
        return None
    _Check(file, table, document, problems).run()
    return _export(path.stem, file, table)


def _export(name: str, file: ExportFile, table: Table) -> Export:
    def declared(target: str) -> str:
        column = table.column(target)
        return column.name if column else target

    return Export(
        name=name,
        title=file.title,
        table=table,
        columns=tuple((source, declared(target or source)) for source, target in file.columns.items()),
        maps=tuple((prefix, declared(target)) for prefix, target in file.maps.items()),
        others=declared(file.others) if file.others else None,
    )


@dataclass(frozen=True, slots=True)
class _Check:
    """What a file has to be beyond its keys: its columns are there, and each is the home of one thing."""

    file: ExportFile
    table: Table
    document: Any
    problems: Problems

    def run(self) -> None:
        """Report everything that is wrong."""
        taken: dict[str, str] = {}
        sources: dict[str, str] = {}
        for path, target in self._entries():
            column = self.table.column(target)
            if column is None:
                what = f"lands in {target}, which is not a column of {self.table.name}"
                close = get_close_matches(target.casefold(), [item.key for item in self.table.columns])
                such = f", such as {', '.join(close)}" if close else ""
                self._add(path, what, f"name a column of its schema file{such}", Code.EXPORT_TARGET)
                continue
            if path[0] != "columns" and column.type.kind is not Kind.JSON:
                fix = "name a JSON column, which holds any number of keys"
                self._add(path, f"lands in {column.name}, which is {column.type}", fix, Code.EXPORT_TARGET_TYPE)
            other = taken.setdefault(column.key, ".".join(path))
            if other != ".".join(path):
                what, fix = f"lands in {column.name}, as {other} does", "give each a column of its own"
                self._add(path, what, fix, Code.EXPORT_TARGET_TAKEN)
        for group in ("columns", "maps"):
            for source in getattr(self.file, group):
                other = sources.setdefault(f"{group}.{source.casefold()}", source)
                if other != source:
                    fix = "keep one of them"
                    what = f"has the same name as {other} (case does not count)"
                    self._add((group, source), what, fix, Code.EXPORT_COLUMN_TWICE)

    def _entries(self) -> Iterator[tuple[tuple[str, ...], str]]:
        for source, column in self.file.columns.items():
            yield ("columns", source), column or source
        for prefix, column in self.file.maps.items():
            yield ("maps", prefix), column
        if self.file.others:
            yield ("others",), self.file.others

    def _add(self, path: tuple[str, ...], what: str, fix: str, code: Code) -> None:
        self.problems.add(".".join(path), what, fix, code=code, line=line_of(self.document, path))
