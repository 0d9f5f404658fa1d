"""Reading a live dataset, at a cost that depends on the dataset and not on the thousands beside it.

DuckDB's catalog functions walk every table of the file before they filter, so they only serve to list names, and
rarely (see listing.py); columns come from DESCRIBE, which goes straight to one table.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache

import duckdb

from cloudact.catalog.model import Dataset, Materialized, Table, View
from cloudact.errors import WarehouseBusy
from cloudact.warehouse.duckdb.ddl import read_manifest
from cloudact.warehouse.duckdb.fleet.fingerprints import fingerprints
from cloudact.warehouse.duckdb.listing import Listing, Names
from cloudact.warehouse.duckdb.manifest import (
    DEFINITIONS,
    INTERNAL,
    Manifest,
    digest_in,
    table_from_text,
    view_from_record,
)
from cloudact.warehouse.duckdb.reconcile import LiveColumn, reconcile
from cloudact.warehouse.duckdb.type_map import literal, quote
from cloudact.warehouse.fingerprints import Fingerprint, Naming

_ATTEMPTS = 8
# Datasets that are looked up together: searched for, each takes a fifth of a millisecond.
_MANY = 10


class Inspector:
    """Reads through a connection outside any transaction, where a name that does not exist is an answer."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, listing: Listing) -> None:
        self.connection = connection
        self._listing = listing
        self._database = ""

    def dataset(self, name: str, among: Collection[str] | None) -> tuple[Dataset | None, Manifest | None]:
        """Return the committed live dataset, see `Session.inspect`, and the manifest it was read with."""
        for _ in range(_ATTEMPTS):
            if not self.exists(name):
                return None, None
            manifest = self.manifest(name)
            dataset = self._read(name, manifest or Manifest(), among)
            # Several statements were read: only an unchanged manifest proves that they belong together.
            if self.manifest(name) == manifest:
                return dataset, manifest
        raise WarehouseBusy(f"{name}: the dataset changed while it was read, {_ATTEMPTS} times")

    def exists(self, dataset: str) -> bool:
        """Tell whether the schema exists.

        Only to search it goes straight to one schema; the catalog function walks all of them, a millisecond for 2,000.
        """
        if not dataset:
            return False
        if not self._database:
            self._database = self._text("SELECT current_database()")
        path = f"{quote(self._database)}.{quote(dataset)}"
        try:
            self.connection.execute(f"SET schema = {literal(path)}; RESET schema")
        except duckdb.CatalogException:
            return False
        return True

    def existing(self, datasets: Collection[str]) -> frozenset[str]:
        """Return those of these datasets whose schema exists; of many, from one walk over all schemas."""
        if len(datasets) < _MANY:
            return frozenset(filter(self.exists, datasets))
        found = self.connection.execute(
            "SELECT name FROM (SELECT unnest(?) AS name) WHERE lower(name) IN"
            " (SELECT lower(schema_name) FROM duckdb_schemas() WHERE database_name = current_database())",
            [list(datasets)],
        )
        return frozenset(name for (name,) in found.fetchall())

    def datasets(self, containing: str) -> list[str]:
        """Return the names of the schemas that have this text in them, in whatever case, as names are matched here."""
        found = self.connection.execute(
            "SELECT schema_name FROM duckdb_schemas() WHERE database_name = current_database() AND NOT internal"
            " AND contains(lower(schema_name), lower(?)) ORDER BY schema_name",
            [containing],
        )
        return [name for (name,) in found.fetchall()]

    def manifest(self, dataset: str) -> Manifest | None:
        """Return the dataset's manifest, or None for a dataset this project did not make."""
        try:
            row = self.connection.execute(read_manifest(dataset)).fetchone()
        except duckdb.CatalogException:
            return None
        return Manifest.from_text(row[0]) if row else None

    def names(self, dataset: str) -> Names:
        """Return the committed names in a dataset."""
        return self._listing.of(dataset, self.connection)

    def fingerprints(self, naming: Naming) -> dict[str, Fingerprint]:
        """Return the fingerprints of committed datasets, see `Session.fingerprints`."""
        with self._listing.told(self.connection) as note:
            return fingerprints(self.connection, naming, note)

    def _read(self, name: str, manifest: Manifest, among: Collection[str] | None) -> Dataset:
        listed = self.names(name)
        views = self._views(name, listed.views)
        wanted = None if among is None else {name.casefold() for name in (*manifest.tables, *among)}
        names = [name for name in sorted(listed.tables) if wanted is None or name.casefold() in wanted]
        texts = self.definitions(manifest.tables.values())
        definitions = {table.casefold(): texts[digest] for table, digest in manifest.tables.items() if digest in texts}
        found = (self._table(name, item, definitions) for item in names)
        return Dataset(
            name=name,
            tables=tuple(table for table in found if table),
            views=tuple(views),
            location=manifest.location,
            description=manifest.description,
            labels=manifest.labels,
        )

    def _table(self, dataset: str, name: str, definitions: dict[str, str]) -> Table | None:
        try:
            rows = self.connection.execute(f"DESCRIBE {quote(dataset)}.{quote(name)}").fetchall()
        except duckdb.CatalogException:
            return None
        live = tuple(LiveColumn(row[0], row[1], row[2] == "YES", row[4]) for row in rows)
        return _reconciled(name, live, definitions.get(name.casefold()))

    def _text(self, query: str) -> str:
        row = self.connection.execute(query).fetchone()
        return str(row[0]) if row else ""

    def _views(self, dataset: str, views: Mapping[str, str]) -> list[View]:
        digests = {name: digest_in(comment) for name, comment in views.items()}
        texts = self.definitions(filter(None, digests.values()))
        # A hand that renames a view takes its comment along.
        return [
            replace(view_from_record(dataset, comment, texts[digests[name]]), name=name)
            if digests[name] in texts
            else _foreign_view(name, comment)
            for name, comment in sorted(views.items())
        ]

    def definitions(self, digests: Iterable[str]) -> dict[str, str]:
        """Return the stored definitions among these digests."""
        wanted = sorted(set(digests))
        if not wanted:
            return {}
        marks = ", ".join("?" for _ in wanted)
        try:
            rows = self.connection.execute(
                f"SELECT digest, body FROM {quote(INTERNAL)}.{quote(DEFINITIONS)} WHERE digest IN ({marks})",
                wanted,
            ).fetchall()
        except duckdb.CatalogException:
            return {}
        return dict(rows)


@lru_cache(maxsize=4096)
def _reconciled(name: str, live: tuple[LiveColumn, ...], definition: str | None) -> Table:
    """The same rows and definition give the same table, and thousands of datasets share both."""
    return reconcile(name, live, table_from_text(definition) if definition else None)


def _foreign_view(name: str, sql: str) -> View:
    """A view this project did not make, or that was replaced by hand: equal to nothing declared."""
    return View(name=name, query=sql, materialized=Materialized.NEVER)
