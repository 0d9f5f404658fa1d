"""INSERT, UPDATE, DELETE and MERGE: what they read is computed by the engine, what they write is checked here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from tests.bigquery_fake.catalog import Table
from tests.bigquery_fake.errors import invalid_query, unsupported
from tests.bigquery_fake.specs import Resource
from tests.bigquery_fake.sql.analysis import analyze
from tests.bigquery_fake.sql.assignment import assign
from tests.bigquery_fake.sql.checks import is_constant
from tests.bigquery_fake.sql.concurrency import Access
from tests.bigquery_fake.sql.queries import Result, Row, fetch
from tests.bigquery_fake.sql.queries import select as run_query
from tests.bigquery_fake.sql.relations import ROW
from tests.bigquery_fake.sql.row_store import engine_errors, run
from tests.bigquery_fake.sql.session import Session
from tests.bigquery_fake.sql.statements import parse_query
from tests.bigquery_fake.sql.values import as_bound, engine_name, engine_type


@dataclass(frozen=True, slots=True)
class Affected:
    """How many rows a statement wrote anew, changed and deleted."""

    inserted: int = 0
    updated: int = 0
    deleted: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.inserted + self.updated + self.deleted


Statement = exp.Insert | exp.Update | exp.Delete | exp.Merge


def target_node(statement: Statement) -> exp.Table:
    """Return the table a statement changes, as it names it."""
    node = statement.this.this if isinstance(statement.this, exp.Schema) else statement.this
    if isinstance(statement, exp.Delete) and not node:  # DELETE without FROM
        (node,) = statement.args["tables"]
    if not isinstance(node, exp.Table):
        raise unsupported(f"the statement {statement.sql('bigquery')[:80]!r}")
    return node


def target(session: Session, statement: Statement) -> Table:
    """Return the table a statement changes; raises 400 for a view."""
    table = session.table(target_node(statement))
    if table.spec.kind != "TABLE":
        raise invalid_query(f"DML over {table.spec.kind.lower().replace('_', ' ')} {table.full_name} is not supported")
    return table


def access_of(statement: Statement) -> Access:
    """Return whether a statement only adds rows or also changes them."""
    if isinstance(statement, exp.Insert):
        return Access.INSERT
    whens = statement.args["whens"].expressions if isinstance(statement, exp.Merge) else ()
    return Access.INSERT if whens and not any(when.args["matched"] for when in whens) else Access.MUTATE


def execute(session: Session, statement: Statement) -> Affected:
    """Run a statement inside the engine's transaction and return what it did to how many rows."""
    table = target(session, statement)
    session.billed = True
    match statement:
        case exp.Insert():
            return Affected(inserted=_insert(session, table, statement))
        case exp.Update():
            return Affected(updated=_update(session, table, statement))
        case exp.Delete():
            return Affected(deleted=_delete(session, table, statement))
        case exp.Merge():
            return _merge(session, table, statement)


def _insert(session: Session, table: Table, statement: exp.Insert) -> int:
    named = statement.this.expressions if isinstance(statement.this, exp.Schema) else []
    columns = _columns(session, table, [item.name for item in named])
    source = statement.expression
    if isinstance(source, exp.Values):
        rows = [_values_row(session, columns, item.expressions) for item in source.expressions]
    elif isinstance(source, exp.Query):
        analyzed = analyze(session, source.copy())
        rows = _assigned(columns, fetch(session, analyzed), analyzed.constants)
    else:
        raise unsupported(f"the source of {statement.sql('bigquery')[:80]!r}")
    return _append(session, table, columns, rows)


def _columns(session: Session, table: Table, names: Sequence[str]) -> list[Resource]:
    """Return the columns that a statement names, all where it names none."""
    spec = session.stored(table).spec
    if not names:
        return spec.fields
    columns, seen = [], set()
    for name in names:
        column = spec.column(name)
        if column is None:
            raise invalid_query(f"Column {name} is not present in table {table.full_name} at [1:1]")
        if column["name"] in seen:
            raise invalid_query(f"INSERT or UPDATE has column {name} more than once at [1:1]")
        seen.add(column["name"])
        columns.append(column)
    return columns


def _values_row(session: Session, columns: Sequence[Resource], items: Sequence[exp.Expr]) -> Row:
    """Return what one row of VALUES stores; parameters need no engine."""
    if len(items) != len(columns):
        raise invalid_query(f"Inserted row has wrong column count; Has {len(items)}, expected {len(columns)} at [1:1]")
    row: list[Any] = [None] * len(items)
    computed = []
    for number, (column, item) in enumerate(zip(columns, items, strict=True)):
        parameter = session.parameters.get(item.name.casefold()) if isinstance(item, exp.Parameter) else None
        if parameter is None:
            computed.append(number)
        else:
            (row[number],) = assign(column, parameter.field, [parameter.value], constant=True)
    if computed:
        query = exp.select(*(exp.alias_(items[number].copy(), f"v{number}") for number in computed))
        constants = [is_constant(items[number]) for number in computed]
        (values,) = _assigned([columns[number] for number in computed], run_query(session, query), constants)
        for number, value in zip(computed, values, strict=True):
            row[number] = value
    return tuple(row)


def _assigned(columns: Sequence[Resource], result: Result, constants: Sequence[bool]) -> list[Row]:
    """Return rows as they are stored in these columns."""
    if len(result.fields) != len(columns):
        message = f"Inserted row has wrong column count; Has {len(result.fields)}, expected {len(columns)}"
        raise invalid_query(f"{message} at [1:1]")
    stored = [
        assign(column, field, [row[number] for row in result.rows], constant=constants[number])
        for number, (column, field) in enumerate(zip(columns, result.fields, strict=True))
    ]
    return list(zip(*stored, strict=True)) if result.rows else []


def selected(session: Session, query: exp.Query, columns: Sequence[Resource]) -> list[Row]:
    """Return the rows of a query as a table with these columns stores them."""
    analyzed = analyze(session, query)
    return _assigned(columns, fetch(session, analyzed), analyzed.constants)


def fill(session: Session, table: Table, rows: Sequence[Row]) -> None:
    """Write rows into a table that nobody has read yet."""
    session.pin([table])
    _append(session, table, table.spec.fields, rows)


def _append(session: Session, table: Table, columns: Sequence[Resource], rows: Sequence[Row]) -> int:
    """Write rows, with defaults, or NULL where that is allowed, in the columns that were left out."""
    storage, spec = session.stored(table)
    given = {column["name"] for column in columns}
    absent = [field for field in spec.fields if field["name"] not in given]
    left = [(field, _default(session, field)) for field in absent] if rows else []
    names = [engine_name(field["name"]) for field in [*columns, *(field for field, _ in left)]]
    kinds = [engine_type(field) for field in [*columns, *(field for field, _ in left)]]
    defaults = tuple(value for _, value in left)
    marks = ", ".join(f"CAST(? AS {kind})" for kind in kinds)
    sql = f"INSERT INTO {storage} ({', '.join(names)}) VALUES ({marks})"
    with engine_errors(sql):
        for row in rows:
            session.cursor.execute(sql, as_bound([*row, *defaults]))
    return len(rows)


def _default(session: Session, field: Resource) -> Any:
    expression = field.get("defaultValueExpression")
    if expression is None:
        return assign(field, field, [None], constant=True)[0]
    result = run_query(session, parse_query(f"SELECT {expression}"))
    return assign(field, result.fields[0], [result.rows[0][0]], constant=True)[0]


def _alias(node: exp.Table) -> str:
    return str(node.alias_or_name)


def _row_of(node: exp.Table) -> exp.Column:
    return exp.column(ROW, table=exp.to_identifier(_alias(node), quoted=True))


def _where(statement: exp.Update | exp.Delete) -> exp.Where:
    where = statement.args.get("where")
    if not isinstance(where, exp.Where):
        raise invalid_query(f"{type(statement).__name__.upper()} must have a WHERE clause at [1:1]")
    return where


def _update(session: Session, table: Table, statement: exp.Update) -> int:
    node = target_node(statement)
    columns, items = _assignments(session, table, node, statement.expressions)
    query = exp.select(_row_of(node), *items).from_(node.copy())
    if (source := statement.args.get("from_")) is not None:
        query = query.join(source.this.copy(), join_type="CROSS")
        for join in source.this.args.get("joins") or ():
            query.append("joins", join.copy())
    query.set("where", _where(statement).copy())
    return _change(session, table, columns, query)


def _assignments(
    session: Session, table: Table, node: exp.Table, items: Sequence[exp.Expr]
) -> tuple[list[Resource], list[exp.Expr]]:
    """Return the columns that SET names, and their values under names of their own."""
    names, values = [], []
    for number, item in enumerate(items):
        if not isinstance(item, exp.EQ) or not isinstance(item.this, exp.Column):
            raise unsupported(f"the assignment {item.sql('bigquery')[:80]!r}")
        if item.this.table and item.this.table.casefold() != _alias(node).casefold():
            raise unsupported("setting a field of a RECORD alone")
        names.append(item.this.name)
        values.append(exp.alias_(item.expression.copy(), f"v{number}"))
    return _columns(session, table, names), values


def _change(session: Session, table: Table, columns: Sequence[Resource], query: exp.Query) -> int:
    """Set columns of the rows that a query names, each at most once."""
    analyzed = analyze(session, query, table)
    result = fetch(session, analyzed)
    rows = [row[0] for row in result.rows]
    if len(set(rows)) < len(rows):
        raise invalid_query("UPDATE/MERGE must match at most one source row for each target row")
    values = Result(result.fields[1:], [row[1:] for row in result.rows])
    assigned = _assigned(columns, values, analyzed.constants[1:])
    sets = ", ".join(f"{engine_name(column['name'])} = CAST(? AS {engine_type(column)})" for column in columns)
    sql = f"UPDATE {session.stored(table).name} SET {sets} WHERE rowid = ?"
    with engine_errors(sql):
        for number, new in zip(rows, assigned, strict=True):
            session.cursor.execute(sql, as_bound([*new, number]))
    return len(rows)


def _delete(session: Session, table: Table, statement: exp.Delete) -> int:
    node = target_node(statement)
    query = exp.select(_row_of(node)).from_(node.copy())
    query.set("where", _where(statement).copy())
    return _remove(session, table, query)


def _remove(session: Session, table: Table, query: exp.Query) -> int:
    rows = [row[0] for row in fetch(session, analyze(session, query, table)).rows]
    sql = f"DELETE FROM {session.stored(table).name} WHERE rowid IN (SELECT unnest($1::BIGINT[]))"
    run(session.cursor, sql, [rows])
    return len(rows)


def _merge(session: Session, table: Table, statement: exp.Merge) -> Affected:
    """Compute what every clause does before any of them writes."""
    whens = statement.args["whens"].expressions
    matched = [when for when in whens if when.args["matched"]]
    others = [when for when in whens if not when.args["matched"]]
    if len(matched) > 1 or len(others) > 1 or any(when.args.get("source") for when in whens):
        raise unsupported("MERGE with several clauses of a kind, or BY SOURCE")
    new: tuple[list[Resource], list[Row]] = ([], [])
    if others:
        new = _unmatched(session, table, statement, others[0])
    updated = deleted = 0
    if matched and isinstance(matched[0].args["then"], exp.Update):
        updated = _matched(session, table, statement, matched[0])
    elif matched:
        deleted = _matched(session, table, statement, matched[0])
    return Affected(_append(session, table, *new), updated, deleted)


def _unmatched(
    session: Session, table: Table, statement: exp.Merge, when: exp.When
) -> tuple[list[Resource], list[Row]]:
    """Return the columns and rows that WHEN NOT MATCHED inserts."""
    insert, node = when.args["then"], target_node(statement)
    if not isinstance(insert, exp.Insert) or not isinstance(insert.expression, exp.Tuple):
        raise unsupported("MERGE that inserts anything but VALUES")
    named = insert.this.expressions if isinstance(insert.this, exp.Tuple) else []
    columns = _columns(session, table, [item.name for item in named])
    items = [exp.alias_(item.copy(), f"v{number}") for number, item in enumerate(insert.expression.expressions)]
    found = exp.select("1").from_(node.copy()).where(statement.args["on"].copy())
    query = exp.select(*items).from_(statement.args["using"].copy())  # where names can only be the source's
    query = query.where(exp.Not(this=exp.Exists(this=found)), *_conditions(when))
    analyzed = analyze(session, query)
    return columns, _assigned(columns, fetch(session, analyzed), analyzed.constants)


def _matched(session: Session, table: Table, statement: exp.Merge, when: exp.When) -> int:
    action, node = when.args["then"], target_node(statement)
    columns: list[Resource] = []
    items: list[exp.Expr] = []
    if isinstance(action, exp.Update):
        columns, items = _assignments(session, table, node, action.expressions)
    query = exp.select(_row_of(node), *items).from_(node.copy())
    query = query.join(statement.args["using"].copy(), on=statement.args["on"].copy(), join_type="INNER")
    query = query.where(*_conditions(when)) if _conditions(when) else query
    return _change(session, table, columns, query) if columns else _remove(session, table, query)


def _conditions(when: exp.When) -> list[exp.Expr]:
    condition = when.args.get("condition")
    return [condition.copy()] if condition is not None else []
