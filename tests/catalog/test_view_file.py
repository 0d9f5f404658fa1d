"""View files: one SELECT, placeholders where they may stand, and values that stay values."""

from __future__ import annotations

import duckdb
import pytest
import sqlglot
from hypothesis import example, given
from hypothesis import strategies as st
from sqlglot import exp

from cloudact.catalog.problems import Code, Problems
from cloudact.catalog.view_file import MAX_NESTED_SELECTS, PLACEHOLDERS, ViewQuery, fill, parse_view
from cloudact.errors import Problem
from cloudact.warehouse.duckdb.ddl import view_query

FILE = "views/recent.sql"
KNOWN = "use one of {dataset}, {org_slug}, {organizations}"
PIECES = ["SELECT ", "FROM ", "WHERE ", "{dataset}.t", "{org_slug}", "'", '"', "`", "(", ")", ";", "--", "/*", "*/",
          "[", "]", "{", "}", "@", "|> ", "AS a", ", ", " = ", "1", "\n", "UNION ALL ", "DROP ", "BEGIN ", "\\", "r'",
          "'''"]  # fmt: skip
VALUES = {"organizations": "organizations", "dataset": "acme_prod", "org_slug": "acme"}
QUERY = """
WITH mine AS (SELECT id, {org_slug} AS owner FROM {organizations}.accounts WHERE org_slug = {org_slug})
SELECT e.id, mine.owner FROM {dataset}.events AS e JOIN mine ON mine.id = e.id AND e.kind IN (7, {org_slug})
"""


def good(text: str) -> ViewQuery:
    """Return the query of a view file that has no problems."""
    problems = Problems(FILE)
    query = parse_view(text, problems)
    assert problems.found == []
    assert query is not None
    return query


def rendered(text: str, **values: str) -> str:
    return good(text).render(VALUES | values)


def problems_of(text: str) -> list[Problem]:
    """Return what is wrong with a view file, which then has no query."""
    problems = Problems(FILE)
    assert parse_view(text, problems) is None
    return problems.found


def test_placeholders_become_names_and_literals() -> None:
    assert rendered("select id from {organizations}.accounts where org_slug = {org_slug}") == (
        "SELECT id FROM `organizations`.accounts WHERE org_slug = 'acme'"
    )
    assert rendered("SELECT id FROM `{dataset}`.`events`") == "SELECT id FROM `acme_prod`.`events`"


def test_a_template_keeps_its_placeholders() -> None:
    query = good("SELECT {org_slug} AS who FROM {organizations}.accounts JOIN {dataset}.events USING (id)")
    assert (
        query.template
        == "SELECT '{org_slug}' AS who FROM `{organizations}`.accounts JOIN `{dataset}`.events USING (id)"
    )
    assert fill(query.template, {"dataset": "acme_prod"}) == query.template.replace("{dataset}", "acme_prod")


@given(values=st.fixed_dictionaries({name: st.text(min_size=1) for name in sorted(PLACEHOLDERS)}))
@example(values={"organizations": "{dataset}", "dataset": "'{org_slug}'", "org_slug": "`{dataset}` it's \\ \n"})
def test_values_in_the_text_are_what_nodes_in_the_tree_are(values: dict[str, str]) -> None:
    query = good(QUERY)
    assert query.render(values) == query.filled(values).sql(dialect="bigquery", comments=False)
    assert fill(query.template, values) == query.render(values)


def test_a_value_that_is_not_given_is_no_text() -> None:
    query = good("SELECT id, '{1}' AS fixed FROM {dataset}.events WHERE id = {org_slug}")
    assert "'{1}'" in query.render(VALUES)
    with pytest.raises(KeyError, match="org_slug"):
        query.render({"dataset": "acme_prod"})


def test_white_space_comments_and_a_final_semicolon_do_not_matter() -> None:
    plain = rendered("SELECT id FROM {dataset}.events WHERE id = {org_slug}")
    assert rendered("-- of {org_slug}\nSELECT id /* all */\nFROM {dataset}.events\n  WHERE id = {org_slug};\n") == plain
    assert rendered("SELECT id FROM {dataset}.events WHERE id = {org_slug}; -- the end\n") == plain


@pytest.mark.parametrize(
    ("query", "tables"),
    [
        ("SELECT 1 AS one", ()),
        ("SELECT id FROM {dataset}.a UNION ALL SELECT id FROM plain.b", (("plain", "b"), ("{dataset}", "a"))),
        ("(SELECT id FROM {organizations}.accounts)", (("{organizations}", "accounts"),)),
        ("SELECT id FROM nowhere", (("", "nowhere"),)),
        ("SELECT (SELECT MAX(id) FROM {dataset}.inner_one) AS top", (("{dataset}", "inner_one"),)),
        ("SELECT t FROM {dataset}.events, UNNEST(tags) AS t", (("{dataset}", "events"),)),
        ("SELECT t FROM {dataset}.events AS e, e.tags AS t", (("{dataset}", "events"),)),
        ("WITH a AS (SELECT id FROM {dataset}.events) SELECT id FROM a", (("{dataset}", "events"),)),
        ("WITH Latest AS (SELECT 1 AS id) SELECT id FROM latest", ()),
        ("FROM {dataset}.events |> WHERE id = 1", (("{dataset}", "events"),)),
    ],
)  # fmt: skip
def test_the_tables_a_query_reads_are_known(query: str, tables: tuple[tuple[str, str], ...]) -> None:
    assert good(query).tables == tables


@pytest.mark.parametrize(
    "query",
    [
        "SELECT id FROM {dataset}.events WHERE REGEXP_CONTAINS(name, r'^\\d{3}$')",
        "SELECT JSON '{\"a\": 1}' AS j",
        "SELECT '{}' AS j",
    ],
)
def test_braces_of_regular_expressions_and_json_are_no_placeholders(query: str) -> None:
    assert good(query)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1; SELECT 2",
        "DROP TABLE {dataset}.events",
        "SELECT 1; DROP TABLE {dataset}.events",
        "CREATE VIEW v AS SELECT 1",
        "INSERT INTO {dataset}.events SELECT 1",
        "DELETE FROM {dataset}.events WHERE TRUE",
        "TRUNCATE TABLE {dataset}.events",
        "CALL procedure()",
        "",
        "SELECT",
        "-- nothing but a comment",
        ";",
    ],
)
def test_anything_but_one_select_is_refused(text: str) -> None:
    expected = Problem(FILE, "", "is not one SELECT statement", "write one SELECT statement and nothing else")
    assert problems_of(text) == [expected]


@pytest.mark.parametrize("text", ["SELECT @limit AS a", "SELECT id FROM {dataset}.events WHERE id = ?"])
def test_a_parameter_is_refused(text: str) -> None:
    (found,) = problems_of(text)
    assert (found.code, found.what) == (Code.VIEW_SQL, "has a parameter, which nobody gives a value")


def test_what_makes_the_parser_fail_in_its_own_way_is_refused() -> None:
    text = "FROM {dataset}.t |> LIMIT AGGREGATE COUNT(*) AS n GROUP BY name |> EXTEND n + 1 AS [ HAVING"
    (found,) = problems_of(text)
    assert found.what.startswith("is not BigQuery SQL: ")


@pytest.mark.parametrize(
    "text", ["SELECT * FROM", "SELECT 'open", "SELEC id FROM t WHERE", "{organizations} accounts ("]
)
def test_what_is_not_sql_is_refused(text: str) -> None:
    (found,) = problems_of(text)
    assert (found.where, found.field) == (FILE, "")
    assert found.what.startswith(("is not BigQuery SQL: ", "is not one SELECT statement"))
    assert found.fix.startswith("write one SELECT statement")


def test_what_is_not_sql_is_said_without_control_characters() -> None:
    (found,) = problems_of("SELECT * FROM")
    assert found.what.isprintable()


def nested(selects: int) -> str:
    """A query with this many SELECTs inside one another."""
    inner = "SELECT id FROM {dataset}.events"
    return "SELECT id FROM {dataset}.events WHERE id IN (" * (selects - 1) + inner + ")" * (selects - 1)


@pytest.mark.parametrize("query", ["SELECT " + "(" * 200 + "1" + ")" * 200, nested(200)], ids=["value", "query"])
def test_a_nesting_beyond_reason_is_a_problem(query: str) -> None:
    (found,) = problems_of(query)
    assert (found.where, found.what) == (FILE, "is nested beyond reason")
    assert found.fix.startswith("write it flatter")


def test_what_is_nested_as_deep_as_may_be_can_be_rendered() -> None:
    query = parse_view(nested(MAX_NESTED_SELECTS), Problems(FILE))
    assert query is not None
    assert query.render({"dataset": "d"}).count("SELECT") == MAX_NESTED_SELECTS
    (found,) = problems_of(nested(MAX_NESTED_SELECTS + 1))
    assert found.what == f"has {MAX_NESTED_SELECTS + 1} SELECTs inside one another"


def test_how_many_selects_stand_in_a_row_does_not_matter() -> None:
    assert parse_view(" UNION ALL ".join(["SELECT id FROM {dataset}.events"] * 200), Problems(FILE)) is not None


@pytest.mark.parametrize("name", ["slug", "ORG_SLUG", "tenant"])
def test_an_unknown_placeholder_is_one_problem(name: str) -> None:
    for query in (f"SELECT {{{name}}} AS a", f"SELECT 1 FROM {{{name}}}.events"):
        assert problems_of(query) == [Problem(FILE, f"{{{name}}}", "is not a known placeholder", KNOWN)]


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=25).map("".join))
def test_any_text_is_read_or_reported(text: str) -> None:
    problems = Problems(FILE)
    query = parse_view(text, problems)
    assert (query is None) == bool(problems.found)


QUOTED = "let it stand alone, without quotes"


@pytest.mark.parametrize(
    "literal",
    ["'{org_slug}'", "'x-{org_slug}'", '"{org_slug}-x"', "'''{org_slug}'''", "r'{org_slug}'", "b'{org_slug}'"],
)
def test_a_placeholder_inside_a_text_literal_is_refused(literal: str) -> None:
    (found,) = problems_of(f"SELECT id FROM {{dataset}}.events WHERE id = {literal}")
    assert (found.where, found.field, found.fix) == (FILE, "", QUOTED)
    assert found.what.startswith("has a placeholder inside the text '")
    assert "{org_slug}" in found.what


@pytest.mark.parametrize(
    ("query", "what", "fix"),
    [
        ("SELECT {dataset} AS a", "uses {dataset} as a value", "it stands for a dataset: write it before a table's"),
        ("SELECT 1 FROM {org_slug}.events", "uses {org_slug} as a dataset", "it stands for a text value"),
        ("SELECT 1 FROM {dataset}", "uses {dataset} as a table", "write {organizations}.table or {dataset}.table"),
        ("SELECT 1 FROM {dataset}.{org_slug}", "uses {org_slug} as a table", "write {organizations}.table or"),
    ],
)  # fmt: skip
def test_a_placeholder_of_the_wrong_kind_is_refused(query: str, what: str, fix: str) -> None:
    (found,) = problems_of(query)
    assert (found.where, found.field, found.what) == (FILE, "", what)
    assert found.fix.startswith(fix)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT id AS {org_slug} FROM {dataset}.events",
        "SELECT id FROM {dataset}.events AS {org_slug}",
        "SELECT id FROM {dataset}.events AS {dataset}",
        "SELECT e.{org_slug} FROM {dataset}.events AS e",
        "SELECT {org_slug}(id) FROM {dataset}.events",
        "SELECT id FROM {dataset}.events WHERE id = @{org_slug}",
        "WITH {org_slug} AS (SELECT 1 AS id) SELECT id FROM {org_slug}",
        "SELECT id FROM {org_slug}.{dataset}.events",
        "SELECT x{org_slug} FROM {dataset}.events",
        "SELECT {org_slug}_x FROM {dataset}.events",
        "SELECT id FROM {dataset}.events_{org_slug}",
        "SELECT id FROM x_{dataset}.events",
        "SELECT id FROM {dataset}_x.events",
        "WITH x{org_slug} AS (SELECT 1 AS id) SELECT id FROM x{org_slug}",
    ],
)
def test_a_placeholder_that_is_neither_a_dataset_nor_a_whole_value_is_refused(query: str) -> None:
    found = problems_of(query)
    assert {item.where for item in found} == {FILE}
    assert all(item.what and item.fix for item in found)


@pytest.mark.parametrize(
    "value",
    [
        "it's",
        "\\",
        "\\' OR 1 = 1 -- ",
        "'; DROP TABLE x; --",
        "/* */",
        "{dataset}",
        "`",
        '"',
        "line\nline",
        "🙂 数据",
        "",
    ],
)
def test_a_value_means_itself_to_an_engine(value: str) -> None:
    query = view_query(rendered("SELECT {org_slug} AS owner", org_slug=value))
    with duckdb.connect() as connection:
        assert connection.execute(query).fetchall() == [(value,)]


def parsed(query: str) -> exp.Expression:
    """Return the tree of rendered SQL, which is one statement."""
    (tree,) = sqlglot.parse(query, dialect="bigquery")
    assert tree is not None
    return tree


PLAIN = parsed(rendered(QUERY))
HOSTILE = st.text("'\"\\`;-/*#{}()\n\r\t a") | st.text()


@given(HOSTILE)
@example("\\")
@example("'")
def test_no_value_changes_the_structure_of_the_query(value: str) -> None:
    found = parsed(rendered(QUERY, org_slug=value))
    assert {literal.name for literal in found.find_all(exp.Literal) if literal.is_string} == {value}
    assert with_owner(found, value) == PLAIN


def with_owner(tree: exp.Expression, value: str) -> exp.Expression:
    """Return the tree with the plain value in place of this one."""
    plain = exp.Literal.string(VALUES["org_slug"])
    owner = exp.Literal.string(value)
    return tree.transform(lambda node: plain.copy() if node == owner else node)


@given(HOSTILE.map(lambda text: text.replace(".", "")).filter(bool))
def test_no_dataset_name_changes_the_structure_of_the_query(value: str) -> None:
    """BigQuery splits names at dots even within backticks; no dataset's name has one."""
    found = parsed(rendered(QUERY, dataset=value))
    assert {table.db for table in found.find_all(exp.Table) if table.db} == {"organizations", value}
