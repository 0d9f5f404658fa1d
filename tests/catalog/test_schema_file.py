"""Schema files: everything BigQuery prints is read, everything else is named."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudact.catalog.model import Column, Kind, Mode, Type
from cloudact.catalog.problems import Problems
from cloudact.catalog.schema_file import KEYS, MAX_DEPTH, column_to_json, columns_from_json, parse_schema
from cloudact.errors import Problem
from tests.catalog.declared import column, nested
from tests.strategies import columns

FILE = "schemas/events.json"
# GoogleSQL's names, and the other spellings that BigQuery takes for them.
SPELLINGS = {
    Kind.STRING: ["STRING"],
    Kind.BYTES: ["BYTES"],
    Kind.INT64: ["INT64", "INTEGER", "INT", "SMALLINT", "BIGINT", "TINYINT", "BYTEINT"],
    Kind.FLOAT64: ["FLOAT64", "FLOAT"],
    Kind.NUMERIC: ["NUMERIC", "DECIMAL"],
    Kind.BIGNUMERIC: ["BIGNUMERIC", "BIGDECIMAL"],
    Kind.BOOL: ["BOOL", "BOOLEAN"],
    Kind.TIMESTAMP: ["TIMESTAMP"],
    Kind.DATE: ["DATE"],
    Kind.TIME: ["TIME"],
    Kind.DATETIME: ["DATETIME"],
    Kind.GEOGRAPHY: ["GEOGRAPHY"],
    Kind.JSON: ["JSON"],
    Kind.INTERVAL: ["INTERVAL"],
    Kind.RANGE: ["RANGE"],
    Kind.RECORD: ["RECORD", "STRUCT"],
}
NEEDED: dict[Kind, dict[str, Any]] = {
    Kind.RANGE: {"rangeElementType": {"type": "DATE"}},
    Kind.RECORD: {"fields": [column("inner")]},
}
# What a key that holds a list may not be, though Python takes it for false.
NO_LISTS = ("", 0, False, {})


def text_problems(text: str) -> list[Problem]:
    problems = Problems(FILE)
    parse_schema(text, problems)
    return problems.found


def read(*raw: Any) -> tuple[Column, ...]:
    """Return the columns of a schema file that has no problems."""
    problems = Problems(FILE)
    found = parse_schema(json.dumps(raw), problems)
    assert problems.found == []
    return found


def read_type(type_: str, **more: Any) -> Type:
    """Return the type of a column that has no problems."""
    return read(column("c", type_, **more))[0].type


def problem(**raw: Any) -> Problem:
    """Return the one problem of a schema file with one column."""
    (found,) = text_problems(json.dumps([raw]))
    return found


@pytest.mark.parametrize("kind", SPELLINGS)
def test_every_type_and_alias_is_read_in_any_case(kind: Kind) -> None:
    for name in SPELLINGS[kind]:
        for spelling in (name.upper(), name.lower(), name.title()):
            assert read_type(spelling, **NEEDED.get(kind, {})).kind is kind, spelling


def test_no_kind_of_the_model_is_without_a_spelling() -> None:
    assert set(SPELLINGS) == set(Kind) - {Kind.NATIVE}


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("case", [str.upper, str.lower])
def test_a_mode_is_read_in_any_case(mode: Mode, case: Any) -> None:
    assert read(column("c", mode=case(mode)))[0].mode is mode


@pytest.mark.parametrize("raw", [column("c"), column("c", mode=None)])
def test_a_column_without_mode_is_nullable(raw: dict[str, Any]) -> None:
    assert read(raw)[0].mode is Mode.NULLABLE


def test_a_record_keeps_its_fields_in_order() -> None:
    (found,) = read(column("r", "RECORD", mode="REPEATED", fields=[column("b"), column("a", "DATE", mode="REQUIRED")]))
    inner = (Column("b", Type(Kind.STRING)), Column("a", Type(Kind.DATE), Mode.REQUIRED))
    assert found == Column("r", Type(Kind.RECORD), Mode.REPEATED, fields=inner)


def test_records_nest_fifteen_levels() -> None:
    (found,) = read(nested(MAX_DEPTH))
    depth = 0
    while found.type.kind is Kind.RECORD:
        (found,), depth = found.fields, depth + 1
    assert (depth, found.name) == (15, "leaf")


def test_a_sixteenth_level_is_refused_by_its_path() -> None:
    path = ".".join(f"level_{level}" for level in range(1, 17))
    expected = Problem(FILE, path, "is a RECORD 16 levels deep", "nest RECORDs at most 15 deep")
    assert text_problems(json.dumps([nested(16)])) == [expected]


@pytest.mark.parametrize(
    ("kind", "precision", "scale"),
    [
        *(("NUMERIC", *digits) for digits in [(1, 0), (29, 0), (1, 1), (9, 9), (38, 9), (30, 1)]),
        *(("BIGNUMERIC", *digits) for digits in [(1, 0), (38, 0), (39, 1), (1, 1), (38, 38), (76, 38)]),
    ],
)
def test_decimal_parameters_are_read_up_to_their_limits(kind: str, precision: int, scale: int) -> None:
    assert read_type(kind, precision=precision, scale=scale) == Type(Kind(kind), precision, scale)
    assert read_type(kind, precision=str(precision), scale=str(scale)) == Type(Kind(kind), precision, scale)


@pytest.mark.parametrize(
    ("kind", "precision", "scale"),
    [
        *(("NUMERIC", *digits) for digits in [(0, 0), (30, 0), (8, 9), (39, 9), (38, 10), (-1, 0), (5, -1)]),
        *(("BIGNUMERIC", *digits) for digits in [(0, 0), (39, 0), (37, 38), (77, 38), (76, 39)]),
    ],
)
def test_decimal_parameters_beyond_their_limits_are_refused(kind: str, precision: int, scale: int) -> None:
    found = problem(**column("c", kind, precision=precision, scale=scale))
    assert (found.where, found.field) == (FILE, "c.precision")
    assert found.what == f"{kind}({precision}, {scale}) does not exist"
    assert found.fix.startswith("scale 0 to ")


def test_precision_without_scale_means_whole_numbers() -> None:
    assert read_type("NUMERIC", precision=10) == Type(Kind.NUMERIC, 10, 0)


@pytest.mark.parametrize("length", [1, "64", 9_223_372_036_854_775_807])
@pytest.mark.parametrize("kind", [Kind.STRING, Kind.BYTES])
def test_a_length_is_read(kind: Kind, length: int | str) -> None:
    assert read_type(kind, maxLength=length) == Type(kind, max_length=int(length))


@pytest.mark.parametrize("length", [0, "0", -5])
def test_a_length_below_one_is_refused(length: int | str) -> None:
    found = problem(**column("c", maxLength=length))
    assert (found.field, found.what, found.fix) == ("c.maxLength", f"is {int(length)}", "write at least 1")


@pytest.mark.parametrize("element", ["DATE", "datetime", "Timestamp"])
def test_a_range_has_the_type_of_its_elements(element: str) -> None:
    found = read_type("RANGE", rangeElementType={"type": element})
    assert found == Type(Kind.RANGE, element=Kind(element.upper()))


def test_other_attributes_are_kept() -> None:
    tags = ["projects/p/locations/us/taxonomies/1/policyTags/2"]
    extras = {"defaultValueExpression": "'x'", "collation": "und:ci", "policyTags": {"names": tags}}
    (text, number) = read(
        column("text", description="Größe, \"quoted\"\nand more.", **extras),
        column("number", "NUMERIC", roundingMode="ROUND_HALF_EVEN"),
    )  # fmt: skip
    assert (text.default, text.collation, text.policy_tags) == ("'x'", "und:ci", tuple(tags))
    assert text.description == 'Größe, "quoted"\nand more.'
    assert number.rounding_mode == "ROUND_HALF_EVEN"


def test_a_schema_inside_fields_is_read_as_well() -> None:
    problems = Problems(FILE)
    assert parse_schema('{"fields": [{"name": "id", "type": "INTEGER"}]}', problems) == (
        Column("id", Type(Kind.INT64)),
    )
    assert problems.found == []


@pytest.mark.parametrize(
    ("raw", "field", "what", "fix"),
    [
        (column("c", "TEXT"), "c.type", "is 'TEXT', which is not a BigQuery type", "use one of STRING, BYTES, INT64"),
        (column("c", "NATIVE"), "c.type", "is 'NATIVE', which is not a BigQuery type", "use one of STRING"),
        ({"name": "c"}, "c.type", "is None, which is not a BigQuery type", "use one of STRING"),
        (column("c", 5), "c.type", "is 5, which is not a BigQuery type", "use one of STRING"),
        (column("c", desc="x"), "c.desc", "is not a key of a schema file", "use one of collation, dataPolicies"),
        ({"type": "STRING"}, "[1].name", "is missing or not text", "give the column a name"),
        (column(""), "[1].name", "is missing or not text", "give the column a name"),
        (column("c", mode="OPTIONAL"), "c.mode", "is 'OPTIONAL'", "use one of NULLABLE, REQUIRED, REPEATED"),
        (column("c", description=5), "c.description", "is 5, not text", "write a JSON string"),
        (column("c", defaultValueExpression=1), "c.defaultValueExpression", "is 1, not text", "write a JSON string"),
        (column("c", maxLength="x"), "c.maxLength", "is 'x', not a whole number", "write a whole number"),
        (column("c", maxLength=True), "c.maxLength", "is True, not a whole number", "write a whole number"),
        (column("c", "DATE", maxLength=3), "c.maxLength", "does not go with DATE", "use STRING or BYTES"),
        (column("c", precision=3), "c.precision", "does not go with STRING", "use NUMERIC or BIGNUMERIC"),
        (column("c", "NUMERIC", precision=1.5), "c.precision", "is 1.5, not a whole number", "write a whole number"),
        (column("c", "NUMERIC", scale=2), "c.scale", "is given without precision", "give both, or neither"),
        (column("c", "RANGE"), "c.rangeElementType", "is None", 'write {"type": "DATE"}'),
        (column("c", "RANGE", rangeElementType={"type": "X"}), "c.rangeElementType", "is {'type': 'X'}", "write"),
        (column("c", rangeElementType={"type": "DATE"}), "c.rangeElementType", "does not go with STRING", "leave it"),
        *((column("c", fields=given), "c.fields", "do not go with STRING", "make the type") for given in NO_LISTS),
        *((column("c", dataPolicies=given), "c.dataPolicies", "is ", "write [") for given in NO_LISTS),
        (column("c", "INT64", collation="und:ci"), "c.collation", "does not go with INT64", "use STRING, or leave it"),
        (
            column("c", "FLOAT64", roundingMode="ROUND_HALF_EVEN"),
            "c.roundingMode",
            "does not go with FLOAT64",
            "use NUMERIC or BIGNUMERIC, or leave it out",
        ),
        (column("c", fields=[column("d")]), "c.fields", "do not go with STRING", "make the type RECORD"),
        (column("c", "RECORD"), "c.fields", "a RECORD needs fields", "list at least one field"),
        (column("c", "RECORD", fields=["d"]), "c[1]", "is not an object", 'write {"name": ..., "type": ...}'),
        (column("c", "RECORD", fields=[column("d", "X")]), "c.d.type", "is 'X', which is not a BigQuery", "use one"),
        (column("c", dataPolicies="p"), "c.dataPolicies", "is 'p'", 'write [{"name": "projects/..."}]'),
        (column("c", "TIMESTAMP", timestampPrecision=12), "c.timestampPrecision", "is 12 on TIMESTAMP", "write 6 on"),
        (column("c", policyTags=["t"]), "c.policyTags", "is ['t']", 'write {"names": ["projects/..."]}'),
    ],
)  # fmt: skip
def test_a_wrong_attribute_is_named_with_its_fix(raw: dict[str, Any], field: str, what: str, fix: str) -> None:
    found = problem(**raw)
    assert (found.where, found.field) == (FILE, field)
    assert found.what.startswith(what)
    assert found.fix.startswith(fix)


@pytest.mark.parametrize(
    ("text", "what", "line"),
    [
        ('[\n  {"name": "a",\n   "type" "STRING"}\n]', "is not JSON: Expecting ':' delimiter", 3),
        ("", "is not JSON: Expecting value", 1),
        ("[{}] x", "is not JSON: Extra data", 1),
        ('[{"name": "a", "name": "b", "type": "STRING"}]', "an object has the key name twice", 0),
        ("[]", "is not a list of columns", 0),
        ('{"fields": []}', "is not a list of columns", 0),
        ("[" * 100_000, "is nested beyond reason", 0),
    ],
)
def test_a_file_that_is_no_schema_is_one_problem_with_its_line(text: str, what: str, line: int) -> None:
    (found,) = text_problems(text)
    assert (found.where, found.field, found.what, found.line) == (FILE, "", what, line)
    assert found.fix


def test_a_line_of_comment_is_passed_over_and_counted() -> None:
    text = '// new_table.json\r\n[\n  // the only one\n  {"name": "a", "type": "STRING", "description": "see //b"}\n]'
    problems = Problems(FILE)
    (column,) = parse_schema(text, problems)
    assert (column.name, column.description, problems.found) == ("a", "see //b", [])
    (found,) = text_problems("// new_table.json\n[\n{]")
    assert found.line == 3


@pytest.mark.parametrize("number", ["9" * 5_000, '"' + "9" * 5_000 + '"'])
def test_a_number_of_thousands_of_digits_is_a_problem(number: str) -> None:
    found = text_problems(f'[{{"name": "c", "type": "STRING", "maxLength": {number}}}]')
    assert [item.where for item in found] == [FILE]


@pytest.mark.parametrize("raw", [column("c", description="half \ud800"), column("c\ud800")], ids=["text", "name"])
def test_half_of_a_surrogate_pair_is_a_problem_that_can_be_printed(raw: dict[str, Any]) -> None:
    assert str(problem(**raw)).encode()


def test_every_problem_of_a_file_is_found_at_once() -> None:
    found = text_problems(json.dumps([column("a", "X", extra=1), column("b", mode="Y"), "c", column("d", "RECORD")]))
    assert [item.field for item in found] == ["a.extra", "a.type", "b.mode", "[3]", "d.fields"]


@given(columns(), st.lists(st.text(max_size=5), max_size=2))
def test_a_column_survives_being_written_and_read(made: Column, tags: list[str]) -> None:
    tagged = replace(made, policy_tags=tuple(tags))
    problems = Problems(FILE)
    assert columns_from_json([column_to_json(tagged)], problems) == (tagged,)
    assert parse_schema(json.dumps([column_to_json(tagged)]), problems) == (tagged,)
    assert problems.found == []


def as_printed(value: Any) -> Any:
    """Return decoded JSON with numbers as text, the way `bq show --schema` prints them."""
    match value:
        case int():
            return str(value)
        case list():
            return [as_printed(item) for item in value]
        case dict():
            return {key: as_printed(item) for key, item in value.items()}
        case _:
            return value


@given(columns())
def test_a_column_is_read_the_way_bigquery_prints_it(made: Column) -> None:
    problems = Problems(FILE)
    assert columns_from_json([as_printed(column_to_json(made))], problems) == (made,)
    assert problems.found == []


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(Kind),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(KEYS)) | st.text(), inner),
    max_leaves=20,
)
COLUMN_LIKE = st.fixed_dictionaries(
    {"name": st.text(max_size=3), "type": st.sampled_from(Kind)},
    optional=dict.fromkeys(KEYS - {"name", "type"}, VALUES),
)


@given(VALUES | st.lists(COLUMN_LIKE, max_size=3))
def test_any_json_value_is_read_or_reported(value: Any) -> None:
    problems = Problems(FILE)
    found = parse_schema(json.dumps(value), problems)
    assert found or problems.found


@given(st.text() | st.text('[]{}",:\\u0d8 ntruefalsenull19-.eE'))
def test_any_text_is_read_or_reported(text: str) -> None:
    assert text_problems(text)


def test_data_policies_are_read_and_written_back_and_the_usual_timestamp_precision_is_nothing_new() -> None:
    problems = Problems(FILE)
    raw = [column("c", "TIMESTAMP", dataPolicies=[{"name": "projects/p/x"}], timestampPrecision="6")]
    (read,) = columns_from_json(raw, problems)
    assert problems.found == []
    assert (read.type, read.data_policies) == (Type(Kind.TIMESTAMP), ("projects/p/x",))
    assert columns_from_json([column_to_json(read)], problems) == (read,)


def test_what_a_live_table_has_beside_its_type_is_left_out_and_the_column_kept() -> None:
    """Definitions of live tables are read by the same function, which once took more than it does now."""
    raw = [column("n", "INT64", collation="und:ci", roundingMode="ROUND_HALF_EVEN", fields=0, dataPolicies="")]
    assert columns_from_json(raw, Problems()) == (Column("n", Type(Kind.INT64)),)


@pytest.mark.parametrize("key", ["fields", "dataPolicies"])
@pytest.mark.parametrize("given", [[], None])
def test_an_empty_list_is_as_good_as_none(key: str, given: object) -> None:
    problems = Problems()
    assert columns_from_json([column("c", **{key: given})], problems) == (Column("c", Type(Kind.STRING)),)
    assert problems.found == []
