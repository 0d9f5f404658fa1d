"""The statements that change what a patch cannot."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudact.catalog.model import Kind, Materialized, Mode, Type, View
from cloudact.planning.changes import WidenType
from cloudact.warehouse.bigquery.ddl_text import read_view
from cloudact.warehouse.bigquery.statements.ddl import replace_materialized_view, set_data_type, text, undelete
from tests.strategies import tables, views

HEAD = "CREATE OR REPLACE MATERIALIZED VIEW `p`.`shop`."


@pytest.mark.parametrize(
    ("after", "written"),
    [
        (Type(Kind.NUMERIC), "NUMERIC"),
        (Type(Kind.NUMERIC, 20, 0), "NUMERIC(20)"),
        (Type(Kind.BIGNUMERIC, 76, 38), "BIGNUMERIC(76, 38)"),
        (Type(Kind.STRING), "STRING"),
        (Type(Kind.STRING, max_length=20), "STRING(20)"),
        (Type(Kind.BYTES, max_length=1), "BYTES(1)"),
    ],
)
def test_a_type_is_widened_by_its_googlesql_name(after: Type, written: str) -> None:
    statement = set_data_type("p", "shop", WidenType("or`ders", ("a b",), Type(Kind.INT64), after))
    assert statement.text == rf"ALTER TABLE `p`.`shop`.`or\`ders` ALTER COLUMN `a b` SET DATA TYPE {written}"
    assert statement.parameters == ()


@pytest.mark.parametrize(
    ("collation", "written"), [("und:ci", 'STRING(9) COLLATE "und:ci"'), ('a"b\\', r'STRING(9) COLLATE "a\"b\\"')]
)
def test_a_collation_is_repeated_because_the_statement_would_take_it_away(collation: str, written: str) -> None:
    change = WidenType("t", ("s",), Type(Kind.STRING, max_length=1), Type(Kind.STRING, max_length=9))
    assert set_data_type("p", "shop", change, collation).text.endswith(f" ALTER COLUMN `s` SET DATA TYPE {written}")


def test_a_required_column_is_said_to_be_so_again_because_its_mode_would_change() -> None:
    change = WidenType("t", ("s",), Type(Kind.STRING, max_length=1), Type(Kind.STRING))
    statement = set_data_type("p", "shop", change, "und:ci", Mode.REQUIRED)
    assert statement.text.endswith(' SET DATA TYPE STRING COLLATE "und:ci" NOT NULL')


def test_a_materialized_view_is_replaced_with_no_more_than_it_declares() -> None:
    view = View("mv", "SELECT 1 AS a", materialized=Materialized.OWN)
    found = replace_materialized_view("p", "shop", view)
    assert found.text == f"{HEAD}`mv`\nOPTIONS (enable_refresh = TRUE)\nAS SELECT 1 AS a"


@given(st.data())
def test_any_materialized_view_is_replaced_by_what_is_declared(data: st.DataObject) -> None:
    among = data.draw(st.lists(tables(), min_size=1, max_size=1))
    view = data.draw(views("shop", among).filter(lambda view: view.materialized is Materialized.OWN))
    statement = replace_materialized_view("p", "shop", view).text
    assert statement.startswith(f"{HEAD}`{view.name}`")
    rest = statement.removeprefix(f"{HEAD}`{view.name}`")
    assert read_view(view.name, f"CREATE MATERIALIZED VIEW `p.shop.{view.name}`{rest};") == view


@given(st.text())
def test_any_text_is_one_literal(value: str) -> None:
    literal = text(value)
    assert "\n" not in literal
    found = read_view("v", f"CREATE VIEW `p.s.v`\nOPTIONS(description={literal})\nAS SELECT 1;")
    assert found == View("v", "SELECT 1", value)


def test_a_deleted_dataset_is_named_in_quotes() -> None:
    assert undelete("acme-analytics", "acme_prod") == "UNDROP SCHEMA `acme-analytics`.`acme_prod`"
