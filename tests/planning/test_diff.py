"""What a difference leads to: a change, a finding, or nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cloudact.catalog.model import (
    Column,
    Dataset,
    Granularity,
    Kind,
    Mode,
    Table,
    TimePartition,
    Type,
    UnrecordedPartition,
    View,
)
from cloudact.planning.changes import AddColumn, CreateDataset, CreateTable, CreateView, ReplaceView
from cloudact.planning.diff import diff
from cloudact.planning.evolve import evolve
from cloudact.planning.findings import Code, Severity
from tests.contract.datasets import ORDERS, SHOP, column, with_column, with_columns, with_table


def changes(actual: Dataset | None, desired: Dataset) -> list[str]:
    return [str(change) for change in diff(actual, desired).changes]


def findings(actual: Dataset, desired: Dataset) -> list[tuple[Severity, Code, str]]:
    return [(item.severity, item.code, item.object) for item in diff(actual, desired).findings]


def test_equal_datasets_differ_in_nothing() -> None:
    found = diff(SHOP, SHOP)
    assert (found.changes, found.findings) == ((), ())


def test_a_missing_dataset_is_created_whole_and_in_order() -> None:
    kinds = [type(change) for change in diff(None, SHOP).changes]
    assert kinds == [CreateDataset, CreateTable, CreateTable, CreateView]


def test_order_of_columns_and_tables_is_no_difference() -> None:
    turned = with_table(SHOP, "orders", columns=tuple(reversed(ORDERS.columns)))
    assert changes(SHOP, replace(turned, tables=tuple(reversed(turned.tables)))) == []


def test_case_of_names_is_no_difference() -> None:
    shouted = tuple(replace(item, name=item.name.upper()) for item in ORDERS.columns)
    assert changes(SHOP, with_table(SHOP, "orders", columns=shouted)) == []
    assert findings(SHOP, with_table(SHOP, "orders", columns=shouted)) == []


def test_missing_tables_columns_and_views_are_changes() -> None:
    bare = Dataset("shop", (Table("orders", ORDERS.columns[:2], ORDERS.description, ORDERS.partition, ("id",)),))
    bare = replace(bare, location="EU", description=SHOP.description, labels=SHOP.labels)
    assert changes(with_table(bare, "orders", labels=ORDERS.labels), SHOP) == [
        "create table notes",
        "add column orders.amount (NUMERIC)",
        "add column orders.count (INT64)",
        "add column orders.tags (STRING)",
        "add column orders.buyer (RECORD)",
        "add column orders.lines (RECORD)",
        "create view open_orders",
    ]


def test_extra_objects_are_harmless_findings() -> None:
    desired = replace(SHOP, tables=(Table("notes", (column("other"),), description="One row per note."),), views=())
    assert findings(SHOP, desired) == [
        (Severity.EXTRA, Code.EXTRA_COLUMN, "notes.text"),
        (Severity.EXTRA, Code.EXTRA_TABLE, "orders"),
        (Severity.EXTRA, Code.EXTRA_VIEW, "open_orders"),
    ]


def test_an_extra_nested_field_is_named_by_its_path() -> None:
    buyer = replace(ORDERS.columns[5], fields=ORDERS.columns[5].fields[:1])
    assert findings(SHOP, with_column(SHOP, "orders", buyer)) == [
        (Severity.EXTRA, Code.EXTRA_COLUMN, "orders.buyer.email")
    ]


@pytest.mark.parametrize(
    ("live", "declared"),
    [
        (Type(Kind.INT64), Type(Kind.STRING)),
        (Type(Kind.INT64), Type(Kind.FLOAT64)),
        (Type(Kind.NUMERIC), Type(Kind.FLOAT64)),
        (Type(Kind.TIMESTAMP), Type(Kind.DATETIME)),
        (Type(Kind.NUMERIC, 10, 2), Type(Kind.NUMERIC, 9, 3)),
        (Type(Kind.STRING), Type(Kind.BYTES)),
        (Type(Kind.NATIVE, native="BIT"), Type(Kind.STRING)),
        (Type(Kind.STRING, native="UUID"), Type(Kind.STRING, max_length=36)),
        (Type(Kind.NUMERIC, 20, 0, native="UBIGINT"), Type(Kind.NUMERIC, 5, 0)),
        (Type(Kind.INT64, native="SMALLINT"), Type(Kind.STRING)),
    ],
)
def test_a_type_that_cannot_change_in_place_is_a_conflict(live: Type, declared: Type) -> None:
    before = Dataset("d", (Table("t", (Column("c", live),)),))
    after = Dataset("d", (Table("t", (Column("c", declared),)),))
    assert changes(before, after) == []
    assert findings(before, after) == [(Severity.CONFLICT, Code.TYPE_CHANGED, "t.c")]


def test_an_engines_own_type_for_some_of_the_declared_values_is_a_harmless_finding_at_any_depth() -> None:
    def columns(type_: Type) -> tuple[Column, ...]:
        field = Column("f", type_)
        return (
            Column("k", type_),
            Column("l", type_, Mode.REPEATED),
            Column("r", Type(Kind.RECORD), Mode.REPEATED, fields=(field,)),
        )

    live = Dataset("d", (Table("t", columns(Type(Kind.INT64, native="SMALLINT")), clustering=("k",)),))
    declared = Dataset("d", (Table("t", columns(Type(Kind.INT64)), clustering=("k",)),))
    assert changes(live, declared) == []
    found = diff(live, declared).findings
    narrower = (Severity.LOOSER, Code.TYPE_IS_NARROWER)
    assert [(item.severity, item.code, item.object) for item in found] == [
        (*narrower, "t.k"), (*narrower, "t.l"), (*narrower, "t.r.f")
    ]  # fmt: skip
    assert found[0].what == "is SMALLINT, declared INT64"


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        (Type(Kind.INT64), Type(Kind.NUMERIC)),
        (Type(Kind.INT64), Type(Kind.BIGNUMERIC)),
        (Type(Kind.NUMERIC), Type(Kind.BIGNUMERIC)),
        (Type(Kind.NUMERIC, 10, 2), Type(Kind.NUMERIC, 12, 2)),
        (Type(Kind.NUMERIC, 10, 2), Type(Kind.NUMERIC)),
        (Type(Kind.STRING, max_length=3), Type(Kind.STRING, max_length=4)),
        (Type(Kind.BYTES, max_length=3), Type(Kind.BYTES)),
    ],
)
def test_a_wider_type_is_a_change_and_a_narrower_one_a_harmless_finding(narrow: Type, wide: Type) -> None:
    small = Dataset("d", (Table("t", (Column("c", narrow),)),))
    large = Dataset("d", (Table("t", (Column("c", wide),)),))
    assert changes(small, large) == [f"widen t.c from {narrow} to {wide}"]
    assert (changes(large, small), findings(large, small)) == (
        [],
        [(Severity.LOOSER, Code.TYPE_IS_WIDER, "t.c")],
    )


def test_a_nested_repeated_or_layout_column_is_not_widened() -> None:
    wide = Type(Kind.NUMERIC)
    nested = Column("r", Type(Kind.RECORD), fields=(Column("n", Type(Kind.INT64)),))
    listed = Column("l", Type(Kind.INT64), Mode.REPEATED)
    key = Column("k", Type(Kind.INT64))
    before = Dataset("d", (Table("t", (nested, listed, key), clustering=("k",)),))
    after = Dataset(
        "d",
        (
            Table(
                "t",
                (
                    replace(nested, fields=(Column("n", wide),)),
                    replace(listed, type=wide),
                    replace(key, type=wide),
                ),
                clustering=("k",),
            ),
        ),
    )
    assert changes(before, after) == []
    assert [item[2] for item in findings(before, after)] == ["t.r.n", "t.l", "t.k"]


@pytest.mark.parametrize(("live", "declared"), [(Mode.REPEATED, Mode.NULLABLE), (Mode.NULLABLE, Mode.REPEATED)])
def test_a_list_and_a_value_are_in_conflict(live: Mode, declared: Mode) -> None:
    before, after = (
        with_columns(SHOP, "notes", column("c", mode=live)),
        with_columns(SHOP, "notes", column("c", mode=declared)),
    )
    assert findings(before, after) == [(Severity.CONFLICT, Code.MODE_CHANGED, "notes.c")]


def test_a_required_column_is_relaxed_and_never_the_reverse() -> None:
    relaxed = with_column(SHOP, "orders", column("id"))
    assert changes(SHOP, relaxed) == ["relax orders.id to NULLABLE"]
    assert changes(relaxed, SHOP) == []
    assert findings(relaxed, SHOP) == [(Severity.LOOSER, Code.REQUIRED_IS_NULLABLE, "orders.id")]


def test_a_required_addition_is_planned_nullable_and_reported() -> None:
    found = diff(SHOP, with_columns(SHOP, "notes", column("owner", mode=Mode.REQUIRED)))
    assert found.changes == (AddColumn("notes", (), column("owner")),)
    assert [item.code for item in found.findings] == [Code.REQUIRED_IS_NULLABLE]


def test_other_partitioning_is_a_conflict_that_says_what_is_and_what_should_be() -> None:
    monthly = with_table(SHOP, "orders", partition=TimePartition(Granularity.MONTH, "placed_at"))
    (finding,) = diff(SHOP, monthly).findings
    assert (finding.severity, finding.code) == (Severity.CONFLICT, Code.PARTITIONING_CHANGED)
    assert finding.what == "is partitioned by DAY on placed_at, declared MONTH on placed_at"
    assert "`cloudact recreate --with-data`" in finding.fix


def test_a_shorter_expiration_is_a_conflict_because_it_would_delete_rows() -> None:
    expiring = with_table(SHOP, "orders", partition=TimePartition(Granularity.DAY, "placed_at", expiration_days=30))
    (finding,) = diff(SHOP, expiring).findings
    assert (finding.severity, finding.code) == (Severity.CONFLICT, Code.PARTITIONING_CHANGED)
    assert "recreate" not in finding.fix
    (longer,) = diff(expiring, SHOP).findings
    assert "recreate" in longer.fix


def test_load_time_is_no_partitioning_that_a_table_made_anew_has() -> None:
    by_load_time = with_table(SHOP, "orders", partition=TimePartition(Granularity.DAY, None))
    for live, declared in ((SHOP, by_load_time), (by_load_time, SHOP)):
        (finding,) = diff(live, declared).findings
        assert "recreate" not in finding.fix


def test_recreation_is_named_where_it_keeps_every_value() -> None:
    fixes = {}
    for kind in (Kind.BIGNUMERIC, Kind.BYTES):
        before = with_column(SHOP, "orders", column("count", Kind.FLOAT64))
        (finding,) = diff(before, with_column(SHOP, "orders", column("count", kind))).findings
        fixes[kind] = "cloudact recreate" in finding.fix
    assert fixes == {Kind.BIGNUMERIC: True, Kind.BYTES: False}


def test_clustering_is_set_but_never_removed() -> None:
    assert changes(SHOP, with_table(SHOP, "orders", clustering=("count", "id"))) == ["set metadata of table orders"]
    bare = with_table(SHOP, "orders", clustering=())
    assert changes(SHOP, bare) == []
    assert findings(SHOP, bare) == [(Severity.LOOSER, Code.EXTRA_CLUSTERING, "orders")]


def test_clustering_waits_for_a_column_in_conflict() -> None:
    broken = with_table(with_column(SHOP, "orders", column("count", Kind.BOOL)), "orders", clustering=("count",))
    assert findings(SHOP, broken) == [
        (Severity.CONFLICT, Code.TYPE_CHANGED, "orders.count"),
        (Severity.CONFLICT, Code.CLUSTERING_BLOCKED, "orders"),
    ]


def test_descriptions_are_set_but_an_undeclared_one_is_kept() -> None:
    assert changes(SHOP, with_column(SHOP, "notes", replace(column("text"), description="New."))) == [
        "set metadata of notes.text"
    ]
    assert changes(SHOP, with_column(SHOP, "notes", replace(column("text"), description=""))) == []
    assert changes(SHOP, replace(SHOP, description="New.")) == ["set description and labels of dataset shop"]


def test_a_default_is_set_and_an_undeclared_one_is_kept_and_told() -> None:
    with_default = with_column(SHOP, "notes", column("text", default="'x'"))
    assert changes(SHOP, with_default) == ["set metadata of notes.text"]
    assert changes(with_default, SHOP) == []
    assert findings(with_default, SHOP) == [(Severity.LOOSER, Code.EXTRA_DEFAULT, "notes.text")]


def test_labels_are_added_and_none_is_removed() -> None:
    assert changes(SHOP, with_table(SHOP, "orders", labels=(("team", "sales"),))) == ["set metadata of table orders"]
    assert changes(SHOP, with_table(SHOP, "orders", labels=())) == []


def test_another_location_is_a_conflict() -> None:
    assert findings(SHOP, replace(SHOP, location="US")) == [(Severity.CONFLICT, Code.LOCATION_CHANGED, "dataset")]
    assert findings(SHOP, replace(SHOP, location="eu")) == []


def test_a_name_taken_by_the_other_kind_is_a_conflict_and_reported_once() -> None:
    table_as_view = replace(SHOP, tables=SHOP.tables[:1], views=(*SHOP.views, View("orders", "SELECT 1 AS x")))
    view_as_table = replace(SHOP, views=(), tables=(*SHOP.tables, Table("open_orders", (column("id"),))))
    assert findings(SHOP, table_as_view) == [(Severity.CONFLICT, Code.NAME_TAKEN, "orders")]
    assert findings(SHOP, view_as_table) == [(Severity.CONFLICT, Code.NAME_TAKEN, "open_orders")]


def test_a_view_with_another_query_is_replaced() -> None:
    changed = replace(SHOP, views=(replace(SHOP.views[0], query="SELECT 1 AS x"),))
    assert [type(change) for change in diff(SHOP, changed).changes] == [ReplaceView]


def test_every_finding_says_what_why_and_what_to_do() -> None:
    other = Dataset("shop", (Table("orders", (column("id", Kind.BOOL),)),), location="US")
    for finding in diff(SHOP, other).findings:
        assert finding.what
        assert finding.why
        assert finding.fix.endswith(".")
        assert str(finding).startswith(f"{finding.object}: ")


def test_an_extra_required_column_is_relaxed_so_that_rows_can_be_written_without_it() -> None:
    bare = with_table(SHOP, "orders", columns=ORDERS.columns[1:], clustering=())
    assert changes(with_table(SHOP, "orders", clustering=()), bare) == ["relax orders.id to NULLABLE"]
    assert findings(with_table(SHOP, "orders", clustering=()), bare) == [
        (Severity.EXTRA, Code.EXTRA_COLUMN, "orders.id")
    ]


def test_case_of_the_partition_column_is_no_difference_and_its_filter_can_be_set() -> None:
    shouted = TimePartition(Granularity.DAY, "PLACED_AT", require_filter=True)
    assert findings(SHOP, with_table(SHOP, "orders", partition=shouted)) == []
    assert changes(SHOP, with_table(SHOP, "orders", partition=shouted)) == ["set metadata of table orders"]


def test_partitioning_that_is_not_on_record_is_taken_from_the_declaration() -> None:
    unrecorded = with_table(SHOP, "orders", partition=UnrecordedPartition())
    assert changes(unrecorded, SHOP) == ["set metadata of table orders"]
    assert findings(unrecorded, SHOP) == []
    assert evolve(unrecorded, "shop", diff(unrecorded, SHOP).changes) == SHOP


def test_a_dataset_without_a_location_on_record_takes_the_declared_one() -> None:
    nowhere = replace(SHOP, location="")
    assert changes(nowhere, SHOP) == ["set description and labels of dataset shop"]
    assert evolve(nowhere, "shop", diff(nowhere, SHOP).changes) == SHOP


def test_blocked_clustering_hides_no_other_difference() -> None:
    broken = with_column(SHOP, "orders", column("count", Kind.BOOL))
    broken = with_table(broken, "orders", clustering=("count",), description="Other.")
    assert changes(SHOP, broken) == ["set metadata of table orders"]
    after = evolve(SHOP, "shop", diff(SHOP, broken).changes).table("orders")
    assert after is not None
    assert (after.description, after.clustering) == ("Other.", ("id",))
