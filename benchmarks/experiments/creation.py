"""Where the time of creating an organization's tables goes, and what makes it shorter.

python -m benchmarks.experiments.creation

Milliseconds of the processor for one organization, in memory, unless it says otherwise.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial

import duckdb

from benchmarks.experiments.clock import central, organization
from benchmarks.fleet.work import dataset_of, slugs

NUMBER = 60
BATCH = 30
COPY = "COPY FROM DATABASE other TO memory (SCHEMA)"
Act = Callable[[duckdb.DuckDBPyConnection], object]


def main() -> None:
    """Measure, and print a line for each way."""
    plain = [organization(slug) for slug in slugs(NUMBER)]
    tables = [organization(slug, views=False) for slug in slugs(NUMBER)]
    _print("parse only", lambda on: [on.extract_statements(text) for text in plain])
    _print("one call for each organization", _each(plain))
    _print("one call for each statement", _each([statement for text in plain for statement in text.split(";\n")]))
    _print(f"one call for {BATCH} organizations", _each(_joined(plain)))
    _print("without views", _each(tables))
    _print("without views, each table parsed once for all", _parsed_once)
    for setting in ("threads = 1", "preserve_insertion_order = false"):
        _print(f"with {setting}", _each(plain), f"SET GLOBAL {setting}")
    _print("CREATE TABLE AS of another's, empty", _like_another, plain[0])
    _print("without parsing: COPY FROM DATABASE (SCHEMA)", _each([COPY]), _other(tables))
    for threads in (1, 2):
        _print(f"on {threads} threads, by the clock", partial(_on_threads, plain, threads), clock=True)
    _rows()


def _rows() -> None:
    rows = [_row(index) for index in range(NUMBER)]
    insert = f"INSERT INTO organizations.org_profiles ({', '.join(rows[0])})"
    marks = f"({', '.join('?' * len(rows[0]))})"
    values = [value for row in rows for value in row.values()]
    structure = [dict.fromkeys(rows[0], "VARCHAR")]
    parsed = f"{insert} SELECT unnest(from_json(?, ?), max_depth := 2)"
    _print(
        "a row by a statement of its own",
        lambda on: [on.execute(f"{insert} VALUES {marks}", list(row.values())) for row in rows],
    )
    _print(
        "a row by one statement for all",
        lambda on: on.execute(f"{insert} VALUES {', '.join([marks] * NUMBER)}", values),
    )
    _print(
        "a row by one JSON parameter for all", lambda on: on.execute(parsed, [json.dumps(rows), json.dumps(structure)])
    )


def _each(scripts: Sequence[str]) -> Act:
    return lambda on: [on.execute(script) for script in scripts]


def _print(name: str, act: Act, before: str = "", *, clock: bool = False) -> None:
    with duckdb.connect() as connection:
        connection.execute(central())
        connection.execute(before)
        count = time.perf_counter if clock else time.process_time
        started = count()
        act(connection)
        print(f"{name:50} {(count() - started) / NUMBER * 1000:8.3f}")


def _joined(scripts: Sequence[str]) -> list[str]:
    return [";\n".join(scripts[start : start + BATCH]) for start in range(0, len(scripts), BATCH)]


def _parsed_once(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the tables of all by statements that name no dataset, where the search path says."""
    first = slugs(1)[0]
    schema, *tables = organization(first, views=False).split(";\n")
    parsed = [connection.extract_statements(text.replace(f'"{dataset_of(first)}".', ""))[0] for text in tables]
    for slug in slugs(NUMBER):
        connection.execute(schema.replace(first, slug))
        connection.execute(f"SET schema = '{dataset_of(slug)}'")
        for statement in parsed:
            connection.execute(statement)


def _like_another(connection: duckdb.DuckDBPyConnection) -> None:
    first = dataset_of(slugs(1)[0])
    names = [
        name
        for (name,) in connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE schema_name = ?", [first]
        ).fetchall()
    ]
    for slug in slugs(NUMBER)[1:]:
        copies = (f"CREATE TABLE {dataset_of(slug)}.{name} AS FROM {first}.{name} LIMIT 0" for name in names)
        connection.execute(";".join([f"CREATE SCHEMA {dataset_of(slug)}", *copies]))


def _other(scripts: Sequence[str]) -> str:
    """Return a script that makes another database of the same content: what is copied from it was parsed before."""
    return ";".join(["ATTACH ':memory:' AS other; USE other", *scripts, "USE memory"])


def _on_threads(scripts: Sequence[str], many: int, connection: duckdb.DuckDBPyConnection) -> None:
    def work(part: int) -> None:
        cursor = connection.cursor()
        for script in scripts[part::many]:
            cursor.execute(f"BEGIN;{script};COMMIT")

    threads = [threading.Thread(target=work, args=(part,)) for part in range(many)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _row(index: int) -> dict[str, str]:
    """Return what a profile must have."""
    names = ("org_slug", "company_name", "admin_email", "org_dataset_id", "status")
    return {name: f"{name}_{index}" for name in names} | {"created_at": "2026-01-01 00:00:00+00"}


if __name__ == "__main__":
    main()
