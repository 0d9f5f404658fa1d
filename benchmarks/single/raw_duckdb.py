"""The floor: execute a file of SQL on a DuckDB file. Nothing shorter does the same."""

import sys
from pathlib import Path

import duckdb

with duckdb.connect(sys.argv[1]) as database:
    database.execute(Path(sys.argv[2]).read_text(encoding="utf-8")).fetchall()
