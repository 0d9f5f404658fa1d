"""Backups: copies of a dataset's tables in a dataset beside it, which nothing here ever deletes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from cloudact.catalog.model import Dataset
from cloudact.errors import (
    BackupIncomplete,
    BackupNotFound,
    DatasetNameTaken,
    DatasetNotFound,
    InvalidRequest,
    Problem,
)
from cloudact.tenancy.actor import Actor
from cloudact.tenancy.audit.event import Action, Event, ResourceType
from cloudact.tenancy.audit.trail import AuditTrail
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.recreation.copies import backup_from, check_text, copy_tables, declare, take_backup
from cloudact.tenancy.recreation.owner import owner_of
from cloudact.tenancy.recreation.records import (
    MARK,
    Record,
    backup_dataset,
    is_backup,
    is_complete,
    is_restored_from,
    record_of,
    restored_dataset,
)
from cloudact.tenancy.recreation.results import Backup, BackupTable, Restored
from cloudact.tenancy.recreation.scope import named_tables, rows_of
from cloudact.tenancy.sync import counted
from cloudact.warehouse.driver import Session, Warehouse

# What both engines take, but for names that BigQuery hides or DuckDB has for itself.
_NAME = re.compile(r"(?!_)[A-Za-z0-9_]{1,1024}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Backups:
    """Use cases on backups, of any dataset of the warehouse."""

    catalogs: Declarations
    warehouse: Warehouse
    clock: Callable[[], datetime]
    trail: AuditTrail

    def list(self, dataset: str | None = None) -> tuple[Backup, ...]:
        """Return every backup, or those of one dataset, the newest first; incomplete ones are among them."""

        def work(session: Session) -> tuple[Backup, ...]:
            found = (_account(session, item) for item in _find(session, f"{dataset or ''}{MARK}"))
            return tuple(item for item in found if dataset is None or item.backup_of.casefold() == dataset.casefold())

        return tuple(sorted(self.warehouse.run(work), key=lambda item: (item.created_at, item.name), reverse=True))

    def create(self, dataset: str, tables: Sequence[str] = (), *, reason: str, actor: Actor) -> Backup:
        """Copy these tables of a dataset, or all that it has; views are not copied, for they hold no rows.

        Raises DatasetNotFound, and InvalidRequest for a table that is not there.
        """
        check_text(reason=reason, actor=actor.name)
        actual = self.warehouse.run(lambda session: session.inspect(dataset))
        if actual is None:
            raise DatasetNotFound(dataset)
        chosen = named_tables(actual, tables)
        details = {"operation": "backup.create", "tables": [table.name for table in chosen], "reason": reason}
        with self.trail.operation(actor, self._event(dataset, details)) as outcome:
            record = Record(dataset, self.clock(), actor.name, reason)
            backup = take_backup(self.warehouse, replace(actual, name=dataset, tables=chosen), record)
            outcome.details["backup"] = backup.name
        return backup

    def restore(self, backup: str, target: str, *, actor: Actor) -> Restored:
        """Make a dataset of a complete backup, under a name that no dataset has.

        A restore that was interrupted is finished by the same call. Raises BackupNotFound, BackupIncomplete and
        DatasetNameTaken.
        """
        _check_target(target)
        check_text(actor=actor.name)
        source = self._complete(backup)
        unfinished = restored_dataset(target, backup, source.location, actor.name, complete=False)
        finished = restored_dataset(target, backup, source.location, actor.name, complete=True)
        tables = [table.name for table in source.tables]
        self.warehouse.run(lambda session: _check_free(session, finished, backup))
        details = {"operation": "backup.restore", "backup": backup}
        # What a trail needs that is lost may be what is to be taken from the backup.
        with self.trail.operation(actor, self._event(target, details), required=False):
            self.warehouse.run(lambda session: _begin(session, unfinished, backup))
            copied = self.warehouse.run(lambda session: copy_tables(session, backup, target, tables))
            self.warehouse.run(lambda session: declare(session, finished))
        return Restored(target, backup, copied, tuple(_changed(record_of(source), copied)))

    def _complete(self, backup: str) -> Dataset:
        """Return a backup's dataset; raises BackupNotFound or BackupIncomplete for one that cannot be restored."""
        found = self.warehouse.run(lambda session: _confirmed(session, session.inspect(backup)))
        if found is None or not is_backup(found):
            raise BackupNotFound(backup, [item.name for item in self.list() if item.complete])
        if not is_complete(found):
            raise BackupIncomplete(backup)
        return found

    def _event(self, dataset: str, details: Mapping[str, object]) -> Event:
        organization = owner_of(self.warehouse, self.catalogs.load().central_name, dataset)
        return Event(Action.CREATE, ResourceType.DATASET, dataset, organization, details)


def _find(session: Session, containing: str) -> Iterator[Dataset]:
    """Yield the backups with this text in their name: one look at the list of datasets, and one at each location."""
    places: dict[str, list[str]] = {}
    for name, location in session.find_datasets(containing).items():
        places.setdefault(location, []).append(name)
    for location, names in places.items():
        listed = session.inspect_many(names, location)
        for name in names:
            found = _confirmed(session, listed.get(name) or session.inspect(name))
            if found and is_backup(found):
                yield found


def _confirmed(session: Session, found: Dataset | None) -> Dataset | None:
    """Ask again about one that seems incomplete: an engine's catalog may lag behind."""
    if found is None or not is_backup(found) or is_complete(found):
        return found
    return session.inspect(
        found.name, expected=backup_dataset(found.name, record_of(found), found.location, complete=True)
    )


def _account(session: Session, found: Dataset) -> Backup:
    record = record_of(found)
    tables = [
        BackupTable(
            table.name, record.rows[table.name] if table.name in record.rows else rows_of(session, found, table)
        )
        for table in found.tables
    ]
    return backup_from(found.name, record, tables, complete=is_complete(found))


def _changed(record: Record, copied: Sequence[BackupTable]) -> Iterator[str]:
    """Yield what is not as it was when the backup was made, as far as numbers of rows tell."""
    rows = {item.table: item.rows for item in copied}
    for table in sorted({*record.rows, *rows} if record.rows else ()):
        was, now = record.rows.get(table), rows.get(table)
        if was is None:
            yield f"{table} was not there when the backup was made"
        elif now is None:
            yield f"{table} is there no longer, and had {counted(was, 'row')} when the backup was made"
        elif now != was:
            yield f"{table} has {counted(now, 'row')}, and had {was} when the backup was made"


def _check_target(target: str) -> None:
    if not _NAME.fullmatch(target):
        what = "is no name for a dataset: use letters, digits and underscores, and begin with no underscore"
        raise InvalidRequest(f"{target!r} {what}", problems=[Problem("request", "target", what, "")])


def _check_free(session: Session, wanted: Dataset, backup: str) -> Dataset | None:
    """Return the dataset of a restore of this backup that stopped, None where nothing has the name."""
    found = session.inspect(wanted.name, expected=wanted)
    if found is not None and (is_complete(found) or not is_restored_from(found, backup)):
        raise DatasetNameTaken(wanted.name)
    return found


def _begin(session: Session, wanted: Dataset, backup: str) -> None:
    if _check_free(session, wanted, backup) is None:
        declare(session, wanted)
