"""SELECT: run on the engine, with BigQuery's names and types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from tests.bigquery_fake.errors import unsupported
from tests.bigquery_fake.specs import Resource
from tests.bigquery_fake.sql.analysis import Analyzed, analyze
from tests.bigquery_fake.sql.data_types import field_of
from tests.bigquery_fake.sql.row_store import engine_errors
from tests.bigquery_fake.sql.session import Session

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """What a query gave: columns as the REST API describes them, and rows in the engine's values."""

    fields: list[Resource]
    rows: list[Row]


def select(session: Session, query: exp.Query) -> Result:
    """Run a query."""
    return fetch(session, analyze(session, query))


def fetch(session: Session, analyzed: Analyzed) -> Result:
    """Run what was analyzed; a type that only the engine knew is taken from it."""
    with engine_errors(analyzed.sql):
        cursor = session.cursor.execute(analyzed.sql, analyzed.values)
        described = cursor.description or []
        rows = cursor.fetchall()
    fields = [
        field or _engine_field(name, str(column[1]))
        for name, field, column in zip(analyzed.names, analyzed.fields, described, strict=True)
    ]
    return Result(fields, rows)


def describe(session: Session, query: exp.Query) -> list[Resource]:
    """Return the columns a query gives, in a session that only plans."""
    analyzed = analyze(session, query)
    fields = [field for field in analyzed.fields if field is not None]
    if len(fields) < len(analyzed.fields):
        raise unsupported(f"the types of {query.sql('bigquery')[:120]!r}")
    return fields


def _engine_field(name: str, engine_type: str) -> Resource:
    """Return the column of a type that only the engine knows; a decimal is NUMERIC when that holds its digits."""
    field = field_of(name, exp.DataType.build(engine_type, dialect="duckdb", udt=True))
    if field is None:
        raise unsupported(f"the type of the column {name}: {engine_type}")
    if field["type"] == "NUMERIC" and int(field.get("scale", 0)) > 9:
        return field | {"type": "BIGNUMERIC"}
    return field
