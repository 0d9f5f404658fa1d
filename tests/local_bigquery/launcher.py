"""Start local-bigquery with the DuckDB extensions that are installed beside it; arguments are those of its command.

Run by the Python of .venv-local-bigquery, with a HOME of its own, below which DuckDB looks for extensions. Otherwise it
would download them. Their wheels exist for DuckDB 1.5 and not for 2.0, which local-bigquery 0.4.0 asks for; 0.4.0 runs
on 1.5 as well. The process ends when its standard input does.
"""

from __future__ import annotations

import os
import sys
import threading
from importlib import import_module
from pathlib import Path
from typing import Any

import duckdb

_connect = duckdb.connect


def _place_extensions() -> None:
    with _connect() as connection:
        [(platform,)] = connection.execute("PRAGMA platform").fetchall()
    version = f"v{duckdb.__version__}"
    home = Path.home() / ".duckdb" / "extensions" / version / platform
    home.mkdir(parents=True)
    for name in ("ducklake", "spatial"):
        package = Path(str(import_module(f"duckdb_extension_{name}").__file__)).parent
        file = f"{name}.duckdb_extension"
        (home / file).symlink_to(package / "extensions" / version / file)


def _connect_then_set_zone(
    database: str | Path = ":memory:", read_only: bool = False, config: dict[str, Any] | None = None
) -> duckdb.DuckDBPyConnection:
    """Connect without a time zone and set it afterwards: before, DuckDB does not find its built-in extension for it."""
    options = dict(config or {})
    zone = options.pop("TimeZone", None)
    connection = _connect(database, read_only, options)
    if zone:
        connection.execute(f"SET GLOBAL TimeZone = '{zone}'")
    return connection


def _end_with_the_caller() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    _place_extensions()
    duckdb.connect = _connect_then_set_zone
    threading.Thread(target=_end_with_the_caller, daemon=True).start()
    sys.exit(import_module("local_bigquery.cli").main())
