"""What a JSON Schema refuses the loader refuses too; what is wrong in kind both refuse."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator
from pydantic import BaseModel, ValidationError

from cloudact.catalog.config_file import ConfigFile
from cloudact.catalog.exports import ExportFile
from cloudact.catalog.json_schema.config import config_schema
from cloudact.catalog.json_schema.exports import exports_schema
from cloudact.catalog.json_schema.table import schema_file_schema
from cloudact.catalog.model import Table
from cloudact.catalog.problems import Problems
from cloudact.catalog.rules import RESERVED_PREFIXES, check_clustering_names, check_table
from cloudact.catalog.schema_file import ALIASES, KEYS, column_to_json, parse_schema
from cloudact.catalog.write.config_yaml import table_entry
from cloudact.cli.catalog.json_schema import plans_schema
from cloudact.tenancy.plans import PlansFile
from tests.strategies import tables

CONFIG, TABLE = Draft202012Validator(config_schema()), Draft202012Validator(schema_file_schema())
EXPORTS, PLANS = Draft202012Validator(exports_schema()), Draft202012Validator(plans_schema())

# Every key once, with a value that is right.
FULL_CONFIG: dict[str, Any] = {
    "dataset": "acme",
    "location": "EU",
    "description": "What it holds.",
    "labels": {"team": "billing"},
    "authorize_views": True,
    "tables": {
        "by_time": {
            "description": "One row per event.",
            "partition": {"type": "DAY", "field": "at", "expiration_days": 30, "require_filter": True},
            "clustering": ["id"],
            "labels": {"größe": "à_1"},
        },
        "by_number": {"partition": {"type": "RANGE", "field": "id", "start": 0, "end": 10, "interval": 1}},
        "bare": None,
    },
    "views": {
        "v": {
            "description": "One row.",
            "sql": "views/other.sql",
            "materialized": "own",
            "clustering": ["id"],
            "refresh_interval_minutes": 20,
            "labels": {"a": ""},
        }
    },
}
LISTED_CONFIG: dict[str, Any] = {"dataset": "acme", "tables": ["a", {"b": None}, {"c": {"clustering": ["id"]}}]}
FULL_EXPORT = {"title": "CUR", "table": "t", "columns": {"a": None, "b": "c"}, "maps": {"p/": "d"}, "others": "e"}
FULL_PLANS = {"plans": {"STARTER": {"daily_limit": 6, "seat_limit": None}, "FREE": {}}}
VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 6, 15, 77, 2**63, 1.0, 0.5, -0.5, "", " ", "a", " a ", "A-b_c", "größe", "GRÖSSE",
    "a b", "a\n", "1", " 2 ", "+1", "1_0", "1.0", "1e3", ".5", "yes", "On", "TRUE", "t", "DAY", "RANGE", "day",
    " DAY", "shared", "x" * 64, "x" * 1025, "x" * 16_385, "x" * 16_384 + "\n", [], ["a"], ["a", "a"], [1], [None],
    list("abcde"), [{"a": {}}], [{"a": {}, "b": {}}], {}, {"a": "b"}, {"a": None}, {"": ""}, {"A": "b"}, {"a": "B"},
    {"type": "DAY"}, {"type": "DAY", "start": 1}, {"type": "RANGE", "field": "a"}, {"names": ["p"]}, {"names": "p"},
    "und:ci", "ROUND_HALF_EVEN",
]  # fmt: skip
WRONG_IN_KIND: dict[str, dict[str, Any]] = {
    "unknown key": {"dataset": "a", "tables": {}, "table": {}},
    "unknown key of a table": {"dataset": "a", "tables": {"t": {"cluster": ["id"]}}},
    "unknown key of a view": {"dataset": "a", "tables": {}, "views": {"v": {"query": "SELECT 1"}}},
    "unknown key of a partition": {"dataset": "a", "tables": {"t": {"partition": {"type": "DAY", "column": "at"}}}},
    "no dataset": {"tables": {}},
    "no tables": {"dataset": "a"},
    "tables is text": {"dataset": "a", "tables": "t"},
    "an entry of two tables": {"dataset": "a", "tables": [{"a": None, "b": None}]},
    "an entry of no table": {"dataset": "a", "tables": [{}]},
    "a number among tables": {"dataset": "a", "tables": [1]},
    "a table twice": {"dataset": "a", "tables": ["t", "t"]},
    "clustering is text": {"dataset": "a", "tables": {"t": {"clustering": "id"}}},
    "unknown granularity": {"dataset": "a", "tables": {"t": {"partition": {"type": "WEEK"}}}},
    "partition without type": {"dataset": "a", "tables": {"t": {"partition": {"field": "at"}}}},
    "bounds by time": {"dataset": "a", "tables": {"t": {"partition": {"type": "DAY", "start": 0}}}},
    "range without end": {
        "dataset": "a",
        "tables": {"t": {"partition": {"type": "RANGE", "field": "id", "start": 0, "interval": 1}}},
    },
    "range that expires": {
        "dataset": "a",
        "tables": {
            "t": {
                "partition": {
                    "type": "RANGE", "field": "id", "start": 0, "end": 9, "interval": 1, "expiration_days": 1,
                }
            }
        },
    },
    "unknown form of a view": {"dataset": "a", "tables": {}, "views": {"v": {"materialized": "always"}}},
    "refresh of a month": {"dataset": "a", "tables": {}, "views": {"v": {"refresh_interval_minutes": 43_200}}},
    "capital in a label": {"dataset": "a", "tables": {}, "labels": {"Team": "x"}},
    "number as text": {
        "dataset": "a",
        "tables": {"t": {"partition": {"type": "DAY", "expiration_days": "30"}}},
    },
    "truth as a number": {"dataset": "a", "tables": {}, "views": {"v": {"refresh_interval_minutes": True}}},
    "number as a label": {"dataset": "a", "tables": {}, "labels": {"team": 1}},
    "clustering by five": {"dataset": "a", "tables": {"t": {"clustering": list("abcde")}}},
    "clustering twice": {"dataset": "a", "tables": {"t": {"clustering": ["a", "a"]}}},
    "space in a table's name": {"dataset": "a", "tables": {"a b": None}},
}  # fmt: skip
WRONG_COLUMNS: dict[str, Any] = {
    "no name": {"type": "STRING"},
    "empty name": {"name": "", "type": "STRING"},
    "no type": {"name": "a"},
    "unknown key": {"name": "a", "type": "STRING", "nullable": True},
    "unknown type": {"name": "a", "type": "INTEGR"},
    "unknown mode": {"name": "a", "type": "STRING", "mode": "OPTIONAL"},
    "type is a number": {"name": "a", "type": 1},
    "description is a number": {"name": "a", "type": "STRING", "description": 1},
    "not an object": "a",
    "record without fields": {"name": "a", "type": "RECORD"},
    "record with no field": {"name": "a", "type": "STRUCT", "fields": []},
    "fields of a text": {"name": "a", "type": "STRING", "fields": [{"name": "b", "type": "STRING"}]},
    "field without type": {"name": "a", "type": "RECORD", "fields": [{"name": "b"}]},
    "default in a record": {
        "name": "a",
        "type": "RECORD",
        "fields": [{"name": "b", "type": "INT64", "defaultValueExpression": "0"}],
    },
    "precision of a text": {"name": "a", "type": "STRING", "precision": 3},
    "scale alone": {"name": "a", "type": "NUMERIC", "scale": 3},
    "too many digits": {"name": "a", "type": "NUMERIC", "precision": 39},
    "too fine": {"name": "a", "type": "NUMERIC", "precision": 20, "scale": 10},
    "length of a number": {"name": "a", "type": "INT64", "maxLength": 3},
    "no length": {"name": "a", "type": "STRING", "maxLength": 0},
    "range of nothing": {"name": "a", "type": "RANGE"},
    "range of numbers": {"name": "a", "type": "RANGE", "rangeElementType": {"type": "INT64"}},
    "element of a date": {"name": "a", "type": "DATE", "rangeElementType": {"type": "DATE"}},
    "unknown collation": {"name": "a", "type": "STRING", "collation": "de"},
    "collation of a number": {"name": "a", "type": "INT64", "collation": "und:ci"},
    "rounding of a text": {"name": "a", "type": "STRING", "roundingMode": "ROUND_HALF_EVEN"},
    "fields that are text": {"name": "a", "type": "STRING", "fields": ""},
    "policies that are false": {"name": "a", "type": "STRING", "dataPolicies": False},
    "unknown rounding": {"name": "a", "type": "NUMERIC", "roundingMode": "UP"},
    "nanoseconds": {"name": "a", "type": "TIMESTAMP", "timestampPrecision": 9},
    "reserved name": {"name": "_Partition_x", "type": "STRING"},
    "point in the name": {"name": "a.b", "type": "STRING"},
    "long name": {"name": "a" * 301, "type": "STRING"},
    "long description": {"name": "a", "type": "STRING", "description": "a" * 1025},
}


def paths(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield where every value of a document is, the document itself first."""
    yield path
    if isinstance(document, dict | list):
        for key in document if isinstance(document, dict) else range(len(document)):
            yield from paths(document[key], (*path, key))


def spoiled(document: Any) -> Iterator[Any]:
    """Yield the document with each value in turn replaced by each of the values, or gone."""
    for path in paths(document):
        for value in VALUES:
            yield with_value(document, path, value)
        if path and isinstance(path[-1], str):
            gone = copy.deepcopy(document)
            at(gone, path[:-1]).pop(path[-1])
            yield gone


def at(document: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        document = document[key]
    return document


def with_value(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    made = copy.deepcopy(document)
    at(made, path[:-1])[path[-1]] = value
    return made


def reads(model: type[BaseModel], document: Any) -> bool:
    """Tell whether the loader takes the document, as far as one can tell without schema files."""
    try:
        found = model.model_validate(document)
    except ValidationError:
        return False
    problems = Problems()
    for entry in found.tables.values() if isinstance(found, ConfigFile) else ():
        check_clustering_names("clustering", entry.clustering, entry.clustering, problems)
    return not problems.found


def loads(columns: Any) -> bool:
    """Tell whether a schema file with this content is accepted."""
    problems = Problems("schemas/t.json")
    check_table(Table("t", parse_schema(json.dumps(columns), problems)), problems, Problems())
    return not problems.found


@pytest.mark.parametrize(
    ("validator", "model", "document"),
    [
        pytest.param(CONFIG, ConfigFile, FULL_CONFIG, id="config"),
        pytest.param(CONFIG, ConfigFile, LISTED_CONFIG, id="listed"),
        pytest.param(EXPORTS, ExportFile, FULL_EXPORT, id="exports"),
        pytest.param(PLANS, PlansFile, FULL_PLANS, id="plans"),
    ],
)
def test_what_the_schema_of_a_file_refuses_its_model_refuses(
    validator: Draft202012Validator, model: type[BaseModel], document: Any
) -> None:
    assert validator.is_valid(document)
    assert reads(model, document)
    stricter = [other for other in spoiled(document) if not validator.is_valid(other) and reads(model, other)]
    assert stricter == []


def columns_of(names: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield a column of each type with each key in turn set to each of the values, and decimals of all digits."""
    for name in names:
        base: dict[str, Any] = {"name": "a", "type": name.lower()}
        if ALIASES[name] == "RECORD":
            base["fields"] = [{"name": "b", "type": "STRING"}]
        if ALIASES[name] == "RANGE":
            base["rangeElementType"] = {"type": "Date"}
        yield base
        for key in sorted(KEYS):
            yield from ({**base, key: value} for value in VALUES)
    for kind, scale in (("NUMERIC", 9), ("BIGNUMERIC", 38)):
        pairs = ((digits, after) for digits in range(-1, 78) for after in (None, -1, 0, scale, scale + 1))
        yield from ({"name": "a", "type": kind, "precision": pair[0], "scale": str(pair[1] or 0)} for pair in pairs)


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(["DECIMAL", "TIMESTAMP", "STRUCT"], id="some"),
        pytest.param([*ALIASES], id="every", marks=pytest.mark.slow),
    ],
)
def test_what_the_schema_of_a_table_refuses_the_loader_refuses(names: list[str]) -> None:
    one = TABLE.evolve(schema={**schema_file_schema(), "anyOf": [{"$ref": "#/$defs/column"}]})
    stricter = [column for column in columns_of(names) if not one.is_valid(column) and loads([column])]
    assert stricter == []


@pytest.mark.parametrize("columns", [[], {}, {"fields": []}, {"fields": [], "x": 1}, None, "a", 1, [1], [None], [[]]])
def test_what_is_no_list_of_columns_both_refuse(columns: Any) -> None:
    assert not TABLE.is_valid(columns)
    assert not loads(columns)


def test_both_forms_of_a_schema_file_are_accepted() -> None:
    columns = [{"name": "a", "type": "Numeric", "precision": "20", "scale": 4, "mode": "required"}]
    assert TABLE.is_valid(columns)
    assert TABLE.is_valid({"fields": columns})
    assert loads({"fields": columns})


@pytest.mark.parametrize("what", WRONG_COLUMNS)
def test_a_column_that_is_wrong_in_kind_both_refuse(what: str) -> None:
    assert not TABLE.is_valid([WRONG_COLUMNS[what]])
    assert not loads([WRONG_COLUMNS[what]])


@pytest.mark.parametrize("prefix", RESERVED_PREFIXES)
def test_a_reserved_prefix_both_refuse_in_any_case(prefix: str) -> None:
    column = {"name": f"{prefix.upper()}a", "type": "STRING"}
    assert not TABLE.is_valid([column])
    assert not loads([column])


@pytest.mark.parametrize("what", WRONG_IN_KIND)
def test_a_config_that_is_wrong_in_kind_both_refuse(what: str) -> None:
    assert not CONFIG.is_valid(WRONG_IN_KIND[what])
    assert not reads(ConfigFile, WRONG_IN_KIND[what])


@settings(max_examples=40)
@given(tables())
def test_whatever_can_be_declared_is_accepted(table: Table) -> None:
    assert TABLE.is_valid([column_to_json(column) for column in table.columns])
    assert CONFIG.is_valid({"dataset": "acme", "tables": {table.name: table_entry(table) or None}})
