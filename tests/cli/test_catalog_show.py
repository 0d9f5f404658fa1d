"""`cloudact catalog show`, `docs` and `json-schema`, as people run them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.acme import ROOT
from tests.cli.command_line import A_TERMINAL, CommandLine
from tests.dictionary.small_catalog import write_files

SMALL_TABLE = """\
{org_slug}_prod.payments  table, 3 columns

partition  by number from 0 to 10, 2 each
file       setup/organizations/schemas/payments.json

number  INT64 NULLABLE
    Joins to nowhere.number and joins to invoices.nothing.
lines  RECORD REPEATED
└── invoice  STRING NULLABLE
        Of the invoice.
odd name-1  STRING NULLABLE
    joins to invoices.id.
"""


@pytest.fixture
def small(tmp_path: Path) -> CommandLine:
    """The command line over the small catalog."""
    write_files(tmp_path)
    return CommandLine(tmp_path / "configs", tmp_path / "none.duckdb")


def shown(small: CommandLine, *words: str, width: int = 80, **environment: str) -> str:
    templates = str(small.config_dir.parent / "templates")
    return small.succeed("catalog", "show", *words, CA_TEMPLATES_DIR=templates, COLUMNS=str(width), **environment)


def answered(small: CommandLine, *words: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(shown(small, *words, "--json"))
    return answer


def test_a_table_is_shown_with_nested_fields_as_a_tree(small: CommandLine) -> None:
    assert shown(small, "PAYMENTS") == SMALL_TABLE


def test_a_table_shows_which_export_columns_land_where(small: CommandLine) -> None:
    page = shown(small, "invoices")
    assert "loaded from  bill, Bill of <Provider>\n" in page
    assert "    from InvoiceId (bill)\norg_slug  STRING" in page
    assert "    policy tags projects/p\n    from * (bill)\n" in page


def test_a_view_is_shown_with_its_query_as_it_is_written(small: CommandLine) -> None:
    page = shown(small, "recent", width=60)
    assert page.startswith("{org_slug}_prod.recent  view, 3 columns\nOne row per account.\nreads  central.accounts\n")
    assert "n\n    computed: COUNT(*)\n" in page
    assert "\n-- all\nSELECT org_slug, email AS mail, COUNT(*) AS n FROM {organizations}.accounts WHERE" in page


@pytest.mark.parametrize("width", [80, 120])
def test_the_shipped_catalog_fits_the_page(width: int, cli: CommandLine) -> None:
    for words in ((), ("cost_data_standard_1_3",), ("x_notification_stats",), ("tenants",)):
        page = cli.succeed("catalog", "show", *words, COLUMNS=str(width), CA_TEMPLATES_DIR=str(ROOT / "ps_templates"))
        lines = page.split("\n-- ", maxsplit=1)[0].splitlines()
        assert [line for line in lines if len(line) > width or line != line.rstrip()] == []


def test_without_a_name_every_dataset_is_listed(small: CommandLine) -> None:
    page = shown(small)
    assert [line for line in page.splitlines() if "  table" in line or "  view" in line] == [
        "  accounts  table, 2 columns", "  invoices  table, 5 columns", "  payments  table, 3 columns",
        "  recent  view, 3 columns", "  totals  view, 1 column", "  everything  view",
        "  accounts  table, 1 column", "  runs  table, 1 column",
    ]  # fmt: skip
    assert "    One row per account.\n    clustered by org_slug\n" in page
    assert "declared in  one/two of CA_TEMPLATES_DIR\n" in page


def test_colours_are_for_a_terminal_only(small: CommandLine) -> None:
    assert "\x1b[" not in shown(small, "payments")
    assert "\x1b[1m" in shown(small, "payments", NO_COLOR="", **A_TERMINAL)


def test_json_of_a_list(small: CommandLine) -> None:
    central, own, tenants = answered(small)["datasets"]
    assert (central["dataset"], own["labels"], tenants["folder"]) == ("central", {"team": "billing"}, "one/two")
    assert central["tables"] == [
        {
            "name": "accounts",
            "dataset": "central",
            "file": "setup/bootstrap/schemas/accounts.json",
            "kind": "table",
            "description": "One row per account. Read by all.",
            "partition": None,
            "clustering": ["org_slug"],
            "labels": {},
            "columns": 2,
        }
    ]
    assert [(view["name"], view["materialized"], view["columns"]) for view in own["views"]] == [
        ("recent", "shared", 3),
        ("totals", "never", 1),
        ("everything", "never", 0),
    ]


def test_json_of_a_table_and_of_a_view(small: CommandLine) -> None:
    table = answered(small, "invoices")
    declared = json.loads((small.config_dir / "setup/organizations/schemas/invoices.json").read_text(encoding="utf-8"))
    assert table["columns"] == [{"mode": "NULLABLE", **column} for column in declared]
    assert table["partition"] == {"type": "DAY", "field": "day", "expiration_days": 90, "require_filter": True}
    assert table["joins"][1] == {"column": "org_slug", "to": "central.accounts.org_slug"}
    (export,) = table["exports"]
    assert (export["export"], export["columns"]["total"], export["others"]) == ("bill", "total", "extra")
    view = answered(small, "recent")
    assert view["reads"] == ["central.accounts"]
    assert view["columns"][0] == {
        "name": "org_slug", "type": "STRING", "expression": "org_slug", "description": "Organization.",
    }  # fmt: skip
    assert view["columns"][2] == {"name": "n", "type": None, "expression": "COUNT(*)", "description": ""}


def test_an_unknown_name_is_an_error_with_close_ones(cli: CommandLine) -> None:
    done = cli.run("catalog", "show", "org_profile")
    assert (done.exit_code, done.stdout) == (3, "")
    assert done.stderr.startswith("Error: org_profile names no table, view or dataset of the catalog\nDid you mean ")
    assert "org_profiles" in done.stderr


def test_an_empty_name_is_no_name_at_all(cli: CommandLine) -> None:
    done = cli.run("catalog", "show", "")
    assert (done.exit_code, done.stdout) == (3, "")
    assert done.stderr.startswith("Error: '' names no table, view or dataset of the catalog\n")


def test_a_narrow_terminal_folds_and_hides_nothing(small: CommandLine) -> None:
    page = shown(small, "payments", width=24)
    assert "…" not in page
    assert page.replace("\n", " ").count("partition ") == 1
    folded = "".join(line[11:] for line in page.splitlines() if line.startswith(("file ", " " * 11)))
    assert folded.endswith("setup/organizations/schemas/payments.json")


def test_the_pages_are_written_checked_and_found_stale(small: CommandLine, tmp_path: Path) -> None:
    words = ("catalog", "docs", "--out", str(tmp_path / "pages"))
    stale = small.run(*words, "--check")
    assert (stale.exit_code, stale.stdout.splitlines()[0]) == (2, "  + README.md is missing")
    assert "has 4 pages; 4 written." in small.succeed(*words)
    assert "is current." in small.succeed(*words, "--check")
    (tmp_path / "pages" / "central.md").write_text("mine", encoding="utf-8")
    refused = small.run(*words)
    assert refused.exit_code == 3
    assert "did not write: central.md" in refused.stderr


def test_the_json_schemas_are_printed_and_written(cli: CommandLine, tmp_path: Path) -> None:
    printed = json.loads(cli.succeed("catalog", "json-schema"))
    for schema in printed.values():
        Draft202012Validator.check_schema(schema)
    (tmp_path / "schemas").mkdir()
    older = tmp_path / "older"
    older.write_text("older", encoding="utf-8")
    (tmp_path / "schemas" / "config.schema.json").hardlink_to(older)
    cli.succeed("catalog", "json-schema", "--out", str(tmp_path / "schemas"))
    assert older.read_text(encoding="utf-8") == "older"  # replaced whole, not written over
    written = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in (tmp_path / "schemas").iterdir()}
    assert written == {f"{name}.schema.json": schema for name, schema in printed.items()}
    (tmp_path / "file").write_text("", encoding="utf-8")
    refused = cli.run("catalog", "json-schema", "--out", str(tmp_path / "file"))
    assert (refused.exit_code, "cannot be written" in refused.stderr) == (3, True)
