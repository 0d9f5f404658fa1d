"""Copies, digests and rebuilt tables on DuckDB: a few statements each, all in the unit's transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from cloudact.catalog.model import Table, Type
from cloudact.errors import WarehouseBusy, WarehouseNotFound, WarehouseRefused
from cloudact.planning.changes import CreateTable
from cloudact.warehouse.driver import Digest, TableName
from cloudact.warehouse.duckdb import ddl
from cloudact.warehouse.duckdb.rebuild import statements
from cloudact.warehouse.duckdb.type_map import quote
from cloudact.warehouse.rebuild import Pair, no_copy, pairs, refuse_losses

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

    def forget(self, name: TableName) -> None:
        """Note that the dataset has this table no longer."""


@dataclass(frozen=True, slots=True)
class _Rebuilding:
    """A table that is about to become another one, and where its columns come from."""

    name: TableName
    live: Table
    rebuilt: Table
    columns: tuple[Pair, ...] = ()


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


def check_replacement(unit: Unit, dataset: str, table: Table, *, keep_rows: bool) -> None:
    """See `Session.check_replacement`."""
    rebuilding = _rebuilding(unit, dataset, table, keep_rows=keep_rows)
    if keep_rows and rebuilding.live != rebuilding.rebuilt:
        _refuse_losses(unit, rebuilding)


def replace_table(unit: Unit, dataset: str, table: Table) -> None:
    """See `Session.replace_table`."""
    rebuilding = _rebuilding(unit, dataset, table, keep_rows=True)
    if rebuilding.live == rebuilding.rebuilt:
        return
    _hold(unit, rebuilding.name, rebuilding.live)
    _refuse_losses(unit, rebuilding)
    _swap(unit, rebuilding)


def empty_table(unit: Unit, dataset: str, table: Table, copy: TableName) -> None:
    """See `Session.empty_table`."""
    rebuilding = _rebuilding(unit, dataset, table, keep_rows=False)
    _insist(unit, rebuilding.name, rebuilding.live, copy)
    _swap(unit, rebuilding)


def remove_table(unit: Unit, name: TableName, copy: TableName) -> None:
    """See `Session.remove_table`."""
    live = _existing(unit, name)
    _insist(unit, name, live, copy)
    unit.execute(f"DROP TABLE {statements.name_of(name)}")
    unit.forget(TableName(name.dataset, live.name))


def _rebuilding(unit: Unit, dataset: str, table: Table, *, keep_rows: bool) -> _Rebuilding:
    live = _existing(unit, TableName(dataset, table.name))
    rebuilt = replace(table, name=live.name)
    changed = keep_rows and live != rebuilt
    columns = pairs(dataset, live, rebuilt) if changed else ()
    return _Rebuilding(TableName(dataset, live.name), live, rebuilt, columns)


def _refuse_losses(unit: Unit, rebuilding: _Rebuilding) -> None:
    query, risks = statements.losses(rebuilding.name, rebuilding.columns)
    refuse_losses(str(rebuilding.name), risks, unit.execute(query)[0])


def _swap(unit: Unit, rebuilding: _Rebuilding) -> None:
    """Put the rebuilt table in the place of the live one, with its rows where its columns come from somewhere."""
    name, draft = rebuilding.name, TableName(rebuilding.name.dataset, _DRAFT)
    _create(unit, name.dataset, replace(rebuilding.rebuilt, name=_DRAFT))
    if rebuilding.columns:
        unit.execute(statements.cast_rows(name, draft, rebuilding.columns))
    unit.execute(f"DROP TABLE {statements.name_of(name)}")
    unit.execute(f"ALTER TABLE {statements.name_of(draft)} RENAME TO {quote(name.table)}")
    unit.remember(name.dataset, rebuilding.rebuilt)


def _insist(unit: Unit, name: TableName, live: Table, copy: TableName) -> None:
    """Raise unless another table has everything that this one has; from here on neither takes rows of others."""
    found = unit.table(copy)
    itself = (name.dataset.casefold(), name.table.casefold()) == (copy.dataset.casefold(), copy.table.casefold())
    if found is None or itself or replace(found, name=live.name) != live:
        raise no_copy(name, copy)
    if _hold(unit, name, live) != _hold(unit, copy, found):
        raise no_copy(name, copy)


def _hold(unit: Unit, name: TableName, live: Table) -> list[tuple[Any, ...]]:
    """Let nobody write rows from here on, and return their digest; raises WarehouseBusy when somebody has since.

    DuckDB drops a table without regard to rows that were committed after the transaction's snapshot. A change of the
    table makes their writers fail, so that they try again; those that came before it are seen from outside.
    """
    unit.execute(f"COMMENT ON TABLE {statements.name_of(name)} IS NULL")
    query = statements.digest(name, live, {})
    found = unit.execute(query)
    if found != unit.committed(query):
        raise WarehouseBusy(f"{name}: rows were written to it since this unit began", hint="Repeat the call.")
    return found


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
