"""The side of Alembic with duckdb-engine. It reads a task from its arguments, and prints times.

`create`, `onboard`, `column` and `sync` are `alembic upgrade` over all tenants in one process, which trusts the version
table in each schema. Alembic sees drift only by comparing tables with models, `alembic check`: `status` and `drift` do
that through the function behind it.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.ddl.impl import DefaultImpl
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy.types import UserDefinedType


class DuckDB(DefaultImpl):
    """What duckdb-engine's documentation asks for."""

    __dialect__ = "duckdb"


class Stored(UserDefinedType[Any]):
    """A type by the name that DuckDB gives it."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **_options: object) -> str:
        """Return the type as DDL has it."""
        return self.name


def main() -> None:
    """Do the task, and print how long opening the file and the work itself took, and for how many it is done."""
    warnings.simplefilter("ignore")  # "did not recognize type": duckdb-engine on STRUCT columns
    task = json.loads(sys.argv[1])
    declared = json.loads(Path(task["declared"]).read_text(encoding="utf-8"))
    started = time.perf_counter()
    with sa.create_engine(f"duckdb:///{task['file']}").connect() as connection:
        connection.execute(sa.text("SELECT 1"))
        opened = time.perf_counter()
        if task["work"] == "create":
            for statement in declared["central"]:
                connection.execute(sa.text(statement))
            connection.commit()
        act = _compare if task["work"] in {"status", "drift"} else _upgrade
        done = act(connection, task, declared)
        ended = time.perf_counter()
    print(json.dumps({"open": opened - started, "seconds": ended - opened, "done": done}))


def _upgrade(connection: sa.Connection, task: dict[str, Any], declared: dict[str, Any]) -> int:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    columns = {name: partial(_columns, found) for name, found in declared["tables"].items()}
    config.attributes |= task | {"connection": connection, "declared": declared, "columns": columns, "done": 0}
    command.upgrade(config, "0002" if task["work"] == "column" else "0001")
    return int(config.attributes["done"])


def _compare(connection: sa.Connection, task: dict[str, Any], declared: dict[str, Any]) -> int:
    begun = time.perf_counter()
    for done, slug in enumerate(task["slugs"]):
        if done and time.perf_counter() - begun > task["limit"]:
            return done
        # duckdb-engine names a schema by its database as well.
        schema = f"{Path(task['file']).stem}.{slug}_prod"
        models = sa.MetaData(schema=schema)
        for name, found in declared["tables"].items():
            sa.Table(name, models, *_columns(found))
        for difference in compare_metadata(_comparing(connection, schema), models):
            _repair(connection, difference)
        connection.commit()
    return len(task["slugs"])


def _comparing(connection: sa.Connection, schema: str) -> MigrationContext:
    options = {
        "include_schemas": True,
        "include_name": lambda name, kind, _parents: kind != "schema" or name == schema,
        # Views and the version table are not among the models.
        "include_object": lambda _item, _name, kind, reflected, other: kind != "table" or not reflected or other,
        # In Alembic's favour: duckdb-engine reads several types back as others.
        "compare_type": False,
    }
    return MigrationContext.configure(connection, opts=options)


def _repair(connection: sa.Connection, difference: Any) -> None:
    kind, schema, table, column = difference
    if kind != "add_column":
        raise SystemExit(f"an unexpected difference: {difference}")
    connection.execute(sa.text(f"SET schema = '{schema.partition('.')[2]}'"))
    added = sa.Column(column.name, column.type, nullable=column.nullable)
    Operations(MigrationContext.configure(connection)).add_column(table, added)


def _columns(declared: list[dict[str, Any]]) -> list[sa.Column[Any]]:
    return [sa.Column(found["name"], Stored(found["type"]), nullable=not found["required"]) for found in declared]


if __name__ == "__main__":
    main()
