"""Stopped at any call, a recreation has every row in its table or in a complete backup, and the next one finishes."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace

import pytest

from cloudact.errors import WarehouseBusy, WarehouseDenied, WarehouseUnavailable
from cloudact.tenancy.recreation.results import Mode, Outcome, Recreated, Recreation
from cloudact.warehouse.driver import Warehouse
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from tests.bigquery_fake.server import Fake
from tests.contract.bigquery import bigquery_at
from tests.tenancy.recreation.failing import COMMIT, Failing
from tests.tenancy.recreation.setting import ANN, Setting
from tests.tenancy.recreation.test_recreations import changed

Make = Callable[[], Warehouse]
WRITES = frozenset({"apply", "copy_table", "replace_table", "empty_table", "remove_table", "renew_views"})
LEFT = {Mode.WITH_DATA: 3, Mode.TABLES: 0, Mode.DATASET: 0}


@contextmanager
def opened(make: Make, *, audited: bool = False) -> Iterator[Setting]:
    with closing(make()) as warehouse:
        setting = Setting(warehouse)
        setting.open_shop()
        if audited:
            setting.bootstrap()
        yield setting


def recreate(setting: Setting, warehouse: Warehouse, mode: Mode) -> Recreated:
    recreations = replace(setting.recreations, warehouse=warehouse)
    return recreations.run(changed(setting), Recreation(mode, confirm="shop"), actor=ANN)


def assert_reachable(setting: Setting, before: dict[str, list[str]]) -> None:
    """Every row is in its table, or in one of the complete backups."""
    places = [setting.rows("shop"), *(setting.rows(item.name) for item in setting.backups.list() if item.complete)]
    for table, rows in before.items():
        assert any(place.get(table) == rows for place in places), table


def assert_finished(setting: Setting, mode: Mode, before: dict[str, list[str]]) -> None:
    found = recreate(setting, setting.warehouse, mode)
    assert not found.failed, found.message
    assert_reachable(setting, before)
    live, wanted = setting.live("shop"), changed(setting)
    assert {table.name: table for table in live.tables if table.name != "old"} == {
        table.name: table for table in wanted.tables
    }
    assert (live.table("old") is None) == (mode is Mode.DATASET)
    assert len(setting.rows("shop")["orders"]) == LEFT[mode]
    assert setting.warehouse.run(lambda session: session.count("shop", "totals")) == LEFT[mode]


def stop_at_each(
    make: Make, mode: Mode, calls: Collection[str], *, after: bool, audited: bool = False, step: int = 1
) -> int:
    for number in itertools.count(1, step):
        with opened(make, audited=audited) as setting:
            before = setting.rows("shop")
            stopping = Failing(setting.warehouse, number, after, calls)
            with suppress(WarehouseUnavailable):
                recreate(setting, stopping, mode)
            if stopping.made < number:
                return number
            assert_reachable(setting, before)
            assert_finished(setting, mode, before)
    raise AssertionError("numbers do not end")


@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.slow), 6])
@pytest.mark.parametrize("mode", [pytest.param(Mode.WITH_DATA, marks=pytest.mark.slow), Mode.DATASET])
def test_stopped_between_two_units_no_row_is_unreachable(mode: Mode, step: int) -> None:
    assert stop_at_each(lambda: DuckDBWarehouse(None), mode, {COMMIT}, after=True, step=step) > 10


@pytest.mark.slow
@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_stopped_at_any_call_no_row_is_unreachable(mode: Mode, after: bool) -> None:
    assert stop_at_each(lambda: DuckDBWarehouse(None), mode, (), after=after, audited=True) > 30


@pytest.mark.slow
@pytest.mark.parametrize("mode", [Mode.WITH_DATA, Mode.DATASET])
def test_stopped_after_any_write_on_bigquery_no_row_is_unreachable(fake: Fake, mode: Mode) -> None:
    make = lambda: bigquery_at(fake.url, f"project-{uuid.uuid4().hex[:12]}")[0]  # noqa: E731 - it is handed on
    assert stop_at_each(make, mode, WRITES, after=True) > 5


@pytest.mark.slow
@pytest.mark.parametrize("mode", Mode)
def test_a_row_written_at_any_time_meanwhile_is_not_lost(mode: Mode) -> None:
    """Another writes a row between any two units: it is in the table, or in the backup."""
    for number in itertools.count(1):
        with opened(lambda: DuckDBWarehouse(None)) as setting:
            put = lambda setting=setting: setting.put("shop", "orders", {"id": "late"})  # noqa: E731
            stepped = Failing(setting.warehouse, number, after=True, calls={"commit"}, then=put)
            found = recreate(setting, stepped, mode)
            if stepped.made < number:
                return
            orders = next(item for item in found.tables if item.table == "orders")
            copied = [
                row for item in setting.backups.list() if item.complete for row in setting.rows(item.name)["orders"]
            ]
            rows = [*setting.rows("shop")["orders"], *copied]
            assert any("'late'" in row for row in rows)
            assert orders.outcome is not Outcome.FAILED or len(setting.rows("shop")["orders"]) == 4


@pytest.mark.slow
@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("other", Mode)
def test_two_at_once_lose_no_row(mode: Mode, other: Mode) -> None:
    """The second runs between any two units of the first."""
    for number in itertools.count(1):
        with opened(lambda: DuckDBWarehouse(None)) as setting:
            before = setting.rows("shop")
            second = lambda setting=setting: recreate(setting, setting.warehouse, other)  # noqa: E731
            stepped = Failing(setting.warehouse, number, after=True, calls={"commit"}, then=second)
            # Whoever finds a table gone that it was about to copy has changed nothing, and says so.
            with suppress(WarehouseBusy):
                recreate(setting, stepped, mode)
            assert_reachable(setting, before)
            if stepped.made < number:
                return


class _Denying(Failing):
    """Refuses these calls for want of a permission, and goes on."""

    def step(self, name: str, *, after: bool) -> None:
        """See `Failing.step`."""
        if name in self.calls and not after:
            raise WarehouseDenied("access denied", hint="Grant it.")


@pytest.mark.parametrize(
    ("call", "denied"),
    [("remove_table", {"old"}), ("empty_table", {"orders", "notes"}), ("check_replacement", {"orders", "notes"})],
)
def test_what_is_denied_of_one_table_is_told_and_the_others_are_done(
    embedded: Setting, call: str, denied: set[str]
) -> None:
    before = embedded.rows("shop")
    denying = _Denying(embedded.warehouse, 0, calls={call})
    found = recreate(embedded, denying, Mode.DATASET)
    assert found.failed
    told = {item.table: (item.error, item.fix) for item in found.tables if item.outcome is Outcome.FAILED}
    assert told == dict.fromkeys(denied, ("access denied", "Grant it."))
    rows = embedded.rows("shop")
    assert {name for name in before if rows.get(name) == before[name]} == denied
    assert_reachable(embedded, before)


def test_an_error_in_the_middle_says_what_was_done_and_where_the_rows_are(embedded: Setting) -> None:
    before = embedded.rows("shop")
    stopping = Failing(embedded.warehouse, 2, calls={"empty_table"})
    with pytest.raises(WarehouseUnavailable) as stopped:
        recreate(embedded, stopping, Mode.TABLES)
    (backup,) = embedded.backups.list()
    assert stopped.value.hint == (
        f"Done before that: later, notes. What was there is in {backup.name}. The same call finishes it."
    )
    assert embedded.rows("shop") == {**before, "later": [], "notes": []}
