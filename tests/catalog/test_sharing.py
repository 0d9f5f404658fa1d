"""Views on engines that materialize: one for all organizations, and plain views of each one's rows in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from cloudact.catalog.load import CENTRAL, CatalogSource
from cloudact.catalog.model import Materialized, View
from cloudact.catalog.sharing import materialized_form
from cloudact.catalog.template import Catalog, Engine
from cloudact.errors import Problem
from cloudact.planning.policy import EVERYTHING
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.sync import synchronize
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from tests.acme import ROOT
from tests.api.live import Live
from tests.api.published import VIEWS
from tests.catalog.declared import (
    ACCOUNTS,
    CENTRAL_CONFIG,
    CONFIG_FILE,
    RECENT,
    CatalogDirectory,
    Values,
    column,
)

BIGQUERY = Engine("EU", materializes=True)
PLAIN = CatalogSource(ROOT / "configs").load()
SHIPPED = CatalogSource(ROOT / "configs", BIGQUERY).load()
MINE = "WHERE org_slug = {org_slug}"
SHAREABLE = f"SELECT org_slug, email FROM {{organizations}}.accounts {MINE}"
FIX = "keep it in another way, or change the query"


def declare(catalog: CatalogDirectory, query: str, **entry: Any) -> None:
    """Write the small catalog's view with this query and entry."""
    catalog.write(RECENT, query)
    catalog.change(CONFIG_FILE, views={"recent": entry})


def plain_and_shared(catalog: CatalogDirectory) -> tuple[View, View]:
    """Return, for an engine that materializes, acme's view and the one that all organizations share."""
    loaded = materialized_form(catalog.load())
    (own,), (shared,) = loaded.organization_dataset("acme").views, loaded.central_dataset().views
    return own, shared


def kept(catalog: CatalogDirectory) -> Materialized:
    """Return how the small catalog's view is kept."""
    return catalog.load().organization.views[0].view.materialized


# A shared view is two


def test_a_shared_view_is_one_materialized_view_and_a_plain_one_for_each_organization(
    catalog: CatalogDirectory,
) -> None:
    declare(catalog, SHAREABLE, description="Accounts.", clustering=["email"], labels={"team": "web"})
    own, shared = plain_and_shared(catalog)
    assert own == View(
        "recent",
        "SELECT `org_slug`, `email` FROM `central`.`recent_all` WHERE `org_slug` = 'acme'",
        description="Accounts.",
        labels=(("team", "web"),),
    )
    assert shared == View(
        "recent_all",
        "SELECT org_slug, email FROM `central`.accounts",
        description="Rows of all organizations; the view recent in each organization's dataset shows its own.",
        materialized=Materialized.OWN,
        clustering=("org_slug", "email"),
        refresh_interval_minutes=15,
        labels=(("team", "web"),),
    )


def test_both_say_that_they_are_declared_as_shared(catalog: CatalogDirectory) -> None:
    declare(catalog, SHAREABLE)
    assert [view.kept for view in plain_and_shared(catalog)] == [Materialized.SHARED, Materialized.SHARED]


def test_what_a_view_is_declared_as_makes_no_difference_between_views() -> None:
    live = View("recent", "SELECT 1 AS one")
    declared = replace(live, declared_as=Materialized.SHARED)
    assert (live == declared, hash(live) == hash(declared), live.kept) == (True, True, Materialized.NEVER)


@pytest.mark.parametrize(("declared", "minutes"), [(None, 15), (1, 1), (10_080, 10_080)])
def test_a_materialized_view_is_refreshed_as_declared_or_every_quarter_of_an_hour(
    catalog: CatalogDirectory, declared: int | None, minutes: int
) -> None:
    declare(catalog, SHAREABLE, refresh_interval_minutes=declared)
    assert plain_and_shared(catalog)[1].refresh_interval_minutes == minutes
    declare(catalog, SHAREABLE, refresh_interval_minutes=declared, materialized="own")
    loaded = materialized_form(catalog.load())
    assert loaded.central.views == ()
    assert loaded.organization_dataset("acme").views[0].refresh_interval_minutes == minutes


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ([], ("org_slug",)),
        (["b", "ORG_SLUG", "a"], ("org_slug", "b", "a")),
        (["A", "b", "c", "d"], ("org_slug", "a", "b", "c")),
    ],
)
def test_a_shared_view_is_clustered_by_organization_first_and_by_four_columns_at_most(
    catalog: CatalogDirectory, declared: list[str], expected: tuple[str, ...]
) -> None:
    catalog.write(ACCOUNTS, [column(name) for name in ("org_slug", "a", "b", "c", "d")])
    declare(catalog, f"SELECT org_slug, a, b, c, d FROM {{organizations}}.accounts {MINE}", clustering=declared)
    assert plain_and_shared(catalog)[1].clustering == expected


def test_a_plain_view_has_no_clustering_and_no_refresh_where_those_belong_to_materialized_views(
    catalog: CatalogDirectory,
) -> None:
    declare(catalog, SHAREABLE, materialized="never", clustering=["email"], refresh_interval_minutes=5)
    (view,) = materialized_form(catalog.load()).organization_dataset("acme").views
    assert (view.clustering, view.refresh_interval_minutes, view.kept) == ((), None, Materialized.NEVER)


def test_an_own_view_stays_with_its_organization(catalog: CatalogDirectory) -> None:
    declare(catalog, SHAREABLE, materialized="own", clustering=["EMAIL"])
    (view,) = materialized_form(catalog.load()).organization_dataset("acme").views
    assert (view.materialized, view.clustering, view.kept) == (Materialized.OWN, ("email",), Materialized.OWN)
    assert view.query == "SELECT org_slug, email FROM `central`.accounts WHERE org_slug = 'acme'"


def test_a_catalog_in_the_form_of_an_engine_stays_as_it_is() -> None:
    again = materialized_form(SHIPPED)
    assert again == SHIPPED
    assert [item.view.kept for item in again.organization.views] == [Materialized.SHARED] * 4


def test_an_engine_that_does_not_materialize_is_given_views_as_declared(catalog: CatalogDirectory) -> None:
    declare(catalog, SHAREABLE, clustering=["email"])
    (view,) = catalog.load().organization_dataset("acme").views
    assert (view.materialized, view.clustering, view.refresh_interval_minutes) == (
        Materialized.SHARED,
        ("email",),
        None,
    )
    assert catalog.load().central_dataset().views == ()


def test_a_source_gives_its_engine_the_form_it_needs_and_parses_nothing_again(catalog: CatalogDirectory) -> None:
    declare(catalog, SHAREABLE)
    source = CatalogSource(catalog.root, BIGQUERY)
    loaded = source.load()
    assert loaded == replace(materialized_form(catalog.load()), engine=BIGQUERY, **located(loaded, "EU"))
    assert source.load() is loaded


def test_declarations_give_an_engine_the_form_it_needs() -> None:
    assert Declarations(ROOT / "configs", BIGQUERY).load() == SHIPPED
    assert Declarations(ROOT / "configs").load() == PLAIN


def located(catalog: Catalog, location: str) -> Values:
    """Return both halves of the catalog in a location."""
    halves = {"central": catalog.central, "organization": catalog.organization}
    return {name: replace(half, location=location) for name, half in halves.items()}


# The shipped views


def test_each_shipped_view_file_makes_one_shared_view() -> None:
    assert [view.name for view in SHIPPED.central_dataset().views] == [f"{name}_all" for name in VIEWS]
    assert [view.name for view in SHIPPED.organization_dataset("acme").views] == VIEWS
    assert {view.materialized for view in SHIPPED.central_dataset().views} == {Materialized.OWN}
    assert {view.clustering[0] for view in SHIPPED.central_dataset().views} == {"org_slug"}


def rows_by_view(catalog: Catalog, slug: str) -> Iterator[list[dict[str, Any]]]:
    """Yield the rows of each of an organization's views over filled central tables, kept as this catalog says."""
    warehouse = DuckDBWarehouse(None)
    live = Live(warehouse)
    synchronize(warehouse, PLAIN.central_dataset(), EVERYTHING)
    live.fill(PLAIN.central_name)
    live.execute("UPDATE organizations.org_hierarchy SET end_date = NULL")
    synchronize(warehouse, catalog.central_dataset(), EVERYTHING)
    synchronize(warehouse, catalog.organization_dataset(slug, name="own", location="EU"), EVERYTHING)
    yield from (live.rows(f"FROM own.{name} ORDER BY ALL") for name in VIEWS)
    warehouse.close()


@pytest.mark.parametrize("slug", ["row 0", "row 2", "nobody"])
def test_a_shared_view_shows_an_organization_the_rows_it_would_have_alone(slug: str) -> None:
    shown = [*rows_by_view(SHIPPED, slug)]
    assert shown == [*rows_by_view(PLAIN, slug)]
    assert [{row["org_slug"] for row in rows} for rows in shown] == [set() if slug == "nobody" else {slug}] * 4


# Which views can be shared


@pytest.mark.parametrize(
    ("query", "shared"),
    [
        (SHAREABLE, "SELECT org_slug, email FROM `central`.accounts"),
        (
            "SELECT a.ORG_SLUG FROM {organizations}.accounts AS a "
            "WHERE {org_slug} = a.org_slug AND (email = 'x' OR TRUE)",
            "SELECT a.ORG_SLUG FROM `central`.accounts AS a WHERE email = 'x' OR TRUE",
        ),
        (
            "SELECT email AS mail, org_slug FROM {organizations}.accounts WHERE email > '' AND org_slug = {org_slug} "
            "AND email < 'x'",
            "SELECT email AS mail, org_slug FROM `central`.accounts WHERE email > '' AND email < 'x'",
        ),
        (
            f"SELECT org_slug, COUNT(*) AS n FROM {{organizations}}.accounts {MINE} GROUP BY org_slug",
            "SELECT org_slug, COUNT(*) AS n FROM `central`.accounts GROUP BY org_slug",
        ),
        (
            f"SELECT MIN(email) AS first, org_slug FROM {{organizations}}.accounts {MINE} GROUP BY 2",
            "SELECT MIN(email) AS first, org_slug FROM `central`.accounts GROUP BY 2",
        ),
        (
            f"SELECT org_slug, HLL_COUNT.INIT(email) AS n FROM {{organizations}}.accounts {MINE} GROUP BY org_slug",
            "SELECT org_slug, HLL_COUNT.INIT(email) AS n FROM `central`.accounts GROUP BY org_slug",
        ),
    ],
)  # fmt: skip
def test_a_view_of_one_central_table_is_shared_unless_it_says_otherwise(
    catalog: CatalogDirectory, query: str, shared: str
) -> None:
    declare(catalog, query)
    assert kept(catalog) is Materialized.SHARED
    assert plain_and_shared(catalog)[1].query == shared


# A query that can be shared but for one thing, and what is said of it.
UNSHAREABLE = [
    ("SELECT {org_slug} AS one", "reads no table"),
    (f"SELECT DISTINCT org_slug FROM {{organizations}}.accounts {MINE}", "has DISTINCT"),
    (f"SELECT org_slug, COUNT(DISTINCT email) AS n FROM {{organizations}}.accounts {MINE} GROUP BY 1", "has DISTINCT"),
    (
        f"SELECT org_slug, COUNT(*) AS n FROM {{organizations}}.accounts {MINE} GROUP BY org_slug HAVING n > 1",
        "has HAVING or QUALIFY",
    ),
    (f"{SHAREABLE} ORDER BY email", "has ORDER BY, LIMIT or OFFSET"),
    (f"{SHAREABLE} LIMIT 3", "has ORDER BY, LIMIT or OFFSET"),
    (f"{SHAREABLE} UNION ALL {SHAREABLE}", "has UNION, INTERSECT or EXCEPT"),
    (
        f"SELECT org_slug, RANK() OVER (PARTITION BY email) AS r FROM {{organizations}}.accounts {MINE}",
        "has a window function",
    ),
    (
        f"SELECT org_slug, COUNT(*) AS n FROM {{organizations}}.accounts {MINE} GROUP BY ROLLUP (org_slug)",
        "has ROLLUP, CUBE or GROUPING SETS",
    ),
    (
        f"SELECT org_slug FROM {{organizations}}.accounts FOR SYSTEM_TIME AS OF TIMESTAMP '2026-01-01' {MINE}",
        "has PIVOT, UNPIVOT, TABLESAMPLE or FOR SYSTEM_TIME",
    ),
    (
        f"SELECT org_slug, CURRENT_DATE() AS today FROM {{organizations}}.accounts {MINE}",
        "depends on when it runs, on who runs it or on chance",
    ),
    (f"SELECT org_slug, mine.f(email) AS f FROM {{organizations}}.accounts {MINE}", "calls mine.f, which is not"),
    (
        f"SELECT org_slug, STRING_AGG(email) AS a FROM {{organizations}}.accounts {MINE} GROUP BY org_slug",
        "has STRING_AGG(email), which is not an aggregate",
    ),
    (
        f"SELECT org_slug, COUNT(*) / 2 AS half FROM {{organizations}}.accounts {MINE} GROUP BY org_slug",
        "computes with COUNT(*), which has to be",
    ),
    *(
        (f"SELECT org_slug, {call} AS c FROM {{organizations}}.accounts {MINE} GROUP BY org_slug", reason)
        for call, reason in (
            ("HLL_COUNT.EXTRACT(HLL_COUNT.INIT(email))", "computes with HLL_COUNT.INIT(email), which has to be"),
            ("HLL_COUNT.MERGE(email)", "calls HLL_COUNT.MERGE, which is not among the functions that it may call"),
            ("KLL_QUANTILES.INIT_INT64(email, 100)", "calls KLL_QUANTILES.INIT_INT64, which is not among"),
            ("KEYS.NEW_KEYSET('AEAD_AES_GCM_256')", "calls KEYS.NEW_KEYSET, which is not among"),
            ("AI.GENERATE(MIN(email))", "calls AI.GENERATE, which is not among"),
            ("ANY_VALUE(STRUCT(email))", "has ANY_VALUE(STRUCT(email)), which cannot be kept up to date over a STRUCT"),
            ("MAX_BY(STRUCT(email), email)", "has MAX_BY(STRUCT(email), email), which cannot be kept up to date"),
            ("ARRAY_AGG([email])", "has ARRAY_AGG([email]), which cannot be kept up to date over a STRUCT or an ARRAY"),
            ("ST_UNION_AGG(email)", "has ST_UNION_AGG(email), which is not an aggregate"),
        )
    ),
    (f"SELECT org_slug, ARRAY(SELECT 1) AS a FROM {{organizations}}.accounts {MINE}", "has an ARRAY subquery"),
    (
        f"SELECT org_slug, n FROM (SELECT org_slug, COUNT(*) AS n FROM {{organizations}}.accounts {MINE} GROUP BY 1) "
        "GROUP BY org_slug, n",
        "groups twice",
    ),
    (
        "SELECT a.org_slug FROM {organizations}.accounts AS a LEFT JOIN {dataset}.events AS e ON a.email = e.name "
        "WHERE a.org_slug = {org_slug}",
        "has an outer join",
    ),
    (
        "SELECT a.org_slug FROM {organizations}.accounts AS a, {organizations}.accounts AS b "
        "WHERE a.org_slug = {org_slug} AND b.org_slug = {org_slug}",
        "reads a table twice",
    ),
    (
        "SELECT a.org_slug FROM {organizations}.accounts AS a JOIN {dataset}.events AS e ON a.email = e.name "
        "WHERE a.org_slug = {org_slug}",
        "has more than SELECT, FROM one table, WHERE and GROUP BY",
    ),
    (f"WITH a AS ({SHAREABLE}) SELECT org_slug FROM a", "has more than SELECT, FROM one table, WHERE and GROUP BY"),
    (f"({SHAREABLE})", "has more than SELECT, FROM one table, WHERE and GROUP BY"),
    (f"SELECT AS STRUCT org_slug FROM {{organizations}}.accounts {MINE}", "has more than SELECT, FROM one table"),
    (f"{SHAREABLE} AND email IN (SELECT name FROM {{dataset}}.events)", "has a subquery"),
    ("SELECT id, {org_slug} AS org_slug FROM {dataset}.events", "reads {dataset}.events and not {organizations}.ev"),
    (f"SELECT org_slug FROM central.accounts {MINE}", "reads central.accounts and not {organizations}.accounts"),
    (f"SELECT org_slug, {{org_slug}} AS me FROM {{organizations}}.accounts {MINE}", "does not have org_slug = "),
    (f"SELECT org_slug FROM {{organizations}}.accounts {MINE} AND org_slug = {{org_slug}}", "does not have org_slug"),
    (f"SELECT * FROM {{organizations}}.accounts {MINE}", "has a star, or a column without a name"),
    (f"SELECT accounts.* FROM {{organizations}}.accounts {MINE}", "has a star, or a column without a name"),
    (f"SELECT org_slug, CAST(email AS INT64) FROM {{organizations}}.accounts {MINE}", "has a star, or a column"),
    (f"SELECT org_slug, UPPER(email) FROM {{organizations}}.accounts {MINE}", "has a star, or a column without a"),
    (f"SELECT org_slug, email AS ORG_SLUG FROM {{organizations}}.accounts {MINE}", "gives two columns one name"),
    (f"SELECT email FROM {{organizations}}.accounts {MINE}", "does not have the column org_slug"),
    (f"SELECT email AS org_slug FROM {{organizations}}.accounts {MINE}", "does not have the column org_slug"),
    (f"SELECT profile.org_slug FROM {{organizations}}.accounts {MINE}", "does not have the column org_slug"),
    (f"SELECT org_slug, email FROM {{organizations}}.accounts {MINE} GROUP BY email", "does not group by org_slug"),
    (f"SELECT org_slug, MIN(email) AS first FROM {{organizations}}.accounts {MINE} GROUP BY ALL", "does not group by"),
    (f"SELECT org_slug, COUNT(*) AS n FROM {{organizations}}.accounts {MINE}", "aggregates without org_slug in a"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "reason"), UNSHAREABLE)
def test_a_view_that_cannot_be_shared_is_plain_or_a_problem_where_it_says_shared(
    catalog: CatalogDirectory, query: str, reason: str
) -> None:
    declare(catalog, query)
    assert kept(catalog) is Materialized.NEVER
    declare(catalog, query, materialized="never")
    assert kept(catalog) is Materialized.NEVER
    declare(catalog, query, materialized="shared")
    problem = catalog.problem()
    assert (problem.where, problem.field, problem.fix) == (CONFIG_FILE, "views.recent.materialized", FIX)
    assert problem.what.startswith(f"is shared, but the view's query {reason}")
    assert problem.line


# The first reasons are a materialized view's own, the others a shared one's.
UNMATERIALIZABLE = UNSHAREABLE[:27]


@pytest.mark.parametrize(("query", "reason"), UNMATERIALIZABLE)
def test_an_own_view_obeys_what_materialized_views_demand(catalog: CatalogDirectory, query: str, reason: str) -> None:
    declare(catalog, query, materialized="own")
    problem = catalog.problem()
    assert (problem.where, problem.field, problem.fix) == (CONFIG_FILE, "views.recent.materialized", FIX)
    assert problem.what.startswith(f"is own, but the view's query {reason}")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT email FROM {organizations}.accounts WHERE org_slug = {org_slug}",
        "SELECT e.id, a.email FROM {organizations}.accounts AS a JOIN {dataset}.events AS e ON a.email = e.name "
        "WHERE a.org_slug = {org_slug}",
        "SELECT day, COUNT(*) AS n, MAX_BY(id, at) AS last FROM {dataset}.events GROUP BY day",
        "SELECT NET.HOST(name) AS host FROM {dataset}.events WHERE tags[OFFSET(0)] = 'a'",
    ],
)  # fmt: skip
def test_an_own_view_may_be_anything_else(catalog: CatalogDirectory, query: str) -> None:
    declare(catalog, query, materialized="own")
    assert kept(catalog) is Materialized.OWN


# What a materialized view is clustered by


@pytest.mark.parametrize("materialized", ["shared", "own"])
@pytest.mark.parametrize(
    ("name", "what"), [("n", "names n, which is an aggregate"), ("data", "names data, which is NULLABLE JSON")]
)
def test_a_materialized_view_is_not_clustered_by_an_aggregate_or_an_unfit_type(
    catalog: CatalogDirectory, materialized: str, name: str, what: str
) -> None:
    catalog.write(ACCOUNTS, [column("org_slug"), column("extra", "JSON")])
    query = f"SELECT org_slug, extra AS data, COUNT(*) AS n FROM {{organizations}}.accounts {MINE} GROUP BY 1, 2"
    declare(catalog, query, materialized=materialized, clustering=[name])
    problem = catalog.problem()
    assert (problem.where, problem.field, problem.what) == (CONFIG_FILE, "views.recent.clustering", what)
    declare(catalog, query, materialized="never", clustering=[name])
    assert catalog.problems() == []


@pytest.mark.parametrize(
    ("entry", "query", "fields"),
    [
        ({"clustering": ["nope"]}, SHAREABLE, ["views.recent.clustering"]),
        ({"clustering": ["x"], "materialized": "own"}, "SELECT * FROM {dataset}.events", []),
        ({"clustering": ["org_slug"]}, SHAREABLE.replace("accounts", "nope"), ["{organizations}.nope"]),
    ],
)
def test_a_clustering_or_a_query_with_a_problem_of_its_own_has_no_other(
    catalog: CatalogDirectory, entry: Values, query: str, fields: list[str]
) -> None:
    declare(catalog, query, **entry)
    assert [problem.field for problem in catalog.problems()] == fields


# Names


@pytest.mark.parametrize("kind", ["table", "view"])
def test_the_name_of_a_shared_view_is_not_taken_in_the_central_dataset(catalog: CatalogDirectory, kind: str) -> None:
    declare(catalog, SHAREABLE)
    if kind == "table":
        catalog.change(CENTRAL_CONFIG, tables=["accounts", "Recent_ALL"])
        catalog.write(f"{CENTRAL}/schemas/Recent_ALL.json", [column("id")])
    else:
        catalog.change(CENTRAL_CONFIG, views=["Recent_ALL"])
        catalog.write(f"{CENTRAL}/views/Recent_ALL.sql", "SELECT email FROM {dataset}.accounts")
    what = f"is kept in central as recent_all, which is a declared {kind} there"
    assert catalog.problem() == Problem(CONFIG_FILE, "views.recent", what, "rename one of them")
    declare(catalog, SHAREABLE, materialized="never")
    assert catalog.problems() == []


def test_names_and_columns_that_need_quotes_are_quoted(catalog: CatalogDirectory) -> None:
    catalog.write(ACCOUNTS, [column("org_slug"), column("order")])
    catalog.change(CONFIG_FILE, views={"my-view": {"sql": "views/recent.sql"}})
    catalog.write(RECENT, f"SELECT org_slug, `order` FROM {{organizations}}.accounts {MINE}")
    own, _ = plain_and_shared(catalog)
    assert own.query == "SELECT `org_slug`, `order` FROM `central`.`my-view_all` WHERE `org_slug` = 'acme'"


# Central views


@pytest.mark.parametrize(("materialized", "expected"), [(None, "never"), ("own", "own"), ("never", "never")])
def test_a_central_view_is_plain_unless_it_says_own(
    catalog: CatalogDirectory, materialized: str | None, expected: str
) -> None:
    catalog.change(CENTRAL_CONFIG, views={"summary": {"materialized": materialized, "clustering": ["email"]}})
    catalog.write(f"{CENTRAL}/views/summary.sql", "SELECT email FROM {dataset}.accounts")
    declare(catalog, SHAREABLE, materialized="never")
    (view,) = materialized_form(catalog.load()).central_dataset().views
    clustered = (("email",), 15) if expected == "own" else ((), None)
    assert (view.materialized, (view.clustering, view.refresh_interval_minutes)) == (expected, clustered)


def test_a_central_view_is_for_all_already_so_it_is_not_shared(catalog: CatalogDirectory) -> None:
    catalog.change(CENTRAL_CONFIG, views={"summary": {"materialized": "shared"}})
    catalog.write(f"{CENTRAL}/views/summary.sql", "SELECT org_slug, email FROM {organizations}.accounts")
    problem = catalog.problem()
    assert (problem.where, problem.field) == (CENTRAL_CONFIG, "views.summary.materialized")


# Where datasets are


def test_a_dataset_is_where_the_warehouse_is_unless_it_is_declared_elsewhere(catalog: CatalogDirectory) -> None:
    source = CatalogSource(catalog.root, Engine("asia-east1"))
    loaded = source.load()
    assert {loaded.central_dataset().location, loaded.organization_dataset("acme").location} == {"asia-east1"}
    catalog.change(CONFIG_FILE, location="EU")
    assert source.load().organization_dataset("acme").location == "EU"
    assert source.load().central_dataset().location == "asia-east1"


@pytest.mark.parametrize(("location", "readable"), [(None, True), ("EU", True), ("eu", True), ("US", False)])
def test_views_of_central_tables_are_left_out_in_another_location(
    catalog: CatalogDirectory, location: str | None, readable: bool
) -> None:
    views = {"own": "SELECT id FROM {dataset}.events", "literal": f"SELECT email FROM central.accounts {MINE}"}
    catalog.change(CONFIG_FILE, views=["recent", *views])
    for name, query in views.items():
        catalog.write(RECENT.replace("recent", name), query)
    loaded = CatalogSource(catalog.root, BIGQUERY).load()
    found = [view.name for view in loaded.organization_dataset("acme", location=location).views]
    assert found == (["literal", "own", "recent"] if readable else ["own"])
    assert loaded.unreadable_views(location) == (() if readable else ("recent", "literal"))


def test_every_view_of_central_tables_is_left_out_where_organizations_are_declared_elsewhere(
    catalog: CatalogDirectory,
) -> None:
    catalog.change(CONFIG_FILE, location="US")
    loaded = CatalogSource(catalog.root, BIGQUERY).load()
    assert (loaded.organization_dataset("acme").views, loaded.unreadable_views()) == ((), ("recent",))
    assert loaded.unreadable_views("EU") == ()


def test_an_engine_in_one_place_reads_everything_whatever_location_is_declared(catalog: CatalogDirectory) -> None:
    catalog.change(CONFIG_FILE, location="asia-east1")
    assert [view.name for view in catalog.load().organization_dataset("acme", location="EU").views] == ["recent"]
    assert catalog.load().unreadable_views("EU") == ()
