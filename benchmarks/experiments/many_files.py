"""What a file for each organization, or for each so many of them, costs, attached when it is needed.

python -m benchmarks.experiments.many_files --organizations 1000 --each 1 250

Views are left out: they read central tables, which are in another file then.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import duckdb

from benchmarks.experiments.clock import Figures, organization, resident, timed
from benchmarks.fleet.work import dataset_of, slugs
from benchmarks.statements import COLUMN, TABLE

LOOK = """
    SELECT schema_name, sum(hash(table_name, column_name, data_type, is_nullable, column_default))
    FROM duckdb_columns() WHERE database_name = 'part' GROUP BY schema_name
"""


def main() -> None:
    """Measure each arrangement, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--organizations", type=int, default=1000, metavar="N")
    parser.add_argument("--each", nargs="+", type=int, default=[1, 250], metavar="K", help="organizations in a file")
    options = parser.parse_args()
    for each in options.each:
        with tempfile.TemporaryDirectory(prefix="experiment-") as folder:
            figures = {"organizations": options.organizations, "in a file": each}
            print(json.dumps(figures | _measure(Path(folder), options.organizations, each)))


def _measure(folder: Path, number: int, each: int) -> Figures:
    figures: Figures = {}
    parts = {folder / f"part_{start}.duckdb": slugs(number)[start : start + each] for start in range(0, number, each)}
    with duckdb.connect() as connection:

        def attached(name: str, act: Callable[[list[str]], list[str]]) -> None:
            """Attach each file, do that with its organizations, and detach it."""
            with timed(figures, name):
                for file, members in parts.items():
                    connection.execute(f"ATTACH '{file}' AS part; USE part")
                    for statement in act(members):
                        connection.execute(statement)
                    connection.execute("USE memory; DETACH part")

        attached("create", lambda members: ["BEGIN", *(organization(slug, views=False) for slug in members), "COMMIT"])
        figures["file, MB"] = round(max(file.stat().st_size for file in parts) / 2**20, 2)
        with timed(figures, "copy as many"):
            for file in parts:
                shutil.copy(next(iter(parts)), file.with_suffix(".copy"))
        attached("attach", lambda _members: [])
        attached("attach, fingerprints", lambda _members: [LOOK])
        attached("attach, alter all", lambda members: ["BEGIN", *map(_alter, members), "COMMIT"])
        figures["memory"] = resident()
        with timed(figures, "attach all, keep them"):
            for index, file in enumerate(parts):
                connection.execute(f"ATTACH '{file}' AS part_{index}")
        figures["memory with all attached"] = resident()
    return figures | {"load": round(os.getloadavg()[0], 1)}


def _alter(slug: str) -> str:
    return f"ALTER TABLE {dataset_of(slug)}.{TABLE} ADD COLUMN {COLUMN} VARCHAR"


if __name__ == "__main__":
    main()
