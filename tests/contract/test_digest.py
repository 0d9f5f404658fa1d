"""A digest tells rows apart, not their order."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloudact.catalog.model import Dataset, Kind, Mode, Table, Type
from cloudact.errors import WarehouseRefused
from cloudact.planning.policy import EVERYTHING
from cloudact.tenancy.sync import synchronize
from cloudact.warehouse.driver import Digest, Session, TableName, Warehouse
from tests.contract.conftest import DRIVERS, Bring
from tests.contract.datasets import column

COLUMNS = (
    column("id"),
    column("whole", Kind.INT64),
    column("share", Kind.FLOAT64),
    column("tags", mode=Mode.REPEATED),
    column("who", Kind.RECORD, fields=(column("name"), column("age", Kind.INT64))),
)
TURNED = (*COLUMNS[:0:-1], column("ID"))
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.none() | st.text("ab\"',:{}", max_size=3),
            "whole": st.none() | st.integers(-2, 2),
            "share": st.none() | st.sampled_from([0.0, 0.1, 1e300]),
            "tags": st.lists(st.text("ab", max_size=2), max_size=2),
        }
    ),
    max_size=4,
)
FEW = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def tables(bring: Bring, warehouse: Warehouse) -> Warehouse:
    """Two empty tables with the same columns, once in another order."""
    bring(Dataset("rows", (Table("one", COLUMNS), Table("other", TURNED)), location="EU"))
    return warehouse


def digest(warehouse: Warehouse, table: str, types: dict[str, Type] | None = None) -> Digest:
    return warehouse.run(lambda session: session.digest(TableName("rows", table), types))


def put(warehouse: Warehouse, table: str, *rows: dict[str, Any]) -> None:
    warehouse.run(lambda session: session.insert("rows", table, rows))


def test_an_empty_table_has_no_rows(tables: Warehouse) -> None:
    assert digest(tables, "one").rows == 0
    assert digest(tables, "one") == digest(tables, "other")


def test_neither_the_order_of_rows_nor_that_of_columns_counts(tables: Warehouse) -> None:
    rows = [{"id": str(number), "whole": number, "who": {"name": "n", "age": number}} for number in range(5)]
    put(tables, "one", *rows)
    put(tables, "other", *reversed(rows))
    assert digest(tables, "one") == digest(tables, "other")
    assert digest(tables, "one").rows == 5


DIFFERENT: list[tuple[list[dict[str, Any]], list[dict[str, Any]]]] = [
    ([{"id": "a"}], [{"id": "a"}, {"id": "a"}]),
    ([{"id": "a"}, {"id": "a"}, {"id": "b"}], [{"id": "a"}, {"id": "b"}, {"id": "b"}]),
    ([{"id": "a"}, {"id": "a"}], [{"id": "b"}, {"id": "b"}]),
    ([{"id": ""}], [{"id": None, "whole": 1}]),
    ([{"id": ""}], [{"whole": None}]),
    ([{"id": "null"}], [{"id": None, "whole": 2}]),
    ([{"tags": ["a", "b"]}], [{"tags": ["b", "a"]}]),
    ([{"tags": ["a,b"]}], [{"tags": ["a", "b"]}]),
    ([{"who": {"name": "a", "age": 1}}], [{"who": {"name": "a", "age": 2}}]),
    ([{"share": 0.1}], [{"share": 0.10000000000000002}]),
    ([{"whole": 2**53}], [{"whole": 2**53 + 1}]),
]


def test_rows_that_differ_have_another_digest(bring: Bring, warehouse: Warehouse) -> None:
    names = [(f"one_{number}", f"other_{number}") for number in range(len(DIFFERENT))]
    bring(Dataset("rows", tuple(Table(name, COLUMNS) for pair in names for name in pair), location="EU"))

    def fill(session: Session) -> None:
        for (one, other), (some, others) in zip(names, DIFFERENT, strict=True):
            session.insert("rows", one, some)
            session.insert("rows", other, others)

    warehouse.run(fill)
    equal = [pair for pair in names if digest(warehouse, pair[0]) == digest(warehouse, pair[1])]
    assert equal == []


def test_a_value_is_compared_as_the_type_it_becomes(bring: Bring, warehouse: Warehouse) -> None:
    bring(
        Dataset(
            "rows",
            (
                Table("one", (column("price", Kind.INT64), column("day", Kind.STRING))),
                Table("other", (column("price", Kind.NUMERIC), column("day", Kind.DATE))),
            ),
            location="EU",
        )
    )
    put(warehouse, "one", {"price": 12, "day": "2026-01-02"})
    put(warehouse, "other", {"price": Decimal(12), "day": date(2026, 1, 2)})
    types = {"price": Type(Kind.NUMERIC), "DAY": Type(Kind.DATE)}
    assert digest(warehouse, "one", types) == digest(warehouse, "other")


def test_a_value_without_such_a_type_is_refused(tables: Warehouse) -> None:
    put(tables, "one", {"id": "no number"})
    with pytest.raises(WarehouseRefused):
        digest(tables, "one", {"id": Type(Kind.INT64)})


@pytest.mark.slow
@pytest.mark.parametrize("name", ["duckdb-memory", "bigquery-fake"])
@FEW
@given(one=ROWS, other=ROWS)
def test_digests_are_equal_just_when_the_rows_are(
    request: pytest.FixtureRequest, tmp_path: Path, name: str, one: list[Any], other: list[Any]
) -> None:
    warehouse = DRIVERS[name](request, tmp_path)[0]
    synchronize(warehouse, Dataset("rows", (Table("one", COLUMNS), Table("other", TURNED)), location="EU"), EVERYTHING)
    put(warehouse, "one", *one)
    put(warehouse, "other", *other)
    equal = digest(warehouse, "one") == digest(warehouse, "other")
    assert equal is (sorted(map(repr, one)) == sorted(map(repr, other)))
    warehouse.close()
