"""The statement that makes a table or view, as BigQuery writes it in the column `ddl` of INFORMATION_SCHEMA.TABLES."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.bigquery_fake.googlesql import column_type, quoted, scalar_type, string_literal
from tests.bigquery_fake.specs import Resource, Spec

MILLIS_PER_DAY = 86_400_000


def ddl_head(kind: str) -> str:
    """Return what stands before the table's name."""
    return {"TABLE": "CREATE TABLE", "VIEW": "CREATE VIEW", "MATERIALIZED_VIEW": "CREATE MATERIALIZED VIEW"}[kind]


def ddl_tail(spec: Spec) -> str:
    """Return what stands after the table's name in its back quotes."""
    resource = spec.resource
    lines = []
    if spec.kind == "TABLE":
        columns = ",\n".join(f"  {_column(field)}" for field in spec.fields)
        lines.append(f"(\n{columns}\n)")
    if layout := _partition_by(spec):
        lines.append(f"PARTITION BY {layout}")
    if spec.clustering:
        lines.append("CLUSTER BY " + ", ".join(quoted(name) for name in spec.clustering))
    if options := table_options(resource):
        lines.append("OPTIONS(\n" + ",\n".join(f"  {name}={value}" for name, value in options) + "\n)")
    if spec.kind != "TABLE":
        lines.append(f"AS {spec.query}")
    return "".join(f"\n{line}" for line in lines) + ";"


def table_options(resource: Resource) -> list[tuple[str, str]]:
    """Return the options of a table with their values as GoogleSQL writes them, by name."""
    options = {}
    if description := resource.get("description"):
        options["description"] = string_literal(description)
    if friendly := resource.get("friendlyName"):
        options["friendly_name"] = string_literal(friendly)
    if labels := resource.get("labels"):
        pairs = (f"({string_literal(key)}, {string_literal(value)})" for key, value in sorted(labels.items()))
        options["labels"] = f"[{', '.join(pairs)}]"
    if expires := resource.get("expirationTime"):
        moment = datetime.fromtimestamp(int(expires) / 1000, UTC)
        options["expiration_timestamp"] = f'TIMESTAMP "{moment:%Y-%m-%dT%H:%M:%S}.{int(expires) % 1000:03}Z"'
    if millis := resource.get("timePartitioning", {}).get("expirationMs"):
        options["partition_expiration_days"] = repr(int(millis) / MILLIS_PER_DAY)
    if resource.get("requirePartitionFilter"):
        options["require_partition_filter"] = "true"
    return sorted((options | _materialized_options(resource)).items())


def _materialized_options(resource: Resource) -> dict[str, str]:
    view = resource.get("materializedView")
    if view is None:
        return {}
    options = {
        "enable_refresh": "true" if view["enableRefresh"] else "false",
        "refresh_interval_minutes": repr(int(view["refreshIntervalMs"]) / 60_000),
    }
    if view.get("allowNonIncrementalDefinition"):
        options["allow_non_incremental_definition"] = "true"
    if staleness := resource.get("maxStaleness"):
        options["max_staleness"] = f'INTERVAL "{staleness}" YEAR TO SECOND'
    return options


def _column(field: Resource) -> str:
    return f"{quoted(field['name'])} {_definition(field)}"


def _definition(field: Resource) -> str:
    """Return a type with everything said about it, in the order of the grammar."""
    parts = [_nested_type(field)]
    if collation := field.get("collation"):
        parts.append(f"COLLATE '{collation}'")
    if default := field.get("defaultValueExpression"):
        parts.append(f"DEFAULT {default}")
    if field["mode"] == "REQUIRED":
        parts.append("NOT NULL")
    if options := _column_options(field):
        parts.append(f"OPTIONS({', '.join(options)})")
    return " ".join(parts)


def _nested_type(field: Resource) -> str:
    if field["type"] != "RECORD":
        return column_type(field)
    inner = ", ".join(f"{quoted(item['name'])} {_definition(item)}" for item in field["fields"])
    return f"ARRAY<STRUCT<{inner}>>" if field["mode"] == "REPEATED" else f"STRUCT<{inner}>"


def _column_options(field: Resource) -> list[str]:
    options = []
    if description := field.get("description"):
        options.append(f"description={string_literal(description)}")
    if rounding := field.get("roundingMode"):
        options.append(f"rounding_mode={string_literal(rounding)}")
    if policies := field.get("dataPolicies"):
        names = (string_literal(f"{{'name':'{policy['name']}'}}") for policy in policies)
        options.append(f"data_policies=[{', '.join(names)}]")
    return options


def _partition_by(spec: Spec) -> str:
    if by_range := spec.resource.get("rangePartitioning"):
        bounds = by_range["range"]
        steps = f"GENERATE_ARRAY({bounds['start']}, {bounds['end']}, {bounds['interval']})"
        return f"RANGE_BUCKET({quoted(by_range['field'])}, {steps})"
    by_time = spec.resource.get("timePartitioning")
    if by_time is None:
        return ""
    unit = by_time["type"]
    if "field" not in by_time:
        return "_PARTITIONDATE" if unit == "DAY" else f"TIMESTAMP_TRUNC(_PARTITIONTIME, {unit})"
    column = spec.column(by_time["field"])
    kind = scalar_type(column) if column else "DATE"  # a materialized view has no declared columns
    name = quoted(by_time["field"])
    if unit == "DAY":
        return name if kind == "DATE" else f"DATE({name})"
    return f"{kind}_TRUNC({name}, {unit})"
