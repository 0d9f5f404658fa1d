"""Backups: made whole or left incomplete, listed, and restored under a new name."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cloudact.catalog.model import Dataset, Granularity, TimePartition
from cloudact.errors import (
    BackupIncomplete,
    BackupNotFound,
    DatasetNameTaken,
    DatasetNotFound,
    InvalidRequest,
    WarehouseUnavailable,
)
from cloudact.planning.policy import EVERYTHING
from cloudact.tenancy.recreation.backups import Backups
from cloudact.tenancy.recreation.results import Backup, BackupTable, Restored
from cloudact.tenancy.sync import synchronize
from tests.contract.datasets import with_table
from tests.tenancy.recreation.failing import Failing
from tests.tenancy.recreation.setting import ANN, BOB, START, Setting

ALL = (BackupTable("notes", 2), BackupTable("old", 1), BackupTable("orders", 3))
MADE_AT = datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC)


def interrupted(setting: Setting, call: str) -> Backups:
    """Backups over a warehouse that is gone when `call` is made."""
    return replace(setting.backups, warehouse=Failing(setting.warehouse, 1, calls={call}))


def test_a_backup_has_every_table_and_says_of_what_and_why(setting: Setting) -> None:
    made = setting.backups.create("shop", reason='Before "it"', actor=ANN)
    name = "shop__backup_20260102030406"
    assert made == Backup(name, "shop", MADE_AT, "ann", 'Before "it"', complete=True, tables=ALL)
    assert setting.backups.list() == (made,)
    assert setting.rows(name) == setting.rows("shop")
    live, copied = setting.live("shop"), setting.live(name)
    assert copied.tables == live.tables
    assert copied.views == ()
    assert dict(copied.labels) == {
        "managed_by": "cloudact", "scope": "backup", "backup_of": "shop", "complete": "true",
    }  # fmt: skip
    assert copied.description.startswith('Backup of shop, made at 2026-01-02T03:04:06+00:00 by ann: Before "it".\n')


def test_some_tables_only_and_none_that_is_not_there(setting: Setting) -> None:
    made = setting.backups.create("shop", ["ORDERS"], reason="", actor=ANN)
    assert made.tables == (BackupTable("orders", 3),)
    with pytest.raises(InvalidRequest, match="no table nothing; known tables are notes, old, orders"):
        setting.backups.create("shop", ["nothing"], reason="", actor=ANN)
    with pytest.raises(DatasetNotFound, match="nowhere"):
        setting.backups.create("nowhere", reason="", actor=ANN)
    assert len(setting.backups.list()) == 1


def test_the_newest_comes_first_and_each_dataset_has_its_own(setting: Setting) -> None:
    synchronize(setting.warehouse, Dataset("shop2", location="EU"), EVERYTHING)
    synchronize(setting.warehouse, Dataset("shop__backup_by_hand", location="EU"), EVERYTHING)
    made = [setting.backups.create(name, reason=name, actor=ANN) for name in ("shop", "shop2", "shop")]
    assert setting.backups.list() == tuple(reversed(made))
    assert setting.backups.list("shop") == (made[2], made[0])
    assert setting.backups.list("nothing") == ()


def test_a_dataset_named_in_another_case_is_the_same_on_duckdb(embedded: Setting) -> None:
    made = embedded.backups.create("SHOP", ["notes"], reason="", actor=ANN)
    assert embedded.backups.list("shop") == embedded.backups.list("Shop") == (made,)


def test_backups_of_one_second_are_in_order(embedded: Setting) -> None:
    moments = (START + timedelta(milliseconds=n) for n in itertools.count())
    embedded.now = lambda: next(moments)
    made = [embedded.backups.create("shop", ["notes"], reason="", actor=ANN) for _ in range(2)]
    assert embedded.backups.list() == (made[1], made[0])


def test_two_backups_of_one_second_have_two_names(embedded: Setting) -> None:
    embedded.now = lambda: START
    names = [embedded.backups.create("shop", reason="", actor=ANN).name for _ in range(3)]
    start = "shop__backup_20260102030405"
    assert names == [start, f"{start}_2", f"{start}_3"]


@pytest.mark.parametrize("call", ["copy_table", "digest"])
def test_an_interrupted_backup_is_listed_and_never_used(setting: Setting, call: str) -> None:
    with pytest.raises(WarehouseUnavailable) as stopped:
        interrupted(setting, call).create("shop", reason="", actor=ANN)
    (left,) = setting.backups.list()
    assert stopped.value.hint == (
        f"shop is as it was; `cloudact backup list` shows whether its backup {left.name} was finished."
    )
    assert not left.complete
    with pytest.raises(BackupIncomplete, match=left.name):
        setting.backups.restore(left.name, "anew", actor=ANN)
    assert setting.live("anew") is None


def test_a_table_that_needs_a_filter_is_backed_up_and_counted(setting: Setting) -> None:
    required = TimePartition(Granularity.DAY, "placed_at", None, require_filter=True)
    desired = replace(with_table(setting.shop, "orders", partition=required), name="filtered", views=())
    synchronize(setting.warehouse, desired, EVERYTHING)
    setting.put("filtered", "orders", {"id": "1", "placed_at": START}, {"id": "2", "placed_at": START})
    made = setting.backups.create("filtered", ["orders"], reason="", actor=ANN)
    assert made.tables == (BackupTable("orders", 2),)
    restored = setting.backups.restore(made.name, "again", actor=ANN)
    assert restored.tables == made.tables


def test_a_backup_is_restored_under_a_new_name(setting: Setting) -> None:
    made = setting.backups.create("shop", reason="", actor=ANN)
    setting.put("shop", "orders", {"id": "later"})
    restored = setting.backups.restore(made.name, "shop_again", actor=BOB)
    assert restored == Restored("shop_again", made.name, ALL)
    assert setting.rows("shop_again") == setting.rows(made.name)
    live = setting.live("shop_again")
    assert live.tables == setting.live("shop").tables
    assert dict(live.labels) == {
        "managed_by": "cloudact", "scope": "restored", "restored_from": made.name, "complete": "true",
    }  # fmt: skip
    assert live.description.startswith(f"Restored from {made.name} by bob.\n")
    assert setting.backups.list() == (made,)
    synchronize(setting.warehouse, replace(setting.shop, name="shop_again"), EVERYTHING)
    assert setting.rows("shop_again") == setting.rows(made.name)


def test_a_backup_that_somebody_changed_is_restored_with_a_warning(embedded: Setting) -> None:
    made = embedded.backups.create("shop", reason="", actor=ANN)
    embedded.put(made.name, "orders", {"id": "by hand"})
    with embedded.warehouse.connect() as connection:  # type: ignore[attr-defined]
        connection.execute(f"DROP TABLE {made.name}.notes")
        connection.execute(f"CREATE TABLE {made.name}.more AS SELECT 1 AS one")
    restored = embedded.backups.restore(made.name, "shop_again", actor=ANN)
    assert restored.changed == (
        "more was not there when the backup was made",
        "notes is there no longer, and had 2 rows when the backup was made",
        "orders has 4 rows, and had 3 when the backup was made",
    )
    assert len(embedded.rows("shop_again")["orders"]) == 4


def test_no_dataset_is_restored_over(setting: Setting) -> None:
    made = setting.backups.create("shop", reason="", actor=ANN)
    setting.backups.restore(made.name, "shop_again", actor=ANN)
    before = setting.rows("shop"), setting.rows("shop_again")
    for target in ("shop", "shop_again", made.name):
        with pytest.raises(DatasetNameTaken, match=target):
            setting.backups.restore(made.name, target, actor=ANN)
    for target in ("", "_hidden", "a b", "a.b", "é"):
        with pytest.raises(InvalidRequest, match="is no name for a dataset"):
            setting.backups.restore(made.name, target, actor=ANN)
    assert (setting.rows("shop"), setting.rows("shop_again")) == before


def test_what_is_no_backup_is_not_restored(setting: Setting) -> None:
    made = setting.backups.create("shop", reason="", actor=ANN)
    for name in ("nothing", "shop", "shop__backup_20000101000000"):
        with pytest.raises(BackupNotFound, match=name) as refused:
            setting.backups.restore(name, "anew", actor=ANN)
        assert made.name in refused.value.hint
    assert setting.live("anew") is None


@pytest.mark.parametrize("call", ["copy_table", "digest"])
def test_an_interrupted_restore_is_finished_by_the_same_call(setting: Setting, call: str) -> None:
    made = setting.backups.create("shop", reason="", actor=ANN)
    other = setting.backups.create("shop", ["notes"], reason="", actor=ANN)
    with pytest.raises(WarehouseUnavailable):
        interrupted(setting, call).restore(made.name, "anew", actor=ANN)
    assert setting.live("anew") is not None
    with pytest.raises(DatasetNameTaken):
        setting.backups.restore(other.name, "anew", actor=ANN)
    assert setting.backups.restore(made.name, "anew", actor=ANN).tables == ALL
    assert setting.rows("anew") == setting.rows(made.name)
    with pytest.raises(DatasetNameTaken):
        setting.backups.restore(made.name, "anew", actor=ANN)


def test_a_backup_whose_description_was_changed_is_still_one(embedded: Setting) -> None:
    made = embedded.backups.create("shop", reason="why", actor=ANN)
    synchronize(embedded.warehouse, Dataset(made.name, description="By hand."), EVERYTHING)
    assert embedded.backups.list("shop") == (replace(made, reason="", created_by=""),)
    assert embedded.backups.restore(made.name, "anew", actor=ANN).tables == ALL


BY_HAND = """
CREATE SCHEMA "By Hand";
CREATE TABLE "By Hand"."T 1" AS SELECT 1 AS a, {'b': [2]} AS c, [[1], [2, NULL]] AS d, MAP {'k': 1} AS m,
    uuid() AS u, 'x'::ENUM ('x', 'y') AS e, 1::HUGEINT AS h, '2026-01-01 00:00:00.123456789'::TIMESTAMP_NS AS t;
"""


def test_any_table_of_any_dataset_can_be_kept(embedded: Setting) -> None:
    with embedded.warehouse.connect() as connection:  # type: ignore[attr-defined]
        connection.execute(BY_HAND)
    made = embedded.backups.create("By Hand", reason="", actor=ANN)
    assert made.tables == (BackupTable("T 1", 1),)
    assert embedded.backups.restore(made.name, "By_Hand", actor=ANN).tables == made.tables
