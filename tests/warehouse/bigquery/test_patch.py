"""One patch for all changes to a table: what it holds, what it leaves alone, and when there is none."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import pytest

from cloudact.catalog.model import Column, Granularity, Kind, Mode, Table, TimePartition, Type
from cloudact.errors import WarehouseBusy, WarehouseRefused
from cloudact.planning import changes as c
from cloudact.warehouse.bigquery.patch import TableChange, patch_of
from cloudact.warehouse.bigquery.resources import Resource, table_from
from tests.bigquery_fake.rules import patched
from tests.contract.datasets import ORDERS, column
from tests.warehouse.bigquery.answers import live

NOTE, WEIGHT = column("note"), column("weight", Kind.FLOAT64)
BOX = column("box", Kind.RECORD, fields=(column("size", Kind.INT64), column("kind", mode=Mode.REQUIRED)))
# One of each kind, and what `after` shows of it.
ALL_AT_ONCE: tuple[TableChange, ...] = (
    c.AddColumn("orders", (), NOTE),
    c.AddColumn("orders", ("lines", "parts"), WEIGHT),
    c.AddColumn("orders", ("buyer",), BOX),
    c.RelaxMode("orders", ("id",)),
    c.RelaxMode("orders", ("buyer", "email")),
    c.SetColumnMetadata("orders", ("count",), column("count", Kind.INT64, description="How many.", default="0")),
    c.SetTableMetadata(replace(ORDERS, description="Orders.", clustering=("count",), labels=(("env", "x"),))),
)


def field_at(resource: Resource, *path: str) -> Resource:
    """The field at this path of a resource or a patch."""
    fields = resource["schema"]["fields"]
    for name in path[:-1]:
        fields = next(item for item in fields if item["name"] == name)["fields"]
    found: Resource = next(item for item in fields if item["name"] == path[-1])
    return found


def test_all_changes_to_a_table_are_one_patch() -> None:
    patch = patch_of(live(ORDERS), ALL_AT_ONCE)
    assert set(patch) == {"schema", "description", "clustering", "labels"}
    after = table_from(patched(live(ORDERS), patch))
    found = {".".join(path): item for path, item in after.walk()}
    assert found["note"] == NOTE
    assert found["lines.parts.weight"] == WEIGHT
    assert found["buyer.box"] == BOX
    assert (found["id"].mode, found["buyer.email"].mode) == (Mode.NULLABLE, Mode.NULLABLE)
    assert (found["count"].description, found["count"].default) == ("How many.", "0")
    assert (after.description, after.clustering) == ("Orders.", ("count",))
    assert after.labels == (("env", "x"), ("team", "shop"))


def test_a_patch_that_took_effect_leaves_nothing_to_patch() -> None:
    after = patched(live(ORDERS), patch_of(live(ORDERS), ALL_AT_ONCE))
    assert patch_of(after, ALL_AT_ONCE) == {}


@pytest.mark.parametrize(
    "change",
    [
        c.AddColumn("orders", (), ORDERS.columns[2]),
        c.AddColumn("orders", (), replace(ORDERS.columns[2], name="AMOUNT")),
        c.AddColumn("orders", ("buyer",), column("name")),
        c.RelaxMode("orders", ("amount",)),
        c.SetColumnMetadata("orders", ("id",), column("id")),
        c.SetColumnMetadata("orders", ("ID",), Column("id", Type(Kind.STRING))),
        c.SetTableMetadata(ORDERS),
        c.SetTableMetadata(Table("orders", ())),
    ],
    ids=str,
)
def test_nothing_is_patched_that_is_so_already(change: TableChange) -> None:
    assert patch_of(live(ORDERS), [change]) == {}


def test_a_field_without_a_mode_is_relaxed_already() -> None:
    current = live(ORDERS)
    del field_at(current, "amount")["mode"]
    assert patch_of(current, [c.RelaxMode("orders", ("amount",))]) == {}


def test_neither_the_table_nor_the_changes_are_altered() -> None:
    current = live(ORDERS)
    before = deepcopy(current)
    patch_of(current, ALL_AT_ONCE)
    assert current == before


@pytest.mark.parametrize(
    "change",
    [
        c.AddColumn("orders", (), column("amount", Kind.STRING)),
        c.AddColumn("orders", (), column("amount", Kind.NUMERIC, Mode.REPEATED)),
        c.AddColumn("orders", (), replace(column("amount"), type=Type(Kind.NUMERIC, 10, 2))),
        c.AddColumn("orders", ("gone",), NOTE),
        c.AddColumn("orders", ("buyer", "gone"), NOTE),
        c.RelaxMode("orders", ("gone",)),
        c.RelaxMode("orders", ("buyer", "gone")),
        c.RelaxMode("orders", ("tags",)),
        c.RelaxMode("orders", ()),
        c.SetColumnMetadata("orders", ("amount", "gone"), NOTE),
    ],
    ids=str,
)
def test_a_table_that_moved_meanwhile_is_not_patched(change: TableChange) -> None:
    with pytest.raises(WarehouseBusy, match=r"another caller changed the table") as caught:
        patch_of(live(ORDERS), [*ALL_AT_ONCE, change])
    assert str(change) in caught.value.message


CRATE = column("crate", Kind.RECORD, Mode.REPEATED, fields=(BOX, NOTE))
SIZE, KIND = BOX.fields


@pytest.mark.parametrize(
    "fields",
    [
        (SIZE,),
        (SIZE, KIND, WEIGHT),
        (SIZE, WEIGHT),
        (SIZE, replace(KIND, mode=Mode.NULLABLE)),
        (replace(SIZE, type=Type(Kind.NUMERIC)), KIND),
    ],
    ids=["one less", "one more", "another", "another mode", "another type"],
)
def test_a_record_that_somebody_added_with_other_fields_is_not_taken_for_ours(fields: tuple[Column, ...]) -> None:
    theirs = replace(BOX, fields=fields)
    for added, found in ((BOX, theirs), (CRATE, replace(CRATE, fields=(theirs, NOTE)))):
        current = live(replace(ORDERS, columns=(*ORDERS.columns, found)))
        with pytest.raises(WarehouseBusy, match=r"another caller changed the table"):
            patch_of(current, [c.AddColumn("orders", (), added)])


def test_a_record_that_somebody_added_is_ours_in_any_order_case_and_description() -> None:
    said = replace(SIZE, name="SIZE", description="In litres.")
    theirs = replace(CRATE, name="Crate", fields=(NOTE, replace(BOX, fields=(KIND, said))))
    current = live(replace(ORDERS, columns=(*ORDERS.columns, theirs)))
    assert patch_of(current, [c.AddColumn("orders", (), CRATE)]) == {}


@pytest.mark.parametrize("parent", [(), ("buyer",), ("lines", "parts")], ids=".".join)
def test_a_required_column_is_refused_at_any_depth(parent: c.Path) -> None:
    change = c.AddColumn("orders", parent, column("must", mode=Mode.REQUIRED))
    with pytest.raises(WarehouseRefused, match=r"orders\.(\w+\.)*must: a REQUIRED column cannot be added"):
        patch_of(live(ORDERS), [change])


def test_fields_are_added_at_any_depth() -> None:
    record = column("r14", Kind.RECORD, fields=(column("leaf"),))
    for number in reversed(range(14)):
        mode = Mode.REPEATED if number % 2 else Mode.NULLABLE
        record = column(f"r{number}", Kind.RECORD, mode, fields=(column("leaf"), record))
    path = tuple(f"r{number}" for number in range(15))
    changes = [c.AddColumn("orders", path[:depth], NOTE) for depth in range(16)]
    current = live(replace(ORDERS, columns=(record,), partition=None, clustering=()))
    after = table_from(patched(current, patch_of(current, changes)))
    assert [found for found, item in after.walk() if item == NOTE] == [
        (*path[:depth], "note") for depth in (*range(15, -1, -1),)
    ]


def test_additions_to_an_added_record_go_into_it() -> None:
    changes = [
        c.AddColumn("orders", (), BOX),
        c.AddColumn("orders", ("box",), NOTE),
        c.AddColumn("orders", ("BOX",), WEIGHT),
    ]
    after = table_from(patched(live(ORDERS), patch_of(live(ORDERS), changes)))
    assert after.columns[-1] == replace(BOX, fields=(*BOX.fields, NOTE, WEIGHT))


def test_what_this_version_does_not_know_is_sent_back_as_it_came() -> None:
    current = live(ORDERS)
    field_at(current, "placed_at")["timestampPrecision"] = "12"
    field_at(current, "buyer", "name")["generatedColumn"] = {"generatedExpressionInfo": {"stored": True}}
    current["schema"]["foreignTypeInfo"] = {"typeSystem": "HIVE"}
    current |= {"etag": "x", "maxStaleness": "0-0 0 4:0:0", "resourceTags": {"p/a": "b"}}
    patch = patch_of(current, [c.AddColumn("orders", ("buyer",), NOTE), c.RelaxMode("orders", ("id",))])
    assert set(patch) == {"schema"}
    field_at(patch, "buyer")["fields"].pop()
    field_at(patch, "id")["mode"] = "REQUIRED"
    assert patch["schema"] == current["schema"]


def test_metadata_that_is_not_declared_stays() -> None:
    tagged = {"policyTags": {"names": ["projects/p/t"]}, "defaultValueExpression": "7", "description": "Old."}
    current = live(ORDERS)
    field_at(current, "count").update(tagged)
    patch = patch_of(
        current, [c.SetColumnMetadata("orders", ("count",), Column("count", Type(Kind.INT64), default="0"))]
    )
    assert field_at(patch, "count") == field_at(current, "count") | {"defaultValueExpression": "0"}


def test_policies_of_a_column_are_set_as_declared() -> None:
    declared = Column("count", Type(Kind.INT64), policy_tags=("projects/p/t",), data_policies=("projects/p/d",))
    patch = patch_of(live(ORDERS), [c.SetColumnMetadata("orders", ("count",), declared)])
    found = field_at(patch, "count")
    assert found["policyTags"] == {"names": ["projects/p/t"]}
    assert found["dataPolicies"] == [{"name": "projects/p/d"}]


@pytest.mark.parametrize("required", [True, False])
def test_the_partition_filter_is_set_without_the_partitioning(required: bool) -> None:
    day = TimePartition(Granularity.DAY, "placed_at", require_filter=not required)
    declared = replace(ORDERS, partition=replace(day, require_filter=required))
    patch = patch_of(live(replace(ORDERS, partition=day)), [c.SetTableMetadata(declared)])
    assert patch == {"requirePartitionFilter": required}


def test_a_table_without_partitions_gets_no_partition_filter() -> None:
    declared = replace(ORDERS, description="New.", partition=TimePartition(Granularity.DAY, "placed_at", None, True))
    patch = patch_of(live(replace(ORDERS, partition=None)), [c.SetTableMetadata(declared)])
    assert patch == {"description": "New."}
