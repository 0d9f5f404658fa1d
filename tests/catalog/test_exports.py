"""Files of `exports/`: where an export's columns land, and what is wrong with a file."""

from __future__ import annotations

from typing import Any

import pytest

from cloudact.catalog.exports import Export, Home, load_exports
from cloudact.catalog.problems import Code
from cloudact.errors import CatalogError, Problem
from tests.catalog.declared import EVENTS, CatalogDirectory, column

BILL = "exports/bill.yml"
COLUMNS = [
    column("Name"),
    column("day", "DATE"),
    column("data", "JSON"),
    column("labels", "JSON"),
    column("rest", "JSON"),
    column("credits", "RECORD", mode="REPEATED", fields=[column("Amount", "NUMERIC"), column("of", "RECORD",
        fields=[column("id")])]),
]  # fmt: skip
GOOD: dict[str, Any] = {
    "title": "A bill",
    "table": "EVENTS",
    "columns": {"line/Name": "name", "day": None, "bill.credits": "credits"},
    "maps": {"tag:": "data", "tag:user:": "labels"},
}


@pytest.fixture
def bills(catalog: CatalogDirectory) -> CatalogDirectory:
    """A good catalog whose table can hold a bill, with an export that lands there."""
    catalog.delete("setup/organizations/views/recent.sql")
    catalog.change("setup/organizations/config.yml", views={})
    catalog.write(EVENTS, COLUMNS)
    catalog.write(BILL, GOOD)
    return catalog


def exported(catalog: CatalogDirectory, **keys: Any) -> Export:
    catalog.write(BILL, GOOD | keys)
    (found,) = load_exports(catalog.root, catalog.load())
    return found


def problems(catalog: CatalogDirectory, path: str, content: Any) -> list[Problem]:
    catalog.write(path, content)
    with pytest.raises(CatalogError) as caught:
        load_exports(catalog.root, catalog.load())
    return list(caught.value.problems)


def test_without_a_folder_there_are_no_exports(catalog: CatalogDirectory) -> None:
    assert load_exports(catalog.root, catalog.load()) == ()


def test_exports_come_by_name_with_the_columns_as_the_table_spells_them(bills: CatalogDirectory) -> None:
    bills.write("exports/a_bill.yml", GOOD)
    first, second = load_exports(bills.root, bills.load())
    assert (first.name, second.name, second.title, second.table.name) == ("a_bill", "bill", "A bill", "events")
    assert set(second.columns) == {("line/Name", "Name"), ("day", "day"), ("bill.credits", "credits")}


@pytest.mark.parametrize(
    ("source", "home"),
    [
        ("line/Name", Home(("Name",))),
        ("LINE/name", Home(("Name",))),
        ("day", Home(("day",))),
        ("bill.credits", Home(("credits",))),
        ("bill.credits.amount", Home(("credits", "Amount"))),
        ("bill.credits.of.id", Home(("credits", "of", "id"))),
        ("bill.credits.other", None),
        ("tag:Team", Home(("data",), "Team")),
        ("Tag:User:Team", Home(("labels",), "Team")),
        ("tag:", None),
        ("unknown", None),
    ],
)
def test_a_column_lands_in_its_home(bills: CatalogDirectory, source: str, home: Home | None) -> None:
    assert exported(bills).home_of(source) == home


def test_everything_else_lands_under_its_name(bills: CatalogDirectory) -> None:
    export = exported(bills, others="rest")
    assert export.home_of("x_Credits") == Home(("rest",), "x_Credits")
    assert export.home_of("day") == Home(("day",))


def test_a_home_says_where_it_is_and_what_type_it_has(bills: CatalogDirectory) -> None:
    export = exported(bills)
    nested, keyed = export.home_of("bill.credits.amount"), export.home_of("tag:Team")
    assert nested is not None
    assert keyed is not None
    assert [str(nested), str(export.column_at(nested).type)] == ["credits.Amount", "NUMERIC"]
    assert [str(keyed), str(export.column_at(keyed).type)] == ["data['Team']", "JSON"]


WRONG = """\
title: A bill
table: events
columns:
  Line: name
  LINE: day
  size: nmae
  other: day
maps:
  tag: Name
others: day
"""


def test_every_problem_of_every_file_is_reported_with_its_line(bills: CatalogDirectory) -> None:
    bills.write("exports/other.yml", "title: Another\ntable: evnts\ncolumns: {a: b}\n")
    found = problems(bills, BILL, WRONG)
    assert [(item.where, item.line, item.field) for item in found] == [
        (BILL, 5, "columns.LINE"),
        (BILL, 7, "columns.other"),
        (BILL, 6, "columns.size"),
        (BILL, 9, "maps.tag"),
        (BILL, 9, "maps.tag"),
        (BILL, 10, "others"),
        (BILL, 10, "others"),
        ("exports/other.yml", 2, "table"),
    ]
    assert [item.code for item in found] == [
        Code.EXPORT_COLUMN_TWICE,
        Code.EXPORT_TARGET_TAKEN,
        Code.EXPORT_TARGET,
        Code.EXPORT_TARGET_TAKEN,
        Code.EXPORT_TARGET_TYPE,
        Code.EXPORT_TARGET_TAKEN,
        Code.EXPORT_TARGET_TYPE,
        Code.EXPORT_TARGET,
    ]
    assert [item.what for item in found] == [
        "has the same name as Line (case does not count)",
        "lands in day, as columns.LINE does",
        "lands in nmae, which is not a column of events",
        "lands in Name, as columns.Line does",
        "lands in Name, which is STRING",
        "lands in day, as columns.LINE does",
        "lands in day, which is DATE",
        "is evnts, which is not a table of an organization",
    ]
    assert found[2].fix == "name a column of its schema file, such as name"
    assert found[-1].fix == "name one of events"


@pytest.mark.parametrize(
    ("content", "field", "what"),
    [
        ("", "", "is empty"),
        ("title: [", "", "is not YAML"),
        (b"title: \xff", "", "is not UTF-8 (byte 7)"),
        ("title: x\ntable: events\n", "columns", "is missing"),
        (GOOD | {"columns": {}}, "columns", "Dictionary should have at least 1 item"),
        (GOOD | {"maps": {"": "data"}}, "maps.", "String should have at least 1 character"),
        (GOOD | {"column": {}}, "column", "is not a known key"),
        (GOOD | {"title": 1}, "title", "Input should be a valid string"),
        ("title: x\ntable: events\ncolumns: {a: day, a: name}\n", "", "is not YAML: found duplicate key"),
    ],
)
def test_a_file_of_another_form_is_refused(bills: CatalogDirectory, content: Any, field: str, what: str) -> None:
    (found,) = problems(bills, BILL, content)
    assert (found.where, found.field) == (BILL, field)
    assert found.what.startswith(what)


def test_a_file_that_cannot_be_read_is_a_problem(bills: CatalogDirectory) -> None:
    bills.delete(BILL)
    (bills.root / BILL).mkdir()
    with pytest.raises(CatalogError, match=r"exports/bill.yml: cannot be read: Is a directory"):
        load_exports(bills.root, bills.load())
