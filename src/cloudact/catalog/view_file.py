"""View files: BigQuery SQL with placeholders that become identifiers or literals, never pasted text.

`{organizations}` and `{dataset}` stand for dataset names, `{org_slug}` for a string literal. Each becomes a node of the
parsed query, so no value can change the query's structure, whatever characters it holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from cloudact.catalog.problems import Problems

DATASET_PLACEHOLDERS = frozenset({"organizations", "dataset"})
LITERAL_PLACEHOLDERS = frozenset({"org_slug"})
PLACEHOLDERS = DATASET_PLACEHOLDERS | LITERAL_PLACEHOLDERS
_MARK = "placeholder__"
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class ViewQuery:
    """A parsed view file, to be rendered for one dataset at a time."""

    tree: exp.Query

    @cached_property
    def tables(self) -> tuple[tuple[str, str], ...]:
        """The (dataset, table) pairs read; a dataset is a placeholder's name in braces or a plain name."""
        names = {source.alias_or_name for source in self.tree.find_all(exp.CTE)}
        found = (table for table in self.tree.find_all(exp.Table) if table.db or table.name not in names)
        return tuple(sorted({(_placeholder_text(table.db), table.name) for table in found}))

    def render(self, values: Mapping[str, str]) -> str:
        """Return canonical BigQuery SQL with every placeholder replaced by its value."""

        def fill(node: exp.Expression) -> exp.Expression:
            if isinstance(node, exp.Identifier) and node.name.startswith(_MARK):
                return exp.to_identifier(values[node.name.removeprefix(_MARK)], quoted=True)
            if isinstance(node, exp.Column) and node.name.startswith(_MARK):
                return exp.Literal.string(values[node.name.removeprefix(_MARK)])
            return node

        return self.tree.copy().transform(fill).sql(dialect="bigquery", comments=False)


def parse_view(text: str, problems: Problems) -> ViewQuery | None:
    """Return a view file's query, or None after reporting why it cannot be one."""
    for name in sorted(set(_PLACEHOLDER.findall(text)) - PLACEHOLDERS):
        valid = ", ".join(f"{{{name}}}" for name in sorted(PLACEHOLDERS))
        problems.add(f"{{{name}}}", "is not a known placeholder", f"use one of {valid}")
    marked = _PLACEHOLDER.sub(lambda match: _MARK + match[1], text)
    try:
        statements = [tree for tree in sqlglot.parse(marked, dialect="bigquery") if tree is not None]
    except SqlglotError as error:
        problems.add("", f"is not BigQuery SQL: {' '.join(str(error).split())}", "write one SELECT statement")
        return None
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        problems.add("", "is not one SELECT statement", "write one SELECT statement and nothing else")
        return None
    tree = statements[0]
    count = len(problems.found)
    for what, fix in _misplaced(tree):
        problems.add("", what, fix)
    return ViewQuery(tree) if len(problems.found) == count else None


def _misplaced(tree: exp.Query) -> Iterator[tuple[str, str]]:
    """A placeholder may stand for a table's dataset or for a whole value, and nowhere else."""
    for literal in tree.find_all(exp.Literal):
        if _MARK in literal.name:
            yield (
                f"has a placeholder inside the text '{_placeholder_text(literal.name)}'",
                "let it stand alone, without quotes",
            )
    for column in tree.find_all(exp.Column):
        name = column.name.removeprefix(_MARK)
        if column.name.startswith(_MARK) and name not in LITERAL_PLACEHOLDERS:
            yield f"uses {{{name}}} as a value", "it stands for a dataset: write it before a table's name"
    for table in tree.find_all(exp.Table):
        name = table.db.removeprefix(_MARK)
        if table.db.startswith(_MARK) and name not in DATASET_PLACEHOLDERS:
            yield f"uses {{{name}}} as a dataset", "it stands for a text value"
        if table.name.startswith(_MARK):
            yield (
                f"uses {_placeholder_text(table.name)} as a table",
                "write {organizations}.table or {dataset}.table",
            )


def _placeholder_text(name: str) -> str:
    return re.sub(rf"{_MARK}(\w+)", r"{\1}", name)
