"""The texts of views in the `ddl` column, in the form that BigQuery writes them, read back as views."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudact.catalog.model import Materialized, View
from cloudact.warehouse.bigquery.ddl_text import read_view
from tests.strategies import tables, views
from tests.warehouse.bigquery.answers import ddl_of, ddl_with

VIEWS = {
    "AS SELECT 1 AS one;": View("v", "SELECT 1 AS one"),
    'OPTIONS(\n  description="It\'s \\"all\\""\n)\nAS SELECT a FROM `shop`.t;': View(
        "v", "SELECT a FROM `shop`.t", 'It\'s "all"'
    ),
    'OPTIONS(\n  description="d",\n  labels=[("b", "2"), ("a", "1")]\n)\nAS SELECT 1;': View(
        "v", "SELECT 1", "d", labels=(("a", "1"), ("b", "2"))
    ),
    'OPTIONS(\n  expiration_timestamp=TIMESTAMP "2030-01-01T00:00:00Z",\n  friendly_name="v"\n)\nAS SELECT 1;': View(
        "v", "SELECT 1"
    ),
}
QUERIES = (
    "SELECT 'AS SELECT', \"OPTIONS(\", `x;` FROM t",
    "SELECT a\nFROM `shop`.t -- it's a comment; with (a quote\nWHERE b > 0",
    "WITH x AS (SELECT 1 AS a)\nSELECT a FROM x",
    "SELECT '''it's''', r'\\', \"\"\"a \"b\" c\"\"\"",
    "SELECT * FROM t WHERE a IN (1, 2) # ;",
    "SELECT 'größer 数据 🙂'",
)


@pytest.mark.parametrize("text", VIEWS)
def test_a_view_is_read_with_its_options(text: str) -> None:
    assert read_view("v", f"CREATE VIEW `p.shop.v`\n{text}") == VIEWS[text]


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_is_kept_to_the_letter(query: str) -> None:
    logical = read_view("v", f'CREATE VIEW `p.shop.v`\nOPTIONS(\n  description="d"\n)\nAS {query};')
    materialized = read_view("v", f"CREATE MATERIALIZED VIEW `p.shop.v`\nAS {query};")
    assert logical == View("v", query, "d")
    assert materialized == View("v", query, materialized=Materialized.OWN)


def test_a_materialized_view_is_read_with_its_refresh_and_clustering() -> None:
    text = r"""CREATE MATERIALIZED VIEW `p.shop.mv`
CLUSTER BY org_slug, `with-dash`
OPTIONS(
  description="All\norders.",
  enable_refresh=true,
  labels=[("team", "shop")],
  max_staleness=INTERVAL "0-0 0 4:0:0" YEAR TO SECOND,
  refresh_interval_minutes=15.0
)
AS SELECT org_slug, COUNT(*) AS n FROM `central`.orders GROUP BY org_slug;"""
    assert read_view("mv", text) == View(
        name="mv",
        query="SELECT org_slug, COUNT(*) AS n FROM `central`.orders GROUP BY org_slug",
        description="All\norders.",
        materialized=Materialized.OWN,
        clustering=("org_slug", "with-dash"),
        refresh_interval_minutes=15,
        labels=(("team", "shop"),),
    )


@pytest.mark.parametrize(
    "text",
    [
        ddl_with("a INT64"),
        "CREATE OR REPLACE VIEW `p.s.v`\nAS SELECT 1;",
        "CREATE VIEW `p.s.v`",
        "CREATE VIEW `p.s.v`\nAS",
        'CREATE VIEW `p.s.v`\n(\n  a OPTIONS(description="x")\n)\nAS SELECT 1 AS a;',
        "CREATE MATERIALIZED VIEW `p.s.v`\nPARTITION BY DATE(ts)\nAS SELECT ts FROM t;",
        "CREATE VIEW `p.s.v`\nOPTIONS(description=\nAS SELECT 1;",
        "CREATE VIEW `p.s.v`\nOPTIONS(description=NULL)\nAS SELECT 1;",
        'CREATE VIEW `p.s.v`\nOPTIONS(description="""d""")\nAS SELECT 1;',
        'CREATE VIEW `p.s.v`\nOPTIONS(labels=["ab"])\nAS SELECT 1;',
        "CREATE VIEW `p.s.v`\nAS SELECT 1",
        "CREATE VIEW `p.s.v`\nAS SELECT 1;\n",
        'CREATE MATERIALIZED VIEW `p.s.v`\nOPTIONS(refresh_interval_minutes="15")\nAS SELECT 1;',
        "CREATE MATERIALIZED VIEW `p.s.v`\nOPTIONS(refresh_interval_minutes=NULL)\nAS SELECT 1;",
        "CREATE MATERIALIZED VIEW `p.s.v`\nOPTIONS(refresh_interval_minutes=true)\nAS SELECT 1;",
    ],
)
def test_a_view_that_says_something_unknown_is_not_read(text: str) -> None:
    assert read_view("v", text) is None


@given(st.data())
def test_any_view_is_read_back_as_declared(data: st.DataObject) -> None:
    view = data.draw(views("shop", data.draw(st.lists(tables(), max_size=1))))
    assert read_view(view.name, ddl_of(view)) == view
