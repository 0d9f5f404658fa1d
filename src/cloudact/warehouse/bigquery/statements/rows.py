"""Statements on rows: identifiers quoted, every value a parameter with a type."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import assert_never

from dateutil.relativedelta import relativedelta  # type: ignore[import-untyped]  # it has no annotations
from google.cloud import bigquery

from cloudact.catalog.model import Column, Kind, Mode, Type
from cloudact.errors import WarehouseNotFound, WarehouseRefused
from cloudact.warehouse.bigquery.statements.parameters import Parameters
from cloudact.warehouse.bigquery.transport.client import Answer, Statement
from cloudact.warehouse.bigquery.transport.errors import MOVED_ON
from cloudact.warehouse.driver import Condition, Contains, Equals, JsonText, OneOf, Page, Row, Within

Columns = Mapping[str, Column]
# (dataset, table) to its columns by folded name; nothing while no column has to be known.
Known = Callable[[str, str], Columns]
MAX_PARAMETERS = 10_000
_MANY = 1_000
_JSON = ("{", "[")
_SYNC = "Sync the dataset that should hold it, then repeat the call."


def quote(*names: str) -> str:
    """Return a path of names as one quoted identifier."""
    return ".".join("`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`" for name in names)


@dataclass(frozen=True, slots=True)
class Insert:
    """Rows to append to a table, all with the same columns."""

    dataset: str
    table: str
    rows: tuple[Row, ...]

    @property
    def needs_columns(self) -> bool:
        """Tell whether a value does not say its own type."""
        return any(map(_needs_columns, self.rows))

    @property
    def values(self) -> int:
        """How many parameters the rows are, each value by itself."""
        return len(self.rows) * len(self.rows[0])

    def text(self, project: str, known: Known, parameters: Parameters, *, many: bool = False) -> str:
        """Return the statement; of `many` values each row is a part of one parameter."""
        columns = known(self.dataset, self.table)
        into = f"INSERT INTO {quote(project, self.dataset, self.table)} ({', '.join(map(quote, self.rows[0]))})"
        if self.values > MAX_PARAMETERS and not columns:
            raise WarehouseNotFound(f"there is no table {self.dataset}.{self.table}", hint=_SYNC)
        if many and columns:
            fields = tuple(self._column(name, columns) for name in self.rows[0])
            mark = parameters.add(self.rows, Column("rows", Type(Kind.RECORD), Mode.REPEATED, fields=fields))
            wanted = ", ".join(f"item.{quote(name)}" for name in self.rows[0])
            return f"{into} SELECT {wanted} FROM UNNEST({mark}) AS item"
        return f"{into} VALUES {', '.join(f'({_values(row, columns, parameters)})' for row in self.rows)}"

    def _column(self, name: str, columns: Columns) -> Column:
        column = columns.get(name.casefold())
        if column is None:
            raise WarehouseNotFound(
                f"{self.dataset}.{self.table} has no column {name}",
                hint=_SYNC,
            )
        return column


@dataclass(frozen=True, slots=True)
class Ensure:
    """A row to insert unless one with the same key columns is there."""

    dataset: str
    table: str
    row: Row
    key: tuple[str, ...]

    @property
    def needs_columns(self) -> bool:
        """Tell whether a value does not say its own type."""
        return _needs_columns(self.row)

    @property
    def values(self) -> int:
        """How many parameters the row and its key are."""
        return len(self.row) + len(self.key)

    def text(self, project: str, known: Known, parameters: Parameters, *, many: bool = False) -> str:
        """Return the statement."""
        del many  # one row is never many
        columns = known(self.dataset, self.table)
        where = [Equals(name, self.row[name]) for name in self.key]
        names = ", ".join(quote(name) for name in self.row)
        return (
            f"MERGE INTO {quote(project, self.dataset, self.table)} AS target USING (SELECT 1 AS one) AS source"
            f" ON {_conditions(where, columns, parameters, 'target.')}"
            f" WHEN NOT MATCHED THEN INSERT ({names}) VALUES ({_values(self.row, columns, parameters)})"
        )


@dataclass(frozen=True, slots=True)
class Update:
    """Values to set in every row that meets all conditions."""

    dataset: str
    table: str
    given: Row
    where: tuple[Condition, ...]

    @property
    def needs_columns(self) -> bool:
        """Tell whether a value does not say its own type."""
        return _needs_columns(self.given)

    @property
    def values(self) -> int:
        """How many parameters the values and conditions are."""
        return len(self.given) + len(self.where)

    def text(self, project: str, known: Known, parameters: Parameters, *, many: bool = False) -> str:
        """Return the statement."""
        del many  # the same few values go into however many rows
        columns = known(self.dataset, self.table)
        assignments = ", ".join(
            f"{quote(name)} = {parameters.add(value, columns.get(name.casefold()))}"
            for name, value in self.given.items()
        )
        name = quote(project, self.dataset, self.table)
        return f"UPDATE {name} SET {assignments} WHERE {_conditions(self.where, columns, parameters)}"


@dataclass(frozen=True, slots=True)
class Expect:
    """Values to set in the one row that meets all conditions; where there is not exactly one, nothing is written.

    The count and the update see one state of the table, because they are in one transaction.
    """

    dataset: str
    table: str
    given: Row
    where: tuple[Condition, ...]

    @property
    def needs_columns(self) -> bool:
        """Tell whether a value does not say its own type."""
        return _needs_columns(self.given)

    @property
    def values(self) -> int:
        """How many parameters the values and conditions are."""
        return len(self.given) + 2 * len(self.where)

    def text(self, project: str, known: Known, parameters: Parameters, *, many: bool = False) -> str:
        """Return the statements."""
        columns = known(self.dataset, self.table)
        name = quote(project, self.dataset, self.table)
        found = f"(SELECT COUNT(*) FROM {name} WHERE {_conditions(self.where, columns, parameters)})"
        update = Update(self.dataset, self.table, self.given, self.where)
        return f"ASSERT {found} = 1 AS '{MOVED_ON}';\n{update.text(project, known, parameters, many=many)}"


Write = Insert | Ensure | Update | Expect


def need_columns(writes: Sequence[Write]) -> bool:
    """Tell whether the values alone do not say how these writes are to be sent.

    BigQuery matches the fields of a record by position, so they have to go in the order of the column's. A text that
    looks like JSON may be for a JSON column, which takes no text: a script that fails for it costs more than a look.
    """
    return _are_many(writes) or any(write.needs_columns for write in writes)


def _are_many(writes: Sequence[Write]) -> bool:
    return sum(write.values for write in writes) > _MANY


def script(project: str, writes: Sequence[Write], known: Known) -> Statement:
    """Return one statement for these writes, as a transaction when there are several."""
    parameters = Parameters()
    many = _are_many(writes)
    texts = [write.text(project, known, parameters, many=many) for write in writes]
    if len(parameters.found) > MAX_PARAMETERS:
        raise WarehouseRefused(
            f"{len(writes)} writes have {len(parameters.found)} values, and BigQuery takes {MAX_PARAMETERS} at once",
            hint="Write in smaller units.",
        )
    if len(texts) == 1 and not isinstance(writes[0], Expect):
        return Statement(texts[0], tuple(parameters.found))
    body = ";\n".join(["BEGIN TRANSACTION", *texts, "COMMIT TRANSACTION"])
    return Statement(f"{body};", tuple(parameters.found))


def select(
    project: str,
    dataset: str,
    table: str,
    columns: Sequence[str],
    where: Sequence[Condition],
    page: Page | None,
    known: Known,
) -> Statement:
    """Return the statement that reads rows."""
    parameters = Parameters()
    wanted = ", ".join(quote(name) for name in columns)
    text = f"SELECT {wanted} FROM {quote(project, dataset, table)}"
    if where:
        text += f" WHERE {_conditions(where, known(dataset, table), parameters)}"
    if page is not None:
        order = ", ".join(f"{quote(name)} DESC" if page.descending else quote(name) for name in page.order_by)
        text += f" ORDER BY {order} LIMIT {parameters.add(page.limit)} OFFSET {parameters.add(page.offset)}"
    return Statement(text, tuple(parameters.found))


def count(project: str, dataset: str, table: str, where: Sequence[Condition], known: Known) -> Statement:
    """Return the statement that counts rows."""
    parameters = Parameters()
    text = f"SELECT COUNT(*) FROM {quote(project, dataset, table)}"
    if where:
        text += f" WHERE {_conditions(where, known(dataset, table), parameters)}"
    return Statement(text, tuple(parameters.found))


def in_pieces(rows: Sequence[Row]) -> list[tuple[Row, ...]]:
    """Return rows in groups that have the same columns."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row), []).append(row)
    return [tuple(group) for group in groups.values()]


def _needs_columns(row: Row) -> bool:
    return any(map(_needs_column, row.values()))


def _needs_column(value: object) -> bool:
    """A record does, and so does a text that may be JSON."""
    if isinstance(value, str):
        return value.startswith(_JSON) and not isinstance(value, JsonText)
    return isinstance(value, Mapping) or (isinstance(value, list | tuple) and any(map(_needs_column, value)))


def values_of(answer: Answer) -> list[tuple[object, ...]]:
    """Return an answer's rows as the values that were written: JSON as text, intervals as timedelta."""
    return [tuple(map(_value_from, row, answer.schema)) for row in answer.rows]


def _values(row: Row, columns: Columns, parameters: Parameters) -> str:
    return ", ".join(parameters.add(value, columns.get(name.casefold())) for name, value in row.items())


def _conditions(where: Sequence[Condition], columns: Columns, parameters: Parameters, prefix: str = "") -> str:
    parts: list[str] = []
    for condition in where:
        match condition:
            case Equals(column=name, value=None):
                parts.append(f"{prefix}{quote(name)} IS NULL")
            case Equals(column=name, value=value):
                parts.append(f"{prefix}{quote(name)} = {parameters.add(value, columns.get(name.casefold()))}")
            case OneOf(values=()):
                parts.append("FALSE")
            case OneOf(column=name, values=values):
                column = columns.get(name.casefold())
                mark = parameters.add(values, replace(column, mode=Mode.REPEATED) if column else None)
                parts.append(f"{prefix}{quote(name)} IN UNNEST({mark})")
            case Within(column=name, at_least=at_least, below=below):
                column = columns.get(name.casefold())
                bounds = [(">=", at_least), ("<", below)]
                found = [(sign, value) for sign, value in bounds if value is not None]
                parts += [f"{prefix}{quote(name)} {sign} {parameters.add(value, column)}" for sign, value in found]
                parts += [] if found else [f"{prefix}{quote(name)} IS NOT NULL"]
            case Contains(columns=names, text=text):
                mark = parameters.add(text)
                parts.append("(" + " OR ".join(f"STRPOS(LOWER({quote(n)}), LOWER({mark})) > 0" for n in names) + ")")
            case _:
                assert_never(condition)
    return " AND ".join(parts)


def _value_from(value: object, field_: bigquery.SchemaField) -> object:
    if value is None:
        return None
    if field_.mode == "REPEATED" and isinstance(value, list):
        return [_single_from(item, field_) for item in value]
    return _single_from(value, field_)


def _single_from(value: object, field_: bigquery.SchemaField) -> object:
    kind = field_.field_type
    if kind == Kind.JSON and value is not None:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if isinstance(value, relativedelta):
        return timedelta(
            days=value.days, hours=value.hours, minutes=value.minutes, seconds=value.seconds,
            microseconds=value.microseconds,
        )  # fmt: skip
    if kind in {"RECORD", "STRUCT"} and isinstance(value, Mapping):
        return {item.name: _value_from(value.get(item.name), item) for item in field_.fields}
    return value
