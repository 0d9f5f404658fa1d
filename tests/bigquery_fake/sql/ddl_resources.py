"""Column definitions, layouts and OPTIONS of a statement as resources of the REST API."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlglot import exp

from tests.bigquery_fake.ddl_text import MILLIS_PER_DAY
from tests.bigquery_fake.errors import invalid_query, unsupported
from tests.bigquery_fake.specs import Resource
from tests.bigquery_fake.sql.data_types import field_of

_TRUNC = re.compile(r"(?:TIMESTAMP|DATETIME|DATE)_TRUNC\((.+), (HOUR|DAY|MONTH|YEAR)\)")
_DATE = re.compile(r"DATE\((.+)\)")
_RANGE = re.compile(r"RANGE_BUCKET\((.+), GENERATE_ARRAY\((-?\d+), (-?\d+), (\d+)\)\)")
_LOAD_TIME = {"_PARTITIONDATE", "_PARTITIONTIME"}
_SPANS = {"YEAR": "{}", "DAY": "0-0 {}", "HOUR": "0-0 0 {}"}
_UNITS = {"MINUTE": "0-0 0 0:{}:0", "HOUR": "0-0 0 {}:0:0", "DAY": "0-0 {} 0:0:0"}
_PLAIN = {"description": "description", "friendly_name": "friendlyName", "labels": "labels"}
TABLE_OPTIONS = _PLAIN | {
    "expiration_timestamp": "expirationTime",
    "require_partition_filter": "requirePartitionFilter",
    "partition_expiration_days": "timePartitioning.expirationMs",
    "enable_refresh": "materializedView.enableRefresh",
    "refresh_interval_minutes": "materializedView.refreshIntervalMs",
    "allow_non_incremental_definition": "materializedView.allowNonIncrementalDefinition",
    "max_staleness": "maxStaleness",
}
SCHEMA_OPTIONS = _PLAIN | {
    "location": "location",
    "default_table_expiration_days": "defaultTableExpirationMs",
    "default_partition_expiration_days": "defaultPartitionExpirationMs",
    "max_time_travel_hours": "maxTimeTravelHours",
}
_COLUMN_OPTIONS = {"description": "description", "rounding_mode": "roundingMode"}
_LAYOUT = (exp.PartitionedByProperty, exp.ClusterProperty, exp.Cluster, exp.MaterializedProperty)
_MILLIS_PER_UNIT = {"minutes": 60_000, "days": MILLIS_PER_DAY}


def column(node: exp.Expr) -> Resource:
    """Return the field that a column definition declares."""
    kind = node.args.get("kind")
    if not isinstance(node, exp.ColumnDef) or not isinstance(node.this, exp.Identifier) or kind is None:
        raise invalid_query(f"A column definition is needed, not {node.sql('bigquery')[:80]!r} (rule 11)")
    return _declared(node.name, kind, node.args.get("constraints") or ())


def _declared(name: str, kind: exp.DataType, constraints: Iterable[exp.Expr]) -> Resource:
    field = typed(name, kind)
    for constraint in constraints:
        match constraint.args["kind"]:
            case exp.NotNullColumnConstraint():
                field["mode"] = "REQUIRED"
            case exp.DefaultColumnConstraint() as default:
                field["defaultValueExpression"] = default.this.sql("bigquery")
            case exp.CollateColumnConstraint() as collate:
                field["collation"] = collate.this.name
            case exp.Properties() as options:
                field |= options_resource(options.expressions, _COLUMN_OPTIONS)
            case other:
                raise unsupported(f"{other.sql('bigquery')!r} of column {name}")
    return field


def typed(name: str, kind: exp.DataType) -> Resource:
    """Return a field of a type, with what is said inside a STRUCT about its fields."""
    if kind.is_type(exp.DataType.Type.ARRAY):
        return typed(name, kind.expressions[0]) | {"mode": "REPEATED"}
    if kind.is_type(exp.DataType.Type.STRUCT):
        fields = [column(item) for item in kind.expressions]
        return {"name": name, "type": "RECORD", "mode": "NULLABLE", "fields": fields}
    field = field_of(name, kind)
    if field is None:
        raise invalid_query(f"Type not found: {kind.sql('bigquery')} at [1:1]")
    return field


def layout(properties: Iterable[exp.Expr], fields: list[Resource]) -> Resource:
    """Return partitioning and clustering."""
    resource: Resource = {}
    for item in properties:
        if isinstance(item, exp.PartitionedByProperty):
            resource |= _partitioning(item.this.sql("bigquery"), fields)
        elif isinstance(item, (exp.ClusterProperty, exp.Cluster)):
            resource["clustering"] = {"fields": [name.name for name in item.expressions]}
    return resource


def _partitioning(text: str, fields: list[Resource]) -> Resource:
    if found := _RANGE.fullmatch(text):
        bounds = dict(zip(("start", "end", "interval"), found.groups()[1:], strict=True))
        return {"rangePartitioning": {"field": found[1].strip("`"), "range": bounds}}
    unit, name = "DAY", text
    if found := _TRUNC.fullmatch(text):
        name, unit = found.groups()
    elif found := _DATE.fullmatch(text):
        name = found[1]
    name = name.strip("`")
    if name in _LOAD_TIME:
        return {"timePartitioning": {"type": unit}}
    kinds = {field["name"].casefold(): field["type"] for field in fields}
    if name == text.strip("`") and kinds.get(name.casefold(), "DATE") != "DATE":
        raise invalid_query("PARTITION BY expression must be DATE(<timestamp_column>), a DATE column, or one of _TRUNC")
    return {"timePartitioning": {"type": unit, "field": name}}


def options_of(properties: Iterable[exp.Expr], known: dict[str, str]) -> Resource:
    """Return the OPTIONS among the properties of a CREATE statement."""
    return options_resource((item for item in properties if not isinstance(item, _LAYOUT)), known)


def options_resource(options: Iterable[exp.Expr], known: dict[str, str]) -> Resource:
    """Return options as keys of a resource; NULL, which clears an option, is None."""
    resource: Resource = {}
    for option in options:
        if not isinstance(option, (exp.Property, exp.LocationProperty)):
            raise unsupported(f"the clause {option.sql('bigquery')!r}")
        name = "location" if isinstance(option, exp.LocationProperty) else option.this.name.lower()
        if name not in known:
            raise unsupported(f"the option {name}")
        outer, _, inner = known[name].partition(".")
        value = _value(name, option.this if name == "location" else option.args["value"])
        if inner:
            resource.setdefault(outer, {})[inner] = value
        else:
            resource[outer] = value
    return resource


def _value(name: str, node: exp.Expr) -> Any:
    match node:
        case exp.Null():
            return None
        case exp.Boolean():
            return bool(node.this)
        case exp.Literal() if node.is_string:
            return node.name
        case exp.Literal() | exp.Neg():
            return _millis(name, float(node.sql()))
        case exp.Array():
            return {item.expressions[0].name: item.expressions[1].name for item in node.expressions}
        case exp.Interval():
            return _interval(node)
        case exp.Cast() if name == "expiration_timestamp":
            moment = datetime.fromisoformat(node.this.name.replace(" UTC", "+00:00"))
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return str(int(moment.timestamp() * 1000))
        case _:
            raise unsupported(f"the value {node.sql('bigquery')!r} of option {name}")


def _millis(name: str, number: float) -> str:
    return str(int(number * _MILLIS_PER_UNIT.get(name.rpartition("_")[2], 1)))


def _interval(node: exp.Interval) -> str:
    unit, text = node.args["unit"], node.this.name
    span = isinstance(unit, exp.IntervalSpan)
    form = _SPANS.get(unit.this.name) if span else _UNITS.get(unit.name)
    if form is None or (span and unit.expression.name != "SECOND"):
        raise unsupported(f"the interval {node.sql('bigquery')}")
    return form.format(text)
