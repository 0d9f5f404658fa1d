"""What the rules refuse, by number, and what they let through in which form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.bigquery_fake.rules import (
    MAX_AUTHORIZED,
    Refusal,
    Resource,
    dropped_not_null,
    new_dataset,
    new_table,
    patched,
    patched_dataset,
    set_data_type,
)

REFERENCE = {"projectId": "p", "datasetId": "shop", "tableId": "orders"}
DATASET: Resource = {"datasetReference": {"projectId": "p", "datasetId": "shop"}, "location": "EU"}
ORDERS: list[Resource] = [
    {"name": "id", "type": "INT64", "mode": "REQUIRED"},
    {"name": "day", "type": "DATE"},
    {"name": "amount", "type": "NUMERIC", "precision": 20, "scale": 4},
    {"name": "note", "type": "STRING", "maxLength": "10", "description": "Free text."},
    {"name": "tags", "type": "STRING", "mode": "REPEATED"},
    {"name": "payload", "type": "JSON"},
    {"name": "line", "type": "STRUCT", "mode": "REPEATED", "fields": [{"name": "sku", "type": "STRING"}]},
]


def table(*fields: Resource, **keys: Any) -> Resource:
    """A new table as the rules answer it; `note` clusters it unless `keys` say otherwise."""
    resource = {"tableReference": REFERENCE, "schema": {"fields": list(fields or ORDERS)}, **keys}
    return new_table(resource, dataset=DATASET)


def materialized_view(**keys: Any) -> Resource:
    resource = {
        "tableReference": REFERENCE,
        "materializedView": {"query": "SELECT 1 AS a", **keys.pop("of", {})},
        **keys,
    }
    return new_table(resource, dataset=DATASET)


def fields_with(**changes: Resource | None) -> Resource:
    """The schema of `table()`, with changes to some columns; None leaves one out."""
    kept = [item for item in table()["schema"]["fields"] if changes.get(item["name"], item) is not None]
    return {"schema": {"fields": [item | (changes.get(item["name"]) or {}) for item in kept]}}


def names(resource: Resource) -> list[str]:
    return [item["name"] for item in resource["schema"]["fields"]]


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(Refusal) as caught:
        call()
    return caught.value.rule


def test_a_new_table_is_answered_with_legacy_type_names_modes_and_text_for_numbers() -> None:
    assert table()["schema"]["fields"] == [
        {"name": "id", "type": "INTEGER", "mode": "REQUIRED"},
        {"name": "day", "type": "DATE", "mode": "NULLABLE"},
        {"name": "amount", "type": "NUMERIC", "mode": "NULLABLE", "precision": "20", "scale": "4"},
        {"name": "note", "type": "STRING", "mode": "NULLABLE", "maxLength": "10", "description": "Free text."},
        {"name": "tags", "type": "STRING", "mode": "REPEATED"},
        {"name": "payload", "type": "JSON", "mode": "NULLABLE"},
        {
            "name": "line",
            "type": "RECORD",
            "mode": "REPEATED",
            "fields": [{"name": "sku", "type": "STRING", "mode": "NULLABLE"}],
        },
    ]


def test_arguments_are_left_as_they_were() -> None:
    given = {"tableReference": REFERENCE, "timePartitioning": {"type": "DAY"}, "schema": {"fields": list(ORDERS)}}
    new_table(given, dataset=DATASET | {"defaultPartitionExpirationMs": "86400000"})
    assert given["timePartitioning"] == {"type": "DAY"}
    assert given["schema"] == {"fields": ORDERS}


def test_a_partitioned_table_inherits_the_expiration_of_its_dataset() -> None:
    dataset = DATASET | {"defaultPartitionExpirationMs": "86400000"}
    made = new_table({"tableReference": REFERENCE, "timePartitioning": {"type": "DAY"}}, dataset=dataset)
    assert made["timePartitioning"] == {"type": "DAY", "expirationMs": "86400000"}
    assert (made["type"], made["location"]) == ("TABLE", "EU")


@pytest.mark.parametrize(
    "resource",
    [
        {"datasetReference": {"datasetId": "with-dash"}},
        {"datasetReference": {"datasetId": ""}},
        {"labels": {"Team": "shop"}},
        {"labels": {"1st": "shop"}},
        {"labels": {"team": "x" * 64}},
        {"labels": {f"k{number}": "" for number in range(65)}},
        {"description": "x" * 16_385},
        {"defaultTableExpirationMs": "1000"},
        {"lables": {}},
    ],
)
def test_a_dataset_beyond_the_fixed_numbers_is_refused(resource: Resource) -> None:
    assert refused(lambda: new_dataset(DATASET | resource)) == "numbers"


@pytest.mark.parametrize("hours", ["24", "50", "192"])
def test_time_travel_is_two_to_seven_whole_days(hours: str) -> None:
    new_dataset(DATASET | {"maxTimeTravelHours": "48"})
    assert refused(lambda: new_dataset(DATASET | {"maxTimeTravelHours": hours})) == "31"


def test_the_authorized_resources_of_a_dataset_end() -> None:
    views = [{"view": REFERENCE | {"tableId": f"v{number}"}} for number in range(MAX_AUTHORIZED)]
    people = [{"role": "READER", "userByEmail": "a@example.com"}]
    patched_dataset(DATASET, {"access": views + people})
    assert refused(lambda: patched_dataset(DATASET, {"access": [*views, {"view": REFERENCE}]})) == "23"


def test_a_dataset_patch_merges_labels_and_null_removes_one() -> None:
    current = DATASET | {"labels": {"a": "1", "b": "2"}, "description": "old", "etag": "x"}
    wanted = patched_dataset(current, {"labels": {"a": None, "c": "3"}, "description": None})
    assert wanted == DATASET | {"labels": {"b": "2", "c": "3"}, "etag": "x"}


def test_a_dataset_keeps_its_location_and_its_name() -> None:
    assert patched_dataset(DATASET, {"location": "eu"})["location"] == "eu"
    assert refused(lambda: patched_dataset(DATASET, {"location": "US"})) == "numbers"
    assert refused(lambda: patched_dataset(DATASET, {"datasetReference": {"datasetId": "other"}})) == "numbers"


@pytest.mark.parametrize(
    "field",
    [
        {"name": "a", "type": "TEXT"},
        {"name": "a", "type": "STRING", "mode": "OPTIONAL"},
        {"name": "a", "type": "STRING", "lenght": 3},
        {"name": "a", "type": "STRING", "fields": [{"name": "b", "type": "STRING"}]},
        {"name": "a", "type": "RECORD"},
        {"name": "a", "type": "NUMERIC", "precision": 40, "scale": 4},
        {"name": "a", "type": "NUMERIC", "precision": 12, "scale": 10},
        {"name": "a", "type": "NUMERIC", "scale": 2},
        {"name": "a", "type": "INT64", "precision": 5},
        {"name": "a", "type": "INT64", "maxLength": 5},
        {"name": "a", "type": "STRING", "maxLength": 0},
        {"name": "a", "type": "RANGE", "rangeElementType": {"type": "INT64"}},
        {"name": "a", "type": "STRING", "description": "x" * 1_025},
        {"name": "_partition_day", "type": "DATE"},
        {"name": "_TABLE_x", "type": "DATE"},
        {"name": "a.b", "type": "DATE"},
        {"name": "", "type": "DATE"},
        {"name": "a" * 301, "type": "DATE"},
        {"name": "a", "type": "RECORD", "fields": [{"name": "b", "type": "STRING"}, {"name": "B", "type": "STRING"}]},
        {
            "name": "a",
            "type": "RECORD",
            "fields": [{"name": "b", "type": "STRING", "defaultValueExpression": "'x'"}],
        },
    ],
)
def test_a_column_that_cannot_be_is_refused(field: Resource) -> None:
    assert refused(lambda: table(field)) == "numbers"


def test_columns_are_named_once_whatever_their_case() -> None:
    assert refused(lambda: table({"name": "a", "type": "STRING"}, {"name": "A", "type": "STRING"})) == "numbers"


def test_ten_thousand_columns_are_allowed_and_nested_ones_count() -> None:
    many = [{"name": f"c{number}", "type": "STRING"} for number in range(9_998)]
    pair = {"name": "r", "type": "RECORD", "fields": [{"name": "a", "type": "STRING"}]}
    table(*many, pair)
    assert refused(lambda: table(*many, pair, {"name": "x", "type": "STRING"})) == "numbers"


def nested(depth: int) -> Resource:
    inner: Resource = {"name": "leaf", "type": "STRING"}
    for _ in range(depth):
        inner = {"name": "r", "type": "RECORD", "fields": [inner]}
    return inner


def test_records_nest_fifteen_deep() -> None:
    table(nested(15))
    assert refused(lambda: table(nested(16))) == "numbers"


def test_a_required_column_may_have_a_default() -> None:
    made = table({"name": "a", "type": "STRING", "mode": "REQUIRED", "defaultValueExpression": "'x'"})
    assert made["schema"]["fields"][0]["defaultValueExpression"] == "'x'"


@pytest.mark.parametrize("name", ["", "a/b", "a`b", "x" * 1_025, "ü" * 513])
def test_a_table_name_has_letters_marks_numbers_connectors_dashes_and_spaces(name: str) -> None:
    new_table({"tableReference": REFERENCE | {"tableId": "ünter-нос 2_x"}}, dataset=DATASET)
    assert refused(lambda: new_table({"tableReference": REFERENCE | {"tableId": name}}, dataset=DATASET)) == "numbers"


def test_a_table_is_made_in_the_dataset_it_names() -> None:
    reference = REFERENCE | {"datasetId": "other"}
    assert refused(lambda: new_table({"tableReference": reference}, dataset=DATASET)) == "numbers"


@pytest.mark.parametrize(
    "columns", [["id", "day", "amount", "note", "id"], ["nope"], ["tags"], ["payload"], ["line"], ["id", "ID"], []]
)
def test_clustering_takes_one_to_four_different_sortable_columns(columns: list[str]) -> None:
    assert table(clustering={"fields": ["id", "day", "amount", "NOTE"]})["clustering"]["fields"][3] == "NOTE"
    assert refused(lambda: table(clustering={"fields": columns})) == "clustering"
    assert refused(lambda: patched(table(), {"clustering": {"fields": columns}})) == "clustering"


@pytest.mark.parametrize(
    "layout",
    [
        {"timePartitioning": {"type": "DAY", "field": "note"}},
        {"timePartitioning": {"type": "DAY", "field": "nope"}},
        {"timePartitioning": {"type": "HOUR", "field": "day"}},
        {"timePartitioning": {"type": "WEEK", "field": "day"}},
        {"rangePartitioning": {"field": "day", "range": {"start": 0, "end": 10, "interval": 1}}},
        {"rangePartitioning": {"field": "id", "range": {"start": 10, "end": 0, "interval": 1}}},
        {"rangePartitioning": {"field": "id", "range": {"start": 0, "end": 20_000, "interval": 1}}},
        {"requirePartitionFilter": True},
        {
            "timePartitioning": {"type": "DAY"},
            "rangePartitioning": {"field": "id", "range": {"start": 0, "end": 10, "interval": 1}},
        },
    ],
)
def test_a_partitioning_that_cannot_be_is_refused(layout: Resource) -> None:
    assert refused(lambda: table(**layout)) == "partitioning"


def test_a_layout_has_its_numbers_as_text() -> None:
    by_range = {"field": "id", "range": {"start": 0, "end": 10, "interval": 1}}
    assert table(rangePartitioning=by_range)["rangePartitioning"]["range"] == {
        "start": "0",
        "end": "10",
        "interval": "1",
    }
    by_time = table(timePartitioning={"type": "DAY", "field": "day", "expirationMs": 1000}, expirationTime=5)
    assert (by_time["timePartitioning"]["expirationMs"], by_time["expirationTime"]) == ("1000", "5")


def test_of_a_partitioning_only_expiration_and_the_filter_can_change() -> None:
    current = table(timePartitioning={"type": "DAY", "field": "day"})
    wanted = patched(current, {"timePartitioning": {"expirationMs": "1000"}, "requirePartitionFilter": True})
    assert wanted["timePartitioning"] == {"type": "DAY", "field": "day", "expirationMs": "1000"}
    assert patched(wanted, {"timePartitioning": {"expirationMs": None}})["timePartitioning"] == {
        "type": "DAY",
        "field": "day",
    }
    assert refused(lambda: patched(current, {"timePartitioning": {"type": "MONTH"}})) == "19"
    assert refused(lambda: patched(current, {"timePartitioning": None})) == "19"
    assert refused(lambda: patched(table(), {"timePartitioning": {"type": "DAY", "field": "day"}})) == "19"


def test_an_added_column_goes_to_the_end_wherever_it_was_given() -> None:
    current = table()
    schema = {"fields": [{"name": "first", "type": "BOOL"}, *current["schema"]["fields"]]}
    wanted = patched(current, {"schema": schema})
    assert names(wanted) == [*names(current), "first"]
    assert wanted["schema"]["fields"][-1] == {"name": "first", "type": "BOOLEAN", "mode": "NULLABLE"}


def test_an_added_nested_field_goes_to_the_end_of_its_record() -> None:
    fields = [{"name": "quantity", "type": "INT64"}, {"name": "sku", "type": "STRING"}]
    wanted = patched(table(), fields_with(line={"fields": fields}))
    assert [item["name"] for item in wanted["schema"]["fields"][-1]["fields"]] == ["sku", "quantity"]


def test_a_required_column_is_added_only_inside_a_new_record() -> None:
    current = table()
    required: Resource = {"name": "x", "type": "STRING", "mode": "REQUIRED"}
    record = {"name": "address", "type": "RECORD", "fields": [required]}
    wanted = patched(current, {"schema": {"fields": [*current["schema"]["fields"], record]}})
    assert wanted["schema"]["fields"][-1]["fields"][0]["mode"] == "REQUIRED"
    assert refused(lambda: patched(current, {"schema": {"fields": [*current["schema"]["fields"], required]}})) == "12"
    sku: Resource = {"name": "sku", "type": "STRING"}
    assert refused(lambda: patched(current, fields_with(line={"fields": [sku, required]}))) == "12"


def test_required_becomes_nullable_and_nothing_else() -> None:
    wanted = patched(table(), fields_with(id={"mode": "NULLABLE"}))
    assert wanted["schema"]["fields"][0]["mode"] == "NULLABLE"
    assert refused(lambda: patched(table(), fields_with(day={"mode": "REQUIRED"}))) == "14"
    assert refused(lambda: patched(table(), fields_with(tags={"mode": "NULLABLE"}))) == "14"
    assert refused(lambda: patched(table(), fields_with(day={"mode": "REPEATED"}))) == "14"


@pytest.mark.parametrize(
    "change",
    [
        {"id": {"type": "NUMERIC"}},
        {"id": {"type": "STRING"}},
        {"amount": {"precision": "25"}},
        {"note": {"maxLength": "20"}},
        {"line": {"fields": [{"name": "sku", "type": "BYTES"}]}},
    ],
)
def test_a_patch_changes_no_type(change: dict[str, Resource]) -> None:
    assert refused(lambda: patched(table(), fields_with(**change))) == "15"


def test_a_patch_drops_and_renames_no_column_at_any_depth() -> None:
    assert refused(lambda: patched(table(), fields_with(note=None))) == "17"
    assert refused(lambda: patched(table(), fields_with(note={"name": "remark"}))) == "17"
    renamed = [{"name": "article", "type": "STRING"}]
    assert refused(lambda: patched(table(), fields_with(line={"fields": renamed}))) == "17"
    assert refused(lambda: patched(table(), {"schema": None})) == "17"


def test_a_patch_finds_columns_whatever_their_case_and_keeps_their_names() -> None:
    wanted = patched(table(), fields_with(note={"name": "NOTE", "description": "Remark."}))
    assert wanted["schema"]["fields"][3] == {
        "name": "note",
        "type": "STRING",
        "mode": "NULLABLE",
        "maxLength": "10",
        "description": "Remark.",
    }


def test_a_patch_merges_the_rest_and_keeps_what_only_the_service_sets() -> None:
    current = table(labels={"a": "1", "b": "2"}, description="old", clustering={"fields": ["id"]}) | {"numRows": "3"}
    wanted = patched(current, {"labels": {"a": None, "c": "3"}, "description": "new", "clustering": None, "etag": "x"})
    assert (wanted["labels"], wanted["description"], wanted["numRows"]) == ({"b": "2", "c": "3"}, "new", "3")
    assert not {"clustering", "etag"} & set(wanted)


def test_a_name_that_no_table_resource_has_is_refused() -> None:
    assert refused(lambda: table(lables={})) == "numbers"
    assert refused(lambda: patched(table(), {"view": {"query": "SELECT 1", "useLegacySql": False}})) == "numbers"


@pytest.mark.parametrize(
    ("column", "field"),
    [
        ("ID", {"type": "NUMERIC"}),
        ("id", {"type": "BIGNUMERIC"}),
        ("id", {"type": "FLOAT64"}),
        ("id", {"type": "NUMERIC", "precision": 21, "scale": 2}),
        ("amount", {"type": "NUMERIC"}),
        ("amount", {"type": "NUMERIC", "precision": 22, "scale": 6}),
        ("amount", {"type": "BIGNUMERIC"}),
        ("amount", {"type": "FLOAT64"}),
        ("note", {"type": "STRING", "maxLength": 11}),
        ("note", {"type": "STRING"}),
        ("day", {"type": "DATE"}),
    ],
)
def test_set_data_type_widens(column: str, field: Resource) -> None:
    before = table()
    after = set_data_type(before, column, field)
    changed = next(item for item in after["schema"]["fields"] if item["name"] == column.casefold())
    old = next(item for item in before["schema"]["fields"] if item["name"] == column.casefold())
    kept = {key: value for key, value in old.items() if key in {"name", "mode", "description"}}
    expected = table({"name": "x", **field})["schema"]["fields"][0]
    assert changed == expected | kept
    assert names(after) == names(before)


@pytest.mark.parametrize(
    ("column", "field", "rule"),
    [
        ("id", {"type": "STRING"}, "16"),
        ("day", {"type": "TIMESTAMP"}, "16"),
        ("payload", {"type": "STRING"}, "16"),
        ("id", {"type": "NUMERIC", "precision": 10, "scale": 2}, "16"),
        ("amount", {"type": "INT64"}, "16"),
        ("amount", {"type": "NUMERIC", "precision": 22, "scale": 2}, "15"),
        ("amount", {"type": "NUMERIC", "precision": 20, "scale": 6}, "15"),
        ("note", {"type": "STRING", "maxLength": 9}, "15"),
        ("tags", {"type": "STRING", "maxLength": 9}, "15"),
        ("line.sku", {"type": "STRING"}, "15"),
        ("id", {"type": "NUMERIC", "mode": "NULLABLE"}, "14"),
    ],
)
def test_set_data_type_refuses_all_but_widenings_of_top_level_columns(column: str, field: Resource, rule: str) -> None:
    assert refused(lambda: set_data_type(table(), column, field)) == rule


def test_set_data_type_leaves_partition_and_clustering_columns() -> None:
    by_range = {"field": "id", "range": {"start": 0, "end": 10, "interval": 1}}
    assert refused(lambda: set_data_type(table(rangePartitioning=by_range), "id", {"type": "NUMERIC"})) == "15"
    assert refused(lambda: set_data_type(table(clustering={"fields": ["ID"]}), "id", {"type": "NUMERIC"})) == "15"


def test_drop_not_null_makes_a_required_column_nullable() -> None:
    assert dropped_not_null(table(), "ID")["schema"]["fields"][0] == {
        "name": "id",
        "type": "INTEGER",
        "mode": "NULLABLE",
    }
    assert refused(lambda: dropped_not_null(table(), "day")) == "13"
    assert refused(lambda: dropped_not_null(table(), "nope")) == "15"


def test_a_view_needs_standard_sql_and_may_get_another_query() -> None:
    view = {"tableReference": REFERENCE, "view": {"query": "SELECT 1 AS a", "useLegacySql": False}}
    made = new_table(view, dataset=DATASET)
    assert (made["type"], patched(made, {"view": {"query": "SELECT 2 AS a"}})["view"]) == (
        "VIEW",
        {"query": "SELECT 2 AS a", "useLegacySql": False},
    )
    legacy = {"tableReference": REFERENCE, "view": {"query": "SELECT 1"}}
    assert refused(lambda: new_table(legacy, dataset=DATASET)) == "24"
    assert refused(lambda: new_table(view | {"schema": {"fields": []}}, dataset=DATASET)) == "numbers"
    assert refused(lambda: patched(made, {"view": {"query": "x" * (256 * 1024 + 1)}})) == "24"


def test_a_materialized_view_is_answered_with_its_refresh_settings() -> None:
    made = materialized_view(
        of={"refreshIntervalMs": 900_000}, clustering={"fields": ["a"]}, maxStaleness="0-0 0 4:0:0"
    )
    assert (made["type"], made["materializedView"]) == (
        "MATERIALIZED_VIEW",
        {"query": "SELECT 1 AS a", "enableRefresh": True, "refreshIntervalMs": "900000"},
    )


def test_of_a_materialized_view_the_refresh_can_change_and_the_query_cannot() -> None:
    made = materialized_view()
    wanted = patched(made, {"materializedView": {"refreshIntervalMs": "900000"}, "labels": {"a": "1"}})
    assert (wanted["materializedView"]["refreshIntervalMs"], wanted["labels"]) == ("900000", {"a": "1"})
    assert refused(lambda: patched(made, {"materializedView": {"query": "SELECT 2 AS a"}})) == "21"
    assert refused(lambda: patched(made, {"clustering": {"fields": ["a"]}})) == "21"
    assert refused(lambda: patched(made, {"schema": {"fields": []}})) == "numbers"


@pytest.mark.parametrize("interval", [59_999, 604_800_001, "soon"])
def test_a_refresh_interval_is_a_minute_to_seven_days(interval: object) -> None:
    assert refused(lambda: materialized_view(of={"refreshIntervalMs": interval})) in {"20", "numbers"}


@pytest.mark.parametrize("staleness", ["0-0 0 0:29:59", "0-0 3 0:0:1", "4 hours", "0-0 0 0:5:0"])
def test_staleness_is_half_an_hour_to_three_days(staleness: str) -> None:
    materialized_view(maxStaleness="0-0 3 0:0:0")
    assert refused(lambda: materialized_view(maxStaleness=staleness)) == "20"


def test_what_is_not_modelled_is_not_implemented() -> None:
    with pytest.raises(Refusal) as caught:
        patched(table() | {"type": "SNAPSHOT"}, {"description": "x"})
    assert (caught.value.status, caught.value.reason) == (501, "notImplemented")
