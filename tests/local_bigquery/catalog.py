"""What the gateway knows of datasets and tables, and how it brings the emulator to keep what it would lose.

The emulator's own record of a resource is the memory: whatever a request or a statement says, and the emulator would
ignore (descriptions of added columns, expiration of partitions in DDL, refresh settings of materialized views, type
parameters after SET DATA TYPE, the text of a view's query), is patched into that record, and `settled` compares the
record with what the rules say it should be. What does not arrive there is answered 501.
"""

from __future__ import annotations

from functools import lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from tests.bigquery_fake.rules import MAX_MATERIALIZED_VIEWS_PER_BASE, Refusal, Resource
from tests.local_bigquery.answers import EmulatorRefused, not_found, not_modelled
from tests.local_bigquery.emulator import Emulator, Reference, dataset_path

# Keys that are compared; the others are the service's own (times, sizes, links).
_COMPARED = (
    "clustering", "defaultCollation", "defaultRoundingMode", "description", "expirationTime", "friendlyName", "labels",
    "materializedView", "maxStaleness", "rangePartitioning", "requirePartitionFilter", "schema", "timePartitioning",
    "view",
)  # fmt: skip
# What makes a query one that cannot be brought up to date row by row.
_NOT_INCREMENTAL = (
    exp.CurrentDate, exp.CurrentDatetime, exp.CurrentTime, exp.CurrentTimestamp, exp.Having, exp.Qualify, exp.Rand,
    exp.SessionUser, exp.TableSample, exp.Window,
)  # fmt: skip
_FIXED = ("creationTime", "etag", "id", "kind", "lastModifiedTime", "location", "selfLink", "tableReference", "type")
MULTI_REGIONS = ("US", "EU")


def canonical(location: str) -> str:
    """Return a location as BigQuery answers it: multi-regions in capitals, regions in small letters."""
    return location.upper() if location.upper() in MULTI_REGIONS else location.lower()


def quoted(reference: Reference) -> str:
    """Return a table's full name for a statement."""
    project, dataset, table = reference
    return exp.table_(table, dataset, project, quoted=True).sql("bigquery")


def column_name(name: str) -> str:
    """Return a column's name for a statement."""
    return exp.to_identifier(name, quoted=True).sql("bigquery")


def changeable(resource: Resource) -> Resource:
    """Return the part of a table's resource that a patch may hold."""
    return {key: value for key, value in resource.items() if key not in _FIXED and not key.startswith("num")}


class Catalog:
    """Datasets and tables of one emulator."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self._locations: dict[tuple[str, str], str] = {}

    def forget(self) -> None:
        """Look locations up again: a dataset was made or deleted."""
        self._locations.clear()

    def dataset(self, project: str, dataset: str) -> Resource:
        """Return a dataset's resource; raises Refusal (404) when there is none."""
        found = self.emulator.find(dataset_path(project, dataset))
        if found is None:
            raise not_found(f"Dataset {project}:{dataset}")
        return {**found, "location": canonical(found["location"])}

    def location(self, project: str, dataset: str) -> str | None:
        """Return where a dataset is, or None when there is none."""
        key = (project, dataset)
        if key not in self._locations:
            found = self.emulator.find(dataset_path(project, dataset))
            if found is None:
                return None
            self._locations[key] = canonical(found["location"])
        return self._locations[key]

    def visible(self, project: str, location: str) -> list[str]:
        """Return the datasets that INFORMATION_SCHEMA of a region shows; it hides leading underscores (rule 27)."""
        found = self.emulator.call("GET", f"/projects/{project}/datasets").get("datasets", [])
        names = [item["datasetReference"]["datasetId"] for item in found]
        return [name for name in names if not name.startswith("_") and self.location(project, name) == location]

    def table(self, reference: Reference) -> Resource | None:
        """Return the resource of a table or view, or None when there is none."""
        try:
            return self.placed(self.emulator.call("GET", reference.path))
        except EmulatorRefused as error:
            # It cannot tell of a view that reads what is gone, except in a list.
            for item in self.tables(reference.project, reference.dataset):
                if item["tableReference"]["tableId"] == reference.table and item["type"] != "TABLE":
                    return item
            if error.answer.status == 404:
                return None
            raise

    def tables(self, project: str, dataset: str) -> list[Resource]:
        """Return all tables and views of a dataset, without their columns."""
        found = self.emulator.find(f"{dataset_path(project, dataset)}/tables") or {}
        return [self.placed(item) for item in found.get("tables", [])]

    def placed(self, resource: Resource) -> Resource:
        """Return a table's resource with the location of its dataset, which the emulator does not always know."""
        reference = resource["tableReference"]
        return {**resource, "location": self.location(reference["projectId"], reference["datasetId"])}

    def settled(self, reference: Reference, before: Resource | None, wanted: Resource, record: Resource) -> Resource:
        """Bring the emulator to the wanted state and return its resource; raises Refusal (501) when it does not arrive.

        `record` is what to patch into the emulator's record.
        """
        found = (
            self.emulator.call("PATCH", reference.path, record) if record else self.emulator.call("GET", reference.path)
        )
        statements = default_statements(reference, before or {}, wanted)
        try:
            self.emulator.run(reference.project, *statements)
        except EmulatorRefused as error:
            # It takes only literals for columns that were added later.
            raise not_modelled(f"local-bigquery refuses {'; '.join(statements)}: {error}") from error
        # A table may expire because its dataset says so.
        given = [key for key in _COMPARED if key != "expirationTime" or key in wanted]
        lost = [key for key in given if _comparable(wanted, key) != _comparable(found, key)]
        if lost:
            differences = "; ".join(f"{key}: {found.get(key)} instead of {wanted.get(key)}" for key in lost)
            raise not_modelled(f"local-bigquery lost something of {quoted(reference)}: {differences}")
        return self.placed(found)

    def check_materialized_view(self, reference: Reference, query: str) -> None:
        """Refuse what BigQuery refuses of a materialized view's base tables (rules, section 0, and rule 21)."""
        if odd := _parsed(query).find(*_NOT_INCREMENTAL):
            raise Refusal(f"A materialized view cannot be kept up to date with {odd.sql('bigquery')}", rule="21")
        others = self._materialized_views(reference)
        for base in tables_of(query, reference.project):
            resource = self.table(base)
            if resource is not None and resource["type"] != "TABLE":
                raise Refusal(f"{quoted(base)} is a {resource['type']}, not a table", rule="21")
            count = sum(base in tables_of(other, reference.project) for other in others)
            if count >= MAX_MATERIALIZED_VIEWS_PER_BASE:
                raise Refusal(f"{quoted(base)} already has {count} materialized views in this project", rule="0")

    def _materialized_views(self, besides: Reference) -> list[str]:
        """Return the queries of all other materialized views of a project."""
        queries = []
        for dataset in self.emulator.call("GET", f"/projects/{besides.project}/datasets?all=true").get("datasets", []):
            name = dataset["datasetReference"]["datasetId"]
            queries += [
                item["materializedView"]["query"]
                for item in self.tables(besides.project, name)
                if "materializedView" in item
                and (name, item["tableReference"]["tableId"]) != (besides.dataset, besides.table)
            ]
        return queries

    def check_same_location(self, reference: Reference, query: str) -> None:
        """Refuse a view that reads another location than its own (rule 24)."""
        location = self.location(reference.project, reference.dataset) or ""
        for base in tables_of(query, reference.project):
            if self.location(base.project, base.dataset) not in {None, location}:
                raise not_found(f"Dataset {base.project}:{base.dataset} was not found in location {location}")


@lru_cache(maxsize=1024)
def tables_of(query: str, project: str) -> frozenset[Reference]:
    """Return the tables that a query names with their dataset; `project` is where those without one are."""
    return frozenset(
        Reference(table.catalog or project, table.db, table.name)
        for table in _parsed(query).find_all(exp.Table)
        if table.db
    )


def _parsed(query: str) -> exp.Expr:
    try:
        return sqlglot.parse_one(query, read="bigquery")
    except SqlglotError as error:
        raise Refusal(f"Syntax error: {error}", rule="24", reason="invalidQuery") from error


def default_statements(reference: Reference, before: Resource, wanted: Resource) -> list[str]:
    """Return what makes rows get their defaults: the emulator shows those of a schema without applying them."""
    old, new = _defaults(before), _defaults(wanted)
    return [
        f"ALTER TABLE {quoted(reference)} ALTER COLUMN {column_name(name)} SET DEFAULT {new.get(name, 'NULL')}"
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]


def _defaults(resource: Resource) -> dict[str, str]:
    fields = resource.get("schema", {}).get("fields", [])
    return {item["name"]: item["defaultValueExpression"] for item in fields if "defaultValueExpression" in item}


def _comparable(resource: Resource, key: str) -> object:
    """The columns of views come from their queries, so they are not compared; nothing is the same as empty."""
    if key == "schema" and resource["type"] != "TABLE":
        return None
    value = resource.get(key)
    if key == "schema":
        return (value or {}).get("fields", [])
    return value or None
