"""A live view's query as the text of a view file: names of datasets and the slug become placeholders again.

Everything happens on the parsed query, and the text is taken only when it renders to the same query.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from cloudact.catalog.problems import Problems
from cloudact.catalog.view_file import (
    MAX_NESTED_SELECTS,
    ORGANIZATIONS,
    SLUG,
    ViewQuery,
    nested_selects,
    parse_view,
)


@dataclass(frozen=True, slots=True)
class Naming:
    """What live names stand for: `pattern` is the dataset's name in `config.yml`.

    Without `org_slug` the dataset is no organization's, and its queries hold no slug.
    """

    dataset: str
    pattern: str
    central: str
    org_slug: str = ""

    @property
    def values(self) -> dict[str, str]:
        """The placeholders' values."""
        values = {"dataset": self.dataset, ORGANIZATIONS: self.central}
        return values | ({SLUG: self.org_slug} if self.org_slug else {})


class Unwritable(Exception):
    """No view file renders to this query; the text says why."""


def parse_query(query: str) -> exp.Query:
    """Return the tree of a GoogleSQL query; raises Unwritable when it is none, or none that a view file can hold."""
    try:
        tree = sqlglot.parse_one(query, dialect="bigquery")
    except (SqlglotError, RecursionError) as error:
        raise Unwritable("has a query that cannot be read as GoogleSQL") from error
    if not isinstance(tree, exp.Query):
        raise Unwritable("has a query that is not one SELECT statement")
    if (depth := nested_selects(tree)) > MAX_NESTED_SELECTS:
        raise Unwritable(f"has a query of {depth} SELECTs inside one another, and at most {MAX_NESTED_SELECTS} can be")
    return tree


def localize(tree: exp.Query, dataset: str, relations: Collection[str], home: str) -> None:
    """Give every table in the tree the form `dataset.table`.

    `home` is the project or database that need not be named; a table without a dataset is in `dataset` when that has
    one of this name.
    """
    own = {name.casefold() for name in relations}
    defined = {item.alias_or_name.casefold() for item in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        if table.catalog.casefold() == home.casefold():
            table.set("catalog", None)
        if not table.db and table.name.casefold() in own - defined:
            table.set("db", exp.to_identifier(dataset, quoted=True))
        # The whole path was in one pair of quotes, which would be written again.
        table.meta.pop("quoted_table", None)
    _shorten_columns(tree)


def _shorten_columns(tree: exp.Query) -> None:
    """`dataset.table.column` becomes `table.column`, where only one table read has that name."""
    tables = list(tree.find_all(exp.Table))
    for column in tree.find_all(exp.Column):
        same = [table for table in tables if table.alias_or_name == column.table]
        if column.args.get("db") and len(same) == 1 and same[0].db.casefold() == column.db.casefold():
            column.set("catalog", None)
            column.set("db", None)


def view_text(tree: exp.Query, naming: Naming) -> str:
    """Return the view file that renders to this query; raises Unwritable when none does."""
    names = {naming.dataset.casefold(), naming.central.casefold()}
    if column := next((item for item in tree.find_all(exp.Column) if item.db.casefold() in names), None):
        raise Unwritable(f"has a query that names the column {column.sql(dialect='bigquery')} by its dataset")
    marked = _marked(tree, naming)
    reason = ""
    for comments in (True, False):  # a comment may hold what looks like a placeholder
        text = marked.sql(dialect="bigquery", pretty=True, comments=comments) + "\n"
        problems = Problems()
        query = parse_view(text, problems)
        if query is not None and _renders(query, tree, naming):
            return text
        reason = reason or next((f"{problem.field} {problem.what}".strip() for problem in problems.found), "")
    raise Unwritable(f"has a query that a view file cannot hold: {reason or 'it reads back as another one'}")


def slugs_by_chance(tree: exp.Query, slug: str) -> list[str]:
    """Return what holds the slug as a text without being compared with the column that slugs are in."""
    texts = (item for item in tree.find_all(exp.Literal) if item.is_string and item.this == slug)
    around = [item.parent or item for item in texts]
    return [item.sql(dialect="bigquery") for item in around if not _compares_slugs(item)]


def _compares_slugs(node: exp.Expr) -> bool:
    columns = (item for item in (node.this, node.expression) if isinstance(item, exp.Column))
    return isinstance(node, exp.EQ) and any(item.name.casefold() == SLUG for item in columns)


def placeholder(name: str) -> exp.Identifier:
    """Return a placeholder as it stands in the text of a view file."""
    return exp.Identifier(this=f"{{{name}}}", quoted=False)


def mark_datasets(tree: exp.Query, naming: Naming) -> None:
    """Put placeholders in place of the names of the dataset itself and of the central one."""
    names = {naming.central.casefold(): ORGANIZATIONS, naming.dataset.casefold(): "dataset"}
    for table in tree.find_all(exp.Table):
        name = names.get(table.db.casefold())
        if name and not table.catalog:
            table.set("db", placeholder(name))


def _marked(tree: exp.Query, naming: Naming) -> exp.Expr:
    copy = tree.copy()
    mark_datasets(copy, naming)
    return copy.transform(lambda node: _marked_value(node, naming.org_slug)) if naming.org_slug else copy


def _marked_value(node: exp.Expr, slug: str) -> exp.Expr:
    is_slug = isinstance(node, exp.Literal) and node.is_string and node.this == slug
    return exp.Column(this=placeholder(SLUG)) if is_slug else node


def _renders(query: ViewQuery, tree: exp.Query, naming: Naming) -> bool:
    if query.literals - naming.values.keys():
        return False
    rendered = sqlglot.parse_one(query.render(naming.values), dialect="bigquery")
    return _canonical(rendered) == _canonical(tree)


def _canonical(tree: exp.Expr) -> str:
    """The query's text with every name quoted, so that quotes make no difference."""
    return tree.sql(dialect="bigquery", identify=True, comments=False)
