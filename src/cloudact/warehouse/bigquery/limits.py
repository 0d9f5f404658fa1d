"""Limits that no request raises, looked at before anything is done.

Source: BigQuery documentation, Quotas and limits, Materialized views.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

import sqlglot
from sqlglot import exp

from cloudact.catalog.model import Materialized, View
from cloudact.catalog.rules import MAX_MATERIALIZED_VIEWS
from cloudact.errors import WarehouseRefused
from cloudact.planning.changes import CreateDataset, CreateView
from cloudact.planning.plan import Plan
from cloudact.warehouse.bigquery.statements.rows import quote
from cloudact.warehouse.bigquery.transport.client import BigQueryClient, Statement
from cloudact.warehouse.driver import TableName


def check_materialized_views(client: BigQueryClient, plan: Plan) -> None:
    """Raise WarehouseRefused when a base table would have more materialized views than a project may have."""
    wanted = [change.view for change in materialized_views(plan)]
    if not wanted:
        return
    created = (change.dataset for change in plan.changes if isinstance(change, CreateDataset))
    dataset = plan.actual or next(created, None)
    location = dataset.location if dataset else ""
    existing = [text.replace("`", "") for text in materialized_view_texts(client, location)]
    for base in sorted({base for view in wanted for base in base_tables(view)}):
        more = sum(base in base_tables(view) for view in wanted)
        there = sum(_reads(text, base) for text in existing)
        if there + more > MAX_MATERIALIZED_VIEWS:
            raise WarehouseRefused(
                f"table {'.'.join(base)} has {there} materialized views, and a project may have "
                f"{MAX_MATERIALIZED_VIEWS} on one table; {more} more are declared",
                hint="Declare these views `materialized: shared` (one for all organizations) or `never`.",
            )


def materialized_views(plan: Plan) -> list[CreateView]:
    """Return the changes that create materialized views."""
    created = (change for change in plan.changes if isinstance(change, CreateView))
    return [change for change in created if change.view.materialized is Materialized.OWN]


def base_tables(view: View) -> frozenset[tuple[str, str]]:
    """Return the (dataset, table) pairs that a view reads."""
    tables = sqlglot.parse_one(view.query, dialect="bigquery").find_all(exp.Table)
    return frozenset((table.db, table.name) for table in tables if table.db)


def materialized_view_texts(client: BigQueryClient, location: str) -> list[str]:
    """Return the `ddl` of every materialized view of a location, whoever made it."""
    region = quote(client.project, f"region-{(location or client.location).lower()}")
    text = f"SELECT ddl FROM {region}.INFORMATION_SCHEMA.TABLES WHERE table_type = 'MATERIALIZED VIEW'"
    return [str(ddl or "") for (ddl,) in client.query(Statement(text), location).rows]


def views_on(client: BigQueryClient, bases: Collection[TableName], location: str) -> tuple[str, ...]:
    """Return the materialized views on any of these tables, as `dataset.view`."""
    pairs = [(base.dataset, base.table) for base in bases]
    if not pairs:
        return ()
    texts = (text.replace("`", "") for text in materialized_view_texts(client, location))
    found = (text.split(None, 4)[3].split(".") for text in texts if any(_reads(text, pair) for pair in pairs))
    return tuple(sorted(".".join(name[-2:]) for name in found))


def _reads(text: str, base: Iterable[str]) -> bool:
    return re.search(rf"(?<![\w-]){re.escape('.'.join(base))}(?![\w-])", text) is not None
