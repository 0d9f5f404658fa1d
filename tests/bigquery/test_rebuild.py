"""Copies and rebuilt tables whose requests fail or lose their answer, and what only BigQuery refuses."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from cloudact.catalog.model import Dataset, Granularity, Materialized, TimePartition, View
from cloudact.errors import CloudactError, WarehouseDenied, WarehouseError, WarehouseRefused
from cloudact.planning.policy import EVERYTHING
from cloudact.tenancy.actor import Actor
from cloudact.tenancy.sync import synchronize
from cloudact.warehouse.bigquery.driver import BigQueryWarehouse
from cloudact.warehouse.driver import Row, TableName
from tests.bigquery_fake.faults import Fault
from tests.bigquery_fake.server import Fake
from tests.contract.bigquery import bigquery_at
from tests.contract.datasets import ORDERS, SHOP, with_table
from tests.tenancy.recreation.setting import Setting

SOURCE, TARGET = TableName("shop", "orders"), TableName("shop_two", "kept_orders")
ROWS: list[Row] = [{"id": str(number), "placed_at": datetime(2026, 1, 2, tzinfo=UTC)} for number in range(3)]
COPIED = Dataset("shop_two", (replace(ORDERS, name="kept_orders"),), location="EU")
BY_MONTH = replace(ORDERS, partition=TimePartition(Granularity.MONTH, "placed_at"))
TOTALS = View("totals", "SELECT id, COUNT(*) AS n FROM `shop`.orders GROUP BY id", materialized=Materialized.OWN)


@pytest.fixture
def project() -> str:
    """A project of the test's own."""
    return f"project-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def warehouse(fake: Fake, project: str) -> BigQueryWarehouse:
    """A warehouse with a shop, three orders, and an empty dataset."""
    made = bigquery_at(fake.url, project)[0]
    synchronize(made, SHOP, EVERYTHING)
    synchronize(made, Dataset("shop_two", location="EU"), EVERYTHING)
    made.run(lambda session: session.insert("shop", "orders", ROWS))
    return made


def copy(warehouse: BigQueryWarehouse) -> None:
    warehouse.run(lambda session: session.copy_table(SOURCE, TARGET))


def rebuild(warehouse: BigQueryWarehouse) -> tuple[str, ...]:
    return warehouse.run(lambda session: session.replace_table("shop", BY_MONTH))


def live(warehouse: BigQueryWarehouse, name: str) -> Dataset | None:
    return warehouse.run(lambda session: session.inspect(name))


def ids(warehouse: BigQueryWarehouse, table: TableName) -> list[object]:
    rows = warehouse.run(lambda session: session.select(table.dataset, table.table, ["id"]))
    return sorted(str(row["id"]) for row in rows)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["jobs.insert", "jobs.get", "tables.get", "tables.patch"])
@pytest.mark.parametrize("fault", [Fault.LOST, Fault.BACKEND_ERROR, Fault.TRUNCATED])
def test_a_copy_whose_request_goes_wrong_is_made_once(
    fake: Fake, warehouse: BigQueryWarehouse, project: str, kind: str, fault: Fault
) -> None:
    fake.faults.add(kind, fault, at=[1])
    copy(warehouse)
    assert live(warehouse, "shop_two") == COPIED
    assert ids(warehouse, TARGET) == ["0", "1", "2"]
    assert len(fake.jobs.copies(project)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["jobs.insert", "jobs.get", "tables.get", "tables.patch"])
def test_a_copy_that_stopped_anywhere_is_finished_by_the_next(
    fake: Fake, warehouse: BigQueryWarehouse, kind: str
) -> None:
    for number in (1, 2):
        fake.faults.add(kind, Fault.ACCESS_DENIED, at=[number])
        try:
            copy(warehouse)
        except CloudactError:
            fake.faults.clear()
            copy(warehouse)
        fake.faults.clear()
        assert live(warehouse, "shop_two") == COPIED
        assert ids(warehouse, TARGET) == ["0", "1", "2"]


def test_a_copy_that_was_deleted_is_made_again(fake: Fake, project: str, warehouse: BigQueryWarehouse) -> None:
    copy(warehouse)
    bigquery_at(fake.url, project)[1].drop_table("shop_two", "kept_orders")
    warehouse.run(lambda session: session.insert("shop", "orders", [{**ROWS[0], "id": "3"}]))
    copy(warehouse)
    assert ids(warehouse, TARGET) == ["0", "1", "2", "3"]


@pytest.mark.slow
@pytest.mark.parametrize("fault", [Fault.LOST, Fault.BACKEND_ERROR, Fault.TRUNCATED])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_rebuilt_table_whose_request_goes_wrong_has_every_row(
    fake: Fake, warehouse: BigQueryWarehouse, fault: Fault, number: int
) -> None:
    fake.faults.add("jobs.query", fault, at=[number])
    rebuild(warehouse)
    assert live(warehouse, "shop") == with_table(SHOP, "orders", partition=BY_MONTH.partition)
    assert ids(warehouse, SOURCE) == ["0", "1", "2"]


@pytest.mark.slow
@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_table_whose_rebuilding_stopped_is_whole(fake: Fake, warehouse: BigQueryWarehouse, number: int) -> None:
    fake.faults.add("jobs.query", Fault.ACCESS_DENIED, at=[number])
    with pytest.raises(CloudactError, match="Access Denied"):
        rebuild(warehouse)
    assert live(warehouse, "shop") == SHOP
    assert ids(warehouse, SOURCE) == ["0", "1", "2"]


def test_a_removal_without_the_permission_says_which_and_takes_nothing_away(
    fake: Fake, warehouse: BigQueryWarehouse
) -> None:
    copy(warehouse)
    fake.faults.add("tables.delete", Fault.ACCESS_DENIED, at=[1])
    with pytest.raises(WarehouseDenied) as denied:
        warehouse.run(lambda session: session.remove_table(SOURCE, TARGET))
    assert "bigquery.tables.delete" in denied.value.hint
    assert ids(warehouse, SOURCE) == ["0", "1", "2"]


def test_materialized_views_that_a_rebuilt_table_breaks_are_named(warehouse: BigQueryWarehouse) -> None:
    synchronize(warehouse, replace(SHOP, views=(*SHOP.views, TOTALS)), EVERYTHING)
    assert rebuild(warehouse) == ("shop.totals",)
    with pytest.raises(WarehouseRefused, match="broken"):
        warehouse.run(lambda session: session.count("shop", "totals"))


def empty(warehouse: BigQueryWarehouse) -> None:
    warehouse.run(lambda session: session.empty_table("shop", BY_MONTH, TARGET))


def remove(warehouse: BigQueryWarehouse) -> None:
    warehouse.run(lambda session: session.remove_table(SOURCE, TARGET))


# The number is that of the query after which the rows of the table have been read.
@pytest.mark.parametrize(("take_away", "number"), [(empty, 2), (remove, 1)])
def test_a_row_written_while_a_table_is_compared_with_its_copy_is_kept(
    fake: Fake, warehouse: BigQueryWarehouse, take_away: Callable[[BigQueryWarehouse], None], number: int
) -> None:
    copy(warehouse)
    other = bigquery_at(fake.url, warehouse.client.project)[0]
    queries = []

    def write(_number: int, kind: str) -> None:
        queries.append(kind)
        if queries.count("jobs.query") == number and kind == "jobs.query":
            other.run(lambda session: session.insert("shop", "orders", [{**ROWS[0], "id": "late"}]))

    fake.faults.on_done = write
    with pytest.raises(WarehouseError):
        take_away(warehouse)
    assert ids(warehouse, SOURCE) == ["0", "1", "2", "late"]


@pytest.mark.parametrize("take_away", [empty, remove])
def test_a_copy_that_expires_is_none(
    fake: Fake, warehouse: BigQueryWarehouse, take_away: Callable[[BigQueryWarehouse], None]
) -> None:
    copy(warehouse)
    table = fake.catalog.table(warehouse.client.project, "shop_two", "kept_orders")
    fake.catalog.patch_table(table, {"expirationTime": "4102444800000"})
    with pytest.raises(WarehouseRefused, match="not an exact copy"):
        take_away(warehouse)
    assert ids(warehouse, SOURCE) == ["0", "1", "2"]


@pytest.mark.slow
@pytest.mark.parametrize("take_away", [empty, remove])
@pytest.mark.parametrize("fault", [Fault.LOST, Fault.BACKEND_ERROR, Fault.TRUNCATED])
@pytest.mark.parametrize("kind", ["jobs.query", "tables.get", "tables.delete"])
@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_rows_are_taken_away_once_whatever_goes_wrong(
    fake: Fake,
    warehouse: BigQueryWarehouse,
    take_away: Callable[[BigQueryWarehouse], None],
    fault: Fault,
    kind: str,
    number: int,
) -> None:
    copy(warehouse)
    fake.faults.add(kind, fault, at=[number])
    take_away(warehouse)
    fake.faults.clear()
    found = live(warehouse, "shop")
    assert found is not None
    assert found.table("orders") == (BY_MONTH if take_away is empty else None)
    assert ids(warehouse, TARGET) == ["0", "1", "2"]


def test_a_view_that_cannot_be_renewed_does_not_keep_others_from_it(warehouse: BigQueryWarehouse) -> None:
    amounts = replace(TOTALS, name="amounts", query="SELECT amount FROM `shop`.orders")
    synchronize(warehouse, replace(SHOP, views=(*SHOP.views, TOTALS, amounts)), EVERYTHING)
    copy(warehouse)
    fewer = replace(ORDERS, columns=tuple(column for column in ORDERS.columns if column.name != "amount"))
    warehouse.run(lambda session: session.empty_table("shop", fewer, TARGET))
    with pytest.raises(WarehouseRefused, match=r"shop\.amounts"):
        warehouse.run(lambda session: session.renew_views("shop", ["orders"]))
    assert warehouse.run(lambda session: session.count("shop", "totals")) == 0


def test_backups_are_listed_by_two_requests(fake: Fake, warehouse: BigQueryWarehouse) -> None:
    setting = Setting(warehouse)
    made = [setting.backups.create("shop", ["orders"], reason="", actor=Actor.local("ann")) for _ in range(3)]
    with fake.log.measured() as measured:
        assert setting.backups.list() == tuple(reversed(made))
    assert measured.by_kind() == {"datasets.list": 1, "jobs.query": 1}


def test_rows_in_a_streaming_buffer_are_not_lost(fake: Fake, project: str, warehouse: BigQueryWarehouse) -> None:
    fake.catalog.table(project, "shop", "orders").streaming = 7
    for work in (copy, rebuild, empty, remove):
        with pytest.raises(WarehouseRefused, match="7 rows in its streaming buffer"):
            work(warehouse)
    assert live(warehouse, "shop") == SHOP
    assert live(warehouse, "shop_two") == Dataset("shop_two", location="EU")


def test_a_table_with_policy_tags_is_not_rebuilt_without_them(warehouse: BigQueryWarehouse) -> None:
    tagged = replace(ORDERS.columns[0], policy_tags=("projects/p/locations/eu/taxonomies/1/policyTags/2",))
    declared = replace(BY_MONTH, columns=(tagged, *ORDERS.columns[1:]))
    with pytest.raises(WarehouseRefused, match="policy tags on id"):
        warehouse.run(lambda session: session.replace_table("shop", declared))
    assert live(warehouse, "shop") == SHOP


def test_a_table_that_requires_a_filter_is_compared_and_rebuilt(warehouse: BigQueryWarehouse) -> None:
    required = with_table(SHOP, "orders", partition=TimePartition(Granularity.DAY, "placed_at", None, True))
    synchronize(warehouse, required, EVERYTHING)
    before = warehouse.run(lambda session: session.digest(SOURCE))
    assert before.rows == len(ROWS)
    rebuild(warehouse)
    assert warehouse.run(lambda session: session.digest(SOURCE)) == before


def test_no_table_is_made_where_it_would_expire(fake: Fake, project: str, warehouse: BigQueryWarehouse) -> None:
    for name in ("shop", "shop_two"):
        dataset = fake.catalog.dataset(project, name)
        fake.catalog.patch_dataset(dataset, {"defaultTableExpirationMs": "3600000"})
    for work in (copy, rebuild):
        with pytest.raises(WarehouseRefused, match="defaultTableExpirationMs"):
            work(warehouse)
    assert ids(warehouse, SOURCE) == ["0", "1", "2"]


def test_what_the_model_has_no_place_for_is_not_lost(fake: Fake, project: str, warehouse: BigQueryWarehouse) -> None:
    fake.catalog.patch_table(fake.catalog.table(project, "shop", "orders"), {"friendlyName": "Orders"})
    with pytest.raises(WarehouseRefused, match="friendlyName"):
        rebuild(warehouse)
