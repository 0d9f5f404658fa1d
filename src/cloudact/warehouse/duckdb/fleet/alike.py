"""One plan for many datasets, all in the unit's transaction: what they have in common is read and worked out once.

A dataset is like the one that was planned for when its manifest is, but for how often it was written, when it has the
same tables and views, none of them replaced by hand, and when each table that is changed has the same columns.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from cloudact.catalog.model import Dataset
from cloudact.errors import ChangeFailed, WarehouseNotFound, WarehouseRefused
from cloudact.planning import changes as c
from cloudact.planning.alike import changes_for
from cloudact.planning.evolve import evolve
from cloudact.planning.plan import Plan
from cloudact.warehouse.driver import Observer, Progress
from cloudact.warehouse.duckdb import ddl
from cloudact.warehouse.duckdb.listing import Names
from cloudact.warehouse.duckdb.manifest import Manifest, digest_in, digest_of, table_to_text, view_record
from cloudact.warehouse.duckdb.type_map import literal, quote

# As many tables as are read by one statement; each is a branch of a UNION ALL.
_AT_ONCE = 50


class Unit(Protocol):
    """What this needs of a transaction."""

    def change(self, dataset: str, change: c.Change, actual: Dataset | None) -> None:
        """Carry out one change to a dataset that looks so."""

    def committed(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a query outside of the unit, where one that fails is an answer."""

    def existing(self, datasets: Collection[str]) -> frozenset[str]:
        """Return those of these datasets that there are, committed or made by this unit."""

    def names(self, dataset: str) -> Names:
        """Return the names in a dataset as this unit sees it."""

    def store(self, definitions: dict[str, str]) -> None:
        """Keep definitions under their digests."""

    def became(self, dataset: str, made: Names, manifest: Manifest, before: Manifest | None) -> None:
        """Note what the dataset has now, and write its manifest."""


@dataclass(frozen=True, slots=True)
class _Target:
    """A dataset that the plan is for, with the changes as they are for it."""

    name: str
    changes: tuple[c.Change, ...]
    before: Manifest | None


def apply_alike(
    unit: Unit, plan: Plan, seen: Manifest | None, declared: Sequence[Dataset], observer: Observer
) -> tuple[str, ...]:
    """See `Session.apply_alike`; `seen` is the manifest that the plan's own dataset was read with."""
    targets = _targets(unit, plan, seen, declared)
    after = evolve(plan.actual, plan.dataset, plan.changes)
    changed = _tables_of(plan.changes, (*_OF_COLUMNS, c.CreateTable, c.SetTableMetadata))
    texts = {table.name: table_to_text(table) for table in after.tables if table.key in changed}
    before = seen or Manifest()
    kept = {name: digest for name, digest in before.tables.items() if name.casefold() not in changed}
    tables = {**kept, **{name: digest_of(text) for name, text in texts.items()}}
    manifest = Manifest(after.location, after.description, after.labels, tables)
    if targets:
        unit.store({digest_of(text): text for text in (*texts.values(), *_view_texts(targets[0]))})
    for target in targets:
        _change(unit, plan, target, observer)
        unit.became(target.name, _made(target), manifest, target.before)
    done = {target.name for target in targets}
    return tuple(dataset.name for dataset in declared if dataset.name not in done)


_OF_COLUMNS = (c.AddColumn, c.RelaxMode, c.WidenType, c.SetColumnMetadata)


def _tables_of(changes: Sequence[c.Change], kinds: tuple[type, ...]) -> set[str]:
    """Return the folded names of the tables that changes of these kinds are about."""
    tables = (change.table for change in changes if isinstance(change, kinds) and hasattr(change, "table"))
    return {(table if isinstance(table, str) else table.name).casefold() for table in tables}


def _targets(unit: Unit, plan: Plan, seen: Manifest | None, declared: Sequence[Dataset]) -> list[_Target]:
    own = {dataset.name: changes for dataset in declared if (changes := changes_for(plan, dataset))}
    if plan.actual is None:
        existing = unit.existing(own)
        return [_Target(name, changes, None) for name, changes in own.items() if name not in existing]
    if seen is None:
        return []
    found = _manifests(unit, list(own))
    like = [name for name, manifest in found.items() if replace(manifest, revision=seen.revision) == seen]
    shape = _shape(unit.names(plan.dataset))
    shaped = [(name, names) for name in like if _shape(names := unit.names(name)) == shape]
    due = [name for name, names in shaped if _is_due(names, name, own[name])]
    # The definition of a table, which its metadata is part of, says of columns what DuckDB has no place for.
    tables = sorted(_tables_of(plan.changes, (*_OF_COLUMNS, c.SetTableMetadata)))
    layouts = _layouts(unit, list(dict.fromkeys([plan.dataset, *due])), tables)
    same = [name for name in due if layouts.get(name) == layouts.get(plan.dataset) is not None]
    return [_Target(name, own[name], found[name]) for name in same]


def _manifests(unit: Unit, datasets: Sequence[str]) -> dict[str, Manifest]:
    """Return the committed manifests of those datasets that have one which can be read."""
    if not datasets:
        return {}
    statement = "SELECT " + ", ".join(ddl.read_manifest(name).removeprefix("SELECT ") for name in datasets)
    try:
        (texts,) = unit.committed(statement)
        return {name: Manifest.from_text(text) for name, text in zip(datasets, texts, strict=True)}
    except (WarehouseNotFound, WarehouseRefused):
        half = len(datasets) // 2
        return _manifests(unit, datasets[:half]) | _manifests(unit, datasets[half:]) if half else {}


def _shape(names: Names) -> tuple[frozenset[str], frozenset[tuple[str, bool]]]:
    """Return which tables and views there are, and which of the views a hand has made or replaced."""
    views = ((name.casefold(), bool(digest_in(comment))) for name, comment in names.views.items())
    return frozenset(name.casefold() for name in names.tables), frozenset(views)


def _is_due(names: Names, dataset: str, changes: Sequence[c.Change]) -> bool:
    """Tell whether each view that is replaced is not what replaces it already, which no manifest says."""
    comments = {name.casefold(): comment for name, comment in names.views.items()}
    replaced = (change.view for change in changes if isinstance(change, c.ReplaceView))
    return all(comments.get(view.key) not in (None, view_record(dataset, view)[0]) for view in replaced)


def _layouts(unit: Unit, datasets: Sequence[str], tables: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return what the columns of these tables come to, in the datasets that have all of them."""
    found = [_columns(unit, datasets, table) for table in tables]
    whole = (name for name in datasets if all(name in layouts for layouts in found))
    return {name: tuple(layouts[name] for layouts in found) for name in whole}


def _columns(unit: Unit, datasets: Sequence[str], table: str) -> dict[str, str]:
    """Return a digest of the columns that this table has in each dataset, by dataset."""
    if len(datasets) > _AT_ONCE:
        return _columns(unit, datasets[:_AT_ONCE], table) | _columns(unit, datasets[_AT_ONCE:], table)

    def branch(number: int, dataset: str) -> str:
        name = literal(f"{quote(dataset)}.{quote(table)}")
        return f"SELECT {number} AS number, * FROM pragma_table_info({name})"

    columns = " UNION ALL ".join(branch(number, name) for number, name in enumerate(datasets))
    layout = 'md5(list({c: name, t: type, n: "notnull", d: dflt_value} ORDER BY cid)::VARCHAR)'
    try:
        rows = unit.committed(f"SELECT number, {layout} FROM ({columns}) GROUP BY number")
    except (WarehouseNotFound, WarehouseRefused):
        half = len(datasets) // 2
        return _columns(unit, datasets[:half], table) | _columns(unit, datasets[half:], table) if half else {}
    return {datasets[number]: digest for number, digest in rows}


def _change(unit: Unit, plan: Plan, target: _Target, observer: Observer) -> None:
    for number, change in enumerate(target.changes, 1):
        observer(Progress(target.name, change, number, len(target.changes)))
        try:
            unit.change(target.name, change, plan.actual)
        except (WarehouseRefused, WarehouseNotFound) as error:
            raise ChangeFailed(change, target.name, error) from error


def _made(target: _Target) -> Names:
    views = _views(target)
    tables = {change.table.name for change in target.changes if isinstance(change, c.CreateTable)}
    return Names(tables, {name: comment for name, (comment, _) in views.items()})


def _view_texts(target: _Target) -> Collection[str]:
    return [text for _, text in _views(target).values()]


def _views(target: _Target) -> dict[str, tuple[str, str]]:
    views = (change.view for change in target.changes if isinstance(change, c.CreateView | c.ReplaceView))
    return {view.name: view_record(target.name, view) for view in views}
