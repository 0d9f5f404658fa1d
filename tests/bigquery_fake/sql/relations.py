"""Tables, views, INFORMATION_SCHEMA and UNNEST of a query, replaced by relations that the engine has."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from tests.bigquery_fake.catalog import Table
from tests.bigquery_fake.errors import invalid_query, unsupported
from tests.bigquery_fake.googlesql import column_type
from tests.bigquery_fake.information_schema import Qualifier
from tests.bigquery_fake.information_schema_rows import VIEWS
from tests.bigquery_fake.specs import Resource, Spec
from tests.bigquery_fake.sql.filters import check_partition_filter, only_datasets
from tests.bigquery_fake.sql.known import check_known
from tests.bigquery_fake.sql.row_store import run
from tests.bigquery_fake.sql.session import Session, cte_names, is_cte
from tests.bigquery_fake.sql.statements import parse_query
from tests.bigquery_fake.sql.values import engine_name

MAX_VIEW_DEPTH = 15
ROW = "__row"  # the column of a DML statement's target that tells its rows apart
# Makes of an array of constants the engine's query for it, with its values, and its type where that is known.
Evaluate = Callable[[exp.Expr], tuple[str, dict[str, object], Resource | None]]


class Relations:
    """The relations of one query: `columns` are their types, `spellings` their names by the folded ones."""

    def __init__(self, session: Session, target: Table | None, evaluate: Evaluate) -> None:
        self.columns: dict[str, object] = {}
        self.spellings: dict[str, str] = {}
        self._session = session
        self._target = target
        self._evaluate = evaluate

    def spell(self, name: str) -> None:
        """Remember how a column is spelled: the analysis folds the case of all names."""
        self.spellings.setdefault(name.casefold(), name)

    def resolve(self, query: exp.Query, depth: int = 0) -> exp.Query:
        """Put relations in the place of what a query reads, `depth` views deep."""
        if depth > MAX_VIEW_DEPTH:
            raise invalid_query(f"The query reads views nested more than {MAX_VIEW_DEPTH} deep (rule 24)")
        names = cte_names(query)
        for node in list(query.find_all(exp.Table)):
            if not is_cte(node, names):
                self._resolve_table(node, depth)
        for unnest in list(query.find_all(exp.Unnest)):
            if isinstance(unnest.parent, (exp.From, exp.Join)) and not _columns_in(unnest):
                self._resolve_unnest(unnest)
        return query

    def _resolve_table(self, node: exp.Table, depth: int) -> None:
        self._session.billed = True
        alias = node.alias or node.name
        if qualifier := self._session.qualifier(node):
            self._resolve_information_schema(node, qualifier, alias)
            return
        table = self._session.table(node)
        check_partition_filter(node, table)
        if table.spec.kind == "TABLE":
            self._replace(node, *self._relation(table), alias)
        else:
            if lost := [base.full_name for base in table.bases if not base.exists]:
                raise invalid_query(f"{table.full_name} is broken: {lost[0]} was dropped or made anew (rule 22)")
            view_query = parse_query(table.spec.query)
            check_known(view_query)
            inner = self.resolve(view_query, depth + 1)
            node.replace(inner.subquery(exp.to_identifier(alias, quoted=True), copy=False))
            for field in table.spec.fields:
                self.spell(field["name"])

    def _resolve_information_schema(self, node: exp.Table, qualifier: Qualifier, alias: str) -> None:
        view_name, name = node.name.partition(".")[2], self._session.name("schema")
        view = VIEWS.get(view_name)
        if view is None:
            raise unsupported(f"INFORMATION_SCHEMA.{view_name}")
        only = only_datasets(node, view.filter_column, self._session.parameters)
        schema = self._session.warehouse.information_schema
        schema.relation(self._session.cursor, name, view, qualifier, only)
        self._replace(node, name, dict(view.columns), view_name if alias == node.name else alias)

    def _relation(self, table: Table) -> tuple[str, dict[str, str]]:
        """Return the relation of a table with the types of its columns, as they were when it was pinned."""
        if self._session.planning:
            return self._session.name("planned"), _types(table.spec)
        name, spec = self._session.stored(table)
        if table is not self._target:
            return name, _types(spec)
        view = self._session.name("target")
        run(self._session.cursor, f"CREATE TEMP VIEW {view} AS SELECT rowid AS {ROW}, * FROM {name}")
        return view, _types(spec) | {ROW: "INT64"}

    def _replace(self, node: exp.Expr, name: str, columns: dict[str, str], alias: str) -> None:
        self.columns[name] = columns
        for column in columns:
            self.spell(column)
        relation = exp.Table(this=exp.to_identifier(name))
        relation.set("alias", exp.TableAlias(this=exp.to_identifier(alias, quoted=True)))
        relation.set("joins", node.args.get("joins"))
        node.replace(relation)

    def _resolve_unnest(self, unnest: exp.Unnest) -> None:
        """Turn an array of constants into a relation with a column for each field, or one for the values."""
        alias_node = unnest.args.get("alias")
        alias = (alias_node.name or alias_node.columns[0].name) if alias_node else ""
        sql, values, field = self._evaluate(unnest.expressions[0].copy())
        if field is None or field["mode"] != "REPEATED":
            raise unsupported(f"the type of {unnest.sql('bigquery')[:80]!r}")
        name = self._session.name("unnest")
        if field["type"] == "RECORD":
            columns = {item["name"]: column_type(item) for item in field["fields"]}
            select = "unnest(item, max_depth := 2)"
        else:
            columns = {alias or "f0_": column_type(field | {"mode": "NULLABLE"})}
            select = f"unnest(item) AS {engine_name(alias or 'f0_')}"
        source = f"CREATE TEMP TABLE {name} AS SELECT {select} FROM ({sql}) AS one(item)"
        run(self._session.cursor, source, values)
        self._replace(unnest, name, columns, alias or name)


def _columns_in(unnest: exp.Unnest) -> bool:
    return any(item.find(exp.Column) for item in unnest.expressions)


def _types(spec: Spec) -> dict[str, str]:
    return {field["name"]: column_type(field) for field in spec.fields}
