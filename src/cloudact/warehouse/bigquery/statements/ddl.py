"""The few changes that BigQuery takes only as a statement: text in, text out."""

from __future__ import annotations

from cloudact.catalog.model import Mode, View
from cloudact.planning.changes import WidenType
from cloudact.warehouse.bigquery.statements.rows import quote
from cloudact.warehouse.bigquery.transport.client import Statement

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"})


def set_data_type(
    project: str, dataset: str, change: WidenType, collation: str = "", mode: Mode = Mode.NULLABLE
) -> Statement:
    """Return the statement that widens the type of a top-level column; its collation is part of the type.

    A REQUIRED column has to be named NOT NULL again: without it BigQuery takes the statement for a change of mode and
    refuses it.
    """
    table, column = quote(project, dataset, change.table), quote(change.path[0])
    collate = f" COLLATE {text(collation)}" if collation else ""
    required = " NOT NULL" if mode is Mode.REQUIRED else ""
    return Statement(f"ALTER TABLE {table} ALTER COLUMN {column} SET DATA TYPE {change.after}{collate}{required}")


def replace_materialized_view(project: str, dataset: str, view: View) -> Statement:
    """Return the statement that gives a materialized view another query, which a patch cannot."""
    clustering = f"\nCLUSTER BY {', '.join(map(quote, view.clustering))}" if view.clustering else ""
    options = ["enable_refresh = TRUE"]
    if view.refresh_interval_minutes:
        options.append(f"refresh_interval_minutes = {view.refresh_interval_minutes}")
    if view.description:
        options.append(f"description = {text(view.description)}")
    if view.labels:
        pairs = ", ".join(f"({text(key)}, {text(value)})" for key, value in view.labels)
        options.append(f"labels = [{pairs}]")
    return Statement(
        f"CREATE OR REPLACE MATERIALIZED VIEW {quote(project, dataset, view.name)}{clustering}\n"
        f"OPTIONS ({', '.join(options)})\nAS {view.query}"
    )


def undelete(project: str, dataset: str) -> str:
    """Return the statement with which a person gets a deleted dataset back, with its rows."""
    return f"UNDROP SCHEMA {quote(project, dataset)}"


def text(value: str) -> str:
    """Return a GoogleSQL string literal."""
    return f'"{value.translate(_ESCAPES)}"'
