"""A dataset's entity diagram in Mermaid: tables and views with the columns that join, and lines between them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cloudact.catalog.model import Column, Mode
from cloudact.dictionary.entries import Address, DatasetEntry, Dictionary, Entry, Join, TableEntry

# A column that more tables join to than this is told in words: its lines would cross all others.
MOST_LINES = 8
# Mermaid knows letters up to U+FFFF.
_NOT_IN_A_WORD = re.compile(r"[^\w-]|[\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a diagram, from the table that has the columns, or from the view that reads."""

    source: Address
    target: Address
    label: str


def everywhere(dataset: DatasetEntry, dictionary: Dictionary) -> dict[Address, tuple[Join, ...]]:
    """Return the columns that too many tables of the dataset join to, each with these joins."""
    joins = [join for join in dictionary.joins if join.column.dataset == dataset.name]
    found = {target: tuple(join for join in joins if join.target == target) for target in _targets(joins)}
    return {target: those for target, those in found.items() if len({j.column.owner for j in those}) > MOST_LINES}


def entity_diagram(dataset: DatasetEntry, dictionary: Dictionary) -> str:
    """Return the diagram's text, or an empty one where nothing joins to anything that can be drawn."""
    told = everywhere(dataset, dictionary)
    joins = [join for join in dictionary.joins if join.column.dataset == dataset.name and join.target not in told]
    lines = [*_join_lines(joins), *_view_lines(dataset)]
    drawn = dict.fromkeys(address for line in lines for address in (line.source, line.target))
    if not drawn:
        return ""
    named = {entry.address: entry for item in dictionary.datasets for entry in item.entries}
    text = ["erDiagram", "    direction LR"]
    for address in drawn:
        text += _entity(address, dataset, named.get(address), joins)
    for line in lines:
        ends = f"{_name(line.source, dataset)} }}o..o{{ {_name(line.target, dataset)}"
        text.append(f'    {ends} : "{line.label}"')
    return "\n".join(text)


def _targets(joins: Iterable[Join]) -> Iterator[Address]:
    yield from dict.fromkeys(join.target for join in joins)


def _join_lines(joins: Iterable[Join]) -> Iterator[Line]:
    """Yield one line for each pair of tables, with all columns that join them."""
    pairs: dict[tuple[Address, Address], list[str]] = {}
    for join in joins:
        pairs.setdefault((join.column.owner, join.target.owner), []).append(join.column.column)
    for (source, target), columns in pairs.items():
        yield Line(source, target, ", ".join(_word(column) for column in columns))


def _view_lines(dataset: DatasetEntry) -> Iterator[Line]:
    yield from (Line(view.address, read, "reads") for view in dataset.views for read in view.reads)


def _entity(address: Address, dataset: DatasetEntry, entry: Entry | None, joins: Iterable[Join]) -> Iterator[str]:
    """Yield an entity with the columns at the ends of its lines, in the order of the table."""
    own = {join.column.column for join in joins if join.column.owner == address}
    joined = {join.target.column for join in joins if join.target.owner == address}
    yield f"    {_name(address, dataset)} {{"
    for path, column in _columns(entry):
        if path in own | joined:
            key = " FK" if path in own else ""
            yield f"        {_type(column)} {_word(path)}{key}"
    yield "    }"


def _columns(entry: Entry | None) -> Iterator[tuple[str, Column | None]]:
    if isinstance(entry, TableEntry):
        yield from ((".".join(path), column) for path, column in entry.table.walk())
    elif entry:
        yield from ((column.name, column.declared) for column in entry.columns)


def _type(column: Column | None) -> str:
    """Without parameters: Mermaid takes one word."""
    if column is None:
        return "computed"
    return f"{column.type.kind}[]" if column.mode is Mode.REPEATED else str(column.type.kind)


def _name(address: Address, dataset: DatasetEntry) -> str:
    """Return the entity's name, with its dataset where that is another one."""
    return f'"{address.name if address.dataset == dataset.name else address}"'


def _word(text: str) -> str:
    """Return a column's name as Mermaid can read it: one word, which does not begin with a digit."""
    word = _NOT_IN_A_WORD.sub("_", text)
    return word if word[0].isalpha() else f"_{word}"
