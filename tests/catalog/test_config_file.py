"""`config.yml`: every way to write it, and every way to write it wrong."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudact.catalog.config_file import ConfigFile
from cloudact.catalog.folder import Folder
from cloudact.catalog.load import ORGANIZATION
from cloudact.catalog.model import Granularity, Materialized, RangePartition, Table, TimePartition
from cloudact.catalog.problems import Problems
from tests.catalog.declared import CONFIG_FILE, EVENTS, RECENT, CatalogDirectory, column, encoded, small_catalog

LAYOUT = {"description": "One row per event.", "partition": {"type": "DAY", "field": "at"}, "clustering": ["name"]}


def with_table(**entry: Any) -> dict[str, Any]:
    """Return the small catalog's organization config with this entry for its table."""
    return {**small_catalog()[CONFIG_FILE], "tables": {"events": entry}}


def with_view(**entry: Any) -> dict[str, Any]:
    """Return the small catalog's organization config with this entry for its view."""
    return {**small_catalog()[CONFIG_FILE], "views": {"recent": entry}}


def table(catalog: CatalogDirectory, **entry: Any) -> Table:
    """Return the small catalog's table, declared with this entry."""
    catalog.write(CONFIG_FILE, with_table(**entry))
    return catalog.load().organization.tables[0]


@pytest.mark.parametrize(
    "tables",
    [
        {"events": None, "visits": LAYOUT},
        {"events": {}, "visits": LAYOUT},
        [{"events": None}, {"visits": LAYOUT}],
        ["events", {"visits": LAYOUT}],
    ],
    ids=["mapping", "mapping to mappings", "list of one-key mappings", "mixed list"],
)
def test_tables_are_a_mapping_or_a_list_of_names_and_one_key_mappings(catalog: CatalogDirectory, tables: Any) -> None:
    catalog.write(EVENTS.replace("events", "visits"), small_catalog()[EVENTS])
    catalog.change(CONFIG_FILE, tables=tables)
    events, visits = catalog.load().organization.tables
    assert (events.name, events.description, events.partition, events.clustering) == ("events", "", None, ())
    assert (visits.name, visits.description) == ("visits", "One row per event.")
    assert (visits.partition, visits.clustering) == (TimePartition(Granularity.DAY, "at"), ("name",))


def test_tables_and_views_are_lists_of_names(catalog: CatalogDirectory) -> None:
    expected = catalog.load()
    catalog.change(CONFIG_FILE, tables=["events"], views=["recent"])
    assert catalog.load() == expected


def test_a_config_needs_no_more_than_a_dataset_and_tables(catalog: CatalogDirectory) -> None:
    central = catalog.load().central
    assert (central.name, central.location, central.description) == ("central", "US", "")
    assert (central.labels, central.views, central.authorize_views) == ((), (), False)


@pytest.mark.parametrize("value", [True, False])
def test_whether_views_are_authorized_is_kept(catalog: CatalogDirectory, value: bool) -> None:
    catalog.change(CONFIG_FILE, authorize_views=value)
    assert catalog.load().organization.authorize_views is value


def test_everything_about_a_dataset_is_kept(catalog: CatalogDirectory) -> None:
    catalog.change(CONFIG_FILE, location="europe-west1", description="  Größe of 数据. ", labels={"b": "2", "a": ""})
    found = catalog.load().organization
    assert (found.location, found.description) == ("europe-west1", "Größe of 数据.")
    assert found.labels == (("a", ""), ("b", "2"))


@pytest.mark.parametrize("unit", Granularity)
def test_a_table_is_partitioned_by_time(catalog: CatalogDirectory, unit: Granularity) -> None:
    given = {"type": unit.value, "field": "at", "expiration_days": 1.5, "require_filter": True}
    assert table(catalog, partition=given).partition == TimePartition(unit, "at", 1.5, require_filter=True)


def test_a_table_is_partitioned_by_load_time_without_a_field(catalog: CatalogDirectory) -> None:
    assert table(catalog, partition={"type": "HOUR"}).partition == TimePartition(Granularity.HOUR)


def test_a_table_is_partitioned_by_a_range_of_numbers(catalog: CatalogDirectory) -> None:
    given = {"type": "RANGE", "field": "id", "start": 0, "end": 100, "interval": 10}
    assert table(catalog, partition=given).partition == RangePartition("id", 0, 100, 10)


def test_everything_about_a_view_is_kept(catalog: CatalogDirectory) -> None:
    entry = {"description": "Recent ones.", "materialized": "own", "clustering": ["email"], "labels": {"team": "web"}}
    catalog.write(CONFIG_FILE, with_view(**entry, refresh_interval_minutes=15))
    view = catalog.load().organization.views[0].view
    assert (view.name, view.description, view.materialized) == ("recent", "Recent ones.", Materialized.OWN)
    assert (view.clustering, view.refresh_interval_minutes, view.labels) == (("email",), 15, (("team", "web"),))


def test_a_view_without_an_entry_has_no_clustering_and_no_refresh(catalog: CatalogDirectory) -> None:
    view = catalog.load().organization.views[0].view
    assert (view.materialized, view.refresh_interval_minutes, view.clustering) == (Materialized.NEVER, None, ())


def test_a_view_names_another_file(catalog: CatalogDirectory) -> None:
    query = catalog.load().organization.views[0].query
    catalog.write(CONFIG_FILE, with_view(sql="views/elsewhere.sql"))
    catalog.write(f"{ORGANIZATION}/views/elsewhere.sql", small_catalog()[RECENT])
    catalog.delete(RECENT)
    assert catalog.load().organization.views[0].query == query


@pytest.mark.parametrize("minutes", [1, 15, 7 * 24 * 60])
def test_a_refresh_interval_is_a_minute_to_a_week(catalog: CatalogDirectory, minutes: int) -> None:
    catalog.write(CONFIG_FILE, with_view(refresh_interval_minutes=minutes))
    assert catalog.load().organization.views[0].view.refresh_interval_minutes == minutes


@pytest.mark.parametrize(
    "labels",
    [
        {"team": "web"},
        {"a": ""},
        {"k" * 63: "v" * 63},
        {"größe": "数据"},
        {"a-b_c1": "1-b_"},
        {f"k{number}": "v" for number in range(64)},
    ],
    ids=["plain", "empty value", "longest", "other scripts", "punctuation", "most"],
)
def test_labels_as_bigquery_takes_them(catalog: CatalogDirectory, labels: dict[str, str]) -> None:
    assert table(catalog, labels=labels).labels == tuple(sorted(labels.items()))


@pytest.mark.parametrize(
    "labels",
    [
        {"": "v"},
        {"k" * 64: "v"},
        {"k": "v" * 64},
        {"1k": "v"},
        {"-k": "v"},
        {"K": "v"},
        {"teamName": "v"},
        {"k": "Prod"},
        {"k": "a b"},
        {"k.x": "v"},
        {f"k{number}": "v" for number in range(65)},
    ],
    ids=[
        "empty key",
        "long key",
        "long value",
        "digit first",
        "dash first",
        "upper key",
        "camel key",
        "upper value",
        "space",
        "dot",
        "too many",
    ],
)
def test_labels_that_bigquery_refuses_are_problems(catalog: CatalogDirectory, labels: dict[str, str]) -> None:
    catalog.write(CONFIG_FILE, with_table(labels=labels))
    found = catalog.problem()
    assert (found.where, found.fix) == (CONFIG_FILE, "see docs/catalog-format.md")
    assert found.field.startswith("tables.events.labels")


@pytest.mark.parametrize(
    ("config", "field", "what"),
    [
        ({"dataset": "{org_slug}"}, "tables", "is missing"),
        ({"tables": {"events": None}, "views": ["recent"]}, "dataset", "is missing"),
        (with_table() | {"dataset": "my-{org_slug}"}, "dataset", "String should match pattern"),
        (with_table() | {"dataset": ""}, "dataset", "String should match pattern"),
        (with_table() | {"location": "us east"}, "location", "String should match pattern"),
        (with_table() | {"tabels": {}}, "tabels", "is not a known key"),
        (with_table(cluster=["id"]), "tables.events.cluster", "is not a known key"),
        (with_view(query="x"), "views.recent.query", "is not a known key"),
        (with_table(description="x" * 16_385), "tables.events.description", "String should have at most 16384"),
        (with_table() | {"tables": {"a b": None}}, "tables.a b", "String should match pattern"),
        (with_table() | {"tables": {1: None}}, "tables.1", "Input should be a valid string"),
        (with_table() | {"tables": 5}, "tables", "is not a mapping"),
        (with_table() | {"tables": None}, "tables", "is not a mapping"),
        (with_table() | {"tables": ["events", "events"]}, "tables", "Value error, events is listed twice"),
        (with_table() | {"tables": [{"a": {}, "b": {}}]}, "tables", "Value error, each list entry names one table"),
        (with_table() | {"tables": [{}]}, "tables", "Value error, each list entry names one table"),
        (with_table() | {"tables": [["events"]]}, "tables", "Value error, each list entry names one table"),
        (with_table(clustering="id"), "tables.events.clustering", "is not a list"),
        (with_view(materialized="always"), "views.recent.materialized", "Input should be 'shared', 'own' or 'never'"),
        (with_view(refresh_interval_minutes=0), "views.recent.refresh_interval_minutes", "Input should be greater"),
        (with_view(refresh_interval_minutes=10_081), "views.recent.refresh_interval_minutes", "Input should be less"),
    ],
)  # fmt: skip
def test_a_wrong_entry_is_one_problem_with_its_field(
    catalog: CatalogDirectory, config: dict[str, Any], field: str, what: str
) -> None:
    catalog.write(CONFIG_FILE, config)
    found = catalog.problem()
    assert (found.where, found.field) == (CONFIG_FILE, field)
    assert found.what.startswith(what)
    assert found.fix


@pytest.mark.parametrize(
    ("partition", "key"),
    [
        ({"type": "WEEK", "field": "at"}, "type"),
        ({"field": "at"}, "type"),
        ({"type": "DAY", "column": "at"}, "column"),
        ({"type": "DAY", "expiration_days": 0}, "expiration_days"),
        ({"type": "RANGE", "field": "id", "start": 5, "end": 5, "interval": 1}, "end"),
        ({"type": "RANGE", "field": "id", "start": 0, "end": 5, "interval": 0}, "interval"),
    ],
)
def test_a_wrong_partition_is_one_problem_named_as_it_was_written(
    catalog: CatalogDirectory, partition: dict[str, Any], key: str
) -> None:
    catalog.write(CONFIG_FILE, with_table(partition=partition))
    found = catalog.problem()
    assert found.where == CONFIG_FILE
    assert found.field in {"tables.events.partition", f"tables.events.partition.{key}"}
    assert found.what
    assert found.fix


@pytest.mark.parametrize(
    ("entry", "field", "line"),
    [
        ("    cluster: [id]", "tables.events.cluster", 6),
        ("    labels:\n      team: A B", "tables.events.labels.team", 7),
        ("    partition: {type: DAY,\n      fild: at}", "tables.events.partition.fild", 7),
        ("    clustering:\n    - id\n    - [at]", "tables.events.clustering.1", 8),
        ("    partition: {type: DAY, field: nope}", "tables.events.partition.field", 6),
        ("    description: d\n    clustering: [nope]", "tables.events.clustering", 7),
    ],
)
def test_a_problem_has_the_line_of_the_key_it_speaks_of(
    catalog: CatalogDirectory, entry: str, field: str, line: int
) -> None:
    catalog.write(CONFIG_FILE, f"dataset: '{{org_slug}}_prod'\nviews:\n  recent:\ntables:\n  events:\n{entry}\n")
    found = catalog.problem()
    assert (found.where, found.field, found.line) == (CONFIG_FILE, field, line)


@pytest.mark.parametrize("form", ["tables:\n- events:\n    cluster: [id]\n", "tables: [events: {cluster: [id]}]\n"])
def test_a_wrong_entry_of_a_list_is_named_by_its_table(catalog: CatalogDirectory, form: str) -> None:
    catalog.write(CONFIG_FILE, f"dataset: '{{org_slug}}_prod'\nviews: [recent]\n{form}")
    found = catalog.problem()
    assert (found.field, found.what) == ("tables.events.cluster", "is not a known key")
    assert found.line >= 3


def test_column_names_in_layout_ignore_case(catalog: CatalogDirectory) -> None:
    catalog.write(EVENTS, [column("Created_At", "TIMESTAMP")])
    given = {"partition": {"type": "DAY", "field": "created_at"}, "clustering": ["CREATED_AT"]}
    assert table(catalog, **given).clustering == ("CREATED_AT",)


KEYS = sorted({*ConfigFile.model_fields, "events", "partition", "clustering", "type", "field", "<<"})
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.dates() | st.datetimes(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.integers(), inner, max_size=4)
    ),
    max_leaves=15,
)


@given(st.fixed_dictionaries({"dataset": st.just("d"), "tables": VALUES}, optional={"views": VALUES, "labels": VALUES}))
def test_any_value_in_any_place_is_read_or_reported(value: dict[str, Any]) -> None:
    problems = Problems()
    template = Folder("setup", encoded({"setup/config.yml": value}), problems).parse()
    assert template or problems.found


@pytest.mark.parametrize("value", ["true", "'10'", '"1_0"', "1.0", "9223372036854775808", "-9223372036854775809"])
@pytest.mark.parametrize("key", ["start", "end", "interval"])
def test_bounds_of_ranges_are_numbers_of_64_bits(catalog: CatalogDirectory, key: str, value: str) -> None:
    given = {"start": "-5", "end": "100", "interval": "10"} | {key: value}
    bounds = ", ".join(f"{name}: {text}" for name, text in given.items())
    partition = f"{{type: RANGE, field: id, {bounds}}}"
    config = f"dataset: '{{org_slug}}_prod'\ntables: {{events: {{partition: {partition}}}}}\nviews: [recent]\n"
    catalog.write(CONFIG_FILE, config)
    assert catalog.problem().field == f"tables.events.partition.{key}"


@pytest.mark.parametrize("value", ["true", "'1'", ".inf", ".nan"])
def test_an_expiration_is_a_number(catalog: CatalogDirectory, value: str) -> None:
    partition = f"{{type: DAY, expiration_days: {value}}}"
    config = f"dataset: '{{org_slug}}_prod'\ntables: {{events: {{partition: {partition}}}}}\nviews: [recent]\n"
    catalog.write(CONFIG_FILE, config)
    assert catalog.problem().field == "tables.events.partition.expiration_days"


@pytest.mark.parametrize("value", [True, "15", 15.5])
def test_a_refresh_interval_is_a_whole_number(catalog: CatalogDirectory, value: object) -> None:
    catalog.write(CONFIG_FILE, with_view(refresh_interval_minutes=value))
    assert catalog.problem().field == "views.recent.refresh_interval_minutes"
