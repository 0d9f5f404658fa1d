"""The data dictionary's pages."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from cloudact.dictionary.diagram import MOST_LINES, entity_diagram, everywhere
from cloudact.dictionary.entries import Dictionary
from cloudact.dictionary.files import compare
from cloudact.dictionary.load import load_dictionary
from cloudact.dictionary.markdown import code, fenced, paragraph, text
from cloudact.dictionary.pages import MARKER, pages
from tests.acme import ROOT
from tests.catalog.declared import column
from tests.dictionary.small_catalog import loaded, write_files
from tests.docs_text import DOCS, anchors, blocks, links, plain, table

ORGANIZATIONS = "org_slug_prod.md"


@pytest.fixture
def written(dictionary: Dictionary, tmp_path: Path) -> Path:
    """A directory with the pages."""
    directory = tmp_path / "pages"
    directory.mkdir()
    for name, content in pages(dictionary).items():
        (directory / name).write_text(content, encoding="utf-8")
    return directory


def test_there_is_a_page_for_each_dataset_and_an_index(dictionary: Dictionary) -> None:
    made = pages(dictionary)
    assert [*made] == ["README.md", "central.md", ORGANIZATIONS, "tenants.md"]
    assert all(content.startswith(f"{MARKER}\n\n# ") for content in made.values())


def test_every_link_of_a_page_leads_somewhere(written: Path) -> None:
    for page in sorted(written.glob("*.md")):
        for target, fragment in links(page):
            assert target.is_file()
            assert not fragment or fragment in anchors(target), f"{page.name}: {target.name}#{fragment}"


def test_a_page_begins_with_its_tables_and_views(written: Path) -> None:
    rows = table(written / ORGANIZATIONS, "Tables and views")
    assert [(row["name"], row["kind"], row["columns"]) for row in rows] == [
        ("[`invoices`](#invoices)", "table", "5"),
        ("[`payments`](#payments)", "table", "3"),
        ("[`recent`](#recent)", "view", "3"),
        ("[`totals`](#totals)", "view", "1"),
        ("[`everything`](#everything)", "view", ""),
    ]


def test_a_field_is_not_mistaken_for_the_column_of_its_name(tmp_path: Path) -> None:
    columns = [column("id"), column("day", "DATE"), column("lines", "RECORD", fields=[column("id")])]
    bill = {"title": "Bill", "table": "invoices", "columns": {"id": None}}
    config = {"dataset": "{org_slug}_prod", "tables": ["invoices"]}
    write_files(tmp_path, **{
        "configs/setup/organizations/config.yml": config,
        "configs/setup/organizations/schemas/invoices.json": columns,
        "configs/exports/bill.yml": bill,
        **dict.fromkeys(f"configs/setup/organizations/views/{name}.sql" for name in ("recent", "totals", "everything")),
        "configs/setup/organizations/schemas/payments.json": None,
    })  # fmt: skip
    page = pages(loaded(tmp_path))[ORGANIZATIONS]
    assert "| `id` | `STRING` | NULLABLE | from `id` (bill) |" in page
    assert "| &emsp;`lines.id` | `STRING` | NULLABLE |  |" in page


def test_the_index_counts_tables_and_views(written: Path) -> None:
    rows = table(written / "README.md", "Data dictionary")
    assert [(row["tables"], row["views"]) for row in rows] == [("1", "0"), ("2", "3"), ("2", "0")]


def test_a_table_shows_its_layout_its_columns_and_where_they_come_from(written: Path) -> None:
    page = written / ORGANIZATIONS
    rows = {plain(row["column"]): row for row in table(page, "`invoices`")}
    assert plain(rows["total"]["type"]) == "NUMERIC(10, 2)"
    assert rows["total"]["description"] == "rounding ROUND_HALF_EVEN<br>from `total` (bill)"
    assert rows["extra"]["description"] == "policy tags projects/p<br>from `*` (bill)"
    assert rows["id"]["mode"] == "REQUIRED"
    assert rows["id"]["description"].startswith(r"Number \| printed;")
    assert rows["id"]["description"].endswith(", see there.<br>from `InvoiceId` (bill)")
    section = page.read_text(encoding="utf-8").split("## `invoices`")[1].split("\n## ")[0]
    assert "- partition: by DAY of day; a partition expires after 90 days; queries must filter by it\n" in section
    assert "- loaded from: bill, Bill of &lt;Provider&gt;\n" in section


def test_nested_fields_are_indented_under_their_dotted_path(written: Path) -> None:
    rows = table(written / ORGANIZATIONS, "`payments`")
    assert [row["column"] for row in rows] == ["`number`", "`lines`", "&emsp;`lines.invoice`", "`odd name-1`"]
    assert [row["mode"] for row in rows] == ["NULLABLE", "REPEATED", "NULLABLE", "NULLABLE"]
    assert "by number from 0 to 10, 2 each" in (written / ORGANIZATIONS).read_text(encoding="utf-8")


def test_a_view_shows_what_it_reads_how_it_is_kept_and_its_query(written: Path) -> None:
    page = written / ORGANIZATIONS
    rows = table(page, "`recent`")
    assert [row["description"] for row in rows] == ["Organization.", "", "computed: `COUNT(*)`"]
    section = page.read_text(encoding="utf-8").split("## `recent`")[1].split("\n## ")[0]
    assert "- reads: central.accounts\n" in section
    assert "one for all organizations, central.recent_all, refreshed every 15 minutes" in section
    assert [block.text.splitlines()[0] for block in blocks(page, "sql")] == [
        "-- all", "SELECT SUM(total) AS `the total` FROM {dataset}.invoices", "SELECT * FROM {dataset}.payments",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("a | b", r"a \| b"),
        ("<b>&", "&lt;b&gt;&amp;"),
        ("{org_slug}", r"\{org_slug\}"),
        ("_all_ x_ snake_case", r"\_all\_ x\_ snake_case"),
        ("a*b* `c` [d](e) ~f~ $1$ \\", r"a\*b\* \`c\` \[d\]\(e) \~f\~ \$1\$ \\"),
        ("  one\n\n two\n", "one<br>two"),
    ],
)
def test_text_is_shown_as_it_is(raw: str, shown: str) -> None:
    assert text(raw) == shown


@pytest.mark.parametrize(
    ("raw", "shown"),
    [("# a", r"\# a"), ("- a", r"\- a"), ("1. a", r"1\. a"), ("+ a", r"\+ a"), ("2024 was", "2024 was")],
)
def test_a_paragraph_never_begins_a_list_or_a_heading(raw: str, shown: str) -> None:
    assert paragraph(raw) == shown


def test_code_holds_backticks_and_pipes() -> None:
    assert code("a|b") == r"`a\|b`"
    assert code("a`b") == "``a`b``"
    assert code("`a`") == "`` `a` ``"
    assert fenced("sql", "```\nx") == "````sql\n```\nx\n````"


def test_no_awkward_description_breaks_a_table(written: Path) -> None:
    (row,) = [row for row in table(written / "README.md", "Data dictionary") if "central" in row["dataset"]]
    assert row["what it holds"].count("<br>") == 1
    assert not re.search(r"(?<!\\)[|*{}\[`]|<(?!br>)", row["what it holds"])


# The entity diagram


def test_the_diagram_has_a_line_for_each_pair_that_joins_and_each_table_a_view_reads(dictionary: Dictionary) -> None:
    lines = [line.strip() for line in entity_diagram(dictionary.datasets[1], dictionary).splitlines()]
    assert lines[:2] == ["erDiagram", "direction LR"]
    assert [line for line in lines if "}o..o{" in line] == [
        '"invoices" }o..o{ "payments" : "id"',
        '"invoices" }o..o{ "central.accounts" : "org_slug"',
        '"payments" }o..o{ "invoices" : "odd_name-1"',
        '"recent" }o..o{ "central.accounts" : "reads"',
        '"totals" }o..o{ "invoices" : "reads"',
        '"everything" }o..o{ "payments" : "reads"',
    ]


def test_an_entity_shows_only_the_columns_that_join(dictionary: Dictionary) -> None:
    drawn = entity_diagram(dictionary.datasets[1], dictionary)
    assert re.findall(r'"invoices" \{\n(.*?)\n    \}', drawn, re.DOTALL) == [
        "        STRING id FK\n        STRING org_slug FK"
    ]
    assert re.findall(r'"payments" \{\n(.*?)\n    \}', drawn, re.DOTALL) == [
        "        STRING lines_invoice\n        STRING odd_name-1 FK"
    ]


def test_an_entity_shows_lists_computed_columns_and_names_that_are_no_words(tmp_path: Path) -> None:
    columns = [
        column("tags", mode="REPEATED", description="Joins to recent.n."),
        column("1st", description="Joins to invoices.id."),
        column("größe\U00020000", description="Joins to invoices.id."),
    ]
    write_files(
        tmp_path, **{"configs/setup/organizations/schemas/payments.json": [column("number", "INT64"), *columns]}
    )
    found = loaded(tmp_path)
    drawn = entity_diagram(found.datasets[1], found)
    assert "        STRING[] tags FK\n        STRING _1st FK\n        STRING größe_ FK\n" in drawn
    assert '"recent" {\n        computed n\n' in drawn
    assert '"payments" }o..o{ "invoices" : "_1st, größe_"' in drawn


def test_a_dataset_without_joins_has_no_diagram(tmp_path: Path) -> None:
    write_files(tmp_path, **{"templates/one/two/schemas/runs.json": [column("tenant_id")]})
    found = loaded(tmp_path)
    assert entity_diagram(found.datasets[2], found) == ""
    assert "How they join" not in pages(found)["tenants.md"]


def with_joining_tables(count: int, directory: Path) -> Dictionary:
    """Return the dictionary of templates in which this many tables join to one."""
    names = [f"t{number}" for number in range(count)]
    joining = [column("tenant_id", description="Joins to accounts.tenant_id.")]
    changed = {f"templates/one/two/schemas/{name}.json": joining for name in names}
    config = {"dataset": "tenants", "tables": ["accounts", *names]}
    write_files(
        directory, **changed, **{"templates/one/two/schemas/runs.json": None, "templates/one/two/config.yml": config}
    )
    return loaded(directory)


def test_as_many_tables_as_can_be_drawn_are(tmp_path: Path) -> None:
    found = with_joining_tables(MOST_LINES, tmp_path)
    assert everywhere(found.datasets[2], found) == {}
    assert entity_diagram(found.datasets[2], found).count('}o..o{ "accounts"') == MOST_LINES


def test_what_nearly_every_table_joins_to_is_told_and_not_drawn(tmp_path: Path) -> None:
    found = with_joining_tables(MOST_LINES + 1, tmp_path)
    (told,) = everywhere(found.datasets[2], found).items()
    assert (str(told[0]), len(told[1])) == ("tenants.accounts.tenant_id", MOST_LINES + 1)
    page = pages(found)["tenants.md"]
    assert "mermaid" not in page
    assert f"| `tenant_id` | [`accounts.tenant_id`](#accounts) | {MOST_LINES + 1} |" in page


def test_a_table_named_like_its_dataset_is_linked_and_not_the_pages_title(tmp_path: Path) -> None:
    columns = [column("id"), column("parent", description="Joins to tenants.id.")]
    config = {"dataset": "tenants", "tables": ["tenants", "runs"]}
    accounts = "templates/one/two/schemas/accounts.json"
    tenants = {
        "templates/one/two/schemas/tenants.json": columns,
        accounts: None,
        "templates/one/two/config.yml": config,
    }
    write_files(tmp_path, **tenants)
    page = pages(loaded(tmp_path))["tenants.md"]
    assert [line for line in page.splitlines() if line.startswith("#")][:4] == [
        "# `tenants`", "## Tables and views", "## How they join", "## `tenants`",
    ]  # fmt: skip
    assert "| [`tenants`](#tenants-1) | table |" in page


def test_two_datasets_of_one_name_have_two_pages(dictionary: Dictionary) -> None:
    twice = replace(dictionary, datasets=(*dictionary.datasets, replace(dictionary.datasets[2], folder="other")))
    assert [*pages(twice)][-2:] == ["tenants.md", "tenants-ca-templates-dir-other.md"]


# What ships


def test_the_pages_that_ship_are_current() -> None:
    made = pages(load_dictionary(ROOT / "configs", ROOT / "ps_templates"))
    assert compare(made, DOCS / "catalog").is_current, "run cloudact catalog docs --out docs/catalog"
