"""DuckDB's own SQL as GoogleSQL: the queries of views and the defaults of columns."""

from __future__ import annotations

from collections.abc import Callable, Collection

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError

from cloudact.catalog.write.query import localize

# What DuckDB makes of standard words when it stores a query or a default.
_STANDARD: dict[str, Callable[[], exp.Expr]] = {
    "count_star": lambda: exp.Count(this=exp.Star(), big_int=True),
    "now": exp.CurrentTimestamp,
    "get_current_timestamp": exp.CurrentTimestamp,
    "today": exp.CurrentDate,
}
# Of a default every call has to be known, for the table could not even be made with another one.
_IN_DEFAULTS = (
    exp.Array, exp.Cast, exp.CurrentDate, exp.CurrentDatetime, exp.CurrentTime, exp.CurrentTimestamp,
    exp.Uuid,
)  # fmt: skip


class Untranslatable(Exception):
    """There is no GoogleSQL for it that is known to mean the same; the text says why."""


def google_query(statement: str, dataset: str, relations: Collection[str], database: str) -> str:
    """Return the query of a CREATE VIEW statement as GoogleSQL; raises Untranslatable."""
    try:
        created = _parsed(statement)
        query = created.args.get("expression")
        if not isinstance(created, exp.Create) or not isinstance(query, exp.Query):
            raise Untranslatable("is not made from one SELECT statement")
        localize(query, dataset, relations, database)
        if isinstance(created.this, exp.Schema):
            _name_outputs(query, [item.name for item in created.this.expressions])
        return query.sql(dialect="bigquery", comments=False, unsupported_level=ErrorLevel.RAISE)
    except (SqlglotError, RecursionError) as error:
        raise Untranslatable(f"has a query without a translation to GoogleSQL: {first_line(error)}") from error


def google_default(expression: str) -> str:
    """Return a column's default as GoogleSQL; raises Untranslatable, also for a function that is not known there."""
    try:
        tree = _parsed(expression)
        calls = (call for call in tree.find_all(exp.Func) if not isinstance(call, _IN_DEFAULTS))
        if call := next(calls, None):
            raise Untranslatable(f"calls {call.name or call.sql_name()}, which has no counterpart in GoogleSQL")
        return tree.sql(dialect="bigquery", comments=False, unsupported_level=ErrorLevel.RAISE)
    except (SqlglotError, RecursionError) as error:
        raise Untranslatable(f"has no translation to GoogleSQL: {first_line(error)}") from error


def unknown_functions(query: str) -> list[str]:
    """Return the functions that a GoogleSQL query calls and that sqlglot does not know, as they are written."""
    tree = sqlglot.parse_one(query, dialect="bigquery")
    return sorted({call.name for call in tree.find_all(exp.Anonymous)})


def _parsed(text: str) -> exp.Expr:
    def standard(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Localtimestamp):
            return exp.CurrentDatetime()
        if isinstance(node, exp.Count) and node.this is None:  # as DuckDB stores count(*) OVER (...)
            node.set("this", exp.Star())
        known = _STANDARD.get(node.name.casefold()) if isinstance(node, exp.Anonymous) else None
        return known() if known and not node.expressions else node

    return sqlglot.parse_one(text, dialect="duckdb").transform(standard)


def _name_outputs(query: exp.Query, names: list[str]) -> None:
    """A list of columns after the view's name gives each output its name."""
    if not isinstance(query, exp.Select) or query.is_star or len(query.selects) < len(names):
        raise Untranslatable("names its columns in a list, and its query has a star or is a UNION")
    outputs = [exp.alias_(item.unalias(), name, quoted=True) for item, name in zip(query.selects, names, strict=False)]
    query.set("expressions", [*outputs, *query.selects[len(names) :]])


def first_line(error: Exception) -> str:
    """Return what an engine or a parser said, without the picture of the query below it."""
    return next(iter(str(error).splitlines()), "") or type(error).__name__
