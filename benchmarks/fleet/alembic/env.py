"""Alembic's environment for one schema for each tenant: its cookbook's recipe, in one process over all tenants."""

from __future__ import annotations

import time

from alembic import context
from alembic.ddl.impl import DefaultImpl
from sqlalchemy import text


class DuckDB(DefaultImpl):
    """What duckdb-engine's documentation asks for."""

    __dialect__ = "duckdb"


attributes = context.config.attributes
connection, begun = attributes["connection"], time.perf_counter()
for slug in attributes["slugs"]:
    if attributes["done"] and time.perf_counter() - begun > attributes["limit"]:
        break
    attributes["schema"] = f"{slug}_prod"
    connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{slug}_prod"'))
    connection.execute(text(f"SET schema = '{slug}_prod'"))
    connection.dialect.default_schema_name = f"{slug}_prod"
    connection.commit()
    context.configure(connection=connection, version_table_schema=f"{slug}_prod")
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
    attributes["done"] += 1
