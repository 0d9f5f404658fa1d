"""What a file says of the views in it: the template that organizations share, or the view itself in older files."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from cloudact.catalog.load import CatalogSource
from cloudact.catalog.model import Dataset, Rendering, View
from cloudact.catalog.template import Catalog
from cloudact.planning.changes import Change
from cloudact.planning.plan import make_plan
from cloudact.planning.policy import EVERYTHING
from cloudact.warehouse.driver import Session
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from cloudact.warehouse.duckdb.manifest import digest_of, view_record
from cloudact.warehouse.fingerprints import Naming
from tests.acme import ROOT

COMMENT = "SELECT comment FROM duckdb_views() WHERE schema_name = ? AND view_name = ?"
VIEW = "x_org_hierarchy"


@pytest.fixture
def warehouse() -> DuckDBWarehouse:
    return DuckDBWarehouse(None)


@pytest.fixture
def catalog(warehouse: DuckDBWarehouse) -> Catalog:
    catalog = CatalogSource(ROOT / "configs").load()
    bring(warehouse, catalog.central_dataset())
    return catalog


def bring(warehouse: DuckDBWarehouse, desired: Dataset) -> tuple[Change, ...]:
    def work(session: Session) -> tuple[Change, ...]:
        return session.apply(make_plan(session.inspect(desired.name), desired, EVERYTHING))

    return warehouse.run(work)


def live(warehouse: DuckDBWarehouse, name: str) -> Dataset | None:
    return warehouse.run(lambda session: session.inspect(name))


def row(warehouse: DuckDBWarehouse, query: str, *values: str) -> tuple[object, ...]:
    with warehouse.connect() as connection:
        found = connection.execute(query, list(values)).fetchone()
    assert found is not None
    return found


def as_written_before(dataset: Dataset) -> Dataset:
    """Return the dataset as it is recorded without templates: each view as it is rendered."""
    return replace(dataset, views=tuple(replace(view, rendering=None) for view in dataset.views))


def test_equal_views_of_which_one_has_a_template_are_told_apart() -> None:
    dataset = CatalogSource(ROOT / "configs").load().organization_dataset("acme_corp")
    pairs = list(zip(dataset.views, as_written_before(dataset).views, strict=True))
    # In whichever order they are asked about.
    for rendered, plain in [*pairs, *pairs]:
        assert rendered == plain
        (comment, template), (digest, text) = (view_record(dataset.name, view) for view in (rendered, plain))
        assert comment == f"{digest_of(template)}?org_slug=acme_corp"
        assert digest == digest_of(text) != digest_of(template)


def test_a_comment_names_the_template_and_the_value(warehouse: DuckDBWarehouse, catalog: Catalog) -> None:
    bring(warehouse, catalog.organization_dataset("acme_corp"))
    (comment,) = row(warehouse, COMMENT, "acme_corp_prod", VIEW)
    digest, _, value = str(comment).partition("?")
    assert value == "org_slug=acme_corp"
    (body,) = row(warehouse, "SELECT body FROM _cloudact.definitions WHERE digest = ?", digest)
    query = json.loads(str(body))["query"]
    assert "FROM `organizations`.org_hierarchy" in query
    assert "org_slug = '{org_slug}'" in query


def test_one_more_organization_has_no_definition_of_its_own(warehouse: DuckDBWarehouse, catalog: Catalog) -> None:
    bring(warehouse, catalog.organization_dataset("acme_corp"))
    before = row(warehouse, "SELECT count(*) FROM _cloudact.definitions")
    zeta = catalog.organization_dataset("zeta")
    bring(warehouse, zeta)
    assert row(warehouse, "SELECT count(*) FROM _cloudact.definitions") == before
    assert live(warehouse, "zeta_prod") == zeta


def test_a_view_of_its_own_dataset_is_rendered_for_it(warehouse: DuckDBWarehouse) -> None:
    def own(dataset: str) -> Dataset:
        query = "SELECT who FROM `{0}`.`a` WHERE who = '{1}'"
        values = {"{0}": dataset, "{1}": "it's ?&="}
        rendered = query.replace("{0}", values["{0}"]).replace("{1}", "it\\'s ?&=")
        made = Rendering("SELECT who FROM `{dataset}`.`a` WHERE who = '{org_slug}'", (("org_slug", values["{1}"]),))
        first = View("a", "SELECT 'x' AS who")
        return Dataset(dataset, views=(first, View("b", rendered, rendering=made)))

    for name in ("one", "two"):
        bring(warehouse, own(name))
        assert live(warehouse, name) == own(name)
    assert row(warehouse, "SELECT count(*) FROM _cloudact.definitions") == (2,)


def test_a_rendering_that_is_not_of_the_query_is_not_recorded(warehouse: DuckDBWarehouse) -> None:
    other = View("v", "SELECT 1 AS one", rendering=Rendering("SELECT 2 AS two"))
    bring(warehouse, Dataset("one", views=(other,)))
    found = live(warehouse, "one")
    assert found is not None
    assert found.views == (other,)


def test_a_file_written_before_reads_as_it_did(warehouse: DuckDBWarehouse, catalog: Catalog) -> None:
    acme = catalog.organization_dataset("acme_corp")
    bring(warehouse, as_written_before(acme))
    view = acme.view(VIEW)
    assert view is not None
    body = {
        "name": VIEW, "query": view.query, "description": view.description, "materialized": view.materialized.value,
        "clustering": list(view.clustering), "refresh_interval_minutes": view.refresh_interval_minutes,
        "labels": dict(view.labels),
    }  # fmt: skip
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert row(warehouse, COMMENT, "acme_corp_prod", VIEW) == (digest_of(text),)
    assert live(warehouse, "acme_corp_prod") == acme


def test_a_file_written_before_is_not_churned(warehouse: DuckDBWarehouse, catalog: Catalog) -> None:
    acme = catalog.organization_dataset("acme_corp")
    bring(warehouse, as_written_before(acme))
    before = row(warehouse, COMMENT, "acme_corp_prod", VIEW)
    assert bring(warehouse, acme) == ()
    other = replace(acme.views[0], description="Other.")
    assert [str(change) for change in bring(warehouse, replace(acme, views=(other, *acme.views[1:])))] == [
        f"replace view {other.name}"
    ]
    assert row(warehouse, COMMENT, "acme_corp_prod", VIEW) == before
    (comment,) = row(warehouse, COMMENT, "acme_corp_prod", other.name)
    assert str(comment).endswith("?org_slug=acme_corp")


def test_views_written_before_have_the_fingerprint_of_new_ones(warehouse: DuckDBWarehouse, catalog: Catalog) -> None:
    for slug in ("acme_corp", "zeta"):
        bring(warehouse, as_written_before(catalog.organization_dataset(slug)))
    bring(warehouse, catalog.organization_dataset("newer"))
    bring(warehouse, as_written_before(catalog.organization_dataset("zeta", name="taken_prod")))
    found = warehouse.run(lambda session: session.fingerprints((), Naming("", "_prod")).of)
    assert found["acme_corp_prod"] == found["zeta_prod"] == found["newer_prod"]
    assert found["taken_prod"] != found["newer_prod"]


def test_who_replaces_a_view_by_hand_makes_it_stale(warehouse: DuckDBWarehouse, catalog: Catalog) -> None:
    acme = catalog.organization_dataset("acme_corp")
    bring(warehouse, acme)
    with warehouse.connect() as connection:
        connection.execute(f"CREATE OR REPLACE VIEW acme_corp_prod.{VIEW} AS SELECT 1 AS one")
    assert [str(change) for change in bring(warehouse, acme)] == [f"replace view {VIEW}"]
    assert live(warehouse, "acme_corp_prod") == acme


def test_a_view_that_is_renamed_by_hand_is_missed_and_made_anew(warehouse: DuckDBWarehouse, catalog: Catalog) -> None:
    """Its comment, and with it what is on record, goes along with the new name."""
    acme = catalog.organization_dataset("acme_corp")
    bring(warehouse, acme)
    with warehouse.connect() as connection:
        connection.execute(f"ALTER VIEW acme_corp_prod.{VIEW} RENAME TO x_renamed")
    assert [str(change) for change in bring(warehouse, acme)] == [f"create view {VIEW}"]
    found = live(warehouse, "acme_corp_prod")
    assert found is not None
    assert {view.name for view in found.views} == {"x_renamed", *(view.name for view in acme.views)}
