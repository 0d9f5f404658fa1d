"""View files: BigQuery SQL with placeholders that become identifiers or literals, never parts of any.

`{organizations}` and `{dataset}` stand for dataset names, `{org_slug}` for a string literal. Each is a node of the
parsed query, and a value is written in its place as such a node is, quoted. So no value can change the query's
structure, whatever characters it holds.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError

from cloudact.catalog.problems import Code, Problems

ORGANIZATIONS = "organizations"
SLUG = "org_slug"
OWN_DATASET = "dataset"
DATASET_PLACEHOLDERS = frozenset({ORGANIZATIONS, OWN_DATASET})
LITERAL_PLACEHOLDERS = frozenset({SLUG})
PLACEHOLDERS = DATASET_PLACEHOLDERS | LITERAL_PLACEHOLDERS
# Inside the parser a placeholder is this word; it ends visibly, so that text written right behind it shows.
_MARK = "placeholder__{}__end"
_MARKED = re.compile("placeholder__(\\w+?)__end")
_PLACEHOLDER = re.compile(r"\{([A-Za-z_]\w*)\}")
# What stands for a value, and for the name of a dataset, in the text of a template.
_IN_TEMPLATE = re.compile(
    rf"'\{{({'|'.join(sorted(LITERAL_PLACEHOLDERS))})\}}'|`\{{({'|'.join(sorted(DATASET_PLACEHOLDERS))})\}}`"
)
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
# As deep as every step can follow: the parser, the resolver and what writes SQL call themselves at each level.
MAX_NESTED_SELECTS = 30
# SQL that nobody writes on purpose gets more out of the parser than its own errors.
PARSER_ERRORS = (SqlglotError, RecursionError, ValueError, TypeError, AttributeError, LookupError)
# What the parser makes of a text is in the tree or in the error; Python would print what it logs beside that.
logging.getLogger("sqlglot").addHandler(logging.NullHandler())


@dataclass(frozen=True)
class ViewQuery:
    """A parsed view file, to be rendered for one dataset at a time."""

    tree: exp.Query

    @cached_property
    def tables(self) -> tuple[tuple[str, str], ...]:
        """The (dataset, table) pairs read; a dataset is a placeholder's name in braces or a plain name."""
        names = {source.alias_or_name.casefold() for source in self.tree.find_all(exp.CTE)}
        found = (t for t in self.tree.find_all(exp.Table) if t.db or t.name.casefold() not in names)
        return tuple(sorted({(_dataset_text(table), _name_of(table)) for table in found}))

    @cached_property
    def literals(self) -> frozenset[str]:
        """The placeholders used as values."""
        found = (_MARKED.fullmatch(column.name) for column in self.tree.find_all(exp.Column))
        return frozenset(match[1] for match in found if match)

    @cached_property
    def columns(self) -> frozenset[str]:
        """The names of the columns read, of whichever table; aliases the query itself defines are left out."""
        own = {alias.alias for alias in self.tree.find_all(exp.Alias)}
        names = {column.name for column in self.tree.find_all(exp.Column)}
        return frozenset(name for name in names - own if not _MARKED.fullmatch(name))

    def unscoped(self, datasets: Collection[str], column: str, placeholder: str) -> list[str]:
        """Return the tables of these datasets that some SELECT reads without `WHERE column = {placeholder}`."""
        found = set()
        for select in self.tree.find_all(exp.Select):
            sources = [table for table in select.find_all(exp.Table) if table.parent_select is select]
            for table in sources:
                if _dataset_text(table) in datasets:
                    names = {table.alias_or_name} | ({""} if len(sources) == 1 else set())
                    if not any(_is_scope(part, names, column, placeholder) for part in _conjuncts(select)):
                        found.add(f"{_dataset_text(table)}.{table.name}")
        return sorted(found)

    def without_scope(self, column: str, placeholder: str) -> ViewQuery | None:
        """Return the query less its condition `column = {placeholder}`, or None when the placeholder has another use.

        Only for a single SELECT over one table: each of several needs a condition of its own.
        """
        tree = self.tree.copy()
        if not isinstance(tree, exp.Select):
            return None
        names = {"", *(table.alias_or_name for table in tree.find_all(exp.Table))}
        uses = [item for item in tree.find_all(exp.Column) if item.name == _MARK.format(placeholder)]
        every = list(_conjuncts(tree))
        kept = [part for part in every if not _is_scope(part, names, column, placeholder)]
        if len(uses) != 1 or len(kept) != len(every) - 1:
            return None
        tree.set("where", exp.Where(this=exp.and_(*kept)) if kept else None)
        return ViewQuery(tree)

    @cached_property
    def outputs(self) -> tuple[str, ...]:
        """The names of the columns the view has, or nothing when a star hides them."""
        return () if self.tree.is_star else tuple(self.tree.named_selects)

    def filled(self, values: Mapping[str, str]) -> exp.Query:
        """Return a copy of the tree with every placeholder replaced by its value."""

        def fill(node: exp.Expression) -> exp.Expression:
            match = _MARKED.fullmatch(node.name) if isinstance(node, exp.Identifier | exp.Column) else None
            if match is None:
                return node
            value = values[match[1]]
            return exp.Literal.string(value) if isinstance(node, exp.Column) else exp.to_identifier(value, quoted=True)

        tree = self.tree.copy()
        tree.transform(fill, copy=False)
        return tree

    def render(self, values: Mapping[str, str]) -> str:
        """Return canonical BigQuery SQL with every placeholder replaced by its value, each written as a node is."""
        return _IN_TEMPLATE.sub(
            lambda match: _quoted(values[match[1] or match[2]], is_value=bool(match[1])), self.template
        )

    @cached_property
    def template(self) -> str:
        """Canonical BigQuery SQL before it is rendered: `'{name}'` for a value, the like in back quotes for a dataset.

        No view file has such a text by itself, because a placeholder in a longer literal or name is refused. So values
        can be put into the text, which takes a twentieth of the time that putting them into the tree takes.
        """
        return self.filled({name: f"{{{name}}}" for name in PLACEHOLDERS}).sql(dialect="bigquery", comments=False)


def fill(template: str, values: Mapping[str, str]) -> str:
    """Return a template's text with the placeholders that have a value replaced by it, as `render` does with all."""

    def one(match: re.Match[str]) -> str:
        value = values.get(match[1] or match[2])
        return match[0] if value is None else _quoted(value, is_value=bool(match[1]))

    return _IN_TEMPLATE.sub(one, template)


@lru_cache(maxsize=4096)
def _quoted(value: str, *, is_value: bool) -> str:
    node = exp.Literal.string(value) if is_value else exp.to_identifier(value, quoted=True)
    return node.sql(dialect="bigquery")


def scoped_select(names: Iterable[str], dataset: str, table: str, column: str, placeholder: str) -> ViewQuery:
    """Return `SELECT names FROM {dataset}.table WHERE column = {placeholder}`; the braces stand for placeholders."""
    source = exp.table_(table, db=exp.to_identifier(_MARK.format(dataset)), quoted=True)
    condition = exp.EQ(this=exp.column(column, quoted=True), expression=exp.column(_MARK.format(placeholder)))
    return ViewQuery(exp.select(*(exp.column(name, quoted=True) for name in names)).from_(source).where(condition))


def parse_view(text: str, problems: Problems) -> ViewQuery | None:
    """Return a view file's query, or None after reporting why it cannot be one."""
    unknown = sorted(set(_PLACEHOLDER.findall(text)) - PLACEHOLDERS)
    for name in unknown:
        valid = ", ".join(f"{{{name}}}" for name in sorted(PLACEHOLDERS))
        what, fix = "is not a known placeholder", f"use one of {valid}"
        problems.add(f"{{{name}}}", what, fix, code=Code.PLACEHOLDER)
    tree = _one_select(_PLACEHOLDER.sub(lambda match: _MARK.format(match[1]), text), problems)
    if tree is None:
        return None
    if tree.find(exp.Parameter, exp.Placeholder):
        what, fix = "has a parameter, which nobody gives a value", "write the value itself"
        problems.add("", what, fix, code=Code.VIEW_SQL)
        return None
    misplaced = sorted({found for node in tree.walk() if (found := _misplacement(node))})
    for what, fix in misplaced:
        problems.add("", what, fix, code=Code.PLACEHOLDER)
    return None if misplaced or unknown else ViewQuery(tree)


def _one_select(marked: str, problems: Problems) -> exp.Query | None:
    try:
        parsed = sqlglot.parse(marked, dialect="bigquery")
    except ParseError as error:
        first = error.errors[0] if error.errors else {}
        what = _ANSI.sub("", str(first.get("description") or error))
        line = int(first.get("line") or 0)
        what = f"is not BigQuery SQL: {_unmarked(' '.join(what.split()))}"
        problems.add("", what, _ONE_SELECT, code=Code.VIEW_SQL, line=line)
        return None
    except RecursionError:
        problems.add("", "is nested beyond reason", _FLATTER, code=Code.VIEW_SQL)
        return None
    except PARSER_ERRORS as error:
        what = " ".join(_ANSI.sub("", str(error)).split())
        problems.add("", f"is not BigQuery SQL: {_unmarked(what)}", _ONE_SELECT, code=Code.VIEW_SQL)
        return None
    statements = [tree for tree in parsed if tree is not None and not isinstance(tree, exp.Semicolon)]
    tree = statements[0] if len(statements) == 1 else None
    if not isinstance(tree, exp.Query) or not all(select.expressions for select in tree.find_all(exp.Select)):
        problems.add("", "is not one SELECT statement", _ONE_SELECT, code=Code.VIEW_SQL)
        return None
    if (depth := nested_selects(tree)) > MAX_NESTED_SELECTS:
        problems.add("", f"has {depth} SELECTs inside one another", _FLATTER, code=Code.VIEW_SQL)
        return None
    return tree


_ONE_SELECT = "write one SELECT statement and nothing else"
_FLATTER = f"write it flatter, with at most {MAX_NESTED_SELECTS} SELECTs inside one another; WITH puts them in a row"


def nested_selects(tree: exp.Expr) -> int:
    """Return how many SELECTs the innermost one is in, itself included."""
    deepest, rest = 0, [(tree, 0)]
    while rest:
        node, around = rest.pop()
        depth = around + isinstance(node, exp.Select)
        deepest = max(deepest, depth)
        rest += ((child, depth) for child in node.iter_expressions())
    return deepest


def _misplacement(node: exp.Expr) -> tuple[str, str] | None:
    """A placeholder may stand for a table's dataset or for a whole value, and nowhere else."""
    text = next((value for value in node.args.values() if isinstance(value, str) and _MARKED.search(value)), "")
    if not PLACEHOLDERS.intersection(_MARKED.findall(text)):
        return None  # has none, or one that is not known at all, which has been reported
    whole, shown, parent = _MARKED.fullmatch(text), _unmarked(text), node.parent
    name = whole[1] if whole else ""
    if not isinstance(node, exp.Identifier):
        return f"has a placeholder inside the text '{shown}'", "let it stand alone, without quotes"
    if name in PLACEHOLDERS and isinstance(parent, exp.Table):
        if parent.args.get("db") is not node:
            return f"uses {shown} as a table", "write {organizations}.table or {dataset}.table"
        return None if name in DATASET_PLACEHOLDERS else (f"uses {shown} as a dataset", "it stands for a text value")
    if name in PLACEHOLDERS and isinstance(parent, exp.Column) and not parent.table:
        fix = "it stands for a dataset: write it before a table's name"
        return None if name in LITERAL_PLACEHOLDERS else (f"uses {shown} as a value", fix)
    return f"has a placeholder in the name {shown}", "it stands for a dataset or for a value, not for part of a name"


def _conjuncts(select: exp.Select) -> Iterator[exp.Expr]:
    """Yield the conditions that every row has to meet."""
    where = select.args.get("where")
    if where:
        yield from where.this.flatten() if isinstance(where.this, exp.And) else [where.this]


def _is_scope(condition: exp.Expr, names: Collection[str], column: str, placeholder: str) -> bool:
    condition = condition.unnest()
    if not isinstance(condition, exp.EQ):
        return False
    sides = [side for side in (condition.left, condition.right) if isinstance(side, exp.Column)]
    own = any(side.name.casefold() == column and side.table in names for side in sides)
    return own and any(side.name == _MARK.format(placeholder) for side in sides)


def _name_of(table: exp.Table) -> str:
    """Return the name of a table, or of the function whose result is read as one."""
    return table.name or table.this.sql(dialect="bigquery").partition("(")[0]


def _dataset_text(table: exp.Table) -> str:
    return ".".join(_unmarked(part) for part in (table.catalog, table.db) if part)


def _unmarked(text: str) -> str:
    return _MARKED.sub(r"{\1}", text)
