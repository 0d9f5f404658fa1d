"""The floor: the shortest DuckDB program that does each work. It reads a task from its arguments, and prints times."""

import json
import sys
import time
from pathlib import Path

import duckdb

LOOK = """
    SELECT schema_name, sum(hash(table_name, column_name, data_type, is_nullable, column_default)), count(*) AS columns
    FROM duckdb_columns() WHERE database_name = current_database() AND NOT internal GROUP BY schema_name
"""
FIND = f"{LOOK} HAVING ends_with(schema_name, '_prod') ORDER BY columns LIMIT 1"


def main() -> None:
    """Do the task, and print how long opening the file and the work itself took."""
    task = json.loads(sys.argv[1])
    declared = json.loads(Path(task["declared"]).read_text(encoding="utf-8"))
    started = time.perf_counter()
    with duckdb.connect(task["file"]) as connection:
        opened = time.perf_counter()
        for statement in _statements(task, declared):
            connection.execute(statement).fetchall()
        done = time.perf_counter()
        if drifted := _drifted(task, connection):
            connection.execute(f"ALTER TABLE {drifted}.{declared['table']} ADD COLUMN {declared['dropped']} VARCHAR")
            done = time.perf_counter()
    print(json.dumps({"open": opened - started, "seconds": done - opened, "done": len(task["slugs"])}))


def _statements(task: dict, declared: dict) -> list[str]:
    create = ";".join(declared["organization"])
    scripts = [create.replace(declared["placeholder"], slug) for slug in task["slugs"]]
    alter = f"ALTER TABLE {declared['placeholder']}_prod.{declared['table']} ADD COLUMN {declared['added']} VARCHAR"
    match task["work"]:
        case "create":
            return ["BEGIN", ";".join(declared["central"]), *scripts, "COMMIT"]
        case "onboard":
            return ["BEGIN", *scripts, "COMMIT"]
        case "column":
            return ["BEGIN", *(alter.replace(declared["placeholder"], slug) for slug in task["slugs"]), "COMMIT"]
        case "drift":
            return []
        case _:
            return [LOOK]


def _drifted(task: dict, connection: duckdb.DuckDBPyConnection) -> str:
    return connection.execute(FIND).fetchall()[0][0] if task["work"] == "drift" else ""


if __name__ == "__main__":
    main()
