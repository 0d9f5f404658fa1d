"""Which tables a recreation is about, and what is to become of each. Nothing here changes anything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from cloudact.catalog.model import Dataset, Table
from cloudact.errors import InvalidRequest, Problem
from cloudact.planning.diff import diff
from cloudact.planning.findings import Severity
from cloudact.tenancy.recreation.results import Mode, Outcome, Recreation, TableRecreated
from cloudact.warehouse.driver import Session, TableName

# What takes something away from a table, or puts another one in its place, and so needs a copy first.
CHANGED = frozenset({Outcome.REBUILT, Outcome.EMPTIED, Outcome.REMOVED})


@dataclass(frozen=True, slots=True)
class Step:
    """One table: as it is to be, under the name that it has, and what becomes of it; `live` is None without one."""

    table: Table
    live: Table | None
    outcome: Outcome
    rows: int = 0
    error: str | None = None
    fix: str | None = None

    def failed(self, error: str, fix: str) -> Step:
        """Return the same for a table that stays as it is."""
        return replace(self, outcome=Outcome.FAILED, error=error, fix=fix)

    def account(self) -> TableRecreated:
        """Return what came of the table, or would."""
        gone = self.outcome in {Outcome.EMPTIED, Outcome.REMOVED}
        after = 0 if gone else self.rows
        return TableRecreated(self.table.name, self.outcome, self.rows, after, self.error, self.fix)


def named_tables(dataset: Dataset, names: Sequence[str]) -> tuple[Table, ...]:
    """Return the tables of these names, or all; raises InvalidRequest with those there are for one that is not."""
    if unknown := [name for name in names if dataset.table(name) is None]:
        what = f"{dataset.name} has no table {', '.join(unknown)}"
        fix = f"known tables are {', '.join(table.name for table in dataset.tables) or 'none'}"
        raise InvalidRequest(f"{what}; {fix}", problems=[Problem("request", "tables", what, fix)])
    wanted = {name.casefold() for name in names}
    return tuple(table for table in dataset.tables if not wanted or table.key in wanted)


def chosen_tables(desired: Dataset, recreation: Recreation) -> tuple[Table, ...]:
    """Return the declared tables that are to be made anew; raises InvalidRequest for names that cannot be meant."""
    if recreation.mode is Mode.DATASET and recreation.tables:
        what, fix = (
            "cannot be named, because this mode is about the whole dataset",
            f"use the mode {Mode.TABLES}, --empty-tables",
        )
        raise InvalidRequest(f"tables {what}; {fix}", problems=[Problem("request", "tables", what, fix)])
    return named_tables(desired, recreation.tables)


def rows_of(session: Session, dataset: Dataset, table: Table) -> int:
    """Return the number of rows of a table; one that is not read without a filter is counted by its digest."""
    if table.partition and table.partition.require_filter:
        return session.digest(TableName(dataset.name, table.name)).rows
    return session.count(dataset.name, table.name)


def steps_of(session: Session, actual: Dataset, desired: Dataset, recreation: Recreation) -> Iterator[Step]:
    """Yield what is to become of each table, as far as it shows without looking at the rows themselves."""
    for table in chosen_tables(desired, recreation):
        live = actual.table(table.name)
        if live is None:
            step = Step(table, None, Outcome.CREATED)
            taken = actual.view(table.name) is not None
            yield step.failed(*_taken(table)) if taken else step
            continue
        rows = rows_of(session, actual, live)
        declared = replace(table, name=live.name)
        yield Step(declared, live, _outcome(live, declared, rows, recreation), rows)
    if recreation.mode is Mode.DATASET:
        for live in actual.tables:
            if desired.table(live.name) is None:
                yield Step(live, live, Outcome.REMOVED, rows_of(session, actual, live))


def _outcome(live: Table, declared: Table, rows: int, recreation: Recreation) -> Outcome:
    if recreation.mode is not Mode.WITH_DATA:
        return Outcome.UNCHANGED if live == declared and not rows else Outcome.EMPTIED
    stays = live == declared if recreation.tables else not _needs_rebuilding(live, declared)
    return Outcome.UNCHANGED if stays else Outcome.REBUILT


def _needs_rebuilding(live: Table, declared: Table) -> bool:
    """Tell whether a table differs in what a sync does not change, columns apart that are not declared."""
    found = diff(Dataset("", (live,)), Dataset("", (declared,)))
    return any(item.severity is not Severity.EXTRA for item in found.findings)


def _taken(table: Table) -> tuple[str, str]:
    return (
        f"{table.name} is a view, declared as a table",
        "Rename the declared table, or drop the view by hand; a view holds no rows.",
    )
