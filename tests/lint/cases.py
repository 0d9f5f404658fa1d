"""For each code one edit of a small catalog that breaks its rule, and one beside it that does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from cloudact.catalog.problems import Code
from cloudact.catalog.rules import MAX_COLUMNS, MAX_MATERIALIZED_VIEWS
from cloudact.lint.check import Report, lint_catalog
from cloudact.lint.rehearsal import Rehearse
from cloudact.wiring import rehearse
from tests.catalog.declared import (
    ACCOUNTS,
    CENTRAL_CONFIG,
    CONFIG_FILE,
    EVENTS,
    RECENT,
    CatalogDirectory,
    column,
    nested,
    small_catalog,
)

MINE = "WHERE org_slug = {org_slug}"
OTHER = "setup/organizations/schemas/other.json"
SECOND = "setup/organizations/views/second.sql"


class Special(Enum):
    """What stands in the place of a file's content."""

    ABSENT = "the file is not there"
    DIRECTORY = "a directory has its name"


Edit = Mapping[str, Any]


@dataclass(frozen=True)
class Case:
    """Edits by path; a rule on revisions compares with `base`, itself an edit of the small catalog."""

    bad: Edit
    good: Edit
    base: Edit | None = None
    both: Edit = field(default_factory=dict)
    rehearse: Rehearse | None = None

    def report(self, folder: Path, edit: Edit) -> Report:
        """Return the report on the catalog with one of the edits."""
        head = made(folder / "head", {**(self.base or {}), **self.both, **edit})
        if self.base is None:
            return lint_catalog(head, rehearse=self.rehearse)
        return lint_catalog(head, against=str(made(folder / "base", self.base)))


def made(folder: Path, edit: Edit) -> Path:
    """Write the small catalog with an edit, and return its directory."""
    catalog = CatalogDirectory(folder)
    for path, value in edit.items():
        if value is Special.ABSENT:
            (folder / path).unlink(missing_ok=True)
        elif value is Special.DIRECTORY:
            catalog.delete(path)
            (folder / path).mkdir()
        else:
            catalog.write(path, value)
    return folder


def central(**keys: Any) -> Edit:
    """Return the central config with these keys."""
    return {CENTRAL_CONFIG: small_catalog()[CENTRAL_CONFIG] | keys}


def config(**keys: Any) -> Edit:
    """Return the organizations' config with these keys."""
    return {CONFIG_FILE: small_catalog()[CONFIG_FILE] | keys}


def events(*columns: Any) -> Edit:
    """Return the events table with these columns and no others."""
    return {EVENTS: list(columns)}


def more(*columns: Any) -> Edit:
    """Return the events table with these columns behind its own."""
    return {EVENTS: [*small_catalog()[EVENTS], *columns]}


def changed(name: str, /, **keys: Any) -> Edit:
    """Return the events table with keys of one of its columns changed, or taken away by None."""
    columns = [item | keys if item["name"] == name else item for item in small_catalog()[EVENTS]]
    return {EVENTS: [{key: value for key, value in item.items() if value is not None} for item in columns]}


def without(name: str) -> Edit:
    """Return the events table less one of its columns."""
    return {EVENTS: [item for item in small_catalog()[EVENTS] if item["name"] != name]}


def table(**keys: Any) -> Edit:
    """Return the config with these keys of the events table."""
    return config(tables={"events": keys})


def view(**keys: Any) -> Edit:
    """Return the config with these keys of the view."""
    return config(views={"recent": keys})


def query(text: str) -> Edit:
    """Return the view with another query."""
    return {RECENT: text}


def own_views(number: int) -> Edit:
    """Return as many materialized views over the organization's own table, and the one there is."""
    names = [f"v{index}" for index in range(number)]
    files = {f"setup/organizations/views/{name}.sql": "SELECT id FROM {dataset}.events" for name in names}
    return {**config(views={"recent": None, **{name: {"materialized": "own"} for name in names}}), **files}


def ranges(interval: int) -> dict[str, Any]:
    """Return a partitioning by 100,000 numbers."""
    return {"type": "RANGE", "field": "id", "start": 0, "end": 100_000, "interval": interval}


def export(**keys: Any) -> Edit:
    """Return an export of which one column and all others have a home in the events table, with these keys."""
    return {
        "exports/bill.yml": {"title": "A bill", "table": "events", "columns": {"id": None}, "others": "data"} | keys
    }


RECORD = column("r", "RECORD", fields=[column("a", "INT64")])
TWO = config(tables={"events": None, "other": None})
DAILY = table(partition={"type": "DAY", "field": "day"})
BY_NAME = table(clustering=["name"])
SHAREABLE = f"SELECT org_slug, email FROM {{organizations}}.accounts {MINE}"
PLAIN = "SELECT id FROM {dataset}.events"
MANY = [column(f"c{number}", description="Any text.") for number in range(MAX_COLUMNS - 1)]

CASES: dict[Code, Case] = {
    # Files
    Code.MISSING_FILE: Case({EVENTS: Special.ABSENT}, {}),
    Code.UNREADABLE_FILE: Case({EVENTS: Special.DIRECTORY}, {}),
    Code.NOT_UTF8: Case({RECENT: b"SELECT '\xff'"}, query(f"SELECT 'ü' AS u FROM {{organizations}}.accounts {MINE}")),
    Code.SYNTAX: Case({EVENTS: "[,]"}, {EVENTS: '[{"name": "id", "type": "INT64"}]'}),
    Code.EMPTY_FILE: Case({CONFIG_FILE: "# nothing yet\n"}, {}),
    Code.INVALID_ENTRY: Case(table(cluster=["id"]), table(clustering=["id"])),
    Code.UNDECLARED_FILE: Case({OTHER: [column("id")]}, {OTHER: [column("id")], **TWO}),
    Code.DUPLICATE_KEY: Case(
        {EVENTS: '[{"name": "id", "name": "id", "type": "INT64"}]'}, {EVENTS: '[{"name": "id", "type": "INT64"}]'}
    ),
    # Columns
    Code.INVALID_COLUMN: Case(more(column("x", mode="SOMETIMES")), more(column("x", mode="nullable"))),
    Code.UNKNOWN_TYPE: Case(more(column("x", "TEXT")), more(column("x", "bigint"))),
    Code.TYPE_PARAMETERS: Case(
        more(column("x", "NUMERIC", precision=40)), more(column("x", "NUMERIC", precision=38, scale=9))
    ),
    Code.DUPLICATE_COLUMN: Case(more(column("ID")), more(column("r", "RECORD", fields=[column("id")]))),
    Code.COLUMN_NAME: Case(more(column("a.b")), more(column("a b"))),
    Code.RESERVED_COLUMN_NAME: Case(more(column("_PARTITION_day")), more(column("partition_day"))),
    Code.LONG_DESCRIPTION: Case(more(column("x", description="x" * 1025)), more(column("x", description="x" * 1024))),
    Code.INVALID_DEFAULT: Case(
        more(column("x", "INT64", defaultValueExpression="'0'")), more(column("x", "INT64", defaultValueExpression="0"))
    ),
    Code.TOO_MANY_COLUMNS: Case(events(column("id"), column("x"), *MANY), events(column("id"), *MANY)),
    Code.DEEP_NESTING: Case(more(nested(16)), more(nested(15))),
    Code.UNDESCRIBED_COLUMNS: Case(
        more(RECORD), {**events(column("id", description="A number.")), **query(SHAREABLE), ACCOUNTS: [
            column("org_slug", description="Whose."), column("email", description="Of whom.")]}
    ),
    # Names and layout
    Code.DATASET_NAME: Case(config(dataset="everybody"), config(dataset="of_{org_slug}")),
    Code.HIDDEN_DATASET: Case(central(dataset="_central"), central(dataset="central_")),
    Code.RESERVED_DATASET_NAME: Case(central(dataset="Main"), central(dataset="main_data")),
    Code.DUPLICATE_NAME: Case(config(views={"recent": None, "Events": {"sql": "views/recent.sql"}}), config()),
    Code.RESERVED_TABLE_NAME: Case(
        {**config(tables={"events": None, "__TABLES__": None}), "setup/organizations/schemas/__TABLES__.json": [
            column("id")]},
        {**TWO, OTHER: [column("id")]},
    ),
    Code.PARTITION_FIELD: Case(table(partition={"type": "DAY", "field": "name"}), DAILY),
    Code.PARTITION_GRANULARITY: Case(table(partition={"type": "HOUR", "field": "day"}), DAILY),
    Code.TOO_MANY_PARTITIONS: Case(table(partition=ranges(9)), table(partition=ranges(10))),
    Code.HOURLY_PARTITIONS: Case(
        table(partition={"type": "HOUR", "field": "at"}),
        table(partition={"type": "HOUR", "field": "at", "expiration_days": 400}),
    ),
    Code.CLUSTERING_COLUMNS: Case(table(clustering=["nope"]), table(clustering=["NAME"])),
    Code.CLUSTERING_TYPE: Case(table(clustering=["data"]), table(clustering=["name"])),
    Code.UNDESCRIBED_OBJECT: Case(
        {},
        {
            **central(description="All.", tables={"accounts": {"description": "One row per account."}}),
            **config(
                description="One.",
                tables={"events": {"description": "One row per event."}},
                views={"recent": {"description": "One row per account."}},
            ),
        },
    ),
    # Views
    Code.VIEW_SQL: Case(query("DROP TABLE x"), query(SHAREABLE)),
    Code.PLACEHOLDER: Case(query("SELECT '{org_slug}' AS me"), query("SELECT {org_slug} AS me")),
    Code.UNKNOWN_TABLE: Case(query("SELECT id FROM {dataset}.accounts"), query("SELECT id FROM {dataset}.events")),
    Code.UNKNOWN_COLUMN: Case(
        {**more(RECORD), **query("WITH w AS (SELECT r FROM {dataset}.events) SELECT w.r.b FROM w")},
        {**more(RECORD), **query("WITH w AS (SELECT r FROM {dataset}.events) SELECT w.r.a FROM w")},
    ),
    Code.UNSCOPED_VIEW: Case(query("SELECT email FROM {organizations}.accounts"), query(SHAREABLE)),
    Code.NOT_MATERIALIZABLE: Case(
        {**view(materialized="own"), **query("SELECT DISTINCT id FROM {dataset}.events")},
        {**view(materialized="never"), **query("SELECT DISTINCT id FROM {dataset}.events")},
    ),
    Code.CLUSTERED_AGGREGATE: Case(
        view(materialized="own", clustering=["n"]),
        view(materialized="own", clustering=["name"]),
        both=query("SELECT name, COUNT(*) AS n FROM {dataset}.events GROUP BY name"),
    ),
    Code.SHARED_NAME_TAKEN: Case(
        {**central(tables={"accounts": None, "recent_all": None}), **query(SHAREABLE),
         "setup/bootstrap/schemas/recent_all.json": [column("id")]},
        query(SHAREABLE),
    ),
    Code.SELECT_STAR: Case(
        query("SELECT e.* FROM {dataset}.events AS e"), query("SELECT COUNT(*) AS n FROM {dataset}.events")
    ),
    Code.UNTRANSLATABLE_VIEW: Case(
        query("SELECT APPROX_TOP_COUNT(name, 3) AS top FROM {dataset}.events"),
        query("SELECT APPROX_COUNT_DISTINCT(name) AS names FROM {dataset}.events"),
    ),
    Code.MATERIALIZED_VIEW_BUDGET: Case(own_views(MAX_MATERIALIZED_VIEWS + 1), own_views(MAX_MATERIALIZED_VIEWS)),
    Code.AUTHORIZED_DATASETS: Case(config(authorize_views=True), config(authorize_views=False)),
    Code.UNUSED_LAYOUT: Case(
        view(materialized="never", refresh_interval_minutes=5),
        {**view(materialized="shared", refresh_interval_minutes=5), **query(SHAREABLE)},
    ),
    Code.DUPLICATE_VIEW_COLUMN: Case(
        query("SELECT id, name AS ID FROM {dataset}.events"), query("SELECT id, name AS id_2 FROM {dataset}.events")
    ),
    # Revisions
    Code.REQUIRED_ADDED: Case(
        more(column("x", mode="REQUIRED")),
        more(column("r", "RECORD", fields=[column("x", mode="REQUIRED")])),
        base={},
    ),
    Code.MODE_TIGHTENED: Case(changed("name", mode="REQUIRED"), changed("name", mode="NULLABLE"), base={}),
    Code.TYPE_CHANGED: Case(changed("id", type="STRING"), changed("id", type="INTEGER"), base={}),
    Code.TYPE_NARROWED: Case(changed("name", maxLength=9), changed("name"), base={}),
    Code.WIDENING_REFUSED: Case(
        more(column("r", "RECORD", fields=[column("a", "NUMERIC")])), changed("id", type="NUMERIC"), base=more(RECORD)
    ),
    Code.WIDENING_NOT_ON_DUCKDB: Case(
        changed("id", type="BIGNUMERIC"),
        changed("id", type="BIGNUMERIC", precision=38, scale=9),
        base=changed("id", type="NUMERIC"),
    ),
    Code.REPEATED_CHANGED: Case(changed("name", mode="REPEATED"), changed("name", description="Names."), base={}),
    Code.COLLATION_CHANGED: Case(changed("name", collation="und:ci"), more(column("x", collation="und:ci")), base={}),
    Code.COLUMN_REMOVED: Case(without("data"), {}, base={}),
    Code.COLUMN_RENAMED: Case(
        events(column("id", "INT64"), column("user_name")),
        events(column("id", "INT64"), column("postal_code")),
        base=events(column("id", "INT64"), column("username")),
    ),
    Code.COLUMN_CASE_CHANGED: Case(changed("name", name="Name"), more(column("Names")), base={}),
    Code.ATTRIBUTE_KEPT: Case(
        changed("name", defaultValueExpression=None),
        changed("name", defaultValueExpression="'y'"),
        base=changed("name", defaultValueExpression="'x'"),
    ),
    Code.TOO_MANY_COLUMNS_KEPT: Case(
        events(column("id"), column("x"), *MANY[1:]), events(column("id"), *MANY[1:]), base=events(column("id"), *MANY)
    ),
    Code.TABLE_REMOVED: Case(
        {OTHER: Special.ABSENT, **config()}, {}, base={OTHER: [column("id")], **TWO}
    ),
    Code.TABLE_RENAMED: Case(
        {**config(tables={"happenings": None}), EVENTS: Special.ABSENT,
         "setup/organizations/schemas/happenings.json": small_catalog()[EVENTS]},
        {**TWO, OTHER: small_catalog()[EVENTS]},
        base={},
    ),
    Code.NAME_CASE_CHANGED: Case(
        {**config(tables={"Events": None}), EVENTS: Special.ABSENT,
         "setup/organizations/schemas/Events.json": small_catalog()[EVENTS]},
        more(column("x")),
        base={},
    ),
    Code.PARTITIONING_CHANGED: Case(
        table(partition={"type": "MONTH", "field": "day"}),
        table(partition={"type": "DAY", "field": "day", "require_filter": True}),
        base=DAILY,
    ),
    Code.CLUSTERING_CHANGED: Case(table(clustering=["id"]), table(clustering=["NAME"]), base=BY_NAME),
    Code.CLUSTERING_COLUMN_REMOVED: Case(
        {**table(clustering=["id"]), **without("name")}, {**BY_NAME, **without("data")}, base=BY_NAME
    ),
    Code.CLUSTERING_KEPT: Case(config(), BY_NAME, base=BY_NAME),
    Code.CLUSTERING_BLOCKED: Case(
        {**table(clustering=["id", "name"]), **changed("id", type="STRING")},
        table(clustering=["id", "name"]),
        base=BY_NAME,
    ),
    Code.KIND_CHANGED: Case(
        {**config(tables={"events": None}, views={"recent": None, "other": {"sql": "views/second.sql"}}),
         OTHER: Special.ABSENT, SECOND: PLAIN},
        {},
        base={OTHER: [column("id")], **TWO},
    ),
    Code.VIEW_REMOVED: Case(
        {SECOND: Special.ABSENT, **config()}, {}, base={SECOND: PLAIN, **config(views={"recent": None, "second": None})}
    ),
    Code.VIEW_CHANGED: Case(query(PLAIN), query(f"-- The same\n{small_catalog()[RECENT]}"), base={}),
    Code.DATASET_RENAMED: Case(config(dataset="{org_slug}_data"), config(description="Of one."), base={}),
    Code.LOCATION_CHANGED: Case(config(location="EU"), config(location="us"), base=config(location="US")),
    # Portability
    Code.DIGITS_BEYOND_DUCKDB: Case(
        more(column("x", "BIGNUMERIC", precision=39, scale=19)), more(column("x", "BIGNUMERIC", precision=38))
    ),
    Code.UNTRANSLATABLE_DEFAULT: Case(
        more(column("x", defaultValueExpression="TO_HEX(SHA512('x'))")),
        more(column("x", defaultValueExpression="GENERATE_UUID()")),
    ),
    Code.REFUSED_BY_DUCKDB: Case(
        query("SELECT FARM_FINGERPRINT(name) AS hash FROM {dataset}.events"),
        query("SELECT TO_HEX(MD5(name)) AS hash FROM {dataset}.events"),
        rehearse=rehearse,
    ),
    # Exports
    Code.EXPORT_TARGET: Case(export(table="evnts"), export()),
    Code.EXPORT_TARGET_TYPE: Case(export(others="name"), export()),
    Code.EXPORT_TARGET_TAKEN: Case(export(maps={"tags/": "data"}), export(others=None, maps={"tags/": "data"})),
    Code.EXPORT_COLUMN_TWICE: Case(
        export(columns={"id": None, "ID": "name"}), export(columns={"id": None, "ID/2": "name"})
    ),
}  # fmt: skip
