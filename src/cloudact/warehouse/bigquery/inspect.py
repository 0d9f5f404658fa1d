"""Reading a live dataset: one query for all of it, and tables.get for what looks different or could not be read.

INFORMATION_SCHEMA may lag behind a change and keeps silent about some attributes, so it is believed when it agrees with
what is expected, and confirmed where it does not (BigQuery documentation, Introduction to INFORMATION_SCHEMA).
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from cloudact.catalog.model import Dataset, Table, View
from cloudact.errors import WarehouseBusy, WarehouseError, WarehouseNotFound
from cloudact.planning import changes as c
from cloudact.planning.diff import diff
from cloudact.planning.findings import Severity
from cloudact.warehouse.bigquery.ddl_text import read_table, read_view
from cloudact.warehouse.bigquery.resources import VIEW_TYPES, Resource, dataset_from, table_from, view_from
from cloudact.warehouse.bigquery.statements.parameters import parameter
from cloudact.warehouse.bigquery.statements.rows import quote
from cloudact.warehouse.bigquery.transport.client import BigQueryClient, Statement
from cloudact.warehouse.bigquery.transport.concurrently import concurrently

Relation = Table | View
LISTED_TABLES = frozenset({"BASE TABLE", "CLONE"})
LISTED_VIEWS = frozenset({"VIEW", "MATERIALIZED VIEW"})
# Each answers for one part of datasets: which one, what kind of thing, its name, its type, and what is said of it.
_DATASETS = (
    "SELECT schema_name AS dataset, 'dataset' AS part, '' AS name, location AS type, '' AS body"
    " FROM {region}.INFORMATION_SCHEMA.SCHEMATA WHERE schema_name IN {which}"
)
_OPTIONS = (
    "SELECT schema_name AS dataset, 'option' AS part, option_name AS name, option_type AS type, option_value AS body"
    " FROM {region}.INFORMATION_SCHEMA.SCHEMATA_OPTIONS WHERE schema_name IN {which}"
)
_TABLES = (
    "SELECT table_schema AS dataset, 'table' AS part, table_name AS name, table_type AS type, ddl AS body"
    " FROM {scope}.INFORMATION_SCHEMA.TABLES WHERE table_schema IN {which}"
)
_UNION = "\nUNION ALL\n"
Part = tuple[str, str, str, str | None]


@dataclass(frozen=True, slots=True)
class _Listed:
    """What one query said; what is there and could not be described is None."""

    dataset: Dataset | None
    relations: Mapping[str, Relation | None]
    exists: bool = True

    @property
    def unread(self) -> list[str]:
        """The names of what could not be described."""
        return [name for name, relation in self.relations.items() if relation is None]


class Inspector:
    """Reads datasets of one project; safe to use from many threads."""

    def __init__(self, client: BigQueryClient) -> None:
        self._client = client
        self._locations: dict[str, str] = {}
        self._lock = threading.Lock()

    def location_of(self, dataset: str) -> str:
        """Return where a dataset was last seen, or nothing."""
        with self._lock:
            return self._locations.get(dataset, "")

    def remember(self, dataset: str, location: str) -> None:
        """Note where a dataset is, or that it is gone when the location is empty."""
        with self._lock:
            if location:
                self._locations[dataset] = location
            else:
                self._locations.pop(dataset, None)

    def dataset(self, name: str, expected: Dataset | None, seen: Dataset | None = None) -> Dataset | None:
        """Return the live dataset, see `Session.inspect`."""
        if seen is not None:
            self.remember(name, seen.location)
            found: tuple[Relation, ...] = (*seen.tables, *seen.views)
            relations = {item.name: item for item in found}
            return self._confirmed(name, _Listed(seen, relations), expected)
        location = self.location_of(name) or (expected.location if expected else "")
        listed = self._listed(name, location) if location else None
        if listed is None:
            resource = self._client.get_dataset(name)
            if resource is None:
                self.remember(name, "")
                return None
            listed = self._listed(name, resource["location"])
            if listed is None:
                raise WarehouseBusy(f"dataset {name} is there, and its tables cannot be listed")
            listed = replace(listed, dataset=dataset_from(resource))
        return self._confirmed(name, listed, expected)

    def table(self, dataset: str, name: str) -> Relation | None:
        """Return a table or view as it is at this moment, or None."""
        resource = self._client.get_table(dataset, name)
        return None if resource is None else relation_from(resource)

    def _listed(self, name: str, location: str) -> _Listed | None:
        """Return what INFORMATION_SCHEMA says of a dataset in this location, or None when it is not there."""
        try:
            parts = self._parts(introspection(self._client.project, location, name), [name], location)
        except WarehouseNotFound:
            return None
        self.remember(name, location)
        return _listed(name, parts.get(name, []))

    def datasets(self, names: Collection[str], location: str) -> dict[str, Dataset]:
        """Return those of these datasets that a region has, see `Session.inspect_many`; one query for all of them."""
        with whole(location):
            parts = self._parts(introspection(self._client.project, location), sorted(names), location)
        listed = {name: _listed(name, found) for name, found in parts.items()}
        live = {name: self._confirmed(name, item, None) for name, item in listed.items() if item.exists}
        return {name: item for name, item in live.items() if item}

    def _parts(self, text: str, names: list[str], location: str) -> dict[str, list[Part]]:
        found: dict[str, list[Part]] = {}
        for dataset, *part in self._client.query(Statement(text, (parameter("datasets", names),)), location).rows:
            found.setdefault(dataset, []).append((part[0], part[1], part[2], part[3]))
        return found

    def _confirmed(self, name: str, listed: _Listed, expected: Dataset | None) -> Dataset | None:
        """Ask again for what could not be read, and for what differs from what is expected."""
        dataset = listed.dataset
        if dataset is None:
            resource = self._client.get_dataset(name)
            if resource is None:
                return None
            dataset = dataset_from(resource)
        relations = {**listed.relations, **self._fresh(name, listed.unread)}
        live = _assembled(dataset, relations.values())
        suspects = _suspects(live, expected) if expected else frozenset()
        again = sorted(suspects - set(listed.unread))
        if again:
            relations |= self._fresh(name, again)
        if "" in suspects and listed.dataset is dataset:
            resource = self._client.get_dataset(name)
            dataset = dataset_from(resource) if resource else dataset
        return _assembled(dataset, relations.values()) if suspects else live

    def _fresh(self, dataset: str, names: Collection[str]) -> dict[str, Relation | None]:
        wanted = [name for name in names if name]
        found = concurrently(lambda name: self.table(dataset, name), wanted)
        return dict(zip(wanted, found, strict=True))


@contextmanager
def whole(location: str) -> Iterator[None]:
    """Enclose a query of a whole location; an error names it, because BigQuery's own words need not."""
    try:
        yield
    except WarehouseError as error:
        raise type(error)(f"the datasets in {location} cannot be told: {error.message}", hint=error.hint) from error


def introspection(project: str, location: str, dataset: str = "") -> str:
    """Return the query that tells everything of the datasets in its parameter `datasets`.

    With `dataset` it looks into that one only, and fails when it is not there; without, into the whole region.
    """
    region = quote(project, f"region-{location.lower()}")
    scope = quote(project, dataset) if dataset else region
    parts = (_DATASETS, _OPTIONS, _TABLES)
    return _UNION.join(part.format(region=region, scope=scope, which="UNNEST(@datasets)") for part in parts)


def descriptions(which: str) -> str:
    """Return the same for those datasets of `{region}` that a subquery names."""
    return _UNION.join(
        part.format(region="{region}", scope="{region}", which=which) for part in (_DATASETS, _OPTIONS, _TABLES)
    )


def described(name: str, parts: Iterable[Part]) -> Dataset | None:
    """Return what the parts of a dataset say of it; None when BigQuery left anything out, or said what is unknown."""
    listed = _listed(name, list(parts))
    if listed.dataset is None or listed.unread:
        return None
    return _assembled(listed.dataset, listed.relations.values())


def _listed(name: str, parts: list[Part]) -> _Listed:
    options = {key: body or "" for part, key, _, body in parts if part == "option"}
    tables = ((key, type_, body) for part, key, type_, body in parts if part == "table" and _is_known(type_))
    location = next((type_ for part, _, type_, _ in parts if part == "dataset"), None)
    dataset = read_dataset(name, location, options) if location else None
    return _Listed(dataset, {key: _read(key, type_, body) for key, type_, body in tables}, location is not None)


def read_dataset(name: str, location: str, options: Mapping[str, str]) -> Dataset | None:
    """Return an empty dataset from its options, written as GoogleSQL literals; None when they say something unknown."""
    body = ", ".join(f"{key}={options[key]}" for key in ("description", "labels") if key in options)
    # A table without columns of interest borrows the reader of table options: the literals are the same.
    read = read_table(name, f"CREATE TABLE `{name}` (_ INT64) OPTIONS({body});")
    if read is None:
        return None
    return Dataset(name, location=location, description=read.description, labels=read.labels)


def relation_from(resource: Resource) -> Relation | None:
    """Return the table or view that a resource describes, None for anything else that has a table's name."""
    type_ = resource.get("type", "TABLE")
    if type_ in VIEW_TYPES:
        return view_from(resource)
    return table_from(resource) if type_ in {"TABLE", "CLONE"} else None


def _is_known(type_: str) -> bool:
    """External tables, snapshots and models share the namespace; nobody declares them and nothing here changes them."""
    return type_ in LISTED_TABLES or type_ in LISTED_VIEWS


def _read(name: str, type_: str, ddl: str | None) -> Relation | None:
    if ddl is None:
        return None
    return read_table(name, ddl) if type_ in LISTED_TABLES else read_view(name, ddl)


def _assembled(dataset: Dataset, relations: Iterable[Relation | None]) -> Dataset:
    found = list(relations)
    return replace(
        dataset,
        tables=tuple(item for item in found if isinstance(item, Table)),
        views=tuple(item for item in found if isinstance(item, View)),
    )


def _suspects(live: Dataset, expected: Dataset) -> frozenset[str]:
    """Return the names of what seems to differ; "" is the dataset itself."""
    found = diff(live, expected)
    names = {_subject(change) for change in found.changes}
    names |= {item.table for item in found.findings if item.severity is Severity.CONFLICT}
    # Names are told apart by case here, and a table has to be asked for by the one it has.
    return frozenset(item.name if (item := live.table(name) or live.view(name)) else name for name in names)


def _subject(change: c.Change) -> str:
    match change:
        case c.CreateDataset() | c.SetDatasetMetadata():
            return ""
        case c.CreateTable(table=table) | c.SetTableMetadata(table=table):
            return table.name
        case c.CreateView(view=view) | c.ReplaceView(view=view):
            return view.name
        case c.AddColumn(table=name) | c.RelaxMode(table=name) | c.WidenType(table=name):
            return name
        case c.SetColumnMetadata(table=name):
            return name
