"""The side of dlt. It reads a task from its arguments, and prints times.

A pipeline for each organization, and `sync_schema`, which compares the hash of the schema with the one that dlt stored
in the dataset. It never looks at the tables, so there is no `status`, and no `drift` that it would find.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR"}

import dlt
import duckdb
from dlt.common.schema import Schema
from dlt.common.schema.typing import TColumnSchema

_TYPES = {
    "VARCHAR": "text",
    "BIGINT": "bigint",
    "DOUBLE": "double",
    "DATE": "date",
    "BOOLEAN": "bool",
    "JSON": "json",
    "TIMESTAMP WITH TIME ZONE": "timestamp",
}


def main() -> None:
    """Do the task, and print how long opening the file and the work itself took, and for how many it is done."""
    task = json.loads(sys.argv[1])
    declared = json.loads(Path(task["declared"]).read_text(encoding="utf-8"))
    started = time.perf_counter()
    with duckdb.connect(task["file"]) as connection:
        connection.execute("SELECT 1")
        opened = time.perf_counter()
        if task["work"] == "create":
            connection.execute(";".join(declared["central"]))
        schema = _schema(declared)
        done = 0
        for slug in task["slugs"]:
            if done and time.perf_counter() - opened > task["limit"]:
                break
            _sync(connection, slug, schema, task)
            if task["work"] in {"create", "onboard"}:
                _views(connection, slug, declared)
            done += 1
        ended = time.perf_counter()
    print(json.dumps({"open": opened - started, "seconds": ended - opened, "done": done}))


def _sync(connection: duckdb.DuckDBPyConnection, slug: str, schema: Schema, task: dict[str, Any]) -> None:
    pipeline = dlt.pipeline(
        f"pipeline_{slug}",
        destination=dlt.destinations.duckdb(connection),
        dataset_name=f"{slug}_prod",
        pipelines_dir=task["folder"],
    )
    pipeline.schemas.save_schema(schema)
    pipeline.sync_schema(schema.name)


def _schema(declared: dict[str, Any]) -> Schema:
    schema = Schema("organization")
    for name, columns in declared["tables"].items():
        found = {column["name"]: _column(column) for column in columns}
        # Without that mark dlt leaves out a table that no row has come for.
        schema.update_table({"name": name, "columns": found, "x-normalizer": {"seen-data": True}})
    return schema


def _column(declared: dict[str, Any]) -> TColumnSchema:
    column: TColumnSchema = {"name": declared["name"], "nullable": not declared["required"]}
    name = declared["type"]
    if name.startswith("STRUCT"):
        return column | {"data_type": "json"}
    if name.startswith("DECIMAL"):
        precision, scale = name.removeprefix("DECIMAL(").removesuffix(")").split(",")
        return column | {"data_type": "decimal", "precision": int(precision), "scale": int(scale)}
    return column | {"data_type": _TYPES[name]}


def _views(connection: duckdb.DuckDBPyConnection, slug: str, declared: dict[str, Any]) -> None:
    for name, query in declared["views"].items():
        text = query.replace(declared["placeholder"], slug)
        connection.execute(f'CREATE VIEW "{slug}_prod"."{name}" AS {text}')


if __name__ == "__main__":
    main()
