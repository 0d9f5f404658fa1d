"""The texts of the `ddl` column, in the form that BigQuery writes them, read back as tables and views."""

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
from cloudact.warehouse.bigquery.ddl_text import read_table
from tests.strategies import tables
from tests.warehouse.bigquery.answers import WHOLE_TABLE, ddl_of, ddl_with

DESCRIBED = 'OPTIONS(description="it\'s")'


def read(columns: str, tail: str = "") -> Table:
    found = read_table("t", ddl_with(columns, tail))
    assert found is not None
    return found


def read_column(text: str) -> Column:
    """The one column that this text describes."""
    (found,) = read(text).columns
    return found


def test_a_whole_table_is_read_as_it_is() -> None:
    phones = Column(
        "phones", Type(Kind.RECORD), Mode.REPEATED, fields=(Column("number", Type(Kind.STRING, None, None, 20)),)
    )
    email = Column("email", Type(Kind.STRING), Mode.REQUIRED, "x")
    assert read_table("Orders", WHOLE_TABLE) == Table(
        name="Orders",
        columns=(
            Column("id", Type(Kind.STRING), Mode.REQUIRED, 'the "id"'),
            Column("placed_at", Type(Kind.TIMESTAMP), Mode.REQUIRED),
            Column(
                "amount",
                Type(Kind.NUMERIC, 20, 4),
                Mode.REQUIRED,
                default="ROUND(0, 1)",
                rounding_mode="ROUND_HALF_EVEN",
            ),
            Column(
                "buyer", Type(Kind.RECORD), description="Who paid,\nand how (to reach them)", fields=(email, phones)
            ),
            Column("name", Type(Kind.STRING), collation="und:ci"),
            Column("with-dash", Type(Kind.INT64), Mode.REPEATED),
        ),
        description="One row per order.",
        partition=TimePartition(Granularity.DAY, "placed_at", 90.0, require_filter=True),
        clustering=("id", "with-dash"),
        labels=(("env", ""), ("team", "shop")),
    )


TYPES = {
    **{kind.value: Type(kind) for kind in Kind if kind not in {Kind.RECORD, Kind.RANGE, Kind.NATIVE}},
    "STRING(1)": Type(Kind.STRING, max_length=1),
    "BYTES(16)": Type(Kind.BYTES, max_length=16),
    "NUMERIC(5)": Type(Kind.NUMERIC, 5, 0),
    "NUMERIC(38, 9)": Type(Kind.NUMERIC, 38, 9),
    "BIGNUMERIC(76, 38)": Type(Kind.BIGNUMERIC, 76, 38),
    "RANGE<DATE>": Type(Kind.RANGE, element=Kind.DATE),
    "RANGE<DATETIME>": Type(Kind.RANGE, element=Kind.DATETIME),
    "RANGE<TIMESTAMP>": Type(Kind.RANGE, element=Kind.TIMESTAMP),
}


@pytest.mark.parametrize("text", TYPES)
def test_every_type_is_read_in_every_mode(text: str) -> None:
    columns = f"a {text}, b {text} NOT NULL, c ARRAY<{text}>, d STRUCT<e {text} NOT NULL, f ARRAY<{text}>>"
    type_ = TYPES[text]
    assert read(columns).columns == (
        Column("a", type_),
        Column("b", type_, Mode.REQUIRED),
        Column("c", type_, Mode.REPEATED),
        Column(
            "d",
            Type(Kind.RECORD),
            fields=(Column("e", type_, Mode.REQUIRED), Column("f", type_, Mode.REPEATED)),
        ),
    )


def test_records_nest_as_deep_as_bigquery_lets_them() -> None:
    text, column = "leaf INT64 NOT NULL", Column("leaf", Type(Kind.INT64), Mode.REQUIRED)
    for number in range(15):
        mode = (Mode.NULLABLE, Mode.REQUIRED, Mode.REPEATED)[number % 3]
        inner = f"STRUCT<{text}>"
        written_type = f"ARRAY<{inner}>" if mode is Mode.REPEATED else inner
        text = f"r{number} {written_type}{' NOT NULL' if mode is Mode.REQUIRED else ''} {DESCRIBED}"
        column = Column(f"r{number}", Type(Kind.RECORD), mode, "it's", fields=(column,))
    assert read_column(text) == column


DEFAULTS = {
    "a number": "0",
    "a negative number": "-1.5e-3",
    "a call": "CURRENT_TIMESTAMP()",
    "a call with commas": "CONCAT('(', \")\", ',')",
    "nested calls": "IF(TRUE, COALESCE(NULL, 1), (2))",
    "a list": "[1, 2]",
    "a typed list": "ARRAY<INT64>[1, 2]",
    "a record": "STRUCT(1 AS a, 'x, y)' AS b)",
    "a cast": "CAST(NULL AS STRUCT<a INT64, b STRING NOT NULL>)",
    "text that looks like an end": "'a, b) NOT NULL OPTIONS(description='",
    "text in three quotes": "'''it's, 'a)'\nNOT NULL'''",
    "text in three double quotes": r'"""say "x", \""" OPTIONS("""',
    "text with quotes": '"it\'s \\"x\\", )"',
    "bytes": "b'\\x00,)'",
    "raw text": "r'\\d+,\\)'",
    "a date": "DATE '2024-02-29'",
    "json": "JSON '{\"a\": [1, 2)}'",
    "an interval": "INTERVAL 1 DAY",
    "a negation in parentheses": "(CURRENT_DATE() IS NOT NULL)",
    "a negation": "NOT TRUE",
    "a negation of a test": "NOT (1 IS NULL)",
    "a test for NULL": "CURRENT_DATE() IS NOT NULL",
    "a test for a member": "1 NOT IN (2, 3)",
    "a call of COLLATE": "COLLATE('a', 'und:ci')",
    "arithmetic": "1 + 2 * 3",
    "a comparison": "1 < 2",
    "a quoted name": "`shop`.`new_id`(1)",
}
ATTRIBUTES: dict[str, dict[str, Any]] = {
    "": {},
    " NOT NULL": {"mode": Mode.REQUIRED},
    f" {DESCRIBED}": {"description": "it's"},
    f" NOT NULL {DESCRIBED}": {"mode": Mode.REQUIRED, "description": "it's"},
}


@pytest.mark.parametrize("default", DEFAULTS.values(), ids=DEFAULTS)
def test_a_default_is_the_expression_as_written(default: str) -> None:
    for after, attributes in ATTRIBUTES.items():
        first, second = read(f"a INT64 DEFAULT {default}{after},\n  b STRING").columns
        assert first == replace(Column("a", Type(Kind.INT64), default=default), **attributes), after
        assert second == Column("b", Type(Kind.STRING)), after


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a STRING COLLATE 'und:ci'", Column("a", Type(Kind.STRING))),
        ('a STRING(10) COLLATE "und:ci"', Column("a", Type(Kind.STRING, max_length=10))),
        ("a STRING COLLATE 'und:ci' NOT NULL", Column("a", Type(Kind.STRING), Mode.REQUIRED)),
        ("a STRING COLLATE 'und:ci' DEFAULT 'x'", Column("a", Type(Kind.STRING), default="'x'")),
        ("a STRING DEFAULT 'x' COLLATE 'und:ci'", Column("a", Type(Kind.STRING), default="'x'")),
        ("a ARRAY<STRING COLLATE 'und:ci'>", Column("a", Type(Kind.STRING), Mode.REPEATED)),
        ("a ARRAY<STRING(3)> COLLATE 'und:ci'", Column("a", Type(Kind.STRING, max_length=3), Mode.REPEATED)),
        (f"a STRING COLLATE 'und:ci' {DESCRIBED}", Column("a", Type(Kind.STRING), description="it's")),
    ],
)
def test_a_collation_is_read_wherever_it_stands(text: str, expected: Column) -> None:
    assert read_column(text) == replace(expected, collation="und:ci")


@pytest.mark.parametrize("options", ['rounding_mode="{}", description="d"', "description=\"d\", rounding_mode='{}'"])
@pytest.mark.parametrize("mode", ["ROUND_HALF_EVEN", "ROUND_HALF_AWAY_FROM_ZERO"])
def test_a_rounding_mode_is_read_beside_a_description(options: str, mode: str) -> None:
    found = read_column(f"a BIGNUMERIC OPTIONS({options.format(mode)})")
    assert found == Column("a", Type(Kind.BIGNUMERIC), description="d", rounding_mode=mode)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a", "a"),
        ("_1", "_1"),
        ("größe", "größe"),
        ("名前", "名前"),
        ("`select`", "select"),
        ("`2024_total`", "2024_total"),
        ("`with space`", "with space"),
        ("`a-b, NOT NULL)`", "a-b, NOT NULL)"),
        ("`it's`", "it's"),
        (r"`a\`b`", "a`b"),
        (r"`a\\b`", "a\\b"),
        (r"`\u00e9\x41\101\t`", "éAA\t"),
        ("DEFAULT_", "DEFAULT_"),
        ("partition", "partition"),
    ],
)
def test_a_name_is_read_bare_or_in_back_quotes(text: str, name: str) -> None:
    columns = f"{text} INT64, r STRUCT<{text} DATE>"
    record = Column("r", Type(Kind.RECORD), fields=(Column(name, Type(Kind.DATE)),))
    assert read(columns, f"\nCLUSTER BY {text}").columns == (Column(name, Type(Kind.INT64)), record)
    assert read(columns, f"\nCLUSTER BY {text}, r").clustering == (name, "r")


@pytest.mark.parametrize(
    ("literal", "text"),
    [
        ('""', ""),
        (r'"a \"b\" c"', 'a "b" c'),
        ("'it\\'s'", "it's"),
        ('"it\'s `x`"', "it's `x`"),
        (r'"back\\slash\\n"', "back\\slash\\n"),
        (r'"one\ntwo\ttab\rback"', "one\ntwo\ttab\rback"),
        (r'"\a\b\f\v\?"', "\a\b\f\v?"),
        (r'"\x41\101\u00e9\U0001F642"', "AAé🙂"),
        ('"größer als 数据, العربية, 🙂"', "größer als 数据, العربية, 🙂"),
        ('"-- not a comment, /* nor this */, ); NOT NULL"', "-- not a comment, /* nor this */, ); NOT NULL"),
    ],
)
def test_a_description_is_read_without_its_escapes(literal: str, text: str) -> None:
    found = read(f"a INT64 OPTIONS(description={literal})", f"\nOPTIONS(\n  description={literal}\n)")
    assert found.description == text
    assert found.columns[0].description == text


PARTITIONS: dict[str, Partition] = {
    "DATE(ts)": TimePartition(Granularity.DAY, "ts"),
    "d": TimePartition(Granularity.DAY, "d"),
    "`by`": TimePartition(Granularity.DAY, "by"),
    "DATE(`größe-1`)": TimePartition(Granularity.DAY, "größe-1"),
    **{f"TIMESTAMP_TRUNC(ts, {unit})": TimePartition(unit, "ts") for unit in Granularity},
    **{f"DATETIME_TRUNC(dt, {unit})": TimePartition(unit, "dt") for unit in Granularity},
    "DATE_TRUNC(d, MONTH)": TimePartition(Granularity.MONTH, "d"),
    "DATE_TRUNC(d, YEAR)": TimePartition(Granularity.YEAR, "d"),
    "_PARTITIONDATE": TimePartition(Granularity.DAY),
    "DATE(_PARTITIONTIME)": TimePartition(Granularity.DAY),
    **{f"TIMESTAMP_TRUNC(_PARTITIONTIME, {unit})": TimePartition(unit) for unit in Granularity},
    "RANGE_BUCKET(id, GENERATE_ARRAY(0, 100, 10))": RangePartition("id", 0, 100, 10),
    "RANGE_BUCKET(`order`, GENERATE_ARRAY(-100, -50, 1))": RangePartition("order", -100, -50, 1),
    "RANGE_BUCKET(id, GENERATE_ARRAY(0, 9223372036854775807))": RangePartition("id", 0, 2**63 - 1, 1),
}


@pytest.mark.parametrize("text", PARTITIONS)
def test_every_form_of_partitioning_is_read(text: str) -> None:
    assert read("a INT64", f"\nPARTITION BY {text}").partition == PARTITIONS[text]
    with_rest = read("a INT64", f"\nPARTITION BY {text}\nCLUSTER BY a\nOPTIONS(\n  require_partition_filter=true\n)")
    assert with_rest.partition == replace(PARTITIONS[text], require_filter=True)
    assert with_rest.clustering == ("a",)


@pytest.mark.parametrize("days", ["0.5", "90.0", "90", "4.1666666666666664e-2"])
def test_partitions_expire_after_the_days_written(days: str) -> None:
    found = read("a DATE", f"\nPARTITION BY a\nOPTIONS(\n  partition_expiration_days={days}\n)")
    assert found.partition == TimePartition(Granularity.DAY, "a", float(days))


@pytest.mark.parametrize(
    ("literal", "labels"),
    [
        ("[]", ()),
        ('[("team", "shop")]', (("team", "shop"),)),
        ('[("z", ""), ("größe", "a-1_")]', (("größe", "a-1_"), ("z", ""))),
        ('[STRUCT("team", "shop"), STRUCT("env", "x")]', (("env", "x"), ("team", "shop"))),
    ],
)
def test_labels_are_read_as_tuples_or_structs(literal: str, labels: tuple[tuple[str, str], ...]) -> None:
    assert read("a INT64", f"\nOPTIONS(\n  labels={literal}\n)").labels == labels


@pytest.mark.parametrize(
    "option",
    [
        'friendly_name="x, y"',
        'kms_key_name="projects/p/locations/eu/keyRings/r/cryptoKeys/k"',
        'expiration_timestamp=TIMESTAMP "2030-01-01T00:00:00.000Z"',
        'max_staleness=INTERVAL "0-0 0 4:0:0" YEAR TO SECOND',
        "max_staleness=INTERVAL 4 HOUR",
        "enable_change_history=true",
        "expiration_timestamp=NULL",
        'tags=[("p/a", "b")]',
    ],
)
def test_an_option_of_no_concern_here_hides_none_of_the_others(option: str) -> None:
    options = f'\nOPTIONS(\n  description="d",\n  {option},\n  labels=[("a", "b")]\n)'
    assert read("a INT64", options) == Table("t", (Column("a", Type(Kind.INT64)),), "d", labels=(("a", "b"),))


def test_tables_that_differ_in_name_only_differ_in_name_only() -> None:
    first = read_table("a", "CREATE TABLE `p.one.a`\n(\n  x INT64\n);")
    second = read_table("b", "CREATE TABLE `p.two.b`\n(\n  x INT64\n);")
    assert first == Table("a", (Column("x", Type(Kind.INT64)),))
    assert second == Table("b", (Column("x", Type(Kind.INT64)),))


@given(tables())
def test_any_table_is_read_back_as_declared(table: Table) -> None:
    assert read_table(table.name, ddl_of(table)) == table
