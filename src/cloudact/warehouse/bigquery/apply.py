"""Carrying out a plan: what is independent goes at once, and each table gets one patch for all its changes.

Nothing here is undone: a change that was made stays, and the next plan no longer holds it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from cloudact.catalog.model import Materialized, Table, View
from cloudact.errors import ChangeFailed, CloudactError, WarehouseBusy, WarehouseNotFound, WarehouseRefused
from cloudact.planning import changes as c
from cloudact.planning.plan import Plan
from cloudact.warehouse.bigquery.inspect import Inspector, Relation, relation_from
from cloudact.warehouse.bigquery.patch import TableChange, patch_of
from cloudact.warehouse.bigquery.resources import (
    Resource,
    dataset_metadata,
    dataset_resource,
    table_resource,
    view_resource,
)
from cloudact.warehouse.bigquery.statements import ddl
from cloudact.warehouse.bigquery.transport.client import BigQueryClient
from cloudact.warehouse.bigquery.transport.concurrently import concurrently
from cloudact.warehouse.driver import Observer, Progress

# An etag can be stale without anybody else writing: right after a creation, and after a lost answer of our own.
_PATCH_ATTEMPTS = 5
EXPIRATIONS = ("defaultTableExpirationMs", "defaultPartitionExpirationMs")
_EMPTY: Resource = {"view": None, "materializedView": None, "description": None, "labels": {}}
Work = Callable[[], None]


@dataclass(slots=True)
class Application:
    """One plan being applied."""

    client: BigQueryClient
    inspector: Inspector
    plan: Plan
    observer: Observer
    applied: list[c.Change]
    _failed: list[ChangeFailed] = field(default_factory=list)
    _broken: list[CloudactError] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _told: int = 0
    _created: Resource | None = None

    def run(self) -> None:
        """Apply every change and note it in `applied`; raises what prevented others, after all the rest is done."""
        altered = self._altered()
        self._all(self._on_dataset())
        if any(isinstance(change, c.CreateTable) for change in self.plan.changes):
            self._refuse_expiring_tables()
        self._all([*self._creations(), *self._alterations(altered), *self._views(dependent=False)])
        self._all(self._views(dependent=True))
        self._raise_refused()

    def _all(self, works: Iterable[Work]) -> None:
        concurrently(lambda work: work(), works)
        if self._broken:
            raise self._broken[0]
        if any(isinstance(item.change, c.CreateDataset) for item in self._failed):
            self._raise_refused()

    def _raise_refused(self) -> None:
        if self._failed:
            first, *others = self._failed
            first.applied, first.others = tuple(self.applied), tuple(others)
            raise first

    def _refuse_expiring_tables(self) -> None:
        """A dataset with a default expiration gives it to every new table, which then deletes itself with its rows."""
        resource = self._created or self.client.get_dataset(self.plan.dataset) or {}
        named = [key for key in EXPIRATIONS if resource.get(key)]
        if named:
            error = WarehouseRefused(
                f"dataset {self.plan.dataset} has {' and '.join(named)}: new tables would lose their rows",
                hint="Take it away: bq update --default_table_expiration 0 --default_partition_expiration 0 "
                f"{self.client.project}:{self.plan.dataset}. A project without billing has it always.",
            )
            tables = [change for change in self.plan.changes if isinstance(change, c.CreateTable)]
            self._failed += [ChangeFailed(change, self.plan.dataset, error) for change in tables]

    def _attempt(self, changes: Sequence[c.Change], work: Work, *, final: bool = True) -> bool:
        """Carry changes out together and tell whether that was possible; when `final`, note that it was not."""
        try:
            work()
        except (WarehouseRefused, WarehouseNotFound) as error:
            if isinstance(error, WarehouseNotFound) and self.client.get_dataset(self.plan.dataset) is None:
                with self._lock:
                    self._broken.append(
                        WarehouseBusy(f"dataset {self.plan.dataset}: another caller deleted it meanwhile")
                    )
                return True
            if final:
                with self._lock:
                    self._failed += [ChangeFailed(change, self.plan.dataset, error) for change in changes]
            return False
        except CloudactError as error:
            with self._lock:
                self._broken.append(error)
            return True
        with self._lock:
            self.applied += changes
        return True

    def _one(self, change: c.Change, work: Work) -> None:
        self._tell([change])
        self._attempt([change], work)

    def _tell(self, changes: Sequence[c.Change]) -> None:
        with self._lock:
            for change in changes:
                self._told += 1
                self.observer(Progress(self.plan.dataset, change, self._told, len(self.plan.changes)))

    def _on_dataset(self) -> Iterator[Work]:
        for change in self.plan.changes:
            match change:
                case c.CreateDataset():
                    yield partial(self._one, change, partial(self._create_dataset, change))
                case c.SetDatasetMetadata():
                    yield partial(self._one, change, partial(self._patch_dataset, change))

    def _create_dataset(self, change: c.CreateDataset) -> None:
        self._created = self.client.create_dataset(dataset_resource(self.client.project, change.dataset))
        if self._created is None:
            raise WarehouseBusy(f"dataset {change.dataset.name}: another caller made it meanwhile")
        self.inspector.remember(change.dataset.name, change.dataset.location or self.client.location)

    def _patch_dataset(self, change: c.SetDatasetMetadata) -> None:
        current = self.client.get_dataset(change.dataset.name)
        if current is None:
            raise WarehouseBusy(f"dataset {change.dataset.name}: another caller deleted it meanwhile")
        wanted = dataset_metadata(change.dataset)
        if "labels" in wanted:
            wanted["labels"] = {**current.get("labels", {}), **wanted["labels"]}
        fields = {key: value for key, value in wanted.items() if current.get(key) != value}
        if fields:
            self.client.patch_dataset(current, fields)

    def _creations(self) -> Iterator[Work]:
        refused = {item.change for item in self._failed}
        for change in self.plan.changes:
            if isinstance(change, c.CreateTable) and change not in refused:
                yield partial(self._one, change, partial(self._create_table, change.table))

    def _create_table(self, table: Table) -> None:
        self._create(table_resource(self.client.project, self.plan.dataset, table), table)

    def _create(self, resource: Resource, wanted: Relation) -> None:
        """What exists already is fine when it is the same: then it is ours, or somebody did the same work."""
        if self.client.create_table(resource):
            return
        found = self.client.get_table(self.plan.dataset, wanted.name)
        if found and relation_from(found) is None:
            raise WarehouseRefused(
                f"{self.plan.dataset}.{wanted.name} exists, and is of type {found.get('type')}",
                hint="Rename what is declared, or rename that in the warehouse.",
            )
        if found is None or relation_from(found) != wanted:
            raise WarehouseBusy(f"{self.plan.dataset}.{wanted.name}: another caller made it meanwhile, differently")

    def _altered(self) -> dict[str, Resource]:
        """Return the tables that are to change, as they are now; raises WarehouseBusy when the plan is out of date."""
        by_table = _by_table(self.plan.changes)
        found = dict(zip(by_table, concurrently(self._current, by_table), strict=True))
        for name, changes in by_table.items():
            # Additions that somebody else has made since are no longer part of a good plan.
            if any(not _is_due(found[name], change) for change in changes):
                raise WarehouseBusy(f"{self.plan.dataset}.{name}: another caller changed it meanwhile")
        return found

    def _current(self, name: str) -> Resource:
        """Return a table or view as it is now; BigQuery tells names apart by case, which a plan does not."""
        actual = self.plan.actual
        live = (actual.table(name) or actual.view(name)) if actual else None
        resource = self.client.get_table(self.plan.dataset, live.name if live else name)
        if resource is None:
            raise WarehouseBusy(f"{self.plan.dataset}.{name}: another caller deleted it meanwhile")
        return resource

    def _alterations(self, altered: dict[str, Resource]) -> Iterator[Work]:
        for name, changes in _by_table(self.plan.changes).items():
            yield partial(self._alter, altered[name], changes)

    def _alter(self, current: Resource, changes: Sequence[c.Change]) -> None:
        """Types change by statement, all else by one patch; a statement changes the etag, so it goes first."""
        name = current["tableReference"]["tableId"]
        widenings = [change for change in changes if isinstance(change, c.WidenType)]
        patched = [change for change in changes if isinstance(change, TableChange)]
        for change in widenings:
            self._one(change, partial(self._widen, current, change))
        if not patched:
            return
        self._tell(patched)
        work = partial(self._patch_alone, name, patched) if widenings else partial(self._patch, current, patched)
        if not self._attempt(patched, work, final=len(patched) == 1):
            # One refused change refuses the whole patch; by itself each shows whether it is the one.
            for single in patched:
                self._attempt([single], partial(self._patch_alone, name, [single]))

    def _widen(self, current: Resource, change: c.WidenType) -> None:
        table = relation_from(current)
        column = table.column(change.path[0]) if isinstance(table, Table) else None
        kept = (column.collation, column.mode) if column else ()
        statement = ddl.set_data_type(self.client.project, self.plan.dataset, change, *kept)
        self.client.alter_table(current, statement, self.inspector.location_of(self.plan.dataset))

    def _patch_alone(self, name: str, changes: Sequence[TableChange]) -> None:
        self._patch(self._current(name), changes)

    def _patch(self, current: Resource, changes: Sequence[TableChange]) -> None:
        """Patch with the etag of what was read; when another caller was faster, read again and send what is left."""
        for attempt in range(1, _PATCH_ATTEMPTS + 1):
            fields = patch_of(current, changes)
            if not fields:
                return
            try:
                self.client.patch_table(current, fields)
            except WarehouseBusy:
                if attempt == _PATCH_ATTEMPTS:
                    raise
            else:
                return
            current = self._current(current["tableReference"]["tableId"])

    def _views(self, *, dependent: bool) -> Iterator[Work]:
        """Views that name this dataset wait for its tables; those that read other datasets need not."""
        for change in self.plan.changes:
            if isinstance(change, c.CreateView | c.ReplaceView):
                work = self._create_view if isinstance(change, c.CreateView) else self._replace_view
                if (self.plan.dataset in change.view.query) == dependent:
                    yield partial(self._one, change, partial(work, change.view))

    def _create_view(self, view: View) -> None:
        self._create(view_resource(self.client.project, self.plan.dataset, view), view)

    def _replace_view(self, view: View) -> None:
        current = self._current(view.name)
        live = relation_from(current)
        if not isinstance(live, View) or live.materialized is not view.materialized:
            raise self._another_kind(view, live)
        if view.materialized is Materialized.OWN and (live.query, live.clustering) != (view.query, view.clustering):
            statement = ddl.replace_materialized_view(self.client.project, self.plan.dataset, view)
            self.client.alter_table(current, statement, self.inspector.location_of(self.plan.dataset))
            return
        fields = self._view_fields(current, view)
        if fields:
            self.client.patch_table(current, fields)

    def _view_fields(self, current: Resource, view: View) -> Resource:
        """Return what a patch has to set, and clear, for a view to be as declared and nothing else."""
        declared = view_resource(self.client.project, self.plan.dataset, view)
        labels = {**dict.fromkeys(current.get("labels", {})), **declared.get("labels", {})}
        wanted: Resource = {"description": None, **declared, "labels": labels}
        given = {key: wanted[key] for key in _EMPTY if key in wanted}
        return {key: value for key, value in given.items() if value != current.get(key, _EMPTY[key])}

    def _another_kind(self, view: View, live: Relation | None) -> WarehouseRefused:
        materialized = isinstance(live, View) and live.materialized is Materialized.OWN
        kind = "materialized view" if materialized else "view" if isinstance(live, View) else "table"
        return WarehouseRefused(
            f"{self.plan.dataset}.{view.name} is a {kind}, which BigQuery cannot make into another kind in place",
            hint=f"A view holds no rows of its own: drop it by hand and sync. DROP {kind.upper()} "
            f"`{self.client.project}.{self.plan.dataset}.{view.name}`.",
        )


def _by_table(changes: Sequence[c.Change]) -> dict[str, list[c.Change]]:
    """Return the changes to tables that exist, by table."""
    found: dict[str, list[c.Change]] = {}
    for change in changes:
        if isinstance(change, c.AddColumn | c.RelaxMode | c.WidenType | c.SetColumnMetadata):
            found.setdefault(change.table, []).append(change)
        elif isinstance(change, c.SetTableMetadata):
            found.setdefault(change.table.name, []).append(change)
    return found


def _is_due(current: Resource, change: c.Change) -> bool:
    """Tell whether a change still has something to do."""
    table = relation_from(current)
    if not isinstance(table, Table):
        return False
    columns = {_folded(path): column for path, column in table.walk()}
    match change:
        case c.AddColumn():
            return _folded(change.path) not in columns
        case c.WidenType(path=path, before=before):
            found = columns.get(_folded(path))
            return found is not None and found.type == before
        case _:
            return True


def _folded(path: c.Path) -> tuple[str, ...]:
    return tuple(name.casefold() for name in path)
