"""What holds on a real warehouse for catalogs nobody thought of."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloudact.catalog.model import Column, Dataset, Kind, Mode, Table
from cloudact.planning.changes import CreateView, ReplaceView, WidenType
from cloudact.planning.evolve import evolve
from cloudact.planning.policy import EVERYTHING
from cloudact.tenancy.sync import synchronize
from cloudact.warehouse.driver import Warehouse
from tests.contract.conftest import DRIVERS
from tests.strategies import datasets

# Generated catalogs on two engines take longer than the inner loop should; the core has its own properties there.
pytestmark = pytest.mark.slow

NAMED = datasets(name=st.just("any_catalog"))
FEW = settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
MANY = settings(FEW, max_examples=300)
# The in-memory driver is the file driver without the file; the emulator and the live service are too slow for hundreds
# of datasets, and the strict server holds BigQuery's rules.
ENGINES = ("duckdb-memory", "bigquery-fake")
VALUES: dict[Kind, object] = {
    Kind.STRING: "x",
    Kind.BYTES: b"x",
    Kind.INT64: 1,
    Kind.FLOAT64: 0.5,
    Kind.NUMERIC: Decimal(0),
    Kind.BIGNUMERIC: Decimal(0),
    Kind.BOOL: True,
    Kind.TIMESTAMP: datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    Kind.DATE: date(2026, 1, 2),
    Kind.TIME: time(3, 4, 5),
    Kind.DATETIME: datetime(2026, 1, 2, 3, 4, 5),  # noqa: DTZ001 - a DATETIME has no zone
    Kind.GEOGRAPHY: "POINT(1 2)",
    Kind.JSON: '{"a":1}',
    Kind.INTERVAL: timedelta(days=1),
}


def value(column: Column) -> object:
    """Return a value that the column can hold and that comes back the same."""
    if column.type.kind is Kind.RECORD:
        one: object = {field.name: value(field) for field in column.fields}
    elif column.type.element:
        bound = VALUES[column.type.element]
        one = {"start": bound, "end": bound}
    else:
        one = VALUES[column.type.kind]
    return [one] if column.mode is Mode.REPEATED else one


@pytest.fixture(params=ENGINES)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Warehouse]:
    """Make an empty warehouse; one for each example, so that none sees another's dataset."""
    return lambda: DRIVERS[request.param](request, tmp_path)[0]


def live(warehouse: Warehouse) -> Dataset | None:
    return warehouse.run(lambda session: session.inspect("any_catalog"))


def fill(warehouse: Warehouse, dataset: Dataset) -> None:
    for table in dataset.tables:
        row = {column.name: value(column) for column in table.columns}
        warehouse.run(lambda session, row=row, name=table.name: session.insert(dataset.name, name, [row, row]))  # type: ignore[misc]


def is_read(column: Column) -> bool:
    """Records come back in another order of their fields; how a range of TIMESTAMP is answered is not documented."""
    return not column.fields and column.type.element is not Kind.TIMESTAMP


def read_whole(before: Dataset, after: Dataset) -> list[Table]:
    """Return the tables that may be read without a filter, before and after."""

    def is_filtered(table: Table | None) -> bool:
        return bool(table and table.partition and table.partition.require_filter)

    return [table for table in before.tables if not (is_filtered(table) or is_filtered(after.table(table.name)))]


def rows(warehouse: Warehouse, dataset: Dataset, tables: list[Table]) -> dict[str, list[dict[str, object]]]:
    found = {}
    for table in tables:
        names = [column.name for column in table.columns if is_read(column)]
        found[table.name] = warehouse.run(
            lambda session, names=names, name=table.name: (
                session.select(dataset.name, name, names)  # type: ignore[misc]
                if names
                else [{"rows": session.count(dataset.name, name)}]
            )
        )
    return found


def is_another_kind(before: Dataset, change: CreateView | ReplaceView) -> bool:
    live = before.view(change.view.name)
    return live is not None and live.materialized is not change.view.materialized


def created_and_read_back(make: Callable[[], Warehouse], declared: Dataset) -> None:
    warehouse = make()
    assert synchronize(warehouse, declared, EVERYTHING).failed == []
    assert live(warehouse) == declared
    assert synchronize(warehouse, declared, EVERYTHING).plan.changes == ()
    warehouse.close()


def evolved(make: Callable[[], Warehouse], before: Dataset, after: Dataset) -> None:
    warehouse = make()
    synchronize(warehouse, before, EVERYTHING)
    fill(warehouse, before)
    tables = read_whole(before, after)
    kept = rows(warehouse, before, tables)
    applied = synchronize(warehouse, after, EVERYTHING)
    assert live(warehouse) == evolve(before, before.name, applied.changes)
    assert rows(warehouse, before, tables) == kept
    # What can be refused is a type that the engine stores narrower, and a view: when what it reads is in conflict, or
    # when it would have to become another kind of view.
    refused = {error.change for error in applied.failed}
    views = {change for change in refused if isinstance(change, CreateView | ReplaceView)}
    assert all(isinstance(change, WidenType) for change in refused - views)
    assert all(applied.plan.conflicts or is_another_kind(before, change) for change in views)
    again = synchronize(warehouse, after, EVERYTHING)
    assert again.plan.changes == ()
    assert {error.change for error in again.failed} == refused
    assert set(again.plan.conflicts) == set(applied.plan.conflicts)
    warehouse.close()


@FEW
@given(declared=NAMED)
def test_created_and_read_back_is_declared(make: Callable[[], Warehouse], declared: Dataset) -> None:
    created_and_read_back(make, declared)


@FEW
@given(before=NAMED, after=NAMED)
def test_any_evolution_keeps_every_row_and_converges(
    make: Callable[[], Warehouse], before: Dataset, after: Dataset
) -> None:
    evolved(make, before, after)


@pytest.mark.slow
@MANY
@given(declared=NAMED)
def test_created_and_read_back_is_declared_at_length(make: Callable[[], Warehouse], declared: Dataset) -> None:
    created_and_read_back(make, declared)


@pytest.mark.slow
@MANY
@given(before=NAMED, after=NAMED)
def test_any_evolution_keeps_every_row_and_converges_at_length(
    make: Callable[[], Warehouse], before: Dataset, after: Dataset
) -> None:
    evolved(make, before, after)
