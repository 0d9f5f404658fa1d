"""Deployments made by other hands, pulled and then compared with what was pulled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from cloudact.catalog.load import CENTRAL, ORGANIZATION, CatalogSource
from cloudact.catalog.write.directory import write_directory
from cloudact.errors import DatasetNotFound, InvalidRequest, NotDeclarable
from cloudact.planning.policy import EVERYTHING
from cloudact.tenancy.sync import synchronize
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from cloudact.wiring import Services
from tests.api.live import Live
from tests.tenancy.pulling import adopt, assert_in_step, pull

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


def test_what_duckdb_stores_for_counting_every_row_is_googlesql_again(warehouse: DuckDBWarehouse) -> None:
    live = Live(warehouse)
    live.execute("CREATE VIEW acme_prod.rows AS SELECT count(*) AS n FROM acme_prod.orders")
    live.execute("CREATE VIEW acme_prod.windows AS SELECT id, count(*) OVER () AS n FROM acme_prod.orders")
    files = pull(warehouse).files
    assert "COUNT(*) AS n" in files["views/rows.sql"]
    assert "COUNT(*) OVER () AS n" in files["views/windows.sql"]


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
    "CREATE TABLE acme_prod.big (ok BIGINT, huge HUGEINT)": "acme_prod.big: huge: is HUGEINT",
    "CREATE TABLE acme_prod.ids (ok BIGINT, r STRUCT(a BIGINT, b FLOAT))": "acme_prod.ids: r.b: is FLOAT",
    "CREATE TABLE acme_prod.twice (ok BIGINT, n BIGINT AS (ok * 2))": "acme_prod.twice: n: is generated always as",
    'CREATE TABLE acme_prod."two words" (ok BIGINT)': "acme_prod.two words: is a name that no declared table",
    'CREATE TABLE acme_prod.dots (ok BIGINT, "a.b" BIGINT)': "acme_prod.dots: a.b: has '.' in its name",
    "CREATE SEQUENCE s; CREATE TABLE acme_prod.seq (ok BIGINT DEFAULT nextval('s'))": "ok: has the default nextval",
    "CREATE TABLE acme_prod.long (ok BIGINT); COMMENT ON COLUMN acme_prod.long.ok IS '" + "x" * 1025 + "'": (
        "acme_prod.long: ok: its description has a description of 1025 characters"
    ),
    "CREATE VIEW acme_prod.of_view AS SELECT id FROM acme_prod.recent": "of_view: {dataset}.recent is not a declared",
    "CREATE VIEW acme_prod.everybody AS SELECT org_slug FROM organizations.org_profiles": "without its organization",
    "CREATE VIEW acme_prod.numbers AS SELECT range AS n FROM range(3)": "acme_prod.numbers: ",
    "CREATE MACRO acme_prod.inc(x) AS x; CREATE VIEW acme_prod.macro AS SELECT inc(id) AS m FROM acme_prod.orders": (
        "macro: has a query that fails in GoogleSQL's words: Catalog Error: Scalar Function with name inc does not"
    ),
    "CREATE VIEW acme_prod.single AS SELECT CAST(id AS FLOAT) AS f FROM acme_prod.orders": "single: has other columns",
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


NARROW = """
    CREATE TYPE acme_prod.state AS ENUM ('new', 'done');
    CREATE TABLE acme_prod.narrow (
        id INTEGER PRIMARY KEY, small SMALLINT DEFAULT 3, many UBIGINT, key UUID DEFAULT gen_random_uuid(),
        state acme_prod.state, list INTEGER[], r STRUCT(a TINYINT, b UINTEGER[])
    );
    CREATE INDEX by_small ON acme_prod.narrow (small);
    INSERT INTO acme_prod.narrow VALUES
        (1, 2, 18446744073709551615, '00000000-0000-0000-0000-000000000001', 'done', [1, NULL], {'a': 1, 'b': [4]});
    CREATE VIEW acme_prod.narrowed AS SELECT id, CAST(small AS INTEGER) AS small, state FROM acme_prod.narrow;
"""


def test_types_that_hold_a_part_of_a_googlesql_type_stay_as_they_are(
    warehouse: DuckDBWarehouse, tmp_path: Path
) -> None:
    live = Live(warehouse)
    live.execute(NARROW)
    layout = 'SELECT column_name, column_type, "null", key FROM (DESCRIBE acme_prod.narrow)'
    before = (live.rows("SELECT * FROM acme_prod.narrow"), live.rows(layout))
    (note,) = (note for note in pull(warehouse).notes if "narrower" in note)
    assert "id is INTEGER, declared INT64, small is SMALLINT, declared INT64, many is UBIGINT" in note
    catalog = adopt(warehouse, tmp_path)
    assert_in_step(warehouse, catalog)
    declared = catalog.organization_dataset("acme").table("narrow")
    assert declared is not None
    assert [str(column.type) for column in declared.columns] == [
        "INT64", "INT64", "NUMERIC(20)", "STRING", "STRING", "INT64", "RECORD"
    ]  # fmt: skip
    assert [str(field.type) for field in declared.columns[-1].fields] == ["INT64", "INT64"]
    assert [column.default for column in declared.columns if column.default] == ["3", "GENERATE_UUID()"]
    desired = catalog.organization_dataset("acme")
    described = replace(declared.columns[0], description="Number of the row.")
    table = replace(declared, columns=(described, *declared.columns[1:]))
    others = tuple(item for item in desired.tables if item.name != table.name)
    desired = replace(desired, tables=(*others, table))
    assert synchronize(warehouse, desired, EVERYTHING).failed == []
    assert synchronize(warehouse, desired, EVERYTHING).plan.changes == ()
    assert (live.rows("SELECT * FROM acme_prod.narrow"), live.rows(layout)) == before
    assert '"description": "Number of the row."' in pull(warehouse).files["schemas/narrow.json"]


def test_a_table_that_requires_what_cannot_be_declared_is_left_out_whole(
    warehouse: DuckDBWarehouse, tmp_path: Path
) -> None:
    live = Live(warehouse)
    live.execute("CREATE TABLE acme_prod.rates (id HUGEINT PRIMARY KEY, f FLOAT NOT NULL, ok BIGINT)")
    with pytest.raises(NotDeclarable, match="rates: requires f, id, which cannot be declared"):
        pull(warehouse)
    write_directory(tmp_path / CENTRAL, pull(warehouse, "organizations").files)
    write_directory(tmp_path / ORGANIZATION, pull(warehouse, skip_unsupported=True).files)
    desired = CatalogSource(tmp_path, warehouse.engine).load().organization_dataset("acme")
    before = live.rows("DESCRIBE acme_prod.rates")
    assert synchronize(warehouse, desired, EVERYTHING).failed == []
    assert live.rows("DESCRIBE acme_prod.rates") == before


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


def test_on_duckdb_it_is_found_however_it_is_spelled(warehouse: DuckDBWarehouse) -> None:
    Live(warehouse).execute("INSERT INTO organizations.org_profiles VALUES ('acme', 'A', 'acme_prod')")
    answer = pull(warehouse, "ACME_Prod")
    assert (answer.dataset, answer.org_slug) == ("acme_prod", "acme")


def test_a_slug_is_looked_for_as_a_word_of_the_name(warehouse: DuckDBWarehouse) -> None:
    live = Live(warehouse)
    live.execute("CREATE SCHEMA warehouse_of_are; CREATE SCHEMA eu_eu_x; CREATE SCHEMA shop7")
    live.execute(
        "INSERT INTO organizations.org_profiles VALUES ('are', 'A', 'warehouse_of_are'), ('hop', 'H', 'shop7')"
    )
    assert 'dataset: "warehouse_of_{org_slug}"' in pull(warehouse, "warehouse_of_are").files["config.yml"]
    by_chance = pull(warehouse, "shop7")
    assert 'dataset: "{org_slug}_prod"' in by_chance.files["config.yml"]
    assert any("on record under this name" in note for note in by_chance.notes)
    named = pull(warehouse, "shop7", org_slug="hop")
    assert 'dataset: "s{org_slug}7"' in named.files["config.yml"]


def test_a_slug_that_is_twice_in_the_name_is_told(warehouse: DuckDBWarehouse) -> None:
    Live(warehouse).execute("CREATE SCHEMA acme_and_acme")
    answer = pull(warehouse, "acme_and_acme", org_slug="acme")
    assert 'dataset: "{org_slug}_and_acme"' in answer.files["config.yml"]
    assert answer.notes == [
        "acme_and_acme: holds acme more than once; the first became the placeholder, {org_slug}_and_acme"
    ]


def test_a_text_that_is_the_slug_by_chance_is_told(warehouse: DuckDBWarehouse) -> None:
    live = Live(warehouse)
    live.execute("CREATE SCHEMA none_prod; CREATE TABLE none_prod.t (note VARCHAR, org_slug VARCHAR)")
    live.execute("CREATE VIEW none_prod.plain AS SELECT note FROM none_prod.t WHERE org_slug = 'none'")
    live.execute("CREATE VIEW none_prod.v AS SELECT note FROM none_prod.t WHERE org_slug = 'none' AND note <> 'none'")
    (note,) = pull(warehouse, "none_prod", org_slug="none").notes
    assert note.startswith("none_prod.v: the text 'none' became a placeholder in: ")
    assert "note <> 'none'" in note
    assert "org_slug" not in note


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
