"""The data dictionary as Markdown: a page for each dataset, and an index."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cloudact.catalog.model import Column
from cloudact.dictionary.diagram import MOST_LINES, entity_diagram, everywhere
from cloudact.dictionary.entries import (
    Address,
    DatasetEntry,
    Dictionary,
    Entry,
    Join,
    TableEntry,
    ViewColumn,
    ViewEntry,
)
from cloudact.dictionary.markdown import anchor, code, fenced, paragraph, table, text
from cloudact.dictionary.phrases import Facts, column_notes, dataset_facts, facts, first_sentence

MARKER = "<!-- Written by `cloudact catalog docs` from the catalog. Edit the catalog and write it again. -->"
INDEX = "README.md"


def pages(dictionary: Dictionary) -> dict[str, str]:
    """Return the content of every page by file name."""
    names = _page_names(dictionary)
    made = {names[item]: _Page(dictionary, item, names).content() for item in dictionary.datasets}
    return {INDEX: _index(dictionary, names), **made}


Names = Mapping[DatasetEntry, str]


def _page_names(dictionary: Dictionary) -> Names:
    """Return a file name for each dataset, with its folder where two datasets have one name."""
    taken, names = {INDEX.casefold()}, {}
    for item in dictionary.datasets:
        plain = re.sub(r"[\W_]+", "_", item.name).strip("_")
        name = f"{plain}.md"
        if name.casefold() in taken:
            name = f"{plain}-{re.sub(r'[^0-9A-Za-z]+', '-', f'{item.setting}/{item.folder}'.lower())}.md"
        taken.add(name.casefold())
        names[item] = name
    return names


def _index(dictionary: Dictionary, names: Names) -> str:
    rows = [
        [f"[{code(item.name)}]({names[item]})", str(len(item.tables)), str(len(item.views)), text(item.description)]
        for item in dictionary.datasets
    ]
    head = ["dataset", "tables", "views", "what it holds"]
    return _joined([MARKER, "# Data dictionary", "Every dataset, table and view of the catalog.", table(head, rows)])


def _joined(blocks: list[str]) -> str:
    return "\n\n".join(block for block in blocks if block) + "\n"


@dataclass(frozen=True, slots=True)
class _Page:
    dictionary: Dictionary
    dataset: DatasetEntry
    names: Names

    def content(self) -> str:
        """Return the page."""
        item = self.dataset
        blocks = [MARKER, f"# {code(item.name)}", paragraph(item.description), _facts(dataset_facts(item))]
        blocks += ["## Tables and views", self._contents(), *self._joins()]
        for entry in item.entries:
            blocks += _entry(entry)
        return _joined(blocks)

    def _contents(self) -> str:
        rows = [
            [
                self._link(entry.address),
                _kind(entry),
                str(entry.column_count or ""),
                text(first_sentence(entry.description)),
            ]
            for entry in self.dataset.entries
        ]
        return table(["name", "kind", "columns", "what one row is"], rows)

    def _joins(self) -> Iterator[str]:
        told = everywhere(self.dataset, self.dictionary)
        diagram = entity_diagram(self.dataset, self.dictionary)
        if not told and not diagram:
            return
        yield "## How they join"
        yield "As descriptions of columns say it: no engine enforces any of it. A view joins to what it reads."
        if diagram:
            yield fenced("mermaid", diagram)
        if told:
            yield f"Not drawn, because more than {MOST_LINES} tables have such columns:"
            yield table(["columns", "join to", "in tables"], [self._told(*item) for item in told.items()])

    def _told(self, target: Address, joins: Sequence[Join]) -> list[str]:
        columns = dict.fromkeys(join.column.column for join in joins)
        tables = {join.column.owner for join in joins}
        return [", ".join(map(code, columns)), self._link(target), str(len(tables))]

    def _link(self, address: Address) -> str:
        """Return a link to the section of a table or view, named as this page names it."""
        own = address.dataset == self.dataset.name
        shown = f"{address.name}.{address.column}".rstrip(".") if own else str(address)
        page = next((name for item, name in self.names.items() if item.name == address.dataset), "")
        return f"[{code(shown)}]({'' if own else page}#{_anchor(address)})"


def _anchor(address: Address) -> str:
    """Return where a table or view is on its page; one named like its dataset comes second, after the title."""
    name = anchor(address.name)
    return f"{name}-1" if name == anchor(address.dataset) else name


def _entry(entry: Entry) -> Iterator[str]:
    yield f"## {code(entry.address.name)}"
    yield paragraph(entry.description)
    yield _facts(facts(entry))
    if isinstance(entry, TableEntry):
        yield _table_columns(entry)
    else:
        yield _view_columns(entry)
        yield fenced("sql", entry.query)


def _kind(entry: Entry) -> str:
    return "table" if isinstance(entry, TableEntry) else "view"


def _facts(found: Facts) -> str:
    return "\n".join(f"- {name}: {text(value)}" for name, value in found)


def _table_columns(entry: TableEntry) -> str:
    head = ["column", "type", "mode", "description"]
    return table(head, [_column_cells(entry, path, column) for path, column in entry.table.walk()])


def _column_cells(entry: TableEntry, path: tuple[str, ...], column: Column) -> list[str]:
    name = "&emsp;" * (len(path) - 1) + code(".".join(path))
    described = [text(part) for part in (column.description, *column_notes(column)) if part]
    sources = entry.sources_of(column.name) if len(path) == 1 else ()
    # A fifth column of the table would be out of sight on a page of usual width.
    described += [f"from {code(source)} ({text(export.name)})" for export, source in sources]
    return [name, code(str(column.type)), column.mode.value, "<br>".join(described)]


def _view_columns(entry: ViewEntry) -> str:
    return table(["column", "type", "description"], [_view_column_cells(item) for item in entry.columns])


def _view_column_cells(item: ViewColumn) -> list[str]:
    if item.declared is None:
        return [code(item.name), "", f"computed: {code(item.expression)}"]
    return [code(item.name), code(str(item.declared.type)), text(item.declared.description)]
