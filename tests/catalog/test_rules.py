"""What BigQuery demands of a table: columns, partitioning, clustering."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from cloudact.catalog.model import (
    Column,
    Granularity,
    Kind,
    Mode,
    Partition,
    RangePartition,
    Table,
    TimePartition,
    Type,
)
from cloudact.catalog.problems import Problems
from cloudact.catalog.rules import CLUSTERABLE, PARTITIONABLE, check_table
from cloudact.errors import Problem
from tests.catalog.declared import CONFIG_FILE, EVENTS, CatalogDirectory, column, small_catalog
from tests.strategies import tables

SCHEMA, CONFIG = "schemas/t.json", "config.yml"
ID = Column("id", Type(Kind.INT64))


def found(*columns: Column, partition: Partition | None = None, clustering: tuple[str, ...] = ()) -> list[Problem]:
    """Return what is wrong with a table of these columns."""
    problems = Problems(SCHEMA)
    check_table(Table("t", columns, partition=partition, clustering=clustering), problems, problems.at(CONFIG))
    return problems.found


def of(kind: Kind, mode: Mode = Mode.NULLABLE) -> Column:
    """Return a column `c` of this kind."""
    element = Kind.DATE if kind is Kind.RANGE else None
    fields = (ID,) if kind is Kind.RECORD else ()
    return Column("c", Type(kind, element=element), mode, fields=fields)


def record(*fields: Column, name: str = "r") -> Column:
    return Column(name, Type(Kind.RECORD), fields=fields)


@given(tables())
def test_what_the_strategies_make_is_valid(table: Table) -> None:
    assert found(*table.columns, partition=table.partition, clustering=table.clustering) == []


@pytest.mark.parametrize("second", ["id", "ID", "Id"])
def test_a_column_declared_twice_is_a_problem_whatever_its_case(second: str) -> None:
    problem = Problem(SCHEMA, second, "is declared twice (case does not count)", "keep one of them")
    assert found(ID, replace(ID, name=second)) == [problem]


@pytest.mark.parametrize("second", ["größe", "GRÖSSE"])
def test_case_is_folded_in_every_script(second: str) -> None:
    assert [problem.field for problem in found(replace(ID, name="Größe"), replace(ID, name=second))] == [second]


def test_a_nested_column_declared_twice_is_named_by_its_path() -> None:
    problem = Problem(SCHEMA, "r.s.Id", "is declared twice (case does not count)", "keep one of them")
    assert found(ID, record(record(ID, replace(ID, name="Id"), name="s"))) == [problem]


def test_equal_names_at_different_places_are_no_problem() -> None:
    assert found(ID, record(ID), record(ID, record(ID), name="id2")) == []


def test_a_name_has_at_most_300_characters() -> None:
    assert found(replace(ID, name="x" * 300)) == []
    problem = Problem(SCHEMA, "x" * 301, "has a name of 301 characters", "use at most 300")
    assert found(replace(ID, name="x" * 301)) == [problem]


@pytest.mark.parametrize("character", list('!"$()*,./;?@[\\]^`{}~\n'))
def test_a_character_that_bigquery_forbids_in_names_is_a_problem(character: str) -> None:
    (problem,) = found(replace(ID, name=f"a{character}b"))
    assert (problem.where, problem.what) == (SCHEMA, f"has {character!r} in its name")
    assert problem.fix == "use letters, digits and underscores"


@pytest.mark.parametrize(
    "name", ["größe", "名前", "Заказ", "1st", "2024", "select", "a-b", "with space", "it's", "_", "x%"]
)
def test_an_awkward_name_is_no_problem(name: str) -> None:
    assert found(replace(ID, name=name)) == []


@pytest.mark.parametrize("name", ["_TABLE_SUFFIX", "_file_name", "_PARTITIONTIME", "__root__x", "_CHANGE_TYPE"])
def test_a_reserved_prefix_is_a_problem(name: str) -> None:
    for problem in [*found(replace(ID, name=name)), *found(record(replace(ID, name=name)))]:
        assert problem.field.endswith(name)
        assert problem.what == "begins with a prefix that BigQuery reserves"
        assert problem.fix.startswith("avoid _table_, _file_, ")


def test_a_description_has_at_most_1024_characters() -> None:
    assert found(replace(ID, description="x" * 1024)) == []
    expected = Problem(SCHEMA, "id", "has a description of 1025 characters", "use at most 1024")
    assert found(replace(ID, description="x" * 1025)) == [expected]


def test_a_default_of_a_nested_column_is_a_problem() -> None:
    (problem,) = found(record(replace(ID, default="1")))
    assert (problem.where, problem.field, problem.what) == (SCHEMA, "r.id", "has a default inside a RECORD")
    assert problem.fix == "give the default to the top-level column"


def test_a_repeated_column_can_have_a_default() -> None:
    """https://docs.cloud.google.com/bigquery/docs/default-values composes ARRAY defaults, such as [1, 2]."""
    assert found(replace(ID, mode=Mode.REPEATED, default="[1, 2]")) == []


def test_a_table_has_at_most_ten_thousand_columns_with_nested_ones() -> None:
    many = tuple(Column(f"c{number}", Type(Kind.INT64)) for number in range(9_999))
    assert found(record(*many)) == []
    expected = Problem(SCHEMA, "", "has 10001 columns with nested ones", "declare at most 10000")
    assert found(ID, record(*many)) == [expected]


@pytest.mark.parametrize("kind", sorted(set(Kind) - {Kind.NATIVE}))
@pytest.mark.parametrize("mode", Mode)
def test_only_single_values_of_time_types_partition_by_time(kind: Kind, mode: Mode) -> None:
    problems = found(of(kind, mode), partition=TimePartition(Granularity.MONTH, "c"))
    if kind in {Kind.DATE, Kind.DATETIME, Kind.TIMESTAMP} and mode is not Mode.REPEATED:
        assert problems == []
    else:
        fix = f"name a top-level, non-repeated column of type {', '.join(sorted(PARTITIONABLE))}"
        what = f"names c, which is {mode} {of(kind).type}"
        assert problems == [Problem(CONFIG, "tables.t.partition.field", what, fix)]


@pytest.mark.parametrize("kind", sorted(set(Kind) - {Kind.NATIVE}))
@pytest.mark.parametrize("mode", Mode)
def test_only_single_whole_numbers_partition_by_range(kind: Kind, mode: Mode) -> None:
    problems = found(of(kind, mode), partition=RangePartition("c", 0, 10, 1))
    serves = kind is Kind.INT64 and mode is not Mode.REPEATED
    assert [problem.field for problem in problems] == ([] if serves else ["tables.t.partition.field"])


@pytest.mark.parametrize("unit", Granularity)
def test_a_date_is_not_partitioned_by_hour(unit: Granularity) -> None:
    expected = Problem(CONFIG, "tables.t.partition.type", "is HOUR on c, which is a DATE", "use DAY, MONTH or YEAR")
    assert found(of(Kind.DATE), partition=TimePartition(unit, "c")) == ([expected] if unit == "HOUR" else [])


@pytest.mark.parametrize("partition", [TimePartition(Granularity.DAY, "at"), RangePartition("at", 0, 10, 1)])
def test_a_partition_column_that_does_not_exist_is_a_problem(partition: Partition) -> None:
    expected = Problem(CONFIG, "tables.t.partition.field", "names at, which is not a column", "name one of id, r")
    assert found(ID, record(replace(ID, name="at")), partition=partition) == [expected]


def test_load_time_needs_no_column() -> None:
    assert found(ID, partition=TimePartition(Granularity.HOUR)) == []


@pytest.mark.parametrize("kind", sorted(set(Kind) - {Kind.NATIVE}))
@pytest.mark.parametrize("mode", Mode)
def test_only_single_values_of_some_types_cluster(kind: Kind, mode: Mode) -> None:
    problems = found(of(kind, mode), clustering=("c",))
    refused = {Kind.BYTES, Kind.FLOAT64, Kind.JSON, Kind.TIME, Kind.INTERVAL, Kind.RECORD}
    if kind not in refused and mode is not Mode.REPEATED:
        assert problems == []
    else:
        fix = f"use non-repeated {', '.join(sorted(CLUSTERABLE))}"
        what = f"names c, which is {mode} {of(kind).type}"
        assert problems == [Problem(CONFIG, "tables.t.clustering", what, fix)]


FIVE = tuple(Column(f"c{number}", Type(Kind.STRING)) for number in range(5))


@pytest.mark.parametrize(
    ("clustering", "what", "fix"),
    [
        (("c0", "nope"), "names nope, which is not a column", "name some of c0, c1, c2, c3, c4"),
        (("c0", "c1", "c2", "c3", "c4"), "has 5 columns", "cluster by at most 4"),
        (("c0", "c1", "c0"), "names c0 twice", "name each column once"),
        (("c0", "C0"), "names C0 twice", "name each column once"),
    ],
)
def test_a_clustering_that_cannot_be_is_a_problem(clustering: tuple[str, ...], what: str, fix: str) -> None:
    assert found(*FIVE, clustering=clustering) == [Problem(CONFIG, "tables.t.clustering", what, fix)]


@pytest.mark.parametrize(
    ("entry", "field", "what"),
    [
        ({"partition": {"type": "DAY", "field": "nope"}}, "partition.field", "names nope, which is not a column"),
        ({"partition": {"type": "DAY", "field": "name"}}, "partition.field", "names name, which is NULLABLE STRING"),
        ({"partition": {"type": "HOUR", "field": "day"}}, "partition.type", "is HOUR on day, which is a DATE"),
        ({"clustering": ["nope"]}, "clustering", "names nope, which is not a column"),
        ({"clustering": ["data"]}, "clustering", "names data, which is NULLABLE JSON"),
        ({"clustering": ["id", "ID"]}, "clustering", "names ID twice"),
        ({"clustering": ["id", "at", "day", "name", "nope"]}, "clustering", "has 5 columns"),
    ],
)
def test_a_layout_problem_is_reported_in_the_config(
    catalog: CatalogDirectory, entry: dict[str, Any], field: str, what: str
) -> None:
    catalog.change(CONFIG_FILE, tables={"events": entry})
    places = {(problem.where, problem.field, problem.what) for problem in catalog.problems()}
    assert (CONFIG_FILE, f"tables.events.{field}", what) in places
    assert all(problem.line for problem in catalog.problems())


def test_a_column_that_cannot_be_read_is_not_reported_missing_from_the_layout_too(catalog: CatalogDirectory) -> None:
    catalog.change(CONFIG_FILE, tables={"events": {"clustering": ["name"]}})
    catalog.write(EVENTS, [column("id", "INT64"), column("name", "TEXT")])
    assert [problem.field for problem in catalog.problems()] == ["name.type"]


@pytest.mark.parametrize("clustering", [["email"] * 2, ["a", "b", "c", "d", "e"], ["nope"]])
def test_a_view_is_clustered_by_its_own_columns_like_a_table(catalog: CatalogDirectory, clustering: list[str]) -> None:
    catalog.write(CONFIG_FILE, small_catalog()[CONFIG_FILE] | {"views": {"recent": {"clustering": clustering}}})
    assert {problem.field for problem in catalog.problems()} == {"views.recent.clustering"}
