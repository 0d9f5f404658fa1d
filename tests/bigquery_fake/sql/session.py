"""What the statements of one job share: names resolved in one project and location, parameters, an engine cursor."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlglot import exp

from tests.bigquery_fake.catalog import Catalog, Dataset, Table
from tests.bigquery_fake.errors import invalid_query, not_found
from tests.bigquery_fake.information_schema import InformationSchema, Qualifier
from tests.bigquery_fake.sql.concurrency import Concurrency
from tests.bigquery_fake.sql.parameters import Parameters
from tests.bigquery_fake.sql.row_store import Cursor, RowStore, Stored
from tests.bigquery_fake.sql.statements import parse_query

_INFORMATION_SCHEMA = "INFORMATION_SCHEMA."
_REGION = "region-"


@dataclass(frozen=True, slots=True)
class Warehouse:
    """The parts of the fake that statements work on."""

    catalog: Catalog
    store: RowStore
    information_schema: InformationSchema
    concurrency: Concurrency


@dataclass(slots=True)
class Session:
    """One job at work. `location` is None until the job or the first dataset it touches says it."""

    warehouse: Warehouse
    cursor: Cursor
    project: str
    location: str | None
    parameters: Parameters
    default_dataset: str | None = None
    planning: bool = False  # nothing will be run, so that no table needs to be there for the engine
    billed: bool = False  # whether it read a table or INFORMATION_SCHEMA, which costs at least 10 MB (rule 26)
    pinned: dict[Table, Stored] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def name(self, prefix: str) -> str:
        """Return a name that no other relation of this session has."""
        return f"{prefix}_{next(self._numbers)}"

    def table(self, node: exp.Table) -> Table:
        """Return the table a statement names; raises 404 when it is not there, or not in the job's location."""
        project, dataset, name = self.reference(node)
        found = self.warehouse.catalog.find_dataset(project, dataset)
        table = found.tables.get(name) if found else None
        if found:
            self.settle(found.location, f"Table {project}:{dataset}.{name}")
        if table is None:
            what = f"Table {project}:{dataset}.{name}" if found else f"Dataset {project}:{dataset}"
            raise not_found(what, self.location or "US")
        return table

    def reference(self, node: exp.Table) -> tuple[str, str, str]:
        """Return project, dataset and table as a statement names them."""
        dataset = node.db or self.default_dataset
        if not dataset:
            raise invalid_query(f'Table "{node.name}" must be qualified with a dataset (e.g. dataset.table).')
        return node.catalog or self.project, dataset, node.name

    def dataset(self, project: str, name: str) -> Dataset:
        """Return a dataset; raises 404 when it is not there, or not in the job's location."""
        found = self.warehouse.catalog.find_dataset(project, name)
        if found is None:
            raise not_found(f"Dataset {project}:{name}", self.location or "US")
        self.settle(found.location, f"Dataset {project}:{name}")
        return found

    def settle(self, location: str, what: str) -> None:
        """Take the location of what is touched for the job's, or raise 404 when the job runs elsewhere."""
        if self.location is None:
            self.location = location
        elif self.location.casefold() != location.casefold():
            raise not_found(what, self.location)

    def qualifier(self, node: exp.Table) -> Qualifier | None:
        """Return what an INFORMATION_SCHEMA view is of; None for another table."""
        if not node.name.startswith(_INFORMATION_SCHEMA):
            return None
        project = node.catalog or self.project
        if node.db.casefold().startswith(_REGION) or not node.db:
            region = node.db[len(_REGION) :].casefold() or (self.location or "US").casefold()
            self.settle(region.upper() if region in {"eu", "us"} else region, f"Dataset {project}:{node.db}")
            return Qualifier(project, None, region)
        self.dataset(project, node.db)
        return Qualifier(project, node.db, None)

    def pin(self, tables: Iterable[Table]) -> None:
        """Make sure the engine has these tables with the columns they have now; no lock is held by the caller."""
        store = self.warehouse.store
        for table in tables:
            stored = store.find(table)
            if stored is None:
                with self.warehouse.concurrency.alone(table):
                    stored = store.find(table) or store.build(table)
            self.pinned[table] = stored

    def stored(self, table: Table) -> Stored:
        """Return where a table is and what it was when it was pinned, which may be now."""
        if table not in self.pinned:
            self.pin([table])
        return self.pinned[table]

    def pin_again(self, tables: Iterable[Table]) -> None:
        """Pin the tables that are changed, whose locks the caller holds."""
        for table in tables:
            self.pinned[table] = self.warehouse.store.latest(table)

    def tables_in(self, tree: exp.Expr) -> set[Table]:
        """Return the tables that hold the rows a statement works on, through all its views."""
        found: set[Table] = set()
        names = cte_names(tree)
        for node in tree.find_all(exp.Table):
            if is_cte(node, names) or node.name.startswith(_INFORMATION_SCHEMA):
                continue
            table = self.table(node)
            if table.spec.kind == "TABLE":
                found.add(table)
            else:
                found |= self.tables_in(parse_query(table.spec.query))
        return found


def cte_names(tree: exp.Expr) -> set[str]:
    """Return the names of the WITH clauses of a statement in lower case."""
    return {cte.alias.casefold() for cte in tree.find_all(exp.CTE)}


def is_cte(node: exp.Table, names: set[str]) -> bool:
    """Tell whether a table of a statement is one of its WITH clauses."""
    return not node.db and node.name.casefold() in names
