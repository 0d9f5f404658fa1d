"""Which columns and fields a view reads that its tables do not have.

The query is resolved with sqlglot's qualify over the declared tables, so that aliases, subqueries, WITH, UNNEST, stars
and fields of RECORDs mean what they mean to BigQuery.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, traverse_scope
from sqlglot.schema import MappingSchema, Schema

from cloudact.catalog.model import Table
from cloudact.catalog.problems import Code, Problems
from cloudact.catalog.resolution.data_types import schema_of
from cloudact.catalog.view_file import PARSER_ERRORS, PLACEHOLDERS, ViewQuery

# Declared tables by what a view writes before their names and by their names in lower case.
Tables = Mapping[tuple[str, str], Table]

_DIALECT = "bigquery"
_AS_WRITTEN = {name: f"{{{name}}}" for name in PLACEHOLDERS}
_NOWHERE = "is a column of none of the tables it reads"
# JSON is read with any field, and of what has no known type nothing can be said.
_ANY_FIELD = (exp.DataType.Type.JSON, exp.DataType.Type.UNKNOWN)


@dataclass(frozen=True, slots=True, order=True)
class _Unresolved:
    name: str
    line: int
    what: str


def check_columns(query: ViewQuery, known: Tables, where: Problems) -> None:
    """Report each name that is no column or field of the tables read; not before every table is a declared one."""
    if not all((dataset, table.casefold()) in known for dataset, table in query.tables):
        return
    first: dict[tuple[str, str], _Unresolved] = {}
    for item in sorted(_unresolved(query, known)):
        first.setdefault((item.name.casefold(), item.what), item)
    for item in first.values():
        fix = "declare the column, or take it out"
        where.add(item.name, item.what, fix, code=Code.UNKNOWN_COLUMN, line=item.line)


def _unresolved(query: ViewQuery, known: Tables) -> Iterator[_Unresolved]:
    schema = MappingSchema(_declared(query, known), dialect=_DIALECT)
    try:
        tree = annotate_types(_qualified(query, schema), schema=schema, dialect=_DIALECT)
        scopes = traverse_scope(tree)
        starred = _with_stars(query, schema)
    except PARSER_ERRORS as error:
        yield _Unresolved("", 0, f"cannot be resolved: {' '.join(str(error).split())}")
        return
    for scope in scopes:
        yield from _columns(scope, schema)
    for scope in starred:
        yield from _left_out(scope, schema)
    yield from _fields(tree)


def _with_stars(query: ViewQuery, schema: Schema) -> list[Scope]:
    """Return the scopes of a query that has EXCEPT or REPLACE behind a star, before it is replaced by its columns."""
    if not any(star.args.get("except_") or star.args.get("replace") for star in query.tree.find_all(exp.Star)):
        return []
    return traverse_scope(_qualified(query, schema, columns=False))


def _qualified(query: ViewQuery, schema: Schema, *, columns: bool = True) -> exp.Expr:
    """Return the query with the tables its names are of, and with stars replaced unless `columns` are left alone."""
    return qualify(
        query.filled(_AS_WRITTEN),
        dialect=_DIALECT,
        schema=schema,
        qualify_columns=columns,
        allow_partial_qualification=True,
        validate_qualify_columns=False,
        expand_alias_refs=False,
        quote_identifiers=False,
    )


def _left_out(scope: Scope, schema: Schema) -> Iterator[_Unresolved]:
    """Yield the columns that EXCEPT or REPLACE name and the star in front of it does not stand for."""
    select = scope.expression
    sources = {name.casefold(): _names(source, schema) for name, (_, source) in scope.selected_sources.items()}
    for item in select.expressions if isinstance(select, exp.Select) and not scope.pivots else ():
        star = item.this if isinstance(item, exp.Column) else item
        if not isinstance(star, exp.Star):
            continue
        of = [sources.get(item.table.casefold())] if isinstance(item, exp.Column) else list(sources.values())
        known = {name for names in of for name in names or ()}
        for column in (*(star.args.get("except_") or ()), *(star.args.get("replace") or ())):
            if None not in of and column.alias_or_name.casefold() not in known:
                yield _Unresolved(column.alias_or_name, _line(column), _NOWHERE)


def _declared(query: ViewQuery, known: Tables) -> dict[str, object]:
    declared: dict[str, dict[str, object]] = {}
    for dataset, name in query.tables:
        declared.setdefault(dataset, {})[name] = schema_of(known[dataset, name.casefold()])
    return dict(declared)


def _columns(scope: Scope, schema: Schema) -> Iterator[_Unresolved]:
    """Yield the columns of one SELECT that none of its sources has."""
    select = scope.expression
    sources = {name: _names(source, schema) for name, (_, source) in scope.selected_sources.items()}
    if not isinstance(select, exp.Select) or scope.pivots or None in sources.values():
        return  # something is read whose columns only the engine knows, such as a function's result
    aliases = {name.casefold() for name in select.named_selects}
    for column in scope.unqualified_columns:
        if not (column.name.casefold() in aliases and _after_select(column)):
            yield _Unresolved(column.name, _line(column), _ambiguous(column, sources) or _NOWHERE)
    for column in scope.columns:
        if not column.table or (column.table.casefold() in aliases and _after_select(column)):
            continue
        source = _source(scope, column.table)
        names = frozenset[str]() if source is None else _names(source, schema)
        if names is not None and column.name.casefold() not in names:
            yield _Unresolved(_text(column), _line(column), _NOWHERE)


def _names(source: exp.Expr | Scope, schema: Schema) -> frozenset[str] | None:
    """Return the columns of what is read, in lower case, or None where the text does not tell them."""
    if isinstance(source, exp.Table):
        return frozenset(name.casefold() for name in schema.column_names(source)) or None
    expression = source.expression if isinstance(source, Scope) else source
    if isinstance(expression, exp.Unnest):
        element = expression.type
        if element is None or element.is_type(exp.DataType.Type.UNKNOWN):
            return None
        return frozenset(name.casefold() for name in (*expression.named_selects, *_field_names(element)))
    while isinstance(expression, exp.SetOperation):
        expression = expression.left.unnest()
    if not isinstance(expression, exp.Select) or expression.args.get("kind") or expression.is_star:
        return None
    return frozenset(name.casefold() for name in expression.named_selects)


def _source(scope: Scope | None, name: str) -> exp.Expr | Scope | None:
    """Return what a name before a column means: a correlated subquery sees what is around it."""
    while scope is not None:
        if name in scope.sources:
            return scope.sources[name]
        scope = scope.parent
    return None


def _ambiguous(column: exp.Column, sources: Mapping[str, frozenset[str] | None]) -> str:
    having = sorted(name for name, columns in sources.items() if column.name.casefold() in (columns or ()))
    return f"is a column of {' and of '.join(having)}, and the query does not say of which" if len(having) > 1 else ""


def _after_select(column: exp.Expr) -> bool:
    """Tell whether a name here may mean a column of the query's own SELECT."""
    clause = column.find_ancestor(exp.Select, exp.Group, exp.Having, exp.Qualify, exp.Order)
    return clause is not None and not isinstance(clause, exp.Select)


def _fields(tree: exp.Expr) -> Iterator[_Unresolved]:
    """Yield the fields that are read of a RECORD without them, or of what is no RECORD."""
    for dot in tree.find_all(exp.Dot):
        of = dot.this.type
        if not isinstance(dot.expression, exp.Identifier) or of is None or of.is_type(*_ANY_FIELD):
            continue
        if dot.name.casefold() not in {name.casefold() for name in _field_names(of)}:
            yield _Unresolved(_text(dot), _line(dot), f"is no field of {_text(dot.this)}")


def _field_names(type_: exp.DataType) -> list[str]:
    if not type_.is_type(exp.DataType.Type.STRUCT):
        return []
    return [field.name for field in type_.expressions if isinstance(field, exp.ColumnDef)]


def _text(node: exp.Expr) -> str:
    """Return the text of a name, less the alias that the resolver gives to an UNNEST."""
    return re.sub(r"^_\d+\.", "", node.sql(dialect=_DIALECT))


def _line(node: exp.Expr) -> int:
    return next((int(item.meta["line"]) for item in node.walk() if "line" in item.meta), 0)
