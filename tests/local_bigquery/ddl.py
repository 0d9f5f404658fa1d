"""DDL statements checked by the rules, and written so that the emulator carries them out.

What the emulator does not understand or drops (type parameters, nested NOT NULL, descriptions, OPTIONS) is left out of
its statement and patched into its record afterwards, see catalog.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp

from tests.bigquery_fake.rules import Refusal, Resource, dropped_not_null, new_table, patched, set_data_type
from tests.local_bigquery.answers import not_found, not_modelled
from tests.local_bigquery.catalog import Catalog, changeable, column_name, quoted
from tests.local_bigquery.column_types import column_options, definition, field_of, type_of, type_text
from tests.local_bigquery.emulator import Reference
from tests.local_bigquery.options import layout_of, options_of
from tests.local_bigquery.sources import Source, query_text

# The emulator takes fewer options than BigQuery; all of them are patched into its record.
_SET_OPTIONS = "SET OPTIONS (description = '')"


@dataclass(frozen=True, slots=True)
class Step:
    """One statement: its text for the emulator, and what the table has to be afterwards, where that is known.

    `record` is what the emulator has to be told besides; None when nothing changes.
    """

    text: str
    reference: Reference | None = None
    before: Resource | None = None
    wanted: Resource | None = None
    record: Resource | None = None


def step(
    source: Source, project: str, default: str | None, catalog: Catalog, planned: Mapping[Reference, Resource | None]
) -> Step:
    """Return how to carry out a DDL statement; raises Refusal.

    `default` is the dataset of names without one, `planned` are tables as earlier statements will leave them.
    """
    tree, target = source.tree, source.tree.find(exp.Table)
    dataset = target and (target.db or default)
    if target is None or not target.name or not dataset or tree.find(exp.TemporaryProperty):
        return Step(source.text)
    reference = Reference(target.catalog or project, dataset, target.name)
    current = planned[reference] if reference in planned else catalog.table(reference)
    kind = tree.args.get("kind")
    match tree:
        case exp.Alter() if kind == "TABLE":
            return _altered(source, tree, reference, current)
        case exp.Create() if kind == "TABLE" and isinstance(tree.this, exp.Schema) and not tree.expression:
            return _table(tree, reference, current, catalog)
        case exp.Create() if kind == "TABLE" and isinstance(tree.this, exp.Schema):
            raise not_modelled("CREATE TABLE with columns AS SELECT, whose rows the emulator drops")
        case exp.Create() if kind == "VIEW" and not (current and tree.args.get("exists")):
            return _view(source, tree, reference, current, catalog)
        case exp.Drop():
            return Step(source.text, reference)
    return Step(source.text)


def _altered(source: Source, tree: exp.Alter, reference: Reference, current: Resource | None) -> Step:
    actions = tree.args["actions"]
    if current is None or any(isinstance(action, exp.AlterRename) for action in actions):
        if current is None and not tree.args.get("exists"):
            raise not_found(f"Table {reference.project}:{reference.dataset}.{reference.table}")
        return Step(source.text)
    wanted, texts = current, []
    for action in actions:
        wanted, text = _action(action, wanted)
        texts.append(text)
    followed = [text for text in texts if text is not None]
    if not followed:
        # Nothing that the rules follow; an empty patch gives the table another etag, as a statement does.
        return Step(source.text, reference, current, None, {})
    if len(followed) < len(texts):
        raise not_modelled("ALTER TABLE that changes columns and something else at once")
    if all(isinstance(action, exp.ColumnDef) for action in actions):
        followed = [", ".join(followed)]
    # The emulator takes several additions in one statement, but only one alteration of a column.
    text = ";\n".join(f"ALTER TABLE {quoted(reference)} {text}" for text in followed)
    if wanted is current:
        return Step(text)
    return Step(text, reference, current, wanted, _record(wanted, current))


def _action(action: exp.Expr, current: Resource) -> tuple[Resource, str | None]:
    """Return the table after one action, and the action for the emulator, which is None for those left as written."""
    match action:
        case exp.ColumnDef():
            return _with_addition(action, current)
        case exp.AlterColumn():
            return _with_alteration(action, current)
        case exp.Drop() if action.args.get("kind") == "COLUMN":
            _check_is_free(current, action.args["tables"][0].name, "17")
        case exp.RenameColumn():
            _check_is_free(current, action.this.name, "18")
        case exp.AlterSet():
            return patched(current, _options_patch(action, current)), _SET_OPTIONS
    return current, None


def _options_patch(action: exp.AlterSet, current: Resource) -> Resource:
    """Return the patch that has the effect of SET OPTIONS, where a list of labels takes the place of the old one."""
    found = options_of(action)
    if "labels" in found:
        found["labels"] = dict.fromkeys(current.get("labels", {})) | found["labels"]
    return found


def _with_addition(action: exp.ColumnDef, current: Resource) -> tuple[Resource, str]:
    fields = current.get("schema", {}).get("fields", [])
    if any(field["name"].casefold() == action.name.casefold() for field in fields):
        if action.args.get("exists"):
            return current, f"ADD COLUMN IF NOT EXISTS {definition(_field(current, action.name))}"
        raise Refusal(f"Column already exists: {action.name}", rule="10", reason="invalidQuery")
    after = patched(current, {"schema": {"fields": [*fields, field_of(action)]}})
    return after, f"ADD COLUMN {definition(after['schema']['fields'][-1])}"


def _with_alteration(action: exp.AlterColumn, current: Resource) -> tuple[Resource, str]:
    head = f"ALTER COLUMN {column_name(action.name)}"
    if kind := action.args.get("dtype"):
        mode = {"mode": "REQUIRED"} if action.args.get("allow_null") is False else {}
        after = set_data_type(current, action.name, type_of(kind) | mode)
        return after, f"{head} SET DATA TYPE {type_text(_field(after, action.name))}"
    if action.args.get("allow_null"):
        return dropped_not_null(current, action.name), f"{head} DROP NOT NULL"
    if options := action.args.get("comment"):
        field = {**_field(current, action.name), **column_options(options)}
        return _with_field(current, field), f"{head} {_SET_OPTIONS}"
    default = action.args.get("default")
    text = default.sql("bigquery") if default else None
    field = {**_field(current, action.name), "defaultValueExpression": text}
    return _with_field(current, field), f"{head} SET DEFAULT {text or 'NULL'}"


def _with_field(current: Resource, field: Resource) -> Resource:
    fields = [field if item["name"] == field["name"] else item for item in current["schema"]["fields"]]
    return patched(current, {"schema": {"fields": fields}})


def _field(resource: Resource, name: str) -> Resource:
    for field in resource.get("schema", {}).get("fields", []):
        if field["name"].casefold() == name.casefold():
            return dict(field)
    raise Refusal(f"Column not found: {name}", rule="15", reason="invalidQuery")


def _check_is_free(resource: Resource, column: str, rule: str) -> None:
    layout = resource.get("timePartitioning") or resource.get("rangePartitioning") or {}
    bound = [layout.get("field") or "", *resource.get("clustering", {}).get("fields", [])]
    if column.casefold() in {name.casefold() for name in bound}:
        raise Refusal(f"Column {column} partitions or clusters the table", rule=rule, reason="invalidQuery")


def _table(tree: exp.Create, reference: Reference, current: Resource | None, catalog: Catalog) -> Step:
    resource = {
        "tableReference": _json(reference),
        "schema": {"fields": [field_of(column) for column in tree.this.expressions]},
        **layout_of(tree),
    }
    wanted = new_table(resource, dataset=catalog.dataset(reference.project, reference.dataset))
    columns = ", ".join(definition(field) for field in wanted["schema"]["fields"])
    if current and tree.args.get("exists"):
        return Step(f"CREATE TABLE IF NOT EXISTS {quoted(reference)} ({columns})")
    text = f"{_create(tree)} TABLE {quoted(reference)} ({columns})"
    return Step(text, reference, None, wanted, _record(wanted))


def _view(source: Source, tree: exp.Create, reference: Reference, current: Resource | None, catalog: Catalog) -> Step:
    query = query_text(source.text)
    catalog.check_same_location(reference, query)
    if not tree.find(exp.MaterializedProperty):
        return Step(source.text, reference, current, None, {"view": {"query": query, "useLegacySql": False}})
    catalog.check_materialized_view(reference, query)
    resource = {"tableReference": _json(reference), **layout_of(tree)}
    resource["materializedView"] = {**resource.get("materializedView", {}), "query": query}
    wanted = new_table(resource, dataset=catalog.dataset(reference.project, reference.dataset))
    text = f"{_create(tree)} MATERIALIZED VIEW {quoted(reference)} AS {query}"
    return Step(text, reference, current, wanted, _record(wanted))


def _create(tree: exp.Create) -> str:
    return "CREATE OR REPLACE" if tree.args.get("replace") else "CREATE"


def _json(reference: Reference) -> Resource:
    return {"projectId": reference.project, "datasetId": reference.dataset, "tableId": reference.table}


def _record(wanted: Resource, before: Resource | None = None) -> Resource:
    """Return the patch that makes an emulator's record what is wanted; what is not wanted any more is set to null."""
    gone = {key: None for key in before or {} if key not in wanted}
    labels = {"labels": dict.fromkeys((before or {}).get("labels", {})) | wanted.get("labels", {})}
    return gone | changeable(wanted) | labels
