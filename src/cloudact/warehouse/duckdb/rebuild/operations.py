"""Copies, digests and rebuilt tables on DuckDB: a few statements each, all in the unit's transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from cloudact.catalog.model import Table, Type
from cloudact.errors import WarehouseBusy, WarehouseNotFound, WarehouseRefused
from cloudact.planning.changes import CreateTable
from cloudact.warehouse.driver import Digest, TableName
from cloudact.warehouse.duckdb import ddl
from cloudact.warehouse.duckdb.rebuild import statements
from cloudact.warehouse.duckdb.type_map import quote
from cloudact.warehouse.rebuild import pairs, refusal

# Its name while it is filled; no transaction that has it is ever committed.
_DRAFT = "_cloudact_rebuilt"


class Unit(Protocol):
    """What these need of a transaction."""

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows."""

    def committed(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a query outside of the unit, where what others have committed since it began is seen."""

    def table(self, name: TableName) -> Table | None:
        """Return a table as this unit sees it, or None."""

    def is_taken(self, name: TableName) -> bool:
        """Tell whether a table or view has this name; raises WarehouseNotFound without its dataset."""

    def remember(self, dataset: str, table: Table) -> None:
        """Note that the dataset has this table now."""


def copy_table(unit: Unit, source: TableName, target: TableName) -> None:
    """See `Session.copy_table`."""
    original = _existing(unit, source)
    copied = replace(original, name=target.table)
    if unit.is_taken(target):
        found = unit.table(target)
        if found is None or replace(found, name=target.table) != copied or not _same(unit, source, target):
            raise WarehouseRefused(
                f"{target} exists, and is not an exact copy of {source}", hint="Copy it to a name that is not taken."
            )
        return
    _create(unit, target.dataset, copied)
    unit.execute(statements.copy_rows(source, target, original.columns))
    unit.remember(target.dataset, copied)


def digest(unit: Unit, table: TableName, types: Mapping[str, Type]) -> Digest:
    """See `Session.digest`."""
    ((rows, upper, lower),) = unit.execute(statements.digest(table, _existing(unit, table), types))
    return Digest(int(rows), f"{upper:x}-{lower:x}")


def replace_table(unit: Unit, dataset: str, table: Table, *, keep_rows: bool) -> None:
    """See `Session.replace_table`."""
    live = _existing(unit, TableName(dataset, table.name))
    name, draft = TableName(dataset, live.name), TableName(dataset, _DRAFT)
    rebuilt = replace(table, name=live.name)
    if keep_rows and live == rebuilt:
        return
    columns = pairs(dataset, live, rebuilt) if keep_rows else ()
    if keep_rows:
        _hold(unit, name, live)
        query, risks = statements.losses(name, columns)
        counts = unit.execute(query)[0]
        lost = [f"{risk} in {count} rows" for risk, count in zip(risks, counts, strict=False) if count]
        if lost:
            raise refusal(str(name), lost)
    _create(unit, dataset, replace(rebuilt, name=_DRAFT))
    if keep_rows:
        unit.execute(statements.cast_rows(name, draft, columns))
    unit.execute(f"DROP TABLE {statements.name_of(name)}")
    unit.execute(f"ALTER TABLE {statements.name_of(draft)} RENAME TO {quote(live.name)}")
    unit.remember(dataset, rebuilt)


def _hold(unit: Unit, name: TableName, live: Table) -> None:
    """Let nobody write rows from here on; raises WarehouseBusy when somebody has since this unit began.

    DuckDB drops a table without regard to rows that were committed after the transaction's snapshot. A change of the
    table makes their writers fail, so that they try again; those that came before it are seen from outside.
    """
    unit.execute(f"COMMENT ON TABLE {statements.name_of(name)} IS NULL")
    query = statements.digest(name, live, {})
    if unit.execute(query) != unit.committed(query):
        raise WarehouseBusy(f"{name}: rows were written to it since this unit began", hint="Repeat the call.")


def _existing(unit: Unit, name: TableName) -> Table:
    found = unit.table(name)
    if found is None:
        raise WarehouseNotFound(f"table {name} does not exist", hint="Sync the dataset that should hold it.")
    return found


def _create(unit: Unit, dataset: str, table: Table) -> None:
    for statement in ddl.statements(dataset, CreateTable(table), None):
        unit.execute(statement)


def _same(unit: Unit, one: TableName, other: TableName) -> bool:
    return digest(unit, one, {}) == digest(unit, other, {})
