"""Deployments made by other hands, pulled and then compared with what was pulled."""

from __future__ import annotations

import csv
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import cache
from pathlib import Path

import pytest
from google.cloud import bigquery

from cloudact.catalog.load import CENTRAL, ORGANIZATION, CatalogSource
from cloudact.catalog.template import Catalog, Engine
from cloudact.catalog.write.directory import write_directory
from cloudact.errors import DatasetNotFound, InvalidRequest, NotDeclarable
from cloudact.planning.policy import EVERYTHING
from cloudact.planning.status import compare
from cloudact.tenancy.adoption.pull import Declaration, Pull
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.sync import synchronize
from cloudact.warehouse.driver import Warehouse
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from cloudact.wiring import Services
from tests.acme import ROOT
from tests.api.live import Live
from tests.bigquery_fake.server import Fake, running
from tests.contract.bigquery import bigquery_at

EXISTING = ROOT.parent / "shared" / "reference"
needs_existing = pytest.mark.skipif(not EXISTING.exists(), reason="the description of existing deployments is not here")
FOREIGN = """
    CREATE SCHEMA organizations;
    CREATE TABLE organizations.org_profiles (org_slug VARCHAR NOT NULL, company_name VARCHAR, org_dataset_id VARCHAR);
    CREATE SCHEMA acme_prod;
    CREATE TABLE acme_prod.orders (
        id BIGINT PRIMARY KEY, amount DECIMAL(38,9), made_at TIMESTAMPTZ DEFAULT now(), note VARCHAR DEFAULT 'none',
        tags VARCHAR[], payload STRUCT(a BIGINT, "größe" DOUBLE)
    );
    COMMENT ON TABLE acme_prod.orders IS 'Orders: all of them';
    COMMENT ON COLUMN acme_prod.orders.id IS 'Number of the order';
    CREATE VIEW acme_prod.recent AS SELECT id, amount FROM acme_prod.orders WHERE note = 'it''s' ORDER BY id LIMIT 5;
    CREATE VIEW acme_prod.profile(slug, profiles) AS
        SELECT o.org_slug, count(*) FROM organizations.org_profiles o WHERE o.org_slug = 'acme' GROUP BY o.org_slug;
    COMMENT ON VIEW acme_prod.profile IS 'The profile';
"""


@pytest.fixture
def warehouse() -> Iterator[DuckDBWarehouse]:
    """A DuckDB that other hands have filled."""
    with closing(DuckDBWarehouse(None)) as made:
        Live(made).execute(FOREIGN)
        yield made


@pytest.fixture
def make_bigquery() -> Iterator[Callable[[], tuple[Warehouse, bigquery.Client]]]:
    """Make an empty project of a strict server, and Google's own client of it."""
    with running() as fake:
        fake.limits.enabled = False
        yield lambda: _project(fake)


def _project(fake: Fake) -> tuple[Warehouse, bigquery.Client]:
    warehouse, hand = bigquery_at(fake.url, f"project-{uuid.uuid4().hex[:12]}")
    return warehouse, hand._client  # the client is Google's own


@cache
def declarations(engine: Engine) -> Declarations:
    """The shipped catalog, parsed once."""
    return Declarations(ROOT / "configs", engine)


def pull(warehouse: Warehouse, dataset: str = "acme_prod", **how: object) -> Declaration:
    how = {"org_slug": "acme" if dataset == "acme_prod" else None, **how}
    return Pull(declarations(warehouse.engine), warehouse).declaration(dataset, **how)  # type: ignore[arg-type]


def adopt(warehouse: Warehouse, root: Path) -> Catalog:
    """Pull the central dataset and acme's, and load what was written."""
    write_directory(root / CENTRAL, pull(warehouse, "organizations").files)
    write_directory(root / ORGANIZATION, pull(warehouse).files)
    return CatalogSource(root, warehouse.engine).load()


def assert_in_step(warehouse: Warehouse, catalog: Catalog) -> None:
    for desired in (catalog.central_dataset(), catalog.organization_dataset("acme")):
        actual = warehouse.run(lambda session, name=desired.name: session.inspect(name))  # type: ignore[misc]
        drift = compare(actual, desired)
        assert drift.in_sync
        assert (drift.tables_missing, drift.views_missing, drift.conflicts, drift.tables_extra) == ((), (), (), ())


# A DuckDB made by hand


def test_a_duckdb_made_by_hand_is_in_step_with_what_was_pulled_from_it(
    warehouse: DuckDBWarehouse, tmp_path: Path
) -> None:
    catalog = adopt(warehouse, tmp_path)
    assert_in_step(warehouse, catalog)
    orders = catalog.organization_dataset("acme").table("orders")
    assert orders is not None
    described = (orders.description, orders.columns[0].description)
    assert described == ("Orders: all of them", "Number of the order")
    assert [column.default for column in orders.columns if column.default] == ["CURRENT_TIMESTAMP()", "'none'"]


def test_its_views_are_written_for_every_organization(warehouse: DuckDBWarehouse, tmp_path: Path) -> None:
    catalog = adopt(warehouse, tmp_path)
    recent, profile = (catalog.organization_dataset("globex").view(name) for name in ("recent", "profile"))
    assert recent is not None
    assert profile is not None
    assert "`globex_prod`.orders" in recent.query
    assert "`organizations`.org_profiles" in profile.query
    assert "org_slug = 'globex'" in profile.query
    assert profile.description == "The profile"


def test_after_a_sync_it_is_as_declared_and_every_row_is_there(warehouse: DuckDBWarehouse, tmp_path: Path) -> None:
    live = Live(warehouse)
    live.execute("INSERT INTO acme_prod.orders (id, amount, note) VALUES (1, 2.5, 'it''s'), (2, 3.5, NULL)")
    live.execute("INSERT INTO organizations.org_profiles (org_slug) VALUES ('acme'), ('globex')")
    before = live.rows("SELECT * FROM acme_prod.profile")
    catalog = adopt(warehouse, tmp_path)
    desired = catalog.organization_dataset("acme")
    assert synchronize(warehouse, desired, EVERYTHING).failed == []
    assert synchronize(warehouse, desired, EVERYTHING).plan.changes == ()
    assert live.rows("SELECT * FROM acme_prod.profile") == before == [{"slug": "acme", "profiles": 1}]
    assert [row["id"] for row in live.rows("SELECT id FROM acme_prod.recent")] == [1]
    assert [row["id"] for row in live.rows("SELECT id FROM acme_prod.orders ORDER BY id")] == [1, 2]


def test_what_stays_behind_in_the_warehouse_is_told(warehouse: DuckDBWarehouse) -> None:
    (note,) = pull(warehouse).notes
    assert note == "acme_prod.orders: PRIMARY KEY(id) stays in the warehouse and is not declared"


UNSUPPORTED = {
    "CREATE TABLE acme_prod.big (ok BIGINT, huge HUGEINT)": "acme_prod.big: huge: is INT128",
    "CREATE TABLE acme_prod.ids (ok BIGINT, r STRUCT(a BIGINT, b UUID))": "acme_prod.ids: r.b: is UUID",
    'CREATE TABLE acme_prod."two words" (ok BIGINT)': "acme_prod.two words: is a name that no declared table",
    'CREATE TABLE acme_prod.dots (ok BIGINT, "a.b" BIGINT)': "acme_prod.dots: a.b: has '.' in its name",
    "CREATE SEQUENCE s; CREATE TABLE acme_prod.seq (ok BIGINT DEFAULT nextval('s'))": "ok: has the default nextval",
    "CREATE TABLE acme_prod.long (ok BIGINT); COMMENT ON COLUMN acme_prod.long.ok IS '" + "x" * 1025 + "'": (
        "acme_prod.long: ok: its description has a description of 1025 characters"
    ),
    "CREATE VIEW acme_prod.of_view AS SELECT id FROM acme_prod.recent": "of_view: {dataset}.recent is not a declared",
    "CREATE VIEW acme_prod.everybody AS SELECT org_slug FROM organizations.org_profiles": "without its organization",
    "CREATE VIEW acme_prod.numbers AS SELECT range AS n FROM range(3)": "acme_prod.numbers: ",
    "CREATE VIEW acme_prod.text AS SELECT '{curly}' AS c FROM acme_prod.orders": "is not a known placeholder",
}


def test_everything_that_no_catalog_can_hold_is_named_at_once(warehouse: DuckDBWarehouse) -> None:
    Live(warehouse).execute("; ".join(UNSUPPORTED))
    with pytest.raises(NotDeclarable) as refused:
        pull(warehouse)
    assert [told for told in UNSUPPORTED.values() if told not in refused.value.message] == []
    assert len(refused.value.problems) == len(UNSUPPORTED)
    answer = pull(warehouse, skip_unsupported=True)
    assert len([note for note in answer.notes if "left out" in note]) == len(UNSUPPORTED)
    assert {"views/recent.sql", "views/profile.sql", "schemas/orders.json"} <= answer.files.keys()


@pytest.mark.slow
@pytest.mark.parametrize(("statement", "told"), UNSUPPORTED.items())
def test_what_no_catalog_can_hold_is_refused_and_left_out_when_asked(
    warehouse: DuckDBWarehouse, tmp_path: Path, statement: str, told: str
) -> None:
    Live(warehouse).execute(statement)
    with pytest.raises(NotDeclarable) as refused:
        pull(warehouse)
    assert told in refused.value.message
    assert len(refused.value.problems) == 1
    answer = pull(warehouse, skip_unsupported=True)
    assert len([note for note in answer.notes if "left out" in note]) == 1
    write_directory(tmp_path / CENTRAL, pull(warehouse, "organizations").files)
    write_directory(tmp_path / ORGANIZATION, answer.files)
    declared = CatalogSource(tmp_path).load().organization
    assert {table.name for table in declared.tables} >= {"orders"}
    assert {item.view.name for item in declared.views} >= {"recent", "profile"}


# Whose it is


def test_without_an_organization_it_is_written_as_it_is(warehouse: DuckDBWarehouse) -> None:
    Live(warehouse).execute("DROP VIEW acme_prod.profile")
    answer = pull(warehouse, org_slug=None)
    assert "\ndataset: acme_prod\n" in answer.files["config.yml"]
    assert answer.org_slug is None
    assert any("belongs to no onboarded organization" in note for note in answer.notes)


def test_an_organization_on_record_is_found(warehouse: DuckDBWarehouse) -> None:
    live = Live(warehouse)
    live.execute("CREATE SCHEMA shop; CREATE TABLE shop.t (a BIGINT); CREATE SCHEMA shop_globex_2")
    live.execute("INSERT INTO organizations.org_profiles VALUES ('acme', 'A', 'acme_prod'), ('globex', 'G', 'shop')")
    live.execute("INSERT INTO organizations.org_profiles VALUES ('initech', 'I', 'shop_globex_2')")
    assert pull(warehouse, org_slug=None).org_slug == "acme"
    other = pull(warehouse, "shop")
    assert other.org_slug == "globex"
    assert 'dataset: "{org_slug}_prod"' in other.files["config.yml"]
    assert any("on record under this name" in note for note in other.notes)


@pytest.mark.parametrize(
    ("dataset", "slug", "told"),
    [
        ("acme_prod", "globex", "does not hold the text globex"),
        ("acme_prod", "A", "org_slug 'A'"),
        ("organizations", "acme", "is the central dataset"),
        ("a b", None, "letters, digits and underscores"),
    ],
)
def test_what_cannot_be_meant_is_refused(warehouse: DuckDBWarehouse, dataset: str, slug: str | None, told: str) -> None:
    with pytest.raises(InvalidRequest, match=told):
        pull(warehouse, dataset, org_slug=slug)


def test_another_organizations_dataset_is_not_given_to_this_one(warehouse: DuckDBWarehouse) -> None:
    Live(warehouse).execute("INSERT INTO organizations.org_profiles VALUES ('prod', 'P', 'acme_prod')")
    with pytest.raises(InvalidRequest, match="on record as prod's, not acme's"):
        pull(warehouse)


@pytest.mark.parametrize("name", ["nowhere", "_cloudact", "information_schema"])
def test_a_dataset_that_is_none_is_not_found(warehouse: DuckDBWarehouse, name: str) -> None:
    with pytest.raises(DatasetNotFound, match=name):
        pull(warehouse, name)


def test_a_pattern_of_its_own_is_kept(warehouse: DuckDBWarehouse) -> None:
    Live(warehouse).execute("CREATE SCHEMA wh_acme_eu; CREATE TABLE wh_acme_eu.t (a BIGINT)")
    assert 'dataset: "wh_{org_slug}_eu"' in pull(warehouse, "wh_acme_eu", org_slug="acme").files["config.yml"]


def test_the_central_dataset_is_pulled_plainly(services: Services) -> None:
    services.bootstrap.run()
    answer = services.pull.declaration("organizations")
    assert (answer.org_slug, answer.notes) == (None, [])
    assert "dataset: organizations" in answer.files["config.yml"]


# A BigQuery made by hand


def existing(name: str) -> list[dict[str, str]]:
    with (EXISTING / name).open(newline="") as file:
        return list(csv.DictReader(file))


def existing_tables() -> dict[tuple[str, str], bigquery.Table]:
    """Return the tables of the existing deployments, as a person would make them."""
    columns: dict[tuple[str, str], list[bigquery.SchemaField]] = {}
    for row in existing("existing_columns.csv"):
        field = bigquery.SchemaField(row["column"], row["type"], row["mode"])
        columns.setdefault((row["dataset"], row["table"]), []).append(field)
    return {key: _table(key, fields) for key, fields in columns.items()}


def _table(key: tuple[str, str], fields: list[bigquery.SchemaField]) -> bigquery.Table:
    dataset = "organizations" if key[0] == "organizations" else "acme_prod"
    table = bigquery.Table(f"p.{dataset}.{key[1]}", fields)
    rows = existing("existing_layout.csv")
    layout = next((row for row in rows if (row["dataset"], row["table"]) == key), None)
    if layout and layout["partition_type"]:
        table.time_partitioning = bigquery.TimePartitioning(layout["partition_type"], layout["partition_field"])
    if layout and layout["clustering"]:
        table.clustering_fields = layout["clustering"].split("|")
    return table


@needs_existing
def test_an_existing_bigquery_deployment_is_in_step_with_what_was_pulled_from_it(
    make_bigquery: Callable[[], tuple[Warehouse, bigquery.Client]], tmp_path: Path
) -> None:
    warehouse, client = make_bigquery()
    for name in ("organizations", "acme_prod"):
        client.create_dataset(name)
    tables = existing_tables()
    for table in tables.values():
        resource = table.to_api_repr()
        resource["tableReference"]["projectId"] = client.project
        client.create_table(bigquery.Table.from_api_repr(resource))
    catalog = adopt(warehouse, tmp_path)
    assert len(catalog.central.tables) + len(catalog.organization.tables) == len(tables)
    assert_in_step(warehouse, catalog)
    warehouse.close()


def test_a_bigquery_view_that_names_its_project_and_policy_tags_are_taken_over(
    make_bigquery: Callable[[], tuple[Warehouse, bigquery.Client]], tmp_path: Path
) -> None:
    warehouse, client = make_bigquery()
    for name in ("organizations", "acme_prod"):
        client.create_dataset(name)
    tags = bigquery.PolicyTagList(["projects/p/locations/eu/taxonomies/1/policyTags/2"])
    fields = [bigquery.SchemaField("org_slug", "STRING"), bigquery.SchemaField("mail", "STRING", policy_tags=tags)]
    for path in ("organizations.people", "acme_prod.orders"):
        client.create_table(bigquery.Table(f"{client.project}.{path}", fields))
    view = bigquery.Table(f"{client.project}.acme_prod.mails")
    view.view_query = (
        f"SELECT o.mail, 'acme' AS slug FROM `{client.project}.acme_prod.orders` AS o -- {{not one}}\n"
        f"JOIN `{client.project}.organizations.people` AS p USING (mail) WHERE p.org_slug = 'acme'"
    )
    client.create_table(view)
    warehouse.run(lambda session: session.authorize("acme_prod", "organizations"))
    catalog = adopt(warehouse, tmp_path)
    assert_in_step(warehouse, catalog)
    assert (catalog.central.authorize_views, catalog.organization.authorize_views) == (False, True)
    orders = catalog.organization_dataset("acme").table("orders")
    assert orders is not None
    assert orders.columns[1].policy_tags == ("projects/p/locations/eu/taxonomies/1/policyTags/2",)
    mails = catalog.organization_dataset("globex").view("mails")
    assert mails is not None
    assert mails.query == (
        "SELECT o.mail, 'globex' AS slug FROM `globex_prod`.`orders` AS o "
        "JOIN `organizations`.`people` AS p USING (mail) WHERE p.org_slug = 'globex'"
    )
    warehouse.close()
