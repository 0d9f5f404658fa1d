"""Queries of views and materialized views, checked when they are made (rules 21 and 24)."""

from __future__ import annotations

from sqlglot import exp

from tests.bigquery_fake.catalog import Table
from tests.bigquery_fake.errors import invalid_query
from tests.bigquery_fake.specs import Resource
from tests.bigquery_fake.sql.queries import describe
from tests.bigquery_fake.sql.session import Session, cte_names, is_cte
from tests.bigquery_fake.sql.statements import parse_query

_UNREPEATABLE = (exp.CurrentTimestamp, exp.CurrentDate, exp.CurrentTime, exp.CurrentDatetime, exp.Rand, exp.Uuid,
                 exp.SessionUser)  # fmt: skip
_REFUSED_CLAUSES = {"order": "ORDER BY", "limit": "LIMIT", "having": "HAVING", "distinct": "DISTINCT"}


def view_columns(session: Session, kind: str, query_text: str) -> list[Resource]:
    """Return the columns that the query of a view gives; raises what BigQuery answers when it makes the view."""
    query = parse_query(query_text)
    if kind == "MATERIALIZED_VIEW":
        _check_materialized(session, query)
    return describe(session, query)


def base_tables(session: Session, query_text: str) -> set[Table]:
    """Return the tables that a view's query reads, through other views as well."""
    return session.tables_in(parse_query(query_text))


def check_layout(resource: Resource, columns: list[Resource]) -> None:
    """Raise 400 when a materialized view clusters or partitions by something its query does not give."""
    outputs = {field["name"].casefold() for field in columns}
    layout = resource.get("timePartitioning") or resource.get("rangePartitioning") or {}
    wanted = [*resource.get("clustering", {}).get("fields", []), *([layout["field"]] if "field" in layout else [])]
    if missing := [name for name in wanted if name.casefold() not in outputs]:
        raise invalid_query(f"The query of the materialized view has no column {', '.join(missing)} (rule 21)")


def _check_materialized(session: Session, query: exp.Query) -> None:
    if query.find(exp.Window):
        raise invalid_query("Materialized view query contains unsupported feature: window function (rule 21)")
    if found := query.find(*_UNREPEATABLE):
        raise invalid_query(f"Materialized view query is not deterministic: {found.sql('bigquery')} (rule 21)")
    select = query.find(exp.Select)
    clauses = [text for key, text in _REFUSED_CLAUSES.items() if select and select.args.get(key)]
    if clauses or isinstance(query, exp.SetOperation):
        raise invalid_query(f"Materialized view query contains {', '.join(clauses) or 'UNION'} (rule 21)")
    names = cte_names(query)
    read = [session.table(node) for node in query.find_all(exp.Table) if not is_cte(node, names)]
    if materialized := [table.full_name for table in read if table.spec.kind == "MATERIALIZED_VIEW"]:
        raise invalid_query(f"A materialized view cannot read the materialized view {materialized[0]} (rule 21)")
    if len(set(read)) < len(read):
        raise invalid_query("Materialized view query joins a table with itself (rule 21)")
