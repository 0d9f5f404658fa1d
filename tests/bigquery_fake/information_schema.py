"""INFORMATION_SCHEMA as relations of the engine: what a dataset or region holds, as seen with the fake's lag.

What a table's specification decides is written to the engine once per specification; a query joins it to the names of
just the tables that its dataset, region and filter leave.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from tests.bigquery_fake.catalog import Catalog, Dataset
from tests.bigquery_fake.errors import not_found
from tests.bigquery_fake.information_schema_rows import VIEWS, Row, View, dataset_rows, spec_rows
from tests.bigquery_fake.specs import Resource, Spec
from tests.bigquery_fake.sql.row_store import Cursor, RowStore, run
from tests.bigquery_fake.versions import Stamp

_ENGINE_TYPES = {"STRING": "VARCHAR", "INT64": "BIGINT", "TIMESTAMP": "TIMESTAMPTZ", "ARRAY<STRING>": "VARCHAR[]"}
_PART_COLUMNS = {
    # `ddl` is the name between two texts, so a fleet of equal tables needs one row here.
    "TABLES": "table_type VARCHAR, is_insertable_into VARCHAR, head VARCHAR, tail VARCHAR, text_order VARCHAR",
}
_TABLES_SELECT = """
    SELECT t.project AS table_catalog, t.dataset AS table_schema, t.name AS table_name, p.table_type,
        p.is_insertable_into, 'NO' AS is_typed, make_timestamptz(t.created * 1000) AS creation_time,
        concat(p.head, ' `', t.project, '.', t.dataset, '.', t.name, '`', p.tail) AS ddl,
        p.text_order AS default_collation_name
    FROM {names} AS t JOIN {parts} AS p ON p.part = t.spec"""


@dataclass(frozen=True, slots=True)
class Qualifier:
    """What stands before INFORMATION_SCHEMA: a dataset, or a region such as `eu`, of a project."""

    project: str
    dataset: str | None
    region: str | None


@dataclass(frozen=True, slots=True)
class _Region:
    """The relation of all tables of a region, and the state of things that it shows."""

    state: tuple[object, ...]
    relation: str
    specs: list[Spec]
    former: str


class InformationSchema:
    """Makes relations of INFORMATION_SCHEMA views. `lag` is in seconds of the fake's clock.

    `show_deleted`: region-qualified views also list tables of deleted datasets (rule 27).
    """

    def __init__(self, catalog: Catalog, store: RowStore) -> None:
        self.lag = 0.0
        self.frozen: int | None = None
        self.show_deleted = False
        self._catalog = catalog
        self._store = store
        self._lock = threading.Lock()
        self._written: dict[str, set[int]] = {name: set() for name in VIEWS}
        self._regions: dict[tuple[str, str], _Region] = {}
        self._numbers = itertools.count(1)

    def relation(
        self, cursor: Cursor, name: str, view: View, qualifier: Qualifier, only: Collection[str] | None
    ) -> None:
        """Make the temporary relation `name` with the rows of a view; `only` names the datasets a filter leaves."""
        if view.of == "dataset":
            if qualifier.dataset:
                raise not_found(f"Table {qualifier.project}:{qualifier.dataset}.INFORMATION_SCHEMA.{view.name}")
            rows = [
                row
                for dataset, resource in self._datasets(qualifier, only)
                for row in dataset_rows(view, dataset, resource)
            ]
            self._dataset_relation(cursor, name, view, rows)
        else:
            self._table_relation(cursor, name, view, qualifier, only)

    def _dataset_relation(self, cursor: Cursor, name: str, view: View, rows: list[Row]) -> None:
        engine = [(column, _ENGINE_TYPES[kind]) for column, kind in view.columns]
        raw = [(column, "BIGINT" if kind == "TIMESTAMPTZ" else kind) for column, kind in engine]
        select = ", ".join(
            f"make_timestamptz({column}) AS {column}" if kind == "TIMESTAMPTZ" else column for column, kind in engine
        )
        source, values = _unnested(raw, rows)
        run(cursor, f"CREATE TEMP TABLE {name} AS SELECT {select} FROM ({source})", values)

    def _table_relation(
        self, cursor: Cursor, name: str, view: View, qualifier: Qualifier, only: Collection[str] | None
    ) -> None:
        if qualifier.region and only is None:
            names, specs = self._region_names(qualifier)
        else:
            names = f"{name}_names"
            specs = self._write_names(cursor, names, self._tables(qualifier, only), temporary=True)
        parts = self._write_parts(view, specs)
        if view.name == "TABLES":
            select = _TABLES_SELECT.format(names=names, parts=parts)
        else:
            columns = ", ".join(f"p.{column}" for column, _ in view.part_columns)
            select = f"""SELECT t.project AS table_catalog, t.dataset AS table_schema, t.name AS table_name, {columns}
                FROM {names} AS t JOIN {parts} AS p ON p.part = t.{view.of}"""
        run(cursor, f"CREATE TEMP VIEW {name} AS {select}")

    def _region_names(self, qualifier: Qualifier) -> tuple[str, list[Spec]]:
        """Return the relation of all tables of a region, which is kept until something is written or time moves it."""
        horizon = self._horizon()
        moved = horizon.at if self.lag else None
        restorable = len(self._catalog.deleted(qualifier.project))
        state = (self._catalog.writes, self.lag, self.frozen, self.show_deleted, moved, restorable)
        key = (qualifier.project, qualifier.region or "")
        with self._lock:
            before = self._regions.get(key)
            if before is not None and before.state == state:
                return before.relation, before.specs
            relation = f"region_{next(self._numbers)}"
            with self._store.cursor() as cursor:
                specs = self._write_names(cursor, relation, self._tables(qualifier, None), temporary=False)
                if before is not None and before.former:
                    run(cursor, f"DROP TABLE {before.former}")  # the one before stays for queries that run now
            self._regions[key] = _Region(state, relation, specs, before.relation if before else "")
            return relation, specs

    def _write_names(
        self, cursor: Cursor, name: str, tables: Iterable[tuple[Dataset, str, int, Spec]], *, temporary: bool
    ) -> list[Spec]:
        rows, specs = [], {}
        for dataset, table, created, spec in tables:
            rows.append((dataset.project, dataset.name, table, created, spec.serial, spec.shape))
            specs[spec.serial] = spec
        kinds = ("VARCHAR", "VARCHAR", "VARCHAR", "BIGINT", "BIGINT", "BIGINT")
        columns = list(zip(("project", "dataset", "name", "created", "spec", "shape"), kinds, strict=True))
        source, values = _unnested(columns, rows)
        run(cursor, f"CREATE {'TEMP ' if temporary else ''}TABLE {name} AS {source}", values)
        return list(specs.values())

    def _write_parts(self, view: View, specs: Iterable[Spec]) -> str:
        """Return the relation with the parts of these specifications, writing those that are not there yet."""
        relation = f"parts_{view.name.lower()}"
        with self._lock:
            written = self._written[view.name]
            new = {}
            for spec in specs:
                number = spec.shape if view.of == "shape" else spec.serial
                if number not in written:
                    new[number] = spec
            columns = _part_columns(view)
            with self._store.cursor() as cursor:
                if not written:
                    text = ", ".join(f"{column} {kind}" for column, kind in columns)
                    run(cursor, f"CREATE TABLE IF NOT EXISTS {relation} ({text})")
                rows = [(number, *row) for number, spec in new.items() for row in spec_rows(view, spec)]
                if rows:
                    source, values = _unnested(columns, rows)
                    run(cursor, f"INSERT INTO {relation} {source}", values)
            written.update(new)
        return relation

    def _horizon(self) -> Stamp:
        return self._catalog.horizon(self.lag, self.frozen)

    def _datasets(self, qualifier: Qualifier, only: Collection[str] | None) -> Iterator[tuple[Dataset, Resource]]:
        """Yield the datasets a region shows; hidden ones, with a leading underscore, are not among them."""
        horizon, project = self._horizon(), qualifier.project
        found = (
            self._catalog.datasets(project)
            if only is None
            else [item for name in only if (item := self._catalog.find_dataset(project, name))]
        )
        for dataset in [*found, *self._catalog.deleted(project)]:
            resource = dataset.seen(horizon)
            if resource is not None and _shown(dataset, qualifier, only):
                yield dataset, resource

    def _tables(self, qualifier: Qualifier, only: Collection[str] | None) -> Iterator[tuple[Dataset, str, int, Spec]]:
        horizon = self._horizon()
        if qualifier.dataset:
            datasets = [self._catalog.dataset(qualifier.project, qualifier.dataset)]
        else:
            datasets = [dataset for dataset, _ in self._datasets(qualifier, only)]
            if self.show_deleted:
                gone = self._catalog.deleted(qualifier.project)
                datasets += [item for item in gone if item not in datasets and _shown(item, qualifier, only)]
        for dataset in datasets:
            with self._catalog.lock:
                tables = [*dataset.tables.values(), *dataset.gone]
            for table in tables:
                spec = table.seen(horizon)
                if spec is not None:
                    yield dataset, table.name, table.created, spec


def _shown(dataset: Dataset, qualifier: Qualifier, only: Collection[str] | None) -> bool:
    wanted = only is None or dataset.name in only
    return wanted and not dataset.name.startswith("_") and dataset.location.casefold() == qualifier.region


def _part_columns(view: View) -> list[tuple[str, str]]:
    if view.name in _PART_COLUMNS:
        pairs = (item.split() for item in _PART_COLUMNS[view.name].split(","))
        return [("part", "BIGINT"), *((name, kind) for name, kind in pairs)]
    return [("part", "BIGINT"), *((name, _ENGINE_TYPES[kind]) for name, kind in view.part_columns)]


def _unnested(columns: list[tuple[str, str]], rows: list[Row]) -> tuple[str, list[list[object]]]:
    """Return a query over rows given column by column, which the engine takes far faster than row by row."""
    parts = (f"unnest(${number}::{kind}[]) AS {name}" for number, (name, kind) in enumerate(columns, 1))
    values = [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in columns]
    return f"SELECT {', '.join(parts)}", values
