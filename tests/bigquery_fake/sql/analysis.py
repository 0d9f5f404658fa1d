"""A query from its tree to the engine's statement: names resolved, types known, everything unusual refused."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from sqlglot import exp
from sqlglot.errors import OptimizeError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify

from tests.bigquery_fake.catalog import Table
from tests.bigquery_fake.errors import invalid_query, unsupported
from tests.bigquery_fake.specs import Resource
from tests.bigquery_fake.sql.checks import check_expressions, is_constant, output_types
from tests.bigquery_fake.sql.data_types import data_type_of, field_of
from tests.bigquery_fake.sql.engine_text import bound_name, engine_text
from tests.bigquery_fake.sql.known import check_known
from tests.bigquery_fake.sql.relations import Relations
from tests.bigquery_fake.sql.session import Session
from tests.bigquery_fake.sql.values import as_bound

# Clauses where a name may be that of an output column.
_CLAUSES_WITH_ALIASES = ("group", "having", "qualify", "order")


@dataclass(frozen=True, slots=True)
class Analyzed:
    """A query that the engine can run; a field is None where only the engine will tell the type."""

    sql: str
    values: dict[str, Any]
    names: list[str]
    fields: list[Resource | None]
    constants: list[bool]


def analyze(session: Session, query: exp.Query, target: Table | None = None) -> Analyzed:
    """Check a query and translate it; the tables it reads are pinned, and `target` shows its ROW column."""
    check_known(query)
    relations = Relations(session, target, lambda array: _evaluated(session, array))
    constants = _name_outputs(query)
    for item in [*query.selects, *query.find_all(exp.Alias)]:
        relations.spell(item.alias_or_name)
    relations.resolve(query)
    _replace_parameters(session, query)
    tree = _typed(query, relations.columns)
    names = [relations.spellings.get(select.alias_or_name, select.alias_or_name) for select in tree.selects]
    _refuse_duplicates(names)
    check_expressions(tree)
    fields = [field_of(name, kind) for name, kind in zip(names, output_types(tree), strict=True)]
    if len(constants) != len(fields):  # a star among them, which is none
        constants = [False] * len(fields)
    used = {node.name for node in tree.find_all(exp.Parameter)}
    named = {bound_name(name): as_bound(parameter.value) for name, parameter in session.parameters.items()}
    text = engine_text(tree, session.parameters, session.warehouse.catalog.calendar.iso())
    return Analyzed(text, {name: named[name] for name in used}, names, fields, constants)


def _evaluated(session: Session, array: exp.Expr) -> tuple[str, dict[str, Any], Resource | None]:
    analyzed = analyze(session, exp.select(array))
    return analyzed.sql, analyzed.values, analyzed.fields[0]


def _typed(query: exp.Query, columns: dict[str, object]) -> exp.Query:
    """Qualify every column and find the type of every expression."""
    try:
        if any(_refers_to_alias(select) for select in query.find_all(exp.Select)):
            _check_without_aliases(query.copy(), columns)
        tree = qualify(query, schema=columns, dialect="bigquery", quote_identifiers=True)
        tree = annotate_types(tree, schema=columns, dialect="bigquery")
    except OptimizeError as error:
        raise invalid_query(_unrecognized(str(error))) from error
    if not isinstance(tree, exp.Query):
        raise unsupported(f"the query {query.sql('bigquery')[:80]!r}")
    return tree


def _refers_to_alias(select: exp.Select) -> bool:
    """Tell whether a name in WHERE or among the outputs is also the name of an output."""
    aliases = {item.alias.casefold() for item in select.expressions if isinstance(item, exp.Alias)}
    places = [*select.expressions, *filter(None, [select.args.get("where")])]
    columns = (column for place in places for column in place.find_all(exp.Column))
    return any(not column.table and column.name.casefold() in aliases for column in columns)


def _check_without_aliases(query: exp.Query, columns: dict[str, object]) -> None:
    """Raise for the name of an output where BigQuery does not look for it, and where the analysis would find it."""
    for select in query.find_all(exp.Select):
        for clause in _CLAUSES_WITH_ALIASES:
            select.set(clause, None)
    qualify(query, schema=columns, dialect="bigquery", expand_alias_refs=False)


def _replace_parameters(session: Session, query: exp.Query) -> None:
    for node in list(query.find_all(exp.Parameter)):
        parameter = session.parameters.get(node.name.casefold())
        if parameter is None:
            raise invalid_query(f"Query parameter '{node.name}' not found at [1:1]")
        bound = exp.Parameter(this=exp.Var(this=bound_name(node.name)))
        node.replace(exp.Cast(this=bound, to=data_type_of(parameter.field)))


def _name_outputs(query: exp.Query) -> list[bool]:
    """Name the columns of a result as BigQuery does (f0_, f1_), and tell which of them are constants."""
    select = query
    while isinstance(select, (exp.SetOperation, exp.Subquery)):
        select = select.this
    anonymous = 0
    for item in list(select.expressions):
        if not isinstance(item, (exp.Alias, exp.Column, exp.Star, exp.Dot)):
            item.replace(exp.alias_(item.copy(), f"f{anonymous}_"))
            anonymous += 1
    if select is not query:
        return []
    return [is_constant(item) or isinstance(item.unalias(), exp.Parameter) for item in select.expressions]


def _refuse_duplicates(names: list[str]) -> None:
    counts = Counter(name.casefold() for name in names)
    if twice := sorted(name for name, count in counts.items() if count > 1):
        message = "Duplicate column names in the result are not supported. Found duplicate(s)"
        raise invalid_query(f"{message}: {', '.join(twice)}")


def _unrecognized(message: str) -> str:
    """Return what BigQuery says about a name that is not there."""
    found = re.search(r"Column '([^']*)' could not be resolved.*?(?:Line: (\d+), Col: (\d+))?$", message)
    if found is None:
        return message
    name = found[1].replace('"', "").rpartition(".")[2]
    begin = int(found[3]) - len(name) + 1 if found[3] else 1  # the analysis tells where the name ends
    return f"Unrecognized name: {name} at [{found[2] or 1}:{begin}]"
