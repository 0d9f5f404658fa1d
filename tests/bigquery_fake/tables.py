"""Tables, views and materialized views made, changed and deleted, by a request or by a job, within the limits."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from tests.bigquery_fake.catalog import Catalog, Table, with_name
from tests.bigquery_fake.errors import GoogleError
from tests.bigquery_fake.limits import Limits
from tests.bigquery_fake.rules import MAX_MATERIALIZED_VIEWS_PER_BASE
from tests.bigquery_fake.specs import Resource
from tests.bigquery_fake.sql.session import Session
from tests.bigquery_fake.sql.views import base_tables, check_layout, view_columns


class Sessions(Protocol):
    """Opens a session in a project and location, for the check of a view's query."""

    def __call__(self, project: str, location: str | None) -> AbstractContextManager[Session]: ...


class Tables:
    """The one way to change a table; `job` says that a statement does, whose refusals read differently."""

    def __init__(self, catalog: Catalog, limits: Limits, sessions: Sessions) -> None:
        self._catalog = catalog
        self._limits = limits
        self._sessions = sessions

    def create(self, project: str, resource: Resource, *, job: bool = False) -> Table:
        """Make a table, view or materialized view."""
        self._count(project, resource, job=job)
        view = resource.get("view") or resource.get("materializedView")
        if not view or not view.get("query"):  # without a query the rules refuse it
            return self._catalog.create_table(project, resource)
        kind = "VIEW" if resource.get("view") else "MATERIALIZED_VIEW"
        dataset = self._catalog.dataset(project, resource["tableReference"]["datasetId"])
        with self._sessions(project, dataset.location) as session:
            columns = view_columns(session, kind, view["query"])
            bases = base_tables(session, view["query"]) if kind == "MATERIALIZED_VIEW" else set()
        check_layout(resource, columns)
        with self._catalog.lock:
            self._check_room(bases, project)
            table = self._catalog.create_table(project, resource, columns)
            table.bases = tuple(bases)
            for base in bases:
                base.materialized = (*base.materialized, table)
            return table

    def patch(self, table: Table, patch: Resource, if_match: str | None = None, *, job: bool = False) -> None:
        """Change a table as tables.patch does."""
        self._update(table, job=job)
        query = (patch.get("view") or {}).get("query")
        columns = None
        if query and table.spec.kind == "VIEW":
            with self._sessions(table.dataset.project, table.dataset.location) as session:
                columns = view_columns(session, "VIEW", query)
        self._catalog.patch_table(table, patch, if_match, columns)

    def replace(self, table: Table, resource: Resource) -> None:
        """Change a table to a normalized resource, as a statement does."""
        self._update(table, job=True)
        self._catalog.replace_table(table, resource)

    def delete(self, table: Table, *, job: bool = False) -> None:
        """Delete a table with its rows."""
        self._update(table, job=job)
        self._catalog.delete_table(table)

    def current(self, table: Table) -> Resource:
        """Return the normalized resource of a table."""
        return with_name(table)

    def _count(self, project: str, resource: Resource, *, job: bool) -> None:
        reference = resource.get("tableReference", {})
        partitioned = bool({"timePartitioning", "rangePartitioning"} & set(resource))
        if not job:
            self._limits.table_insert()
        name = f"{project}:{reference.get('datasetId')}.{reference.get('tableId')}"
        self._limits.table_update(name, partitioned=partitioned, job=job)

    def _update(self, table: Table, *, job: bool) -> None:
        self._limits.table_update(table.full_name, partitioned=table.spec.partitioned, job=job)

    def _check_room(self, bases: set[Table], project: str) -> None:
        for base in bases:
            made = [table for table in base.materialized if table.exists and table.dataset.project == project]
            if len(made) >= MAX_MATERIALIZED_VIEWS_PER_BASE:
                message = (
                    f"Table {base.full_name} is referenced by {len(made)} materialized views of the project already"
                )
                raise GoogleError(
                    400, "invalid", f"{message}; {MAX_MATERIALIZED_VIEWS_PER_BASE} are the limit (section 0)"
                )
