"""Copies of tables from one dataset to another, each verified, and the backups that are made of them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import structlog

from cloudact.catalog.model import Dataset
from cloudact.errors import InvalidRequest, Problem, WarehouseBusy, WarehouseError, WarehouseNotFound, WarehouseRefused
from cloudact.planning.plan import make_plan
from cloudact.planning.policy import EVERYTHING
from cloudact.tenancy.recreation.records import Record, backup_dataset, backup_name
from cloudact.tenancy.recreation.results import Backup, BackupTable
from cloudact.warehouse.driver import Session, TableName, Warehouse

_MAX_REASON = 1_000
_log = structlog.get_logger(__name__)


def check_text(**given: str) -> None:
    """Raise InvalidRequest for what a description cannot hold, by the name of its field."""
    problems = [
        Problem("request", name, f"has more than {_MAX_REASON} characters, or some that are no text", "Write less.")
        for name, text in given.items()
        if len(text) > _MAX_REASON or any(0xD800 <= ord(character) <= 0xDFFF for character in text)
    ]
    if problems:
        raise InvalidRequest("; ".join(f"{problem.field} {problem.what}" for problem in problems), problems=problems)


def take_backup(warehouse: Warehouse, source: Dataset, record: Record) -> Backup:
    """Make a backup of the tables of `source`; until every one is copied and verified it is not complete.

    Raises WarehouseRefused where a table was written to meanwhile, and WarehouseBusy where one was taken away; then the
    backup stays, incomplete.
    """
    name = warehouse.run(lambda session: _begin(session, source, record))
    _log.info("backup_begun", backup=name, tables=len(source.tables))
    tables = [table.name for table in source.tables]
    unfinished = f"{source.name} is as it was; `cloudact backup list` shows whether its backup {name} was finished."
    try:
        rows = warehouse.run(lambda session: copy_tables(session, source.name, name, tables))
        done = replace(record, rows={item.table: item.rows for item in rows})
        warehouse.run(lambda session: declare(session, backup_dataset(name, done, source.location, complete=True)))
    except WarehouseNotFound as error:
        raise WarehouseBusy(
            f"{source.name}: another caller took a table away meanwhile: {error.message}",
            hint=f"Repeat the call. {unfinished}",
        ) from error
    except WarehouseError as error:
        error.hint = f"{error.hint} {unfinished}".strip()
        raise
    _log.info("backup_complete", backup=name, rows=sum(item.rows for item in rows))
    return backup_from(name, done, rows, complete=True)


def backup_from(name: str, record: Record, tables: Sequence[BackupTable], *, complete: bool) -> Backup:
    """Return the account of a backup."""
    return Backup(
        name=name,
        backup_of=record.backup_of,
        created_at=record.created_at,
        created_by=record.created_by,
        reason=record.reason,
        complete=complete,
        tables=tuple(tables),
    )


def copy_tables(session: Session, source: str, target: str, tables: Sequence[str]) -> tuple[BackupTable, ...]:
    """Copy these tables to another dataset and return how many rows each has; raises for one that is not the same."""
    copied = []
    for table in tables:
        one, other = TableName(source, table), TableName(target, table)
        session.copy_table(one, other)
        before, after = session.digest(one), session.digest(other)
        if before != after:
            raise WarehouseRefused(
                f"{one} was written to while it was copied: it has {before.rows} rows, and its copy {after.rows}",
                hint="Stop what writes to it, and repeat the call.",
            )
        copied.append(BackupTable(table, after.rows))
    return tuple(copied)


def declare(session: Session, dataset: Dataset) -> None:
    """Create a dataset, or give it these labels and this description; what is in it stays."""
    session.apply(make_plan(session.inspect(dataset.name, [], dataset), dataset, EVERYTHING))


def _begin(session: Session, source: Dataset, record: Record) -> str:
    """Create the dataset of a backup under a name that is free, and return it."""
    names = (backup_name(source.name, record.created_at, number) for number in itertools.count(1))
    free = next(name for name in names if session.inspect(name) is None)
    wanted = backup_dataset(free, record, source.location, complete=False)
    session.apply(make_plan(None, wanted, EVERYTHING))
    return free
