"""One attempt at a unit of work on DuckDB."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import duckdb

from cloudact.catalog.model import Dataset, Table, Type
from cloudact.errors import ChangeFailed, WarehouseBusy, WarehouseNotFound, WarehouseRefused
from cloudact.planning.changes import Change, CreateDataset, CreateTable, CreateView, ReplaceView
from cloudact.planning.evolve import evolve
from cloudact.planning.plan import Plan
from cloudact.warehouse.driver import (
    Condition,
    Digest,
    Equals,
    Observer,
    OneOf,
    Page,
    Progress,
    Row,
    Survey,
    TableName,
)
from cloudact.warehouse.duckdb import ddl, rows
from cloudact.warehouse.duckdb.errors import mapped
from cloudact.warehouse.duckdb.fleet.alike import apply_alike
from cloudact.warehouse.duckdb.fleet.creation import Creation, Parsed
from cloudact.warehouse.duckdb.foreign.survey import survey
from cloudact.warehouse.duckdb.inspect import Inspector
from cloudact.warehouse.duckdb.listing import Names
from cloudact.warehouse.duckdb.manifest import (
    CLAIMS,
    DEFINITIONS,
    INTERNAL,
    Manifest,
    digest_of,
    table_from_text,
    table_to_text,
    view_record,
)
from cloudact.warehouse.duckdb.rebuild import operations
from cloudact.warehouse.duckdb.reconcile import LiveColumn, reconcile
from cloudact.warehouse.duckdb.type_map import quote
from cloudact.warehouse.fingerprints import Fingerprint, Fingerprints, Naming

_DEFINITIONS = f"{quote(INTERNAL)}.{quote(DEFINITIONS)}"
_CLAIMS = f"{quote(INTERNAL)}.{quote(CLAIMS)}"
_INTERNAL_TABLES = (
    f"CREATE SCHEMA IF NOT EXISTS {quote(INTERNAL)}",
    f"CREATE TABLE IF NOT EXISTS {_DEFINITIONS} (digest VARCHAR NOT NULL, body VARCHAR NOT NULL)",
    f"CREATE TABLE IF NOT EXISTS {_CLAIMS} (claim VARCHAR PRIMARY KEY, touched BIGINT NOT NULL)",
)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a dataset was read with, and among which names."""

    manifest: Manifest | None
    among: Collection[str] | None


class Transaction:
    """The catalog is read on one connection, outside; rows and changes happen in one transaction on another.

    An error inside a DuckDB transaction ends it, and "there is no such table" is an error, so looking for what may not
    exist has to happen outside. `apply` then proves that nothing moved in between.
    """

    def __init__(
        self,
        inspector: Inspector,
        connection: duckdb.DuckDBPyConnection,
        observer: Observer,
        known: Collection[str],
        parsed: Parsed,
    ) -> None:
        self._inspector = inspector
        self._connection = connection
        self._observer = observer
        self._known = known
        self._creation = Creation(connection, parsed)
        self._made: set[str] = set()
        self._seen: dict[str, _Seen] = {}
        self._written: dict[str, Manifest] = {}
        self._texts: dict[str, str] = {}
        self.stored: set[str] = set()
        self.created: dict[str, Names] = {}
        self.removed: dict[str, set[str]] = {}

    def begin(self) -> None:
        """Start the transaction."""
        self._execute("BEGIN TRANSACTION")

    def commit(self) -> None:
        """Make everything so far permanent; raises WarehouseBusy when a concurrent transaction won."""
        self._execute("COMMIT")

    def inspect(
        self,
        dataset: str,
        among: Collection[str] | None = None,
        expected: Dataset | None = None,
        seen: Dataset | None = None,
    ) -> Dataset | None:
        """See `Session.inspect`; this catalog never lags, so nothing has to be `expected`."""
        del expected, seen
        with mapped():
            found, manifest = self._inspector.dataset(dataset, among)
        self._seen[dataset] = _Seen(manifest, among)
        return found

    def inspect_many(self, datasets: Collection[str], location: str) -> dict[str, Dataset]:
        """See `Session.inspect_many`; everything is in one file, whatever location is on record."""
        del location
        return {name: found for name in datasets if (found := self.inspect(name))}

    def fingerprints(
        self, locations: Collection[str], naming: Naming, known: Collection[Fingerprint] = ()
    ) -> Fingerprints:
        """See `Session.fingerprints`; everything is in one file, whatever locations are on record."""
        del locations, known  # a look at one dataset costs no more than having it described here
        with mapped():
            return Fingerprints(self._inspector.fingerprints(naming))

    def survey(self, dataset: str) -> Survey | None:
        """See `Session.survey`."""
        with mapped():
            return survey(self._inspector, dataset)

    def authorizes(self, reader: str, source: str) -> bool:
        """See `Session.authorizes`; whoever opens the file reads all of it."""
        del reader, source
        return False

    def check(self, plan: Plan) -> None:
        """See `Session.check`; nothing here has a number that ends."""

    def apply(self, plan: Plan) -> tuple[Change, ...]:
        """See `Session.apply`."""
        if not plan.changes:
            return ()
        self._check_unchanged(plan)
        for number, change in enumerate(plan.changes, 1):
            self._observer(Progress(plan.dataset, change, number, len(plan.changes)))
            try:
                self.change(plan.dataset, change, plan.actual)
            except (WarehouseRefused, WarehouseNotFound) as error:
                if self._has_moved(plan):
                    raise WarehouseBusy(f"{plan.dataset}: another caller changed it meanwhile") from error
                raise ChangeFailed(change, plan.dataset, error) from error
        self._remember(plan)
        return plan.changes

    def apply_alike(self, plan: Plan, declared: Sequence[Dataset]) -> tuple[str, ...]:
        """See `Session.apply_alike`."""
        if not plan.changes:
            return ()
        seen = None
        if plan.actual is not None:
            self._check_unchanged(plan)
            seen = self._seen[plan.dataset].manifest
        # What this unit has changed is no longer as it was committed, which is what the others are compared with.
        changed = frozenset(self._written)
        fresh = [dataset for dataset in declared if dataset.name not in changed]
        left = {*changed, *apply_alike(self, plan, seen, fresh, self._observer)}
        return tuple(dataset.name for dataset in declared if dataset.name in left)

    def authorize(self, reader: str, source: str) -> None:
        """See `Session.authorize`; whoever opens the file reads all of it."""

    def insert(self, dataset: str, table: str, new_rows: Sequence[Row]) -> None:
        """See `Session.insert`."""
        for statement in rows.inserts(dataset, table, new_rows):
            self._execute(*statement)

    def insert_if_absent(self, dataset: str, table: str, row: Row, key: Sequence[str]) -> bool:
        """See `Session.insert_if_absent`."""
        self._claim(_claim_of(dataset, table, row, key))
        if self.count(dataset, table, [Equals(column, row[column]) for column in key]):
            return False
        self._execute(*rows.insert(dataset, table, row))
        return True

    def insert_each_if_absent(
        self, dataset: str, table: str, new_rows: Sequence[Row], key: Sequence[str]
    ) -> tuple[bool, ...]:
        """See `Session.insert_each_if_absent`."""
        if len(key) != 1 or len(new_rows) < 2:
            return tuple([self.insert_if_absent(dataset, table, row, key) for row in new_rows])
        self._claim(*(_claim_of(dataset, table, row, key) for row in new_rows))
        wanted = [row[key[0]] for row in new_rows]
        found = {row[key[0]] for row in self.select(dataset, table, key, [OneOf(key[0], tuple(wanted))])}
        self.insert(dataset, table, [row for row in new_rows if row[key[0]] not in found])
        return tuple(value not in found for value in wanted)

    def ensure(self, dataset: str, table: str, row: Row, key: Sequence[str]) -> None:
        """See `Session.ensure`; units that do so at once have a conflict in the common row that they update."""
        if not self.count(dataset, table, [Equals(column, row[column]) for column in key]):
            self._execute(*rows.insert(dataset, table, row))

    def compare_and_set(self, dataset: str, table: str, values: Row, where: Sequence[Condition]) -> bool:
        """See `Session.compare_and_set`."""
        if not self.count(dataset, table, where):
            return False
        self.update(dataset, table, values, where)
        return True

    def expect(self, dataset: str, table: str, values: Row, where: Sequence[Condition]) -> None:
        """See `Session.expect`; of transactions that update one row beside each other, only one commits."""
        if self.count(dataset, table, where) != 1:
            raise WarehouseBusy(f"{dataset}.{table}: the row that the unit relies on is not as it was")
        self.update(dataset, table, values, where)

    def expect_each(self, dataset: str, table: str, pairs: Sequence[tuple[Row, Sequence[Equals]]]) -> None:
        """See `Session.expect_each`."""
        for found, update in rows.updates(dataset, table, pairs):
            if not self._execute(*found)[0][0]:
                raise WarehouseBusy(f"{dataset}.{table}: rows that the unit relies on are not as they were")
            self._execute(*update)

    def update(self, dataset: str, table: str, values: Row, where: Sequence[Condition]) -> None:
        """See `Session.update`."""
        if not where:
            raise ValueError(f"update of {dataset}.{table} without a condition")
        self._execute(*rows.update(dataset, table, values, where))

    def select(
        self,
        dataset: str,
        table: str,
        columns: Sequence[str],
        where: Sequence[Condition] = (),
        page: Page | None = None,
    ) -> list[dict[str, object]]:
        """See `Session.select`."""
        found = self._execute(*rows.select(dataset, table, columns, where, page))
        return [dict(zip(columns, row, strict=True)) for row in found]

    def count(self, dataset: str, table: str, where: Sequence[Condition] = ()) -> int:
        """See `Session.count`."""
        return int(self._execute(*rows.count(dataset, table, where))[0][0])

    def copy_table(self, source: TableName, target: TableName) -> None:
        """See `Session.copy_table`."""
        operations.copy_table(self, source, target)

    def digest(self, table: TableName, types: Mapping[str, Type] | None = None) -> Digest:
        """See `Session.digest`."""
        return operations.digest(self, table, types or {})

    def check_replacement(self, dataset: str, table: Table, *, keep_rows: bool) -> None:
        """See `Session.check_replacement`."""
        operations.check_replacement(self, dataset, table, keep_rows=keep_rows)

    def replace_table(self, dataset: str, table: Table) -> tuple[str, ...]:
        """See `Session.replace_table`; views are bound to the name of a table, and read the new one."""
        operations.replace_table(self, dataset, table)
        return ()

    def empty_table(self, dataset: str, table: Table, copy: TableName) -> tuple[str, ...]:
        """See `Session.empty_table`."""
        operations.empty_table(self, dataset, table, copy)
        return ()

    def remove_table(self, name: TableName, copy: TableName) -> None:
        """See `Session.remove_table`."""
        operations.remove_table(self, name, copy)

    def renew_views(self, dataset: str, tables: Collection[str]) -> tuple[str, ...]:
        """See `Session.renew_views`; there are no materialized views here."""
        del dataset, tables
        return ()

    def find_datasets(self, containing: str) -> dict[str, str]:
        """See `Session.find_datasets`; everything is in one file."""
        with mapped():
            return dict.fromkeys(self._inspector.datasets(containing), "")

    def change(self, dataset: str, change: Change, actual: Dataset | None) -> None:
        """See `alike.Unit`."""
        if isinstance(change, CreateTable) and dataset in self._made:
            with mapped():
                self._creation.table(dataset, change.table)
            return
        for statement in ddl.statements(dataset, change, actual):
            self._execute(statement)
        if isinstance(change, CreateDataset):
            self._made.add(dataset)

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        """See `operations.Unit`."""
        return self._execute(statement)

    def committed(self, statement: str) -> list[tuple[Any, ...]]:
        """See `operations.Unit`."""
        with mapped():
            return self._inspector.connection.execute(statement).fetchall()

    def table(self, name: TableName) -> Table | None:
        """See `operations.Unit`."""
        live = next((item for item in self.names(name.dataset).tables if item.casefold() == name.table.casefold()), "")
        if not live:
            return None
        rows = self._execute(f"DESCRIBE {quote(name.dataset)}.{quote(live)}")
        columns = tuple(LiveColumn(row[0], row[1], row[2] == "YES", row[4]) for row in rows)
        manifest = self._manifest(name.dataset)
        digests = {key.casefold(): digest for key, digest in (manifest.tables if manifest else {}).items()}
        digest = digests.get(live.casefold(), "")
        with mapped():
            texts = self._inspector.definitions([digest]) | self._texts
        return reconcile(live, columns, table_from_text(texts[digest]) if digest in texts else None)

    def is_taken(self, name: TableName) -> bool:
        """See `operations.Unit`."""
        if not self.existing([name.dataset]):
            raise WarehouseNotFound(f"dataset {name.dataset} does not exist", hint="Create it first.")
        names = self.names(name.dataset)
        return name.table.casefold() in {item.casefold() for item in (*names.tables, *names.views)}

    def remember(self, dataset: str, table: Table) -> None:
        """See `operations.Unit`."""
        self.created.setdefault(dataset, Names()).tables.add(table.name)
        self.removed.get(dataset, set()).discard(table.name)
        text = table_to_text(table)
        self.store({digest_of(text): text})
        before = self._manifest(dataset)
        kept = (
            {name: digest for name, digest in before.tables.items() if name.casefold() != table.key} if before else {}
        )
        self._write(dataset, replace(before or Manifest(), tables={**kept, table.name: digest_of(text)}), before)

    def forget(self, name: TableName) -> None:
        """See `operations.Unit`."""
        self.created.setdefault(name.dataset, Names()).tables.discard(name.table)
        self.removed.setdefault(name.dataset, set()).add(name.table)
        before = self._manifest(name.dataset)
        if before:
            kept = {
                table: digest for table, digest in before.tables.items() if table.casefold() != name.table.casefold()
            }
            self._write(name.dataset, replace(before, tables=kept), before)

    def existing(self, datasets: Collection[str]) -> frozenset[str]:
        """See `alike.Unit`."""
        with mapped():
            return self._inspector.existing(datasets) | (self.created.keys() & frozenset(datasets))

    def names(self, dataset: str) -> Names:
        """Return the names in a dataset, with those that this unit made and without those that it removed."""
        with mapped():
            names = self._inspector.names(dataset)
        made = self.created.get(dataset, Names())
        tables = (names.tables | made.tables) - self.removed.get(dataset, set())
        return Names(tables, names.views | made.views)

    def _manifest(self, dataset: str) -> Manifest | None:
        """Return a dataset's manifest as this unit left it; raises WarehouseBusy when another has written it since."""
        if dataset in self._written:
            return self._written[dataset]
        with mapped():
            committed = self._inspector.manifest(dataset)
        if committed is not None:
            self._check_manifest(dataset, committed)
        return committed

    def _execute(self, statement: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with mapped():
            self._creation.leave()
            return self._connection.execute(statement, list(parameters)).fetchall()

    def _check_unchanged(self, plan: Plan) -> None:
        """A plan is only as good as what it was made from; replacing the manifest closes the gap to the commit."""
        seen = self._seen[plan.dataset].manifest
        if plan.actual is None or seen is None:
            return
        self._check_manifest(plan.dataset, seen)

    def _check_manifest(self, dataset: str, seen: Manifest) -> None:
        try:
            now = self._execute(ddl.read_manifest(dataset))
        except WarehouseNotFound as error:
            raise WarehouseBusy(f"{dataset}: the dataset was dropped meanwhile") from error
        if now[0][0] != seen.to_text():
            raise WarehouseBusy(f"{dataset}: another caller changed it meanwhile")

    def _has_moved(self, plan: Plan) -> bool:
        """Tell whether a change may have been refused only because the dataset is no longer what was planned for."""
        with mapped():
            now, _ = self._inspector.dataset(plan.dataset, self._seen[plan.dataset].among)
        return now != plan.actual

    def _remember(self, plan: Plan) -> None:
        """Store what DuckDB could not express of the dataset as it is now."""
        after = evolve(plan.actual, plan.dataset, plan.changes)
        views = {
            item.view.name: view_record(plan.dataset, item.view)
            for item in plan.changes
            if isinstance(item, CreateView | ReplaceView)
        }
        tables = {item.table.name for item in plan.changes if isinstance(item, CreateTable)}
        texts = [table_to_text(table) for table in after.tables] + [text for _, text in views.values()]
        self.store({digest_of(text): text for text in texts})
        made = Names(tables, {name: comment for name, (comment, _) in views.items()})
        self.became(plan.dataset, made, Manifest.of(after), self._seen[plan.dataset].manifest)

    def became(self, dataset: str, made: Names, manifest: Manifest, before: Manifest | None) -> None:
        """See `alike.Unit`."""
        created = self.created.setdefault(dataset, Names())
        created.tables |= made.tables
        created.views |= made.views
        self.removed.get(dataset, set()).difference_update(created.tables)
        self._write(dataset, manifest, before)

    def _write(self, dataset: str, manifest: Manifest, before: Manifest | None) -> None:
        """Every unit that changes a dataset writes its manifest, so that of two at once one has to look again."""
        written = replace(manifest, revision=before.revision + 1 if before else 1)
        self._execute(ddl.write_manifest(dataset, written, replace=before is not None))
        self._written[dataset] = written

    def store(self, definitions: dict[str, str]) -> None:
        """See `alike.Unit`."""
        self._texts |= definitions
        unknown = {digest for digest in definitions if digest not in self._known}
        if not unknown:
            return
        with mapped():
            present = self._inspector.definitions(unknown)
        for digest in sorted(unknown - present.keys()):
            self._create_internal_tables()
            self._execute(f"INSERT INTO {_DEFINITIONS} VALUES (?, ?)", [digest, definitions[digest]])
        self.stored |= unknown

    def _claim(self, *claims: str) -> None:
        """Make simultaneous units that insert the same key conflict, so that one of them is undone and runs again."""
        self._create_internal_tables()
        marks = ", ".join("(?, 1)" for _ in claims)
        try:
            self._execute(
                f"INSERT INTO {_CLAIMS} VALUES {marks} ON CONFLICT DO UPDATE SET touched = touched + 1", claims
            )
        except WarehouseRefused as error:
            raise WarehouseBusy(f"{', '.join(claims)}: another caller inserts the same key") from error

    def _create_internal_tables(self) -> None:
        if INTERNAL in self._known or INTERNAL in self.stored:
            return
        for statement in _INTERNAL_TABLES:
            self._execute(statement)
        self.stored.add(INTERNAL)


def _claim_of(dataset: str, table: str, row: Row, key: Sequence[str]) -> str:
    return json.dumps([dataset, table, *(row[column] for column in key)], default=str)
