"""PARTITION BY, CLUSTER BY and OPTIONS of a statement as keys of a REST resource."""

from __future__ import annotations

from sqlglot import exp

from tests.bigquery_fake.rules import Resource
from tests.local_bigquery.answers import not_modelled

_MS_PER_DAY = 86_400_000
_MS_PER_MINUTE = 60_000
_PLAIN = {
    "description": "description",
    "friendly_name": "friendlyName",
    "require_partition_filter": "requirePartitionFilter",
}
_BY_LOAD_TIME = {"_PARTITIONDATE", "_PARTITIONTIME"}


def layout_of(tree: exp.Create) -> Resource:
    """Return what a CREATE statement says besides columns and query."""
    found = options_of(tree)
    properties = tree.args.get("properties")
    for item in properties.expressions if properties else ():
        match item:
            case exp.ClusterProperty():
                found["clustering"] = {"fields": [column.name for column in item.expressions]}
            case exp.PartitionedByProperty():
                for key, layout in _partitioning(item.this).items():
                    found[key] = {**layout, **found.get(key, {})}
    return found


def options_of(tree: exp.Expr) -> Resource:
    """Return the OPTIONS of a statement or an action."""
    found: Resource = {}
    for option in tree.find_all(exp.Property):
        if type(option) is exp.Property and option.find_ancestor(exp.ColumnConstraint) is None:
            for key, value in _option(option.name, option.args["value"]).items():
                found[key] = {**found.get(key, {}), **value} if isinstance(value, dict) else value
    return found


def _option(name: str, value: exp.Expr) -> Resource:
    match name.lower():
        case "labels":
            return {"labels": {pair.expressions[0].name: pair.expressions[1].name for pair in value.expressions}}
        case "enable_refresh":
            return {"materializedView": {"enableRefresh": _scalar(value)}}
        case "refresh_interval_minutes":
            return {"materializedView": {"refreshIntervalMs": str(round(float(value.name) * _MS_PER_MINUTE))}}
        case "partition_expiration_days":
            return {"timePartitioning": {"expirationMs": str(round(float(value.name) * _MS_PER_DAY))}}
        case "max_staleness":
            return {"maxStaleness": _interval(value)}
        case plain if plain in _PLAIN:
            return {_PLAIN[plain]: _scalar(value)}
        case other:
            raise not_modelled(f"OPTIONS({other})")


def _scalar(value: exp.Expr) -> object:
    if isinstance(value, exp.Null):
        return None
    return bool(value.this) if isinstance(value, exp.Boolean) else value.name


def _interval(value: exp.Expr) -> str:
    """Return an interval as REST writes it: years-months days hours:minutes:seconds."""
    unit = value.args["unit"].sql("bigquery") if isinstance(value, exp.Interval) else ""
    form = {"HOUR TO SECOND": "0-0 0 {}", "MINUTE": "0-0 0 0:{}:0", "HOUR": "0-0 0 {}:0:0", "DAY": "0-0 {} 0:0:0"}
    if unit not in form:
        raise not_modelled(f"the interval {value.sql('bigquery')}")
    return form[unit].format(value.this.name)


def _partitioning(by: exp.Expr) -> Resource:
    if isinstance(by, exp.RangeBucket):
        series = by.expression
        bounds = {
            key: series.args[part].name for key, part in (("start", "start"), ("end", "end"), ("interval", "step"))
        }
        return {"rangePartitioning": {"field": by.this.name, "range": bounds}}
    name = next(by.find_all(exp.Identifier)).name
    unit = by.args.get("unit")
    layout = {"type": unit.name.upper() if unit else "DAY"}
    return {"timePartitioning": layout if name.upper() in _BY_LOAD_TIME else {**layout, "field": name}}
