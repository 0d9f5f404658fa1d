"""Statements that make, change and drop datasets, tables and views, through the same rules as the REST methods."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from tests.bigquery_fake.catalog import Table
from tests.bigquery_fake.errors import invalid_query, unsupported
from tests.bigquery_fake.limits import Limits
from tests.bigquery_fake.rules import dropped_not_null, set_data_type
from tests.bigquery_fake.specs import Resource
from tests.bigquery_fake.sql.ddl_resources import (
    SCHEMA_OPTIONS,
    TABLE_OPTIONS,
    column,
    layout,
    options_of,
    options_resource,
    typed,
)
from tests.bigquery_fake.sql.dml import fill, selected
from tests.bigquery_fake.sql.queries import Row
from tests.bigquery_fake.sql.session import Session
from tests.bigquery_fake.sql.statements import query_text, tokens_of
from tests.bigquery_fake.tables import Tables

Statement = exp.Create | exp.Alter | exp.Drop
_KINDS = {"TABLE": "TABLE", "VIEW": "VIEW", "MATERIALIZED_VIEW": "MATERIALIZED VIEW"}


@dataclass(frozen=True, slots=True)
class Done:
    """What a statement did: CREATE, REPLACE, SKIP, ALTER or DROP, and to which table."""

    operation: str
    target: dict[str, str] | None = None


class Ddl:
    """Runs the statements of one session."""

    def __init__(self, session: Session, tables: Tables, limits: Limits) -> None:
        self._session = session
        self._tables = tables
        self._limits = limits
        self._catalog = session.warehouse.catalog

    def execute(self, statement: Statement, text: str) -> Done:
        """Run a statement, also given as its text."""
        schema = statement.args.get("kind") == "SCHEMA"
        match statement:
            case exp.Create():
                return self._create_schema(statement) if schema else self._create(statement, text)
            case exp.Drop():
                return self._drop_schema(statement) if schema else self._drop(statement)
            case _:
                return self._alter(statement)

    def undrop_schema(self, text: str) -> Done:
        """Run UNDROP SCHEMA, whose name is its last word."""
        words = [token.text for token in tokens_of(text)]
        if len(words) > 3 and words[2].upper() == "IF":
            raise unsupported("UNDROP SCHEMA IF NOT EXISTS")
        project, name = self._schema_name("".join(words[2:]))
        self._limits.dataset_update(f"{project}:{name}", job=True)
        self._catalog.undelete_dataset(project, name)
        return Done("CREATE")

    def _schema_name(self, text: str) -> tuple[str, str]:
        project, _, name = text.rpartition(".")
        return project or self._session.project, name

    def _named_schema(self, node: exp.Expr) -> tuple[str, str]:
        return self._schema_name(".".join(part for part in (node.text("catalog"), node.text("db")) if part))

    def _create_schema(self, statement: exp.Create) -> Done:
        project, name = self._named_schema(statement.this)
        self._limits.dataset_update(f"{project}:{name}", job=True)
        resource: Resource = {"datasetReference": {"projectId": project, "datasetId": name}}
        resource |= options_of(_properties(statement), SCHEMA_OPTIONS)
        resource.setdefault("location", self._session.location or "US")
        self._session.settle(resource["location"], f"Dataset {project}:{name}")
        if statement.args.get("exists") and self._catalog.find_dataset(project, name):
            return Done("SKIP")
        self._catalog.create_dataset(project, resource)
        return Done("CREATE")

    def _drop_schema(self, statement: exp.Drop) -> Done:
        (node,) = statement.args["tables"]
        project, name = self._named_schema(node)
        if statement.args.get("exists") and not self._catalog.find_dataset(project, name):
            return Done("SKIP")
        self._session.dataset(project, name)
        self._limits.dataset_update(f"{project}:{name}", job=True)
        self._catalog.delete_dataset(project, name, contents=bool(statement.args.get("cascade")))
        return Done("DROP")

    def _create(self, statement: exp.Create, text: str) -> Done:
        node = statement.this.this if isinstance(statement.this, exp.Schema) else statement.this
        project, dataset, name = self._session.reference(node)
        reference = {"projectId": project, "datasetId": dataset, "tableId": name}
        found = self._session.dataset(project, dataset).tables.get(name)
        if found and statement.args.get("exists"):
            return Done("SKIP", reference)
        resource = {"tableReference": reference} | _declared(statement, text)
        rows = self._selected(statement, resource)
        if not found or not statement.args.get("replace"):
            made = self._tables.create(project, resource, job=True)
            if rows:
                fill(self._session, made, rows)
            return Done("CREATE", reference)
        kind = "VIEW" if "view" in resource else "MATERIALIZED_VIEW" if "materializedView" in resource else "TABLE"
        if found.spec.kind != kind:
            raise invalid_query(
                f"{found.full_name} is a {_KINDS[found.spec.kind]}, which a {_KINDS[kind]} cannot replace"
            )
        if kind == "VIEW":  # the view stays the same object
            cleared: Resource = dict.fromkeys(("description", "friendlyName", "labels", "expirationTime"))
            kept = dict.fromkeys(found.spec.resource.get("labels", {}))
            labels = {"labels": kept | resource["labels"]} if "labels" in resource else {}
            self._tables.patch(found, cleared | resource | labels, job=True)
        else:
            made = self._replace(found, project, resource)
            if rows:
                fill(self._session, made, rows)
        return Done("REPLACE", reference)

    def _selected(self, statement: exp.Create, resource: Resource) -> list[Row]:
        """Return the rows of CREATE TABLE AS SELECT as the new table stores them, none of another statement."""
        if statement.args["kind"] != "TABLE" or statement.expression is None:
            return []
        if resource.get("timePartitioning", {"field": ""}).get("field") is None:
            raise invalid_query("PARTITION BY _PARTITIONDATE or _PARTITIONTIME is not allowed with AS SELECT")
        self._session.billed = True
        return selected(self._session, statement.expression.copy(), resource["schema"]["fields"])

    def _replace(self, found: Table, project: str, resource: Resource) -> Table:
        """Put another table in the place of one; what cannot be made leaves the old one as it was."""
        catalog = self._catalog
        with catalog.lock:
            before = found.dataset.tables.pop(found.name)
            try:
                made = self._tables.create(project, resource, job=True)
            except BaseException:
                found.dataset.tables[found.name] = before
                raise
            found.write(None, catalog.now())
            found.dataset.gone.append(found)
            return made

    def _drop(self, statement: exp.Drop) -> Done:
        (node,) = statement.args["tables"]
        project, dataset, name = self._session.reference(node)
        reference = {"projectId": project, "datasetId": dataset, "tableId": name}
        parent = self._catalog.find_dataset(project, dataset)
        if statement.args.get("exists") and (parent is None or name not in parent.tables):
            return Done("SKIP", reference)
        table = self._session.table(node)
        kind = "MATERIALIZED VIEW" if statement.args.get("materialized") else statement.args["kind"]
        if _KINDS[table.spec.kind] != kind:
            raise invalid_query(f"Cannot drop {table.full_name}, a {_KINDS[table.spec.kind]}, with DROP {kind}")
        self._tables.delete(table, job=True)
        return Done("DROP", reference)

    def _alter(self, statement: exp.Alter) -> Done:
        table = self._session.table(statement.this)
        actions = statement.args["actions"]
        match actions:
            case [exp.AlterSet() as change]:
                self._set_options(table, change.expressions[0].expressions)
            case [exp.AlterColumn() as change]:
                self._tables.replace(table, _altered(self._tables.current(table), change))
            case [exp.Drop(), *_]:
                self._drop_columns(table, actions)
            case [exp.ColumnDef(), *_]:
                self._add_columns(table, actions)
            case _:
                raise unsupported(f"the statement {statement.sql('bigquery')[:120]!r}")
        return Done("ALTER", table.reference())

    def _set_options(self, table: Table, options: list[exp.Expr]) -> None:
        patch = options_resource(options, TABLE_OPTIONS)
        if "labels" in patch:
            patch["labels"] = dict.fromkeys(table.spec.resource.get("labels", {})) | (patch["labels"] or {})
        self._tables.patch(table, patch, job=True)

    def _add_columns(self, table: Table, actions: list[exp.Expr]) -> None:
        fields = list(table.spec.fields)
        present = {field["name"].casefold() for field in fields}
        for action in actions:
            field = column(action)
            if field["name"].casefold() in present and action.args.get("exists"):
                continue
            if field["name"].casefold() in present:
                raise invalid_query(f"Column already exists: {field['name']} at [1:1]")
            present.add(field["name"].casefold())
            fields.append(field)
        if len(fields) > len(table.spec.fields):
            self._tables.patch(table, {"schema": {"fields": fields}}, job=True)

    def _drop_columns(self, table: Table, actions: list[exp.Expr]) -> None:
        resource = self._tables.current(table)
        fixed = {name.casefold() for name in (*table.spec.clustering, table.spec.partition_column or "")}
        for action in actions:
            name = action.args["tables"][0].name
            found = table.spec.column(name)
            if found is None and action.args.get("exists"):
                continue
            if found is None:
                raise invalid_query(f"Column not found: {name} at [1:1]")
            if name.casefold() in fixed:
                raise invalid_query(f"Column {name} partitions or clusters the table and cannot be dropped (rule 17)")
            kept = [field for field in resource["schema"]["fields"] if field is not found]
            resource = {**resource, "schema": {"fields": kept}}
        self._tables.replace(table, resource)


def _properties(statement: exp.Create) -> list[exp.Expr]:
    properties = statement.args.get("properties")
    return list(properties.expressions) if properties else []


def _declared(statement: exp.Create, text: str) -> Resource:
    """Return what a CREATE TABLE or VIEW declares, as a resource for tables.insert."""
    properties = _properties(statement)
    definitions = statement.this.expressions if isinstance(statement.this, exp.Schema) else []
    query = statement.expression
    if statement.args["kind"] == "TABLE":
        if not definitions:
            raise unsupported("CREATE TABLE without column definitions")
        fields = [column(item) for item in definitions]
        resource: Resource = {"schema": {"fields": fields}} | layout(properties, fields)
        return _merged(resource, options_of(properties, TABLE_OPTIONS))
    if statement.args["kind"] != "VIEW" or definitions or query is None:
        raise unsupported(f"the statement {statement.sql('bigquery')[:120]!r}")
    materialized = any(isinstance(item, exp.MaterializedProperty) for item in properties)
    view = {"materializedView": {}} if materialized else {"view": {"useLegacySql": False}}
    resource = view | layout(properties, [])
    resource = _merged(resource, options_of(properties, TABLE_OPTIONS))
    resource["materializedView" if materialized else "view"]["query"] = query_text(text)
    return resource


def _merged(resource: Resource, options: Resource) -> Resource:
    merged = dict(resource)
    for key, value in options.items():
        merged[key] = {**merged.get(key, {}), **value} if isinstance(value, dict) else value
    return merged


def _altered(resource: Resource, change: exp.AlterColumn) -> Resource:
    if (kind := change.args.get("dtype")) is not None:
        collate = change.args.get("collate")
        collation = {"collation": collate.name} if collate else {}
        mode = {"mode": "REQUIRED"} if change.args.get("allow_null") is False else {}
        return set_data_type(resource, change.name, typed(change.name, kind) | mode | collation)
    if change.args.get("drop") and change.args.get("allow_null"):
        return dropped_not_null(resource, change.name)
    raise unsupported(f"the statement ... {change.sql('bigquery')!r}")
