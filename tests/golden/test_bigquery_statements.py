"""The statements BigQuery is sent, with their parameters, kept as text: what runs in production."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cloudact.catalog.model import Column, Kind, Materialized, Mode, Type, View
from cloudact.planning.changes import WidenType
from cloudact.warehouse.bigquery.inspect import introspection
from cloudact.warehouse.bigquery.statements import ddl, rows
from cloudact.warehouse.bigquery.transport.client import Statement
from cloudact.warehouse.driver import Contains, Equals, Page, Row
from tests.contract.datasets import ORDERS

MANY = 100
FOLDER = Path(__file__).parent / "bigquery"
PROJECT, SHOP = "acme-analytics", "shop"
LINES = [{"parts": [{"code": "x"}], "sku": "a"}]
ORDER: Row = {"id": "o-1", "amount": Decimal("12.340"), "tags": [], "buyer": None}
SHORT, LONG = Type(Kind.STRING, max_length=1), Type(Kind.STRING, max_length=9)
LOCAL = datetime(2024, 2, 29, 1, 2, 3)  # noqa: DTZ001 - a DATETIME has no zone
# One value of every type, as Python has it.
VALUES: Row = {
    "text": "it's", "whole": -1, "real": 0.1, "exact": Decimal("0.000000001"), "long": Decimal("1E-38"), "truth": True,
    "raw": b"\x00\xff", "day": date(2024, 2, 29), "clock": time(1, 2, 3), "local": LOCAL,
    "moment": datetime(2024, 2, 29, 1, 2, 3, tzinfo=UTC), "span": timedelta(days=-1, hours=-2), "list": ["a", "b"],
    "record": {"sku": "a", "count": 2}, "records": [{"sku": "a"}], "nothing": None, "empty": [],
}  # fmt: skip
SALES = View(
    name="sales_all",
    query="SELECT org_slug, SUM(amount) AS amount FROM `central`.`sales` GROUP BY org_slug",
    description='Sales of "all",\nby organization.',
    materialized=Materialized.OWN,
    clustering=("org_slug", "a`b"),
    refresh_interval_minutes=15,
    labels=(("env", "test"), ("team", "")),
)


def unknown(_dataset: str, _table: str) -> Mapping[str, Column]:
    return {}


def known(_dataset: str, _table: str) -> Mapping[str, Column]:
    return {
        **{item.key: item for item in ORDERS.columns},
        "payload": Column("payload", Type(Kind.JSON)),
        "place": Column("place", Type(Kind.GEOGRAPHY)),
        "valid": Column("valid", Type(Kind.RANGE, element=Kind.DATE)),
        "notes": Column("notes", Type(Kind.JSON), Mode.REPEATED),
    }


STATEMENTS = {
    "introspection": Statement(introspection(PROJECT, "EU", "acme_prod")),
    "introspection_of_region": Statement(introspection(PROJECT, "EU")),
    "select_all": rows.select(PROJECT, SHOP, "orders", ["id", "amount"], (), None, unknown),
    "select_page": rows.select(
        PROJECT,
        SHOP,
        "orders",
        ["id", "order", "with space"],
        [Equals("id", "o-1"), Equals("buyer", None), Contains(("name", "e-mail"), "50%")],
        Page(("placed_at", "id"), 50, 100),
        unknown,
    ),
    "count": rows.count(PROJECT, SHOP, "orders", [Equals("count", 3)], unknown),
    "insert": rows.script(
        PROJECT, [rows.Insert(SHOP, "orders", (ORDER, {**ORDER, "id": "o-2", "tags": ["x"]}))], unknown
    ),
    # More values than are worth a parameter each.
    "insert_many": rows.script(
        PROJECT, [rows.Insert(SHOP, "orders", tuple({"id": f"o-{n}", "lines": LINES} for n in range(501)))], known
    ),
    "insert_every_type": rows.script(PROJECT, [rows.Insert(SHOP, "everything", (VALUES,))], unknown),
    "insert_as_the_columns_are": rows.script(
        PROJECT,
        [
            rows.Insert(
                SHOP,
                "orders",
                (
                    {
                        "payload": '{"a": 1.50}',
                        "place": "POINT(1 2)",
                        "valid": {"start": date(2024, 1, 1), "end": None},
                        "notes": ["1", "null"],
                        "buyer": {"EMAIL": "a@b.c"},
                        "lines": [{"sku": "a", "parts": [{"code": "x"}, {}]}, {"sku": "b"}],
                    },
                ),
            )
        ],
        known,
    ),
    "update": rows.script(
        PROJECT,
        [rows.Update(SHOP, "orders", {"count": 3, "buyer": None}, (Equals("id", "o-1"), Equals("tags", None)))],
        unknown,
    ),
    "ensure": rows.script(PROJECT, [rows.Ensure(SHOP, "orders", ORDER, ("id", "buyer"))], unknown),
    "script": rows.script(
        PROJECT,
        [
            rows.Update(SHOP, "organizations", {"status": "ACTIVE"}, (Equals("slug", "acme"),)),
            rows.Insert(SHOP, "orders", (ORDER,)),
            rows.Ensure(SHOP, "keys", {"id": "k-1", "key_hash": "x"}, ("id",)),
        ],
        unknown,
    ),
    # Every insert of such a script is sent like the large one.
    "script_of_many": rows.script(
        PROJECT,
        [
            rows.Insert(SHOP, "orders", tuple({"id": f"o-{n}"} for n in range(1001))),
            rows.Insert(SHOP, "orders", ({"payload": "1"}, {"payload": None})),
            rows.Ensure(SHOP, "orders", {"id": "o-1", "payload": "1"}, ("id",)),
            rows.Update(SHOP, "orders", {"buyer": {"NAME": "Ann"}}, (Equals("id", "o-1"),)),
        ],
        known,
    ),
    "set_data_type": ddl.set_data_type(
        PROJECT, SHOP, WidenType("orders", ("count",), Type(Kind.INT64), Type(Kind.NUMERIC, 20, 1))
    ),
    "set_data_type_collated": ddl.set_data_type(PROJECT, SHOP, WidenType("orders", ("title",), SHORT, LONG), "und:ci"),
    "replace_materialized_view": ddl.replace_materialized_view(PROJECT, SHOP, SALES),
    "undelete": Statement(ddl.undelete(PROJECT, "acme_prod")),
}


def shortened(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same with no more than the first and the last of very many values."""
    many = value.get("arrayValues", [])
    if len(many) <= MANY:
        return value
    return {"arrayValues": [many[0], f"... {len(many) - 2} more ...", many[-1]]}


def recorded(statement: Statement) -> str:
    """The text, then a comment for each parameter."""
    lines = [f"{statement.text.rstrip(';')};"]
    for parameter in statement.parameters:
        resource = parameter.to_api_repr()
        sent = resource["parameterType"], shortened(resource["parameterValue"])
        parts = (json.dumps(part, ensure_ascii=False) for part in sent)
        lines.append(f"-- @{resource['name']}: {' '.join(parts)}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("name", STATEMENTS)
def test_statements_are_as_recorded(name: str, update_golden: bool) -> None:
    path = FOLDER / f"{name}.sql"
    found = recorded(STATEMENTS[name])
    if update_golden:
        path.parent.mkdir(exist_ok=True)
        path.write_text(found)
    assert found == path.read_text()


def test_no_recorded_statement_is_left_over() -> None:
    assert {path.stem for path in FOLDER.glob("*.sql")} == set(STATEMENTS)


def test_no_statement_drops_or_deletes() -> None:
    words = (
        "DROP TABLE",
        "DROP COLUMN",
        "DROP SCHEMA",
        "DROP VIEW",
        "DELETE",
        "TRUNCATE",
        "RENAME",
        "OR REPLACE TABLE",
    )
    # UNDROP SCHEMA is told to people only.
    found = [f"{name}: {word}" for name, item in STATEMENTS.items() for word in words if f" {word}" in f" {item.text}"]
    assert found == []
