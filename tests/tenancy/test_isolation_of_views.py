"""Rows of several organizations in the central tables, full of hostile text: each organization's views show its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
import sqlglot

from cloudact.catalog.load import CatalogSource
from cloudact.catalog.model import Column, Kind, Mode
from cloudact.catalog.template import EMBEDDED, Catalog, Engine
from cloudact.planning.policy import EVERYTHING
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.sync import synchronize
from cloudact.warehouse.driver import Warehouse
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from tests.acme import ROOT
from tests.bigquery_fake.server import running
from tests.contract.bigquery import bigquery_at

# As LIKE patterns the first matches the second; the third begins as both, and has no rows.
ACME, LOOKALIKE, NOBODY = OrgSlug("acme_corp"), OrgSlug("acmexcorp"), OrgSlug("acme")
MATERIALIZING = Engine("EU", materializes=True)
HOSTILE = (
    "' OR org_slug = 'acmexcorp' -- \" ` \\ \\' ; DROP TABLE org_hierarchy; /* {org_slug} {organizations}.x {0} %s ? "
    "$1 @org_slug */ {{dataset}} \n\t placeholder__org_slug__end \u2019 \u202e NULL"
)
START = datetime(2026, 3, 14, 23, 59, 59, 999999, UTC)
VIEWS = {
    "x_pipeline_exec_logs": ("org_meta_pipeline_runs", "pipeline_logging_id"),
    "x_all_notifications": ("org_notification_history", "notification_id"),
    "x_org_hierarchy": ("org_hierarchy", "id"),
}
STATS = "x_notification_stats"


def value(column: Column, slug: str, number: int) -> Any:
    """Return what a row of this number has in a column: hostile text wherever there is text."""
    text = f"{slug} {column.name} {number} {HOSTILE}"
    match column.type.kind:
        case Kind.STRING if column.mode is Mode.REPEATED:
            return [text, HOSTILE]
        case Kind.STRING:
            return slug if column.name == "org_slug" else text
        case Kind.JSON:
            return json.dumps({text: [HOSTILE, slug]})
        case Kind.TIMESTAMP:
            return START
        case Kind.DATE:
            return date(2026, 3, 14)
        case Kind.BOOL:
            return number % 2 == 0
        case Kind.INT64:
            return number
        case other:
            raise AssertionError(f"{column.name} is {other.value}, for which there is no value here")


@dataclass(frozen=True)
class World:
    """A warehouse with rows of two organizations, and views of three."""

    warehouse: Warehouse
    catalog: Catalog

    def build(self) -> None:
        """Make the central tables with two rows of each organization in each, and every organization's views."""
        central = self.catalog.central_dataset()
        names = {table for table, _ in VIEWS.values()}
        tables = tuple(table for table in central.tables if table.name in names)
        synchronize(self.warehouse, replace(central, tables=tables), EVERYTHING)
        for slug in (ACME, LOOKALIKE, NOBODY):
            own = self.catalog.organization_dataset(slug, location=central.location)
            synchronize(self.warehouse, replace(own, tables=()), EVERYTHING)
        rows = {name: [row for slug in (ACME, LOOKALIKE) for row in self.rows(name, slug)] for name in names}
        self.warehouse.run(lambda session: [session.insert(central.name, *item) for item in rows.items()])

    def rows(self, table: str, slug: str) -> list[dict[str, Any]]:
        """Return an organization's rows in a central table, the second one superseded where rows can be."""
        declared = self.catalog.central_dataset().table(table)
        assert declared is not None
        made = [{column.name: value(column, slug, number) for column in declared.columns} for number in range(2)]
        if "end_date" in made[0]:
            made[0]["end_date"] = None
        return made

    def outputs(self, view: str) -> tuple[str, ...]:
        """Return the columns of a view."""
        return next(item.query.outputs for item in self.catalog.organization.views if item.view.name == view)

    def shown(self, slug: str, view: str) -> list[dict[str, Any]]:
        """Return what an organization sees in a view."""
        columns = self.outputs(view)
        return self.warehouse.run(lambda session: session.select(f"{slug}_prod", view, columns))


@contextmanager
def made(warehouse: Warehouse, engine: Engine) -> Iterator[World]:
    world = World(warehouse, CatalogSource(ROOT / "configs", engine).load())
    world.build()
    yield world


@pytest.fixture(scope="module", params=["plain", "shared", "bigquery"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """On DuckDB with views as they are there, and as an engine that materializes has them; and on the strict server."""
    if request.param != "bigquery":
        engine = MATERIALIZING if request.param == "shared" else EMBEDDED
        with closing(DuckDBWarehouse(None)) as warehouse, made(warehouse, engine) as built:
            yield built
        return
    with running() as fake:
        fake.limits.enabled = False
        warehouse, _ = bigquery_at(fake.url, "isolation")
        with made(warehouse, MATERIALIZING) as built:
            yield built


def comparable(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows in an order of their own, JSON by its content and times in the same zone."""
    return sorted(({name: _read(item) for name, item in row.items()} for row in rows), key=repr)


def _read(item: Any) -> Any:
    match item:
        case datetime():
            return item.astimezone(UTC).isoformat()
        case str() if item.startswith("{"):
            return json.loads(item)
        case _:
            return item


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("slug", [ACME, LOOKALIKE])
def test_an_organization_sees_each_of_its_rows_as_written_and_no_other(world: World, view: str, slug: str) -> None:
    table, key = VIEWS[view]
    rows = [row for row in world.rows(table, slug) if row.get("end_date") is None]
    expected = [{name: row[name] for name in world.outputs(view)} for row in rows]
    found = world.shown(slug, view)
    assert len({row[key] for row in found}) == len(found) == (1 if view == "x_org_hierarchy" else 2)
    assert comparable(found) == comparable(expected)


@pytest.mark.parametrize("slug", [ACME, LOOKALIKE])
def test_an_organization_sees_counts_of_its_own_notifications(world: World, slug: str) -> None:
    rows = world.rows("org_notification_history", slug)
    keys = ("notification_type", "priority", "status")
    expected = [
        {
            "org_slug": slug,
            "notification_date": date(2026, 3, 14),
            **{key: row[key] for key in keys},
            **dict.fromkeys(("notification_count", "sent_count", "delivered_count"), 1),
            **dict.fromkeys(("acknowledged_count", "error_count"), 1),
            "escalated_count": int(row["escalated"]),
            "total_retries": row["retry_count"],
            "first_created_at": START,
            "last_created_at": START,
        }
        for row in rows
    ]
    assert comparable(world.shown(slug, STATS)) == comparable(expected)


@pytest.mark.parametrize("view", [*VIEWS, STATS])
def test_an_organization_without_rows_sees_none(world: World, view: str) -> None:
    assert world.shown(NOBODY, view) == []


@pytest.mark.parametrize("engine", [EMBEDDED, MATERIALIZING], ids=["plain", "shared"])
@pytest.mark.parametrize("view", [*VIEWS, STATS])
def test_the_views_query_names_its_columns_and_one_organization(view: str, engine: Engine) -> None:
    catalog = CatalogSource(ROOT / "configs", engine).load()
    found = catalog.organization_dataset(ACME).view(view)
    assert found is not None
    query = sqlglot.parse_one(found.query, dialect="bigquery")
    assert not query.is_star
    assert isinstance(query, sqlglot.exp.Select)
    literals = [literal.this for literal in query.find_all(sqlglot.exp.Literal) if literal.is_string]
    assert literals == [ACME]
    condition = query.args["where"].this
    conditions = condition.flatten() if isinstance(condition, sqlglot.exp.And) else [condition]
    assert "org_slug = 'acme_corp'" in [part.sql(dialect="bigquery").replace("`", "") for part in conditions]
    declared = next(item for item in catalog.organization.views if item.view.name == view)
    assert tuple(query.named_selects) == declared.query.outputs
    assert sqlglot.transpile(found.query, read="bigquery", write="duckdb")


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_has_every_column_of_its_table_but_one_that_is_always_null(view: str) -> None:
    catalog = CatalogSource(ROOT / "configs").load()
    table = catalog.central_dataset().table(VIEWS[view][0])
    item = next(item for item in catalog.organization.views if item.view.name == view)
    assert table is not None
    superseded = {"end_date"} if view == "x_org_hierarchy" else set()
    assert set(item.query.outputs) == {column.name for column in table.columns} - superseded


def test_statistics_only_have_what_adds_up_over_days() -> None:
    catalog = CatalogSource(ROOT / "configs").load()
    item = next(item for item in catalog.organization.views if item.view.name == STATS)
    kinds = {type(node) for node in item.query.tree.find_all(sqlglot.exp.AggFunc)}
    assert kinds == {sqlglot.exp.Count, sqlglot.exp.CountIf, sqlglot.exp.Sum, sqlglot.exp.Min, sqlglot.exp.Max}
