"""The methods of tables, views and materialized views."""

from __future__ import annotations

from tests.bigquery_fake.calls import DATASET, LISTING, TABLE, Call, Method, method, page
from tests.bigquery_fake.catalog import Catalog, Table
from tests.bigquery_fake.errors import invalid
from tests.bigquery_fake.job_resources import INT64_TIMESTAMP, rows_page
from tests.bigquery_fake.resources import table_item, table_resource
from tests.bigquery_fake.specs import Resource
from tests.bigquery_fake.sql.row_store import RowStore
from tests.bigquery_fake.tables import Tables


class TableMethods:
    """tables.insert, list, get, patch and delete, and tabledata.list."""

    def __init__(self, catalog: Catalog, tables: Tables, store: RowStore) -> None:
        self._catalog = catalog
        self._tables = tables
        self._store = store

    def methods(self) -> list[Method]:
        """Return the methods."""
        every = f"{DATASET}/tables"
        rows = ("selectedFields", "startIndex", INT64_TIMESTAMP, *LISTING)
        return [
            method("tables.insert", "POST", every, self._insert),
            method("tables.list", "GET", every, self._list, LISTING),
            method("tables.get", "GET", TABLE, self._get, ("view",)),
            method("tables.patch", "PATCH", TABLE, self._patch),
            method("tables.delete", "DELETE", TABLE, self._delete),
            method("tabledata.list", "GET", f"{TABLE}/data", self._rows, rows),
        ]

    def _insert(self, call: Call) -> Resource:
        given = call.body.get("tableReference", {})
        if (given.get("projectId"), given.get("datasetId")) != (call.project, call.dataset):
            raise invalid(f"tableReference {given} is not of {call.project}:{call.dataset}")
        return self._answer(self._tables.create(call.project, call.body))

    def _list(self, call: Call) -> Resource:
        dataset = self._catalog.dataset(call.project, call.dataset)
        with self._catalog.lock:
            tables = sorted(dataset.tables.values(), key=lambda table: table.name)
        listed = page(call, [table_item(table) for table in tables], "tables")
        return listed | {"totalItems": len(tables)}

    def _get(self, call: Call) -> Resource:
        if call.query.get("view") == "BASIC":
            return table_resource(self._table(call), {})
        return self._answer(self._table(call))

    def _patch(self, call: Call) -> Resource:
        table = self._table(call)
        self._tables.patch(table, call.body, call.if_match)
        return self._answer(table)

    def _delete(self, call: Call) -> None:
        self._tables.delete(self._table(call))

    def _rows(self, call: Call) -> Resource:
        table = self._table(call)
        wanted = call.query.get("selectedFields")
        names = wanted.split(",") if wanted else [field["name"] for field in table.spec.fields]
        fields = [found for name in names if (found := table.spec.column(name))]
        if table.spec.kind != "TABLE" or len(fields) < len(names):
            raise invalid(f"Cannot list rows of {table.full_name}: it is no table, or lacks one of {names}")
        rows = self._store.rows(table, fields)
        return rows_page(fields, rows, call.query, int64_timestamp=call.query.get(INT64_TIMESTAMP) == "True")

    def _table(self, call: Call) -> Table:
        return self._catalog.table(call.project, call.dataset, call.parts["table"])

    def _answer(self, table: Table) -> Resource:
        return table_resource(table, self._store.statistics(table))
