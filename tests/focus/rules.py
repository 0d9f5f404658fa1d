"""The presence, type and nullability rules of FOCUS 1.3, made from its facts: to check a file, or for the validator.

The validator decides a type by the values of a column, and reads every number as a double; `broken` decides it by the
file's schema, so it also knows of a file without rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import duckdb

from cloudact.warehouse.duckdb.type_map import literal, quote
from tests.focus.facts import DATASETS, Fact, facts_of

VERSION = "1.3"
_CHECKS = {"String": "TypeString", "Decimal": "TypeDecimal", "Date/Time": "TypeDateTime", "JSON": "TypeJSON"}
# How DuckDB names the types that a Parquet file may have; JSON is text there.
_STORED = {
    "String": ("VARCHAR",),
    "Decimal": ("DECIMAL(", "DOUBLE", "FLOAT"),
    "Date/Time": ("TIMESTAMP",),
    "JSON": ("VARCHAR", "JSON"),
}


class Kind(StrEnum):
    """What a rule asks of a column; the validator has the same names."""

    PRESENCE = "Presence"
    TYPE = "Type"
    NULLABILITY = "Nullability"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule about one column."""

    fact: Fact
    kind: Kind

    @property
    def name(self) -> str:
        """The rule's name in reports."""
        return f"{self.fact.dataset}-{self.fact.column}-{self.kind}"


def rules_of(dataset: str) -> Iterator[Rule]:
    """Yield the rules of one dataset; presence comes before what depends on it."""
    for fact in facts_of(dataset):
        yield Rule(fact, Kind.PRESENCE)
        yield Rule(fact, Kind.TYPE)
        if not fact.allows_nulls:
            yield Rule(fact, Kind.NULLABILITY)


def broken(file: Path, dataset: str) -> set[str]:
    """Return the names of the rules that a Parquet file breaks."""
    with duckdb.connect() as connection:
        source = f"read_parquet({literal(str(file))})"
        types = {name: kind for name, kind, *_ in connection.execute(f"DESCRIBE FROM {source}").fetchall()}
        return {rule.name for rule in rules_of(dataset) if _is_broken(rule, types, connection, source)}


def _is_broken(rule: Rule, types: dict[str, str], connection: duckdb.DuckDBPyConnection, source: str) -> bool:
    stored, column = types.get(rule.fact.column), quote(rule.fact.column)
    if stored is None or rule.kind is Kind.PRESENCE:
        return stored is None
    if rule.kind is Kind.NULLABILITY:
        return bool(connection.execute(f"SELECT count(*) FROM {source} WHERE {column} IS NULL").fetchall()[0][0])
    if not stored.startswith(_STORED[rule.fact.type]):
        return True
    if rule.fact.type != "JSON":
        return False
    is_object = f"CASE WHEN json_valid({column}) THEN json_type({column}) = 'OBJECT' ELSE {column} IS NULL END"
    return bool(connection.execute(f"SELECT count(*) FROM {source} WHERE NOT {is_object}").fetchall()[0][0])


def model() -> dict[str, Any]:
    """Return the rules of both datasets as a requirements model, which is what the validator reads."""
    rules = {dataset: list(rules_of(dataset)) for dataset in DATASETS}
    return {
        "Details": {"ModelVersion": VERSION, "FOCUSVersion": VERSION},
        "ApplicabilityCriteria": {},
        "CheckFunctions": {},
        "ModelDatasets": {dataset: {"ModelRules": [rule.name for rule in found]} for dataset, found in rules.items()},
        "ModelRules": {rule.name: _model_rule(rule) for found in rules.values() for rule in found},
    }


def _model_rule(rule: Rule) -> dict[str, Any]:
    column = rule.fact.column
    presence = Rule(rule.fact, Kind.PRESENCE).name
    keyword, requirement, sentence = _requirement(rule)
    return {
        "Function": rule.kind.value,
        "Reference": column,
        "EntityType": "Dataset" if rule.kind is Kind.PRESENCE else "Column",
        "ModelVersionIntroduced": VERSION,
        "Status": "Active",
        "ApplicabilityCriteria": [],
        "Type": "Static",
        "ValidationCriteria": {
            "MustSatisfy": f"{column} {keyword} {sentence}.",
            "Keyword": keyword,
            "Requirement": {**requirement, "ColumnName": column},
            "Condition": {},
            "Dependencies": [] if rule.kind is Kind.PRESENCE else [presence],
        },
    }


def _requirement(rule: Rule) -> tuple[str, dict[str, Any], str]:
    match rule.kind:
        case Kind.PRESENCE:
            return "MUST", {"CheckFunction": "ColumnPresent"}, "be present"
        case Kind.TYPE:
            return "MUST", {"CheckFunction": _CHECKS[rule.fact.type]}, f"be of type {rule.fact.type}"
        case Kind.NULLABILITY:
            return "MUST NOT", {"CheckFunction": "CheckNotValue", "Value": None}, "be null"
