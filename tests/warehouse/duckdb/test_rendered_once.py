"""What is rendered once and filled in for each dataset is what rendering it for that dataset gives, to the letter."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cloudact.catalog.load import CatalogSource
from cloudact.catalog.model import View
from cloudact.catalog.problems import Problems
from cloudact.catalog.template import ViewTemplate
from cloudact.catalog.view_file import parse_view
from cloudact.planning.changes import CreateView, ReplaceView
from cloudact.planning.plan import make_plan
from cloudact.planning.policy import EVERYTHING
from cloudact.warehouse.duckdb.ddl import query_of, statements, view_query
from tests.acme import ROOT

CATALOG = CatalogSource(ROOT / "configs").load()
# Values in every place that a view file may have one, and some where a translation looks into them.
QUERIES = (
    "SELECT t.a, {org_slug} AS owner FROM {dataset}.t JOIN {organizations}.u USING (a) WHERE u.org_slug = {org_slug}",
    "SELECT 'it\\'s \"x\"' AS note, CONCAT({org_slug}, '`', \"'\") AS note_2 FROM {dataset}.t AS t, UNNEST(t.i) AS i",
    "SELECT JSON_VALUE(details, {org_slug}) AS one, JSON_QUERY(details, '$.a') AS two FROM {dataset}.t",
    "SELECT DATE(a) AS d, FORMAT_DATE({org_slug}, d) AS e, SAFE_CAST({org_slug} AS INT64) AS n FROM {dataset}.t",
    "SELECT DATE_ADD(CAST({org_slug} AS DATE), INTERVAL 1 DAY) AS d FROM {dataset}.t",
    "WITH w AS (SELECT a FROM {dataset}.t WHERE b IN ({org_slug}, 'x')) SELECT w.a FROM w ORDER BY 1",
    "SELECT a FROM {dataset}.t WHERE REGEXP_CONTAINS(a, {org_slug}) QUALIFY ROW_NUMBER() OVER (ORDER BY b) = 1",
    "SELECT COUNTIF(a = {org_slug}) AS n, TIMESTAMP_TRUNC(b, DAY) AS day FROM {dataset}.t GROUP BY day",
)


def template(query: str) -> ViewTemplate:
    problems = Problems()
    parsed = parse_view(query, problems)
    assert parsed is not None, problems
    return ViewTemplate(View("v", ""), parsed, "views/v.sql")


TEMPLATES = [*map(template, QUERIES), *CATALOG.organization.views]
slugs = st.from_regex(r"[a-z0-9][a-z0-9_]{2,49}", fullmatch=True)
values = st.one_of(slugs, st.text("'\"\\`;-/*#{}()\n a"), st.text())
names = st.one_of(slugs.map("{}_prod".format), st.text("'\"`{}_-a Aé", min_size=1, max_size=12))


def translated(query: str) -> str | type[Exception]:
    """Some values are nothing that a translation can be made of."""
    try:
        return view_query(query)
    except Exception as error:  # noqa: BLE001 - whatever it is, it has to be the same
        return type(error)


@pytest.mark.parametrize("number", range(len(TEMPLATES)))
@settings(max_examples=25)
@given(dataset=names, value=values)
@example(dataset="acme_corp_prod", value="acme_corp")
@example(dataset="{dataset}", value="{org_slug}")
@example(dataset='a "b"', value='it\'s \\ "x"')
def test_filled_in_is_as_rendered(number: int, dataset: str, value: str) -> None:
    filled = {"organizations": "organizations", "dataset": dataset, "org_slug": value}
    view = TEMPLATES[number].render(filled)
    assert view.query == TEMPLATES[number].query.render(filled)
    expected = translated(view.query)
    assert expected == (query_of(dataset, view) if isinstance(expected, str) else expected)


@settings(max_examples=10)
@given(slugs)
def test_the_statements_of_a_dataset_are_as_without_templates(slug: str) -> None:
    """Without its template a view is translated by itself; only its comment says less then."""
    desired = CATALOG.organization_dataset(slug)
    by_itself = replace(desired, views=tuple(replace(view, rendering=None) for view in desired.views))
    plans = [make_plan(None, dataset, EVERYTHING).changes for dataset in (desired, by_itself)]
    for ours, theirs in zip(*plans, strict=True):
        found, expected = (statements(desired.name, change, None) for change in (ours, theirs))
        count = 1 if isinstance(ours, CreateView | ReplaceView) else len(expected)
        assert found[:count] == expected[:count]


def test_most_templates_are_translated_once() -> None:
    before = view_query.cache_info().misses
    for number in range(50):
        for view in CATALOG.organization_dataset(f"org_{number}_counted").views:
            query_of(f"org_{number}_counted_prod", view)
    # With marks, and once more to see that it is exact.
    assert view_query.cache_info().misses - before <= 2 * len(CATALOG.organization.views)
