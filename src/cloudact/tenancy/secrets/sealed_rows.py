"""Sealed values of the central tables, read page by page and replaced only where nobody else wrote meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from cloudact.errors import NotBootstrapped
from cloudact.tenancy.secrets.columns import SEALED_COLUMNS, SealedColumn
from cloudact.warehouse.driver import Condition, Equals, Page, Row, Session, Warehouse

PAGE = 2_000


@dataclass(frozen=True, slots=True)
class SealedValue:
    """A value where it is kept; `raw` is what the column holds."""

    org_slug: str
    row: tuple[str, ...]
    raw: object

    def where(self, column: SealedColumn) -> list[Condition]:
        """Return the conditions that only this row meets."""
        parts = zip(("org_slug", *column.row_key), (self.org_slug, *self.row), strict=True)
        return [Equals(name, value) for name, value in parts]


@dataclass(frozen=True, slots=True)
class SealedRows:
    """Everything in a central dataset that is sealed, whoever it belongs to: for the administrator."""

    warehouse: Warehouse
    dataset: str

    def columns(self) -> list[SealedColumn]:
        """Return the columns that there are: a warehouse that was not synced yet may lack some."""
        tables = {column.table for column in SEALED_COLUMNS}
        live = self.warehouse.run(lambda session: session.inspect(self.dataset, among=tables))
        if live is None:
            raise NotBootstrapped(self.dataset)
        found = []
        for column in SEALED_COLUMNS:
            table = live.table(column.table)
            if table and all(table.column(name) for name in (*_key(column), column.column)):
                found.append(column)
        return found

    def pages(self, column: SealedColumn) -> Iterator[list[SealedValue]]:
        """Yield every value. No row is ever deleted, so one that is added meanwhile makes none be passed over."""
        offset = 0
        while True:
            page = Page(_key(column), PAGE, offset)
            rows = self.warehouse.run(partial(self._select, column=column, where=(), page=page))
            yield _values(column, rows)
            offset += len(rows)
            if len(rows) < PAGE:
                return

    def again(self, column: SealedColumn, values: Sequence[SealedValue]) -> list[SealedValue]:
        """Return what is in the place of these values now."""

        def look(session: Session) -> list[Row]:
            return [row for value in values for row in self._select(session, column, value.where(column))]

        return _values(column, self.warehouse.run(look))

    def replace(self, column: SealedColumn, replacements: Sequence[tuple[SealedValue, bytes]]) -> None:
        """Put sealed values in the place of others, together; one that is another by now is left alone."""

        def write(session: Session) -> None:
            for value, sealed in replacements:
                unchanged = [*value.where(column), Equals(column.column, value.raw)]
                session.update(self.dataset, column.table, {column.column: column.to_column(sealed)}, unchanged)

        self.warehouse.run(write)

    def _select(
        self, session: Session, column: SealedColumn, where: Sequence[Condition], page: Page | None = None
    ) -> list[dict[str, object]]:
        return session.select(self.dataset, column.table, [*_key(column), column.column], where, page)


def _key(column: SealedColumn) -> tuple[str, ...]:
    return ("org_slug", *column.row_key)


def _values(column: SealedColumn, rows: Sequence[Row]) -> list[SealedValue]:
    return [
        SealedValue(str(row["org_slug"]), tuple(str(row[name]) for name in column.row_key), row[column.column])
        for row in rows
        if row[column.column] is not None
    ]
