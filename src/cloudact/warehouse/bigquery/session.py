"""One unit of work on BigQuery: reads and changes happen at once, writes of rows together at the end.

BigQuery has no transaction around all of it. What a unit leaves behind when it fails is therefore always
something that running it again goes on from: tables that exist, rows that claim a key. Rows other than claims are
written in one script at the end, so that a unit that fails leaves none.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from cloudact.catalog.model import Column, Dataset, Table, Type
from cloudact.errors import (
    ChangeFailed,
    WarehouseBusy,
    WarehouseError,
    WarehouseNotFound,
    WarehouseRefused,
    WarehouseUnavailable,
)
from cloudact.planning.changes import Change
from cloudact.planning.plan import Plan
from cloudact.warehouse.alike import apply_one_by_one
from cloudact.warehouse.bigquery.apply import Application
from cloudact.warehouse.bigquery.authorization import authorize, authorizes
from cloudact.warehouse.bigquery.fingerprints import fingerprints
from cloudact.warehouse.bigquery.inspect import Inspector
from cloudact.warehouse.bigquery.limits import check_materialized_views, materialized_views
from cloudact.warehouse.bigquery.rebuild import operations
from cloudact.warehouse.bigquery.statements import rows
from cloudact.warehouse.bigquery.survey import survey
from cloudact.warehouse.bigquery.transport.client import Answer, BigQueryClient, JobEnd, Statement
from cloudact.warehouse.driver import Condition, Digest, Equals, Observer, Page, Row, Survey, TableName
from cloudact.warehouse.fingerprints import Fingerprint, Fingerprints, Naming

T = TypeVar("T")
# After as many jobs that failed for a reason that passes, the unit pauses before it goes on.
_CLAIM_ATTEMPTS = 3


@dataclass(slots=True)
class Unit:
    """What attempts at a unit have done that stays: claims with their answers, and changes by dataset."""

    caller: str = field(default_factory=lambda: uuid.uuid4().hex)
    claims: dict[str, bool] = field(default_factory=dict)
    changes: dict[str, list[Change]] = field(default_factory=dict)


class BigQuerySession:
    """See `Session`; `unit` is what all attempts at one unit of work share."""

    def __init__(self, client: BigQueryClient, inspector: Inspector, observer: Observer, unit: Unit) -> None:
        self._client = client
        self._inspector = inspector
        self._observer = observer
        self._unit = unit
        self._writes: list[rows.Write] = []
        self._known: dict[tuple[str, str], rows.Columns] = {}

    def inspect(
        self,
        dataset: str,
        among: Collection[str] | None = None,
        expected: Dataset | None = None,
        seen: Dataset | None = None,
    ) -> Dataset | None:
        """See `Session.inspect`; one query tells of every table, so `among` saves nothing here."""
        del among
        return self._inspector.dataset(dataset, expected, seen)

    def inspect_many(self, datasets: Collection[str], location: str) -> dict[str, Dataset]:
        """See `Session.inspect_many`."""
        return self._inspector.datasets(datasets, location)

    def fingerprints(
        self, locations: Collection[str], naming: Naming, known: Collection[Fingerprint] = ()
    ) -> Fingerprints:
        """See `Session.fingerprints`."""
        return fingerprints(self._client, locations, naming, known)

    def survey(self, dataset: str) -> Survey | None:
        """See `Session.survey`."""
        return survey(self._client, dataset)

    def authorizes(self, reader: str, source: str) -> bool:
        """See `Session.authorizes`."""
        return authorizes(self._client, reader, source)

    def check(self, plan: Plan) -> None:
        """See `Session.check`."""
        check_materialized_views(self._client, plan)

    def apply(self, plan: Plan) -> tuple[Change, ...]:
        """See `Session.apply`."""
        made = self._unit.changes.setdefault(plan.dataset, [])
        if plan.changes:
            _refuse_views(self._client, plan)
            self._known.clear()
            try:
                Application(self._client, self._inspector, plan, self._observer, made).run()
            finally:
                # They were made side by side; people read them in the order of the plan.
                order = {change: number for number, change in enumerate(plan.changes)}
                made.sort(key=lambda change: order.get(change, -1))
        return tuple(made)

    def apply_alike(self, plan: Plan, declared: Sequence[Dataset]) -> tuple[str, ...]:
        """See `Session.apply_alike`; without a transaction there is nothing that many have in common."""
        return apply_one_by_one(self, plan, declared)

    def authorize(self, reader: str, source: str) -> None:
        """See `Session.authorize`."""
        authorize(self._client, reader, source)

    def insert(self, dataset: str, table: str, new_rows: Sequence[Row]) -> None:
        """See `Session.insert`."""
        self._writes += [rows.Insert(dataset, table, piece) for piece in rows.in_pieces(new_rows)]

    def ensure(self, dataset: str, table: str, row: Row, key: Sequence[str]) -> None:
        """See `Session.ensure`."""
        self._writes.append(rows.Ensure(dataset, table, row, tuple(key)))

    def insert_if_absent(self, dataset: str, table: str, row: Row, key: Sequence[str]) -> bool:
        """See `Session.insert_if_absent`; the row is there when this returns, whatever becomes of the unit."""
        claim = json.dumps([self._client.project, dataset, table, *(row[name] for name in key)], default=str)
        if claim not in self._unit.claims:
            self._unit.claims[claim] = self._claim(claim, rows.Ensure(dataset, table, row, tuple(key)))
        return self._unit.claims[claim]

    def insert_each_if_absent(
        self, dataset: str, table: str, new_rows: Sequence[Row], key: Sequence[str]
    ) -> tuple[bool, ...]:
        """See `Session.insert_each_if_absent`."""
        return tuple([self.insert_if_absent(dataset, table, row, key) for row in new_rows])

    def compare_and_set(self, dataset: str, table: str, values: Row, where: Sequence[Condition]) -> bool:
        """See `Session.compare_and_set`; UPDATE statements on one table do not run beside each other on BigQuery."""
        update = rows.Update(dataset, table, values, tuple(where))
        answer = self._typed(dataset, lambda known: rows.script(self._client.project, [update], known))
        return answer.affected > 0

    def expect(self, dataset: str, table: str, values: Row, where: Sequence[Condition]) -> None:
        """See `Session.expect`; of transactions that update one table at the same time, BigQuery lets one win."""
        self._writes.append(rows.Expect(dataset, table, values, tuple(where)))

    def expect_each(self, dataset: str, table: str, pairs: Sequence[tuple[Row, Sequence[Equals]]]) -> None:
        """See `Session.expect_each`."""
        for values, where in pairs:
            self.expect(dataset, table, values, where)

    def update(self, dataset: str, table: str, values: Row, where: Sequence[Condition]) -> None:
        """See `Session.update`."""
        if not where:
            raise ValueError(f"update of {dataset}.{table} without a condition")
        self._writes.append(rows.Update(dataset, table, values, tuple(where)))

    def select(
        self,
        dataset: str,
        table: str,
        columns: Sequence[str],
        where: Sequence[Condition] = (),
        page: Page | None = None,
    ) -> list[dict[str, object]]:
        """See `Session.select`."""
        answer = self._read(
            dataset,
            table,
            lambda known: rows.select(self._client.project, dataset, table, columns, where, page, known),
        )
        return [dict(zip(columns, row, strict=True)) for row in rows.values_of(answer)]

    def count(self, dataset: str, table: str, where: Sequence[Condition] = ()) -> int:
        """See `Session.count`."""
        answer = self._read(
            dataset, table, lambda known: rows.count(self._client.project, dataset, table, where, known)
        )
        return int(answer.rows[0][0])

    def copy_table(self, source: TableName, target: TableName) -> None:
        """See `Session.copy_table`."""
        self.commit()
        operations.copy_table(self._client, source, target, self._unit.caller)

    def digest(self, table: TableName, types: Mapping[str, Type] | None = None) -> Digest:
        """See `Session.digest`."""
        self.commit()
        return operations.digest(self._client, table, types or {})

    def check_replacement(self, dataset: str, table: Table, *, keep_rows: bool) -> None:
        """See `Session.check_replacement`."""
        self.commit()
        operations.check_replacement(self._client, dataset, table, keep_rows=keep_rows)

    def replace_table(self, dataset: str, table: Table) -> tuple[str, ...]:
        """See `Session.replace_table`."""
        self.commit()
        self._known.clear()
        return operations.replace_table(self._client, dataset, table)

    def empty_table(self, dataset: str, table: Table, copy: TableName) -> tuple[str, ...]:
        """See `Session.empty_table`."""
        self.commit()
        self._known.clear()
        return operations.empty_table(self._client, dataset, table, copy)

    def remove_table(self, name: TableName, copy: TableName) -> None:
        """See `Session.remove_table`."""
        self.commit()
        self._known.clear()
        operations.remove_table(self._client, name, copy)

    def renew_views(self, dataset: str, tables: Collection[str]) -> tuple[str, ...]:
        """See `Session.renew_views`."""
        return operations.renew_views(self._client, dataset, tables)

    def find_datasets(self, containing: str) -> dict[str, str]:
        """See `Session.find_datasets`; no query tells of all locations, but a list of datasets does."""
        return {name: location for name, location in self._client.datasets().items() if containing in name}

    def commit(self) -> None:
        """Write the rows of the unit: all of them, or none."""
        writes, self._writes = self._writes, []
        if not writes:
            return
        first = self._columns if rows.need_columns(writes) else _unknown
        self._typed(writes[0].dataset, lambda known: rows.script(self._client.project, writes, known), first)

    def _read(self, dataset: str, table: str, statement: Callable[[rows.Known], Statement]) -> Answer:
        """Rows that were written before in this unit have to be seen."""
        if any((write.dataset, write.table) == (dataset, table) for write in self._writes):
            self.commit()
        return self._typed(dataset, statement)

    def _typed(
        self, dataset: str, statement: Callable[[rows.Known], Statement], first: rows.Known | None = None
    ) -> Answer:
        """Run a statement with types as the values have them, or else as the columns have them."""
        try:
            return self._where(dataset, partial(self._client.query, statement(first or _unknown)))
        except WarehouseRefused:
            if first is not None and first is not _unknown:
                raise
            asked: list[bool] = []

            def known(dataset: str, table: str) -> rows.Columns:
                asked.append(True)
                return self._columns(dataset, table)

            again = statement(known)
            if not asked:
                raise
            return self._where(dataset, partial(self._client.query, again))

    def _where(self, dataset: str, run: Callable[[str], T]) -> T:
        """Run something where the dataset is; a process that has not seen it yet tries the usual place first."""
        location = self._inspector.location_of(dataset)
        try:
            return run(location or self._client.location)
        except WarehouseNotFound:
            found = None if location else self._client.get_dataset(dataset)
            if found is None or found["location"].casefold() == self._client.location.casefold():
                raise
        self._inspector.remember(dataset, found["location"])
        return run(found["location"])

    def _columns(self, dataset: str, table: str) -> Mapping[str, Column]:
        if (dataset, table) not in self._known:
            found = self._inspector.table(dataset, table)
            columns = {column.key: column for column in found.columns} if isinstance(found, Table) else {}
            self._known[dataset, table] = columns
        return self._known[dataset, table]

    def _claim(self, claim: str, row: rows.Ensure) -> bool:
        """Insert the row by a job whose id follows from the key.

        Simultaneous MERGE statements that only insert do not conflict on BigQuery and may both insert (BigQuery
        documentation, DML, concurrent jobs); a job id is accepted once. A row that is gone again gets a new round.
        """
        digest = hashlib.sha256(claim.encode()).hexdigest()[:40]
        where = [Equals(name, row.row[name]) for name in row.key]
        known: rows.Known = self._columns if rows.need_columns([row]) else _unknown
        location = self._inspector.location_of(row.dataset) or self._client.location
        failed, numbers = 0, itertools.count(1)
        while True:
            # Every id has at most one job, ever: those that failed or whose row is gone are passed over. The location
            # is a part of it, because a job that was sent elsewhere says nothing about those that count.
            job = f"cloudact-claim-{digest}-{location.lower()}-{next(numbers)}"
            statement = rows.script(self._client.project, [row], known)
            end = self._end_of(job, statement, location)
            if end.ours and end.failure is None:
                return end.affected > 0
            if end.ours:
                failed += 1
                _raise_unless_worth_another(end.failure, failed, typed=known == self._columns)
                known = self._columns
            if self.count(row.dataset, row.table, where):
                return False
            # The count finds a dataset that is in another location than was thought.
            found = self._inspector.location_of(row.dataset) or location
            if found.casefold() != location.casefold():
                location, numbers = found, itertools.count(1)

    def _end_of(self, job: str, statement: Statement, location: str) -> JobEnd:
        """Return how a claim's job ended; one that could not even start has failed as well."""
        try:
            return self._client.run_job_once(job, statement, self._unit.caller, location)
        except WarehouseNotFound as error:
            return JobEnd(ours=True, affected=0, failure=error)


def _raise_unless_worth_another(failure: WarehouseError | None, failed: int, *, typed: bool) -> None:
    """Raise what a claim's own job failed with, unless another job may do better."""
    if failure is None or (failed == 1 and isinstance(failure, WarehouseNotFound)):
        return
    if isinstance(failure, WarehouseRefused) and not typed:
        return
    if not isinstance(failure, WarehouseBusy | WarehouseUnavailable):
        raise failure
    if failed >= _CLAIM_ATTEMPTS:
        raise WarehouseBusy(f"claims failed {failed} times: {failure.message}", hint=failure.hint) from failure


def _refuse_views(client: BigQueryClient, plan: Plan) -> None:
    """One view less is one refusal less, so a caller that leaves out what failed gets as many as there is room for."""
    try:
        check_materialized_views(client, plan)
    except WarehouseRefused as error:
        raise ChangeFailed(materialized_views(plan)[-1], plan.dataset, error) from error


def _unknown(_dataset: str, _table: str) -> Mapping[str, Column]:
    return {}
