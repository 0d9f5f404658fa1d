"""One materialized view for all organizations instead of one each, for engines that have materialized views.

BigQuery lets 100 materialized views of a project read the same table, so that a design with one per organization ends
at the 101st. A shared view is therefore two: in the central dataset a materialized view of every organization's rows,
and in each organization's dataset a plain view of its own rows in that, under the declared name.

Source: BigQuery documentation, pages Quotas and limits (Materialized views), Create materialized views.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import assert_never

from sqlglot import exp

from cloudact.catalog.model import Materialized, Table
from cloudact.catalog.problems import Code, Problems
from cloudact.catalog.rules import MAX_CLUSTERING, check_clustering_types
from cloudact.catalog.template import Catalog, ViewTemplate
from cloudact.catalog.view_file import ORGANIZATIONS, SLUG, ViewQuery, scoped_select

DEFAULT_REFRESH_MINUTES = 15

_SUFFIX = "_all"
_CLAUSES = frozenset({"expressions", "from_", "where", "group"})
# What keeps a materialized view from being refreshed by what changed alone, or from being one at all.
_REFUSED: tuple[tuple[str, tuple[type[exp.Expr], ...]], ...] = (
    ("has a window function", (exp.Window,)),
    ("has DISTINCT", (exp.Distinct,)),
    ("has HAVING or QUALIFY", (exp.Having, exp.Qualify)),
    ("has ORDER BY, LIMIT or OFFSET", (exp.Order, exp.Limit, exp.Offset)),
    ("has UNION, INTERSECT or EXCEPT", (exp.SetOperation,)),
    ("has ROLLUP, CUBE or GROUPING SETS", (exp.Rollup, exp.Cube, exp.GroupingSets)),
    ("has PIVOT, UNPIVOT, TABLESAMPLE or FOR SYSTEM_TIME", (exp.Pivot, exp.TableSample, exp.Version)),
    (
        "depends on when it runs, on who runs it or on chance",
        (
            exp.CurrentDate, exp.CurrentDatetime, exp.CurrentTime, exp.CurrentTimestamp, exp.CurrentUser,
            exp.SessionUser, exp.Rand, exp.Uuid,
        ),
    ),
)  # fmt: skip
# Source: BigQuery documentation, Create materialized views, Aggregate requirements. Nothing else is an aggregate that
# BigQuery keeps up to date; of the sketches that is HLL_COUNT.INIT, see _MAY_CALL.
_AGGREGATES = (
    exp.AnyValue, exp.ApproxDistinct, exp.ArgMax, exp.ArgMin, exp.ArrayAgg, exp.Avg, exp.BitwiseAndAgg,
    exp.BitwiseOrAgg, exp.BitwiseXorAgg, exp.Count, exp.CountIf, exp.LogicalAnd, exp.LogicalOr, exp.Max, exp.Min,
    exp.Sum,
)  # fmt: skip
# What they may not be applied to, by the same page.
_UNFIT_ARGUMENTS: Mapping[type[exp.Expr], tuple[type[exp.Expr], ...]] = {
    exp.AnyValue: (exp.Struct,), exp.ArgMax: (exp.Struct,), exp.ArgMin: (exp.Struct,),
    exp.ArrayAgg: (exp.Array, exp.Struct),
}  # fmt: skip
# Aggregates that the parser does not know as such.
_GEOGRAPHY_AGGREGATES = frozenset({"ST_CENTROID_AGG", "ST_EXTENT", "ST_UNION_AGG"})
# Functions with a name before theirs that give the same for the same, row by row. Left out: functions of the catalog's
# owner, of generative AI and of chance (AEAD.ENCRYPT, KEYS.NEW_KEYSET), and the aggregates of sketches but one.
_MAY_CALL = re.compile(
    r"(NET|SAFE)\.\w+|AEAD\.DECRYPT_(BYTES|STRING)|HLL_COUNT\.(INIT|EXTRACT)|KLL_QUANTILES\.EXTRACT\w*", re.IGNORECASE
)
_SKETCH = "HLL_COUNT.INIT"


def form_of(declared: Materialized | None, query: ViewQuery) -> tuple[Materialized, str]:
    """Return how a view is kept, and why it cannot be kept as declared or an empty text.

    A view that does not say is shared where it can be, and otherwise a plain one.
    """
    match declared:
        case None:
            return (Materialized.NEVER if sharing_problem(query) else Materialized.SHARED), ""
        case Materialized.SHARED:
            reason = sharing_problem(query)
        case Materialized.OWN:
            reason = materializing_problem(query)
        case Materialized.NEVER:
            reason = ""
        case _:
            assert_never(declared)
    return (Materialized.NEVER if reason else declared), reason


def materializing_problem(query: ViewQuery) -> str:
    """Return what the query has that a materialized view must not have, as far as its text tells, or an empty text."""
    tree = query.tree
    if not query.tables:
        return "reads no table"
    for what, kinds in _REFUSED:
        if tree.find(*kinds):
            return what
    if any(join.side for join in tree.find_all(exp.Join)):
        return "has an outer join"
    names = [(table.catalog, table.db, table.name) for table in tree.find_all(exp.Table) if table.db]
    if len(set(names)) < len(names):
        return "reads a table twice"
    if any(array.find(exp.Query) for array in tree.find_all(exp.Array)):
        return "has an ARRAY subquery"
    if len(list(tree.find_all(exp.Group))) > 1:
        return "groups twice"
    return _call_problem(tree) or _aggregate_problem(tree)


def _call_problem(tree: exp.Expr) -> str:
    for call in tree.find_all(exp.Dot):
        if isinstance(call.expression, exp.Func) and not _MAY_CALL.fullmatch(_called(call)):
            return f"calls {_called(call)}, which is not among the functions that it may call"
    return ""


def _called(call: exp.Dot) -> str:
    return call.sql(dialect="bigquery").partition("(")[0]


def _aggregates(tree: exp.Expr) -> Iterator[exp.Expr]:
    for node in tree.walk():
        sketch = isinstance(node, exp.Dot) and _called(node).upper() == _SKETCH
        unknown = isinstance(node, exp.Anonymous) and node.name.upper() in _GEOGRAPHY_AGGREGATES
        if isinstance(node, exp.AggFunc) or sketch or unknown:
            yield node


def _aggregate_problem(tree: exp.Expr) -> str:
    for aggregate in _aggregates(tree):
        text = aggregate.sql(dialect="bigquery")
        if not isinstance(aggregate, (*_AGGREGATES, exp.Dot)):
            return f"has {text}, which is not an aggregate that can be kept up to date"
        if isinstance(aggregate.this, _UNFIT_ARGUMENTS.get(type(aggregate), ())):
            return f"has {text}, which cannot be kept up to date over a STRUCT or an ARRAY"
        output = aggregate.parent if isinstance(aggregate.parent, exp.Alias) else aggregate
        if not isinstance(output.parent, exp.Select):
            return f"computes with {text}, which has to be a column by itself"
    return ""


def sharing_problem(query: ViewQuery) -> str:
    """Return why no materialized view of all organizations' rows can stand for the query's, or an empty text."""
    tree = query.tree
    if reason := materializing_problem(query):
        return reason
    if not isinstance(tree, exp.Select) or any(name not in _CLAUSES for name, value in tree.args.items() if value):
        return "has more than SELECT, FROM one table, WHERE and GROUP BY"
    if any(node is not tree for node in tree.find_all(exp.Query)):
        return "has a subquery"
    (dataset, table), *_ = query.tables
    if dataset != f"{{{ORGANIZATIONS}}}":
        return f"reads {dataset}.{table} and not {{{ORGANIZATIONS}}}.{table}"
    if query.without_scope(SLUG, SLUG) is None:
        return f"does not have {SLUG} = {{{SLUG}}} as one condition joined by AND, and {{{SLUG}}} nowhere else"
    return _output_problem(tree)


def _output_problem(tree: exp.Select) -> str:
    if tree.is_star or not all(isinstance(item, exp.Alias | exp.Column) for item in tree.selects):
        return "has a star, or a column without a name"
    outputs = {item.alias_or_name.casefold(): item.unalias() for item in tree.selects}
    if len(outputs) < len(tree.selects):
        return "gives two columns one name"
    if SLUG not in outputs or not _is_slug(outputs[SLUG], tree):
        return f"does not have the column {SLUG}"
    group = tree.args.get("group")
    if group and not any(_is_slug(item, tree) for item in _group_keys(group, tree)):
        return f"does not group by {SLUG}"
    return f"aggregates without {SLUG} in a GROUP BY" if not group and any(_aggregates(tree)) else ""


def _group_keys(group: exp.Group, tree: exp.Select) -> list[exp.Expr]:
    """Return what is grouped by, with numbers read as the columns they stand for."""
    selects = tree.selects
    numbers = {str(number): item.unalias() for number, item in enumerate(selects, 1)}
    return [numbers.get(item.name, item) if isinstance(item, exp.Literal) else item for item in group.expressions]


def _is_slug(node: exp.Expr, tree: exp.Select) -> bool:
    return _is_read(node, tree) and node.name.casefold() == SLUG


def _is_read(node: exp.Expr, tree: exp.Select) -> bool:
    """Tell whether the node is a column of the tables read, and not a field of a RECORD, which is written alike."""
    names = {table.alias_or_name for table in tree.find_all(exp.Table)}
    return isinstance(node, exp.Column) and node.table in {"", *names}


def check_clustering(item: ViewTemplate, tables: Mapping[tuple[str, str], Table], config: Problems) -> None:
    """Report what a materialized view cannot be clustered by: aggregates, and columns of some types."""
    view, tree = item.view, item.query.tree
    if view.materialized is Materialized.NEVER or not isinstance(tree, exp.Select):
        return
    path, clustering = f"views.{view.name}.clustering", _clustering(item)
    outputs = {output.alias_or_name.casefold(): output.unalias() for output in tree.selects}
    for name in clustering:
        output = outputs.get(name.casefold())
        if output and any(_aggregates(output)):
            what, fix = f"names {name}, which is an aggregate", "name columns that the query groups by"
            config.add(path, what, fix, code=Code.CLUSTERED_AGGREGATE)
    read = [tables.get((dataset, name.casefold())) for dataset, name in item.query.tables]
    table = read[0] if len(read) == 1 else None
    if table:
        columns = {name: table.column(node.name) for name, node in outputs.items() if _is_read(node, tree)}
        found = tuple(replace(column, name=name) for name, column in columns.items() if column)
        check_clustering_types(path, Table(view.name, found, clustering=clustering), config)


def shared_name(view: str) -> str:
    """Return the name of the materialized view, in the central dataset, that every organization's `view` reads."""
    return f"{view}{_SUFFIX}"


def materialized_form(catalog: Catalog) -> Catalog:
    """Return the catalog for an engine with materialized views: each view is a materialized or a plain one.

    Applying it again changes nothing.
    """
    shared = (item for item in catalog.organization.views if item.view.materialized is Materialized.SHARED)
    central = (*(_settled(item) for item in catalog.central.views), *(_of_all(item) for item in shared))
    own = (_of_one(item) for item in catalog.organization.views)
    return replace(
        catalog,
        central=replace(catalog.central, views=central),
        organization=replace(catalog.organization, views=tuple(_settled(item) for item in own)),
    )


def _settled(item: ViewTemplate) -> ViewTemplate:
    """A plain view has no clustering and no refresh; a materialized one without an interval would get the engine's."""
    view = item.view
    if view.materialized is Materialized.NEVER:
        return replace(item, view=replace(view, clustering=(), refresh_interval_minutes=None))
    minutes = view.refresh_interval_minutes or DEFAULT_REFRESH_MINUTES
    return replace(item, view=replace(view, clustering=_clustering(item), refresh_interval_minutes=minutes))


def _of_all(item: ViewTemplate) -> ViewTemplate:
    view, query = item.view, item.query.without_scope(SLUG, SLUG)
    if query is None:
        raise AssertionError(f"{view.name} is shared, so its organization is one condition of its query")
    shared = replace(
        view,
        name=shared_name(view.name),
        description=f"Rows of all organizations; the view {view.name} in each organization's dataset shows its own.",
        materialized=Materialized.OWN,
        clustering=_clustering(item),
        declared_as=view.kept,
    )
    return _settled(ViewTemplate(shared, query, item.path))


def _of_one(item: ViewTemplate) -> ViewTemplate:
    view, outputs = item.view, item.query.outputs
    if view.materialized is not Materialized.SHARED:
        return item
    query = scoped_select(outputs, ORGANIZATIONS, shared_name(view.name), _spelled((SLUG,), outputs)[0], SLUG)
    return replace(item, view=replace(view, materialized=Materialized.NEVER, declared_as=view.kept), query=query)


def _clustering(item: ViewTemplate) -> tuple[str, ...]:
    """In a shared view the organization comes first, because every reader filters by it."""
    names = item.view.clustering
    if item.view.materialized is Materialized.SHARED:
        names = (SLUG, *(name for name in names if name.casefold() != SLUG))[:MAX_CLUSTERING]
    return _spelled(names, item.query.outputs)


def _spelled(names: Iterable[str], outputs: Iterable[str]) -> tuple[str, ...]:
    """Engines answer with the spelling of the query, and views are compared letter by letter."""
    known = {output.casefold(): output for output in outputs}
    return tuple(known.get(name.casefold(), name) for name in names)
