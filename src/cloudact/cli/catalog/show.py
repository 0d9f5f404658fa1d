"""`cloudact catalog show`: what is declared, on the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from cloudact.catalog.model import Column
from cloudact.cli import render
from cloudact.cli.errors import reported
from cloudact.dictionary.answer import described, listed
from cloudact.dictionary.entries import DatasetEntry, Dictionary, Entry, TableEntry, ViewEntry
from cloudact.dictionary.load import load_dictionary
from cloudact.dictionary.lookup import find
from cloudact.dictionary.phrases import (
    Facts,
    column_notes,
    counted,
    dataset_facts,
    facts,
    first_sentence,
    partition_text,
)
from cloudact.settings import load_settings

NameArgument = Annotated[
    str | None,
    typer.Argument(metavar="TABLE", help="A table, view or dataset, in any case, or a pattern like org_*."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print it as JSON, with everything that is declared.")]


def show(name: NameArgument = None, *, as_json: JsonOption = False) -> None:
    """Show what is declared: every dataset with its tables and views, or one of them with its columns.

    Where two datasets have a table of the same name, write dataset.table. The datasets of the pipeline templates are
    included.

    With --json a list is `datasets`, each with `tables` and `views`: name, dataset, file, kind, description, layout and
    the number of columns. One table has its `columns` as in a schema file, `joins` and `exports`; one view its
    `columns`, `reads` and `query`.

    Example: cloudact catalog show org_profiles
    """
    with reported(as_json=as_json):
        settings = load_settings()
        dictionary = load_dictionary(settings.config_dir, settings.templates_dir)
        found = dictionary if name is None else find(dictionary, name)
    if isinstance(found, Dictionary):
        render.print_json(listed(found)) if as_json else _print(*_list(found))
    else:
        render.print_json(described(dictionary, found)) if as_json else _print(*_page(found))


def _print(*blocks: RenderableType) -> None:
    """Print blocks as wide as the terminal, or 80 columns, without the blanks that Rich fills lines up with."""
    console = Console(highlight=False, emoji=False)
    with console.capture() as captured:
        for block in blocks:
            console.print(block, crop=False)
    typer.echo("\n".join(line.rstrip() for line in captured.get().splitlines()), color=console.is_terminal)


def _list(dictionary: Dictionary) -> Iterator[RenderableType]:
    for number, dataset in enumerate(dictionary.datasets):
        if number:
            yield ""
        yield from _dataset(dataset)


def _dataset(dataset: DatasetEntry) -> Iterator[RenderableType]:
    tables = [counted(len(dataset.tables), "table")] if dataset.tables else []
    views = [counted(len(dataset.views), "view")] if dataset.views else []
    yield Text.assemble((dataset.name, "bold"), "  ", ", ".join((*tables, *views)))
    yield Text(dataset.description)
    yield _facts(dataset_facts(dataset))
    for entry in dataset.entries:
        yield ""
        yield Text.assemble("  ", (entry.address.name, "bold cyan"), "  ", _kind(entry))
        yield _indented(first_sentence(entry.description), 4)
        yield _indented(_layout(entry), 4, style="dim")


def _kind(entry: Entry) -> str:
    kind = "table" if isinstance(entry, TableEntry) else "view"
    return f"{kind}, {counted(entry.column_count, 'column')}" if entry.column_count else kind


def _layout(entry: Entry) -> str:
    partition = partition_text(entry.table.partition) if isinstance(entry, TableEntry) else ""
    clustering = f"clustered by {', '.join(entry.clustering)}" if entry.clustering else ""
    return "; ".join(part for part in (partition, clustering) if part)


def _page(entry: Entry) -> Iterator[RenderableType]:
    yield Text.assemble((str(entry.address), "bold"), "  ", _kind(entry))
    yield Text(entry.description)
    yield _facts(facts(entry))
    yield ""
    yield _columns(entry)
    if isinstance(entry, ViewEntry):
        yield ""
        yield Group(Text(entry.query, no_wrap=True, overflow="ignore"))  # a text by itself would be wrapped again


def _facts(found: Facts) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(no_wrap=True, min_width=max((len(name) for name, _ in found), default=0))
    table.add_column(overflow="fold")
    for name, value in found:
        table.add_row(Text(name, style="dim"), Text(value))
    return table


def _columns(entry: Entry) -> Tree:
    tree = Tree("", hide_root=True, guide_style="dim")
    if isinstance(entry, ViewEntry):
        for item in entry.columns:
            described = item.declared.description if item.declared else f"computed: {item.expression}"
            tree.add(_column(item.name, str(item.declared.type) if item.declared else "", [described]))
        return tree
    for column in entry.table.columns:
        sources = [f"from {name} ({export.name})" for export, name in entry.sources_of(column.name)]
        _grow(tree, column, sources)
    return tree


def _grow(tree: Tree, column: Column, sources: list[str]) -> None:
    lines = [column.description, *column_notes(column), *sources]
    branch = tree.add(_column(column.name, f"{column.type} {column.mode}", lines))
    for field in column.fields:
        _grow(branch, field, [])


def _column(name: str, type_: str, lines: list[str]) -> Group:
    head = Text.assemble((name, "bold cyan"), "  ", (type_, "green"))
    return Group(head, *(_indented(line, 4) for line in lines if line))


def _indented(text: str, by: int, *, style: str = "") -> RenderableType:
    return Padding(Text(text, style=style), (0, 0, 0, by))
