"""A whole catalog from its files: every problem in one report, never half of anything."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudact.catalog.load import (
    CENTRAL,
    ORGANIZATION,
    is_declaration,
    load_dataset,
    parse_catalog,
    parse_dataset,
    read_files,
)
from cloudact.catalog.problems import Code
from cloudact.errors import CatalogError, Problem
from tests.catalog.declared import (
    ACCOUNTS,
    CENTRAL_CONFIG,
    CONFIG_FILE,
    EVENTS,
    RECENT,
    CatalogDirectory,
    column,
    encoded,
    small_catalog,
)

NOT_DECLARED = "is not a declared table"
WRITE_DECLARED = "write {organizations}.table or {dataset}.table with a table of the catalog"
UNREADABLE = Path("/proc/self/mem")


def test_a_good_catalog_is_what_the_files_say(catalog: CatalogDirectory) -> None:
    loaded = catalog.load()
    names = [item["name"] for item in small_catalog()[EVENTS]]
    assert [table.name for table in loaded.central.tables] == ["accounts"]
    assert [[item.name for item in table.columns] for table in loaded.organization.tables] == [names]
    assert [item.view.name for item in loaded.organization.views] == ["recent"]


def test_other_files_beside_the_catalog_do_not_matter(catalog: CatalogDirectory) -> None:
    catalog.write(f"{CENTRAL}/README.md", "# notes")
    catalog.write(f"{CENTRAL}/schemas/notes.txt", "notes")
    assert catalog.problems() == []


@pytest.mark.parametrize("path", [CENTRAL_CONFIG, ACCOUNTS, RECENT])
def test_a_byte_order_mark_is_no_problem(catalog: CatalogDirectory, path: str) -> None:
    before = catalog.load()
    catalog.write(path, b"\xef\xbb\xbf" + encoded(small_catalog())[path])
    assert catalog.load() == before


def _orphan(path: str, key: str, config: str) -> Problem:
    return Problem(path, "", f"is named by no entry under `{key}`", f"add it to {config}, or delete the file")


OTHER_SCHEMA, OTHER_VIEW = f"{CENTRAL}/schemas/other.json", f"{ORGANIZATION}/views/other.sql"
MISSING = ("", "does not exist", "write it, or remove what refers to it")


@pytest.mark.parametrize(
    ("path", "content", "expected"),
    [
        (OTHER_SCHEMA, "[]", _orphan(OTHER_SCHEMA, "tables", CENTRAL_CONFIG)),
        (OTHER_VIEW, "SELECT 1", _orphan(OTHER_VIEW, "views", CONFIG_FILE)),
        (EVENTS, None, Problem(EVENTS, *MISSING)),
        (RECENT, None, Problem(RECENT, *MISSING)),
        (CONFIG_FILE, b"\xff", Problem(CONFIG_FILE, "", "is not UTF-8 (byte 0)", "save it as UTF-8")),
        (EVENTS, b"[\n\xff", Problem(EVENTS, "", "is not UTF-8 (byte 2)", "save it as UTF-8")),
        (RECENT, b"SELECT '\xff'", Problem(RECENT, "", "is not UTF-8 (byte 8)", "save it as UTF-8")),
        (EVENTS, "", Problem(EVENTS, "", "is not JSON: Expecting value", "mend the syntax near column 1", 1)),
    ],
    ids=[
        "orphan schema",
        "orphan view",
        "no schema",
        "no view",
        "config not UTF-8",
        "schema not UTF-8",
        "view not UTF-8",
        "empty schema",
    ],
)
def test_one_thing_wrong_is_one_problem(catalog: CatalogDirectory, path: str, content: Any, expected: Problem) -> None:
    if content is None:
        catalog.delete(path)
    else:
        catalog.write(path, content)
    assert catalog.problem() == expected


def test_one_file_that_two_views_name_is_reported_once(catalog: CatalogDirectory) -> None:
    catalog.change(CONFIG_FILE, views={"recent": None, "again": {"sql": "views/recent.sql"}})
    catalog.write(RECENT, "DROP TABLE {dataset}.events")
    assert catalog.problem().what == "is not one SELECT statement"


def test_a_catalog_that_is_not_there_lacks_both_configs(tmp_path: Path) -> None:
    with pytest.raises(CatalogError) as caught:
        parse_catalog({})
    assert caught.value.problems == (Problem(CENTRAL_CONFIG, *MISSING), Problem(CONFIG_FILE, *MISSING))
    with pytest.raises(CatalogError) as caught:
        load_dataset(tmp_path, "setup/initial")
    assert caught.value.problems == (Problem("setup/initial/config.yml", *MISSING),)


@pytest.mark.parametrize(
    ("config", "field", "what"),
    [
        ({"views": {"events": None}}, "views.events", "has the same name as tables.events (case does not count)"),
        ({"views": {"EVENTS": None}}, "views.EVENTS", "has the same name as tables.events (case does not count)"),
        ({"tables": ["events", "Events"]}, "tables.Events", "has the same name as tables.events (case does not count)"),
    ],
)
def test_two_things_of_one_name_are_a_problem(
    catalog: CatalogDirectory, config: dict[str, Any], field: str, what: str
) -> None:
    catalog.change(CONFIG_FILE, **config)
    (found,) = [problem for problem in catalog.problems() if problem.where == CONFIG_FILE]
    assert (found.field, found.what, found.fix) == (field, what, "rename one of them")
    assert found.line


@pytest.mark.parametrize("name", ["prod", "{org_slug}_{org_slug}", "{slug}_prod", "{org_slug}{}", "{org_slug"])
def test_an_organizations_dataset_is_named_after_it_once(catalog: CatalogDirectory, name: str) -> None:
    catalog.write(CONFIG_FILE, f"tables: [events]\nviews: [recent]\ndataset: '{name}'\n")
    fix = "use {org_slug} once, for example {org_slug}_prod"
    assert catalog.problem() == Problem(CONFIG_FILE, "dataset", f"is {name}", fix, 3)


@pytest.mark.parametrize("name", ["central_{org_slug}", "{central}", "a}"])
def test_the_central_dataset_has_a_plain_name(catalog: CatalogDirectory, name: str) -> None:
    catalog.write(CENTRAL_CONFIG, f"dataset: '{name}'\ntables: [accounts]\n")
    fix = "give it a plain name"
    assert catalog.problem() == Problem(CENTRAL_CONFIG, "dataset", f"is {name}", fix, 1)


@pytest.mark.parametrize("source", ["{organizations}.accounts", "central.accounts"])
def test_a_view_reads_declared_tables(catalog: CatalogDirectory, source: str) -> None:
    catalog.write(RECENT, f"SELECT {{org_slug}} AS owner FROM {source} WHERE org_slug = {{org_slug}}")
    assert catalog.problems() == []


def test_a_view_of_the_organizations_own_tables_needs_no_filter(catalog: CatalogDirectory) -> None:
    catalog.write(RECENT, "SELECT id FROM {dataset}.events")
    assert catalog.problems() == []


def test_a_view_spells_a_table_as_it_is_declared(catalog: CatalogDirectory) -> None:
    catalog.write(RECENT, "SELECT id FROM {dataset}.EVENTS")
    problem = catalog.problem()
    assert (problem.code, problem.field, problem.fix) == (Code.UNKNOWN_TABLE, "{dataset}.EVENTS", "write events")


def test_a_function_that_gives_a_table_is_named(catalog: CatalogDirectory) -> None:
    catalog.write(RECENT, "SELECT a FROM EXTERNAL_QUERY('connection', 'SELECT 1 AS a')")
    assert catalog.problem().field == "(no dataset).EXTERNAL_QUERY"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("SELECT id FROM {dataset}.events", None),
        ("SELECT id FROM made.events", None),
        ("SELECT id FROM {dataset}.evnts", Code.UNKNOWN_TABLE),
        ("SELECT nope FROM {dataset}.events", Code.UNKNOWN_COLUMN),
        ("SELECT {org_slug} AS owner FROM {dataset}.events", Code.PLACEHOLDER),
    ],
)
def test_a_dataset_by_itself_has_views_over_its_own_tables(tmp_path: Path, query: str, code: Code | None) -> None:
    files = {
        "x/config.yml": {"dataset": "made", "tables": ["events"], "views": ["v"]},
        "x/schemas/events.json": [{"name": "id", "type": "INT64"}],
        "x/views/v.sql": query,
        "xy/config.yml": "no mapping",
    }
    if code is None:
        assert parse_dataset("x", encoded(files)).alone().views[0].query == query.replace("{dataset}", "`made`")
        return
    with pytest.raises(CatalogError) as caught:
        parse_dataset("x", encoded(files))
    assert [problem.code for problem in caught.value.problems] == [code]


def test_what_is_read_of_a_directory_can_be_told_by_its_path(catalog: CatalogDirectory) -> None:
    others = ("README.md", "schemas/notes.txt", "schemas/old/events.json", "events.json", "old/config.yml", "a.sql")
    for name in (*others, "views/deep/b.sql"):
        catalog.write(f"{ORGANIZATION}/{name}", "?")
    paths = [path.relative_to(catalog.root).as_posix() for path in catalog.root.rglob("*") if path.is_file()]
    read = {path for path in paths if is_declaration(path, ORGANIZATION)}
    assert read == set(read_files(catalog.root, ORGANIZATION))
    assert f"{ORGANIZATION}/a.sql" in read


@pytest.mark.parametrize("clustering", [["a", "b", "c", "d", "e"], ["id", "ID"]], ids=["five", "twice"])
def test_a_view_of_every_column_is_clustered_by_few(catalog: CatalogDirectory, clustering: list[str]) -> None:
    catalog.change(CONFIG_FILE, views={"recent": {"clustering": clustering}})
    catalog.write(RECENT, "SELECT * FROM {dataset}.events")
    assert catalog.problem().code == Code.CLUSTERING_COLUMNS


def test_a_column_that_no_table_of_the_view_declares_is_a_problem(catalog: CatalogDirectory) -> None:
    catalog.write(RECENT, "SELECT nope FROM {dataset}.events")
    problem = catalog.problem()
    assert (problem.where, problem.field) == (RECENT, "nope")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT {org_slug} AS me, email FROM {organizations}.accounts",
        "SELECT email FROM {organizations}.accounts WHERE org_slug = {org_slug} OR TRUE",
        "SELECT email FROM {organizations}.accounts WHERE org_slug != {org_slug}",
        "SELECT email FROM {organizations}.accounts WHERE NOT org_slug = {org_slug}",
        "SELECT email FROM {organizations}.accounts WHERE email = {org_slug}",
        "SELECT email FROM {organizations}.accounts WHERE org_slug = 'other'",
        "SELECT email FROM {organizations}.accounts WHERE org_slug = {org_slug} "
        "UNION ALL SELECT email FROM central.accounts",
        "SELECT a.email FROM {organizations}.accounts AS a CROSS JOIN central.accounts AS b "
        "WHERE a.org_slug = {org_slug}",
        "SELECT email FROM (SELECT email, org_slug FROM {organizations}.accounts) WHERE org_slug = {org_slug}",
    ],
)
def test_a_view_that_could_show_other_organizations_rows_is_refused(catalog: CatalogDirectory, query: str) -> None:
    catalog.write(RECENT, query)
    problem = catalog.problem()
    assert problem.where == RECENT
    assert problem.what == "is read without its organization, so the view would show all of them"


@pytest.mark.parametrize(
    "query",
    [
        "SELECT email FROM {organizations}.accounts WHERE (({org_slug} = ORG_SLUG)) AND email IS NOT NULL",
        "SELECT a.email FROM {organizations}.accounts AS a JOIN central.accounts AS b ON a.email = b.email "
        "WHERE a.org_slug = {org_slug} AND b.org_slug = {org_slug}",
    ],
)
def test_a_view_that_filters_every_central_table_is_accepted(catalog: CatalogDirectory, query: str) -> None:
    catalog.write(RECENT, query)
    assert catalog.problems() == []


@pytest.mark.parametrize(
    ("source", "field"),
    [
        ("{organizations}.nope", "{organizations}.nope"),
        ("{dataset}.accounts", "{dataset}.accounts"),
        ("{dataset}.recent", "{dataset}.recent"),
        ("other.accounts", "other.accounts"),
        ("nope", "(no dataset).nope"),
        ("elsewhere.{organizations}.accounts", "elsewhere.{organizations}.accounts"),
    ],
)
def test_a_view_over_an_undeclared_table_is_a_problem(catalog: CatalogDirectory, source: str, field: str) -> None:
    catalog.write(RECENT, f"SELECT {{org_slug}} AS owner FROM {source} WHERE org_slug = {{org_slug}}")
    assert catalog.problem() == Problem(RECENT, field, NOT_DECLARED, WRITE_DECLARED)


def test_a_view_over_an_undeclared_table_is_named_by_the_file_it_is_in(catalog: CatalogDirectory) -> None:
    catalog.change(CONFIG_FILE, views={"recent": {"sql": "views/other.sql"}})
    catalog.delete(RECENT)
    catalog.write(OTHER_VIEW, "SELECT {org_slug} AS owner FROM {dataset}.nope")
    assert catalog.problem() == Problem(OTHER_VIEW, "{dataset}.nope", NOT_DECLARED, WRITE_DECLARED)


@pytest.mark.parametrize("query", ["SELECT 1 AS one FROM {dataset}.nope", "SELECT {org_slug} AS owner"])
def test_a_central_view_reads_central_tables_and_knows_no_organization(catalog: CatalogDirectory, query: str) -> None:
    path = f"{CENTRAL}/views/summary.sql"
    catalog.change(CENTRAL_CONFIG, views=["summary"])
    catalog.write(path, "SELECT COUNT(*) AS emails FROM {dataset}.accounts")
    assert catalog.load().central_dataset().views[0].query == "SELECT COUNT(*) AS emails FROM `central`.accounts"
    catalog.write(path, query)
    assert catalog.problem().where == path


def test_an_organizations_view_of_a_central_table_must_name_the_organization(catalog: CatalogDirectory) -> None:
    catalog.write(RECENT, "SELECT email FROM {organizations}.accounts")
    assert catalog.problem().where == RECENT


def test_problems_of_several_files_are_one_sorted_report_without_repetition(catalog: CatalogDirectory) -> None:
    catalog.change(CENTRAL_CONFIG, tables={"accounts": {"clustering": ["nope"]}, "lost": None})
    catalog.change(CONFIG_FILE, tables={"events": {"partition": {"type": "DAY", "field": "id"}}})
    catalog.write(ACCOUNTS, [column("id"), column("email"), column("Email")])
    catalog.write(OTHER_SCHEMA, "[]")
    catalog.write(RECENT, "SELECT {slug} AS owner FROM {dataset}.events WHERE id = '{org_slug}'")
    found = catalog.problems()
    assert found == sorted(set(found))
    assert {(problem.where, problem.field) for problem in found} >= {
        (CENTRAL_CONFIG, "tables.accounts.clustering"),
        (f"{CENTRAL}/schemas/lost.json", ""),
        (OTHER_SCHEMA, ""),
        (ACCOUNTS, "Email"),
        (CONFIG_FILE, "tables.events.partition.field"),
        (RECENT, "{slug}"),
        (RECENT, ""),
    }


def test_the_report_says_where_what_and_how_to_mend_it_line_by_line(catalog: CatalogDirectory) -> None:
    catalog.write(CONFIG_FILE, "dataset: '{org_slug}_prod'\nviews: [recent]\ntables:\n  events: {clustering: [nope]}\n")
    catalog.write(ACCOUNTS, [column("id", mode="X")])
    with pytest.raises(CatalogError) as caught:
        catalog.load()
    assert str(caught.value).splitlines() == [
        "the catalog has 2 problems; nothing was changed",
        f"  {ACCOUNTS}: id.mode: is 'X' (use one of NULLABLE, REQUIRED, REPEATED)",
        f"  {CONFIG_FILE}:4: tables.events.clustering: names nope, which is not a column "
        "(name some of id, at, day, name, data, tags)",
    ]


def test_a_problem_in_a_config_hides_none_in_the_files_beside_it(catalog: CatalogDirectory) -> None:
    catalog.change(CONFIG_FILE, tabels=5)
    catalog.write(EVENTS, [column("id", "TEXT")])
    catalog.write(RECENT, "DROP TABLE x")
    assert [problem.where for problem in catalog.problems()] == [CONFIG_FILE, EVENTS, RECENT]


def test_a_problem_in_one_config_does_not_hide_that_the_other_is_empty(catalog: CatalogDirectory) -> None:
    catalog.change(CENTRAL_CONFIG, tabels=5)
    catalog.write(CONFIG_FILE, "")
    assert {problem.where for problem in catalog.problems()} >= {CENTRAL_CONFIG, CONFIG_FILE}


@pytest.mark.skipif(not UNREADABLE.exists(), reason="this system has no file that exists and cannot be read by anyone")
@pytest.mark.parametrize("path", [EVENTS, CONFIG_FILE])
def test_a_file_that_cannot_be_read_is_a_problem(catalog: CatalogDirectory, path: str) -> None:
    catalog.delete(path)
    (catalog.root / path).symlink_to(UNREADABLE)
    assert path in {problem.where for problem in catalog.problems()}


@pytest.mark.parametrize("path", [EVENTS, CONFIG_FILE, RECENT])
def test_a_pipe_is_a_problem_and_is_not_waited_for(catalog: CatalogDirectory, path: str) -> None:
    catalog.delete(path)
    os.mkfifo(catalog.root / path)
    assert "cannot be read: it is not a regular file" in {
        item.what for item in catalog.problems() if item.where == path
    }


GOOD = encoded(small_catalog())


@given(st.sampled_from(sorted(GOOD)), st.binary())
def test_a_catalog_of_any_bytes_is_read_or_refused(path: str, content: bytes) -> None:
    with suppress(CatalogError):
        parse_catalog({**GOOD, path: content})
